"""Whether it is worth trying yet another kubelet, or asking yet another thing: not one timeout after another."""

from __future__ import annotations

_HANDFUL = 5  # kubelets


class Reach:
    """What the first have taught about all of them."""

    def __init__(self, handful: int = _HANDFUL) -> None:
        """``handful``: how many that could not be reached are enough."""
        self._handful = handful
        self._reached = False
        self._unreached = 0

    def note(self, *, reached: bool) -> None:
        """One was reached, or could not be reached in time."""
        self._reached = self._reached or reached
        self._unreached += not reached

    def hopeless(self) -> int:
        """How many could not be reached, if that is a handful and nobody could; 0 as long as it is worth trying."""
        return 0 if self._reached or self._unreached < self._handful else self._unreached
