"""What a verdict consists of."""

from __future__ import annotations

import enum
from collections.abc import Callable, Sequence

import msgspec

from kubectl_metrics.diagnosis.probe import KubeletProbe


class Severity(str, enum.Enum):
    """How bad it is. An error means that usage is missing or wrong for somebody; a warning that it may come to that."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"

    @property
    def rank(self) -> int:
        """0 for the worst."""
        return list(Severity).index(self)


class Category(str, enum.Enum):
    """The stages of the pipeline, in the order in which a question passes through them."""

    API_SERVER = "api-server"
    REGISTRATION = "registration"
    AGGREGATION = "aggregation"
    SERVICE = "service"
    METRICS_SERVER = "metrics-server"
    RBAC = "rbac"
    NODES = "nodes"
    KUBELETS = "kubelets"
    DATA = "data"
    CONSUMERS = "consumers"


class Proof(msgspec.Struct, frozen=True):
    """Where it was seen: the field of an object, and what was in it."""

    object: str  # "APIService v1beta1.metrics.k8s.io", "Pod kube-system/metrics-server-abc", "kubelet of node-a"
    field: str  # as in the API: "status.conditions[Available].message", "spec.ports[].port"
    value: str

    @property
    def name(self) -> str:
        """The object's name alone: "node-a" of "kubelet of node-a"."""
        return self.object.rpartition(" ")[2]


class Fault(msgspec.Struct, kw_only=True):
    """What a check has found, before anybody has compared it with what others found."""

    evidence: list[Proof]
    affected: list[str] = msgspec.field(
        default_factory=list
    )  # the nodes, pods ... it is about, "node-a", "shop/cart"; empty: the whole pipeline
    title: str = ""  # more exact than the check's own
    remedy: str = ""  # with the names filled in; by default the check's own
    remedy_for: Callable[[Sequence[str]], str] | None = None  # for some of those that it is about, if it names any
    severity: Severity | None = None  # milder than the check's own
    passing: bool = False  # it will be over by itself: a remark, and so is what only follows from it


class Finding(msgspec.Struct, rename="camel", kw_only=True):
    """A fault, with everything that a reader wants to know about it."""

    id: str
    severity: Severity
    category: Category
    title: str
    evidence: list[Proof]
    affected: list[str]
    remedy: str
    link: str
    symptom_of: str | None = None
    passing: bool = False  # see Fault; of a symptom: its cause is
    remedy_for: Callable[[Sequence[str]], str] | None = None  # see Fault; until it is known who is left

    @property
    def weight(self) -> tuple[int, int, str]:
        """The smaller, the more it counts: by severity, then by the stage of the pipeline."""
        return self.severity.rank, list(Category).index(self.category), self.id


class Suppression:
    """``--suppress ID`` or ``ID=OBJECT``: a finding that nobody wants to hear of, or not for that node or pod."""

    def __init__(self, text: str) -> None:
        self.id, _, self.object = text.partition("=")


class Skipped(msgspec.Struct, frozen=True):
    """A check whose ground was missing, and the id of the finding that took it away."""

    id: str
    because: str


class NotChecked(msgspec.Struct, frozen=True):
    """A check that needs what could not be read."""

    id: str
    needs: str  # the right: "get configmaps in kube-system"
    reason: str


class Stage(msgspec.Struct, kw_only=True):
    """One stage of the pipeline: what was looked at, and what was seen."""

    category: Category
    outcome: str  # "ok", a severity's value, "skipped" or "unknown"
    seen: str


class Verdict(msgspec.Struct, rename="camel", kw_only=True):
    """The whole result. Causes come before what they cause, errors before warnings."""

    server: str
    collected_at: str
    stages: list[Stage]
    findings: list[Finding]
    passed: list[str]
    skipped: list[Skipped]
    not_checked: list[NotChecked]
    suppressed: list[str] = msgspec.field(default_factory=list)  # ids that were found, and that nobody wants to hear of
    nodes: int | None = None  # how many nodes there are; None if not known
    kubelet: KubeletProbe | None = None  # the one that was looked at in depth

    def worst(self) -> Severity | None:
        """The worst severity among the findings."""
        return min((one.severity for one in self.findings), key=lambda one: one.rank, default=None)
