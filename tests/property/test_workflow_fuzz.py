"""Whatever a workflow file contains, reading it gives a workflow or documented problems."""

from __future__ import annotations

import copy
import json
import time
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from orchestrate.adapters.files.workflow_reader import CheckResult, check_workflow
from orchestrate.adapters.files.workflow_report import CODES
from orchestrate.adapters.files.workflow_schema import workflow_schema
from orchestrate.core.planning.expression import parse
from orchestrate.core.planning.graph import levels
from orchestrate.core.planning.template import references
from orchestrate.core.running.plan import PlanIndex
from orchestrate.core.views.graph_svg import svg_graph
from orchestrate.core.views.graph_text import mermaid_graph, text_graph

ROOT = Path(__file__).resolve().parents[2]
WRITING = b"""\
version: 1
name: w
checkpoint_every: 1m
resolver: {agent: architect, prompt: 'join {{ item.key }}'}
phases:
  - name: p
    tasks:
      - {id: list, run: x, outputs: [{name: l, path: l.json}]}
      - id: g
        agent: architect
        needs: [list]
        each: {list: tasks.list.outputs.l, limit: 20}
        writes: ["src/**", docs/]
        prompt: "do {{ item.title }}"
    gates:
      - {name: t, kind: tests, each_merge: true, allow_unknown: true}
      - {name: d, kind: diff, max_files: 20}
      - {name: f, kind: findings, severity: high}
"""
SHIPPED = [
    WRITING,
    (ROOT / "src/orchestrate/library/workflows/security.yaml").read_bytes(),
    (ROOT / "examples/hello.yaml").read_bytes(),
]
AGENTS = frozenset({"architect", "security-scout", "code-reviewer", "orchestrator"})
#: What is put into a file to damage it.
FRAGMENTS = (
    *(b"", b": ", b"- ", b"\n", b"\t", b"'", b'"', b"[", b"{", b"&a ", b"*a", b"!x ", b"{{", b"}}"),
    *(b"#", b"|\n", b">\n", b"? ", b"\r", b"\xe2\x80\xa8", b"\xff", b"null"),
)
STRUCTURE = {
    "agent-or-run",
    "bad-value",
    "duplicate-item",
    "empty",
    "empty-phase",
    "missing-key",
    "out-of-range",
    "too-many",
    "unknown-key",
    "wrong-type",
}


def checked(data: bytes) -> CheckResult:
    """The result, after everything that must hold of any result."""
    started = time.perf_counter()
    result = check_workflow(data, "w.yaml", known_agents=AGENTS)
    assert time.perf_counter() - started < 10.0
    errors = [problem for problem in result.problems if problem.severity == "error"]
    assert (result.workflow is None) == bool(errors)
    lines = data.decode("utf-8", "replace").splitlines() or [""]
    for problem in result.problems:
        assert problem.code in CODES
        assert 1 <= problem.line <= len(lines) + 1
        assert problem.column >= 1
        assert problem.message.isprintable()
    if result.workflow is not None:
        index = PlanIndex(result.workflow)
        assert sorted(index.position) == sorted(
            task for wave in levels(result.workflow) for task in wave
        )
        for task in result.workflow.tasks:
            references(task.prompt)
            if task.when is not None:
                parse(task.when)
        assert text_graph(result.workflow)
        assert mermaid_graph(result.workflow)
        assert svg_graph(result.workflow)
    return result


@given(st.data())
def test_damaged_file_gives_a_workflow_or_problems(data: st.DataObject) -> None:
    text = data.draw(st.sampled_from(SHIPPED))
    for _ in range(data.draw(st.integers(1, 4))):
        start = data.draw(st.integers(0, len(text)))
        end = min(len(text), start + data.draw(st.integers(0, 40)))
        put = data.draw(
            st.one_of(
                st.binary(max_size=6),
                st.sampled_from(FRAGMENTS),
                st.just(text[start:end] * 2),
            )
        )
        text = text[:start] + put + text[end:]
    checked(text)


@given(st.one_of(st.text(max_size=200).map(str.encode), st.binary(max_size=200)))
def test_any_bytes_give_problems(data: bytes) -> None:
    checked(data)


# -- files that are right, or nearly -----------------------------------------------------------

ODD: st.SearchStrategy[Any] = st.sampled_from(
    [None, True, 0, -1, 1.5, "", "x", "A", "a..b", "5 m", [], ["a", "a"], {}, {"a": 1}, "and"]
)
DURATIONS = st.sampled_from(["5m", "1h30m", 90, 1.5])
CONDITIONS = st.sampled_from(["true", False, "inputs.i == 'x'", "inputs.i in ['a', 'b']"])
RETRY = st.fixed_dictionaries(
    {"max_attempts": st.integers(2, 3)},
    optional={"backoff": DURATIONS, "factor": st.just(2), "on": st.just(["crash", "lost"])},
)
OUTPUTS = st.sampled_from(
    [[], ["a.md"], ["b.json", {"name": "c", "path": "d/c", "required": False}]]
)
WORK: st.SearchStrategy[dict[str, Any]] = st.sampled_from(
    [
        {"run": "x"},
        {"run": "make", "env": {"A": 1}},
        {"agent": "architect", "prompt": "look at {{ inputs.i }}"},
        {"agent": "code-reviewer", "action": "review", "backend": "local"},
    ]
)
GATE: st.SearchStrategy[dict[str, Any]] = st.sampled_from(
    [
        {"kind": "human", "deadline": "1h", "approvers": ["ada"]},
        {"kind": "command", "command": "x", "timeout": 5},
        {"kind": "condition", "condition": "inputs.i == 'x'"},
        {"kind": "human", "remind": "10m"},
        {"kind": "tests"},
        {"kind": "tests", "command": "make", "at_end": False, "timeout": "5m"},
        {"kind": "coverage", "min_percent": 80.5, "each_merge": True, "allow_unknown": True},
        {"kind": "diff", "max_files": 3},
        {"kind": "diff", "max_lines": 0, "max_files": 1},
        {"kind": "findings", "max_new": 2, "severity": "low"},
    ]
)
WRITES = st.sampled_from([True, False, "src/**", ["a/", "*.py"]])
RESOLVER: st.SearchStrategy[dict[str, Any]] = st.sampled_from(
    [{"run": "x"}, {"agent": "architect", "prompt": "{{ run.id }}", "timeout": 5, "env": {"A": 1}}]
)
LIST = {"id": "list", "run": "x", "outputs": [{"name": "l", "path": "l.json"}]}
EACH: st.SearchStrategy[Any] = st.sampled_from(
    [
        "tasks.list.outputs.l",
        {"list": "tasks.list.outputs['l']", "limit": 3},
        {"list": "tasks.list.outputs.l", "tolerate": True},
    ]
)


@st.composite
def tasks(draw: st.DrawFn, phase: str) -> list[dict[str, Any]]:
    """Tasks of one phase that need only those before them."""
    found: list[dict[str, Any]] = []
    for number in range(draw(st.integers(1, 4))):
        task = {
            "id": f"{phase}{number}",
            **draw(WORK),
            **draw(
                st.fixed_dictionaries(
                    {},
                    optional={
                        "when": CONDITIONS,
                        "timeout": DURATIONS,
                        "expected": DURATIONS,
                        "retry": RETRY,
                        "outputs": OUTPUTS,
                        "priority": st.integers(-2, 2),
                        "writes": WRITES,
                        "max_returns": st.integers(0, 3),
                    },
                )
            ),
        }
        earlier = [each["id"] for each in found]
        needs = draw(st.lists(st.sampled_from(earlier), unique=True)) if earlier else []
        if needs:
            task |= {"needs": needs, "trigger": draw(st.sampled_from(["all_done", "one_success"]))}
        found.append(task)
    if draw(st.booleans()) and phase == "p":
        group = {"id": "group", "agent": "architect", "prompt": "{{ item.a }}", "needs": ["list"]}
        found += [LIST, {**group, "each": draw(EACH), "writes": draw(WRITES)}]
    return found


@st.composite
def workflows(draw: st.DrawFn) -> dict[str, Any]:
    """Workflow files without a mistake."""
    phases: list[dict[str, Any]] = []
    for name in draw(st.sampled_from(["p", "pq", "pqr"])):
        gates = [
            {"name": f"g{n}", **gate} for n, gate in enumerate(draw(st.lists(GATE, max_size=2)))
        ]
        phase = {"name": name, "tasks": draw(tasks(name)), "gates": gates}
        earlier = [each["name"] for each in phases]
        if draw(st.booleans()):
            phase["depends_on"] = (
                draw(st.lists(st.sampled_from(earlier or ["p"]), unique=True)) if earlier else []
            )
        optional = {"parallel": st.booleans(), "max_concurrent": st.just(2), "when": CONDITIONS}
        phases.append(phase | draw(st.fixed_dictionaries({}, optional=optional)))
    return {
        "version": 1,
        "name": "w",
        "inputs": {"i": "x", "n": {"type": "integer", "choices": [1, 2], "default": 2}},
        "phases": phases,
        **draw(
            st.fixed_dictionaries(
                {},
                optional={
                    "limits": st.just({"max_parallel": 3, "timeout": "2h"}),
                    "defaults": st.fixed_dictionaries({}, optional={"retry": RETRY}),
                    "on_failure": st.sampled_from(["stop", "continue"]),
                    "description": st.just("x"),
                    "resolver": RESOLVER,
                    "rollback": st.sampled_from(["failure", "never"]),
                    "checkpoint_every": DURATIONS,
                    "merge_batch": st.integers(1, 9),
                },
            )
        ),
    }


def places(value: Any) -> list[tuple[Any, Any]]:
    """Every (container, key) within a document."""
    keys = (
        list(value)
        if isinstance(value, dict)
        else range(len(value))
        if isinstance(value, list)
        else []
    )
    return [place for key in keys for place in [(value, key), *places(value[key])]]


@st.composite
def damaged(draw: st.DrawFn) -> dict[str, Any]:
    """Files with one or two changes at random places."""
    # Drawn values are shared between examples, so what is changed is a copy.
    document = copy.deepcopy(draw(workflows()))
    for _ in range(draw(st.integers(1, 2))):
        container, key = draw(st.sampled_from(places(document)))
        if isinstance(container, dict) and draw(st.integers(0, 3)) == 0:
            del container[key]
        elif isinstance(container, dict) and draw(st.integers(0, 3)) == 0:
            container[draw(st.sampled_from(["nme", "if", "id", "needs"]))] = copy.deepcopy(
                draw(ODD)
            )
        else:
            container[key] = copy.deepcopy(draw(ODD))
        if not document:
            break
    return document


def as_file(document: dict[str, Any]) -> bytes:
    """JSON is YAML."""
    return json.dumps(document, ensure_ascii=False).encode()


@given(workflows())
def test_right_file_is_accepted_by_schema_and_reader(document: dict[str, Any]) -> None:
    assert Draft202012Validator(workflow_schema()).is_valid(document)
    result = checked(as_file(document))
    assert result.workflow is not None, result.problems
    assert [task.id for task in result.workflow.tasks] == [
        task["id"] for phase in document["phases"] for task in phase["tasks"]
    ]


@given(damaged())
def test_schema_and_reader_agree_on_structure(document: dict[str, Any]) -> None:
    result = checked(as_file(document))
    codes = {problem.code for problem in result.problems}
    if Draft202012Validator(workflow_schema()).is_valid(document):
        assert not codes & STRUCTURE
    else:
        assert result.workflow is None
        assert codes & (STRUCTURE | {"bad-name", "bad-duration"})
