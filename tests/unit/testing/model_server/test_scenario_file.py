"""Scenario files say what the Python values say, and mistakes are shown with their line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from orchestrate.errors import DefinitionError
from orchestrate.testing.model_server import (
    Bash,
    Call,
    Edit,
    Fault,
    Json,
    Mcp,
    Read,
    Refuse,
    Role,
    Say,
    Scenario,
    Step,
    Tokens,
    Write,
)
from orchestrate.testing.model_server.scenario_file import read_scenarios

EVERYTHING = """\
scenarios:
  fix:
    - role: builder
      marker: [BUILD, here]
      steps:
        - say: working
          write: {path: a.txt, content: "x\\n"}
          tokens: {input_tokens: 1000, cached_tokens: 5}
          faults:
            - {kind: status, status: 429, retry_after_s: 0, times: always}
        - do:
            - bash: ls
            - bash: pwd
        - edit: {path: a.txt, old: x, new: y}
        - read: a.txt
        - mcp: {server: db, tool: query, args: {q: 1}}
        - call: {name: Task}
        - json: {verdict: ok, list: [1, null]}
        - refuse: no
      later:
        - [{say: second}]
      faults: [{kind: hang, until: go}]
      repeat_last: true
  other:
    - {role: any, marker: X, steps: [{say: 12}]}
"""


def read(folder: Path, text: str, name: str = "s.yaml") -> tuple[Scenario, ...]:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return read_scenarios(path)


def test_everything_that_can_be_said(tmp_path: Path) -> None:
    fix, other = read(tmp_path, EVERYTHING)
    limited = Fault("status", times=None, status=429, retry_after_s=0)
    assert fix.roles == (
        Role(
            "builder",
            (
                Step((Say("working"), Write("a.txt", "x\n")), Tokens(1000, 5, 0, 10), (limited,)),
                Step((Bash("ls"), Bash("pwd"))),
                Step((Edit("a.txt", "x", "y"),)),
                Step((Read("a.txt"),)),
                Step((Mcp("db", "query", {"q": 1}),)),
                Step((Call("Task"),)),
                Step((Json({"verdict": "ok", "list": [1, None]}),)),
                Step((Refuse("no"),)),
            ),
            marker=("BUILD", "here"),
            later=((Step((Say("second"),)),),),
            faults=(Fault("hang", until="go"),),
            repeat_last=True,
        ),
    )
    assert other == Scenario("other", (Role("any", (Step((Say("12"),)),), marker=("X",)),))


def test_json_is_read_as_well(tmp_path: Path) -> None:
    document = {"scenarios": {"a": [{"role": "r", "steps": [{"say": "hi"}]}]}}
    assert read(tmp_path, json.dumps(document, indent=1), "s.json") == (
        Scenario("a", (Role("r", (Step((Say("hi"),)),)),)),
    )


@pytest.mark.parametrize(
    ("right", "wrong", "line", "message"),
    [
        ("bash: pwd", "bahs: pwd", 13, "'bahs' is not known here"),
        ("- read: a.txt", "- tokens: {}", 15, "the step does nothing"),
        ("old: x", "odl: x", 14, "unknown field `odl`"),
        ("cached_tokens: 5", "cached_tokens: many", 8, "Expected `int`"),
        ("kind: hang", "kind: sleep", 22, "Invalid enum value 'sleep'"),
        ("- role: builder\n      ", "- ", 3, "'role' is missing"),
        ("- refuse: no", "- refuse: [no]", 19, "a text is expected, not a list"),
        ("repeat_last: true", "repeat_last: maybe", 23, "Expected `bool`"),
        ("- say: working", "- say: working\n          say: too", 7, "'say' is there twice"),
        ("  other:", "  a/b:", 24, "'a/b' is no name for a scenario"),
        ("scenarios:", "scenario:", 1, "'scenario' is not known here"),
        ("      later:", "      later: 1\n      more:", 21, "'more' is not known here"),
        ("role: any,", "role: any: ,", 25, "not valid YAML"),
    ],
)
def test_mistake_is_shown_with_its_line(
    right: str, wrong: str, line: int, message: str, tmp_path: Path
) -> None:
    assert right in EVERYTHING
    with pytest.raises(DefinitionError) as raised:
        read(tmp_path, EVERYTHING.replace(right, wrong, 1))
    assert message in raised.value.message
    assert f"s.yaml:{line}: " in raised.value.message
    assert raised.value.remedy


def test_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(DefinitionError, match=r"nothing\.yaml cannot be read"):
        read_scenarios(tmp_path / "nothing.yaml")


def test_file_without_scenarios_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DefinitionError, match="there is no scenario"):
        read(tmp_path, "scenarios: {}\n")
