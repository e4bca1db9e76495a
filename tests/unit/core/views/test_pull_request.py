"""The text of a pull request for a run that wrote something."""

from __future__ import annotations

import msgspec
import pytest

from orchestrate.core.planning.definition import PhaseSpec
from orchestrate.core.running.plan import PlanIndex
from orchestrate.core.running.state import RunState
from orchestrate.core.sharing.evidence import EvidenceNote
from orchestrate.core.sharing.work import Work
from orchestrate.core.views.consumption import Consumption
from orchestrate.core.views.delivered import Regression, judged
from orchestrate.core.views.pull_request import MAX_CHARACTERS, Told, pull_request
from tests.unit.core.running.drive import Run, task, workflow
from tests.unit.core.views.bugfix_sample import BRANCH, FIX, GREEN, REQUEST, TEST, fixed

NOTHING_KNOWN = Told(version="0.4")


def body(state: RunState, told: Told = NOTHING_KNOWN) -> str:
    return pull_request(state, told).body


def section(text: str, heading: str) -> str:
    """What stands under a heading."""
    _, _, rest = text.partition(f"## {heading}\n")
    assert rest, text
    return rest.partition("\n## ")[0]


def test_title_says_what_was_asked() -> None:
    assert pull_request(fixed(), NOTHING_KNOWN).title == f"bugfix: {REQUEST}"


def test_what_agents_say_is_marked_as_claims_and_told_apart_by_when_they_looked() -> None:
    text = body(fixed())
    found, afterwards = (
        section(text, "What was found"),
        section(text, "What was said of the change"),
    )
    assert "not checked by anybody" in found
    assert "- `impact`, by architect (claude): Only `mean()` in `src/mean.py` divides." in found
    assert "`remarks`, by reviewer (claude): An empty list could also be an error." in afterwards
    assert "remarks" not in found


def test_every_change_is_named_with_its_size() -> None:
    total = Work("c", "b", "t", ("src/mean.py", "tests/test_mean.py"), 8, 1)
    text = section(body(fixed(), Told(version="0.4", total=total)), "What changes")
    assert "In all 2 files, +8 -1 lines" in text
    assert f"- `{FIX[:12]}` (`fix`): 1 file, +2 -1 lines: `src/mean.py`" in text


def test_the_regression_test_is_named_red_before_and_green_after() -> None:
    text = section(body(fixed()), "The test that shows the bug")
    assert f"- `{TEST}`" in text
    assert (
        "Without the fix it fails for the right reason: yes (1 failed; ZeroDivisionError:" in text
    )
    assert f"With the fix it passes: yes ({GREEN})" in text


def test_a_reproduction_nobody_could_make_is_not_told_as_one() -> None:
    told = Told(version="0.4", regression=Regression(before="unknown", before_seen="no network"))
    text = section(body(fixed(), told), "The test that shows the bug")
    assert "which tests these are was not recorded" in text
    assert "for the right reason: unknown (no network)" in text
    assert "With the fix it passes: not looked at" in text


def test_verdicts_of_the_engine_come_with_counts_before_and_after() -> None:
    text = section(body(fixed()), "How it was checked")
    assert (
        "`fix/tests` on the work of `fix`: passed: 13 passed; before: 12 passed, 1 failed" in text
    )
    assert "red" not in text


def test_unverified_work_failed_tasks_and_a_broken_audit_are_said() -> None:
    state = msgspec.structs.replace(
        fixed(security="", verified=False), audit="failed", published=BRANCH
    )
    text = section(body(state), "What is not verified, and what is left")
    assert "the work of `fix` is on the branch although a check could not tell" in text
    assert "`security` is failed: boom" in text
    assert "the audit of the user's own files and refs: failed" in text
    assert "Nothing that is known of." in body(fixed())


def test_who_agreed_is_named_and_nobody_is_made_up() -> None:
    assert "- `review/agree`: passed, by `ada`" in section(body(fixed()), "Who agreed")
    unasked = fixed(security="")
    assert "No person was asked" in section(body(unasked), "Who agreed")


@pytest.mark.parametrize(
    ("consumed", "money", "tokens"),
    [
        (Consumption(), "nothing: no model was asked", "none"),
        (Consumption(1, None, 1, 70), "unknown", "70 in 1 attempt"),
        (Consumption(2, 0.5, 0, 70, handed_on=1200), "0.5000 USD", "70 in 2 attempts"),
        (Consumption(2, 0.5, 0, 70, complete=False), "at least 0.5000 USD", "at least 70"),
        (Consumption(2, 0.5, 1, 70), "at least 0.5000 USD (the price of 1 of 2", "70 in"),
    ],
)
def test_cost_says_no_more_than_is_known(consumed: Consumption, money: str, tokens: str) -> None:
    text = section(body(fixed(), Told(version="0.4", consumed=consumed)), "What it cost")
    assert f"- Money: {money}" in text
    assert f"- Tokens: {tokens}" in text
    assert ("about 1,200 tokens" in text) is bool(consumed.handed_on)


def test_cost_nobody_looked_at_is_unknown() -> None:
    assert section(body(fixed()), "What it cost").strip() == "Unknown."


def test_the_commands_of_the_checks_follow_the_branch() -> None:
    told = Told(version="0.4", commands=("pytest -q", "pytest -q", "ruff check"))
    text = section(body(fixed(), told), "How to see it yourself")
    assert f"    git switch {BRANCH}\n    pytest -q\n    ruff check\n" in text


def test_a_run_of_very_many_changes_still_fits() -> None:
    state = fixed()
    number = state.index.position["fix"]
    notes = tuple(EvidenceNote(f"n{n}", "unknown", "why " * 200) for n in range(400))
    many = msgspec.structs.replace(state.tasks[number], checks=notes)
    text = body(msgspec.structs.replace(state, tasks=state.tasks.set(number, many)))
    assert len(text) <= MAX_CHARACTERS
    assert "more" in text


def test_a_run_that_merged_nothing_has_no_text() -> None:
    run = Run(workflow(task("look"), phases=(PhaseSpec("main"),))).start()
    run.succeed("look")
    with pytest.raises(ValueError, match="merged nothing"):
        pull_request(run.state, NOTHING_KNOWN)


def test_a_reproduction_judged_with_the_work_itself_is_told_as_well() -> None:
    """Where the gates are asked of each piece of work, and not at the end of a phase."""
    state = fixed()
    number = state.index.position["fix"]
    phases = tuple(
        msgspec.structs.replace(
            phase,
            gates=tuple(
                msgspec.structs.replace(gate, each_merge=True, at_end=gate.kind == "human")
                for gate in phase.gates
            ),
        )
        for phase in state.index.workflow.phases
    )
    notes = (EvidenceNote("fix/green", "passed", GREEN, before="red", tests=(TEST,)),)
    record = msgspec.structs.replace(state.tasks[number], checks=notes)
    state = msgspec.structs.replace(
        state,
        plan=PlanIndex(msgspec.structs.replace(state.index.workflow, phases=phases)),
        tasks=state.tasks.set(number, record),
    )
    text = section(body(state), "The test that shows the bug")
    assert f"- `{TEST}`" in text
    assert f"With the fix it passes: yes ({GREEN})" in text
    assert "for the right reason: not looked at" in text


def test_what_a_summary_compares_with_is_not_said_twice() -> None:
    before = "12 passed, 1 failed"
    [note] = [each for each in judged(fixed()) if each.subject == "fix"]
    assert (note.summary, note.before) == ("13 passed", before)
    state = fixed()
    number = state.index.position["fix"]
    told = EvidenceNote("fix/tests", "passed", f"13 passed (before: {before})", before=before)
    record = msgspec.structs.replace(state.tasks[number], checks=(told,))
    comparing = msgspec.structs.replace(state, tasks=state.tasks.set(number, record))
    [note] = [each for each in judged(comparing) if each.subject == "fix"]
    assert (note.summary, note.before) == (told.summary, "")
