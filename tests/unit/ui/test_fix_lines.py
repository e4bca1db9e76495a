"""The end of a scan on the terminal: what became of each fix, and what to do next."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from orchestrate.core.running.state import RunState
from orchestrate.core.sharing.remediation import NO_FIXES, Remediation
from orchestrate.hosts.local.checks import NOT_TRUSTED
from orchestrate.ui.cli.fix_lines import (
    LONGEST,
    SHOWN,
    SHOWN_CHANGES,
    advice,
    audit_lines,
    branch_lines,
    fix_lines,
)
from tests.unit.adapters.local.remediation_sample import BRANCH, fix, fixed


def only(*fixes: object) -> Remediation:
    return replace(fixed(), fixes=fixes)


def test_each_fix_has_a_line_with_standing_place_and_what_the_tests_said() -> None:
    first, *rows = fix_lines(fixed())

    assert first.startswith("5 fixes: 1 proven and merged")
    assert rows[0] == (
        "  merged      src/shop/pay.py:30  Verify the certificate in charge"
        "  (tests passed: before 118 passed, after 119 passed)"
    )
    assert rows[1].startswith("  taken back  src/shop/images.py:43")
    assert rows[1].endswith("(taken back: because of B602)")
    assert len(rows) == 5


def test_no_fixes_asked_for_is_no_line() -> None:
    assert list(fix_lines(NO_FIXES)) == []
    assert list(advice(NO_FIXES)) == []


def test_long_causes_and_long_lists_are_cut_and_hostile_ones_made_visible() -> None:
    loud = replace(fix("failed", "B301", "Load \x1b[31m"), why="x\x1b[2J " * 200)
    rows = list(fix_lines(only(*[loud] * (SHOWN + 3))))

    assert rows[-1] == "… and 3 more in the report"
    assert all("\x1b" not in row for row in rows)
    assert len(rows[1]) < LONGEST + 80
    assert rows[1].endswith("…)")


def test_the_branch_is_named_with_how_to_look_at_it() -> None:
    rows = list(branch_lines(RunState(published=BRANCH), fixed()))

    assert [row.removeprefix("branch").strip() for row in rows] == [
        BRANCH,
        f"git log {BRANCH}",
        f"git diff HEAD...{BRANCH}",
    ]


@pytest.mark.parametrize("published", ["", "/state/runs/r/orchestrate-r.patch"])
def test_without_a_branch_of_that_name_there_are_no_git_commands(published: str) -> None:
    rows = list(branch_lines(RunState(published=published), fixed()))
    assert rows == ([f"branch    {published}"] if published else [])


def test_a_branch_without_fixes_is_not_spoken_of() -> None:
    kept = only(fix("kept off", "B301", "Load"))
    assert list(branch_lines(RunState(published=BRANCH), kept)) == []


def test_advice_names_trust_only_where_trust_is_missing() -> None:
    unknown = only(fix("kept off", "B301", "Load"))
    assert [line for line in advice(unknown) if "--trust-repo" in line] == []
    assert any("the fix on the branch" in line and "--include-unverified" in line
               for line in advice(unknown))  # fmt: skip

    distrusted = replace(fix("kept off", "B301", "Load"), why=f"remediation/tests: {NOT_TRUSTED}")
    lines = list(advice(only(distrusted, distrusted)))
    assert "orchestrate security --trust-repo" in lines[0]
    assert "the 2 fixes" in lines[1]


def test_nothing_is_advised_about_what_a_check_refused() -> None:
    assert list(advice(only(fix("taken back", "B602", "Call")))) == []


def test_the_audit_is_told_either_way() -> None:
    assert list(audit_lines(RunState())) == []
    (good,) = audit_lines(RunState(audit="passed"))
    assert good.endswith("are as they were")
    (bad,) = audit_lines(RunState(audit="failed", audit_changes=("file a.py changed", "ref x")))
    assert bad == "audit     failed: file a.py changed; ref x"


def test_of_many_changes_a_few_are_named() -> None:
    changes = tuple(f"file {n} changed" for n in range(SHOWN_CHANGES + 4))
    (bad,) = audit_lines(RunState(audit="failed", audit_changes=changes))
    assert bad.endswith("file 4 changed; … and 4 more (orchestrate show)")
