"""kubectl metrics: usage tables of nodes and pods, also where metrics.k8s.io is absent or broken."""

__version__ = "0.1.0"
