"""The pages about workflow files say what the reader does."""

from __future__ import annotations

import inspect
import json
import re
from pathlib import Path
from typing import Any, get_args

import pytest

from orchestrate.adapters.backends import shell
from orchestrate.adapters.files.workflow_reader import check_workflow
from orchestrate.adapters.files.workflow_references import PHASE_STATUSES
from orchestrate.adapters.files.workflow_report import CODES
from orchestrate.adapters.files.workflow_schema import workflow_schema
from orchestrate.adapters.files.workflow_tasks import RETRIED
from orchestrate.core.planning import syntax
from orchestrate.core.planning.definition import (
    GateKind,
    PhaseSpec,
    RetryPolicy,
    TaskSpec,
    Workflow,
)
from orchestrate.core.planning.expansion import problem_with
from orchestrate.core.planning.reference import TASK_FIELDS
from orchestrate.core.running.status import TaskStatus

ROOT = Path(__file__).resolve().parents[2]
REFERENCE = (ROOT / "docs" / "reference" / "workflow-files.md").read_text(encoding="utf-8")
HOW_TO = (ROOT / "docs" / "how-to" / "write-a-workflow.md").read_text(encoding="utf-8")


def _section(title: str) -> str:
    """The text under a heading, up to the next."""
    return re.split(rf"^#+ {title}$", REFERENCE, flags=re.M)[1].split("\n#")[0]


def _keys(part: str) -> dict[str, Any]:
    schema = workflow_schema()
    found: dict[str, Any] = (schema if part == "workflow" else schema["$defs"][part])["properties"]
    return found


def _title(part: str) -> str:
    return part.capitalize().replace("_", "-")


@pytest.mark.parametrize(
    "part",
    [
        *("workflow", "input", "phase", "task", "output", "each", "resolver", "retry", "gate"),
        *("budget", "hand_over"),
    ],
)
def test_every_key_has_a_row(part: str) -> None:
    rows = re.findall(r"^\| `([a-z_]+)` \|", _section(_title(part)), flags=re.M)
    assert sorted(rows) == sorted(_keys(part))


def test_every_kind_of_gate_is_explained() -> None:
    kinds = re.findall(r"^\| `([a-z]+)` \| [a-z' ]+", _section("Kinds of gates"), re.M)
    assert tuple(kinds) == get_args(GateKind)


def test_every_keyword_and_type_of_an_answer_is_named() -> None:
    returned = workflow_schema()["$defs"]["returned"]["properties"]
    for word in (*returned, *returned["type"]["enum"]):
        assert f"`{word}`" in _section("Returns")


def test_every_cause_of_a_failure_is_listed_where_it_is_retried() -> None:
    for cause in (*RETRIED, *RetryPolicy().on):
        assert f"`{cause}`" in _section("Retry")


def test_example_of_an_answer_is_right() -> None:
    example = _section("Returns").split("```yaml\n")[1].split("```")[0]
    indented = "".join(f"        {line}\n" for line in example.splitlines())
    text = (
        "version: 1\nname: w\nphases:\n  - name: p\n    tasks:\n      - id: a\n"
        f"        agent: architect\n        prompt: look\n{indented}"
    )
    assert check_workflow(text.encode(), "w.yaml", known_agents=None).problems == ()


def test_every_variable_a_command_is_told_is_listed() -> None:
    section = _section("Task")
    for name in re.findall(r'"(ORCHESTRATE_[A-Z_]+)"', inspect.getsource(shell)):
        assert f"`{name}`" in section
    for group in ("INPUT", "ITEM"):
        assert f"`ORCHESTRATE_{group}_<NAME>`" in section


def test_example_of_a_list_gives_its_tasks() -> None:
    items = json.loads(_section("Each").split("```json\n")[1].split("```")[0])
    assert [item["key"] for item in items] == ["a1", "b7"]
    group = TaskSpec(id="fix", phase="p", writes=("src/**",), run="x")
    flow = Workflow(name="w", phases=(PhaseSpec(name="p"),), tasks=(group,))
    assert problem_with(flow, group, [item["key"] for item in items]) == ""


def test_every_code_has_a_row_with_its_meaning() -> None:
    rows = dict(re.findall(r"^\| `([a-z0-9-]+)` \| (.*) \|$", _section("Problems"), flags=re.M))
    assert rows == CODES


def test_grammar_is_that_of_the_parser() -> None:
    shown = re.search(r"```text\n(.*?)```", _section("Conditions"), flags=re.S)
    assert shown is not None
    documented = [" ".join(line.split()) for line in shown.group(1).splitlines()]
    source = [" ".join(line.split()) for line in str(syntax.__doc__).splitlines()]
    assert [line for line in source if " = " in line] == documented


def test_names_and_statuses_are_listed() -> None:
    section = _section("Conditions")
    for field in TASK_FIELDS:
        assert f"`tasks.<id>.{field}" in section
    for status in (*TaskStatus, *PHASE_STATUSES):
        assert f"`{status}`" in section


def test_example_of_the_how_to_is_right() -> None:
    example = HOW_TO.split("```yaml\n")[1].split("```")[0]
    agents = frozenset({"code-reviewer", "architect"})
    result = check_workflow(example.encode(), "check.yaml", known_agents=agents)
    assert result.problems == ()


def test_example_of_fixes_in_the_how_to_is_right() -> None:
    example = HOW_TO.split("# .orchestrate/workflows/tidy.yaml")[1].split("```")[0]
    result = check_workflow(example.encode(), "tidy.yaml", known_agents=frozenset())
    assert result.problems == ()
    assert result.workflow is not None
    assert result.workflow.needs_line
