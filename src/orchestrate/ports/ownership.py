"""Who drives a run on this machine."""

from __future__ import annotations

from typing import Protocol

import msgspec


class OwnerInfo(msgspec.Struct, frozen=True):
    """A process that owns or owned a run. `since` and `started` are Unix seconds."""

    pid: int
    host: str
    boot_id: str
    started: float
    since: float
    live: bool

    def __str__(self) -> str:
        return f"process {self.pid} on {self.host}"


class Ownership(Protocol):
    """The exclusive right to drive one run; released by the operating system when we die."""

    def acquire(self) -> bool:
        """Take it; False if another live process has it. Idempotent for the holder."""
        ...

    def owner(self) -> OwnerInfo | None:
        """Who has it, or had it last."""
        ...

    def release(self) -> None:
        """Give it back."""
        ...
