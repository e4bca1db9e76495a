"""Which process something belongs to, in one text, and whether that process lives."""

from __future__ import annotations

import os

from orchestrate.adapters.system.ownership import boot_id
from orchestrate.adapters.system.process_table import HAS_PROC, look_up


def this_owner() -> str:
    """This process as `boot:pid:start`, which no other process of any boot is.

    Where the system has no /proc (macOS) boot and start are unknown, and the process number alone
    has to do.
    """
    process = look_up(os.getpid()) if HAS_PROC else None
    started = process.started if process is not None else 0
    return f"{boot_id()}:{os.getpid()}:{started}"


def is_alive(owner: str) -> bool:
    """Whether the process that `owner` stands for lives; one nobody has waited for does not."""
    boot, _, identity = owner.partition(":")
    number, _, started = identity.partition(":")
    if boot != boot_id() or not (number.isdigit() and started.isdigit()):
        return False
    if not HAS_PROC:
        return _exists(int(number))
    process = look_up(int(number))
    return process is not None and not process.dead and process.started == int(started)


def _exists(number: int) -> bool:
    try:
        os.kill(number, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
