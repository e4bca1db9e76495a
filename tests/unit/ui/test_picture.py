"""What the live view and `status` show, line by line."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from rich.console import Console

from orchestrate.core.planning.definition import (
    EachSpec,
    GateSpec,
    Limits,
    PhaseSpec,
    RetryPolicy,
    TaskSpec,
    Workflow,
)
from orchestrate.core.running import commands as cmd
from orchestrate.core.running.decide import advance
from orchestrate.core.running.state import INITIAL, RunState
from orchestrate.core.sharing.work import Conflict, Work
from orchestrate.ui.cli.picture import Screen, picture
from orchestrate.ui.cli.task_line import Moment, progress_of

START = 1000.0
TERMINAL = Screen(80, 30)
LOOK = GateSpec(name="look", kind="human", message="is it good?")


def workflow(count: int = 3) -> Workflow:
    tasks = [TaskSpec(id=f"t{number}", phase="gather", run="true") for number in range(count)]
    tasks[0] = TaskSpec(
        id="t0", phase="gather", run="true", retry=RetryPolicy(max_attempts=2, backoff_s=5)
    )
    return Workflow(
        name="many",
        phases=(
            PhaseSpec(name="gather", gates=(LOOK,)),
            PhaseSpec(name="publish", depends_on=("gather",)),
        ),
        tasks=(*tasks, TaskSpec(id="last", phase="publish", agent="doc-scribe", prompt="x")),
        limits=Limits(max_parallel=2),
    )


def run_of(definition: Workflow, *commands: cmd.AnyCommand) -> RunState:
    """The state after `commands`, one second apart."""
    state, at = INITIAL, START
    beginning: tuple[cmd.AnyCommand, ...] = (
        cmd.CreateRun(run="abc", request="", repository="/r"),
        cmd.PlanRun(workflow=definition),
        cmd.StartRun(),
    )
    for command in beginning:
        _, state = advance(state, command, at)
    for command in commands:
        at += 1
        _, state = advance(state, command, at)
    return state


def grant(*names: str) -> cmd.GrantSlots:
    return cmd.GrantSlots(tasks=names)


def succeed(name: str, number: int = 1, summary: str = "") -> cmd.SucceedAttempt:
    return cmd.SucceedAttempt(task=name, number=number, summary=summary)


def fail(name: str, message: str = "no") -> cmd.FailAttempt:
    return cmd.FailAttempt(task=name, number=1, cause="exit", message=message)


def shown(
    state: RunState,
    *,
    now: float = START + 10,
    screen: Screen = TERMINAL,
    driven: bool = True,
    folder: Path = Path("/nowhere"),
) -> list[str]:
    out = io.StringIO()
    console = Console(file=out, width=screen.width, color_system=None)
    console.print(picture(state, Moment(now, folder, driven=driven), screen))
    return [line.rstrip() for line in out.getvalue().splitlines()]


def test_what_runs_what_waits_and_why() -> None:
    state = run_of(workflow(), grant("t0", "t1"), succeed("t1", summary="made 3"))
    assert shown(state) == [
        "many  run abc  executing  1 of 4 tasks done, 1 running  10 s",
        "gather   active  3 tasks, 9.0 s",
        "  running   t0         9.0 s",
        "  done      t1         1.0 s  made 3",
        "  waits     t2                a slot is free for it",
        "publish  waits for gather: 1 task",
    ]


def test_status_is_a_word_so_that_no_colour_is_needed() -> None:
    state = run_of(workflow(), grant("t0", "t1"), fail("t0"), succeed("t1"), grant("t2"))
    text = "\n".join(shown(state))
    for word in ("retrying", "done", "running", "waits for gather"):
        assert word in text


def test_retry_counts_down() -> None:
    state = run_of(workflow(), grant("t0"), fail("t0", "exit code 3"))
    line = next(line for line in shown(state, now=START + 4) if " t0 " in line)
    assert line.endswith("again in 3.0 s: exit code 3")


def test_open_gate_says_who_is_waited_for_and_what_to_type() -> None:
    names = ("t0", "t1", "t2")
    done = [step for name in names for step in (grant(name), succeed(name))]
    lines = shown(run_of(workflow(), *done))
    assert any(line.startswith("gather   at its gate") for line in lines)
    assert any("gate gather/look waits for a person" in line for line in lines)
    assert any("is it good?" in line for line in lines)
    assert lines[-1] == "$ orchestrate approve abc gather/look"


def test_what_ran_when_its_driver_died_is_cut_off_and_has_no_duration() -> None:
    lines = shown(run_of(workflow(), grant("t0")), driven=False)
    assert "  cut off   t0" in lines
    assert "gather   active  3 tasks" in lines


def test_pause_and_failure_say_why() -> None:
    paused = run_of(workflow(), cmd.PauseRun(reason="lunch", by="ada"))
    assert shown(paused)[-1] == "paused: lunch"
    assert sum("paused" in line for line in shown(paused)[1:]) == 1  # and say it once
    stopping = run_of(workflow(), grant("t1", "t2"), fail("t1"))
    assert shown(stopping)[-1].startswith("stopping: ")


def test_long_runs_of_tasks_are_cut_with_a_count() -> None:
    steps = [step for n in range(1, 60) for step in (grant(f"t{n}"), succeed(f"t{n}"))]
    state = run_of(workflow(100), grant("t0"), fail("t0"), *steps, grant("t60", "t61"))
    lines = shown(state, screen=Screen(80, 20))
    assert len(lines) <= 20
    assert sum(line.startswith("  running") for line in lines) == 2
    assert sum("t0 " in line and "retrying" in line for line in lines) == 1
    cut = next(line for line in lines if "more:" in line)
    listed = sum(line.startswith("  ") for line in lines) - 1
    assert cut.startswith(f"  … and {100 - listed} more: ")
    assert "59 done" in cut


def test_more_phases_than_lines_are_cut_with_a_count() -> None:
    many = Workflow(
        name="many",
        phases=tuple(PhaseSpec(name=f"p{number}") for number in range(50)),
        tasks=tuple(TaskSpec(id=f"t{n}", phase=f"p{n}", run="true") for n in range(50)),
    )
    lines = shown(run_of(many), screen=Screen(80, 12))
    assert len(lines) == 12
    assert lines[-1] == "  … and 40 more phases: 40 active"


def test_phases_where_something_happens_are_not_cut() -> None:
    """Of a long chain, the one at work is shown, and what comes next rather than what is done."""
    chain = Workflow(
        name="chain",
        phases=tuple(
            PhaseSpec(name=f"p{n}", depends_on=(f"p{n - 1}",) if n else ()) for n in range(50)
        ),
        tasks=tuple(TaskSpec(id=f"t{n}", phase=f"p{n}", run="true") for n in range(50)),
    )
    steps = [step for n in range(30) for step in (grant(f"t{n}"), succeed(f"t{n}"))]
    lines = shown(run_of(chain, *steps, grant("t30")), screen=Screen(80, 8))
    assert [line.split()[0] for line in lines[1:-1]] == ["p30", "p31", "p32", "p33", "p34", "p35"]
    assert lines[-1] == "  … and 44 more phases: 30 done, 14 waiting"


@pytest.mark.parametrize("width", [40, 80, 120])
def test_no_line_is_longer_than_the_screen(width: int) -> None:
    definition = workflow()
    summary = "日本語 " * 40
    state = run_of(definition, grant("t1"), succeed("t1", summary=summary), grant("t2"))
    from rich.cells import cell_len

    assert max(map(cell_len, shown(state, screen=Screen(width, 30)))) <= width


def test_text_from_elsewhere_cannot_move_the_cursor() -> None:
    state = run_of(workflow(), grant("t1"), succeed("t1", summary="\x1b[2J\nover"))
    assert "\\x1b[2J\\nover" in "\n".join(shown(state))


def test_performer_is_shown_where_there_is_room(tmp_path: Path) -> None:
    names = ("t0", "t1", "t2")
    steps = [step for name in names for step in (grant(name), succeed(name))]
    verdict = cmd.DecideGate(gate="gather/look", verdict="passed", by="ada", human=True)
    state = run_of(workflow(), *steps, verdict)
    assert any("doc-scribe" in line for line in shown(state, screen=Screen(120, 30)))
    assert not any("doc-scribe" in line for line in shown(state, screen=Screen(80, 30)))


def test_latest_progress_of_an_attempt_is_shown(tmp_path: Path) -> None:
    folder = tmp_path / "abc" / "attempts" / "t0.1"
    folder.mkdir(parents=True)
    lines = [{"progress": {"what": "files", "done": done, "total": 9}} for done in (1, 7)]
    text = "\n".join(map(json.dumps, lines)) + '\nsomething else\n{"progress": {"what"'
    (folder / "stdout.log").write_text(text)
    assert progress_of(folder) == "7 of 9: files"
    state = run_of(workflow(), grant("t0"))
    assert any(line.endswith("7 of 9: files") for line in shown(state, folder=tmp_path))


@pytest.mark.parametrize("text", ["", "no progress\n", '{"progress": 3}\n', '{"progress": {}}\n'])
def test_output_without_progress_shows_none(text: str, tmp_path: Path) -> None:
    (tmp_path / "stdout.log").write_text(text)
    assert progress_of(tmp_path) == ""
    assert progress_of(tmp_path / "missing") == ""


def writing() -> Workflow:
    return Workflow(
        name="writes",
        phases=(PhaseSpec(name="fix"), PhaseSpec(name="end", depends_on=("fix",))),
        tasks=(
            TaskSpec(id="a", phase="fix", run="true", writes=("**",)),
            TaskSpec(id="b", phase="fix", run="true", writes=("**",)),
            TaskSpec(id="list", phase="fix", run="true"),
            TaskSpec(id="each", phase="fix", run="x", needs=("list",), each=EachSpec("list", "o")),
            TaskSpec(id="last", phase="end", agent="doc-scribe", prompt="x"),
        ),
    )


def deliver(name: str) -> cmd.SucceedAttempt:
    return cmd.SucceedAttempt(task=name, number=1, work=Work(commit=name, base="", tree=name))


def test_work_in_the_train_and_in_conflict_is_shown_with_what_to_type() -> None:
    clash = cmd.ReportConflict(task="a", number=1, line="", conflicts=(Conflict("src/x.py"),))
    state = run_of(writing(), grant("a", "b", "list"), deliver("a"), deliver("b"), clash)
    lines = shown(state, screen=Screen(140, 30))
    assert "1 running, 1 merging, 1 CONFLICT" in lines[0]
    assert any("merging" in line and " b " in line for line in lines[1:])
    conflict = next(line for line in lines[1:] if "CONFLICT" in line)
    assert "its work and what was merged meanwhile change the same places: src/x.py" in conflict
    assert lines[-1] == "$ orchestrate conflict show abc a"


def test_group_and_unproven_work_are_named_as_such() -> None:
    accept = cmd.AcceptWork(task="a", number=1, line="", commit="m", verified=False)
    state = run_of(writing(), grant("a", "list"), deliver("a"), accept, succeed("list"))
    lines = shown(state, screen=Screen(140, 30))
    assert any("unverified" in line and " a " in line for line in lines)
    assert any(" each " in line and "group" in line for line in lines)
    assert any("its members are made from the output o of list" in line for line in lines)
