"""Tests that show a bug: red without the fix, green with it, and the same tests both times.

The engine runs them itself, twice from a fresh checkout each, and keeps what it saw beside the run
(`reproduction.json`). That file is for people: a fix is judged by the evidence, which is kept by
tree and gathered again if it is gone.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
from pathlib import Path

import msgspec

from orchestrate.core.planning.definition import GateSpec
from orchestrate.core.running.state import RunState
from orchestrate.core.sharing.evidence import CheckCommand, Evidence
from orchestrate.core.sharing.reproduction import (
    Reproduction,
    beside_tests,
    judge_fixed,
    judge_reproduction,
    selection,
    shown_failures,
)
from orchestrate.core.sharing.steering import judge_unsteered, reaches_all, steers_tests
from orchestrate.core.sharing.verdict import Judgement, named
from orchestrate.core.sharing.work import Work
from orchestrate.core.wording import count
from orchestrate.hosts.local.gathering import Gathering, evidence_file
from orchestrate.ports.workspace import Workspaces

REPRODUCTION_FILE = "reproduction.json"
#: How often new tests are run from a fresh checkout; within each, failing ones are run again.
TURNS = 2


class Fixed(msgspec.Struct, frozen=True):
    """The verdict on a fix: the tests it was judged by, and what was seen before and after."""

    judgement: Judgement
    reproduction: Reproduction
    evidence: Evidence | None = None

    @property
    def summary(self) -> str:
        """What became of the tests."""
        number = len(self.reproduction.tests)
        tests = count(number, "test")
        if self.judgement.verdict == "passed":
            return f"{tests} red before and green now: {named(self.reproduction.tests)}"
        return f"{tests} red before" if number else ""


class Reproductions:
    """Judges tests that show bugs, and the fixes of these bugs, of one repository's runs."""

    def __init__(self, gathering: Gathering, runs_dir: Path) -> None:
        self._gathering = gathering
        self._workspaces: Workspaces = gathering.workspaces
        self._runs_dir = runs_dir

    async def reproduced(self, state: RunState, gate: GateSpec) -> Reproduction:
        """The verdict on the work of `gate.task`, which is also written down beside the run."""
        work = state.task(gate.task).work
        if work is None:
            cause = f"task {gate.task} has delivered no test"
            return Reproduction(gate.task, state.base, "", "unknown", cause)
        found = await self._judged(state, gate, work)
        await asyncio.to_thread(self._write_down, state.run, found)
        return found

    async def fixed(self, state: RunState, gate: GateSpec, commit: str, before: str) -> Fixed:
        """Whether the tests that `gate.task` brought pass on `commit`, unchanged.

        `before` is the commit the fix follows on: what it changes there of the tests' own files and
        settings may not be what makes them pass.
        """
        shown = await self.reproduced(state, gate)
        if shown.verdict != "passed" or shown.command is None:
            cause = f"the bug was not shown before: {shown.cause}"
            return Fixed(Judgement("unknown", cause), shown)
        changed = [
            path
            for path, blob in shown.files.items()
            if await asyncio.to_thread(self._blob, commit, path) != blob
        ]
        if changed:
            return Fixed(judge_fixed(shown, _nothing(shown.command, commit), changed), shown)
        files = selection(tuple(shown.files))
        seen = await self._gathering.gather(state.run, shown.command, commit, files=files)
        judged = judge_fixed(shown, seen)
        if judged.verdict == "passed":
            judged = await self._unsteered(state.run, shown, commit, before)
        return Fixed(judged, shown, seen)

    async def _unsteered(
        self, run: str, shown: Reproduction, commit: str, before: str
    ) -> Judgement:
        """Whether the tests pass as well with what surrounds them as it was at `before`."""
        assert shown.command is not None
        changed = await asyncio.to_thread(self._workspaces.difference, before, commit)
        paths = [path for path in changed.paths if steers_tests(path) and path not in shown.files]
        if not paths:
            return Judgement("passed")
        laid_over = dict.fromkeys(paths, before)
        known = await asyncio.to_thread(self._there, before, tuple(paths))
        files = () if reaches_all(paths) else selection((*shown.files, *known))
        earlier = None
        if known or not files:
            earlier = await self._gathering.gather(run, shown.command, before, files=files)
        seen = await self._gathering.gather(run, shown.command, commit, laid_over, files=files)
        return judge_unsteered(shown, paths, seen, earlier)

    async def _judged(self, state: RunState, gate: GateSpec, work: Work) -> Reproduction:
        found = Reproduction(gate.task, work.base, work.commit, "unknown")
        beside = beside_tests(work.paths)
        if beside is not None:
            return _with(found, beside)
        command, problem = await self._gathering.command(
            state, "test", gate, work.commit, work.paths
        )
        if command is None:
            return _with(found, Judgement("unknown", problem))
        files = selection(work.paths)
        before = await self._before(state.run, command, work, files)
        runs: list[Evidence] = []
        while len(runs) < TURNS:
            runs.append(
                await self._gathering.gather(
                    state.run, command, work.commit, files=files, turn=len(runs) + 1
                )
            )
            judged = judge_reproduction(work.paths, before, runs)
            if judged.judgement.verdict != "passed":
                break
        return msgspec.structs.replace(
            _with(found, judged.judgement),
            tests=judged.tests,
            failures=judged.failures,
            files=await asyncio.to_thread(self._blobs, work),
            command=command,
            evidence=str(evidence_file(runs[0])),
        )

    async def _before(
        self, run: str, command: CheckCommand, work: Work, files: tuple[str, ...]
    ) -> Evidence | None:
        """The same tests without the work; None where none of the files was there."""
        there = await asyncio.to_thread(self._there, work.base, files)
        if files and not there:
            return None
        return await self._gathering.gather(run, command, work.base, files=there)

    def _there(self, commit: str, paths: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(path for path in paths if self._workspaces.file(commit, path) is not None)

    def _blobs(self, work: Work) -> dict[str, str]:
        return {path: self._blob(work.commit, path) for path in work.paths}

    def _blob(self, commit: str, path: str) -> str:
        """The id git gives to the contents of a file; empty where it is not there."""
        data = self._workspaces.file(commit, path)
        if data is None:
            return ""
        kind = "sha256" if len(commit) == hashlib.sha256().digest_size * 2 else "sha1"
        digest = hashlib.new(kind, usedforsecurity=False)
        digest.update(b"blob %d\0" % len(data))
        digest.update(data)
        return digest.hexdigest()

    def _write_down(self, run: str, found: Reproduction) -> None:
        """Put `found` into the run's file, in the place of what was there of its task."""
        path = self._runs_dir / run / REPRODUCTION_FILE
        try:
            kept = msgspec.json.decode(path.read_bytes(), type=dict[str, Reproduction])
        except (OSError, msgspec.MsgspecError):
            kept = {}
        if kept.get(found.task) == found:
            return
        data = msgspec.json.format(msgspec.json.encode({**kept, found.task: found}))
        part = path.with_name(f"{path.name}.part")
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with open(descriptor, "wb") as file:
            file.write(data + b"\n")
        part.replace(path)


def told(found: Reproduction) -> str:
    """What was seen of a reproduction, on one line."""
    return f"red: {shown_failures(found.failures)}" if found.failures else ""


def _with(found: Reproduction, judged: Judgement) -> Reproduction:
    return msgspec.structs.replace(found, verdict=judged.verdict, cause=judged.cause)


def _nothing(command: CheckCommand, commit: str) -> Evidence:
    """In place of a run that the verdict does not need."""
    return Evidence(command, commit, "", "unknown", "it was not run")
