"""What a correct workflow file means."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from orchestrate.adapters.files.workflow_reader import check_workflow, read_workflow
from orchestrate.core.planning.binding import bind_inputs
from orchestrate.core.planning.definition import (
    GateSpec,
    InputSpec,
    Limits,
    OutputSpec,
    PhaseSpec,
    RetryPolicy,
    TaskSpec,
    Workflow,
)
from orchestrate.core.planning.graph import levels

ROOT = Path(__file__).resolve().parents[3]
LIBRARY = ROOT / "src" / "orchestrate" / "library" / "workflows"
ESSENTIAL = frozenset(
    {"orchestrator", "architect", "code-reviewer", "security-scout", "validator-test-runner"}
    | {"doc-scribe"}
)


def read(text: str) -> Workflow:
    result = check_workflow(text.encode(), "w.yaml", known_agents=None)
    assert result.workflow is not None, result.problems
    return result.workflow


def test_every_key_reaches_the_definition() -> None:
    found = read("""\
version: 1
name: whole
description: All of it.
inputs:
  request: look
  count: {type: integer, required: true, choices: [1, 2], description: How many.}
  folder: {type: path, default: ""}
  ratio: 0.5
  deep: true
limits: {max_parallel: 3, timeout: 1h}
on_failure: continue
phases:
  - name: first
    max_concurrent: 2
    when: inputs.deep
    tasks:
      - id: a
        agent: architect
        action: assess
        backend: local
        prompt: "{{ inputs.request }}!"
        outputs:
          - report.json
          - {name: log, path: logs/a.log, required: false, media_type: text/plain}
        retry: {max_attempts: 3, backoff: 2s, factor: 3, max_backoff: 1m, on: [crash, lost]}
        timeout: 5m
        priority: 7
        env: {LEVEL: 3, QUIET: true, NAME: x}
        expected: 90s
    gates:
      - {name: ask, kind: human, message: Go on?, approvers: [ada], deadline: 1d}
      - {name: test, kind: command, command: make, timeout: 10m}
      - {name: sure, kind: condition, condition: tasks.a.ok}
  - name: second
    tasks:
      - {id: b, run: make, needs: [a], when: "tasks.a.attempts > 1", trigger: all_done}
""")
    assert found == Workflow(
        name="whole",
        description="All of it.",
        inputs=(
            InputSpec(name="request", default="look"),
            InputSpec(
                name="count", type="integer", required=True, choices=(1, 2), description="How many."
            ),
            InputSpec(name="folder", type="path", default=""),
            InputSpec(name="ratio", type="number", default=0.5),
            InputSpec(name="deep", type="boolean", default=True),
        ),
        limits=Limits(max_parallel=3, timeout_s=3600.0),
        on_failure="continue",
        phases=(
            PhaseSpec(
                name="first",
                max_concurrent=2,
                when="inputs.deep",
                gates=(
                    GateSpec(
                        name="ask",
                        kind="human",
                        message="Go on?",
                        approvers=("ada",),
                        deadline_s=86_400.0,
                    ),
                    GateSpec(name="test", kind="command", command="make", timeout_s=600.0),
                    GateSpec(name="sure", kind="condition", condition="tasks.a.ok"),
                ),
            ),
            PhaseSpec(name="second", depends_on=("first",)),
        ),
        tasks=(
            TaskSpec(
                id="a",
                phase="first",
                agent="architect",
                action="assess",
                backend="local",
                prompt="{{ inputs.request }}!",
                outputs=(
                    OutputSpec(
                        name="report.json", path="report.json", media_type="application/json"
                    ),
                    OutputSpec(
                        name="log", path="logs/a.log", required=False, media_type="text/plain"
                    ),
                ),
                retry=RetryPolicy(
                    max_attempts=3,
                    backoff_s=2.0,
                    factor=3.0,
                    max_backoff_s=60.0,
                    on=("crash", "lost"),
                ),
                timeout_s=300.0,
                priority=7,
                env={"LEVEL": "3", "QUIET": "true", "NAME": "x"},
                expected_s=90.0,
            ),
            TaskSpec(
                id="b",
                phase="second",
                run="make",
                needs=("a",),
                when="tasks.a.attempts > 1",
                trigger="all_done",
            ),
        ),
    )


def test_phases_follow_each_other_unless_they_say_otherwise() -> None:
    found = read("""\
version: 1
name: w
phases:
  - {name: a, tasks: [{id: t1, run: x}]}
  - {name: b, tasks: [{id: t2, run: x}]}
  - {name: c, depends_on: [], tasks: [{id: t3, run: x}]}
  - {name: d, depends_on: [a, c], tasks: [{id: t4, run: x}]}
""")
    assert [phase.depends_on for phase in found.phases] == [(), ("a",), (), ("a", "c")]


def test_sequential_phase_becomes_needs() -> None:
    found = read("""\
version: 1
name: w
phases:
  - name: p
    parallel: false
    tasks:
      - {id: a, run: x}
      - {id: b, run: x, needs: [a]}
      - {id: c, run: x, needs: [a]}
""")
    assert [task.needs for task in found.tasks] == [(), ("a",), ("a", "b")]
    assert not found.phases[0].parallel


def test_agents_are_shorthand_for_tasks() -> None:
    found = read("""\
version: 1
name: w
inputs: {request: look}
phases:
  - name: planning
    agents: [architect, api-designer]
    parallel: true
  - name: implementation
    agents: [builder-python, builder-typescript]
    parallel: true
    depends_on: [planning]
  - name: validation
    agents: [validator-test-runner, architect]
    parallel: true
    max_concurrent: 1
    depends_on: [implementation]
    tasks: [{id: extra, run: x}]
""")
    assert [(task.id, task.agent) for task in found.tasks] == [
        ("planning-architect", "architect"),
        ("api-designer", "api-designer"),
        ("builder-python", "builder-python"),
        ("builder-typescript", "builder-typescript"),
        ("validator-test-runner", "validator-test-runner"),
        ("validation-architect", "architect"),
        ("extra", None),
    ]
    assert {task.prompt for task in found.tasks if task.agent} == {"{{ inputs.request }}"}


def test_defaults_apply_key_by_key_to_tasks_that_do_not_say_otherwise() -> None:
    found = read("""\
version: 1
name: w
defaults: {timeout: 5m, backend: local, retry: {max_attempts: 3, backoff: 2s}}
phases:
  - name: p
    tasks:
      - {id: a, agent: architect, prompt: x}
      - {id: b, agent: architect, prompt: x, timeout: 1m, backend: claude, retry: {backoff: 9s}}
      - {id: c, run: x}
""")
    a, b, c = found.tasks
    assert (a.timeout_s, a.backend, a.retry.max_attempts, a.retry.backoff_s) == (300, "local", 3, 2)
    assert (b.timeout_s, b.backend, b.retry.max_attempts, b.retry.backoff_s) == (60, "claude", 3, 9)
    assert (c.timeout_s, c.backend) == (300, None)


def test_first_wait_is_not_cut_off_by_the_built_in_limit() -> None:
    found = read("""\
version: 1
name: w
phases:
  - name: p
    tasks: [{id: a, run: x, retry: {max_attempts: 2, backoff: 5m}}]
""")
    assert found.tasks[0].retry.max_backoff_s == 300.0


def test_yaml_1_2_words_keep_their_meaning() -> None:
    found = read("""\
version: 1
name: w
inputs: {word: on, other: "1", hex: 0x10, float: 1e3, none: 'no'}
phases: [{name: p, tasks: [{id: a, run: x}]}]
""")
    assert {spec.name: spec.default for spec in found.inputs} == {
        "word": "on",
        "other": "1",
        "hex": 16,
        "float": 1000.0,
        "none": "no",
    }


def test_byte_order_mark_and_windows_lines_are_read() -> None:
    text = "\ufeffversion: 1\r\nname: w\r\nphases:\r\n- name: p\r\n  tasks: [{id: a, run: x}]\r\n"
    assert read(text).name == "w"


def test_definition_survives_the_log() -> None:
    for path in (LIBRARY / "security.yaml", ROOT / "examples" / "hello.yaml"):
        found = read_workflow(path)
        assert msgspec.json.decode(msgspec.json.encode(found), type=Workflow) == found


@pytest.mark.parametrize(
    "path",
    [*sorted(LIBRARY.glob("*.yaml")), ROOT / "examples" / "hello.yaml"],
    ids=lambda p: p.stem,
)
def test_shipped_workflow_has_no_problem_at_all(path: Path) -> None:
    result = check_workflow(path.read_bytes(), str(path), known_agents=ESSENTIAL)
    assert result.problems == ()
    assert result.workflow is not None
    assert result.workflow.name == path.stem


def test_security_scans_with_three_side_by_side_and_analyses_whatever_they_left() -> None:
    found = read_workflow(LIBRARY / "security.yaml", known_agents=ESSENTIAL)
    assert levels(found) == (
        ("vulnerabilities", "review", "architecture"),
        ("aggregate",),
        ("report",),
    )
    tasks = {task.id: task for task in found.tasks}
    assert tasks["aggregate"].trigger == "all_done"
    assert {task.backend for task in found.tasks} == {"local"}
    assert all(task.retry.max_attempts == 3 for task in found.tasks)
    assert set(tasks["report"].retry.on) == {"crash", "timeout", "lost"}
    assert [output.path for output in tasks["report"].outputs] == [
        "report.html",
        "report.md",
        "report.json",
        "report.sarif",
    ]
    bound = bind_inputs(found, {})
    assert bound["request"] == "comprehensive security review"
    assert bound["advisories"] == ""


def test_local_backend_has_every_action_of_the_built_in_workflows() -> None:
    from orchestrate.adapters.backends.local.registry import ACTIONS

    for path in LIBRARY.glob("*.yaml"):
        for task in read_workflow(path).tasks:
            if task.backend == "local":
                assert task.action in ACTIONS
