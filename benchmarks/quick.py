"""``make bench-quick``: whether a command imports, asks, receives or holds more than it did when that was recorded.

No clock is involved, so what fails here has a reason. ``--record`` writes benchmarks/budgets.json anew.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from benchmarks import clients, running
from benchmarks.budgets import Cost, exceeded, saved
from benchmarks.running import CommandFailed
from benchmarks.simulated import Seen, Setup, Simulated, simulated

BUDGETS = Path(__file__).parent / "budgets.json"
_SMALL = Setup(nodes=3, pods=30)
_LARGE = Setup(nodes=5000, pods=150_000)
_DISCOVERY = "GET /apis/metrics.k8s.io"
_WITHOUT_API = Setup(nodes=200, pods=6000, metrics_api=False)

CASES: Mapping[Setup, Sequence[str]] = {
    _SMALL: ("--help", "nodes", "pods -A", "nodes --source kubelet", "raw /version"),
    _LARGE: ("nodes", "pods -A"),
    _WITHOUT_API: ("nodes", "pods -A"),
}

_MODULES = """
import os, sys
from kubectl_metrics.commands.early import begin
begun = begin(sys.argv[1:], os.environ)
from kubectl_metrics.cli import main
main(early=begun)
found = [name for name, module in sys.modules.items() if getattr(module, "__spec__", None)]  # Cython's own have none
names = {name if name.startswith("kubectl_metrics") else name.partition(".")[0] for name in found}
print(*names - sys.stdlib_module_names - {"sitecustomize", "usercustomize"}, file=sys.stderr)
"""


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.quick", description=__doc__)
    parser.add_argument("--record", action="store_true", help="take what is measured now as the budget")
    given = parser.parse_args(arguments)
    try:
        costs = _costs(3 if given.record else 1)
    except CommandFailed as error:
        print(error, file=sys.stderr)
        return 1
    if given.record:
        text = json.dumps({name: dataclasses.asdict(cost) for name, cost in costs.items()}, indent=1)
        BUDGETS.write_text(text + "\n", "utf-8")
        return 0
    budgets = {name: Cost(**budget) for name, budget in json.loads(BUDGETS.read_text("utf-8")).items()}
    failed = False
    for name, cost in costs.items():
        more = list(exceeded(budgets[name], cost)) if name in budgets else ["has no budget"]
        failed = failed or bool(more)
        less = " (less than its budget)" if not more and saved(budgets[name], cost) else ""
        print(f"{name}: {'; '.join(more) or 'within its budget'}{less}")
    if failed:
        print("if that is meant: python -m benchmarks.quick --record", file=sys.stderr)
    return int(failed)


def _costs(runs: int) -> dict[str, Cost]:
    plugin = clients.installation()
    costs = {}
    for setup, commands in CASES.items():
        with tempfile.TemporaryDirectory() as folder, simulated(setup, Path(folder)) as cluster:
            for command in commands:
                name = f"{command}, {setup.nodes:,} nodes{'' if setup.metrics_api else ' without metrics API'}"
                environment = clients.environment(cluster.kubeconfig, Path(folder), plugin)
                cost = _cost(command.split(), cluster, environment, Path(folder), runs)
                if setup is _LARGE:
                    cost = _whatever_the_machine(cost)
                if setup is _SMALL:
                    cost = dataclasses.replace(cost, modules=_modules(command.split(), environment, plugin))
                costs[name] = cost
    return costs


def _whatever_the_machine(cost: Cost) -> Cost:
    """Without the discovery, which is asked for where metrics take more than a second: on some machines they do."""
    requests = {request: count for request, count in cost.requests.items() if request != _DISCOVERY}
    return dataclasses.replace(
        cost, requests=requests, connections=cost.connections - (len(cost.requests) - len(requests))
    )


def _cost(
    arguments: Sequence[str], cluster: Simulated, environment: Mapping[str, str], folder: Path, runs: int
) -> Cost:
    """The most that any of the runs cost: whether a request finds a connection free, and whether its answer is waited
    for, may depend on which of several comes first."""
    cluster.seen()
    costs = [_once(arguments, cluster, environment, folder) for _ in range(runs)]
    asked = {request for cost in costs for request in cost.requests}
    return dataclasses.replace(
        costs[0],
        requests={request: max(cost.requests.get(request, 0) for cost in costs) for request in sorted(asked)},
        connections=max(cost.connections for cost in costs),
        bytes=max(cost.bytes for cost in costs),
        memory=max(cost.memory for cost in costs),
    )


def _once(arguments: Sequence[str], cluster: Simulated, environment: Mapping[str, str], folder: Path) -> Cost:
    run = running.run([clients.NAME, *arguments], environment, folder)
    seen = cluster.seen()
    return Cost(
        modules=None,
        requests=_requests(seen),
        connections=seen.api.connections + seen.kubelets.connections,
        bytes=seen.api.sent + seen.kubelets.sent,
        memory=run.memory >> 20,
    )


def _modules(arguments: Sequence[str], environment: Mapping[str, str], plugin: Path) -> list[str]:
    command = [str(plugin / "python"), "-c", _MODULES, *arguments]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    if done.returncode:
        raise CommandFailed(f"{' '.join(arguments)}: {done.stderr}")
    return sorted(done.stderr.splitlines()[-1].split())


def _requests(seen: Seen) -> dict[str, int]:
    of_kubelets = {f"{request} (kubelets)": count for request, count in seen.kubelets.paths.items()}
    return seen.api.paths | of_kubelets


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
