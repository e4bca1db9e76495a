"""Evidence about commits: which command is run, in a checkout of its own, kept by tree.

What is run is read from the commit the run began at: work cannot change the command by which it is
judged. Only where that commit has no tests at all is it read from the commit before the work.
"""

from __future__ import annotations

import asyncio
import hashlib
import shutil
import time
from collections.abc import Mapping
from pathlib import Path

import msgspec

from orchestrate.core.planning.definition import GateSpec
from orchestrate.core.running.state import RunState
from orchestrate.core.sharing.evidence import CheckCommand, Evidence, EvidenceKind
from orchestrate.ports.evidence import Check, Detection, EvidenceRunner
from orchestrate.ports.workspace import Workspaces

EVIDENCE_FILE = "evidence.json"
NOT_TRUSTED = (
    "running the repository's own code needs your trust: --trust-repo (remembered for this"
    " repository)"
)


class Policy(msgspec.Struct, frozen=True, omit_defaults=True):
    """What the user allows and says about checks.

    `trusted`: code of the repository may be run. `test_command` replaces what is detected.
    """

    trusted: bool = False
    test_command: str = ""
    timeout_s: float = 1800.0
    network: bool = False


class Gathering:
    """Gathers evidence about commits of one repository's runs."""

    def __init__(
        self, workspaces: Workspaces, evidence: EvidenceRunner, runs_dir: Path, policy: Policy
    ) -> None:
        self.workspaces = workspaces
        self.policy = policy
        self._evidence = evidence
        self._runs_dir = runs_dir
        self._detected: dict[str, Detection] = {}
        self._at_work: dict[str, asyncio.Lock] = {}
        self._began = time.time()
        self._gathered: set[Path] = set()

    async def gather(
        self,
        run: str,
        command: CheckCommand,
        commit: str,
        laid_over: Mapping[str, str] | None = None,
        *,
        bare: bool = False,
        network: bool = False,
        files: tuple[str, ...] = (),
        turn: int = 1,
    ) -> Evidence:
        """Evidence of `command` on `commit`, from the record if it was gathered before.

        `laid_over` maps paths to the commits they are taken from instead. `bare`: the command
        needs nothing but an interpreter. `network`: it may use the network, as the user's own
        command may. `files` as in a Check. `turn` tells gatherings of the same from each other,
        where the question is whether they agree.
        """
        extra = laid_over or {}
        tree = await asyncio.to_thread(self.workspaces.tree, commit)
        name = _record_name(command, tree, extra, files, turn)
        record = self._runs_dir / run / "evidence" / name
        async with self._at_work.setdefault(str(record), asyncio.Lock()):
            found = await asyncio.to_thread(self._kept, record)
            if found is not None:
                return found
            checkout = await asyncio.to_thread(
                self.workspaces.checkout, run, f"check.{name}", commit, extra
            )
            try:
                found = await self._evidence.gather(
                    Check(
                        command=command,
                        checkout=str(checkout),
                        revision=commit,
                        tree=tree,
                        record=str(record),
                        token=f"{run}:evidence:{name}",
                        network=network or self.policy.network,
                        reruns=0 if bare else 2,
                        bare=bare,
                        files=files,
                    )
                )
                self._gathered.add(record)
                return found
            finally:
                await asyncio.to_thread(self.workspaces.discard, run, f"check.{name}")

    def _kept(self, record: Path) -> Evidence | None:
        """What was gathered before: by us, or before we began.

        One that came since is somebody else's, and nobody else gathers evidence for a run that is
        driven here: an agent that writes past its workspace may have left it.
        """
        found = read_evidence(record)
        if found is None or record in self._gathered:
            return found
        if (record / EVIDENCE_FILE).stat().st_ctime < self._began:
            return found
        shutil.rmtree(record)
        return None

    async def command(
        self,
        state: RunState,
        kind: EvidenceKind,
        gate: GateSpec,
        before: str,
        files: tuple[str, ...] = (),
    ) -> tuple[CheckCommand | None, str]:
        """The command for a gate, or why there is none.

        `before` is the commit before the work that is judged. Of several projects in a repository
        it is the first, or the innermost that holds all of `files`.
        """
        timeout_s = min(gate.timeout_s, self.policy.timeout_s)
        own = gate.command or (self.policy.test_command if kind == "test" else "")
        if not self.policy.trusted and not gate.command:
            return None, NOT_TRUSTED
        if own:
            argv = ("/bin/sh", "-c", own)
            return CheckCommand(kind=kind, runner="shell", argv=argv, timeout_s=timeout_s), ""
        detected = await self.detection(state.run, state.base)
        if detected.first("test") is None and before != state.base:
            detected = await self.detection(state.run, before)
        found = _innermost(detected, kind, files)
        if found is None:
            what = "coverage" if kind == "coverage" else "tests"
            notes = "; ".join(detected.notes[:3])
            return None, f"no way to run {what} was found{': ' if notes else ''}{notes}"
        return msgspec.structs.replace(found, timeout_s=timeout_s), ""

    async def detection(self, run: str, commit: str) -> Detection:
        """What the files of `commit` say can be run."""
        if commit not in self._detected:
            name = f"detect.{commit[:12]}"
            folder = await asyncio.to_thread(self.workspaces.checkout, run, name, commit)
            try:
                found = await asyncio.to_thread(self._evidence.detect, folder)
            finally:
                await asyncio.to_thread(self.workspaces.discard, run, name)
            self._detected[commit] = found
        return self._detected[commit]


def _innermost(
    detected: Detection, kind: EvidenceKind, files: tuple[str, ...]
) -> CheckCommand | None:
    """The first command for `kind` in the innermost project that holds `files`."""
    first: dict[str, CheckCommand] = {}
    for command in detected.commands:
        if command.kind == kind:
            first.setdefault(command.folder, command)
    holding = [
        folder
        for folder in first
        if files and all(folder == "." or path.startswith(f"{folder}/") for path in files)
    ]
    innermost = max(holding, key=lambda folder: 0 if folder == "." else len(folder), default=None)
    return detected.first(kind) if innermost is None else first[innermost]


def evidence_file(evidence: Evidence) -> Path:
    """Where the evidence itself is kept: in the record, above the folder of its last run."""
    log = Path(evidence.log)
    return next(
        (place / EVIDENCE_FILE for place in (log, log.parent) if (place / EVIDENCE_FILE).is_file()),
        log / EVIDENCE_FILE,
    )


def read_evidence(record: Path) -> Evidence | None:
    """What was gathered into the folder `record`, if it is whole."""
    try:
        return msgspec.json.decode((record / EVIDENCE_FILE).read_bytes(), type=Evidence)
    except (OSError, msgspec.MsgspecError):
        return None


def _record_name(
    command: CheckCommand, tree: str, extra: Mapping[str, str], files: tuple[str, ...], turn: int
) -> str:
    parts: list[object] = [command, sorted(extra.items())]
    if files or turn > 1:
        parts += [files, turn]
    identity = msgspec.json.encode(parts)
    return f"{command.kind}-{tree[:16]}-{hashlib.sha256(identity).hexdigest()[:10]}"
