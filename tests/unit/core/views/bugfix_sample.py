"""A run that fixed a bug: investigated, reproduced, fixed, reviewed, approved. Not a test."""

from __future__ import annotations

import msgspec

from orchestrate.core.planning.definition import GateSpec, PhaseSpec, TaskSpec, Workflow
from orchestrate.core.planning.staffing import Assignee
from orchestrate.core.running import commands as cmd
from orchestrate.core.running.state import RunState
from orchestrate.core.sharing.evidence import EvidenceNote
from orchestrate.core.sharing.work import Work
from tests.unit.core.running.drive import BASE, Run

REQUEST = "the mean of an empty list divides by zero"
TEST = "tests/test_mean.py::test_empty"
RED = "1 failed; ZeroDivisionError: division by zero"
GREEN = "1 passed"
FIX = "f1f2f3f4f5f6f7f8f9f0f1f2f3f4f5f6f7f8f9f0"
REPRODUCTION = "a1a2a3a4a5a6a7a8a9a0a1a2a3a4a5a6a7a8a9a0"
BRANCH = "orchestrate/r"


def _agent(name: str, phase: str, who: str, *needs: str, writes: tuple[str, ...] = ()) -> TaskSpec:
    staff = (Assignee(agent=who, backend="claude"),)
    return TaskSpec(
        name, phase, agent=who, backend="claude", needs=needs, writes=writes, staff=staff
    )


def workflow() -> Workflow:
    """Three phases, with the gates a bug fix has."""
    return Workflow(
        name="bugfix",
        phases=(
            PhaseSpec("reproduce", gates=(GateSpec("red", "reproduces", task="regression"),)),
            PhaseSpec(
                "fix",
                depends_on=("reproduce",),
                gates=(
                    GateSpec("green", "fixed", task="regression"),
                    GateSpec("tests", "tests", each_merge=True),
                ),
            ),
            PhaseSpec("review", depends_on=("fix",), gates=(GateSpec("agree", "human"),)),
        ),
        tasks=(
            _agent("impact", "reproduce", "architect"),
            _agent("regression", "reproduce", "tester", writes=("tests/**",)),
            _agent("fix", "fix", "builder", writes=("src/**",)),
            _agent("remarks", "review", "reviewer"),
            _agent("security", "review", "scout"),
        ),
        on_failure="continue",
    )


def _work(commit: str, path: str, added: int, removed: int) -> Work:
    return Work(commit, BASE, f"tree-{commit}", (path,), added, removed)


def _gate(run: Run, name: str, summary: str, **more: str) -> None:
    run.give(
        cmd.DecideGate(
            gate=name, verdict="passed", by="engine", evidence={"summary": summary, **more}
        )
    )


def _merge(run: Run, name: str, work: Work, *notes: EvidenceNote, verified: bool = True) -> None:
    run.succeed(name, summary=f"Did {name}.", work=work)
    run.hold()
    number = run.state.task(name).attempts
    run.give(
        cmd.AcceptWork(
            task=name,
            number=number,
            line=run.state.line,
            commit=f"line-{name}",
            checks=notes,
            verified=verified,
        )
    )


def fixed(*, security: str = "No new finding in `mean`.", verified: bool = True) -> RunState:
    """The run as it is when it has ended; without `security` that task failed."""
    run = Run(workflow()).start()
    run.hold()
    run.succeed("impact", summary="Only mean() in src/mean.py divides.")
    _merge(run, "regression", _work(REPRODUCTION, "tests/test_mean.py", 6, 0))
    _gate(run, "reproduce/red", RED, tests=TEST)
    run.hold()
    note = EvidenceNote("fix/tests", "passed", "13 passed", before="12 passed, 1 failed")
    _merge(run, "fix", _work(FIX, "src/mean.py", 2, 1), note, verified=verified)
    _gate(run, "fix/green", GREEN, tests=TEST)
    _gate(run, "fix/tests", "13 passed (before: 12 passed, 1 failed)")
    run.hold()
    run.succeed("remarks", summary="An empty list could also be an error.")
    if security:
        run.succeed("security", summary=security)
    else:
        run.fail("security", "timeout")
    state = run.state
    if security:
        run.decide("review/agree")
        run.hold()
        run.give(cmd.RecordPublication(branch=BRANCH, commit=run.state.line))
        state = run.state
    return msgspec.structs.replace(state, request=REQUEST)
