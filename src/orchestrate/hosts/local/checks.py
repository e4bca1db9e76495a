"""Checks on a commit: what decides gates, and what work has to pass before it is merged.

Theory of operation
-------------------
A check looks at a commit, never at somebody's folder: its files are laid out in a checkout of their
own, the command runs there, and the evidence is kept under the commit's tree. The same tree is
therefore never checked twice by the same command, however often a gate asks, a merge train bisects
or a driver dies. What is run is read from the commit the run began at: work cannot change the
command by which it is judged.

Whether work is good is a comparison with what was there before: tests that failed already are not
its fault, tests that passed have to pass still, and to be there.
"""

from __future__ import annotations

import asyncio
import hashlib
from pathlib import Path
from typing import cast

import msgspec

from orchestrate.core.planning.definition import GateSpec
from orchestrate.core.planning.expression import ExpressionError, evaluate, parse
from orchestrate.core.running.scope import scope
from orchestrate.core.running.state import RunState
from orchestrate.core.sharing.comparison import compare
from orchestrate.core.sharing.dependency_files import DEPENDENCY_TOOLS, touches_dependencies
from orchestrate.core.sharing.evidence import CheckCommand, Evidence, EvidenceKind, EvidenceNote
from orchestrate.core.sharing.findings import Severity
from orchestrate.core.sharing.limits import judge_coverage, judge_diff, judge_new_findings
from orchestrate.core.sharing.verdict import Judgement
from orchestrate.core.sharing.work import Proof, Work
from orchestrate.core.wording import count
from orchestrate.hosts.local.gathering import (
    EVIDENCE_FILE,
    NOT_TRUSTED,
    Gathering,
    Policy,
    evidence_file,
    read_evidence,
)
from orchestrate.hosts.local.reproduction import Reproductions, told
from orchestrate.hosts.local.scans import Scanned, Scans
from orchestrate.ports.evidence import EvidenceRunner
from orchestrate.ports.workspace import Workspaces

__all__ = ["EVIDENCE_FILE", "NOT_TRUSTED", "Checks", "Policy", "read_evidence"]


class Checks:
    """Gathers evidence about commits of one repository's runs."""

    def __init__(
        self,
        workspaces: Workspaces,
        evidence: EvidenceRunner,
        scans: Scans,
        runs_dir: Path,
        policy: Policy,
    ) -> None:
        self.workspaces = workspaces
        self._gathering = Gathering(workspaces, evidence, runs_dir, policy)
        self._reproductions = Reproductions(self._gathering, runs_dir)
        self._scans = scans
        self._policy = policy

    async def judge(
        self, state: RunState, name: str, gate: GateSpec, commit: str, before: str
    ) -> tuple[Judgement, EvidenceNote]:
        """The gate's verdict on `commit`, which follows on `before`, and a note of it.

        A gate that `reproduces` looks at the work of its task, whatever `commit` is. One whose
        `when` does not hold passes unasked.
        """
        if gate.when is not None and not _may_hold(state, gate.when):
            judged = Judgement("passed", f"not asked: {gate.when} does not hold")
            return judged, _note(name, judged)
        if gate.kind == "reproduces":
            return await self._reproduces(state, name, gate)
        if gate.kind == "fixed":
            return await self._fixed(state, name, gate, commit, before)
        if gate.kind == "diff":
            work = await asyncio.to_thread(self.workspaces.difference, before, commit)
            judged = judge_diff(work, max_files=gate.max_files, max_lines=gate.max_lines)
            size = f"{count(len(work.paths), 'file')}, +{work.added} -{work.removed} lines"
            return judged, _note(name, judged, size)
        if gate.kind == "findings":
            return await self._findings(state, name, gate, commit, before)
        if gate.kind == "command":
            return await self._own_command(state, name, gate, commit)
        return await self._tests(state, name, gate, commit, before)

    async def _reproduces(
        self, state: RunState, name: str, gate: GateSpec
    ) -> tuple[Judgement, EvidenceNote]:
        found = await self._reproductions.reproduced(state, gate)
        note = _about(name, found.judgement, told(found), Path(found.evidence))
        return found.judgement, msgspec.structs.replace(note, tests=found.tests)

    async def _fixed(
        self, state: RunState, name: str, gate: GateSpec, commit: str, before: str
    ) -> tuple[Judgement, EvidenceNote]:
        found = await self._reproductions.fixed(state, gate, commit, before)
        path = evidence_file(found.evidence) if found.evidence is not None else None
        note = _about(name, found.judgement, found.summary, path, told(found.reproduction))
        return found.judgement, msgspec.structs.replace(note, tests=found.reproduction.tests)

    async def _own_command(
        self, state: RunState, name: str, gate: GateSpec, commit: str
    ) -> tuple[Judgement, EvidenceNote]:
        argv = ("/bin/sh", "-c", gate.command)
        command = CheckCommand("command", "shell", argv, timeout_s=gate.timeout_s)
        seen = await self._gathering.gather(state.run, command, commit, bare=True, network=True)
        judged = Judgement(seen.verdict, seen.cause)
        return judged, _filed(name, judged, seen.summary, seen)

    async def _tests(
        self, state: RunState, name: str, gate: GateSpec, commit: str, before: str
    ) -> tuple[Judgement, EvidenceNote]:
        """Tests or coverage, compared with what they were before."""
        kind: EvidenceKind = "coverage" if gate.kind == "coverage" else "test"
        command, problem = await self._gathering.command(state, kind, gate, before)
        if command is None:
            judged = Judgement("unknown", problem)
            return judged, _note(name, judged)
        after = await self._gathering.gather(state.run, command, commit)
        earlier = (
            after if before == commit else await self._gathering.gather(state.run, command, before)
        )
        if gate.kind == "coverage" and earlier.failing and state.base not in ("", before):
            # What a red test covered before it failed says little; the run began with green ones.
            earlier = await self._gathering.gather(state.run, command, state.base)
        if gate.kind == "coverage":
            floor = gate.min_percent
            judged = judge_coverage(after, floor, earlier if floor is None else None)
        else:
            found = compare(earlier, after)
            judged = Judgement(found.verdict, found.cause)
        summary = after.summary
        if earlier is not after and earlier.summary != after.summary:
            summary = f"{after.summary} (before: {earlier.summary})"
        return judged, _filed(name, judged, summary, after, earlier.summary)

    async def _findings(
        self, state: RunState, name: str, gate: GateSpec, commit: str, before: str
    ) -> tuple[Judgement, EvidenceNote]:
        earlier = await self._scans.scan(state.run, before, state.inputs)
        after = await self._scans.scan(state.run, commit, state.inputs)
        severity = cast("Severity", gate.severity)
        work = await asyncio.to_thread(self.workspaces.difference, before, commit)
        judged = judge_new_findings(
            earlier.findings,
            after.findings,
            severity=severity,
            limit=gate.max_new,
            unknown=_newly_unknown(earlier, after, severity, work),
        )
        summary = f"{len(after.findings)} findings (before: {len(earlier.findings)})"
        return judged, _note(name, judged, summary)

    # -- work ----------------------------------------------------------------------------------

    async def prove(self, run: str, proof: Proof, work: Work) -> tuple[Judgement, EvidenceNote]:
        """Whether `proof` fails before the work and passes after it."""
        if not self._policy.trusted:
            judged = Judgement("unknown", NOT_TRUSTED)
            return judged, _note(proof.name, judged)
        command = CheckCommand(
            kind="command",
            runner="shell",
            argv=proof.argv,
            timeout_s=self._policy.timeout_s,
        )
        laid_over = dict.fromkeys(proof.files, work.commit)
        before = await self._gathering.gather(run, command, work.base, laid_over, bare=True)
        after = await self._gathering.gather(run, command, work.commit, bare=True)
        judged = _proven(before, after)
        return judged, _filed(proof.name, judged, _told(before, after), after)

    async def rescan(
        self, state: RunState, task: str, work: Work
    ) -> tuple[Judgement, EvidenceNote]:
        """Whether the findings that `task` was to remove are gone, and none came in their place."""
        item = state.index.order[state.index.position[task]].item
        found = await self._scans.rescan(state.run, work, item, state.inputs)
        parts = [f"still reported: {', '.join(found.remaining)}"] if found.remaining else []
        parts += [
            f"new: {new.rule} at {new.location.path}:{new.location.line}" for new in found.new
        ]
        if parts:
            judged = Judgement("failed", "; ".join(parts))
        elif found.unknown:
            judged = Judgement("unknown", "; ".join(found.unknown))
        else:
            judged = Judgement("passed")
        return judged, _note("re-scan", judged, "" if judged.cause else "gone, and nothing new")


def _filed(
    name: str, judged: Judgement, summary: str, evidence: Evidence, before: str = ""
) -> EvidenceNote:
    return _about(name, judged, summary, evidence_file(evidence), before)


def _about(
    name: str, judged: Judgement, summary: str, path: Path | None, before: str = ""
) -> EvidenceNote:
    """A note of the evidence in the file at `path`, if that can be read."""
    try:
        digest = hashlib.sha256(path.read_bytes()).hexdigest() if path is not None else ""
    except OSError:
        digest = ""
    if path is None or not digest:
        return msgspec.structs.replace(_note(name, judged, summary), before=before)
    text = summary
    if judged.cause and judged.cause not in summary:
        text = f"{summary}; {judged.cause}" if summary else judged.cause
    return EvidenceNote(name, judged.verdict, text, digest, str(path), before)


def _note(name: str, judged: Judgement, summary: str = "") -> EvidenceNote:
    text = "; ".join(part for part in (summary, judged.cause) if part)
    return EvidenceNote(name, judged.verdict, text)


def _may_hold(state: RunState, condition: str) -> bool:
    """Whether `condition` holds, or cannot be decided: then the gate is asked."""
    try:
        return evaluate(parse(condition), scope(state)) is not False
    except ExpressionError:
        return True


def _newly_unknown(
    earlier: Scanned, after: Scanned, severity: Severity, work: Work
) -> tuple[str, ...]:
    """What nobody looked at, and might be other than it was before `work`.

    Dependencies that nobody could look up are the same ones as long as no file names others.
    """
    unknown = after.unknown(severity)
    if touches_dependencies(work.paths):
        return unknown
    known = set(earlier.unknown(severity))
    return tuple(
        entry
        for entry in unknown
        if entry not in known or entry.partition(":")[0] not in DEPENDENCY_TOOLS
    )


def _proven(before: Evidence, after: Evidence) -> Judgement:
    for when, side in (("before", before), ("after", after)):
        if side.verdict == "unknown":
            return Judgement("unknown", f"{when} the work: {side.cause}")
    if before.verdict == "passed":
        return Judgement("failed", "it passes without the work, so it shows nothing")
    if after.verdict == "failed":
        return Judgement("failed", f"it still fails: {after.cause}")
    return Judgement("passed")


def _told(before: Evidence, after: Evidence) -> str:
    return f"{before.verdict} before, {after.verdict} after"
