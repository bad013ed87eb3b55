"""How the API server is asked for a diagnosis: one object, a list, a ConfigMap, pods by label, metrics.k8s.io."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar
from urllib.parse import quote

from kubectl_metrics.connection.deadlines import format_seconds
from kubectl_metrics.connection.generated import ObjectAPI
from kubectl_metrics.connection.transport import Response, Transport
from kubectl_metrics.diagnosis import objects
from kubectl_metrics.diagnosis.collect.reading import object_decoder, read, read_list, read_whole
from kubectl_metrics.diagnosis.evidence import Read
from kubectl_metrics.errors import ConnectionFailed, FailureKind
from kubectl_metrics.sources.reach import Reach
from kubectl_metrics.wire.metrics_list import GROUP

T = TypeVar("T")
Method = Callable[..., Any]  # of a generated class

READ_TIMEOUT = 15.0  # seconds for one read, if nobody says otherwise; metrics.k8s.io has 60 MB to say of 150,000 pods
SYSTEM = "kube-system"
FEW = 500  # objects that have one label, or are of one kind in one namespace: more are somebody's accident


class Asking:
    """One API server, asked through the generated classes, with one time limit for each read.

    ``what`` is always the right that a read takes, as in "get configmaps in kube-system".
    """

    def __init__(self, api: Transport, timeout: float | None = None) -> None:
        """Nothing is asked yet. ``timeout``: seconds for one read, READ_TIMEOUT if there is none."""
        self.api = api
        self.objects = ObjectAPI(api)
        self.timeout = timeout or READ_TIMEOUT
        self._reach = Reach(1)  # so many are asked at once that one would have been answered

    def get(self, path: str, query: tuple[tuple[str, str], ...] = ()) -> Response:
        """The answer to a path that no generated class knows. Raises ConnectionFailed."""
        return self.api.get(path, query, timeout=self.timeout)

    def ask(self, method: Method, *args: str, **given: Any) -> Response:
        """The answer to a generated method, about what the API server has stored. Raises ConnectionFailed.

        Where it has kept silent about something for all that time, and has told nothing else meanwhile, the rest are
        not asked: its storage hangs, and each would cost a time limit.
        """
        if self._reach.hopeless():
            reason = f"not asked: nothing was answered within {format_seconds(self.timeout)}"
            raise ConnectionFailed(FailureKind.HUNG, self.api.server, reason)
        try:
            response = self.regardless(method, *args, **given)
        except ConnectionFailed as error:
            if error.kind in (FailureKind.HUNG, FailureKind.TIMEOUT):
                self._reach.note(reached=False)
            raise
        self._reach.note(reached=True)
        return response

    def regardless(self, method: Method, *args: str, **given: Any) -> Response:
        """The answer to a generated method, about what the server knows without looking. Raises ConnectionFailed."""
        return self.objects.read(method, *args, timeout=self.timeout, **given)

    def one(self, what: str, method: Method, kind: type[T], *args: str) -> Read[T]:
        """One object."""
        return read(what, lambda: self.ask(method, *args), object_decoder(kind))

    def listed(
        self, what: str, method: Method, kind: type[T], *args: str, at_most: int | None = None, **given: str
    ) -> Read[list[T]]:
        """All objects of a list, page by page, or the first ``at_most`` of them."""
        return read_list(what, lambda **page: self.ask(method, *args, **given, **page), kind, at_most=at_most)

    def config_map(self, name: str) -> Read[objects.ConfigMap]:
        """A ConfigMap of kube-system."""
        method = self.objects.core.read_namespaced_config_map
        return self.one(f"get configmaps in {SYSTEM}", method, objects.ConfigMap, name, SYSTEM)

    def pods(self, namespace: str, selector: str) -> Read[list[objects.Pod]]:
        """The pods of a namespace that a label selector matches."""
        what, method = f"list pods in {namespace}", self.objects.core.list_namespaced_pod
        return self.listed(what, method, objects.Pod, namespace, label_selector=selector, at_most=FEW)

    def metrics(self, resource: str, kind: type[T], namespace: str | None = None) -> Read[list[T]]:
        """metrics.k8s.io in the version that is served, v1beta1 if none is."""
        what = f"list {resource}.{GROUP}" + (f" in {namespace}" if namespace else "")
        place = f"namespaces/{quote(namespace, safe='')}/" if namespace else ""

        def listed(version: str) -> Read[list[T]]:
            path = f"/apis/{GROUP}/{version}/{place}{resource}"
            return read_whole(what, lambda: self.get(path), kind)

        found = listed("v1beta1")
        other = listed("v1") if found.absent else found
        return other if other.ok else found


def selector_of(labels: Mapping[str, str]) -> str:
    """A label selector that matches what has all these labels."""
    return ",".join(f"{key}={value}" for key, value in sorted(labels.items()))
