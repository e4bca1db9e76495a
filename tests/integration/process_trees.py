"""Trees of processes that do not want to end, and ways to see them."""

from __future__ import annotations

import itertools
import os
import secrets
import time
from collections.abc import Callable
from pathlib import Path

_numbers = itertools.count(1)


def marker() -> str:
    """An argument for `sleep` (a year and an unmistakable fraction) no other process has."""
    return f"31536000.{secrets.randbelow(10**12):012}{next(_numbers)}"


def alive(mark: str) -> list[int]:
    """Process numbers, zombies excluded, of the `sleep` with the argument `mark`."""
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            arguments = (entry / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if arguments[0].endswith(b"sleep") and mark.encode() in arguments:
            found.append(int(entry.name))
    return found


def wait_until(condition: Callable[[], bool], seconds: float = 20.0) -> None:
    """Look again and again until `condition` holds; fails loudly when it never does."""
    give_up_at = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > give_up_at:
            raise AssertionError(f"still not so after {seconds} s")
        time.sleep(0.005)


def carriers(variable: str, value: str) -> list[int]:
    """Processes, other than this one, started with `variable=value` in their environment."""
    entry = f"{variable}={value}".encode()
    found = []
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit() or folder.name == str(os.getpid()):
            continue
        try:
            if entry in (folder / "environ").read_bytes().split(b"\0"):
                found.append(int(folder.name))
        except OSError:
            continue
    return found


#: Starts 6 processes with the marker `$1`, the last being the command itself.
STUBBORN_TREE = """
sleep $1 &
setsid sleep $1 &
(setsid sh -c 'sleep "$0" & sleep 0' "$1" &)
(trap '' TERM HUP INT; setsid sleep $1 <&- >&- 2>&- &)
setsid env -i /bin/sh -c 'trap "" TERM HUP; exec /usr/bin/env -i /bin/sleep "$0"' "$1" \
    </dev/null >/dev/null 2>&1 &
trap '' TERM
exec sleep $1
"""
STUBBORN_SIZE = 6
