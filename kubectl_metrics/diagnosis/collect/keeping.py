"""What is kept of lists that hold more than the pipeline's own."""

from __future__ import annotations

from collections.abc import Collection

import msgspec

from kubectl_metrics.diagnosis.collect.reading import kept
from kubectl_metrics.diagnosis.evidence import Read
from kubectl_metrics.diagnosis.objects import APIService, Event, Namespace, condition
from kubectl_metrics.wire.metrics_list import GROUP

_EVENTS = 50


def is_noteworthy(one: APIService) -> bool:
    """Whether an APIService is metrics.k8s.io's, or not available."""
    found = condition(one.status.conditions, "Available")
    return one.spec.group == GROUP or (found is not None and found.status != "True")


def is_terminating(one: Namespace) -> bool:
    """Whether a namespace is being deleted."""
    return one.status.phase == "Terminating" or one.metadata.deletion_timestamp is not None


def events_about(found: Read[list[Event]], pods: Collection[str], deployment: str) -> Read[list[Event]]:
    """The newest events about these pods, a Deployment and its ReplicaSets and pods, by name."""

    def is_about(event: Event) -> bool:
        name = event.involved_object.name
        return name in pods or name == deployment or name.startswith(f"{deployment}-")

    events = kept(found, is_about)
    if events.value is None:
        return events
    newest = sorted(events.value, key=lambda one: one.last_timestamp or one.event_time or "")[-_EVENTS:]
    return msgspec.structs.replace(events, value=newest)
