"""A new user's path at a terminal: nothing installed, the first bug fixed, everything removed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from scripts.run_examples import Command, Ran, differences
from tests.agent_programs import DUMMY_KEY
from tests.e2e.new_user import PAGE, SOURCE, TEST, NewUser, new_user, session
from tests.e2e.terminal import Shown

pytestmark = [
    pytest.mark.agents,
    pytest.mark.packages,
    pytest.mark.index,
    pytest.mark.slow,
]


class Moment(NamedTuple):
    """A command that was typed, and what was there after it."""

    command: str
    shown: Shown
    branches: list[str]
    beside: list[str]


class Followed(NamedTuple):
    """The whole path, in order."""

    user: NewUser
    base: str
    moments: list[Moment]
    ran: list[Ran]
    tokens: int

    def the(self, fragment: str, number: int = 0) -> Moment:
        """The command number `number` with `fragment` in it."""
        return [each for each in self.moments if fragment in each.command][number]


@pytest.fixture(scope="module")
def path(
    tmp_path_factory: pytest.TempPathFactory, user_environment: dict[str, str]
) -> Iterator[Followed]:
    """Every command of the page, typed once."""
    home = tmp_path_factory.mktemp("new") / "ada"
    home.mkdir()
    with new_user(home, user_environment) as (user, server):
        base = user.git("rev-parse", "HEAD")
        moments, ran = [], []
        for command, shown in user.follow(session(PAGE.read_text("utf-8"))):
            moments.append(_moment(user, command, shown))
            ran.append(user.as_printed(shown))
        yield Followed(user, base, moments, ran, server.tokens("bug").total)


def _moment(user: NewUser, command: Command, shown: Shown) -> Moment:
    branches = user.git("branch", "--format=%(refname:short)").split()
    return Moment(command.text, shown, branches, _files_beside(user))


def _files_beside(user: NewUser) -> list[str]:
    """Files in the user's home that are not the repository's own."""
    own = user.repository / ".git" / "orchestrate"
    return [
        str(file.relative_to(user.home))
        for file in user.home.rglob("*")
        if file.is_file() and (own in file.parents or user.repository not in file.parents)
    ]


def test_the_page_shows_what_is_printed(path: Followed) -> None:
    found = differences(session(PAGE.read_text("utf-8")), path.ran)
    assert found == [], "\n".join(["python -m tests.e2e.new_user rewrites the page", *found])


def test_without_an_agent_it_says_what_to_install_asks_nothing_and_writes_nothing(
    path: Followed,
) -> None:
    first = path.moments[0]
    assert first.command.startswith("orchestrate bugfix")
    assert first.shown.code == 4
    assert "npm install -g @anthropic-ai/claude-code@" in first.shown.text
    assert "npm install -g @openai/codex@" in first.shown.text
    assert "[Y/n]" not in first.shown.text
    assert "[y/N]" not in first.shown.text
    assert first.beside == []


def test_doctor_tells_not_found_from_no_access_from_ready(path: Followed) -> None:
    lines = [
        next(line for line in path.the("doctor", number).shown.lines if " claude " in line)
        for number in range(3)
    ]
    assert lines[0].startswith("note") and lines[0].endswith("not found")
    assert lines[1].startswith("note") and lines[1].endswith("neither login nor key")
    assert lines[2].startswith("ok") and "billed by use, with ANTHROPIC_API_KEY" in lines[2]
    assert path.the("doctor", 2).beside == []


def test_a_plan_is_shown_without_a_question_and_without_a_trace(path: Followed) -> None:
    plan = path.the("--dry-run")
    assert plan.shown.code == 0
    for said in ("builder-python (claude) may execute, read, write", "at most 34", "68.00 USD"):
        assert said in plan.shown.text
    assert plan.beside == []


def test_trust_is_asked_for_first_and_money_after_all_that_is_known_of_it(path: Followed) -> None:
    run = path.the("--require-security-approval").shown
    places = [
        run.text.index(said)
        for said in (
            "trust it to run them? [Y/n]: y",
            "backend   claude 2.1.329 (billed by use, with ANTHROPIC_API_KEY)",
            "attempts  4 if all goes well, at most 34",
            "cost      at most 3.00 USD",
            "budget    3 USD",
            "[y/N]: y",
            "bugfix  run ",
        )
    ]
    assert places == sorted(places)


def test_the_run_waits_at_the_gate_and_there_is_no_branch_before_it_is_passed(
    path: Followed,
) -> None:
    waiting = path.the("--require-security-approval")
    assert waiting.shown.code == 7
    assert waiting.branches == ["main"]
    assert "not done: the run waits for a person" in waiting.shown.text
    [look] = [line for line in waiting.shown.lines if line.startswith("look ")]
    # What is to be agreed to can be looked at before there is a branch.
    assert re.fullmatch(r"look +git diff [0-9a-f]{12}\.\.[0-9a-f]{12}", look)
    assert path.the("approve").shown.code == 0
    done = path.the("orchestrate resume")
    assert done.shown.code == 0
    assert done.shown.text.count("fixed: its test fails without the change and passes with it") == 1
    [branch] = [name for name in done.branches if name != "main"]
    assert branch.startswith("orchestrate/")


def test_the_branch_holds_the_test_and_the_fix_and_nothing_else(path: Followed) -> None:
    [branch] = [name for name in path.moments[-1].branches if name != "main"]
    changed = path.user.git("diff", "--name-only", f"main..{branch}").split()
    assert changed == sorted([SOURCE, TEST])


def test_the_sum_is_what_the_model_reported(path: Followed) -> None:
    assert f"tokens    {path.tokens:,} in 5 attempts" in path.the("orchestrate resume").shown.text


def test_the_pull_request_tells_claims_from_what_was_seen(path: Followed) -> None:
    text = path.the("pull-request").shown.text
    assert path.the("pull-request").shown.code == 0
    claims = text.index("not checked by anybody")
    seen = text.index("By the engine, which ran the commands itself")
    assert text.index("`impact`, by architect (claude)") > claims
    assert text.index("298 passed") > seen
    assert "`verification/security-approval`: passed, by `ada`: read the change" in text


def test_the_builder_that_was_made_for_the_run_is_in_the_archive(path: Followed) -> None:
    assert "builder-python  run " in path.the("--archived").shown.text


def test_the_key_is_shown_nowhere(path: Followed) -> None:
    assert [each.command for each in path.moments if DUMMY_KEY in each.shown.text] == []


def test_uninstall_deletes_no_work_that_is_on_no_branch_unless_told_to(path: Followed) -> None:
    refused = path.the("uninstall")
    assert refused.shown.code == 5
    assert re.search(
        r"work +\w+/earlier/fix\.1-\w+: no branch or tag contains it", refused.shown.text
    )
    assert "[Y/n]" not in refused.shown.text
    assert refused.beside != []


def test_uninstall_leaves_the_branch_and_nothing_else(path: Followed) -> None:
    removed = path.the("uninstall --with-unmerged")
    assert removed.shown.code == 0
    assert "(yours: stays)" in removed.shown.text
    assert removed.beside == []
    assert len(removed.branches) == 2
    assert path.user.git("for-each-ref", "refs/orchestrate") == ""
    assert path.user.git("rev-parse", "HEAD") == path.base
    assert path.user.git("status", "--short") == ""


def test_who_says_no_has_spent_nothing(tmp_path: Path, user_environment: dict[str, str]) -> None:
    home = tmp_path / "ada"
    home.mkdir()
    request = "orchestrate bugfix 'a value of exactly max_age seconds is refused'"
    with new_user(home, user_environment) as (user, server):
        for line in ("npm install -g claude", "export ANTHROPIC_API_KEY=…"):
            user.type(Command(line))
        untrusting = user.run(request, answers={"trust it": "n"})
        assert untrusting.code == 4
        assert "--trust-repo" in untrusting.text
        assert _files_beside(user) == []
        declined = user.run(request, answers={"trust it": "y", "asked again": "n"})
        assert declined.code == 4
        assert "nothing was started and nothing was spent" in declined.text
        assert "--budget-usd" in declined.text
        # What was agreed to on the way to a no is not remembered.
        assert "not trusted" in user.run("orchestrate trust").text
        assert _files_beside(user) == []
        assert server.log("bug") == ()
        assert not (user.repository / ".git" / "orchestrate" / "runs").exists()
