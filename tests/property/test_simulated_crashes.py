"""Crash anywhere, any number of times: nothing is lost, nothing that was finished is done twice.

The simulator's world checks the second half while it runs: it raises when work that ended well and
was recorded is asked for again without the log giving it up, or when one task is worked on twice at
once. `check_nothing_done_twice` says the same of the log, once more and from the outside.
"""

from __future__ import annotations

from random import Random

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrate.core.planning.budget import Budget
from orchestrate.core.planning.definition import (
    EachSpec,
    GateSpec,
    PhaseSpec,
    RetryPolicy,
    TaskSpec,
    Workflow,
)
from orchestrate.core.running import commands as cmd
from orchestrate.core.running import events as ev
from orchestrate.core.running.state import RunState
from orchestrate.core.running.status import RunStatus, TaskStatus
from orchestrate.core.sharing.usage import Usage
from orchestrate.hosts.simulator.behaviour import (
    Conduct,
    Handing,
    Joining,
    Judgement,
    Listing,
    Resolution,
    Sampled,
    Scripted,
)
from orchestrate.hosts.simulator.faults import (
    ClockStep,
    Closure,
    Faults,
    GoBack,
    Intervention,
    Mishap,
    Repeat,
    sample_faults,
)
from orchestrate.hosts.simulator.simulate import History, simulate
from tests.property.laws import check_history, check_waits_for_something
from tests.property.staff import AGENT_CAUSES, PROVIDERS
from tests.property.workflows import CAUSES, INPUTS, STEADY, WRITES, workflows

#: At least this many crash histories are tried, whatever the profile.
HISTORIES = settings(max_examples=max(1_000, settings.default.max_examples))  # type: ignore[union-attr]
MORE = settings(max_examples=3 * settings.default.max_examples)  # type: ignore[union-attr]

_numbers = st.integers(1, 60)
_seconds = st.floats(0, 100)


@st.composite
def faults(draw: st.DrawFn) -> Faults:
    """Faults that a run survives unharmed. Fewer crashes than a task may be lost to."""
    return Faults(
        crashes=frozenset(draw(st.lists(_numbers, max_size=6))),
        restart_after_s=draw(st.sampled_from((0.0, 1.0, 30.0))),
        lost_acknowledgements=frozenset(draw(st.lists(_numbers, max_size=2))),
        repeats=tuple(draw(st.lists(st.builds(Repeat, _numbers, _seconds), max_size=3))),
        clock_steps=tuple(
            draw(st.lists(st.builds(ClockStep, _seconds, st.floats(-500, 500)), max_size=2))
        ),
        snapshot_every=draw(st.sampled_from((0, 1, 5))),
        damaged_snapshots=draw(st.booleans()),
    )


@HISTORIES
@given(workflows(STEADY), faults(), st.integers(0, 3))
def test_crashes_change_nothing_about_how_tasks_end(
    workflow: Workflow, faults: Faults, seed: int
) -> None:
    undisturbed = simulate(workflow, INPUTS, seed=seed)
    disturbed = simulate(workflow, INPUTS, seed=seed, faults=faults)
    check_history(disturbed.events)
    assert undisturbed.state.status is RunStatus.COMPLETED
    assert disturbed.state.status is RunStatus.COMPLETED
    assert disturbed.statuses == undisturbed.statuses
    assert _gates(disturbed.state) == _gates(undisturbed.state)
    check_nothing_done_twice(disturbed)


@MORE
@given(workflows(STEADY), faults(), st.frozensets(st.integers(0, 8), max_size=3))
def test_crashes_change_nothing_where_the_same_tasks_always_fail(
    workflow: Workflow, faults: Faults, failing: frozenset[int]
) -> None:
    # Stopping at the first failure would make the outcome depend on what else was going on.
    workflow = msgspec.structs.replace(workflow, on_failure="continue")
    behaviour = Scripted(
        {
            (f"t{task}", number): Conduct(2.0, "output_limit")
            for task in failing
            for number in range(1, 20)
        }
    )
    undisturbed = simulate(workflow, INPUTS, behaviour=behaviour)
    disturbed = simulate(workflow, INPUTS, behaviour=behaviour, faults=faults)
    check_history(disturbed.events)
    assert disturbed.statuses == undisturbed.statuses
    assert disturbed.state.status is undisturbed.state.status
    check_nothing_done_twice(disturbed)


def _gates(state: RunState) -> dict[str, str]:
    return {name: gate.status.value for name, gate in state.gates.items()}


def check_nothing_done_twice(history: History) -> None:
    """The log tells each success once, and no start after it, unless something gave it up.

    Work is given up when it is sent back or to be joined with what it conflicts with, and when the
    run goes back to where it was not finished; going forward again finishes it again.
    """
    finished: set[str] = set()
    given_up = 0
    for event in history.events:
        match event:
            case ev.AttemptSucceeded(task=task):
                assert task not in finished
                finished.add(task)
            case ev.AttemptStarted(task=task):
                assert task not in finished
            case ev.WorkReturned(task=task) | ev.WorkConflicted(task=task, resolver=True):
                finished.discard(task)
                given_up += 1
            case ev.AdviceGiven():
                given_up += 1  # it was not the work
            case ev.RunRolledBack(tasks=records, workflow=workflow):
                given_up += len(finished)
                known = {task.id for task in workflow.tasks} if workflow is not None else finished
                over = {name for name, record in records.items() if record.status in FINISHED}
                finished = (finished & known) - set(records) | over
    durable = [p.key.task for p in history.performed if p.ended == "succeeded"]
    assert len(durable) - len(set(durable)) <= given_up


FINISHED = (TaskStatus.SUCCEEDED, TaskStatus.MERGING, TaskStatus.CONFLICTED)


_COMMANDS: tuple[cmd.AnyCommand, ...] = (
    cmd.PauseRun(by="ada"),
    cmd.ResumeRun(by="ada"),
    cmd.CancelRun(by="ada"),
    cmd.SetLimit(max_parallel=1),
    cmd.SetLimit(max_parallel=5),
    cmd.DecideGate(gate="p0/g0", verdict="passed", by="ada", human=True),
    cmd.DecideGate(gate="p0/g0", verdict="failed", by="grace", human=True),
    cmd.AskCheckpoint(note="by hand", by="ada"),
    cmd.RecordAudit(verdict="failed", changes=("HEAD",)),
    cmd.SetBudget(budget=Budget(cost_usd=50.0), by="ada"),
    cmd.SetBudget(budget=Budget(tokens=500), by="ada"),
    cmd.HandIn(task="t0", number=1, by="ada"),
    cmd.DeclineTask(task="t1", number=1, by="ada"),
)


@st.composite
def _interventions(draw: st.DrawFn) -> Intervention:
    return Intervention(draw(_seconds), draw(st.sampled_from(_COMMANDS)))


class Moody:
    """Anything may fail, gates and conflicts may be left alone, somebody resumes twice."""

    def attempt(self, task: TaskSpec, number: int, random: Random) -> Conduct:
        causes = (*CAUSES, *AGENT_CAUSES) if task.staff else CAUSES
        cause = random.choice(causes) if random.random() < 0.3 else None
        usage = Usage(
            output_tokens=random.randrange(1, 900),
            turns=random.randint(1, 4),
            cost_usd=random.choice((None, 0.1, 0.6)),
        )
        return Conduct(
            random.choice((0.0, 1.0, 10.0, 2_000.0)),
            cause,
            usage=random.choice((None, usage, usage)) if task.staff else None,
            retry_after_s=random.choice((None, 0.0, 40.0)),
        )

    def judge(self, gate: GateSpec, opening: int, random: Random) -> Judgement | None:
        verdict = random.choice(("passed", "passed", "failed", "unknown"))
        by = gate.approvers[0] if gate.approvers else "ada"
        return random.choice((None, Judgement(random.choice((0.0, 15.0, 90.0)), verdict, by)))  # type: ignore[arg-type]

    def join(self, task: TaskSpec, number: int, random: Random) -> Joining:
        ends = ("merged", "merged", "unverified", "conflict", "checks_failed", "checks_unknown")
        return Joining(random.choice((0.0, 1.0, 20.0)), random.choice(ends))  # type: ignore[arg-type]

    def listing(self, group: TaskSpec, random: Random) -> Listing:
        if random.random() < 0.2:
            return Listing(problem="no list there", after_s=1.0)
        items = tuple(
            ev.GroupItem(f"k{n}", {"level": n}, random.choice(WRITES))
            for n in range(random.randint(0, 4))
        )
        return Listing(items, after_s=random.choice((0.0, 5.0)))

    def resolve(self, task: TaskSpec, number: int, random: Random) -> Resolution | None:
        found = Resolution(random.choice((0.0, 9.0)), sends_back=random.random() < 0.5)
        return random.choice((None, found, found))

    def hand_in(self, task: TaskSpec, number: int, random: Random) -> Handing | None:
        found = Handing(random.choice((0.0, 9.0, 40.0)), declines=random.random() < 0.3)
        return random.choice((None, found, found))

    def snapshot_s(self, random: Random) -> float | None:
        return random.choice((None, 0.0, 2.0, 30.0))

    def resume_after_s(self, status: RunStatus, times: int) -> float | None:
        return 10.0 if times < 2 else None


@MORE
@given(
    workflows(),
    faults(),
    st.lists(_interventions(), max_size=4),
    st.lists(st.builds(Mishap, _numbers, st.sampled_from(CAUSES)), max_size=4),
    st.lists(st.builds(GoBack, _seconds, st.integers(0, 9)), max_size=2),
    st.lists(st.builds(Closure, st.sampled_from(PROVIDERS), _seconds, _seconds), max_size=2),
    st.integers(0, 99),
)
def test_whatever_happens_the_laws_hold_and_the_run_ends_or_waits(
    workflow: Workflow,
    faults: Faults,
    interventions: list[Intervention],
    mishaps: list[Mishap],
    rollbacks: list[GoBack],
    closures: list[Closure],
    seed: int,
) -> None:
    schedule = msgspec.structs.replace(
        faults,
        interventions=tuple(interventions),
        mishaps=tuple(mishaps),
        rollbacks=tuple(rollbacks),
        closures=tuple(closures),
    )
    history = simulate(workflow, INPUTS, seed=seed, behaviour=Moody(), faults=schedule)
    assert check_history(history.events) == history.state
    check_nothing_done_twice(history)
    if not history.ended:
        check_waits_for_something(history.state)
        assert not history.state.live


@given(workflows(), faults(), st.integers(0, 99))
def test_equal_arguments_give_equal_histories(
    workflow: Workflow, faults: Faults, seed: int
) -> None:
    first = simulate(workflow, INPUTS, seed=seed, behaviour=Moody(), faults=faults)
    again = simulate(workflow, INPUTS, seed=seed, behaviour=Moody(), faults=faults)
    assert first == again


@given(workflows(), st.integers(0, 99), st.integers(1, 4))
def test_total_work_over_slots_is_at_most_the_makespan(
    workflow: Workflow, seed: int, slots: int
) -> None:
    history = simulate(workflow, INPUTS, seed=seed, behaviour=Sampled(resumes=1), slots=slots)
    spans = [(p.started_s, p.ended_s) for p in history.performed if p.ended_s is not None]
    work_s = sum(ended - started for started, ended in spans)
    limit = min(slots, workflow.limits.max_parallel)
    assert work_s / limit <= history.makespan_s + 1e-6
    busiest = max((sum(a <= s < b for a, b in spans) for s, _ in spans), default=0)
    assert busiest <= limit


RELEASE = Workflow(
    name="release",
    phases=(
        PhaseSpec("scan", max_concurrent=2),
        PhaseSpec(
            "judge",
            depends_on=("scan",),
            gates=(
                GateSpec("tests", "command", command="make test"),
                GateSpec("approve", "human", approvers=("ada",)),
                GateSpec("sane", "condition", condition="tasks.merge.ok"),
            ),
        ),
        PhaseSpec("ship", depends_on=("judge",)),
    ),
    tasks=(
        TaskSpec("lint", "scan", run="true", expected_s=3.0),
        TaskSpec("audit", "scan", run="true", expected_s=5.0),
        TaskSpec("graph", "scan", run="true", expected_s=4.0),
        TaskSpec("merge", "judge", run="true", needs=("lint", "audit", "graph")),
        TaskSpec(
            "flaky",
            "judge",
            run="true",
            retry=RetryPolicy(max_attempts=3, backoff_s=2.0),
        ),
        TaskSpec("publish", "ship", run="true"),
        TaskSpec("never", "ship", run="true", when="not inputs.flag"),
        TaskSpec("notify", "ship", run="true", needs=("publish", "never"), trigger="all_done"),
    ),
)
_FLAKY = Scripted({("flaky", 1): Conduct(1.0, "exit"), ("flaky", 2): Conduct(1.0, "crash")})


@pytest.fixture(scope="module")
def calm() -> History:
    history = simulate(RELEASE, INPUTS, behaviour=_FLAKY)
    assert history.state.status is RunStatus.COMPLETED
    assert history.statuses["flaky"] == "succeeded"
    assert history.statuses["never"] == "skipped"
    return history


@pytest.mark.parametrize("restart_after_s", [0.0, 4.0, 1_000.0])
@pytest.mark.parametrize("snapshot_every", [0, 3])
def test_crash_at_every_single_point(
    calm: History, restart_after_s: float, snapshot_every: int
) -> None:
    # The schedule with snapshots has points of its own: go on until none is left.
    number = 0
    while True:
        number += 1
        faults = Faults(
            crashes=frozenset({number}),
            restart_after_s=restart_after_s,
            snapshot_every=snapshot_every,
        )
        history = simulate(RELEASE, INPUTS, behaviour=_FLAKY, faults=faults)
        if history.lives == 1:
            break
        assert history.statuses == calm.statuses
        assert history.state.status is RunStatus.COMPLETED
        check_nothing_done_twice(history)
    assert number > calm.points


def test_crash_twice_with_the_second_one_during_recovery(calm: History) -> None:
    for first in range(1, calm.points + 1):
        for gap in (1, 2, 3, 4, 5):
            faults = Faults(crashes=frozenset({first, first + gap}), restart_after_s=1.0)
            history = simulate(RELEASE, INPUTS, behaviour=_FLAKY, faults=faults)
            assert history.statuses == calm.statuses


def test_every_lost_acknowledgement_is_noticed_as_a_conflict(calm: History) -> None:
    for number in range(1, calm.appends + 1):
        faults = Faults(lost_acknowledgements=frozenset({number}))
        history = simulate(RELEASE, INPUTS, behaviour=_FLAKY, faults=faults)
        assert history.lives == 2
        assert history.statuses == calm.statuses


@pytest.mark.parametrize("after_s", [0.0, 0.5, 7.0, 200.0])
def test_every_repeated_report_is_dropped(calm: History, after_s: float) -> None:
    for number in range(1, calm.reports + 1):
        faults = Faults(repeats=(Repeat(number, after_s),))
        history = simulate(RELEASE, INPUTS, behaviour=_FLAKY, faults=faults)
        assert history.events == calm.events


def test_outcome_recorded_before_the_crash_is_taken_not_repeated() -> None:
    workflow = Workflow(
        name="one", phases=(PhaseSpec("p"),), tasks=(TaskSpec("t", "p", run="true"),)
    )
    calm = simulate(workflow)
    recovered = []
    for number in range(1, calm.points + 1):
        history = simulate(workflow, faults=Faults(crashes=frozenset({number})))
        if len(history.performed) == 1 and history.performed[0].ended == "succeeded":
            success = next(e for e in history.events if isinstance(e, ev.AttemptSucceeded))
            recovered.append(success.recovered)
    assert True in recovered
    assert False in recovered


def test_attempt_that_works_on_while_its_host_is_dead_counts_when_it_ends_in_time() -> None:
    workflow = Workflow(
        name="one", phases=(PhaseSpec("p"),), tasks=(TaskSpec("t", "p", run="true"),)
    )
    behaviour = Scripted({("t", 1): Conduct(10.0)})
    calm = simulate(workflow, behaviour=behaviour)
    repeated = {}
    for restart_after_s in (1.0, 60.0):
        faults = [
            Faults(crashes=frozenset({number}), restart_after_s=restart_after_s)
            for number in range(1, calm.points + 1)
        ]
        histories = [simulate(workflow, behaviour=behaviour, faults=each) for each in faults]
        assert all(history.statuses == calm.statuses for history in histories)
        repeated[restart_after_s] = sum(len(history.performed) == 2 for history in histories)
    # Dead for long: only the crash between the end of the work and its record costs a repetition.
    # Dead for a moment: so does the crash right after the attempt was begun.
    assert repeated == {1.0: 2, 60.0: 1}


def test_sampled_fault_schedules_are_survived() -> None:
    calm = simulate(RELEASE, INPUTS, behaviour=_FLAKY)
    for seed in range(200):
        faults = sample_faults(Random(seed), points=calm.points, duration_s=calm.makespan_s)
        history = simulate(RELEASE, INPUTS, behaviour=_FLAKY, faults=faults)
        assert history.statuses == calm.statuses


# -- runs that write ---------------------------------------------------------------------------

FIXES = Workflow(
    name="fixes",
    phases=(
        PhaseSpec("plan"),
        PhaseSpec("fix", depends_on=("plan",), gates=(GateSpec("green", "tests"),)),
        PhaseSpec("report", depends_on=("fix",)),
    ),
    tasks=(
        TaskSpec("list", "plan", run="true", expected_s=2.0),
        TaskSpec(
            "fix",
            "fix",
            run="true",
            needs=("list",),
            each=EachSpec("list", "items"),
            writes=("src/",),
            expected_s=5.0,
            max_returns=9,
        ),
        TaskSpec("docs", "fix", run="true", writes=("docs/",), expected_s=40.0, max_returns=9),
        TaskSpec("notes", "fix", run="true", writes=("docs/n.md",), expected_s=4.0, max_returns=9),
        TaskSpec("html", "report", run="true"),
    ),
    resolver=TaskSpec("resolver", "fix", agent="conflict-resolver"),
    checkpoint_every_s=15.0,
)
_HARD = Scripted(
    joins={
        ("fix.i0", 1): Joining(3.0, "conflict"),
        ("fix.i1", 1): Joining(3.0, "checks_failed"),
        ("docs", 1): Joining(3.0, "conflict"),
        ("docs", 2): Joining(3.0, "unverified"),
    }
)


def _merged(history: History) -> set[str]:
    """Tasks whose work is on the line, by the names of their works."""
    return {part.rpartition(".")[0] for part in history.state.line.split("|")[0].split("+")[1:]}


@pytest.fixture(scope="module")
def written() -> History:
    history = simulate(FIXES, behaviour=_HARD)
    assert history.state.status is RunStatus.COMPLETED
    assert set(history.statuses.values()) == {"succeeded"}
    assert _merged(history) == {"fix.i0", "fix.i1", "docs", "notes"}
    kinds = {type(event).__name__ for event in history.events}
    assert {"WorkConflicted", "WorkReturned", "GroupExpanded", "LinePublished"} <= kinds
    return history


@pytest.mark.parametrize("restart_after_s", [0.0, 4.0, 1_000.0])
def test_crash_at_every_single_point_of_a_run_that_writes(
    written: History, restart_after_s: float
) -> None:
    for number in range(1, written.points + 1):
        faults = Faults(
            crashes=frozenset({number}), restart_after_s=restart_after_s, snapshot_every=3
        )
        history = simulate(FIXES, behaviour=_HARD, faults=faults)
        assert history.state.status is RunStatus.COMPLETED
        assert history.statuses == written.statuses
        assert _merged(history) == _merged(written)
        check_history(history.events)
        check_nothing_done_twice(history)


def test_crash_twice_in_a_run_that_writes(written: History) -> None:
    for first in range(1, written.points + 1):
        faults = Faults(crashes=frozenset({first, first + 1, first + 4}), restart_after_s=2.0)
        history = simulate(FIXES, behaviour=_HARD, faults=faults)
        assert history.statuses == written.statuses
        assert _merged(history) == _merged(written)


@pytest.mark.parametrize("after_s", [0.0, 2.0, 60.0])
def test_every_repeated_report_of_a_run_that_writes_is_dropped(
    written: History, after_s: float
) -> None:
    for number in range(1, written.reports + 1):
        faults = Faults(repeats=(Repeat(number, after_s),))
        history = simulate(FIXES, behaviour=_HARD, faults=faults)
        assert history.events == written.events


def test_gone_back_from_at_any_moment_with_crashes_on_the_way(written: History) -> None:
    for second in range(0, 120, 5):
        for checkpoint in (0, 1, 3, 5):
            faults = Faults(
                crashes=frozenset({40 + second, 90 + second}),
                restart_after_s=1.0,
                rollbacks=(GoBack(float(second), checkpoint),),
            )
            history = simulate(FIXES, behaviour=_HARD, faults=faults)
            check_history(history.events)
            check_nothing_done_twice(history)
            assert history.state.status is RunStatus.COMPLETED
            assert set(history.statuses.values()) == {"succeeded"}
            assert _merged(history) == _merged(written)
