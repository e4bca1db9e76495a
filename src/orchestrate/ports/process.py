"""Running one process, and everything it starts, under supervision."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, Protocol

import msgspec


class ProcessSpec(msgspec.Struct, frozen=True, omit_defaults=True):
    """What to run.

    `env` is the whole environment: nothing is inherited beyond what is listed here. `token` is put
    into it as ORCHESTRATE_ATTEMPT, so that survivors can be recognised. `max_output_bytes` is for
    stdout and stderr together; beyond it the process is stopped, or goes on with the middle of its
    output left out of the logs (`truncate`: beginning and end are kept). No file it writes may
    exceed `max_file_bytes`. Without `network` it reaches the loopback of a network of its own,
    where the system allows that; the outcome says what it got. `files` (absolute path -> text) are
    written, private to the user, before it starts. The values in `secrets` are blanked wherever
    they appear in its output before that is stored.
    """

    argv: tuple[str, ...]
    cwd: str
    env: dict[str, str] = {}
    stdin: str = ""
    token: str = ""
    timeout_s: float = 1800.0
    grace_s: float = 2.0
    max_output_bytes: int = 64 * 1024 * 1024
    on_output_limit: Literal["stop", "truncate"] = "stop"
    max_file_bytes: int | None = None
    network: bool = True
    files: dict[str, str] = {}
    secrets: tuple[str, ...] = ()


class ProcessOutcome(msgspec.Struct, frozen=True, omit_defaults=True):
    """What happened. Written durably to `outcome.json` in the folder before anybody is told.

    Exactly one of `exit_code` and `signal` is set unless the process could not be started, in
    which case `error` says why. `stopped` is "", "timeout", "output_limit", "cancelled" or
    "driver_gone". `survivors` counts descendants that outlived the process and were killed.

    `output_bytes` were kept in the logs, `dropped_bytes` read and not kept. `network` is empty for
    a process that was allowed one; else "loopback only" or "not restricted" with the reason, and
    `refused_connections` counts the attempts to leave the loopback (None when nobody could count).
    """

    token: str
    exit_code: int | None = None
    signal: int | None = None
    stopped: str = ""
    error: str = ""
    started_at: float = 0.0
    duration_s: float = 0.0
    output_bytes: int = 0
    survivors: int = 0
    containment: str = ""
    dropped_bytes: int = 0
    network: str = ""
    refused_connections: int | None = None

    @property
    def clean(self) -> bool:
        """Ended by itself with exit code 0."""
        return self.exit_code == 0 and not self.stopped and not self.error

    @property
    def given_up(self) -> bool:
        """Stopped for our sake, not for its own: nothing was learnt about the work."""
        return self.stopped in ("driver_gone", "cancelled")


class Supervisor(Protocol):
    """Runs processes and leaves nothing behind."""

    async def run(self, spec: ProcessSpec, folder: Path) -> ProcessOutcome:
        """Run to the end; cancelling the awaiting task stops the whole process tree.

        Writes `stdout.log`, `stderr.log` and `outcome.json` into `folder`, which must exist.
        Never raises for anything the process does.
        """
        ...

    def recorded(self, folder: Path, token: str) -> ProcessOutcome | None:
        """The outcome an earlier supervisor wrote into `folder` for `token`, if it is whole."""
        ...

    def sweep(self, tokens: frozenset[str]) -> int:
        """Kill every live process carrying one of `tokens`; return how many there were."""
        ...
