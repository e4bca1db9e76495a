"""Reading one agent file: what is read, what is repaired and where, what is refused and where."""

from __future__ import annotations

import os
import re
import time
from pathlib import Path

import jsonschema
import msgspec
import pytest

from orchestrate.adapters.files.profile_keys import profile_schema
from orchestrate.adapters.files.profile_notes import REFUSALS, REPAIRS
from orchestrate.adapters.files.profile_reader import ProfileError, parse_profile, read_profile
from orchestrate.adapters.files.profile_text import MAX_FILE_BYTES
from orchestrate.core.agents.profile import Orchestration, Profile
from orchestrate.errors import DefinitionError, ExitCode
from tests.unit.adapters.profile_shapes import SHAPES


def front(*lines: str, body: str = "Do it.\n") -> bytes:
    """A file with name, description, and further lines from line 4 on."""
    return "\n".join(["---", "name: a", "description: d", *lines, "---", body]).encode()


def read(data: bytes | str) -> Profile:
    return parse_profile(data if isinstance(data, bytes) else data.encode(), "a.md")


def notes(profile: Profile) -> list[tuple[int, int, str]]:
    return [(each.line, each.column, each.code) for each in profile.warnings]


def refusal(data: bytes | str) -> ProfileError:
    with pytest.raises(ProfileError) as caught:
        read(data)
    return caught.value


def test_a_plain_file_is_read_without_warnings() -> None:
    profile = read("---\nname: tester\ndescription: Tests all of it\n---\n")
    assert profile == Profile(name="tester", description="Tests all of it", path="a.md")


def test_every_key_of_e1_is_understood() -> None:
    profile = read(SHAPES["list item that starts with @"])
    assert profile.model == "opus"
    assert profile.timeout_s == 3600.0
    assert profile.max_retries == 3
    assert profile.mcp_servers == ("score-keeper-server",)
    assert profile.orchestration == Orchestration(priority="critical", max_parallel=1)


def test_legacy_and_unknown_tool_names_stay_as_they_are() -> None:
    profile = read(SHAPES["list item that starts with @"])
    assert profile.tools is not None
    assert profile.tools[3:5] == ("MultiEdit", "Bash")
    assert profile.tools[-1] == "@score-keeper"
    assert read(front("tools: LS, MultiEdit")).tools == ("LS", "MultiEdit")


@pytest.mark.parametrize(
    ("written", "tools"),
    [
        ("tools: Read, Bash(git add:*, git commit:*), Edit", 3),
        ("tools: [Read, 'Bash(a, b)', Edit]", 3),
        ("tools:\n  - Read\n  - Bash(a, b)\n  - Edit", 3),
        ("tools: Read,Edit , ", 2),
        ("tools: Read, Read", 1),
        ("tools: []", 0),
    ],
)
def test_tools_may_be_text_or_a_list(written: str, tools: int) -> None:
    profile = read(front(written))
    assert profile.tools is not None
    assert len(profile.tools) == tools
    assert profile.warnings == ()


@pytest.mark.parametrize("written", ["model: opus", 'tools: "*"', "tools: [all]"])
def test_tools_are_not_restricted_unless_the_file_says_so(written: str) -> None:
    assert read(front(written)).tools is None


def test_unknown_keys_are_kept_as_they_were_read() -> None:
    profile = read(front("color: blue", "maxTurns: 3", "hooks: {pre: [x, 1.5, true, null]}"))
    assert profile.extra == {
        "color": "blue",
        "maxTurns": 3,
        "hooks": {"pre": ["x", 1.5, True, None]},
    }
    assert msgspec.json.decode(msgspec.json.encode(profile), type=Profile) == profile


def test_text_that_looks_like_something_else_stays_text() -> None:
    profile = read("---\nname: 2024-01-01\ndescription: 12\nmodel: 5\nsince: 2024-01-01\n---\n")
    assert (profile.name, profile.description, profile.model) == ("2024-01-01", "12", "5")
    assert profile.extra == {"since": "2024-01-01"}
    assert profile.warnings == ()


def test_numbers_that_json_cannot_hold_are_kept_as_text() -> None:
    profile = read(front("big: 123456789012345678901", "huge: 1e999"))
    assert profile.extra == {"big": "123456789012345678901", "huge": "1e999"}


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_the_body_is_kept_exactly(end: str) -> None:
    body = f"{end}  one  {end}{end}---{end}\ttwo"
    text = f"---{end}name: a{end}description: d{end}---{end}{body}"
    profile = parse_profile(text.encode(), "a.md")
    assert profile.body == body
    assert profile.warnings == ()


def test_servers_configured_in_place_are_named_and_kept() -> None:
    profile = read(front("mcpServers:", "  git:", "    command: run-git"))
    assert profile.mcp_servers == ("git",)
    assert profile.extra == {"mcp_servers": {"git": {"command": "run-git"}}}


def test_unknown_keys_of_the_orchestration_block_are_kept() -> None:
    profile = read(front("orchestration: {priority: 2, dependencies: b, style: calm}"))
    assert profile.orchestration == Orchestration(priority=2, dependencies=("b",))
    assert profile.extra == {"orchestration": {"style": "calm"}}


REPAIRED: list[tuple[str, bytes, list[tuple[int, int, str]], dict[str, object]]] = [
    (
        "a colon in an unquoted description",
        b"---\nname: a\ndescription: Use when: now\n---\n",
        [(3, 22, "unquoted-colon")],
        {"description": "Use when: now"},
    ),
    (
        "dialogue that spills over the next lines",
        b"---\nname: a\ndescription: Helps. E.g.: <example>\nuser: hi\nmodel: x\n</example>\n"
        b"model: opus\n---\n",
        [(3, 25, "unquoted-colon")],
        {"description": "Helps. E.g.: <example>\nuser: hi\nmodel: x\n</example>", "model": "opus"},
    ),
    (
        "text after a closed quote",
        b'---\nname: a\ndescription: "Tests" code\nmodel: b\n---\n',
        [(3, 22, "text-after-quote")],
        {"description": '"Tests" code', "model": "b"},
    ),
    (
        "a quote that is never closed",
        b"---\nname: a\ndescription: 'Tests code\nmodel: b\n---\n",
        [(3, 14, "unclosed-quote")],
        {"description": "Tests code", "model": "b"},
    ),
    (
        "a backslash that escapes nothing",
        b'---\nname: a\ndescription: "Finds \\d+"\n---\n',
        [(3, 21, "bad-escape")],
        {"description": "Finds \\d+"},
    ),
    (
        "a bracket that is no list",
        b"---\nname: a\ndescription: [NOW] tests\ntools: [Read, @x\n---\n",
        [(3, 14, "stray-bracket"), (4, 8, "stray-bracket")],
        {"description": "[NOW] tests", "tools": ("Read", "@x")},
    ),
    (
        "a star for all tools",
        front("tools: *"),
        [(4, 8, "reserved-character")],
        {"tools": None},
    ),
    (
        "several mistakes in one list",
        front("tools:", "  - @one", "  - 'two' three", "\t- four"),
        [(5, 5, "reserved-character"), (6, 11, "text-after-quote"), (7, 1, "tab-indentation")],
        {"tools": ("@one", "'two' three", "four")},
    ),
    (
        "what nothing mends is text",
        front("tools:", "  - Read", " - Edit"),
        [(4, 7, "unreadable-value")],
        {"tools": ("Read", "Edit")},
    ),
    (
        "no space after the colon",
        b"---\nname:a\ndescription:b c\n---\n",
        [(2, 5, "missing-space"), (3, 12, "missing-space")],
        {"name": "a", "description": "b c"},
    ),
    (
        "keys that are not aligned",
        b"---\nname: a\n  description: d\n---\n",
        [(3, 3, "indentation")],
        {"description": "d"},
    ),
    (
        "a line of no key",
        b"---\nbe nice\nname: a\ndescription: d\n---\n",
        [(2, 1, "stray-line")],
        {"name": "a"},
    ),
    (
        "a key given twice",
        front("model: b", "model: c"),
        [(5, 1, "duplicate-key")],
        {"model": "b"},
    ),
    (
        "a key in another spelling",
        b"---\nName: a\ndescription: d\nallowed-tools: Read\n---\n",
        [(2, 1, "key-spelling"), (4, 1, "key-spelling")],
        {"name": "a", "tools": ("Read",)},
    ),
    (
        "a name with capitals and spaces",
        "---\nname: Code Réviewer\ndescription: d\n---\n".encode(),
        [(2, 7, "name-rewritten")],
        {"name": "code-reviewer"},
    ),
    (
        "line breaks written as two characters",
        b"---\nname: a\ndescription: Tests.\\n\\n<example>\\nuser</example>\n---\n",
        [(3, 20, "literal-newline")],
        {"description": "Tests.\n\n<example>\nuser</example>"},
    ),
    (
        "a list for a text",
        front("model: [b, c]"),
        [(4, 8, "value-not-text")],
        {"model": "[b, c]"},
    ),
    (
        "words for numbers",
        front("priority: high", "timeout_seconds: 0", "max_retries: -1"),
        [(4, 11, "value-not-number"), (5, 18, "value-not-number"), (6, 14, "value-not-number")],
        {"extra": {"priority": "high", "timeout_seconds": 0, "max_retries": -1}},
    ),
    (
        "a map for names",
        front("capabilities: {a: b}"),
        [(4, 15, "value-not-list")],
        {"capabilities": (), "extra": {"capabilities": {"a": "b"}}},
    ),
    (
        "a word for the orchestration block",
        front("orchestration: high"),
        [(4, 16, "value-not-map")],
        {"extra": {"orchestration": "high"}},
    ),
    (
        "a key without value",
        front("tools:", "model: ''"),
        [(4, 1, "empty-value"), (5, 1, "empty-value")],
        {"tools": None, "model": None},
    ),
    (
        "tools as a map",
        front("tools: {write: false, read: true}"),
        [(4, 8, "tools-map")],
        {"tools": ("read",), "disallowed_tools": ("write",)},
    ),
    (
        "a tag",
        front("x: !!python/object/apply:os.getcwd []"),
        [(4, 4, "tag-ignored")],
        {"extra": {"x": []}},
    ),
    (
        "a byte order mark",
        b"\xef\xbb\xbf" + front(),
        [(1, 1, "byte-order-mark")],
        {"name": "a"},
    ),
    (
        "Windows-1252",
        b"---\nname: a\ndescription: caf\xe9 \x93x\x94\n---\n\xe9",
        [(3, 17, "encoding")],
        {"description": "café “x”", "body": "é"},
    ),
    (
        "UTF-16",
        "---\nname: a\ndescription: é\n---\n".encode("utf-16"),
        [(1, 1, "encoding")],
        {"description": "é"},
    ),
    (
        "control characters, raw and escaped",
        b'---\nname: a\ndescription: "x\\e[1my\\ud800"\nmodel: o\x1bp\n---\n',
        [(3, 14, "control-character"), (4, 9, "control-character")],
        {"description": "x [1my\ufffd", "model": "o p"},
    ),
    (
        "a heading before the fence",
        b"# A\n\n" + front(),
        [(3, 1, "front-matter-not-first")],
        {"body": "Do it.\n"},
    ),
    (
        "everything indented after a blank line",
        b"\n  ---\n  name: a\n  description: d\n  ---\n  Do.\n",
        [(2, 3, "front-matter-not-first"), (2, 3, "indented-front-matter")],
        {"description": "d", "body": "  Do.\n"},
    ),
    (
        "a code fence around the file",
        b"```markdown\n" + front() + b"```\n",
        [(1, 1, "code-fence")],
        {"body": "Do it.\n"},
    ),
    (
        "no opening fence",
        front().removeprefix(b"---\n"),
        [(1, 1, "missing-opening-fence")],
        {"body": "Do it.\n"},
    ),
    (
        "no closing fence",
        b"---\nname: a\ndescription: d\n\n# A\n\nDo it.\n",
        [(1, 1, "unclosed-front-matter")],
        {"body": "\n# A\n\nDo it.\n"},
    ),
    (
        "a rule in the body instead of a closing fence",
        b"---\nname: a\ndescription: d\n\n# A\n\nDo it.\n\n---\n\nNow.\n",
        [(1, 1, "unclosed-front-matter")],
        {"body": "\n# A\n\nDo it.\n\n---\n\nNow.\n"},
    ),
    (
        "the closing fence at the end of a value",
        b"---\nname: a\ndescription: d.---\nDo it.\n",
        [(3, 16, "glued-fence")],
        {"description": "d.", "body": "Do it.\n"},
    ),
    (
        "fences of other lengths",
        b"----\nname: a\ndescription: d\n...\nDo it.\n",
        [(1, 1, "odd-fence"), (4, 1, "odd-fence")],
        {"body": "Do it.\n"},
    ),
    (
        "a second front matter",
        front(body="---\nname: b\n---\n"),
        [(5, 1, "second-front-matter")],
        {"name": "a", "body": "---\nname: b\n---\n"},
    ),
]


@pytest.mark.parametrize(
    ("data", "expected", "fields"),
    [case[1:] for case in REPAIRED],
    ids=[case[0] for case in REPAIRED],
)
def test_a_repair_is_warned_about_where_it_was_made(
    data: bytes, expected: list[tuple[int, int, str]], fields: dict[str, object]
) -> None:
    profile = read(data)
    assert notes(profile) == expected
    assert {key: getattr(profile, key) for key in fields} == fields
    assert all(";" in each.message for each in profile.warnings), "says what to write instead"


def test_every_repair_is_tried_by_a_case() -> None:
    assert {code for _, _, expected, _ in REPAIRED for _, _, code in expected} == set(REPAIRS)


REFUSED: list[tuple[str, bytes, tuple[int, int, str]]] = [
    ("nothing", b" \n\n", (1, 1, "empty")),
    ("NUL bytes", b"---\nname: \0", (2, 7, "binary")),
    ("half a UTF-16 character", b"\xff\xfe-", (1, 1, "binary")),
    ("prose", b"\n# A\n", (2, 1, "no-front-matter")),
    ("an example in a document", b"# A\n```\n---\nname: a\n---\n```\n", (1, 1, "no-front-matter")),
    ("a rule at the top", b"---\n\nprose\n", (1, 1, "no-front-matter")),
    ("a list", b"---\n- a\n---\n", (1, 1, "not-a-mapping")),
    ("no name", b"---\ndescription: d\n---\n", (1, 1, "no-name")),
    ("an empty name", b"---\ndescription: d\nname:\n---\n", (3, 1, "no-name")),
    ("a name of dots", b"---\nname: '...'\ndescription: d\n---\n", (2, 7, "bad-name")),
    ("no description", b"---\nname: a\n---\n", (1, 1, "no-description")),
    ("a blank description", b"---\nname: a\ndescription: ' '\n---\n", (3, 1, "no-description")),
    ("a command", b"---\ndescription: d\nargument-hint: x\n---\n", (3, 1, "slash-command")),
    ("deep nesting", front("x: " + "[" * 30), (4, 1, "too-deep")),
    ("many values", front("x: [" + "1," * 6000 + "]"), (4, 1, "too-many-values")),
    ("many broken keys", front(*(f"k{i}: @" for i in range(600))), (502, 1, "too-many-values")),
    ("a long block", front("x: " + "y" * 70_000), (1, 1, "front-matter-too-large")),
    ("a huge file", b" " * (MAX_FILE_BYTES + 1), (0, 0, "too-large")),
]


@pytest.mark.parametrize(
    ("data", "expected"), [case[1:] for case in REFUSED], ids=[case[0] for case in REFUSED]
)
def test_a_file_without_a_recoverable_agent_is_refused_at_a_line(
    data: bytes, expected: tuple[int, int, str]
) -> None:
    error = refusal(data)
    assert (error.line, error.column, error.code) == expected
    assert error.path == "a.md"
    place = f"a.md:{error.line}:{error.column}: " if error.line else "a.md: "
    assert str(error) == place + error.problem
    assert error.remedy


def test_a_refusal_is_a_definition_error() -> None:
    error = refusal(b"prose")
    assert isinstance(error, DefinitionError)
    assert error.exit_code is ExitCode.DEFINITION


def test_a_misspelt_description_is_pointed_out() -> None:
    assert "`descripton`" in refusal(b"---\nname: a\ndescripton: d\n---\n").remedy


def test_a_path_in_a_description_keeps_its_backslashes() -> None:
    profile = read(b"---\nname: a\ndescription: Reads C:\\new\\notes\n---\n")
    assert profile.description == "Reads C:\\new\\notes"
    assert profile.warnings == ()


def test_a_fence_inside_a_block_of_text_does_not_end_the_front_matter() -> None:
    profile = read(b"---\nname: a\ndescription: |\n  one\n  ---\n  two\nmodel: b\n---\n")
    assert profile.description == "one\n---\ntwo"
    assert profile.model == "b"


def test_an_alias_is_expanded() -> None:
    assert read(front("x: &a [1]", "y: *a")).extra == {"x": [1], "y": [1]}


def test_an_alias_bomb_is_refused_quickly() -> None:
    bomb = ["x0: &x0 [lol, lol, lol, lol, lol, lol, lol, lol, lol]"]
    bomb += [f"x{n}: &x{n} [{', '.join([f'*x{n - 1}'] * 9)}]" for n in range(1, 10)]
    started = time.monotonic()
    assert refusal(front(*bomb)).code == "too-many-values"
    assert time.monotonic() - started < 5


def test_a_bomb_of_long_texts_is_refused() -> None:
    bomb = front(f"x: &x {'y' * 5000}", f"z: [{', '.join(['*x'] * 100)}]")
    assert refusal(bomb).code == "too-many-values"


def test_bombs_spread_over_broken_keys_are_refused() -> None:
    lists = [f"k{n}: [&a {'y' * 900}, {', '.join(['*a'] * 20)}]" for n in range(40)]
    assert refusal(front("broken: @", *lists)).code == "too-many-values"


def test_a_list_that_contains_itself_does_not_hang() -> None:
    profile = read(front("x: &x [*x]"))
    assert profile.extra == {"x": "&x [*x]"}
    assert notes(profile) == [(4, 4, "reserved-character")]


@pytest.mark.parametrize(
    "line",
    [
        "[" * 60_000,
        "{" * 60_000,
        "? " * 30_000,
        '"' + "\\\\" * 30_000 + "\\q",
        "'" * 60_001,
        "!a " * 20_000,
        "k" * 60_000 + ": v",
        "x: " + "---" * 20_000,
        "%a\n" * 20_000,
        "\n# a\n\n" * 10_000,
        "\n".join(f"k{n}: {'v' * 100} @: :" for n in range(490)),
        "x:\n" + "  - @b\n" * 8_000,
        'x: "' + "a\n  " * 15_000,
    ],
    ids=lambda line: repr(line[:12]),
)
def test_hostile_front_matter_costs_a_bounded_time(line: str) -> None:
    started = time.monotonic()
    try:
        profile = read(front(line))
    except ProfileError:
        pass
    else:
        assert profile.name == "a"
    # Each takes under 0.5 s; quadratic work on 60 000 characters would take minutes.
    assert time.monotonic() - started < 10


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ProfileError, match="No such file") as caught:
        read_profile(tmp_path / "none.md")
    assert (caught.value.code, caught.value.line) == ("unreadable", 0)


def test_a_folder_and_a_named_pipe_are_refused_without_waiting(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe.md"
    os.mkfifo(pipe)
    for path in (tmp_path, pipe, Path("/dev/zero")):
        with pytest.raises(ProfileError) as caught:
            read_profile(path)
        assert caught.value.code in ("not-a-file", "unreadable")


def test_a_file_is_read_with_its_path(tmp_path: Path) -> None:
    path = tmp_path / "a.md"
    path.write_bytes(front())
    assert read_profile(path).path == str(path)


def test_every_refusal_is_tried_by_a_case() -> None:
    elsewhere = {"unreadable", "not-a-file", "too-many-files"}
    assert {expected[2] for _, _, expected in REFUSED} | elsewhere == set(REFUSALS)


def test_the_schema_accepts_what_to_write_and_rejects_what_not() -> None:
    validator = jsonschema.Draft202012Validator(profile_schema())
    good = {"name": "a", "description": "d", "tools": ["Read"], "color": "blue", "priority": 1}
    assert not list(validator.iter_errors(good))
    for bad in ({"name": "A B"}, {"description": ""}, {"timeout_seconds": 0}, {"priority": "x"}):
        assert list(validator.iter_errors(good | bad))


def test_every_key_repair_and_refusal_is_documented() -> None:
    page = Path(__file__).parents[3] / "docs" / "reference" / "agent-files.md"
    text = page.read_text(encoding="utf-8")
    parts = {part.partition("\n")[0]: part for part in text.split("\n## ")}
    keys, repairs, refusals = (
        set(re.findall(r"^\| `([\w-]+)` \|", parts[title], re.MULTILINE))
        for title in ("Keys", "Repairs", "Refusals")
    )
    assert keys == set(profile_schema()["$defs"]["ProfileKeys"]["properties"])
    assert repairs == set(REPAIRS)
    assert refusals == set(REFUSALS)


def test_the_example_of_the_page_is_read_without_warnings() -> None:
    page = Path(__file__).parents[3] / "docs" / "reference" / "agent-files.md"
    example = page.read_text(encoding="utf-8").split("```markdown\n")[1].split("```")[0]
    profile = read(example)
    assert profile.name == "migration-checker"
    assert profile.warnings == ()
