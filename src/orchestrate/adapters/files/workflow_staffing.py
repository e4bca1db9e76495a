"""What a task says about who performs it, in turn, and what that may consume."""

from __future__ import annotations

from typing import Any

import msgspec

from orchestrate.adapters.files.workflow_fields import (
    boolean,
    duration,
    integer,
    mapping,
    number,
    text,
    texts,
)
from orchestrate.adapters.files.workflow_report import Report
from orchestrate.adapters.files.yaml_nodes import Node
from orchestrate.core.planning.budget import Budget
from orchestrate.core.planning.definition import TaskSpec
from orchestrate.core.planning.staffing import HandOver

#: Keys that are about a model, and mean nothing to a command.
MODEL_KEYS = (
    "model",
    "alternatives",
    "split",
    "escalate",
    "hand_over",
    "returns",
    "budget",
    "generate",
)


def staffed(task: TaskSpec, node: Node, report: Report) -> TaskSpec:
    """`task` with what `node` says about who performs it; `split` is left to the caller."""
    return msgspec.structs.replace(
        task,
        model=text(node, "model"),
        alternatives=texts(node, "alternatives"),
        escalate=text(node, "escalate"),
        hand_over=_hand_over(node, report),
        must_change=boolean(node, "must_change", False),
        returns=_returns(mapping(node, "returns")),
        budget=draft_budget(mapping(node, "budget"), report),
        generate=text(node, "generate"),
    )


def draft_budget(node: Node, report: Report) -> Budget:
    """The budget at `node`; what is absent limits nothing."""
    return Budget(
        cost_usd=number(node, "cost_usd", None),
        tokens=integer(node, "tokens", None),
        turns=integer(node, "turns", None),
        time_s=duration(node, "time", None, report, positive=True),
    )


def _hand_over(node: Node, report: Report) -> HandOver | None:
    """`true` is a hand-over without a deadline."""
    found = node.entries.get("hand_over")
    if found is None or found.value is False:
        return None
    written = mapping(node, "hand_over")
    deadline_s = duration(written, "deadline", None, report, positive=True)
    return HandOver(deadline_s=deadline_s, message=text(written, "message"))


def _returns(node: Node) -> dict[str, Any]:
    return {name: strict(entry) for name, entry in node.entries.items() if entry.kind == "mapping"}


def strict(node: Node) -> dict[str, Any]:
    """The JSON Schema at `node` as every backend takes it: all of an object is required.

    Sources: the structured outputs of both providers want `required` to name every property, and
    `additionalProperties` to be false.
    """
    schema: dict[str, Any] = {}
    for key, entry in node.entries.items():
        if key == "items" and entry.kind == "mapping":
            schema[key] = strict(entry)
        elif key == "properties" and entry.kind == "mapping":
            schema[key] = _returns(entry)
            schema["required"] = list(schema[key])
            schema["additionalProperties"] = False
        elif key in ("type", "description", "enum"):
            schema[key] = entry.plain()
    return schema
