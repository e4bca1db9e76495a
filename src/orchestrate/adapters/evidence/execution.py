"""One supervised run of a check's command, and everything that can be seen of it."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from orchestrate.adapters.evidence.disk_guard import run_guarded
from orchestrate.adapters.evidence.environment import Built
from orchestrate.adapters.evidence.origin import (
    ORIGIN_VARIABLE,
    PACKAGES_VARIABLE,
    PROBE,
    ROOTS_VARIABLE,
    Origin,
    Project,
    origin,
    path_list,
)
from orchestrate.adapters.evidence.process_environment import scrubbed, with_first
from orchestrate.adapters.evidence.read import read_evidence
from orchestrate.adapters.evidence.report_files import read_report
from orchestrate.adapters.evidence.scratch import remove_tree, temporary_home
from orchestrate.adapters.evidence.selection import with_probe
from orchestrate.core.sharing.evidence import CheckCommand, Failure
from orchestrate.core.sharing.outcomes import Reading
from orchestrate.ports.evidence import Check
from orchestrate.ports.process import ProcessOutcome, ProcessSpec, Supervisor

#: Of stdout and stderr of one run together; beginning and end are kept.
MAX_OUTPUT_BYTES = 16 * 1024 * 1024
#: No file that a check writes may be larger: a full disk hurts everybody on the machine.
MAX_FILE_BYTES = 4 * 1024 * 1024 * 1024


class Run(msgspec.Struct, frozen=True):
    """What was seen of one run.

    `attempts` maps tests to the connections out that were refused while they ran, `failures` to how
    they failed, where the runner's plugin could tell.
    """

    outcome: ProcessOutcome
    reading: Reading
    origin: Origin
    attempts: dict[str, int]
    folder: str
    failures: dict[str, Failure] = {}


class Place(msgspec.Struct, frozen=True):
    """Where a check runs: its environment, the project there, the user's variables."""

    check: Check
    built: Built
    project: Project
    environ: dict[str, str]


async def execute(supervisor: Supervisor, place: Place, command: CheckCommand, name: str) -> Run:
    """Run `command` once; what came of it is left in the folder `name` of the record.

    HOME and TMPDIR exist for this run only. A run whose outcome is there already, because whoever
    asked for it died, is not repeated.
    """
    record = Path(place.check.record)
    folder, checkout = record / name, Path(place.check.checkout)
    outcome = supervisor.recorded(folder, place.check.token)
    if outcome is None or outcome.given_up:
        remove_tree(folder)
        for path in (folder, folder / "report", folder / "probe"):
            path.mkdir(mode=0o700)
        with temporary_home(record) as home:
            spec = _spec(place, command, folder, home)
            outcome = await run_guarded(supervisor, spec, folder, (home, checkout))
    return Run(
        outcome=outcome,
        reading=read_evidence(
            command,
            folder / "report",
            folder,
            checkout / command.folder,
            outcome.started_at,
        ),
        origin=origin(folder / "probe", checkout, place.project.packages),
        attempts=_attempts(folder / "probe"),
        folder=str(folder),
        failures=_failures(folder / "probe"),
    )


def _spec(place: Place, command: CheckCommand, folder: Path, home: Path) -> ProcessSpec:
    report = str(folder / "report")
    argv = tuple(
        word.replace("{python}", place.built.python).replace("{report}", report)
        for word in with_probe(command.argv)
    )
    env = scrubbed(place.environ, home / "home", home / "tmp")
    env |= place.built.env
    if place.built.bin:
        env = with_first("PATH", (place.built.bin,), env)
    env |= {
        name: value.replace("{python}", place.built.python).replace("{report}", report)
        for name, value in command.env.items()
    }
    if place.built.python or place.project.packages:
        env = with_first("PYTHONPATH", (str(PROBE),), env)
        env[ORIGIN_VARIABLE] = str(folder / "probe")
        env[PACKAGES_VARIABLE] = ",".join(place.project.packages)
        env[ROOTS_VARIABLE] = path_list(place.project.roots)
    return ProcessSpec(
        argv=argv,
        cwd=str(Path(place.check.checkout) / command.folder),
        env=env,
        token=place.check.token,
        timeout_s=command.timeout_s,
        max_output_bytes=MAX_OUTPUT_BYTES,
        on_output_limit="truncate",
        max_file_bytes=MAX_FILE_BYTES,
        network=place.check.network,
    )


def _attempts(probe: Path) -> dict[str, int]:
    """Test -> refused connections, from every process that ran tests."""
    found: dict[str, int] = {}
    for seen in _tests_seen(probe):
        try:
            found |= {str(name): int(number) for name, number in seen["network"].items()}
        except (ValueError, KeyError, TypeError, AttributeError):
            continue  # written by what is under test: it may be anything
    return found


def _failures(probe: Path) -> dict[str, Failure]:
    """Test, or file that could not be loaded -> how it failed, from every process."""
    found: dict[str, Failure] = {}
    for seen in _tests_seen(probe):
        with contextlib.suppress(msgspec.ValidationError):
            found |= msgspec.convert(seen.get("failures", {}), dict[str, Failure])
    return found


def _tests_seen(probe: Path) -> Iterator[dict[str, Any]]:
    for path in sorted(probe.glob("tests-*.json")):
        try:
            seen = json.loads(read_report(path) or b"")
        except (ValueError, RecursionError):
            continue
        if isinstance(seen, dict):
            yield seen
