"""Gathering evidence: an environment, a supervised run, what it shows, and a verdict."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Mapping
from pathlib import Path

from msgspec.structs import replace

from orchestrate.adapters.evidence.assessment import assess, without_environment
from orchestrate.adapters.evidence.detect import detect
from orchestrate.adapters.evidence.environment import BuildError, Built
from orchestrate.adapters.evidence.environments import Environments
from orchestrate.adapters.evidence.execution import Place, Run, execute
from orchestrate.adapters.evidence.flaky import Repetition, repeat, worth_repeating
from orchestrate.adapters.evidence.origin import Project, path_list, project_in
from orchestrate.adapters.evidence.own_command import as_pytest
from orchestrate.adapters.evidence.record import begin, conclude, recorded
from orchestrate.adapters.evidence.scratch import scratch_folder
from orchestrate.adapters.evidence.selection import in_files, only
from orchestrate.core.sharing.evidence import CheckCommand, Evidence
from orchestrate.ports.evidence import Check, Detection, Toolbox
from orchestrate.ports.process import Supervisor

#: Commands whose failure may be a matter of luck; a linter or a build says the same twice.
_REPEATED = ("test", "coverage")


class LocalEvidence:
    """Implements `ports.evidence.EvidenceRunner` on this machine.

    Whether the repository is trusted to run anything is for the caller to ask first.

    Args:
        supervisor: runs everything, and leaves nothing of it behind.
        environments: where environments are kept; may grow large, may be deleted at any time at
            which nothing is gathered.
        environ: of the user; the process's own by default. Little of it is passed on.
        setup: see `environments.Environments`.
    """

    def __init__(
        self,
        supervisor: Supervisor,
        environments: Path,
        *,
        environ: Mapping[str, str] | None = None,
        setup: str = "",
    ) -> None:
        self._supervisor = supervisor
        self._environ = dict(os.environ if environ is None else environ)
        self._commands: dict[str, CheckCommand | None] = {}
        self._environments = Environments(supervisor, environments, self._environ, setup)

    def detect(self, folder: Path) -> Detection:
        """See EvidenceRunner."""
        return detect(folder)

    def toolbox(self, folder: Path, revision: str) -> Toolbox:
        """See EvidenceRunner. Only Python environments can be used from outside a checkout."""
        if revision not in self._commands:
            self._commands[revision] = detect(folder).first("test")
        command = self._commands[revision]
        if command is None:
            return Toolbox()
        place = folder / command.folder
        built = self._environments.ready(command, place)
        if built is None or not built.bin:
            return Toolbox()
        roots = [root for root in project_in(place, built).roots if Path(root) != place]
        variables = {"PYTHONPATH": path_list(roots)} if roots else {}
        return Toolbox((built.bin,), {**built.env, **variables})

    async def gather(self, check: Check) -> Evidence:
        """See EvidenceRunner. What was gathered for the same check before is returned as it is.

        Raises:
            OSError: the record cannot be written.
        """
        if (known := recorded(check)) is not None:
            return known
        begin(check)
        started = time.time()
        record = Path(check.record)
        command = in_files(as_pytest(check.command), check.files, record)
        try:
            built = await self._environment(replace(check, command=command), record)
        except BuildError as error:
            return conclude(check, without_environment(check, str(error), started))
        folder = Path(check.checkout) / check.command.folder
        project = Project((), ()) if check.bare else project_in(folder, built)
        place = Place(check, built, project, self._environ)

        async def once(command: CheckCommand, name: str) -> Run:
            return await execute(self._supervisor, place, command, name)

        def select(command: CheckCommand, names: tuple[str, ...]) -> CheckCommand | None:
            return only(command, names, record)

        run = await once(command, "run-1")
        repetition = Repetition()
        if command.kind in _REPEATED and worth_repeating(run):
            repetition = await repeat(run, command, check.reruns, once, select)
        return conclude(check, assess(place, run, repetition, command.runner))

    async def _environment(self, check: Check, record: Path) -> Built:
        if check.bare:
            version = ".".join(map(str, sys.version_info[:3]))
            return Built(interpreter=f"CPython {version}", python=sys.executable)
        with scratch_folder(record / "scratch") as scratch:
            return await self._environments.prepare(check, scratch, record / "environment")
