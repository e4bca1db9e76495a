"""Agents made from a stack: valid for every reader, with what was found and nothing else."""

from __future__ import annotations

import itertools
import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from orchestrate.adapters.files.profile_reader import parse_profile
from orchestrate.adapters.stack import known_frameworks
from orchestrate.core.agents.agent_text import Generated, Options, name_from, slugs, tool_names
from orchestrate.core.agents.framework_guides import FRAMEWORK_GUIDES
from orchestrate.core.agents.generation import builder, generated_for_run
from orchestrate.core.agents.language_guides import LANGUAGE_GUIDES
from orchestrate.core.agents.profile import Profile
from orchestrate.core.agents.stack import Framework, Language, Stack, StackCommand
from orchestrate.core.agents.subject_agents import described, optimizer, specialist
from orchestrate.core.agents.subject_guides import (
    OPTIMIZER_GUIDES,
    SPECIALIST_GUIDES,
    SUBJECT_ALIASES,
)
from orchestrate.errors import RequestError

DATE = "2026-01-02"
STACK = Stack(
    languages=(
        Language("python", 0.7, 9, "a.py"),
        Language("typescript", 0.26, 4, "a.ts"),
        Language("go", 0.04, 1, "a.go"),
    ),
    frameworks=(
        Framework("django", "python", "pyproject.toml:3"),
        Framework("react", "node", "web/package.json:9"),
    ),
    commands=(
        StackCommand("test", "python -m pytest", "pyproject.toml:9", "python"),
        StackCommand("format", "ruff format .", "pyproject.toml:12", "python"),
        StackCommand("test", "npm run test", "web/package.json:5", "node", "web"),
        StackCommand("build", "make build", "Makefile:1", "other"),
    ),
)
HEADINGS = ["Output contract", "Discipline", "When you do not know", "Summary"]


def read(agent: Generated) -> Profile:
    """The profile as our reader takes the text, without a single repair."""
    profile = parse_profile(agent.text.encode(), f"{agent.name}.md")
    assert profile.warnings == ()
    assert profile.name == agent.name
    return profile


def every_agent() -> list[Generated]:
    return [
        *(builder(name, DATE, STACK) for name in LANGUAGE_GUIDES),
        *(specialist(name, DATE, STACK) for name in (*SPECIALIST_GUIDES, "tea")),
        *(optimizer(name, DATE, STACK) for name in (*OPTIMIZER_GUIDES, "tea")),
        described('writes: the #1 "release notes", doesn\'t it?', DATE, STACK, focus="[x]: y"),
    ]


@pytest.mark.parametrize("agent", every_agent(), ids=lambda agent: agent.name)
def test_agent_is_read_as_it_was_meant(agent: Generated) -> None:
    profile = read(agent)
    assert profile.extra == {"generated": DATE}
    assert profile.tools
    assert profile.priority is not None
    assert profile.capabilities
    assert "Use it" in profile.description
    headings = re.findall(r"^## (.*)$", profile.body, re.M)
    assert headings[:2] == ["When to use", "Process"]
    assert headings[-4:] == HEADINGS
    assert len(headings) == len(set(headings))
    assert len(agent.text) < 8_000


def test_seeds_spelling_of_a_builder() -> None:
    """agent generate builder python --framework django --test-command "pytest -v"."""
    options = Options(test_command="pytest -v")
    agent = builder("python", DATE, STACK, frameworks=("django",), options=options)
    profile = read(agent)
    assert agent.name == "builder-python"
    assert profile.tools == ("Read", "Grep", "Glob", "Bash", "Write", "Edit")
    assert {"python", "django"} <= set(profile.capabilities)
    assert "\n# test, as it was given\npytest -v\n" in profile.body
    assert "python -m pytest" not in profile.body
    assert "ruff format ." in profile.body
    assert FRAMEWORK_GUIDES["django"][0].split("`")[1] in profile.body


def test_builder_gets_frameworks_and_commands_of_its_language_alone() -> None:
    text = builder("typescript", DATE, STACK).text
    assert "# test, from web/package.json:5\n(cd web && npm run test)\n" in text
    assert "## react" in text
    assert "django" not in text
    assert "pytest" not in text
    assert "make build" in text  # there is no build of its own


def test_builder_without_a_stack_says_nothing_of_commands() -> None:
    assert "## Commands" not in builder("rust", DATE).text


def test_builders_of_different_languages_are_told_different_things() -> None:
    texts = {name: builder(name, DATE).text for name in LANGUAGE_GUIDES}
    for one, other in itertools.combinations(LANGUAGE_GUIDES, 2):
        shared = set(LANGUAGE_GUIDES[one].idioms) & set(LANGUAGE_GUIDES[other].idioms)
        assert not shared, (one, other)
        assert texts[one] != texts[other]


def test_every_framework_that_is_detected_has_guidance_and_none_else() -> None:
    tables = (getattr(known_frameworks, name) for name in ("PYTHON", "NODE", "GO", "RUST", "JAVA"))
    assert {name for table in tables for name in table.values()} == set(FRAMEWORK_GUIDES)


def test_unknown_framework_is_named_and_nothing_is_invented_about_it() -> None:
    text = builder("python", DATE, frameworks=("Zope 2",)).text
    assert "## Zope 2\n- No guidance on it is written here." in text


@pytest.mark.parametrize(
    ("alias", "name"), [("ts", "typescript"), ("Golang", "go"), ("py", "python")]
)
def test_language_is_known_by_other_names(alias: str, name: str) -> None:
    assert builder(alias, DATE).name == f"builder-{name}"


def test_seeds_spelling_of_a_specialist() -> None:
    """agent generate specialist performance --domain optimization --focus profiling."""
    agent = specialist("performance", DATE, STACK, domain="optimization", focus="profiling")
    profile = read(agent)
    assert agent.name == "performance-specialist"
    assert profile.capabilities == ("performance", "optimization", "profiling")
    assert "Edit" not in (profile.tools or ())
    assert "- Focus, in the words of whoever asked: profiling" in profile.body
    for command in STACK.commands:
        assert command.text in profile.body


def test_specialist_without_a_shell_is_not_told_to_run_anything() -> None:
    text = specialist("api", DATE, options=Options(tools=("Read", "Write"))).text
    assert "Never run code of the repository" in text


@pytest.mark.parametrize("alias", SUBJECT_ALIASES)
def test_alias_of_a_subject_leads_to_guidance(alias: str) -> None:
    assert SUBJECT_ALIASES[alias] in {**SPECIALIST_GUIDES, **OPTIMIZER_GUIDES}


def test_subject_without_guidance_is_said_to_have_none() -> None:
    assert "No guidance on tea brewing is written here." in specialist("tea-brewing", DATE).text
    assert "No guidance on tea is written here." in optimizer("tea", DATE).text


def test_name_of_a_role_may_be_given_with_the_role() -> None:
    assert specialist("performance-specialist", DATE).name == "performance-specialist"
    assert optimizer("query-optimizer", DATE, focus="joins").name == "query-optimizer"


def test_seeds_spelling_of_a_description() -> None:
    """agent create "database migration specialist" --tools "Read,Edit,Bash" --focus …."""
    tools = tool_names("Read,Edit,Bash,LS,MultiEdit")
    assert tools == ("Read", "Edit", "Bash", "Glob")
    agent = described(
        "database migration specialist", DATE, STACK, focus="schema changes",
        options=Options(tools=tools),
    )  # fmt: skip
    profile = read(agent)
    assert agent.name == "database-migration-specialist"
    assert profile.tools == tools
    assert "> database migration specialist\n>\n> Focus: schema changes" in profile.body
    assert "## About database" in profile.body
    assert "uncommitted" in profile.body  # it may edit, so it works as a builder does


def test_description_without_edit_makes_an_agent_that_reports() -> None:
    text = described("checks licences of dependencies", DATE).text
    assert "Change no file of the repository." in text
    assert "`checks-licences-dependencies.md`" in text


# -- for runs ----------------------------------------------------------------------------------


def test_run_gets_a_builder_for_each_language_with_a_part_in_the_code() -> None:
    agents = generated_for_run(STACK, "builder", DATE)
    assert [agent.name for agent in agents] == ["builder-python", "builder-typescript"]
    assert agents[0] == builder("python", DATE, STACK)


def test_run_gets_agents_that_know_its_own_test_command() -> None:
    for kind in ("builder", "performance-specialist", "query-optimizer"):
        for agent in generated_for_run(STACK, kind, DATE, test_command="./check"):
            assert "# test, as it was given\n./check\n" in agent.text
            assert "python -m pytest" not in agent.text


def test_run_gets_the_first_known_language_however_small_it_is() -> None:
    languages = (Language("cpp", 0.99, 9, "a.cc"), Language("python", 0.01, 1, "a.py"))
    agents = generated_for_run(Stack(languages=languages), "builder", DATE)
    assert [agent.name for agent in agents] == ["builder-python"]


def test_run_gets_no_builder_where_no_language_is_known() -> None:
    assert generated_for_run(Stack(), "builder", DATE) == ()


def test_run_gets_specialists_and_optimizers_by_name() -> None:
    names = [
        agent.name
        for kind in ("performance-specialist", "query-optimizer")
        for agent in generated_for_run(STACK, kind, DATE)
    ]
    assert names == ["performance-specialist", "query-optimizer"]


@pytest.mark.parametrize("kind", ["", "builders", "-specialist", "x-agent", "../x-specialist"])
def test_other_kinds_are_refused(kind: str) -> None:
    with pytest.raises(RequestError):
        generated_for_run(STACK, kind, DATE)


# -- what people give --------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["", " ", "a\nb", "a\x1b[2J", "x" * 501, "\u202egnp.exe"])
def test_text_that_is_not_one_plain_line_is_refused(text: str) -> None:
    with pytest.raises(RequestError):
        described(text, DATE, options=Options(name="x"))
    if text:
        with pytest.raises(RequestError):
            builder("python", DATE, options=Options(test_command=text + "\n"[: not text.strip()]))


@pytest.mark.parametrize("command", ["```", "~~~ sh"])
def test_test_command_cannot_close_the_block_it_stands_in(command: str) -> None:
    with pytest.raises(RequestError, match="code fence"):
        builder("python", DATE, options=Options(test_command=command))


@pytest.mark.parametrize("date", ["", "2026-1-2", "2026-13-01", "today", "2026-01-02\nmodel: x"])
def test_date_is_a_day(date: str) -> None:
    with pytest.raises(RequestError):
        builder("python", date)


@pytest.mark.parametrize("language", ["cobol", "", "python; rm"])
def test_language_without_guidance_is_refused_with_those_that_have(language: str) -> None:
    with pytest.raises(RequestError) as caught:
        builder(language, DATE)
    assert "rust" in caught.value.remedy


@pytest.mark.parametrize("name", ["../x", "X", "a b", "-"])
def test_name_has_to_be_one(name: str) -> None:
    with pytest.raises(RequestError):
        builder("python", DATE, options=Options(name=name))


def test_tools_are_taken_apart_outside_parentheses() -> None:
    written = "Read, Bash(git add:*, git commit:*),, mcp__db__*, Read"
    tools = ("Read", "Bash(git add:*, git commit:*)", "mcp__db__*")
    assert tool_names(written) == tools
    assert read(builder("go", DATE, options=Options(tools=tools))).tools == tools


@pytest.mark.parametrize("written", ["Read; Edit", "a b", "Bash(", "Read\n", "x(#)", "é"])
def test_what_is_no_tool_is_refused(written: str) -> None:
    with pytest.raises(RequestError):
        tool_names(written + "x" * written.endswith("\n"))


def test_words_that_mean_something_in_yaml_are_quoted() -> None:
    text = described("x y", DATE, focus="null", options=Options(name="true", model="No")).text
    assert '\nname: "true"\n' in text
    assert '\nmodel: "No"\n' in text
    assert '\ncapabilities: ["null"]\n' in text


@given(st.text(max_size=80), st.text(max_size=40), st.text(max_size=40))
@example("true", "null", "~")
@example("- a: b", "{x", "'")
@example("1.0", "# c", '"')
@example("a: b #c", "---", "...")
def test_whatever_people_write_is_refused_or_read_back(text: str, focus: str, model: str) -> None:
    try:
        agent = described(text, DATE, focus=focus.strip(), options=Options(model=model.strip()))
    except RequestError:
        return
    profile = read(agent)
    assert profile.description.startswith(text.strip().rstrip("."))
    assert profile.model == (model.strip() or None)
    assert profile.extra == {"generated": DATE}


@given(st.text(max_size=80))
def test_names_and_slugs_are_made_of_any_text(text: str) -> None:
    assert all(re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", each) for each in slugs([text]))
    try:
        name = name_from(text)
    except RequestError:
        return
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", name)
