"""Whether it is worth trying yet another kubelet: nodes without a route are not tried one timeout after another."""

from __future__ import annotations

_HANDFUL = 5  # that nobody could reach, after which the rest are not tried


class Reach:
    """What the first kubelets have taught about the way to all of them."""

    def __init__(self) -> None:
        self._reached = False
        self._unreached = 0

    def note(self, *, reached: bool) -> None:
        """One was reached, or could not be reached in time."""
        self._reached = self._reached or reached
        self._unreached += not reached

    def hopeless(self) -> int:
        """How many could not be reached, if that is a handful and nobody could; 0 as long as it is worth trying."""
        return 0 if self._reached or self._unreached < _HANDFUL else self._unreached
