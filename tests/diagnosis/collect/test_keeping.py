"""What is kept of long lists."""

from __future__ import annotations

import pytest

from kubectl_metrics.diagnosis import objects as k8s
from kubectl_metrics.diagnosis.collect.keeping import events_about, is_noteworthy, is_terminating
from kubectl_metrics.wire.metrics_list import GROUP
from tests.diagnosis.build import condition, ok, refused


@pytest.mark.parametrize(
    ("group", "status", "expected"),
    [(GROUP, "True", True), (GROUP, "", True), ("apps", "True", False), ("apps", "", False), ("apps", "False", True)],
)
def test_api_services(group: str, status: str, expected: bool) -> None:
    one = k8s.APIService(spec=k8s.APIServiceSpec(group=group, version="v1"))
    one.status.conditions = [condition("Available", status)] if status else None
    assert is_noteworthy(one) is expected


def test_namespaces() -> None:
    assert is_terminating(k8s.Namespace(status=k8s.NamespaceStatus(phase="Terminating")))
    assert is_terminating(k8s.Namespace(metadata=k8s.Metadata(deletion_timestamp="2026-03-02T10:00:00Z")))
    assert not is_terminating(k8s.Namespace(status=k8s.NamespaceStatus(phase="Active")))


def event(name: str, second: int = 0, *, new: bool = False) -> k8s.Event:
    """Of the newer kind of event only eventTime is set."""
    at = f"2026-03-02T10:00:{second:02}Z"
    return k8s.Event(
        last_timestamp=None if new else at,
        event_time=at if new else None,
        involved_object=k8s.TargetRef(kind="Pod", namespace="kube-system", name=name),
    )


def names(events: list[k8s.Event]) -> list[str]:
    return [one.involved_object.name for one in events]


def test_events_are_told_by_name_oldest_first() -> None:
    events = [
        event("metrics-server-abc-x", 3),
        event("metrics-server", 2, new=True),
        event("metrics-servers", 1),
        event("other", 1),
        event("odd", 1),
    ]
    found = events_about(ok(events, "list events"), {"odd"}, "metrics-server").get()
    assert names(found) == ["odd", "metrics-server", "metrics-server-abc-x"]


def test_of_events_the_newest() -> None:
    events = [event(f"a-{second}", second) for second in reversed(range(60))]
    assert names(events_about(ok(events), (), "a").get()) == [f"a-{second}" for second in range(10, 60)]


def test_events_that_may_not_be_read() -> None:
    assert events_about(refused("list events"), (), "a") == refused("list events")
