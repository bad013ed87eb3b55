"""An evidence in which names and addresses are replaced by others, for somebody who must not know them.

What stays: what Kubernetes and metrics-server are called (``vocabulary``), versions, times, quantities, ports, what
kind of network an address is in, and every relation between names and between addresses that a check looks at. So it is
judged like the original. docs/bundle.md tells what that means for those who pass one on.
"""

from __future__ import annotations

from collections.abc import Callable

from kubectl_metrics.diagnosis.bundles.mask.fields import Learning, Replacing
from kubectl_metrics.diagnosis.bundles.mask.names import Names
from kubectl_metrics.diagnosis.evidence import Evidence


def mask(evidence: Evidence, key: bytes) -> Evidence:
    """The evidence with other names and addresses: the same ones for the same key, unguessable without it."""
    return masked(evidence, key)[0]


def masked(evidence: Evidence, key: bytes) -> tuple[Evidence, Callable[[str], str]]:
    """As ``mask``, and a function that does the same to another text, such as the name of a node."""
    names = Names(key)
    learning = Learning(names)
    # What a name is called by depends on where it is met first: a node is a node, also where a pod is called after it.
    for name in ("nodes", "node_metrics", "kubelets", "namespaces", "service", "deployments", "pods"):
        learning.visit(getattr(evidence, name))
    learning.visit(evidence)
    hidden = Replacing(names).visit(evidence)
    return hidden, lambda text: "/".join(names.name(part) for part in text.split("/"))
