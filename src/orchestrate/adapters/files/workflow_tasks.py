"""Tasks as written, with defaults filled in."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, get_args

import msgspec

from orchestrate.adapters.files.workflow_fields import (
    boolean,
    condition,
    duration,
    integer,
    mapping,
    number,
    one_of,
    scalar,
    sequence,
    text,
    texts,
)
from orchestrate.adapters.files.workflow_report import Report
from orchestrate.adapters.files.workflow_staffing import staffed
from orchestrate.adapters.files.yaml_nodes import Node
from orchestrate.core.planning.definition import (
    DEFAULT_TASK_TIMEOUT_S,
    EachSpec,
    FailureCause,
    OutputSpec,
    RetryPolicy,
    TaskSpec,
    TriggerRule,
)
from orchestrate.core.planning.reference import PATH, reference
from orchestrate.core.planning.write_set import UNKNOWN

#: What stands for the id of the resolver, which is no task of the plan.
RESOLVER = "resolver"
#: Causes for which work comes back from the merge train: `max_returns` counts those, not `retry`.
SENT_BACK: frozenset[FailureCause] = frozenset({"conflict", "checks_failed", "checks_unknown"})
RETRIED: tuple[FailureCause, ...] = tuple(
    cause for cause in get_args(FailureCause) if cause not in SENT_BACK
)
_STANDARD = TaskSpec(id="", phase="")

_MEDIA_TYPES = {
    "cdx.json": "application/vnd.cyclonedx+json",
    "csv": "text/csv",
    "html": "text/html",
    "json": "application/json",
    "md": "text/markdown",
    "sarif": "application/sarif+json",
    "svg": "image/svg+xml",
    "txt": "text/plain",
    "xml": "application/xml",
    "yaml": "application/yaml",
}


class TaskDrafter:
    """Makes tasks of their nodes.

    Args:
        defaults: the node of `defaults:`.
        prompt: what an agent without a prompt is asked.
        ids: (phase, agent) of the `agents:` shorthand -> task id.
        report: where bad durations go.
    """

    def __init__(
        self, defaults: Node, prompt: str, ids: Mapping[tuple[str, str], str], report: Report
    ) -> None:
        self._defaults = defaults
        self._prompt = prompt
        self._ids = ids
        self._report = report

    def task(self, node: Node, phase: str) -> TaskSpec:
        """The task at `node`: a mapping, or the name of an agent."""
        if node.kind == "scalar":
            task = self._ids[phase, node.text]
            node = Node("mapping", node.line, node.column, entries={"agent": node})
        else:
            task = text(node, "id")
        work = staffed(self._work(node, task, phase), node, self._report)
        return msgspec.structs.replace(
            work,
            prompt=work.prompt or (self._prompt if work.agent else ""),
            needs=texts(node, "needs"),
            when=condition(node, "when"),
            trigger=one_of(text(node, "trigger"), get_args(TriggerRule), "all_success"),
            outputs=tuple(_outputs(node)),
            retry=self._retry(node),
            priority=integer(node, "priority", 0),
            expected_s=duration(node, "expected", None, self._report),
            writes=_writes(node),
            sparse=texts(node, "sparse"),
            max_returns=integer(node, "max_returns", _STANDARD.max_returns),
            each=_list_spec(node, "each"),
            split=_list_spec(node, "split"),
        )

    def resolver(self, node: Node) -> TaskSpec:
        """Who joins work that conflicts: a task without a place in the plan."""
        return self._work(node, RESOLVER, "")

    def _work(self, node: Node, name: str, phase: str) -> TaskSpec:
        """Who does it and how, without its place in the plan and what becomes of it."""
        agent = text(node, "agent") or None
        default_timeout = duration(
            self._defaults, "timeout", DEFAULT_TASK_TIMEOUT_S, self._report, positive=True
        )
        return TaskSpec(
            id=name,
            phase=phase,
            agent=agent,
            run=text(node, "run") or None,
            action=text(node, "action") or None,
            backend=text(node, "backend")
            or (text(self._defaults, "backend") or None if agent else None),
            prompt=text(node, "prompt"),
            timeout_s=duration(node, "timeout", default_timeout, self._report, positive=True),
            env=_environment(mapping(node, "env")),
        )

    def _retry(self, node: Node) -> RetryPolicy:
        """The task's own keys, then those of `defaults:`, then the built-in ones."""
        own, shared = mapping(node, "retry"), mapping(self._defaults, "retry")
        entries = {**shared.entries, **own.entries}
        both = Node("mapping", own.line, own.column, entries=entries)
        standard = RetryPolicy()
        backoff_s = duration(both, "backoff", standard.backoff_s, self._report)
        named: Any = tuple(cause for cause in texts(both, "on") if cause in RETRIED)
        return RetryPolicy(
            max_attempts=integer(both, "max_attempts", standard.max_attempts),
            backoff_s=backoff_s,
            factor=number(both, "factor", standard.factor),
            # A longer first wait than the built-in limit must not be cut off by it.
            max_backoff_s=duration(
                both, "max_backoff", max(standard.max_backoff_s, backoff_s), self._report
            ),
            on=named or standard.on,
            stated="max_attempts" in entries,
        )


def list_of(node: Node | None) -> tuple[str, str] | None:
    """The task and the output that `tasks.<id>.outputs.<name>` names; None for anything else."""
    written = node.value if node is not None else None
    if not isinstance(written, str) or not re.fullmatch(PATH, written):
        return None
    path = reference(written).path
    if len(path) != 4 or path[0] != "tasks" or path[2] != "outputs":
        return None
    return path[1], path[3]


def list_node(task: Node, key: str) -> Node | None:
    """Where a task says over which list it is made (`each`) or split (`split`)."""
    found = task.entries.get(key)
    return found.entries.get("list") if found is not None and found.kind == "mapping" else found


def _list_spec(task: Node, key: str) -> EachSpec | None:
    if key not in task.entries:
        return None
    # A list that cannot be told makes a group as well: nothing else about the task is wrong.
    source, output = list_of(list_node(task, key)) or ("", "")
    node, standard = mapping(task, key), EachSpec(task="", output="")
    return EachSpec(
        task=source,
        output=output,
        limit=integer(node, "limit", standard.limit),
        tolerate=boolean(node, "tolerate", standard.tolerate),
    )


def _writes(task: Node) -> tuple[str, ...]:
    node = task.entries.get("writes")
    if node is None:
        return ()
    if isinstance(node.value, bool):
        return (UNKNOWN,) if node.value else ()
    return (node.value,) if isinstance(node.value, str) else texts(task, "writes")


def _outputs(task: Node) -> Iterator[OutputSpec]:
    for node in sequence(task, "outputs"):
        path = node.text if node.kind == "scalar" else text(node, "path")
        yield OutputSpec(
            name=path.rsplit("/", 1)[-1] if node.kind == "scalar" else text(node, "name"),
            path=path,
            required=boolean(node, "required", True),
            media_type=text(node, "media_type") or _media_type(path),
        )


def _media_type(path: str) -> str:
    """By the ending of the file's name, the longest known first."""
    name = path.rsplit("/", 1)[-1].lower()
    for ending in sorted(_MEDIA_TYPES, key=len, reverse=True):
        if name.endswith(f".{ending}"):
            return _MEDIA_TYPES[ending]
    return "application/octet-stream"


def _environment(node: Node) -> dict[str, str]:
    return {
        name: str(value).lower() if isinstance(value, bool) else str(value)
        for name, entry in node.entries.items()
        if (value := scalar(entry)) is not None
    }
