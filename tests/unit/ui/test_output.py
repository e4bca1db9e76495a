"""Text for people: durations, characters a terminal would act on, and the JSON envelope."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from orchestrate.ui.cli.output import Output, duration, print_envelope, printable


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (0, "0.0 s"),
        (0.04, "0.0 s"),
        (9.94, "9.9 s"),
        (9.96, "10 s"),
        (59.4, "59 s"),
        (59.6, "1 min 0 s"),
        (200, "3 min 20 s"),
        (3599.6, "1 h 0 min"),
        (7500, "2 h 5 min"),
        (90000, "25 h 0 min"),
    ],
)
def test_duration(seconds: float, shown: str) -> None:
    assert duration(seconds) == shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain ünï 日本", "plain ünï 日本"),
        ("\x1b[31mred", "\\x1b[31mred"),
        ("a\nb\r\t", "a\\nb\\r\\t"),
        ("\x9b2J", "\\x9b2J"),
        ("\udce9", "\\udce9"),
        ("\u202eevil", "\\u202eevil"),
        ("\x00\x7f", "\\x00\\x7f"),
    ],
)
def test_what_a_terminal_would_act_on_is_made_visible(text: str, shown: str) -> None:
    assert printable(text) == shown


def test_envelope_is_one_document_with_its_schema(capsys: pytest.CaptureFixture[str]) -> None:
    print_envelope("list", {"path": Path("/a"), "rows": [1, None]})
    document = json.loads(capsys.readouterr().out)
    assert document == {
        "schema": "orchestrate/1",
        "command": "list",
        "data": {"path": "/a", "rows": [1, None]},
    }


def test_value_without_a_shape_is_a_defect_and_not_its_text() -> None:
    with pytest.raises(NotImplementedError, match="object"):
        print_envelope("list", object())


def test_messages_and_data_go_to_different_places(capsys: pytest.CaptureFixture[str]) -> None:
    output = Output("list", as_json=False, quiet=False)
    output.data([1], "one")
    output.message("a message")
    assert capsys.readouterr() == ("one\n", "a message\n")


def test_quiet_keeps_data(capsys: pytest.CaptureFixture[str]) -> None:
    output = Output("list", as_json=False, quiet=True)
    output.data([1], "one")
    output.message("a message")
    assert capsys.readouterr() == ("one\n", "")


def test_nothing_to_say_prints_no_empty_line(capsys: pytest.CaptureFixture[str]) -> None:
    Output("list", as_json=False, quiet=False).data([], "")
    assert capsys.readouterr() == ("", "")
