"""What names of tools and rules come to, in the one vocabulary."""

from __future__ import annotations

import pytest

from orchestrate.core.agents.permissions import (
    DEFAULT_ABILITIES,
    Permissions,
    Rule,
    denials,
    narrowed,
    permissions_of,
)
from orchestrate.core.agents.profile import Profile
from orchestrate.core.agents.tools import Ability


def profile(*tools: str, **more: object) -> Profile:
    """A profile with these tools."""
    return Profile("a", "An agent.", tools=tools, path="a.md", **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("tools", "abilities"),
    [
        (("Read",), {"read"}),
        (("LS", "Glob", "Grep", "NotebookRead"), {"read"}),
        (("read", "multi_edit", "BASH"), {"read", "write", "execute"}),
        (("MultiEdit", "NotebookEdit", "Write"), {"write"}),
        (("Task",), {"delegate"}),
        (("Agent",), {"delegate"}),
        (("WebFetch", "WebSearch"), {"fetch", "search"}),
        (("BashOutput", "KillShell", "TodoWrite"), set()),
    ],
)
def test_names_of_now_and_before_give_their_abilities(
    tools: tuple[str, ...], abilities: set[Ability]
) -> None:
    found = permissions_of(profile(*tools))
    assert found.abilities == abilities
    assert found.unknown == ()


def test_profile_without_tools_gives_what_a_coder_needs_and_no_network() -> None:
    found = permissions_of(Profile("a", "An agent.", mcp_servers=("@brain", "pg")))
    assert found.abilities == DEFAULT_ABILITIES == {"read", "write", "execute"}
    assert found.mcp == ("mcp__brain", "mcp__pg")


def test_profile_with_no_tools_gives_nothing_at_all() -> None:
    assert permissions_of(profile(mcp_servers=("pg",))) == Permissions(abilities=frozenset())


def test_servers_are_given_unless_tools_names_some_of_theirs() -> None:
    found = permissions_of(profile("Read", "mcp__pg__query", mcp_servers=("pg", "brain")))
    assert found.mcp == ("mcp__pg__query", "mcp__brain")


def test_unknown_names_are_kept_as_written_and_give_nothing() -> None:
    found = permissions_of(profile("Read", "Zap", "Zap", "Bash(unclosed"))
    assert found.unknown == ("Zap", "Bash(unclosed")
    assert found.abilities == {"read"}


@pytest.mark.parametrize(
    ("tools", "commands"),
    [
        (("Bash(git diff:*)", "Bash(git log *)"), ("git diff", "git log")),
        (("Bash(git add:*, git commit:*)",), ("git add", "git commit")),
        (("Bash(git diff:*)", "Bash"), ()),
        (("Bash(*)",), ()),
    ],
)
def test_commands_are_prefixes_unless_every_command_is_given(
    tools: tuple[str, ...], commands: tuple[str, ...]
) -> None:
    found = permissions_of(profile(*tools))
    assert found.abilities == {"execute"}
    assert found.commands == commands
    assert found.untranslated == ()


@pytest.mark.parametrize(
    ("tool", "ability"),
    [
        ("Bash(npm publish)", "execute"),
        ("Read(./src/**)", "read"),
        ("Edit(docs/*)", "write"),
        ("WebFetch(domain:example.org)", "fetch"),
    ],
)
def test_limit_without_words_of_ours_is_given_and_kept_for_refusal(
    tool: str, ability: Ability
) -> None:
    found = permissions_of(profile(tool))
    assert found.abilities == {ability}
    assert found.untranslated == (Rule(ability, tool, "a.md", translated=False),)


def test_limit_is_none_when_the_same_ability_is_given_without_one() -> None:
    assert permissions_of(profile("Read(./src/**)", "Read")).untranslated == ()


def test_command_without_a_beginning_is_not_given() -> None:
    found = permissions_of(profile("Read", "Bash(* install)"))
    assert found.abilities == {"read"}
    assert found.unknown == ("Bash(* install)",)


def test_disallowed_tools_take_their_ability_away() -> None:
    found = permissions_of(Profile("a", "b", disallowed_tools=("Bash", "Edit", "Write")))
    assert found.abilities == {"read"}
    # Held together with `write`, which is gone; nobody has to be asked about it.
    assert [rule.name for rule in found.untranslated] == ["Write"]


def test_users_rules_come_before_those_of_the_profile_and_count_once() -> None:
    rules = (Rule("execute", "git push", "settings.json:3"),)
    found = permissions_of(profile("Bash", disallowed_tools=("Bash(git push:*)",)), rules)
    assert found.denied == rules


def test_rule_about_everything_takes_the_ability_and_its_commands() -> None:
    found = permissions_of(profile("Read", "Bash(git:*)"), denials("Bash"))
    assert found == Permissions(abilities=frozenset({"read"}))


@pytest.mark.parametrize(
    ("written", "rules"),
    [
        ("Bash", [("execute", "*")]),
        ("Bash(*)", [("execute", "*")]),
        ("Bash(git push:*)", [("execute", "git push")]),
        ("Bash(git push *)", [("execute", "git push")]),
        ("Bash(npm publish)", [("execute", "npm publish")]),
        ("Bash(a:*, b:*)", [("execute", "a"), ("execute", "b")]),
        ("Read(./.env)", [("read", "./.env")]),
        ("Grep(src/**)", [("read", "src/**")]),
        ("Write(src/**)", [("write", "src/**")]),
        ("multi-edit", [("write", "*")]),
        ("WebFetch(domain:example.org)", [("fetch", "example.org")]),
        ("WebSearch", [("search", "*")]),
        ("Agent(Explore)", [("delegate", "Explore")]),
        ("Task", [("delegate", "*")]),
    ],
)
def test_denial_in_our_words(written: str, rules: list[tuple[Ability, str]]) -> None:
    assert denials(written, "f:1") == tuple(Rule(*rule, "f:1") for rule in rules)


@pytest.mark.parametrize(
    "written",
    [
        "Bash(rm*)",
        "Bash(git * main)",
        "Bash(x",
        "Grep",
        "Write",
        "NotebookEdit",
        "TodoWrite",
        "FutureTool(with: this)",
        "WebFetch(title:x)",
        "WebSearch(cats)",
        "Agent(model:opus)",
        "mcp__pg__drop",
        "",
    ],
)
def test_denial_that_has_no_counterpart_stays_as_written(written: str) -> None:
    [rule] = denials(written)
    assert (rule.pattern, rule.name, rule.translated) == (written, written, False)


@pytest.mark.parametrize(
    ("denied", "left", "open_rules"),
    [
        ("mcp__pg", ("mcp__brain__think",), 0),
        ("mcp__pg__*", ("mcp__brain__think",), 0),
        ("mcp__brain__think", ("mcp__pg",), 0),
        ("mcp__brain__th*", ("mcp__pg",), 0),
        ("mcp__*", (), 0),
        ("mcp__pg__drop", ("mcp__brain__think", "mcp__pg"), 1),
        ("mcp__pg__dr*", ("mcp__brain__think", "mcp__pg"), 1),
        ("mcp__*__drop", ("mcp__brain__think", "mcp__pg"), 1),
        ("mcp__other__tool", ("mcp__brain__think", "mcp__pg"), 0),
    ],
)
def test_rules_about_mcp_tools_are_held_by_not_giving_them(
    denied: str, left: tuple[str, ...], open_rules: int
) -> None:
    given = profile("mcp__brain__think", mcp_servers=("pg",))
    found = permissions_of(given, denials(denied))
    assert found.mcp == left
    assert len(found.untranslated) == open_rules


def test_task_that_does_not_write_has_no_leave_to() -> None:
    found = permissions_of(profile("Read", "Edit", "Bash"))
    assert narrowed(found, writes=True) == found
    assert narrowed(found, writes=False).abilities == {"read", "execute"}
