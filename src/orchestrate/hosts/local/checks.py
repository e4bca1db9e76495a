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
from collections.abc import Mapping
from pathlib import Path
from typing import cast

import msgspec

from orchestrate.core.planning.definition import GateSpec
from orchestrate.core.running.state import RunState
from orchestrate.core.sharing.comparison import compare
from orchestrate.core.sharing.evidence import CheckCommand, Evidence, EvidenceKind, EvidenceNote
from orchestrate.core.sharing.findings import Severity
from orchestrate.core.sharing.limits import judge_coverage, judge_diff, judge_new_findings
from orchestrate.core.sharing.verdict import Judgement
from orchestrate.core.sharing.work import Proof, Work
from orchestrate.hosts.local.scans import Scans
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
        self._evidence = evidence
        self._scans = scans
        self._runs_dir = runs_dir
        self._policy = policy
        self._detected: dict[str, Detection] = {}
        self._at_work: dict[str, asyncio.Lock] = {}

    async def judge(
        self, state: RunState, name: str, gate: GateSpec, commit: str, before: str
    ) -> tuple[Judgement, EvidenceNote]:
        """The gate's verdict on `commit`, which follows on `before`, and a note of it."""
        if gate.kind == "diff":
            work = await asyncio.to_thread(self.workspaces.difference, before, commit)
            judged = judge_diff(work, max_files=gate.max_files, max_lines=gate.max_lines)
            size = f"{len(work.paths)} files, +{work.added} -{work.removed} lines"
            return judged, _note(name, judged, size)
        if gate.kind == "findings":
            return await self._findings(state, name, gate, commit, before)
        if gate.kind == "command":
            return await self._own_command(state, name, gate, commit)
        return await self._tests(state, name, gate, commit, before)

    async def _own_command(
        self, state: RunState, name: str, gate: GateSpec, commit: str
    ) -> tuple[Judgement, EvidenceNote]:
        argv = ("/bin/sh", "-c", gate.command)
        command = CheckCommand("command", "shell", argv, timeout_s=gate.timeout_s)
        seen = await self.gather(state.run, command, commit, bare=True, network=True)
        judged = Judgement(seen.verdict, seen.cause)
        return judged, self._filed(name, judged, seen.summary, seen)

    async def _tests(
        self, state: RunState, name: str, gate: GateSpec, commit: str, before: str
    ) -> tuple[Judgement, EvidenceNote]:
        """Tests or coverage, compared with what they were before."""
        kind: EvidenceKind = "coverage" if gate.kind == "coverage" else "test"
        command, problem = await self._command(state, kind, gate)
        if command is None:
            judged = Judgement("unknown", problem)
            return judged, _note(name, judged)
        after = await self.gather(state.run, command, commit)
        earlier = after if before == commit else await self.gather(state.run, command, before)
        if gate.kind == "coverage":
            floor = gate.min_percent
            judged = judge_coverage(after, floor, earlier if floor is None else None)
        else:
            found = compare(earlier, after)
            judged = Judgement(found.verdict, found.cause)
        summary = after.summary
        if earlier is not after and earlier.summary != after.summary:
            summary = f"{after.summary} (before: {earlier.summary})"
        return judged, self._filed(name, judged, summary, after, earlier.summary)

    async def _findings(
        self, state: RunState, name: str, gate: GateSpec, commit: str, before: str
    ) -> tuple[Judgement, EvidenceNote]:
        earlier = await self._scans.scan(state.run, before, state.inputs)
        after = await self._scans.scan(state.run, commit, state.inputs)
        severity = cast("Severity", gate.severity)
        judged = judge_new_findings(
            earlier.findings,
            after.findings,
            severity=severity,
            limit=gate.max_new,
            unknown=after.unknown(severity),
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
        before = await self.gather(run, command, work.base, laid_over, bare=True)
        after = await self.gather(run, command, work.commit, bare=True)
        judged = _proven(before, after)
        return judged, self._filed(proof.name, judged, _told(before, after), after)

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

    # -- evidence ------------------------------------------------------------------------------

    async def gather(
        self,
        run: str,
        command: CheckCommand,
        commit: str,
        laid_over: Mapping[str, str] | None = None,
        *,
        bare: bool = False,
        network: bool = False,
    ) -> Evidence:
        """Evidence of `command` on `commit`, from the record if it was gathered before.

        `laid_over` maps paths to the commits they are taken from instead. `bare`: the command
        needs nothing but an interpreter. `network`: it may use the network, as the user's own
        command may.
        """
        extra = laid_over or {}
        tree = await asyncio.to_thread(self.workspaces.tree, commit)
        name = _record_name(command, tree, extra)
        record = self._runs_dir / run / "evidence" / name
        async with self._at_work.setdefault(str(record), asyncio.Lock()):
            found = read_evidence(record)
            if found is not None:
                return found
            checkout = await asyncio.to_thread(
                self.workspaces.checkout, run, f"check.{name}", commit, extra
            )
            try:
                return await self._evidence.gather(
                    Check(
                        command=command,
                        checkout=str(checkout),
                        revision=commit,
                        tree=tree,
                        record=str(record),
                        token=f"{run}:evidence:{name}",
                        network=network or self._policy.network,
                        reruns=0 if bare else 2,
                        bare=bare,
                    )
                )
            finally:
                await asyncio.to_thread(self.workspaces.discard, run, f"check.{name}")

    async def _command(
        self, state: RunState, kind: EvidenceKind, gate: GateSpec
    ) -> tuple[CheckCommand | None, str]:
        """The command for a gate, or why there is none."""
        timeout_s = min(gate.timeout_s, self._policy.timeout_s)
        own = gate.command or (self._policy.test_command if kind == "test" else "")
        if not self._policy.trusted and not gate.command:
            return None, NOT_TRUSTED
        if own:
            argv = ("/bin/sh", "-c", own)
            return CheckCommand(kind=kind, runner="shell", argv=argv, timeout_s=timeout_s), ""
        detected = await self._detection(state)
        found = detected.first(kind)
        if found is None:
            what = "coverage" if kind == "coverage" else "tests"
            notes = "; ".join(detected.notes[:3])
            return None, f"no way to run {what} was found{': ' if notes else ''}{notes}"
        return msgspec.structs.replace(found, timeout_s=timeout_s), ""

    async def _detection(self, state: RunState) -> Detection:
        if state.base not in self._detected:
            name = f"detect.{state.base[:12]}"
            folder = await asyncio.to_thread(self.workspaces.checkout, state.run, name, state.base)
            try:
                found = await asyncio.to_thread(self._evidence.detect, folder)
            finally:
                await asyncio.to_thread(self.workspaces.discard, state.run, name)
            self._detected[state.base] = found
        return self._detected[state.base]

    @staticmethod
    def _filed(
        name: str, judged: Judgement, summary: str, evidence: Evidence, before: str = ""
    ) -> EvidenceNote:
        path = _file_of(evidence)
        try:
            digest = hashlib.sha256(path.read_bytes()).hexdigest()
        except OSError:
            return _note(name, judged, summary)
        text = (
            f"{summary}; {judged.cause}"
            if judged.cause and judged.cause not in summary
            else summary
        )
        return EvidenceNote(name, judged.verdict, text, digest, str(path), before)


def _file_of(evidence: Evidence) -> Path:
    """Where the evidence itself is kept: in the record, above the folder of its last run."""
    log = Path(evidence.log)
    return next(
        (place / EVIDENCE_FILE for place in (log, log.parent) if (place / EVIDENCE_FILE).is_file()),
        log / EVIDENCE_FILE,
    )


def _note(name: str, judged: Judgement, summary: str = "") -> EvidenceNote:
    text = "; ".join(part for part in (summary, judged.cause) if part)
    return EvidenceNote(name, judged.verdict, text)


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


def _record_name(command: CheckCommand, tree: str, extra: Mapping[str, str]) -> str:
    identity = msgspec.json.encode((command, sorted(extra.items())))
    return f"{command.kind}-{tree[:16]}-{hashlib.sha256(identity).hexdigest()[:10]}"


def read_evidence(record: Path) -> Evidence | None:
    """What was gathered into the folder `record`, if it is whole."""
    try:
        return msgspec.json.decode((record / EVIDENCE_FILE).read_bytes(), type=Evidence)
    except (OSError, msgspec.MsgspecError):
        return None
