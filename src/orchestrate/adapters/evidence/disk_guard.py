"""Stopping a command before it has filled the disk for everybody."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Iterable
from pathlib import Path

import msgspec

from orchestrate.ports.process import ProcessOutcome, ProcessSpec, Supervisor

#: Left free for the rest of the machine, and for the record of what happened.
RESERVE_BYTES = 256 * 1024 * 1024
#: Between two looks; a fast disk takes about a gigabyte in that time.
INTERVAL_S = 0.5


async def run_guarded(
    supervisor: Supervisor, spec: ProcessSpec, folder: Path, places: Iterable[Path]
) -> ProcessOutcome:
    """As `supervisor.run`, and stopped when a file system that holds one of `places` is full.

    `stopped` then says so. Cancelling works as with `supervisor.run`.
    """
    places = tuple(places)
    run = asyncio.ensure_future(supervisor.run(spec, folder))
    try:
        while not (await asyncio.wait({run}, timeout=INTERVAL_S))[0]:
            if (full := _full(places)) is not None:
                await _stopped(run)
                return _explained(supervisor, spec, folder, full)
    except asyncio.CancelledError:
        await _stopped(run)
        raise
    return run.result()


def _full(places: tuple[Path, ...]) -> Path | None:
    return next((path for path in places if shutil.disk_usage(path).free < RESERVE_BYTES), None)


async def _stopped(run: asyncio.Future[ProcessOutcome]) -> None:
    """Cancel `run` and wait until nothing of it is left, however often that is interrupted."""
    run.cancel()
    interrupted: asyncio.CancelledError | None = None
    while not run.done():
        try:
            await asyncio.wait({run})
        except asyncio.CancelledError as error:
            interrupted = error
    if interrupted is not None:
        raise interrupted


def _explained(
    supervisor: Supervisor, spec: ProcessSpec, folder: Path, full: Path
) -> ProcessOutcome:
    outcome = supervisor.recorded(folder, spec.token) or ProcessOutcome(token=spec.token)
    if outcome.stopped != "cancelled":
        return outcome  # it had ended by itself at that very moment
    reason = f"less than {RESERVE_BYTES >> 20} MiB were left on the disk of {full}"
    return msgspec.structs.replace(outcome, stopped=reason)
