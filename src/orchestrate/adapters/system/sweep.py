"""Making sure that nothing of an attempt is alive, whoever was killed before it could clean up."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterable

from orchestrate.adapters.system.process_table import (
    HAS_PROC,
    Process,
    descendants,
    environment_of,
    every_process,
    send,
    wait_for_any,
)
from orchestrate.errors import AgentError

#: In the environment of the command and, by inheritance, of what it starts.
ATTEMPT_VARIABLE = "ORCHESTRATE_ATTEMPT"
#: In the environment of the supervisor and the keeper of an attempt.
SUPERVISOR_VARIABLE = "ORCHESTRATE_SUPERVISOR"
#: How long a supervisor whose driver is gone may take to stop its attempt and write the outcome.
SETTLE_S = 10.0
#: How long something may survive SIGKILL before that is reported as an error.
GIVE_UP_S = 30.0


def sweep(tokens: Iterable[str], settle_s: float = SETTLE_S) -> int:
    """End every process of the attempts `tokens`; returns how many processes of theirs there were.

    Supervisors are not counted. One that is still there is given `settle_s` to finish by itself,
    since it stops its attempt and records the outcome once its driver is gone; after that it is
    killed. When this returns nothing of the attempts is alive, and their outcome files are final.

    Raises:
        AgentError: a process survives SIGKILL, which means it is stuck inside the kernel.
    """
    entries = {token.encode(errors="surrogateescape") for token in tokens if token}
    attempts = {b"%s=%s" % (ATTEMPT_VARIABLE.encode(), entry) for entry in entries}
    supervisors = {b"%s=%s" % (SUPERVISOR_VARIABLE.encode(), entry) for entry in entries}
    settled_by = time.monotonic() + settle_s
    seen: set[tuple[int, int]] = set()
    # Twice nothing: a process caught in the middle of exec has no readable environment.
    quiet_rounds = 0
    while entries and quiet_rounds < 2:
        members, guardians = _find(attempts), _find(supervisors)
        seen.update(process.identity for process in members)
        quiet_rounds = 0 if members or guardians else quiet_rounds + 1
        now = time.monotonic()
        if guardians and now < settled_by:
            wait_for_any(guardians, min(settled_by - now, 0.5))
            continue
        # Guardians last: below them are also those who emptied their environment.
        members += _below(guardians)
        seen.update(process.identity for process in members)
        _kill(members or guardians, overdue=now > settled_by + GIVE_UP_S)
    return len(seen)


def _below(guardians: list[Process]) -> list[Process]:
    """Live descendants of `guardians` that are none of them."""
    own = {guardian.pid for guardian in guardians}
    found = [process for pid in own for process in descendants(pid)]
    return [process for process in found if not process.dead and process.pid not in own]


def _kill(processes: list[Process], overdue: bool) -> None:
    if processes and overdue:
        numbers = ", ".join(str(process.pid) for process in processes)
        raise AgentError(
            f"processes {numbers} of an earlier attempt survive SIGKILL",
            remedy="look at their state with `ps`; a hung file system keeps processes like this",
        )
    for process in processes:
        send(process, signal.SIGKILL)
    if processes:
        wait_for_any(processes, 0.5)


def _find(entries: set[bytes]) -> list[Process]:
    """Live processes, other than this one, with one of `entries` in their environment."""
    if not HAS_PROC:
        return _find_with_ps(entries)
    return [
        process
        for process in every_process()
        if not process.dead
        and process.pid != os.getpid()
        and not entries.isdisjoint(environment_of(process.pid))
    ]


def _find_with_ps(entries: set[bytes]) -> list[Process]:
    """For systems without /proc (macOS): `ps -E` shows the environment of this user's processes.

    Entries are matched as words, which is exact for tokens without blanks. The system hides the
    environment of its own protected programs, so those are not found.
    """
    import subprocess

    answer = subprocess.run(
        ["ps", "-A", "-E", "-ww", "-o", "pid=,command="], capture_output=True, check=False
    )
    rows = (line.split() for line in answer.stdout.splitlines())
    return [
        Process(int(row[0]), parent=0, group=0, started=0, dead=False)
        for row in rows
        if row and int(row[0]) != os.getpid() and not entries.isdisjoint(row[1:])
    ]
