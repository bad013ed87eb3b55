"""kubectl metrics diagnose finds faults that were made in the cluster, and says what puts them right."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.faults import FAULTS, Fault, Ward
from tests.e2e.kit import Kit, wait_for

pytestmark = pytest.mark.kit

WARDS = list(dict.fromkeys(fault.ward for fault in FAULTS.values()))
IN_TURN = sorted(FAULTS.values(), key=lambda fault: WARDS.index(fault.ward))


class Diagnosis:
    """The document, and the exit status that came with it."""

    def __init__(self, kit: Kit, *arguments: str, env: dict[str, str] | None = None) -> None:
        ran = kit.ours("diagnose", "-o", "json", *arguments, env=env)
        self.status = ran.status
        document: dict[str, Any] = ran.json()
        assert (document["apiVersion"], document["kind"]) == ("kubectl-metrics/v1", "Diagnosis")
        self.findings: list[dict[str, Any]] = document["findings"]
        self.not_checked: list[dict[str, Any]] = document["notChecked"]

    def roots(self, *severities: str) -> list[str]:
        """The ids of what follows from nothing else that was found."""
        return [one["id"] for one in self.findings if one["severity"] in severities and one["symptomOf"] is None]

    def ids(self) -> set[str]:
        return {one["id"] for one in self.findings}


@pytest.fixture(scope="module")
def ward(cluster: Kit) -> Iterator[Ward]:
    one = Ward(cluster)
    yield one
    one.enter("")


def test_two_faults_are_both_found(kit: Kit, ward: Ward) -> None:
    ward.enter("")
    with FAULTS["auth-delegator-missing"](kit), FAULTS["apiservice-of-another-port"](kit):
        found = Diagnosis(kit)
        assert sorted(found.roots("error")) == ["KM402", "KM602"]
        assert found.status == 5


def test_a_cluster_in_good_health(kit: Kit, ward: Ward) -> None:
    ward.enter("")
    found = Diagnosis(kit)
    assert [one for one in found.findings if one["severity"] != "info"] == []
    assert found.status == 0
    assert kit.kubectl("metrics", "diagnose").status == 0


@pytest.mark.metrics_server("off")
def test_nothing_is_installed(kit: Kit) -> None:
    found = Diagnosis(kit)
    assert found.roots("error") == ["KM201"]
    assert found.status == 5


@pytest.mark.metrics_server("no-service")
def test_the_service_is_gone(kit: Kit) -> None:
    found = Diagnosis(kit)
    assert found.roots("error") == ["KM401"]
    assert found.status == 5


@pytest.mark.metrics_server("empty")
def test_an_api_that_stays_empty(kit: Kit) -> None:
    found = Diagnosis(kit)
    assert found.roots("error") == ["KM702"]
    assert found.status == 5


# ---- who may read little --------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def nobody(cluster: Kit, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The kubeconfig of an account without any rights."""
    account = ("serviceaccount", "kubectl-metrics-nobody", "-n", "default")
    try:
        cluster.must("create", *account)
        config = cluster.config()
        config["users"][0]["user"] = {"token": cluster.must("create", "token", *account[1:])}
        path: Path = tmp_path_factory.mktemp("nobody") / "config"
        path.write_text(json.dumps(config))
        yield str(path)
    finally:
        cluster.kubectl("delete", "--ignore-not-found", *account)


def _honest(found: Diagnosis) -> None:
    """What could not be read is said to be so, and nothing is made of it."""
    assert found.not_checked
    assert all(one["needs"] and one["reason"] for one in found.not_checked)
    assert set(found.roots("error", "warning")) <= {"KM901"}  # that this user may read no metrics is the truth


def test_who_may_read_almost_nothing(kit: Kit, ward: Ward, nobody: str) -> None:
    ward.enter("")
    _honest(Diagnosis(kit, f"--kubeconfig={nobody}"))
    with FAULTS["selector-of-no-pod"](kit):
        _honest(Diagnosis(kit, f"--kubeconfig={nobody}"))


# ---- one fault after the other --------------------------------------------------------------------------------------
# The last ones restart kube-apiserver, after which whoever looks at what a fault has changed would come late.


@pytest.mark.parametrize("fault", IN_TURN, ids=str)
def test_the_cause_comes_first_and_nothing_else_is_blamed(kit: Kit, ward: Ward, fault: Fault) -> None:
    ward.enter(fault.ward)
    for chances in reversed(range(5 if fault.fleeting else 1)):
        with fault(kit):
            found = Diagnosis(kit, *["--logs"] * fault.needs_logs)
            if fault.expected in found.ids() or not chances:
                _judge(kit, fault, found)
                return


def _judge(kit: Kit, fault: Fault, found: Diagnosis) -> None:
    """The cause first, no other error, the status that goes with it, and a remedy that helps."""
    first = found.findings[0]
    assert (first["id"], first["severity"]) == (fault.expected, fault.severity), found.findings
    assert found.roots("error") == [fault.expected] * (fault.severity == "error")
    assert found.status == (5 if fault.severity == "error" else 0)
    assert first["evidence"]
    if fault.remedy_cures:
        _follow(kit, fault, first["remedy"])


def _follow(kit: Kit, fault: Fault, remedy: str) -> None:
    """Does what the report says, and looks again."""
    command, *_ = remedy.split("  # ")
    assert command.startswith("kubectl ")
    ran = kit.run("sh", "-c", command)
    assert ran.status == 0, ran.stderr
    wait_for(f"the end of {fault.expected}", lambda: fault.expected not in Diagnosis(kit).ids())
