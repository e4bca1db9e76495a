"""Tasks as written, with defaults filled in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, get_args

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
from orchestrate.adapters.files.yaml_nodes import Node
from orchestrate.core.planning.definition import (
    DEFAULT_TASK_TIMEOUT_S,
    FailureCause,
    OutputSpec,
    RetryPolicy,
    TaskSpec,
    TriggerRule,
)

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
        agent = text(node, "agent") or None
        default_timeout = duration(
            self._defaults, "timeout", DEFAULT_TASK_TIMEOUT_S, self._report, positive=True
        )
        return TaskSpec(
            id=task,
            phase=phase,
            agent=agent,
            run=text(node, "run") or None,
            action=text(node, "action") or None,
            backend=text(node, "backend")
            or (text(self._defaults, "backend") or None if agent else None),
            prompt=text(node, "prompt") or (self._prompt if agent else ""),
            needs=texts(node, "needs"),
            when=condition(node, "when"),
            trigger=one_of(text(node, "trigger"), get_args(TriggerRule), "all_success"),
            outputs=tuple(_outputs(node)),
            retry=self._retry(node),
            timeout_s=duration(node, "timeout", default_timeout, self._report, positive=True),
            priority=integer(node, "priority", 0),
            env=_environment(mapping(node, "env")),
            expected_s=duration(node, "expected", None, self._report),
        )

    def _retry(self, node: Node) -> RetryPolicy:
        """The task's own keys, then those of `defaults:`, then the built-in ones."""
        own, shared = mapping(node, "retry"), mapping(self._defaults, "retry")
        entries = {**shared.entries, **own.entries}
        both = Node("mapping", own.line, own.column, entries=entries)
        standard = RetryPolicy()
        backoff_s = duration(both, "backoff", standard.backoff_s, self._report)
        causes = get_args(FailureCause)
        named: Any = tuple(cause for cause in texts(both, "on") if cause in causes)
        return RetryPolicy(
            max_attempts=integer(both, "max_attempts", standard.max_attempts),
            backoff_s=backoff_s,
            factor=number(both, "factor", standard.factor),
            # A longer first wait than the built-in limit must not be cut off by it.
            max_backoff_s=duration(
                both, "max_backoff", max(standard.max_backoff_s, backoff_s), self._report
            ),
            on=named or standard.on,
        )


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
