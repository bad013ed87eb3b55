"""The command line of ``diagnose`` against the simulated cluster: what it prints, what it saves, how it ends."""

from __future__ import annotations

import contextlib
import itertools
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from kubectl_metrics.diagnosis.bundles.bundle import encode
from tests.commands.conftest import small_cluster
from tests.diagnosis import servers
from tests.diagnosis.build import at
from tests.harness import Result, Tool, run, tool
from tests.simcluster import Fault, SimCluster, User, allow
from tests.simcluster.pipeline import Pipeline, install


@pytest.fixture
def cluster() -> Iterator[SimCluster]:
    with small_cluster() as running:
        del running.pods["kube-system/agent"]  # whose CPU is zero: a finding of its own
        yield running


@pytest.fixture
def pipeline(cluster: SimCluster) -> Pipeline:
    return install(cluster)


@pytest.fixture
def admin(cluster: SimCluster, pipeline: Pipeline) -> Tool:
    del pipeline
    return tool(cluster)


def document(result: Result) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(result.out)
    return found


def _bundle(evidence: dict[str, Any]) -> bytes:
    return json.dumps({"apiVersion": "kubectl-metrics/v1", "kind": "Evidence", "evidence": evidence}).encode()


def break_service(cluster: SimCluster, pipeline: Pipeline) -> None:
    cluster.objects.remove("Service", "metrics-server", "kube-system")
    pipeline.unavailable("ServiceNotFound", 'service/metrics-server in "kube-system" is not present')


def mend_service(cluster: SimCluster, pipeline: Pipeline, service: Any) -> None:
    cluster.objects.add(service)
    cluster.metrics.unavailable = None
    pipeline.api_service["status"]["conditions"][0].update(status="True", reason="Passed", message="all checks passed")


class TestHealthy:
    def test_a_short_all_clear(self, admin: Tool) -> None:
        result = admin("diagnose")
        assert (result.status, result.err) == (0, "")
        assert len(result.out.splitlines()) <= 16
        assert all(len(line) <= 80 for line in result.out.splitlines())

    def test_nothing_is_found(self, admin: Tool) -> None:
        found = document(admin("diagnose", "-o", "json"))
        assert [one for one in found["findings"] if one["severity"] != "info"] == []
        assert found["notChecked"] == []
        assert found["passed"]

    def test_one_kubelet(self, cluster: SimCluster, admin: Tool) -> None:
        assert admin("diagnose", "--node", "node-b").status == 0
        assert cluster.asked("node-b", "/configz")
        assert not cluster.asked("node-a")

    def test_no_kubelet_at_all(self, cluster: SimCluster, admin: Tool) -> None:
        assert admin("diagnose", "--max-kubelets", "0").status == 0
        assert not [request for request in cluster.requests if "/metrics/resource" in request.path]

    def test_one_namespace(self, cluster: SimCluster, admin: Tool) -> None:
        assert admin("diagnose", "-n", "shop").status == 0
        assert not cluster.asked("api", "/api/v1/pods")
        assert cluster.asked("api", "/api/v1/namespaces/shop/pods")


class TestBroken:
    @pytest.fixture(autouse=True)
    def broken(self, cluster: SimCluster, pipeline: Pipeline) -> None:
        break_service(cluster, pipeline)

    @pytest.mark.parametrize("form", ["short", "table", "markdown", "yaml"])
    def test_every_form_names_it(self, admin: Tool, form: str) -> None:
        result = admin("diagnose", "-o", form)
        assert (result.status, result.err) == (5, "")
        assert "KM401" in result.out

    def test_the_cause_first(self, admin: Tool) -> None:
        findings = document(admin("diagnose", "-o", "json"))["findings"]
        assert findings[0]["id"] == "KM401"
        assert findings[0]["symptomOf"] is None
        assert all(one["symptomOf"] for one in findings[1:] if one["severity"] == "error")

    @pytest.mark.parametrize(("threshold", "status"), [("error", 5), ("warning", 5), ("never", 0)])
    def test_what_makes_it_fail(self, admin: Tool, threshold: str, status: int) -> None:
        assert admin("diagnose", "--fail-on", threshold).status == status

    def test_only(self, admin: Tool) -> None:
        assert [one["id"] for one in document(admin("diagnose", "--only", "KM401", "-o", "json"))["findings"]] == [
            "KM401"
        ]
        other = admin("diagnose", "--only", "KM201", "-o", "json")
        assert (other.status, document(other)["findings"]) == (0, [])

    def test_suppress(self, admin: Tool) -> None:
        result = admin("diagnose", "--suppress", "KM401", "-o", "json")
        assert "KM401" not in [one["id"] for one in document(result)["findings"]]
        assert (result.status, [one for one in document(result)["findings"] if one["symptomOf"] == "KM401"]) == (0, [])

    def test_ids_in_any_case(self, admin: Tool) -> None:
        assert admin("diagnose", "--only", "km401").status == 5
        assert admin("diagnose", "--suppress", "km401").status == 0

    def test_wait_until_the_time_is_over(self, admin: Tool) -> None:
        result = admin("diagnose", "--wait", "1ms")
        assert result.status == 5
        assert result.err.startswith("waiting: ")
        assert "(KM401)" in result.err


def test_waiting_has_a_time_of_its_own(admin: Tool) -> None:
    result = admin("diagnose", "--wait", "1m", "--timeout", "5s")
    assert (result.status, result.out) == (2, "")
    assert result.err.startswith("error: --wait looks again and again, and --timeout is for everything together")


def test_wait_until_it_is_well(cluster: SimCluster, pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch) -> None:
    """The Service comes back while it waits: the pause between two looks is when things change."""
    service = cluster.objects.get("Service", "metrics-server", "kube-system")
    break_service(cluster, pipeline)

    monkeypatch.setattr(
        "kubectl_metrics.commands.looking.time.sleep", lambda _: mend_service(cluster, pipeline, service)
    )
    result = tool(cluster)("diagnose", "--wait", "1m")
    assert result.status == 0
    assert len(result.err.splitlines()) == 1


def test_waiting_outlives_an_api_server_that_is_away(
    cluster: SimCluster, pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    del pipeline
    faults = contextlib.ExitStack()
    faults.enter_context(cluster.fault("api", Fault.refuse()))
    monkeypatch.setattr("kubectl_metrics.commands.looking.time.sleep", lambda _: faults.close())
    result = tool(cluster)("diagnose", "--wait", "1m")
    assert (result.status, result.err) == (0, "waiting: the API server does not answer (connect: connection refused)\n")


def test_waiting_for_an_api_server_that_stays_away(cluster: SimCluster) -> None:
    with cluster.fault("api", Fault.refuse()):
        result = tool(cluster)("diagnose", "--wait", "1ms")
    assert (result.status, result.out) == (1, "")
    assert "was refused" in result.err.splitlines()[-1]


def test_waiting_for_metrics_that_do_not_come(cluster: SimCluster, pipeline: Pipeline) -> None:
    """Nothing is wrong with a metrics-server that has just started, and yet this is not what was waited for."""
    pipeline.container.started = cluster.clock.now()
    with cluster.fault("api", Fault.empty_list(), "/apis/metrics.k8s.io/v1beta1"):
        assert tool(cluster)("diagnose").status == 0
        late = tool(cluster)("diagnose", "--wait", "1ms")
        never = tool(cluster)("diagnose", "--wait", "1ms", "--fail-on", "never")
    assert (late.status, never.status) == (5, 0)


def test_a_token_that_expires_while_it_is_waited(
    cluster: SimCluster, pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The kubelet, or whoever keeps the file, has put another one there."""
    service = cluster.objects.get("Service", "metrics-server", "kube-system")
    break_service(cluster, pipeline)
    file = tmp_path / "token"
    file.write_text(cluster.token("admin"))
    config = cluster.kubeconfig(credentials=False)
    document = json.loads(config.read_text())
    document["users"][0]["user"] = {"tokenFile": str(file)}
    config.write_text(json.dumps(document))
    pauses = itertools.count()

    def pause(_seconds: float) -> None:
        if next(pauses) == 0:
            cluster.users["other"] = cluster.users.pop("admin")
            file.write_text(cluster.token("other"))
        else:
            mend_service(cluster, pipeline, service)

    monkeypatch.setattr("kubectl_metrics.commands.looking.time.sleep", pause)
    result = Tool(config)("diagnose", "--wait", "1m")
    assert (result.status, next(pauses)) == (0, 2)
    del cluster.users["other"]  # and this one is not known a second time
    refused = Tool(config)("diagnose", "--wait", "1m")
    assert (refused.status, "You must be logged in" in refused.err) == (1, True)


class TestBundles:
    def test_suppressed_by_name_and_masked(self, cluster: SimCluster, pipeline: Pipeline) -> None:
        del pipeline
        cluster.metrics.missing = {"node-b"}
        with cluster.fault("node-b", Fault.refuse()):
            plain = tool(cluster)("diagnose", "--suppress", "KM721=node-b")
            masked = tool(cluster)("diagnose", "--suppress", "KM721=node-b", "--mask")
        assert (plain.status, masked.status) == (0, 0)
        assert "node-b" not in masked.out

    def test_judged_again(self, cluster: SimCluster, pipeline: Pipeline, admin: Tool, tmp_path: Path) -> None:
        break_service(cluster, pipeline)
        bundle = tmp_path / "bundle.json"
        live = admin("diagnose", "--save", str(bundle), "-o", "json")
        assert (live.status, live.err) == (5, f"note: what was seen is in {bundle}\n")
        asked = len(cluster.requests)
        again = run("diagnose", "--from", str(bundle), "-o", "json")
        assert (again.status, document(again)) == (5, document(live))
        assert len(cluster.requests) == asked
        assert bundle.stat().st_mode & 0o077 == 0

    def test_masked(self, cluster: SimCluster, pipeline: Pipeline, admin: Tool, tmp_path: Path) -> None:
        break_service(cluster, pipeline)
        bundle = tmp_path / "bundle.json"
        live = admin("diagnose", "--save", str(bundle), "--mask", "-o", "json")
        for text in (bundle.read_text(), live.out):
            assert "node-b" not in text
            assert "web-1" not in text
        assert document(run("diagnose", "--from", str(bundle), "-o", "json")) == document(live)
        assert document(live)["findings"][0]["id"] == "KM401"

    def test_nothing_secret(self, cluster: SimCluster, admin: Tool, tmp_path: Path) -> None:
        bundle = tmp_path / "bundle.json"
        assert admin("diagnose", "--save", str(bundle), "--logs").status == 0
        assert cluster.token("admin") not in bundle.read_text()
        assert "PRIVATE KEY" not in bundle.read_text()

    @pytest.mark.parametrize(
        ("content", "words"),
        [
            (b"", "empty"),
            (b"{", "JSON"),
            (b"\x00\xff", "JSON"),
            (b"[]", ""),
            (b'{"apiVersion":"v1","kind":"ConfigMap"}', "ConfigMap"),
            (b'{"apiVersion":"kubectl-metrics/v2","kind":"Evidence"}', "newer"),
            (
                b'{"apiVersion":"kubectl-metrics/v1","kind":"Evidence","evidence":{"nodes":{"state":"ok","value":7}}}',
                "nodes",
            ),
            (b"[" * 100_000, ""),
        ],
    )
    def test_what_is_no_bundle(self, tmp_path: Path, content: bytes, words: str) -> None:
        bundle = tmp_path / "bundle.json"
        bundle.write_bytes(content)
        result = run("diagnose", "--from", str(bundle))
        assert (result.status, result.out) == (1, "")
        assert words in result.err
        assert str(bundle) in result.err
        assert 1 <= len(result.err.splitlines()) <= 2

    def test_no_file(self, tmp_path: Path) -> None:
        result = run("diagnose", "--from", str(tmp_path / "none"))
        assert (result.status, result.out) == (2, "")
        assert "No such file" in result.err

    def test_a_file_that_cannot_be_written(self, admin: Tool, tmp_path: Path) -> None:
        result = admin("diagnose", "--save", str(tmp_path / "none" / "bundle.json"))
        assert result.status == 1
        assert "No such file" in result.err
        assert result.out.startswith("All is well")

    def test_a_full_disk(self, admin: Tool) -> None:
        result = admin("diagnose", "--save", "/dev/full")
        assert (result.status, result.err) == (1, "error: cannot write /dev/full: No space left on device\n")
        assert result.out.startswith("All is well")

    def test_one_that_was_there_is_replaced(self, admin: Tool, tmp_path: Path) -> None:
        bundle = tmp_path / "bundle.json"
        bundle.write_text("x" * 1_000_000)
        assert admin("diagnose", "--save", str(bundle)).status == 0
        assert run("diagnose", "--from", str(bundle)).status == 0
        assert list(tmp_path.iterdir()) == [bundle]

    @pytest.mark.parametrize(("seconds", "status"), [(20, 0), (3600, 5)])
    def test_a_metrics_server_that_has_only_just_started_is_no_error(
        self, tmp_path: Path, seconds: int, status: int
    ) -> None:
        evidence = servers.down()
        state = servers.its_status(evidence).state
        assert state.running is not None
        state.running.started_at = at(seconds=seconds)
        bundle = tmp_path / "bundle.json"
        bundle.write_bytes(encode(evidence))
        result = run("diagnose", "--from", str(bundle))
        assert (result.status, "KM506" in result.out) == (status, True)


class TestFromHere:
    """What this user cannot see, and what fails, is no fault of the pipeline."""

    ONLY_WHERE_SOMETHING_IS_WRONG = frozenset({"aws-auth", "nodes/healthz", "nodes/configz", "services/proxy"})

    def test_hardly_any_rights(self, cluster: SimCluster, pipeline: Pipeline) -> None:
        del pipeline
        cluster.users["guest"] = User(rules=(allow("list", "pods", "metrics.k8s.io"),))
        result = tool(cluster, "guest")("diagnose", "-o", "json")
        found = document(result)
        assert {one["id"] for one in found["findings"] if one["severity"] == "error"} <= {"KM901"}
        assert any("get configmaps in kube-system" in one["needs"] for one in found["notChecked"])

    def test_the_rights_that_it_can_make_use_of(self, cluster: SimCluster, pipeline: Pipeline) -> None:
        """docs/diagnose-reader.yaml has all of them, and nothing that could be left out."""
        del pipeline
        role = yaml.safe_load((Path(__file__).parents[2] / "docs" / "diagnose-reader.yaml").read_text())
        rights = [
            (verb, resource, group, name)
            for rule in role["rules"]
            for group, resource, verb in itertools.product(rule["apiGroups"], rule["resources"], rule["verbs"])
            for name in rule.get("resourceNames", [""])
        ]
        rules = {right: allow(*right[:3], names=[right[3]] if right[3] else None) for right in rights}
        cluster.users["reader"] = User(rules=tuple(rules.values()))
        found = document(tool(cluster, "reader")("diagnose", "--logs", "-o", "json"))
        assert (found["notChecked"], found["findings"]) == ([], [])
        for right in rights:
            if self.ONLY_WHERE_SOMETHING_IS_WRONG & set(right):
                continue
            cluster.users["reader"] = User(rules=tuple(rule for other, rule in rules.items() if other != right))
            less = document(tool(cluster, "reader")("diagnose", "--logs", "-o", "json"))
            assert (less["notChecked"], less["findings"], less["passed"]) != ([], [], found["passed"]), right

    def test_no_server(self, cluster: SimCluster, admin: Tool) -> None:
        with cluster.fault("api", Fault.refuse()):
            result = admin("diagnose")
        assert (result.status, result.out) == (1, "")
        assert "was refused - did you specify the right host or port?" in result.err

    def test_an_unknown_user(self, cluster: SimCluster, admin: Tool) -> None:
        with cluster.fault("api", Fault.status(401)):
            result = admin("diagnose")
        assert (result.status, result.out) == (1, "")
        assert "You must be logged in to the server" in result.err

    def test_a_server_that_breaks_off_in_the_middle(self, cluster: SimCluster, admin: Tool) -> None:
        with cluster.fault("api", Fault.truncated(3), path="/api/v1"):
            result = admin("diagnose", "-o", "json")
        assert document(result)["notChecked"]
        assert "Traceback" not in result.err

    def test_an_unknown_node(self, admin: Tool) -> None:
        result = admin("diagnose", "--node", "node-z")
        assert (result.status, result.out) == (1, "")
        assert 'node "node-z" not found' in result.err


class TestUsage:
    @pytest.mark.parametrize(
        ("arguments", "words"),
        [
            (["--only", "KM999"], "KM999"),
            (["--suppress", "nonsense=x"], "nonsense"),
            (["--explain", "KM4011"], "KM401"),
            (["--explain", ""], "no check"),
            (["--from", ""], "No such file"),
            (["--fail-on", "sometimes"], "sometimes"),
            (["--from", "x", "--node", "node-a"], "--node"),
            (["--from", "x", "--wait", "1m"], "--wait"),
            (["--wait", "soon"], "soon"),
            (["--suppress", "KM401="], "ID=OBJECT"),
            (["--mask", "-v"], "-v"),
            (["--node", "../x"], "../x"),
            (["--max-kubelets", "-1"], "-1"),
            (["--source", "api"], "--source"),
        ],
    )
    def test_wrong(self, arguments: list[str], words: str) -> None:
        result = run("diagnose", *arguments)
        assert (result.status, result.out) == (2, "")
        assert words in result.err

    def test_list_checks(self) -> None:
        result = run("diagnose", "--list-checks")
        assert (result.status, result.err) == (0, "")
        assert "KM401" in result.out

    def test_explain(self) -> None:
        result = run("diagnose", "--explain", "KM401")
        assert (result.status, result.err) == (0, "")
        assert "The Service that the APIService names does not exist" in result.out
