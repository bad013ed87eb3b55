"""Commands that one can paste. The names in them come from the cluster, or from a bundle of who knows whom: quoted."""

from __future__ import annotations

import json
import shlex

MANIFESTS = "https://github.com/kubernetes-sigs/metrics-server/releases/latest/download/components.yaml"
API_SERVICE = "https://raw.githubusercontent.com/kubernetes-sigs/metrics-server/master/manifests/base/apiservice.yaml"


def quoted(*words: str) -> str:
    """A command."""
    return shlex.join(words)


def kubectl(*words: str, namespace: str = "", note: str = "") -> str:
    """A kubectl command, with a remark behind it."""
    place = ["-n", namespace] if namespace else []
    return shlex.join(["kubectl", *place, *words]) + (f"  # {note}" if note else "")


def patch(kind: str, name: str, change: object, *, namespace: str = "", note: str = "") -> str:
    """A kubectl patch: of fields with a mapping, of what has to be replaced as a whole with a list (JSON patch)."""
    sort = "json" if isinstance(change, list) else "merge"
    body = json.dumps(change, separators=(",", ":"))
    return kubectl("patch", kind, name, f"--type={sort}", "-p", body, namespace=namespace, note=note)
