"""Gates as written, and checks that their keys belong to their kind."""

from __future__ import annotations

from collections.abc import Mapping
from typing import get_args

from orchestrate.adapters.files.workflow_fields import (
    boolean,
    condition,
    duration,
    integer,
    number,
    one_of,
    text,
    texts,
)
from orchestrate.adapters.files.workflow_report import Report
from orchestrate.adapters.files.yaml_nodes import Node
from orchestrate.core.planning.definition import (
    DEFAULT_TASK_TIMEOUT_S,
    GateKind,
    GateSpec,
    PhaseSpec,
)
from orchestrate.core.sharing.findings import SEVERITY_ORDER

#: What a gate says about being asked before work is merged.
MERGE_KEYS = ("each_merge", "at_end", "allow_unknown")
#: Keys that mean something for some kinds of gates alone.
GATE_KEYS: Mapping[GateKind, tuple[str, ...]] = {
    "human": ("approvers", "deadline", "remind"),
    "command": ("command", "timeout", *MERGE_KEYS),
    "condition": ("condition",),
    "tests": ("command", "timeout", *MERGE_KEYS),
    "coverage": ("min_percent", "timeout", *MERGE_KEYS),
    "diff": ("max_files", "max_lines", *MERGE_KEYS),
    "findings": ("max_new", "severity", "timeout", *MERGE_KEYS),
    "reproduces": ("task", "timeout", *MERGE_KEYS),
    "fixed": ("task", "timeout", *MERGE_KEYS),
}
#: Kinds that are asked of each piece of work where the file does not say.
EACH_MERGE = frozenset[GateKind]({"tests", "reproduces", "fixed"})
#: More kinds than this are not listed as what a gate could be instead.
_FEW = 2


def draft_gate(node: Node, report: Report) -> GateSpec:
    """The gate at `node`; of an unknown kind it is taken to be human. Bad durations are reported.

    Keys of other kinds are left out: a gate holds nothing that does not count.
    """
    kind: GateKind = one_of(text(node, "kind"), get_args(GateKind), "human")
    own = _own_keys(node, kind)
    return GateSpec(
        name=text(node, "name"),
        kind=kind,
        message=text(node, "message"),
        command=text(own, "command"),
        condition=condition(own, "condition") or "",
        approvers=texts(own, "approvers"),
        deadline_s=duration(own, "deadline", None, report, positive=True),
        timeout_s=duration(own, "timeout", DEFAULT_TASK_TIMEOUT_S, report, positive=True),
        remind_s=duration(own, "remind", None, report, positive=True),
        min_percent=number(own, "min_percent", None),
        max_files=integer(own, "max_files", None),
        max_lines=integer(own, "max_lines", None),
        max_new=integer(own, "max_new", 0),
        severity=one_of(text(own, "severity"), SEVERITY_ORDER, SEVERITY_ORDER[-1]),
        each_merge=boolean(own, "each_merge", kind in EACH_MERGE),
        at_end=boolean(own, "at_end", True),
        allow_unknown=boolean(own, "allow_unknown", False),
        task=text(own, "task"),
        when=condition(node, "when"),
    )


def _own_keys(node: Node, kind: GateKind) -> Node:
    entries = {key: value for key, value in node.entries.items() if key in GATE_KEYS[kind]}
    return Node("mapping", node.line, node.column, entries=entries)


def check_gates(phase: PhaseSpec, nodes: list[Node], report: Report) -> None:
    """Keys of the gates of `phase` belong to their kind and have an effect."""
    for gate, node in zip(phase.gates, nodes, strict=True):
        if text(node, "kind") not in GATE_KEYS:
            continue
        _check_keys(f"gate {phase.name}/{gate.name}", gate, node, report)
        if gate.allow_unknown and not gate.each_merge:
            message = "`allow_unknown` is about merging, and this gate is not asked before a merge"
            fix = "set `each_merge: true`, or remove it"
            report.warn("no-effect", node.keys["allow_unknown"], message, fix)
        if not gate.at_end and not gate.each_merge:
            message = f"gate {phase.name}/{gate.name} is never asked"
            fix = "set `each_merge: true`, or remove `at_end`"
            report.add("contradiction", node.keys["at_end"], message, fix)
        if gate.remind_s is not None and gate.remind_s >= (gate.deadline_s or float("inf")):
            message = "the deadline comes before the first reminder"
            report.warn("no-effect", node.keys["remind"], message, "shorten it, or remove it")


def _check_keys(name: str, gate: GateSpec, node: Node, report: Report) -> None:
    for key, place in node.keys.items():
        kinds = [kind for kind, keys in GATE_KEYS.items() if key in keys]
        if not kinds or gate.kind in kinds:
            continue
        listed = ", ".join(kinds)
        message = f"{name} is {gate.kind}; `{key}` is for gates of kind {listed}"
        instead = " or ".join(f"`kind: {kind}`" for kind in kinds)
        fix = f"remove it, or set {instead}" if len(kinds) <= _FEW else "remove it"
        report.add("contradiction", place, message, fix)
