"""The end of a bugfix run on the terminal."""

from __future__ import annotations

import msgspec
import pytest

from orchestrate.core.running.state import RunState
from orchestrate.core.running.status import GateStatus, RunStatus
from orchestrate.core.sharing.evidence import Verdict
from orchestrate.core.views.consumption import Consumption
from orchestrate.core.views.delivered import Regression
from orchestrate.ui.cli.bugfix_text import LONGEST, SHOWN, bugfix_lines
from tests.unit.core.views.bugfix_sample import BRANCH, FIX, RED, TEST, fixed

COST = Consumption(attempts=4, cost_usd=0.25, tokens=12_000, handed_on=900)


def lines(state: RunState, **more: object) -> list[str]:
    return list(bugfix_lines(state, COST, **more))  # type: ignore[arg-type]


def replaced(state: RunState, **changes: object) -> RunState:
    return msgspec.structs.replace(state, **changes)


def test_the_verdict_is_first_and_the_proof_follows() -> None:
    found = lines(replaced(fixed(), audit="passed"))
    assert found[:4] == [
        "fixed: its test fails without the change and passes with it",
        f"test      {TEST}",
        f"before    red for the right reason: {RED}",
        "after     green: 1 passed",
    ]
    assert f"change    {FIX[:12]}  fix: 1 file, +2 -1 lines" in found
    assert "            src/mean.py" in found
    assert "check     fix/tests on fix passed: 13 passed (before: 12 passed, 1 failed)" in found
    assert "check     review/agree passed, by ada" in found
    assert "remarks   remarks says: An empty list could also be an error." in found
    assert "found     impact says: Only mean() in src/mean.py divides." in found
    assert not [line for line in found if line.startswith("left")]
    assert any(line.startswith("audit ") for line in found)


def test_the_branch_comes_with_what_to_do_with_it() -> None:
    found = lines(fixed())
    start = found.index(f"branch    {BRANCH}")
    assert found[start + 1].endswith(f"git diff base..{BRANCH}")
    assert found[start + 2].endswith(f"git merge {BRANCH}")
    assert found[start + 3].endswith("orchestrate pull-request r")


def test_a_patch_is_applied_and_not_merged() -> None:
    found = lines(replaced(fixed(), published="/tmp/orchestrate-r.patch"))
    assert "          git apply /tmp/orchestrate-r.patch" in found
    assert not [line for line in found if "git merge" in line or "pull-request" in line]


def test_cost_and_what_was_handed_on_are_last() -> None:
    assert lines(fixed())[-3:] == [
        "cost      0.2500 USD",
        "tokens    12,000 in 4 attempts",
        "          about 900 handed on from task to task",
    ]


@pytest.mark.parametrize(
    ("before", "after", "verdict", "shown"),
    [
        ("unknown", "passed", "changed, and not proven", "before    unknown: why"),
        ("failed", "passed", "changed, and not proven", "before    not red: why"),
        ("passed", "failed", "changed, and not proven", "after     not green"),
        ("passed", None, "changed, and not proven", "after     not looked at"),
        ("passed", "passed", "fixed:", "after     green"),
    ],
)
def test_what_was_not_shown_is_not_called_fixed(
    before: Verdict, after: Verdict | None, verdict: str, shown: str
) -> None:
    found = lines(fixed(), regression=Regression((TEST,), before, "why", after))
    assert found[0].startswith(verdict)
    assert any(line.startswith(shown) for line in found)


def test_a_run_that_failed_says_why_and_what_is_left() -> None:
    found = lines(fixed(security=""))
    assert found[0] == "not fixed: the run failed: task security failed"
    assert "left      security is failed: boom" in found
    assert not [line for line in found if line.startswith("branch")]


def test_a_run_that_waits_is_not_done() -> None:
    assert lines(replaced(fixed(), status=RunStatus.PAUSED))[0] == "not done: the run is paused"


def test_a_run_that_waits_for_a_person_shows_what_they_are_to_agree_to() -> None:
    gates = fixed().gates
    open_gates = gates.set(
        "review/agree", msgspec.structs.replace(gates["review/agree"], status=GateStatus.OPEN)
    )
    waiting = replaced(
        fixed(), status=RunStatus.EXECUTING, gates=open_gates, published="", line="l" * 40
    )
    found = lines(waiting)
    assert found[0] == (
        "not done: the run waits for a person; its test fails without the change and passes with it"
    )
    assert f"look      git diff base..{'l' * 12}" in found
    idle = replaced(waiting, gates=gates)
    assert lines(idle)[0] == "not done: the run is executing"


def test_what_a_summary_compares_with_is_not_said_twice() -> None:
    shown = Regression((TEST,), "passed", "red: t (E)", "passed", "1 test")
    assert "before    red for the right reason: t (E)" in lines(fixed(), regression=shown)


def test_hostile_texts_are_cut_and_made_visible() -> None:
    state = fixed(security="x\x1b[2J" * 200)
    found = lines(state)
    assert not [line for line in found if "\x1b" in line]
    assert max(map(len, found)) < LONGEST + 60
    number = state.index.position["fix"]
    work = state.tasks[number].work
    assert work is not None
    many = msgspec.structs.replace(work, paths=tuple(f"f{n}" for n in range(SHOWN + 3)))
    tasks = state.tasks.set(number, msgspec.structs.replace(state.tasks[number], work=many))
    assert "          … and 3 more: orchestrate show" in lines(replaced(state, tasks=tasks))
