"""The merge train: delivered work joins the integration line, one piece after the other.

Theory of operation
-------------------
Each round takes the work that waits, in the order of the plan, and merges it onto the line in
memory until a piece conflicts or the batch is full. Each piece is first checked by itself (its
proofs, the gates that look at a single piece). The checks of the phase then run on what the whole
batch makes of the line. Green: all of it is merged, each piece with a commit of its own. Red: the
batch is bisected; what comes before the first red merge is merged, and the piece that turned it red
is sent back. Pieces behind it wait for the next round.

A piece that is red together and green alone did not break anything by itself: the pieces merged
since it began are tried with it one by one, and the one it contradicts is named.

A conflict is only believed against the line itself, not against other work of the batch that may
yet be sent back. Every verdict is kept by tree, so a train that died is driven again for nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import NamedTuple

from orchestrate.core.ids import AttemptKey
from orchestrate.core.planning.definition import GateKind, GateSpec
from orchestrate.core.running import commands as cmd
from orchestrate.core.running.effects import MergeWorks
from orchestrate.core.running.plan import bits
from orchestrate.core.running.state import RunState
from orchestrate.core.sharing.evidence import EvidenceNote
from orchestrate.core.sharing.verdict import Judgement
from orchestrate.core.sharing.work import Work
from orchestrate.hosts.local.checks import Checks

#: Pieces merged since a red one began that are tried together with it, latest first.
MAX_SUSPECTS = 8

Report = Callable[[cmd.AnyCommand], None]


class Judged(NamedTuple):
    """The verdict of several checks together: failed before unknown before passed.

    `contradicts`: the work passes by itself, and fails with what was merged since it began.
    """

    judgement: Judgement
    notes: tuple[EvidenceNote, ...]
    excused: bool = False
    contradicts: bool = False

    @property
    def lets_pass(self) -> bool:
        """Whether work may be merged on it."""
        return self.judgement.verdict == "passed" or self.excused


class Coach(NamedTuple):
    """One piece of work, and the commit the line has once it is merged."""

    key: AttemptKey
    work: Work
    commit: str
    alone: Judged


#: Gates on what work makes of the line; the others that are asked at a merge look at the work alone
#: (`diff`, `findings`, `reproduces`).
_OF_THE_LINE: frozenset[GateKind] = frozenset({"tests", "coverage", "command", "fixed"})


class Train:
    """Merges the delivered work of runs."""

    def __init__(self, checks: Checks) -> None:
        self._checks = checks
        self._workspaces = checks.workspaces

    async def drive(self, state: RunState, effect: MergeWorks, report: Report) -> None:
        """One round; ends when something about the work that waits was reported."""
        batch: list[Coach] = []
        line = effect.line
        for key in effect.works[: state.index.workflow.merge_batch]:
            work = _work(state, key)
            alone = await self._alone(state, key, work)
            if not alone.lets_pass:
                report(_return(key, work, line, alone))
                return
            message = _message(state, key)
            merge = await asyncio.to_thread(
                self._workspaces.merge,
                batch[-1].commit if batch else line,
                work.commit,
                message,
                state.task(key.task).finished_at,
            )
            if merge.conflicts:
                if batch:
                    break
                report(
                    cmd.ReportConflict(
                        task=key.task,
                        number=key.number,
                        line=line,
                        work=work.commit,
                        conflicts=merge.conflicts,
                    )
                )
                return
            batch.append(Coach(key, work, merge.commit, alone))
        await self._settle(state, line, batch, report)

    async def _settle(self, state: RunState, line: str, batch: list[Coach], report: Report) -> None:
        judged = await self._together(state, batch, line)
        good, verdicts = len(batch), {len(batch): judged}
        if not judged.lets_pass:
            good, bad = 0, len(batch)
            while bad - good > 1:
                middle = (good + bad) // 2
                verdicts[middle] = await self._together(state, batch[:middle], line)
                if verdicts[middle].lets_pass:
                    good = middle
                else:
                    bad = middle
        await self._accept(state, line, batch[:good], verdicts.get(good, judged), report)
        if good < len(batch):
            culprit = batch[good]
            refused = verdicts[good + 1]
            before = batch[good - 1].commit if good else line
            if refused.judgement.verdict == "failed":
                refused = await self._explained(state, culprit, before, batch[:good], refused)
            refused = refused._replace(notes=culprit.alone.notes + refused.notes)
            report(_return(culprit.key, culprit.work, before, refused))

    async def _accept(
        self, state: RunState, line: str, batch: list[Coach], judged: Judged, report: Report
    ) -> None:
        for coach in batch:
            name = f"merged/{coach.key.folder}"
            await asyncio.to_thread(self._workspaces.keep, state.run, name, coach.commit)
            report(
                cmd.AcceptWork(
                    task=coach.key.task,
                    number=coach.key.number,
                    line=line,
                    commit=coach.commit,
                    work=coach.work.commit,
                    checks=(*coach.alone.notes, *judged.notes),
                    verified=not (coach.alone.excused or judged.excused),
                )
            )
            line = coach.commit

    # -- checks --------------------------------------------------------------------------------

    async def _together(self, state: RunState, batch: list[Coach], line: str) -> Judged:
        """What the checks say about the line once all of `batch` is merged."""
        tasks = [coach.key.task for coach in batch]
        return await self._checked(state, tasks, batch[-1].commit, line)

    async def _checked(self, state: RunState, tasks: list[str], commit: str, before: str) -> Judged:
        """The checks of the phases of all `tasks`, on `commit` compared with `before`."""
        gates = {name: gate for task in tasks for name, gate in _merge_gates(state, task)}
        results = []
        for name, gate in gates.items():
            if gate.kind in _OF_THE_LINE:
                judged, note = await self._checks.judge(state, name, gate, commit, before)
                results.append((judged, note, gate.allow_unknown))
        return _join(results)

    async def _alone(self, state: RunState, key: AttemptKey, work: Work) -> Judged:
        """What can be said of the work by itself."""
        excuse = any(gate.allow_unknown for _, gate in _merge_gates(state, key.task))
        results = [
            (*await self._checks.prove(state.run, proof, work), excuse) for proof in work.proofs
        ]
        for name, gate in _merge_gates(state, key.task):
            if gate.kind == "diff":
                found = await self._checks.judge(state, name, gate, work.commit, work.base)
            elif gate.kind == "findings" and _was_to_fix(state, key.task):
                found = await self._checks.rescan(state, key.task, work)
            elif gate.kind == "findings" or (gate.kind == "reproduces" and gate.task == key.task):
                found = await self._checks.judge(state, name, gate, work.commit, work.base)
            else:
                continue
            results.append((*found, gate.allow_unknown))
        return _join(results)

    async def _explained(
        self, state: RunState, culprit: Coach, before: str, batch: list[Coach], refused: Judged
    ) -> Judged:
        """`refused`, saying what the work contradicts if it is good by itself."""
        if culprit.work.base == before:
            return refused
        task, work = culprit.key.task, culprit.work
        own = await self._checked(state, [task], work.commit, work.base)
        if not own.lets_pass:
            return refused
        partner = await self._partner(state, culprit, batch)
        together = f"with the work of {partner}" if partner else "with what was merged meanwhile"
        cause = f"passes alone and breaks together {together}: {refused.judgement.cause}"
        return Judged(Judgement("failed", cause), refused.notes, contradicts=True)

    async def _partner(self, state: RunState, culprit: Coach, batch: list[Coach]) -> str:
        suspects = [(coach.key.task, coach.work) for coach in reversed(batch)]
        suspects += _merged_since(state, culprit.key)
        for task, work in suspects[:MAX_SUSPECTS]:
            merge = await asyncio.to_thread(
                self._workspaces.merge, work.commit, culprit.work.commit, "Try together\n", 0.0
            )
            if not merge.commit:
                continue
            tasks = [task, culprit.key.task]
            pair = await self._checked(state, tasks, merge.commit, culprit.work.base)
            if pair.judgement.verdict == "failed":
                return task
        return ""


def _message(state: RunState, key: AttemptKey) -> str:
    item = state.index.order[state.index.position[key.task]].item
    title = item.get("title", key.task)
    return f"Merge: {title}\n\nTask: {key.task}\nAttempt: {key.number}\nRun: {key.run}\n"


def _work(state: RunState, key: AttemptKey) -> Work:
    work = state.task(key.task).work
    if work is None:
        raise ValueError(f"{key} delivered nothing")
    return work


def _merge_gates(state: RunState, task: str) -> tuple[tuple[str, GateSpec], ...]:
    """The gates of the task's phase that are asked at each merge."""
    plan = state.index
    return plan.merge_gates[plan.phase_of[plan.position[task]]]


def _was_to_fix(state: RunState, task: str) -> bool:
    """Whether the task was about one finding, which has to be gone."""
    return "fingerprint" in state.index.order[state.index.position[task]].item


def _merged_since(state: RunState, key: AttemptKey) -> list[tuple[str, Work]]:
    """Work merged after the attempt `key` began, latest first."""
    began = state.task(key.task).started_at
    since = [
        (record.finished_at, state.index.order[number].id, record.work)
        for number, record in state.tasks.items()
        if record.commit and record.work is not None and record.finished_at >= began
    ]
    since.sort(key=lambda entry: entry[:2], reverse=True)
    return [(task, work) for _, task, work in since]


def _join(results: list[tuple[Judgement, EvidenceNote, bool]]) -> Judged:
    notes = tuple(note for _, note, _ in results)
    for verdict in ("failed", "unknown"):
        bad = [entry for entry in results if entry[0].verdict == verdict]
        if bad:
            cause = "; ".join(f"{note.name}: {judged.cause}" for judged, note, _ in bad)
            excused = verdict == "unknown" and all(excuse for _, _, excuse in bad)
            return Judged(Judgement(bad[0][0].verdict, cause), notes, excused)
    return Judged(Judgement("passed"), notes)


def _return(key: AttemptKey, work: Work, line: str, judged: Judged) -> cmd.ReturnWork:
    failed = judged.judgement.verdict == "failed"
    return cmd.ReturnWork(
        task=key.task,
        number=key.number,
        line=line,
        work=work.commit,
        cause="checks_failed" if failed else "checks_unknown",
        message=judged.judgement.cause,
        checks=judged.notes,
        together=judged.contradicts,
    )


def tasks_merged(state: RunState) -> list[str]:
    """Names of the workspaces whose work is on the line, or was nothing."""
    names: list[str] = []
    for number in bits(state.index.writing):
        record = state.tasks[number]
        if not record.commit:
            continue
        name = AttemptKey(state.run, state.index.order[number].id, record.attempts).folder
        # An attempt that went on with a conversation did so in the workspace that one began in.
        names.append(record.session.workspace or name if record.session is not None else name)
    return names
