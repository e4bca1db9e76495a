"""What a writing run delivered, as facts: changes, statements, verdicts, and what is missing.

A statement is what a performer said of its own work; a verdict is what the engine or a named person
found. The two are never mixed.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from orchestrate.core.planning.definition import GateKind
from orchestrate.core.running.recovery import assignee_of, performing
from orchestrate.core.running.state import RunState, TaskState
from orchestrate.core.running.status import GateStatus, TaskStatus
from orchestrate.core.sharing.evidence import Verdict

_VERDICTS: dict[GateStatus, Verdict] = {
    GateStatus.PASSED: "passed",
    GateStatus.FAILED: "failed",
    GateStatus.UNKNOWN: "unknown",
}
#: Gates that are about the tests that reproduce a bug.
REPRODUCTION: frozenset[GateKind] = frozenset({"reproduces", "fixed"})


class Change(msgspec.Struct, frozen=True):
    """Work on the line: the commit it was made as, what it touches, and whether it is verified."""

    task: str
    commit: str
    paths: tuple[str, ...]
    added: int
    removed: int
    binaries: int
    verified: bool


class Statement(msgspec.Struct, frozen=True):
    """What a performer said of its own work, in its words.

    `afterwards`: it changed nothing, and looked when changes of earlier phases were there.
    """

    task: str
    who: str
    text: str
    afterwards: bool


class Judged(msgspec.Struct, frozen=True):
    """A verdict on `subject` (a gate, or a task's work) by `by`, with what was seen.

    `before` is what the same check said of what was there before; empty where that is not known.
    `tests` are those that show a bug, where it is about them.
    """

    subject: str
    name: str
    kind: GateKind | None
    verdict: Verdict
    summary: str
    before: str
    by: str
    human: bool
    tests: tuple[str, ...] = ()


class Missing(msgspec.Struct, frozen=True):
    """A task that did not do what it was there for, and why."""

    task: str
    status: TaskStatus
    why: str


class Regression(msgspec.Struct, frozen=True):
    """The tests that show a bug: `tests` by name, as the engine saw them before and after the fix.

    A verdict is on the statement, not on the tests: *passed* before means that they failed there,
    and for the right reason. None where it was not looked at.
    """

    tests: tuple[str, ...] = ()
    before: Verdict | None = None
    before_seen: str = ""
    after: Verdict | None = None
    after_seen: str = ""

    @property
    def proven(self) -> bool:
        """Whether the bug was shown, and shown to be gone."""
        return self.before == self.after == "passed"


def changes(state: RunState) -> tuple[Change, ...]:
    """Everything on the line, in the order of the workflow."""
    return tuple(
        Change(
            task=name,
            commit=work.commit,
            paths=work.paths,
            added=work.added,
            removed=work.removed,
            binaries=work.binaries,
            verified=record.verified,
        )
        for name, record in _tasks(state)
        if (work := record.work) is not None and _on_line(record)
    )


def statements(state: RunState) -> tuple[Statement, ...]:
    """What everybody who succeeded said, in the order of the workflow."""
    plan = state.index
    last = max(
        (plan.phase_of[n] for n, record in state.tasks.items() if _on_line(record)), default=-1
    )
    return tuple(
        Statement(
            task=name,
            who=performer(state, name),
            text=record.summary,
            afterwards=not _on_line(record) and -1 < last < plan.phase_of[plan.position[name]],
        )
        for name, record in _tasks(state)
        if record.summary and record.status is TaskStatus.SUCCEEDED
    )


def scripted(state: RunState) -> tuple[str, ...]:
    """Tasks that no model did, but a script, in the order of the workflow."""
    plan = state.index
    return tuple(
        name
        for name, record in _tasks(state)
        if record.attempts
        and (who := performing(plan, plan.position[name], record)) is not None
        and who.script
    )


def performer(state: RunState, name: str) -> str:
    """Who performed a task, in words: a command, a person, or an agent and its backend."""
    number = state.index.position[name]
    spec = state.index.order[number]
    if spec.run is not None:
        return "a shell command"
    who = assignee_of(spec, state.tasks[number])
    if who is None:
        return spec.agent or "a specialist"
    if who.backend == "human":
        return "a person"
    return f"{who.agent} ({who.backend})"


def judged(state: RunState) -> Iterator[Judged]:
    """Every verdict: of the gates that were decided, then of each piece of work on the line.

    Of a gate, the evidence `tests` has a name a line.
    """
    for name, (_, gate) in state.index.gates.items():
        record = state.gates[name]
        if record.status in _VERDICTS:
            yield Judged(
                subject="",
                name=name,
                kind=gate.kind,
                verdict=_VERDICTS[record.status],
                summary=record.evidence.get("summary") or record.reason,
                before=_unsaid(
                    record.evidence.get("before", ""), record.evidence.get("summary", "")
                ),
                by=record.by,
                human=gate.kind == "human",
                tests=tuple(filter(None, record.evidence.get("tests", "").split("\n"))),
            )
    kinds = {name: gate.kind for asked in state.index.merge_gates for name, gate in asked}
    for task, held in _tasks(state):
        for note in held.checks if _on_line(held) else ():
            yield Judged(
                subject=task,
                name=note.name,
                kind=kinds.get(note.name),
                verdict=note.verdict,
                summary=note.summary,
                before=_unsaid(note.before, note.summary),
                by="engine",
                human=False,
                tests=note.tests,
            )


def _unsaid(before: str, summary: str) -> str:
    """`before`, unless the summary of what was seen compares with it already."""
    return "" if f"before: {before}" in summary else before


def missing(state: RunState) -> tuple[Missing, ...]:
    """Tasks that failed, were skipped because of others, or have not ended."""
    return tuple(
        Missing(name, record.status, record.message)
        for name, record in _tasks(state)
        if record.status is not TaskStatus.SUCCEEDED and record.skipped_by != "condition"
    )


def regression(state: RunState) -> Regression | None:
    """What the gates on the reproduction of a bug say; None in a run that has no such gate."""
    merges = [gate for asked in state.index.merge_gates for _, gate in asked]
    gates = [*(gate for _, gate in state.index.gates.values()), *merges]
    if not any(gate.kind in REPRODUCTION for gate in gates):
        return None
    seen = {found.kind: found for found in judged(state)}
    before, after = seen.get("reproduces"), seen.get("fixed")
    return Regression(
        tests=(before.tests if before else ()) or (after.tests if after else ()),
        before=before.verdict if before else None,
        before_seen=before.summary if before else "",
        after=after.verdict if after else None,
        after_seen=after.summary if after else "",
    )


def _tasks(state: RunState) -> Iterator[tuple[str, TaskState]]:
    """Every task that does work itself, in the order of the workflow."""
    for spec in state.index.workflow.tasks:
        if not spec.is_group:
            yield spec.id, state.task(spec.id)


def _on_line(record: TaskState) -> bool:
    return record.status is TaskStatus.SUCCEEDED and bool(record.commit)
