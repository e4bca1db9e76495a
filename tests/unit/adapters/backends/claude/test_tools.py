"""What is said to be enforced; that it is true is tried in test_claude_permissions.py."""

from __future__ import annotations

import pytest

from orchestrate.adapters.backends.claude.tools import TOOLS, enforcement
from orchestrate.core.agents.enforcing import accounted
from orchestrate.core.agents.permissions import Enforcement, Permissions, Rule
from orchestrate.core.agents.tools import ABILITIES, Ability


def names(found: Enforcement) -> tuple[set[str], set[str]]:
    return {each.name for each in found.enforced}, {each.name for each in found.unenforced}


def test_every_ability_is_either_given_or_answered_for() -> None:
    for ability in ABILITIES:
        held, not_held = names(enforcement(Permissions(frozenset({ability})), writes=True))
        assert held | not_held == set(ABILITIES) - {ability}


def test_with_every_ability_nothing_is_restricted() -> None:
    every = Permissions(frozenset(ABILITIES))
    assert enforcement(every, writes=True) == Enforcement()


@pytest.mark.parametrize("ability", ["read", "write"])
def test_commands_do_what_there_is_no_tool_for(ability: Ability) -> None:
    permissions = Permissions(frozenset(ABILITIES) - {ability})
    assert names(enforcement(permissions, writes=True)) == (set(), {ability})
    without = Permissions(frozenset(ABILITIES) - {ability, "execute"})
    assert names(enforcement(without, writes=True)) == ({ability, "execute"}, set())


def test_task_that_does_not_write_has_no_ability_to() -> None:
    permissions = Permissions(frozenset({"read", "write"}))
    assert "write" in names(enforcement(permissions, writes=False))[0]
    assert "write" not in names(enforcement(permissions, writes=True))[0]


def test_rules_are_held_unless_commands_get_around_them() -> None:
    rules = (
        Rule("read", ".env"),
        Rule("write", "src/**"),
        Rule("fetch", "example.org"),
        Rule("delegate", "Explore"),
    )
    for execute, held in ((False, True), (True, False)):
        abilities = frozenset(ABILITIES) - (set() if execute else {"execute"})
        said = enforcement(Permissions(abilities, denied=rules), writes=True)
        enforced, unenforced = names(said)
        assert ("read:.env" in enforced) is held
        assert {"read:.env", "write:src/**", "fetch:example.org"} <= (
            enforced if held else unenforced
        )
        assert "delegate:Explore" in enforced
        assert all(each.how for each in (*said.enforced, *said.unenforced))


def test_path_from_the_top_is_one_of_the_workspace() -> None:
    # To the program, a single slash stands for the folder of the settings file.
    rules = (Rule("write", "/src/a.py"), Rule("read", "//etc/shadow"), Rule("read", "b.py"))
    said = enforcement(Permissions(frozenset({"read", "write"}), denied=rules), writes=True)
    hows = {each.name: each.how for each in said.enforced}
    assert "Edit(./src/a.py)" in hows["write:/src/a.py"]
    assert "Read(//etc/shadow)" in hows["read://etc/shadow"]
    assert "Read(b.py)" in hows["read:b.py"]


def test_every_rule_is_answered_for() -> None:
    rules = tuple(Rule(ability, "x") for ability in ABILITIES)
    permissions = Permissions(frozenset(ABILITIES), denied=rules)
    said = enforcement(permissions, writes=True)
    assert accounted(permissions, said) == said


def test_commands_that_are_allowed_are_named() -> None:
    permissions = Permissions(frozenset({"read", "execute"}), commands=("git", "pytest -q"))
    (restriction,) = (
        each for each in enforcement(permissions, writes=True).enforced if each.name == "execute"
    )
    assert "Bash(git:*), Bash(pytest -q:*)" in restriction.how


def test_every_ability_has_tools() -> None:
    assert set(TOOLS) == set(ABILITIES)
