"""Whatever bytes an agent file holds: a profile or a documented, located refusal, and soon."""

from __future__ import annotations

import string
import time

import msgspec
from hypothesis import example, given
from hypothesis import strategies as st

from orchestrate.adapters.files.profile_notes import REFUSALS, REPAIRS
from orchestrate.adapters.files.profile_reader import ProfileError, parse_profile
from orchestrate.adapters.files.yaml_values import MAX_DEPTH, MAX_VALUES
from orchestrate.core.agents.profile import Profile
from orchestrate.core.ids import is_name

#: Generous for a busy machine: the slowest inputs known take under 0.5 s.
LIMIT_S = 10.0
#: 256 KiB of text with anchors expanded, as JSON: each character at most 6 bytes, and the frame.
LARGEST_FRONT_BYTES = 2 * 1024 * 1024

_PIECES = st.sampled_from(
    [
        "---",
        "name",
        "description",
        "tools",
        "model",
        "orchestration",
        "priority",
        "extra",
        ":",
        ": ",
        " ",
        "\n",
        "\n\n",
        "\n  ",
        "\n- ",
        "\n  - ",
        "\t",
        "\r\n",
        "\r",
        "#",
        " # ",
        '"',
        "'",
        "\\",
        "\\n",
        '\\"',
        "''",
        "[",
        "]",
        "{",
        "}",
        ",",
        "|",
        ">",
        "|-\n  ",
        "&a ",
        "*a",
        "!",
        "!!str ",
        "!!python/object:x ",
        "@",
        "`",
        "%",
        "?",
        "? ",
        "- ",
        "<<",
        "~",
        "null",
        "true",
        "1",
        "-1",
        "1.5",
        "2024-01-01",
        "0x1",
        ".inf",
        "1e999",
        "\u00e9",
        "\ud83d\ude00".encode("utf-16", "surrogatepass").decode("utf-16"),
        "\ufeff",
        "\u2028",
        "\x85",
        "\x1b",
        "\\ud800",
        "\\x41",
        "\\U00110000",
        "<example>",
        "</example>",
        "```",
        "# Heading",
        "word",
        "...",
        "----",
        "%YAML 1.2",
        "--- ",
    ]
)
_SOUP = st.lists(_PIECES, max_size=60).map("".join)
_KEYS = st.sampled_from(
    ["name", "Name", "description", "tools", "disallowedTools", "model", "mcpServers", "priority",
     "timeout_seconds", "max_retries", "capabilities", "orchestration", "color", "allowed-tools"]
)  # fmt: skip
_LINES = st.lists(st.tuples(_KEYS, _SOUP).map(": ".join), max_size=8).map("\n".join)
_TEXT = st.text(
    st.characters(exclude_characters=":#\"'\\", exclude_categories=("C", "Z")), min_size=1
)


def check(data: bytes) -> Profile | None:
    """The profile in `data`, after checking everything that must hold for any input."""
    started = time.monotonic()
    try:
        profile = parse_profile(data, "f.md")
    except ProfileError as error:
        assert error.code in REFUSALS
        assert 0 <= error.line <= data.count(b"\n") + data.count(b"\r") + 1
        assert error.remedy
        return None
    finally:
        assert time.monotonic() - started < LIMIT_S
    assert is_name(profile.name)
    assert profile.description.strip()
    lines = data.count(b"\n") + data.count(b"\r") + 1
    for each in profile.warnings:
        assert each.code in REPAIRS
        assert 1 <= each.line <= lines
        assert each.column >= 1
    front = msgspec.json.encode(msgspec.structs.replace(profile, body="", warnings=()))
    assert len(front) <= LARGEST_FRONT_BYTES
    again = msgspec.json.decode(msgspec.json.encode(profile), type=Profile)
    assert again == profile, "a profile travels as JSON"
    return profile


@given(st.binary(max_size=3000))
@example(b"\xff\xfe")
@example(b"---\n\xff\n---\n")
def test_any_bytes_give_a_profile_or_a_located_refusal(data: bytes) -> None:
    check(data)


@given(_SOUP)
def test_any_mixture_of_yaml_and_fences_is_survived(text: str) -> None:
    check(text.encode("utf-8", "surrogatepass"))


@given(_LINES, _SOUP)
@example('x: "\\U00110000"', "")
@example("%YAML " + "9" * 5000 + ".1", "")
def test_a_name_and_description_survive_any_keys_below_them(lines: str, body: str) -> None:
    data = f"---\nname: kept\ndescription: Kept.\n{lines}\n---\n{body}".encode()
    try:
        profile = parse_profile(data, "f.md")
    except ProfileError as error:
        assert error.code in {"too-deep", "too-many-values", "binary"}
    else:
        assert profile.name == "kept"
        assert profile.description.startswith("Kept.")
        check(data)


@given(
    st.binary(min_size=1, max_size=3),
    st.integers(min_value=0, max_value=10_000),
    st.booleans(),
)
def test_a_real_shape_with_one_spot_changed_is_survived(
    patch: bytes, position: int, replace: bool
) -> None:
    original = (
        b'---\nname: worker\ndescription: "Works: hard, and \\"well\\""\ntools:\n  - Read\n'
        b"  - Bash(git add:*)\nmodel: opus\ntimeout_seconds: 60\norchestration:\n  priority: high\n"
        b"  dependencies: [a, b]\n---\n\n# Worker\n\nWork.\n"
    )
    at = position % len(original)
    check(original[:at] + patch + original[at + (len(patch) if replace else 0) :])


@given(st.sampled_from("[{-?&*!|>\"'@%#:, \n\t"), st.integers(min_value=1, max_value=65_000))
def test_any_character_repeated_is_survived_in_time(character: str, count: int) -> None:
    check(b"---\nname: a\ndescription: d\nx: " + character.encode() * count + b"\n---\n")


@given(st.integers(min_value=1, max_value=60), st.sampled_from(["[", "{a: ", "- ", "? "]))
def test_nesting_is_read_or_refused_as_too_deep(depth: int, opener: str) -> None:
    close = {"[": "]", "{a: ": "}"}.get(opener, "")
    value = opener * depth + "x" + close * depth
    data = f"---\nname: a\ndescription: d\nx:\n  {value}\n---\n".encode()
    try:
        parse_profile(data, "f.md")
    except ProfileError as error:
        assert error.code == "too-deep"
        assert depth >= MAX_DEPTH
    else:
        assert depth < MAX_DEPTH


@given(st.integers(min_value=2, max_value=30), st.integers(min_value=2, max_value=30))
def test_alias_bombs_stay_small_or_are_refused(width: int, height: int) -> None:
    lines = ["x0: &x0 [" + ", ".join(["lol"] * width) + "]"]
    lines += [f"x{n}: &x{n} [" + ", ".join([f"*x{n - 1}"] * width) + "]" for n in range(1, height)]
    weights = [1 + width]
    for _ in range(1, height):
        weights.append(1 + width * weights[-1])
    # The map itself, two keys with text, and a key beside each list.
    total = 1 + 4 + sum(1 + weight for weight in weights)

    profile = check("\n".join(["---", "name: a", "description: d", *lines, "---\n"]).encode())

    assert (profile is None) == (total > MAX_VALUES)


@given(_TEXT, st.text(string.printable, max_size=200))
def test_a_quoted_description_and_any_body_come_back_exactly(text: str, body: str) -> None:
    quoted = msgspec.json.encode(text).decode()
    tail = body if not body.lstrip().startswith("---") else "x" + body
    profile = parse_profile(f"---\nname: a\ndescription: {quoted}\n---\n{tail}".encode(), "f.md")
    assert profile.description == text.strip()
    assert profile.body == tail
    assert profile.warnings == ()
