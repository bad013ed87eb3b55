"""The cluster under test: running commands against it, changing it, and waiting until a change has taken effect."""

from __future__ import annotations

import dataclasses
import json
import operator
import os
import subprocess
import sys
import time
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Generic, Literal, TypeVar, get_args

FOLDER = Path(__file__).parent / "cluster"
TOOLS = Path(sys.executable).parent  # where this environment's kubectl-metrics is
METRICS = "/apis/metrics.k8s.io/v1beta1"

Question = TypeVar("Question", bound=Hashable)
Answer = TypeVar("Answer")

State = Literal["on", "no-service", "empty", "off"]
STATES: tuple[State, ...] = get_args(State)  # in the order that costs the fewest restarts of metrics-server


@dataclasses.dataclass(frozen=True)
class Ran:
    """What a command has written, and how it ended."""

    status: int
    stdout: str
    stderr: str

    def table(self) -> list[list[str]]:
        """The cells of each line of stdout."""
        return [line.split() for line in self.stdout.splitlines()]

    def json(self) -> Any:
        return json.loads(self.stdout)

    def errors(self) -> list[str]:
        """The lines on stderr without ours about gaps, which kubectl does not mention."""
        return [line for line in self.stderr.splitlines() if not line.startswith(("warning: ", "note: "))]

    def complaints(self) -> list[str]:
        """The lines on stderr but for the one that always comes: the pod shop/crashing has no usage."""
        return [line for line in self.stderr.splitlines() if "pod shop/crashing" not in line]

    def first_error(self) -> str:
        return self.errors()[0] if self.errors() else ""

    def answer(self) -> tuple[int, str, list[str]]:
        """What has to be equal to kubectl's."""
        return self.status, self.stdout, self.errors()


def undated(ran: Ran) -> Ran:
    """An answer of metrics-server, which dates each of them anew and shuffles the containers of a pod, without that."""
    if '"apiVersion":"metrics.k8s.io/' not in ran.stdout:
        return ran
    document = ran.json()
    for item in document.get("items", [document]):
        item["metadata"]["creationTimestamp"] = None
        item.get("containers", []).sort(key=operator.itemgetter("name"))
    return dataclasses.replace(ran, stdout=json.dumps(document))


def wait_for(what: str, condition: Callable[[], object], seconds: float = 180, *, held: float = 0) -> None:
    """Returns as soon as ``condition`` holds, or has held for so many seconds."""
    started = since = time.monotonic()
    while True:
        holds = condition()
        now = time.monotonic()
        if not holds:
            since = now
        elif now - since >= held:
            return
        assert now - started < seconds, f"gave up waiting for {what} after {seconds} s"
        time.sleep(0.3)


class Ahead(Generic[Question, Answer]):
    """The answers to questions that take long and change nothing: when the first is wanted, all of them are asked."""

    def __init__(self, ask: Callable[[Question], Answer], questions: Iterable[Question], *, at_once: int) -> None:
        self._ask = ask
        self._questions = list(questions)
        self._at_once = at_once
        self._answers: dict[Question, Future[Answer]] = {}

    def __getitem__(self, question: Question) -> Answer:
        if not self._answers:
            pool = ThreadPoolExecutor(self._at_once)
            self._answers = {each: pool.submit(self._ask, each) for each in self._questions}
            pool.shutdown(wait=False)
        return self._answers[question].result()


class Cluster:
    """Any cluster that a kubeconfig names."""

    def __init__(self, kubeconfig: Path) -> None:
        self.kubeconfig = kubeconfig
        self.namespace = "kube-system"  # one with pods that have metrics

    def run(self, *command: str, env: Mapping[str, str] | None = None, stdin: str = "", timeout: float = 200) -> Ran:
        """Runs a command with the environment of a person who has set KUBECONFIG and nothing else."""
        ran = subprocess.run(
            self.command(*command, env=env),
            input=stdin.encode(),
            capture_output=True,
            timeout=timeout,
            check=False,
        )
        return Ran(ran.returncode, ran.stdout.decode(), ran.stderr.decode())

    def command(self, *command: str, env: Mapping[str, str] | None = None) -> list[str]:
        """A command as ``run`` runs it, for whoever wants to do that himself."""
        return self._wrapped(command, self._environment() | dict(env or {}))

    def _environment(self) -> dict[str, str]:
        path = f"{TOOLS}:{os.environ['PATH']}"
        return {"PATH": path, "HOME": os.environ["HOME"], "KUBECONFIG": str(self.kubeconfig), "LC_ALL": "C.UTF-8"}

    def _wrapped(self, command: Sequence[str], environment: Mapping[str, str]) -> list[str]:
        return ["env", "-i", *(f"{name}={value}" for name, value in environment.items()), *command]

    def kubectl(self, *arguments: str, stdin: str = "", env: Mapping[str, str] | None = None) -> Ran:
        return self.run("kubectl", *arguments, stdin=stdin, env=env)

    def must(self, *arguments: str, stdin: str = "") -> str:
        """The output of a kubectl command that has to succeed."""
        ran = self.kubectl(*arguments, stdin=stdin)
        assert ran.status == 0, f"kubectl {' '.join(arguments)}: {ran.stderr}"
        return ran.stdout

    def ours(self, *arguments: str, env: Mapping[str, str] | None = None) -> Ran:
        """Runs the tool; an uncaught exception is never what a test is looking for."""
        ran = self.run(str(TOOLS / "kubectl-metrics"), *arguments, env=env)
        assert "Traceback (most recent call last)" not in ran.stderr, ran.stderr
        return ran

    def top(self, kind: str, *arguments: str, env: Mapping[str, str] | None = None) -> tuple[Ran, Ran]:
        """What kubectl top and we say about the same measurements.

        They change every 15 seconds, so kubectl is asked before and after; only when it has said the same twice was
        there one truth in between.
        """
        return self.alike(
            lambda: self.kubectl("top", kind, *arguments, env=env),
            lambda: self.ours({"node": "nodes", "pod": "pods"}[kind], *arguments, env=env),
        )

    def raw(self, path: str) -> tuple[Ran, Ran]:
        """What kubectl get --raw and we answer, with the same care; two that are dated differently may be the same."""
        return self.alike(lambda: self.kubectl("get", "--raw", path), lambda: self.ours("raw", path), undated)

    @staticmethod
    def alike(
        theirs: Callable[[], Ran], ours: Callable[[], Ran], essence: Callable[[Ran], object] = lambda ran: ran
    ) -> tuple[Ran, Ran]:
        """The same for any two commands; ``essence`` is all that has to be the same in what the first says twice."""
        before = theirs()
        for _ in range(20):
            mine = ours()
            after = theirs()
            if essence(before) == essence(after):
                return after, mine
            before = after
        raise AssertionError(f"kubectl never said the same twice: {before}")

    def config(self) -> dict[str, Any]:
        """The kubeconfig, merged and with its files in it."""
        config: dict[str, Any] = json.loads(self.must("config", "view", "--raw", "--flatten", "--minify", "-o", "json"))
        return config

    def served(self, path: str) -> Any:
        """The answer of an API, None if there is none."""
        ran = self.kubectl("get", "--raw", path)
        return ran.json() if ran.status == 0 else None


class Kit(Cluster):
    """The project's own cluster, whose parts can be stopped and started."""

    def __init__(self) -> None:
        shown = self.control("exec", "printenv", "KUBECONFIG")
        super().__init__(Path(shown.strip()))
        self.namespace = "shop"
        self._state: State | None = None
        self.before_off: dict[str, Ran] = {}  # what kubectl top said when it last had metrics

    @staticmethod
    def control(*arguments: str) -> str:
        ran = subprocess.run([FOLDER / "cluster", *arguments], stdin=subprocess.DEVNULL, capture_output=True, text=True)
        assert ran.returncode == 0, f"cluster {' '.join(arguments)}: {ran.stderr}"
        return ran.stdout

    def _environment(self) -> dict[str, str]:
        environment = super()._environment()
        if not hasattr(self, "_binaries"):
            self._binaries = self.control("exec", "printenv", "PATH").split(":", 1)[0]
        return environment | {"PATH": f"{self._binaries}:{environment['PATH']}"}

    def _wrapped(self, command: Sequence[str], environment: Mapping[str, str]) -> list[str]:
        return [str(FOLDER / "cluster"), "exec", *super()._wrapped(command, environment)]

    # ---- the metrics API -------------------------------------------------------------------------------------------

    def metrics_server(self, state: State) -> None:
        """Brings the metrics API into a state, if it is not in it already."""
        if state == self._state:
            return
        before, self._state = self._state, None
        if before == "on":
            self._remember()
        if state == "off":
            self._off()
        else:
            self._on()
        if state == "no-service":
            self.must("-n", "kube-system", "delete", "service", "metrics-server")
            wait_for("503", lambda: "ServiceUnavailable" in self.kubectl("get", "--raw", f"{METRICS}/nodes").stderr)
            wait_for("the APIService's reason", lambda: self.reason() == "ServiceNotFound")
        if state == "empty":
            self._empty()
        self._state = state

    def _on(self) -> None:
        self.control("metrics-server", "on")
        self._rolled_out()
        wait_for("the metrics of all running pods", self.all_pods_served)

    def _rolled_out(self) -> None:
        """Waits until one metrics-server of the current description answers, and no other."""
        self.must("-n", "kube-system", "rollout", "status", "deployment/metrics-server", "--timeout=180s")
        selector = ("-n", "kube-system", "get", "pods", "-l", "k8s-app=metrics-server", "-o", "name")
        wait_for("the old metrics-server to go", lambda: len(self.must(*selector).split()) == 1)
        wait_for("the APIService", lambda: self.reason() == "Passed")

    def reason(self) -> str:
        """Of the condition Available of the APIService."""
        path = "jsonpath={.status.conditions[?(@.type=='Available')].reason}"
        return self.kubectl("get", "apiservice", "v1beta1.metrics.k8s.io", "-o", path).stdout

    def all_pods_served(self) -> bool:
        running = self.kubectl("get", "pods", "-A", "--field-selector=status.phase=Running", "-o", "json")
        ready = {
            pod["metadata"]["name"]
            for pod in running.json()["items"]
            if all(status["ready"] for status in pod["status"]["containerStatuses"])
        }
        served = self.served(f"{METRICS}/pods") or {"items": []}
        return len(ready) >= 6 and ready <= {item["metadata"]["name"] for item in served["items"]}

    def _empty(self) -> None:
        """metrics-server answers, but never has anything: as in the seconds after its start, only for longer."""
        container = "/spec/template/spec/containers/0"
        patch = [
            {"op": "add", "path": f"{container}/args/-", "value": "--kubelet-preferred-address-types=ExternalDNS"},
            {"op": "remove", "path": f"{container}/readinessProbe"},
        ]
        self.must("-n", "kube-system", "patch", "deployment", "metrics-server", "--type=json", "-p", json.dumps(patch))
        self._rolled_out()
        wait_for("an empty list", lambda: (self.served(f"{METRICS}/nodes") or {}).get("items") == [])

    def _remember(self) -> None:
        wait_for("the metrics of all running pods", self.all_pods_served)
        for command in ("node", "pod -A", "pod -A --containers"):
            self.before_off[command] = self.kubectl("top", *command.split())

    def _off(self) -> None:
        if not self.before_off:
            self._on()
            self._remember()
        self.control("metrics-server", "off")
        wait_for("the API's absence", lambda: "NotFound" in self.kubectl("get", "--raw", f"{METRICS}/nodes").stderr)
        wait_for("kubectl's notice", lambda: self.kubectl("top", "node").stderr == "error: Metrics API not available\n")

    # ---- kubelets --------------------------------------------------------------------------------------------------

    @contextmanager
    def stopped(self, *nodes: str) -> Iterator[None]:
        """The kubelets of some nodes do not run."""
        try:
            for node in nodes:
                self.control("kubelet", node, "stop")
            yield
        finally:
            for node in nodes:
                self.control("kubelet", node, "start")
            self._rest(*nodes)

    @contextmanager
    def kubelet_set(self, node: str, *settings: str, port: int = 10250) -> Iterator[None]:
        """The kubelet of a node with other settings; ``port`` is the one that it then reports."""
        try:
            self.control("kubelet", node, "restart", *settings)
            self._kubelet_ready(node, port)
            yield
        finally:
            self.control("kubelet", node, "restart")
            self._rest(node)

    def _rest(self, *nodes: str) -> None:
        """Waits until kubelets that have just been started have done all that they do at a start."""
        for node in nodes:
            self._kubelet_ready(node, 10250)
        if self._state == "on":
            # A few seconds later a kubelet calls its pods unready until it has probed them: metrics-server, perhaps.
            wait_for("rest", lambda: self.reason() == "Passed" and self.all_pods_served(), held=10)

    def _kubelet_ready(self, node: str, port: int) -> None:
        path = "jsonpath={.status.daemonEndpoints.kubeletEndpoint.Port} {.status.conditions[?(@.type=='Ready')].status}"
        wait_for("the node", lambda: self.kubectl("get", "node", node, "-o", path).stdout == f"{port} True")
        proxied = f"/api/v1/nodes/{node}/proxy/stats/summary"

        def measured() -> bool:
            node = (self.served(proxied) or {}).get("node", {})
            return bool(node.get("cpu", {}).get("usageNanoCores") and node.get("memory", {}).get("workingSetBytes"))

        wait_for("its statistics", measured)
