"""Decoders are made when they are first used, which may be in two threads at once."""

from __future__ import annotations

import subprocess
import sys

# In a process of its own, because what this is about ends in a segmentation fault.
RACE = """
import sys, threading
import msgspec
from kubectl_metrics.wire.decode import decoder

sys.setswitchinterval(1e-6)
for _ in range(50):
    class Part(msgspec.Struct):
        number: int
        numbers: list[int] | None = None
    class Whole(msgspec.Struct):
        part: Part
        parts: list[Part] | None = None
    read, threads = decoder(Whole), 4
    together, results = threading.Barrier(threads), []
    def work():
        together.wait()
        results.append(read(b'{"part":{"number":1}}', "here").part.number)
    workers = [threading.Thread(target=work) for _ in range(threads)]
    for worker in workers: worker.start()
    for worker in workers: worker.join()
    assert results == [1] * threads, results
"""


def test_the_first_use_may_be_in_several_threads_at_once() -> None:
    done = subprocess.run([sys.executable, "-c", RACE], capture_output=True, text=True, check=False, timeout=30)
    assert (done.returncode, done.stderr) == (0, "")
