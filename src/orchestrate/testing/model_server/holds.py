"""Names that requests wait for until a test releases them."""

from __future__ import annotations

from collections.abc import Callable
from threading import Condition

# A client that goes away can only be noticed by looking.
_LOOK_S = 0.1


class Holds:
    """Released names, and whether all is over; thread-safe.

    Args:
        changed: is notified when something was released.
    """

    def __init__(self, changed: Condition) -> None:
        self._changed = changed
        self._released: set[str] = set()
        self._over = False

    def release(self, name: str) -> None:
        """Let go on what waits for `name`, now and later."""
        with self._changed:
            self._released.add(name)
            self._changed.notify_all()

    def end(self) -> None:
        """Wake everything up in vain: nothing is released any more."""
        with self._changed:
            self._over = True
            self._changed.notify_all()

    def wait(self, name: str, gone: Callable[[], bool]) -> bool:
        """Block until `name` is released: True; or until all is over or `gone()`: False."""
        with self._changed:
            while name not in self._released:
                if self._over or gone():
                    return False
                self._changed.wait(_LOOK_S)
            return True
