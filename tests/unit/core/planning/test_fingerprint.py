"""The content key of a run."""

from __future__ import annotations

import subprocess
import sys

import msgspec
import pytest

from orchestrate.core.planning.definition import (
    InputValue,
    PhaseSpec,
    RetryPolicy,
    TaskSpec,
    Workflow,
)
from orchestrate.core.planning.fingerprint import fingerprint

TASK = TaskSpec(id="a", phase="p", run="true", env={"B": "1", "A": "2"})
WORKFLOW = Workflow(name="w", phases=(PhaseSpec(name="p"),), tasks=(TASK,))


def test_order_of_keys_does_not_count() -> None:
    turned = msgspec.structs.replace(
        WORKFLOW, tasks=(msgspec.structs.replace(TASK, env={"A": "2", "B": "1"}),)
    )
    assert fingerprint(WORKFLOW, {"x": 1, "y": 2}) == fingerprint(turned, {"y": 2, "x": 1})


def test_way_through_the_log_changes_nothing() -> None:
    built = msgspec.structs.replace(
        WORKFLOW, tasks=(msgspec.structs.replace(TASK, retry=RetryPolicy(backoff_s=2)),)
    )
    stored = msgspec.json.decode(msgspec.json.encode(built), type=Workflow)
    assert fingerprint(built, {}) == fingerprint(stored, {})


@pytest.mark.parametrize(
    "changed",
    [
        msgspec.structs.replace(WORKFLOW, name="v"),
        msgspec.structs.replace(WORKFLOW, on_failure="continue"),
        msgspec.structs.replace(WORKFLOW, tasks=(msgspec.structs.replace(TASK, run="false"),)),
        msgspec.structs.replace(WORKFLOW, tasks=(msgspec.structs.replace(TASK, priority=1),)),
        msgspec.structs.replace(WORKFLOW, tasks=()),
    ],
)
def test_change_of_the_definition_shows(changed: Workflow) -> None:
    assert fingerprint(changed, {}) != fingerprint(WORKFLOW, {})


@pytest.mark.parametrize("inputs", [{"x": "1"}, {"x": True}, {"y": 1}, {"x": 1, "y": 1}, {}])
def test_change_of_an_input_shows(inputs: dict[str, InputValue]) -> None:
    assert fingerprint(WORKFLOW, inputs) != fingerprint(WORKFLOW, {"x": 1})


def test_another_process_computes_the_same() -> None:
    program = (
        "from orchestrate.core.planning.definition import Workflow\n"
        "from orchestrate.core.planning.fingerprint import fingerprint\n"
        "print(fingerprint(Workflow(name='w'), {'b': 1, 'a': 'x'}))\n"
    )
    found = {
        subprocess.run(
            [sys.executable, "-c", program],
            env={"PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout.strip()
        for seed in ("0", "1")
    }
    assert found == {fingerprint(Workflow(name="w"), {"a": "x", "b": 1})}
