"""Reading the lines of an agent's output, whatever it looks like."""

from __future__ import annotations

import json
from pathlib import Path

from orchestrate.adapters.backends.agents.lines import objects, shortened, tail


def written(folder: Path, data: bytes) -> Path:
    path = folder / "stdout.log"
    path.write_bytes(data)
    return path


def test_what_is_no_whole_object_is_passed_over(tmp_path: Path) -> None:
    data = b'warning: x\n{"a": 1}\n\n[1]\n"text"\n{"b": \n  {"c": 2}  \r\n{"cut": "o'
    assert list(objects(written(tmp_path, data))) == [{"a": 1}, {"c": 2}]


def test_line_longer_than_any_buffer_is_read_whole(tmp_path: Path) -> None:
    text = "x" * 3_000_000
    data = json.dumps({"text": text}).encode() + b'\n{"after": 1}\n'
    assert list(objects(written(tmp_path, data))) == [{"text": text}, {"after": 1}]


def test_half_of_a_surrogate_pair_can_be_stored_afterwards(tmp_path: Path) -> None:
    (found,) = objects(written(tmp_path, b'{"text": "cut \\ud83d here"}\n'))
    assert found == {"text": "cut ? here"}


def test_bytes_that_are_no_text_do_not_lose_the_line(tmp_path: Path) -> None:
    (found,) = objects(written(tmp_path, b'{"text": "caf\xe9", "n": 1}\n'))
    assert found["n"] == 1


def test_nesting_without_end_is_passed_over(tmp_path: Path) -> None:
    data = b'{"a": ' + b"[" * 100_000 + b"\n" + b'{"b": 1}\n'
    assert list(objects(written(tmp_path, data))) == [{"b": 1}]


def test_log_that_is_not_there_is_empty(tmp_path: Path) -> None:
    assert list(objects(tmp_path / "none")) == []
    assert tail(tmp_path / "none") == ()


def test_tail_is_the_last_lines_that_say_something(tmp_path: Path) -> None:
    data = b"first\n" + b"x" * 10_000 + b"\n\n  error: no such option \n\n"
    assert tail(written(tmp_path, data))[-1] == "error: no such option"
    assert "first" not in tail(tmp_path / "stdout.log")


def test_shortened_text_is_one_line_of_at_most_so_many_characters() -> None:
    assert shortened("a\n  b\tc") == "a b c"
    assert shortened("abcdef", 4) == "abc…"
