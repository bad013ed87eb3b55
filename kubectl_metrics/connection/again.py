"""When a request that was turned away may be made again: the server says so.

A server that has too much to do (429) is left alone by all requests to it, for a moment; whatever else is wrong is the
matter of the one request. (Through the API server's node proxy, a 503 can be a single kubelet's.)

Facts (client-go rest/with_retry.go)
- 429 and every 5xx ask for another try if they carry Retry-After in whole seconds; without that header they are final.
- There are at most ten more tries.
- API Priority and Fairness turns requests away with 429 and Retry-After: 1, a server that shuts down with 5.
"""

from __future__ import annotations

import math
import time

from kubectl_metrics.connection.loop import sleep
from kubectl_metrics.connection.threads import TICK

TRIES = 10  # more, after the first one
SHARED = 1.0  # seconds that all requests wait at most for what one of them was told; what the API server asks for
_PATIENCE = 30.0  # seconds; whoever is told to come back later than that is better told so


def retry_after(status: int, value: str | None) -> float | None:
    """Seconds to wait before the request is made again; None where the answer is final, or the wait too long.

    ``value`` is that of the header Retry-After.
    """
    if status != 429 and not 500 <= status <= 599:
        return None
    seconds = float(value) if value and value.isascii() and value.isdigit() and len(value) < 10 else math.inf
    return seconds if seconds <= _PATIENCE else None


class Pause:
    """The time during which a server wants to be left alone. Safe to use from several threads."""

    def __init__(self) -> None:
        self._until = 0.0  # time.monotonic()
        self._over = False

    def extend(self, seconds: float) -> None:
        """No request for so long, from now on."""
        self._until = max(self._until, time.monotonic() + seconds)

    def left(self) -> float:
        """Seconds to wait; not positive where there is nothing to wait for."""
        return self._until - time.monotonic()

    async def wait(self, seconds: float) -> bool:
        """Waits so long; False at once when nobody wants to wait any more."""
        end = time.monotonic() + seconds
        while not self._over and (now := time.monotonic()) < end:
            await sleep(min(end, now + TICK))
        return not self._over

    def end(self) -> None:
        """Nobody waits any more."""
        self._over = True
