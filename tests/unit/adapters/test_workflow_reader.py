"""What a correct workflow file means."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from jsonschema import Draft202012Validator

from orchestrate.adapters.files.workflow_reader import check_workflow, read_workflow
from orchestrate.core.planning.binding import bind_inputs
from orchestrate.core.planning.budget import Budget
from orchestrate.core.planning.definition import (
    EachSpec,
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
from orchestrate.core.planning.reshape import with_tests_gate
from orchestrate.core.planning.reshape_order import side_by_side
from orchestrate.core.planning.reshape_parts import with_phases
from orchestrate.core.planning.staffing import HandOver
from orchestrate.errors import RequestError

ROOT = Path(__file__).resolve().parents[3]
LIBRARY = ROOT / "src" / "orchestrate" / "library" / "workflows"
EXAMPLE = ROOT / "examples" / "hello.yaml"
ESSENTIAL = frozenset(
    {"orchestrator", "architect", "code-reviewer", "security-scout", "validator-test-runner"}
    | {"builder", "doc-scribe", "error-detective"}
)


def read(text: str) -> Workflow:
    result = check_workflow(text.encode(), "w.yaml", known_agents=None)
    assert result.workflow is not None, result.problems
    return result.workflow


STAFFED = """\
version: 1
name: staffed
limits:
  budget: {cost_usd: 5, tokens: 2000000}
  backends:
    claude: {cost_usd: 2.5, time: 1h}
    acp:goose: {turns: 40}
phases:
  - name: look
    budget: {time: 30m}
    tasks:
      - id: a
        agent: architect
        prompt: look
        model: opus
        alternatives: [code-reviewer, builder@codex, "@human"]
        escalate: orchestrator
        hand_over: {deadline: 2d, message: Please.}
        budget: {cost_usd: 0.5, turns: 20}
        returns:
          cause: {type: string, description: In one sentence.}
          suspects:
            type: array
            items: {type: object, properties: {path: {type: string}, line: {type: integer}}}
          sure: {type: string, enum: [high, low]}
        outputs: [parts.json]
      - {id: b, agent: builder, prompt: do, generate: builder, writes: true, must_change: true,
         needs: [a], split: {list: "tasks.a.outputs['parts.json']", limit: 3, tolerate: true},
         hand_over: true}
      - {id: t, run: x, writes: tests}
    gates:
      - {name: red, kind: reproduces, task: t, at_end: false, when: inputs.deep}
  - name: mend
    tasks: [{id: c, run: x, writes: true}]
    gates:
      - {name: green, kind: fixed, task: t, timeout: 5m}
      - {name: ask, kind: human, when: tasks.a.metrics.suspects > 0}
inputs: {deep: true}
"""


def test_staff_answers_and_budgets_reach_the_definition() -> None:
    found = read(STAFFED)
    a, b, _, _ = found.tasks
    assert a.model == "opus"
    assert a.alternatives == ("code-reviewer", "builder@codex", "@human")
    assert (a.escalate, a.hand_over) == ("orchestrator", HandOver(172_800.0, "Please."))
    assert (b.generate, b.must_change, b.hand_over) == ("builder", True, HandOver())
    assert b.split == EachSpec(task="a", output="parts.json", limit=3, tolerate=True)
    assert found.limits.budget == Budget(cost_usd=5.0, tokens=2_000_000)
    assert found.limits.backends == {
        "claude": Budget(cost_usd=2.5, time_s=3600.0),
        "acp:goose": Budget(turns=40),
    }
    assert (found.phases[0].budget, a.budget) == (
        Budget(time_s=1800.0),
        Budget(cost_usd=0.5, turns=20),
    )
    assert not b.budget.limits


def test_answers_are_made_strict_all_of_an_object_is_required() -> None:
    returns = read(STAFFED).tasks[0].returns
    assert list(returns) == ["cause", "suspects", "sure"]
    assert returns["cause"] == {"type": "string", "description": "In one sentence."}
    assert returns["suspects"]["items"] == {
        "type": "object",
        "properties": {"path": {"type": "string"}, "line": {"type": "integer"}},
        "required": ["path", "line"],
        "additionalProperties": False,
    }
    Draft202012Validator.check_schema({"type": "object", "properties": returns})


def test_gates_about_tests_that_show_a_bug_are_asked_of_each_piece_of_work() -> None:
    look, mend = read(STAFFED).phases
    assert look.gates == (
        GateSpec("red", "reproduces", task="t", each_merge=True, at_end=False, when="inputs.deep"),
    )
    green, ask = mend.gates
    assert green == GateSpec("green", "fixed", task="t", each_merge=True, timeout_s=300.0)
    assert ask.when == "tasks.a.metrics.suspects > 0"


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
                    stated=True,
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


WRITING = """\
version: 1
name: w
rollback: never
checkpoint_every: 90s
merge_batch: 1
resolver:
  {agent: resolver, action: join, backend: local, prompt: "Join {{ inputs.i }}", timeout: 5m}
inputs: {i: x}
defaults: {timeout: 7m}
phases:
  - name: find
    tasks:
      - {id: triage, run: x, outputs: [{name: fixes, path: fixes.json}]}
  - name: fixing
    tasks:
      - id: fix
        agent: builder
        prompt: "Fix {{ item.title }} in {{ item.a.b }}"
        each: {list: tasks.triage.outputs.fixes, limit: 5, tolerate: true}
        writes: ["src/**", tests/]
        sparse: [src, tests]
        max_returns: 0
    gates:
      - {name: tests, kind: tests}
      - {name: own, kind: tests, command: make, each_merge: false, timeout: 5m}
      - {name: part, kind: command, command: x, each_merge: true, at_end: false}
      - {name: coverage, kind: coverage, min_percent: 80, each_merge: true, allow_unknown: true}
      - {name: small, kind: diff, max_files: 20, max_lines: 400}
      - {name: clean, kind: findings, max_new: 1, severity: low}
      - {name: ask, kind: human, deadline: 2d, remind: 4h}
"""


def test_keys_about_writing_reach_the_definition() -> None:
    found = read(WRITING)
    assert (found.rollback, found.checkpoint_every_s, found.merge_batch) == ("never", 90.0, 1)
    assert found.resolver == TaskSpec(
        id="resolver",
        phase="",
        agent="resolver",
        action="join",
        backend="local",
        prompt="Join {{ inputs.i }}",
        timeout_s=300.0,
    )
    assert found.tasks[1] == TaskSpec(
        id="fix",
        phase="fixing",
        agent="builder",
        prompt="Fix {{ item.title }} in {{ item.a.b }}",
        timeout_s=420.0,
        each=EachSpec(task="triage", output="fixes", limit=5, tolerate=True),
        writes=("src/**", "tests/"),
        sparse=("src", "tests"),
        max_returns=0,
    )
    assert found.phases[1].gates == (
        GateSpec(name="tests", kind="tests", each_merge=True),
        GateSpec(name="own", kind="tests", command="make", timeout_s=300.0),
        GateSpec(name="part", kind="command", command="x", each_merge=True, at_end=False),
        GateSpec(
            name="coverage",
            kind="coverage",
            min_percent=80.0,
            each_merge=True,
            allow_unknown=True,
        ),
        GateSpec(name="small", kind="diff", max_files=20, max_lines=400),
        GateSpec(name="clean", kind="findings", max_new=1, severity="low"),
        GateSpec(name="ask", kind="human", deadline_s=172_800.0, remind_s=14_400.0),
    )


def test_workflow_that_says_nothing_of_writing_writes_nothing() -> None:
    found = read("version: 1\nname: w\nphases: [{name: p, tasks: [{id: a, run: x}]}]\n")
    assert found.tasks[0].writes == ()
    assert not found.needs_line
    standard = Workflow(name="w")
    assert found.resolver is None
    assert found.checkpoint_every_s == standard.checkpoint_every_s == 300.0
    assert (found.rollback, found.merge_batch) == (standard.rollback, standard.merge_batch)


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("true", ("**",)),
        ("false", ()),
        ("src/", ("src/",)),
        ("[a, b/**]", ("a", "b/**")),
    ],
)
def test_paths_a_task_writes_are_one_or_many_or_unknown(
    written: str, meant: tuple[str, ...]
) -> None:
    text = f"phases: [{{name: p, tasks: [{{id: a, run: x, writes: {written}}}]}}]\n"
    assert read(f"version: 1\nname: w\n{text}").tasks[0].writes == meant


@pytest.mark.parametrize(
    ("written", "task", "output"),
    [
        ("tasks.a.outputs.list", "a", "list"),
        ("tasks['a.b'].outputs['list.json']", "a.b", "list.json"),
    ],
)
def test_short_form_of_each_is_its_list(written: str, task: str, output: str) -> None:
    found = read(f"""\
version: 1
name: w
phases:
  - name: p
    tasks:
      - {{id: {task}, run: x, outputs: [{{name: {output}, path: {output}.json}}]}}
      - {{id: g, run: y, needs: [{task}], each: "{written}"}}
""")
    assert found.tasks[1].each == EachSpec(task=task, output=output)
    assert found.tasks[1].is_group


def test_list_may_come_from_an_earlier_phase() -> None:
    result = check_workflow(WRITING.encode(), "w.yaml", known_agents=None)
    assert result.problems == ()


def test_members_of_a_group_in_a_sequential_phase_run_one_at_a_time() -> None:
    text = WRITING.replace("name: fixing\n", "name: fixing\n    parallel: false\n")
    assert read(text).phases[1].max_concurrent == 1
    assert read(WRITING).phases[1].max_concurrent is None


def test_resolver_of_groups_alone_may_name_the_item() -> None:
    text = WRITING.replace("Join {{ inputs.i }}", "Join {{ item.title }}")
    assert check_workflow(text.encode(), "w.yaml", known_agents=None).problems == ()
    also = text.replace("run: x, outputs", "run: x, writes: true, outputs")
    (problem,) = check_workflow(also.encode(), "w.yaml", known_agents=None).problems
    assert problem.code == "unknown-name"


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
    shipped = [read_workflow(path) for path in (LIBRARY / "security.yaml", EXAMPLE)]
    for found in (*shipped, read(WRITING)):
        assert msgspec.json.decode(msgspec.json.encode(found), type=Workflow) == found


@pytest.mark.parametrize(
    "path",
    [*sorted(LIBRARY.glob("*.yaml")), EXAMPLE],
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
        ("plan",),
        ("fix",),
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
        "pull-request.md",
    ]
    assert [output.path for output in tasks["report"].outputs if not output.required] == [
        "pull-request.md"
    ]
    bound = bind_inputs(found, {})
    assert bound["request"] == "comprehensive security review"
    assert bound["advisories"] == ""


def test_security_proves_each_fix_by_itself_and_reports_whatever_became_of_them() -> None:
    found = read_workflow(LIBRARY / "security.yaml", known_agents=ESSENTIAL)
    tasks = {task.id: task for task in found.tasks}
    (phase,) = [phase for phase in found.phases if phase.name == "remediation"]

    assert found.merge_batch == 1
    assert phase.when == "inputs.fix"
    assert bind_inputs(found, {})["fix"] is True
    assert {gate.kind for gate in phase.gates} == {"tests", "findings"}
    assert all(gate.each_merge and not gate.at_end for gate in phase.gates)
    assert not any(gate.allow_unknown for gate in phase.gates)
    group = tasks["fix"]
    assert group.each == EachSpec("plan", "fixes", limit=1000, tolerate=True)
    assert (group.action, group.when) == ("apply-fix", "tasks.plan.metrics.fixable > 0")
    assert group.writes
    assert group.max_returns == 0, "a codemod that was sent back would do the same again"
    assert not any(task.writes for task in found.tasks if task.id != "fix")
    assert tasks["report"].trigger == "all_done"
    assert set(tasks["report"].needs) == {"aggregate", "plan", "fix"}


def test_bugfix_believes_no_agent() -> None:
    found = read_workflow(LIBRARY / "bugfix.yaml", known_agents=ESSENTIAL)
    assert [phase.name for phase in found.phases] == [
        "baseline",
        "investigation",
        "resolution",
        "verification",
    ]
    assert levels(found) == (
        ("base",),
        ("impact", "regression"),
        ("fix",),
        ("change",),
        ("review",),
    )
    tasks = {task.id: task for task in found.tasks}
    writing = [task.id for task in found.tasks if task.writes]
    assert writing == [task.id for task in found.tasks if task.must_change]
    assert writing == ["regression", "fix"]
    assert (tasks["fix"].agent, tasks["fix"].generate) == ("builder", "builder")
    gates = {gate.name: gate for phase in found.phases for gate in phase.gates}
    assert [name for name, gate in gates.items() if gate.each_merge] == [
        "reproduces",
        "fixed",
        "tests",
        "coverage",
        "size",
    ]
    assert gates["reproduces"].task == gates["fixed"].task == "regression"
    assert not any(gate.allow_unknown for gate in gates.values())
    assert gates["remarks"].when == "tasks.review.metrics.blocking > 0"
    assert "blocking" in tasks["review"].returns


def test_bugfix_asks_for_tests_that_fail_and_never_that_they_pass() -> None:
    found = with_tests_gate(read_workflow(LIBRARY / "bugfix.yaml", known_agents=ESSENTIAL))
    kinds = {phase.name: [gate.kind for gate in phase.gates] for phase in found.phases}
    assert kinds["investigation"] == ["reproduces"]
    assert kinds["verification"][-1] == "tests"


def test_what_goes_between_the_phases_of_bugfix_keeps_them_in_order() -> None:
    found = read_workflow(LIBRARY / "bugfix.yaml", known_agents=ESSENTIAL)
    with pytest.raises(RequestError, match="gate resolution/fixed uses task: regression"):
        side_by_side(found, [["investigation", "resolution"]])
    with pytest.raises(RequestError, match="leaves task regression out"):
        with_phases(found, ["resolution"])
    assert [task.id for task in with_phases(found, ["base", "invest"]).tasks] == [
        "base",
        "impact",
        "regression",
    ]


def test_local_backend_has_every_action_of_the_built_in_workflows() -> None:
    from orchestrate.adapters.backends.local.registry import ACTIONS

    for path in LIBRARY.glob("*.yaml"):
        for task in read_workflow(path).tasks:
            if task.backend == "local":
                assert task.action in ACTIONS
