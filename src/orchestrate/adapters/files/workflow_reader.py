"""Reads workflow files: either a complete `Workflow`, or every mistake at once.

    bytes -> nodes with positions -> structure (JSON Schema) -> draft -> meaning -> Workflow

Each step reports what it finds and the next goes on with what is left, so that one run of
`orchestrate validate` shows everything there is to correct.
"""

from __future__ import annotations

from pathlib import Path

import msgspec

from orchestrate.adapters.files.workflow_checks import (
    check_agents,
    check_ids,
    check_inputs,
    check_tasks,
)
from orchestrate.adapters.files.workflow_draft import draft
from orchestrate.adapters.files.workflow_gates import check_gates
from orchestrate.adapters.files.workflow_order import check_order
from orchestrate.adapters.files.workflow_references import ReferenceChecks
from orchestrate.adapters.files.workflow_report import Report
from orchestrate.adapters.files.workflow_reproductions import check_reproductions
from orchestrate.adapters.files.workflow_schema import check_structure
from orchestrate.adapters.files.workflow_staff_checks import check_staff
from orchestrate.adapters.files.workflow_writing import check_writing
from orchestrate.adapters.files.yaml_nodes import MAX_BYTES, UnreadableYamlError, read_yaml
from orchestrate.core.planning.definition import Workflow
from orchestrate.core.planning.problem import Problem, WorkflowError
from orchestrate.errors import RequestError

__all__ = ["CheckResult", "Problem", "WorkflowError", "check_workflow", "read_workflow"]


class CheckResult(msgspec.Struct, frozen=True):
    """What became of a file. `workflow` is None exactly when some problem is an error."""

    workflow: Workflow | None
    problems: tuple[Problem, ...]


def read_workflow(path: Path, *, known_agents: frozenset[str] | None = None) -> Workflow:
    """The workflow in the file at `path`; warnings are not shown.

    Args:
        path: the file.
        known_agents: names of all agents; None leaves them unchecked.

    Raises:
        WorkflowError: with all its mistakes.
        RequestError: the file cannot be read at all.
    """
    try:
        with path.open("rb") as file:
            # One byte more than is allowed is enough to see that it is too much.
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        reason = error.strerror or str(error)
        raise RequestError(f"{path} cannot be read: {reason}", remedy="check the path") from None
    result = check_workflow(data, str(path), known_agents=known_agents)
    if result.workflow is None:
        raise WorkflowError(result.problems)
    return result.workflow


def check_workflow(data: bytes, path: str, *, known_agents: frozenset[str] | None) -> CheckResult:
    """The workflow in `data`, or everything that is wrong with it. Raises nothing.

    Args:
        data: the file's bytes.
        path: what to call the file in problems.
        known_agents: names of all agents; None leaves them unchecked.
    """
    report = Report(path)
    try:
        root = read_yaml(data)
    except UnreadableYamlError as error:
        report.add(error.code, (error.line, error.column), error.message, error.fix)
        return CheckResult(None, report.problems())
    check_structure(root, report)
    if root.kind != "mapping":
        return CheckResult(None, report.problems())
    found = draft(root, report)
    check_inputs(found, report)
    check_ids(found, report)
    check_agents(found, report, known_agents)
    check_tasks(found, report)
    check_staff(found, report, known_agents)
    for phase, nodes in zip(found.workflow.phases, found.gate_nodes, strict=True):
        check_gates(phase, nodes, report)
    check_writing(found, report)
    upstream = check_order(found, report)
    check_reproductions(found, report, upstream)
    ReferenceChecks(found, report, upstream).check()
    return CheckResult(None if report.failed else found.workflow, report.problems())
