"""The published JSON Schema of what --json prints: `library/schemas/cli-1.json`.

Written anew with `python -m orchestrate.ui.cli.schema`; a test holds the file equal to it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from orchestrate import library
from orchestrate.app.runs import ResumePreview
from orchestrate.core.agents.profile import Profile
from orchestrate.errors import EXIT_CODE_MEANING
from orchestrate.ui.cli import (
    agent_data,
    cost,
    data,
    dry_run,
    line_data,
    permission_data,
    pull_request_data,
    task_data,
    upkeep_data,
)
from orchestrate.ui.cli.doctor import Check
from orchestrate.ui.cli.output import JSON_SCHEMA

#: Command -> what its `data` may be.
COMMAND_DATA: dict[str, tuple[Any, ...]] = {
    "security": (data.SecurityData, data.RunData, data.DetachedRun),
    "bugfix": (data.RunData, data.DetachedRun, dry_run.PlanData),
    "run": (data.RunData, data.SecurityData, data.DetachedRun, dry_run.PlanData),
    "resume": (data.RunData, data.SecurityData, data.DetachedRun, ResumePreview),
    "attach": (data.RunData, data.SecurityData),
    "status": (data.StatusData,),
    "list": (tuple[data.ListedRun, ...],),
    "show": (data.RunDetail, data.TaskDetail, data.UnplannedRun),
    "logs": (tuple[data.LogLine, ...],),
    "events": (tuple[data.LoggedEvent, ...],),
    "graph": (data.Graph,),
    "explain": (data.ExplainedRun, data.ExplainedTask),
    "cost": (cost.CostData,),
    "pause": (data.RunData,),
    "cancel": (data.RunData,),
    "approve": (data.RunData,),
    "reject": (data.RunData,),
    "checkpoint create": (line_data.CheckpointRow,),
    "checkpoint list": (tuple[line_data.CheckpointRow, ...],),
    "checkpoint show": (line_data.CheckpointDetail,),
    "checkpoint restore": (line_data.RolledBack,),
    "rollback": (line_data.RolledBack,),
    "state current": (line_data.CurrentState,),
    "state history": (line_data.StateHistory,),
    "state transition": (data.RunData, data.SecurityData),
    "conflict list": (tuple[line_data.ConflictRow, ...],),
    "conflict show": (line_data.ConflictDetail,),
    "conflict resolve": (line_data.ConflictAnswered,),
    "conflict send-back": (line_data.ConflictAnswered,),
    "task list": (tuple[task_data.HandedTask, ...],),
    "task show": (task_data.HandedTaskDetail,),
    "task take": (task_data.TakenTask,),
    "task done": (task_data.HandedInTask,),
    "task decline": (task_data.HandedInTask,),
    "pull-request": (pull_request_data.PullRequestData,),
    "prune": (upkeep_data.Pruned,),
    "purge": (upkeep_data.PurgedRuns,),
    "checks": (upkeep_data.ChecksData,),
    "trust": (upkeep_data.TrustData,),
    "validate": (data.Validation,),
    "agent list": (agent_data.AgentListing,),
    "agent generate": (agent_data.GeneratedAgents,),
    "agent create": (agent_data.GeneratedAgents,),
    "agent archive": (agent_data.MovedAgent,),
    "agent activate": (agent_data.MovedAgent,),
    "agent show": (Profile,),
    "agent check": (permission_data.AgentCheck,),
    "init": (data.Initialised,),
    "doctor": (tuple[Check, ...],),
    "uninstall": (data.Uninstalled,),
    "completion": (data.CompletionScript,),
}

PATH = Path(library.__path__[0]) / "schemas" / "cli-1.json"


def envelope_schema() -> dict[str, Any]:
    """The schema of every document the command line prints with --json."""
    types = [shape for shapes in COMMAND_DATA.values() for shape in shapes]
    schemas, defs = msgspec.json.schema_components(types, ref_template="#/$defs/{name}")
    found = iter(schemas)
    answers = []
    for command, shapes in COMMAND_DATA.items():
        variants = [next(found) for _ in shapes]
        shape = variants[0] if len(variants) == 1 else {"anyOf": variants}
        answers.append(_answer({"command": {"const": command}, "data": shape}))
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "What orchestrate prints with --json",
        "description": "One document per command: `data`, or `error` when the command did not do"
        " what was asked. The exit code of the process tells the rest.",
        "oneOf": [*answers, _answer({"command": {"type": "string"}, "error": _ERROR})],
        "$defs": dict(sorted(defs.items())),
    }


def _answer(properties: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": {"schema": {"const": JSON_SCHEMA}, **properties},
        "required": ["schema", *properties],
        "additionalProperties": False,
    }


_ERROR = {
    "type": "object",
    "description": "What is wrong, one next step (may be empty), and the exit code.",
    "properties": {
        "message": {"type": "string"},
        "remedy": {"type": "string"},
        "exit_code": {"enum": sorted(int(code) for code in EXIT_CODE_MEANING if code)},
    },
    "required": ["message", "remedy", "exit_code"],
    "additionalProperties": False,
}


def encoded_schema() -> bytes:
    """The bytes of the published file."""
    return (
        msgspec.json.format(msgspec.json.encode(envelope_schema(), order="deterministic"), indent=2)
        + b"\n"
    )


if __name__ == "__main__":
    PATH.write_bytes(encoded_schema())
