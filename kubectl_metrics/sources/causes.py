"""The likely cause of a missing metrics.k8s.io, in plain words, from the one answer that a table's request has had.

That answer is the APIService's own reason (kube-aggregator's remote_available_controller.go) or the text of a 503.
``diagnose`` looks at everything else; this is only what is already known, and it is said with the way to know more.
"""

from __future__ import annotations

DIAGNOSE = "'kubectl metrics diagnose' looks for the cause"

# What the answer has in it, and what that mostly means. The first that fits counts: certificates are named in the same
# sentence as the check that failed because of them.
_SIGNS = (
    ("x509:", "metrics-server's certificate is not accepted"),
    ("ServiceNotFound", "the Service of metrics-server does not exist"),
    ("ServicePortError", "the Service of metrics-server has no such port"),
    ("EndpointsNotFound", "no pod of metrics-server is ready"),
    ("MissingEndpoints", "no pod of metrics-server is ready"),
    ("connection refused", "metrics-server does not listen where its Service leads"),
    ("no route to host", "the API server has no way to metrics-server's pod"),
    ("no answer within", "metrics-server does not answer, or the API server does not reach its pod"),
    (" bytes within", "metrics-server does not answer to the end"),
    ("i/o timeout", "the API server does not reach metrics-server's pod"),
    ("deadline exceeded", "the API server does not reach metrics-server's pod"),
    ("FailedDiscoveryCheck", "metrics-server does not answer the API server as it should"),
)


def likely(detail: str) -> str:
    """What a reason of the API's mostly means; "" if it means nothing in particular."""
    return next((cause for sign, cause in _SIGNS if sign in detail), "")
