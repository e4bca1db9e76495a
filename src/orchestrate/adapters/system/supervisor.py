"""Runs commands so that nothing of them is left, even if this process is killed meanwhile.

The work is done by one small process per attempt (`supervisor_main`); this is its client. See
docs/explanation/supervision.md.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import sys
import time
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, Literal

import msgspec

from orchestrate.adapters.system.containment import PID_NAMESPACE, PROCESS_GROUP, SUBREAPER
from orchestrate.adapters.system.durable_file import write_durably
from orchestrate.adapters.system.supervision import OUTCOME_FILE
from orchestrate.adapters.system.supervisor_main import CANCEL, REFUSED
from orchestrate.adapters.system.sweep import (
    ATTEMPT_VARIABLE,
    SETTLE_S,
    SUPERVISOR_VARIABLE,
    sweep,
)
from orchestrate.ports.process import ProcessOutcome, ProcessSpec

Containment = Literal["pid-namespace", "subreaper", "process-group"]

#: Where the supervisor process leaves what went wrong with itself.
SUPERVISOR_LOG = "supervisor.log"
_SOURCES = str(Path(__file__).parents[3])
# Not a script path: an imported module is compiled once and cached, a script every time. -I and -S
# keep the user's and the site's start-up files out, so only the standard library and this package
# can be imported.
_BOOTSTRAP = (
    "import sys; sys.path.append(sys.argv.pop(1)); "
    "from orchestrate.adapters.system.supervisor_main import main; main()"
)
_LARGEST_OUTCOME = 1 << 20


def _write_files(files: dict[str, str]) -> None:
    """Put down the files a command expects, for the user's eyes alone."""
    for name, text in files.items():
        path = Path(name)
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with open(descriptor, "w", encoding="utf-8") as file:
            file.write(text)


def supervisor_command() -> tuple[str, ...]:
    """The command line of the supervisor process."""
    return (sys.executable, "-I", "-S", "-X", "utf8", "-c", _BOOTSTRAP, _SOURCES)


class ProcessSupervisor:
    """Implements `ports.process.Supervisor` with one supervisor process per attempt.

    Args:
        containment: what keeps the process tree together; by default the strongest this machine
            allows, which the outcome names. Forcing one that is refused makes attempts fail.
        settle_s: how long `sweep` lets a supervisor without a driver finish by itself.
    """

    def __init__(
        self, containment: Containment | None = None, *, settle_s: float = SETTLE_S
    ) -> None:
        strongest = PID_NAMESPACE if sys.platform == "linux" else PROCESS_GROUP
        self._containment: str = containment or strongest
        self._may_fall_back = containment is None
        self._settle_s = settle_s

    async def run(self, spec: ProcessSpec, folder: Path) -> ProcessOutcome:
        """Run to the end; cancelling the awaiting task stops the whole tree first.

        Besides the exit of the command, `error` also tells when the supervisor process itself was
        killed; the attempt's processes are gone by then as well.
        """
        started_at = time.time()
        try:
            folder = _without_outcome(folder)
            _write_files(spec.files)
            code = await self._supervise(spec, folder)
            if code == REFUSED and self._may_fall_back:
                self._containment, self._may_fall_back = SUBREAPER, False
                code = await self._supervise(spec, folder)
            problem = _problem(code, folder)
        except OSError as error:
            problem = f"the attempt cannot be started: {error}"
        outcome = self.recorded(folder, spec.token)
        if outcome is not None:
            _remove_if_empty(folder / SUPERVISOR_LOG)
            if outcome.containment == PROCESS_GROUP:
                outcome = await asyncio.to_thread(self._sweep_group, outcome, folder)
            return outcome
        outcome = ProcessOutcome(
            token=spec.token, error=problem, started_at=started_at, containment=self._containment
        )
        await _to_the_end(asyncio.to_thread(self._clear_up, outcome, folder))
        return self.recorded(folder, spec.token) or outcome

    def recorded(self, folder: Path, token: str) -> ProcessOutcome | None:
        """The outcome in `folder`, if it is whole and belongs to `token`.

        Final once `sweep` has been called for `token`: nobody is left who would write it.
        """
        try:
            with (folder / OUTCOME_FILE).open("rb") as file:
                outcome = msgspec.json.decode(file.read(_LARGEST_OUTCOME), type=ProcessOutcome)
        except (OSError, msgspec.DecodeError):
            return None
        return outcome if outcome.token == token else None

    def sweep(self, tokens: frozenset[str]) -> int:
        """Kill every live process of the attempts `tokens`; blocks until that is true.

        See `sweep.sweep`. May take `settle_s` while a supervisor stops its attempt.
        """
        return sweep(tokens, self._settle_s)

    async def _supervise(self, spec: ProcessSpec, folder: Path) -> int:
        log = os.open(folder / SUPERVISOR_LOG, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        try:
            process = await asyncio.create_subprocess_exec(
                *supervisor_command(),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.DEVNULL,
                stderr=log,
                cwd="/",
                env={SUPERVISOR_VARIABLE: spec.token},
                start_new_session=True,
            )
        finally:
            os.close(log)
        life_line = process.stdin
        assert life_line is not None
        life_line.write(self._request(spec, folder))
        cancelled: asyncio.CancelledError | None = None
        while process.returncode is None:
            try:
                await process.wait()
            except asyncio.CancelledError as error:
                cancelled = error
                life_line.write(CANCEL)
        life_line.close()
        if cancelled is not None:
            raise cancelled
        with contextlib.suppress(ConnectionError):
            await life_line.wait_closed()
        return process.returncode

    def _request(self, spec: ProcessSpec, folder: Path) -> bytes:
        # json rather than msgspec: environment values may hold bytes that are no Unicode.
        request = {
            **msgspec.structs.asdict(spec),
            "files": {},
            "env": {**spec.env, ATTEMPT_VARIABLE: spec.token},
            "folder": str(folder),
            "driver": os.getpid(),
            "containment": self._containment,
        }
        return json.dumps(request).encode() + b"\n"

    def _sweep_group(self, outcome: ProcessOutcome, folder: Path) -> ProcessOutcome:
        """The weakest containment: what left parent and group is known by its environment only."""
        strays = sweep({outcome.token}, self._settle_s)
        if strays:
            outcome = msgspec.structs.replace(outcome, survivors=outcome.survivors + strays)
            write_durably(str(folder / OUTCOME_FILE), msgspec.json.encode(outcome))
        return outcome

    def _clear_up(self, outcome: ProcessOutcome, folder: Path) -> None:
        """After the supervisor died: end what it supervised, then record what is known."""
        sweep({outcome.token}, self._settle_s)
        with contextlib.suppress(OSError):  # a full disk must not hide the outcome from the caller
            write_durably(str(folder / OUTCOME_FILE), msgspec.json.encode(outcome))


async def _to_the_end(work: Coroutine[Any, Any, None]) -> None:
    """Await `work` even when cancelled meanwhile; the cancellation is raised afterwards."""
    task = asyncio.ensure_future(work)
    cancelled: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.wait({task})
        except asyncio.CancelledError as error:
            cancelled = error
    if cancelled is not None:
        raise cancelled
    task.result()


def _without_outcome(folder: Path) -> Path:
    """The absolute path of `folder`, from which the outcome of an earlier use is removed."""
    (folder / OUTCOME_FILE).unlink(missing_ok=True)
    return folder.absolute()


def _remove_if_empty(path: Path) -> None:
    with contextlib.suppress(OSError):
        if path.stat().st_size == 0:
            path.unlink()


def _problem(code: int, folder: Path) -> str:
    """Why there is no outcome, from the supervisor's exit code and its log."""
    if code < 0:
        return f"the supervisor process was killed by signal {-code}"
    try:
        lines = (folder / SUPERVISOR_LOG).read_text(errors="replace").splitlines()
    except OSError:
        lines = []
    said = lines[-1] if lines else "it said nothing"
    if code == REFUSED:
        return f"the containment asked for is not available: {said}"
    return f"the supervisor process failed with exit code {code}: {said}"
