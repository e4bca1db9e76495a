"""Scripts are read as they are written, and every mistake is told with its line."""

from __future__ import annotations

import re
from pathlib import Path
from typing import get_args

import pytest
from jsonschema import Draft202012Validator

from orchestrate.adapters.files.script_reader import MAX_MISTAKES, read_script, script_schema
from orchestrate.core.agents.script import (
    DeleteFiles,
    EditFiles,
    LeaveOutputs,
    Replacement,
    RunCommand,
    ScriptedAttempt,
    ScriptedCause,
    ScriptedUsage,
    WaitFor,
    WriteFiles,
)
from orchestrate.errors import DefinitionError, ExitCode

WHOLE = """\
version: 1
bill: true
tasks:
  fix:
    - run: make
      write: {a.txt: "1\\n"}
      wait_for: go
      edit:
        - {path: a.txt, old: "1", new: ""}
      delete: [b.txt]
      outputs: {report: done}
      usage: {input_tokens: 7, turns: 2, cost_usd: 0.5}
      answer: {summary: Did it., blocking: []}
    - fail: rate_limit
      message: slower
      retry_after_s: 1.5
  "part.*":
    - {}
"""
TASK = "version: 1\ntasks:\n  t:\n"


def read(folder: Path, text: str) -> str:
    """The message about a script with mistakes, without the path before each line."""
    path = folder / "s.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(DefinitionError) as caught:
        read_script(path)
    assert caught.value.exit_code == ExitCode.DEFINITION
    assert caught.value.remedy
    return caught.value.message.replace(f"{path}:", "")


def test_everything_is_read_in_the_order_it_is_written(tmp_path: Path) -> None:
    path = tmp_path / "s.yaml"
    path.write_text(WHOLE, encoding="utf-8")
    script = read_script(path)
    assert script.bill
    assert list(script.tasks) == ["fix", "part.*"]
    assert script.tasks["fix"] == (
        ScriptedAttempt(
            line=5,
            steps=(
                RunCommand("make"),
                WriteFiles({"a.txt": "1\n"}),
                WaitFor("go"),
                EditFiles((Replacement("a.txt", "1", ""),)),
                DeleteFiles(("b.txt",)),
                LeaveOutputs({"report": "done"}),
            ),
            answer={"summary": "Did it.", "blocking": []},
            usage=ScriptedUsage(input_tokens=7, turns=2, cost_usd=0.5),
        ),
        ScriptedAttempt(line=14, fail="rate_limit", message="slower", retry_after_s=1.5),
    )
    assert script.tasks["part.*"] == (ScriptedAttempt(line=18),)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "1: the file says nothing"),
        ("version: 2\ntasks: {t: [{}]}", "1: `version` is 1, not '2'"),
        ("version: 1", "1: the script has no `tasks`"),
        ("version: 1\ntasks: {}", "2: `tasks` is empty"),
        ("version: 1\nbill: yes\ntasks: {t: [{}]}", "2: `bill` is true or false, not 'yes'"),
        ("version: 1\ntasks: [a]", "2: `tasks` is a mapping, not a list"),
        (f"{TASK}    - wrte: {{}}", "4: unknown key 'wrte'"),
        (f"{TASK}    - write: {{a: 5}}", "4: `a` is a text, not '5'"),
        (f"{TASK}    - run: [a]", "4: `run` is a text, not a list"),
        (f"{TASK}    - run: ''", "4: `run` is empty"),
        (f"{TASK}    - edit: {{path: a}}", "4: `edit` is a list, not a mapping"),
        (f"{TASK}    - edit: [{{path: a, old: b}}]", "4: `edit` has no `new`"),
        (f"{TASK}    - fail: crsh", "4: `fail` is one of crash, exit"),
        (
            f"{TASK}    - {{}}\n    - message: a",
            "5: `message` and `retry_after_s` tell of a failure",
        ),
        (
            f"{TASK}    - fail: crash\n      answer: {{}}",
            "5: an attempt fails or answers, not both",
        ),
        (f"{TASK}    - usage: {{turns: -1}}", "4: `turns` is at least 0, not -1"),
        (f"{TASK}    - answer: {{outcome: maybe}}", "4: `outcome` is one of done, cannot"),
        (f"{TASK}    - {{}}\n  t: [{{}}]", "5: 't' is given again"),
        (f"{TASK}    - write: {{/etc/x: a}}", "4: '/etc/x' is no path of a file in the workspace"),
        (f"{TASK}    - delete: [a/../../b]", "4: 'a/../../b' is no path"),
        (f"{TASK}    - edit: [{{path: .git/config, old: a, new: b}}]", "4: '.git/config' is no"),
        (f"{TASK}    - write: {{'': a}}", "4: '' is no path"),
        (f"{TASK}    - &x {{}}", "4: anchors"),
        ("version: 1\ntasks: {", "not valid YAML"),
    ],
)
def test_mistake_is_told_with_its_line(tmp_path: Path, text: str, told: str) -> None:
    assert told in read(tmp_path, text)


def test_all_mistakes_are_told_at_once_in_order(tmp_path: Path) -> None:
    text = f"{TASK}    - fail: x\n    - run: 5\nbil: true\n"
    lines = [int(line.partition(":")[0]) for line in read(tmp_path, text).splitlines()]
    assert lines == [4, 5, 6]


def test_more_mistakes_than_anybody_reads_are_counted(tmp_path: Path) -> None:
    lines = read(tmp_path, TASK + "    - run: 5\n" * (MAX_MISTAKES + 3)).splitlines()
    assert len(lines) == MAX_MISTAKES + 1
    assert lines[-1] == "and 3 more mistakes"


def test_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(DefinitionError, match=r"no/s\.yaml cannot be read: No such file"):
        read_script(tmp_path / "no/s.yaml")


def test_published_schema_is_valid_and_has_every_cause() -> None:
    Draft202012Validator.check_schema(script_schema())
    causes = script_schema()["$defs"]["attempt"]["properties"]["fail"]["enum"]
    assert causes == list(get_args(ScriptedCause))


def test_scripts_of_the_examples_can_be_read() -> None:
    root = Path(__file__).resolve().parents[3]
    assert set(read_script(root / "examples/mend-script.yaml").tasks) == {"mend", "review"}


def test_scripts_of_the_page_can_be_read(tmp_path: Path) -> None:
    page = Path(__file__).resolve().parents[3] / "docs/how-to/try-a-workflow-without-a-model.md"
    blocks = re.findall(r"```yaml\n(.*?)```", page.read_text(), re.S)
    blocks = [each for each in blocks if "\ntasks:" in each]
    assert len(blocks) == 2
    for block in blocks:
        (tmp_path / "s.yaml").write_text(block)
        assert read_script(tmp_path / "s.yaml").tasks
