"""Words of others in what a task's own prompt says: quoted, so that they stay words.

The prompt of a task is what its agent has to follow. What another agent said of its work, or put
into a list, is material wherever it stands; between quotes it cannot end its line and go on as if
the workflow said it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from orchestrate.core.sharing.visible import visible


def quoting(names: Mapping[str, Any]) -> Mapping[str, Any]:
    """The `names` of a run with quotes around the text that tasks gave: summaries, and the item."""
    item = {
        name: quoted(value) if isinstance(value, str) else value
        for name, value in names["item"].items()
    }
    return {**names, "tasks": _Tasks(names["tasks"]), "item": item}


def quoted(text: str) -> str:
    """`text` between quotes, on one line, as JSON spells it; what hides or reorders is named."""
    return json.dumps(visible(text), ensure_ascii=False)


class _Tasks(Mapping[str, Mapping[str, Any]]):
    """What is known of each task, read when it is asked for."""

    def __init__(self, tasks: Mapping[str, Mapping[str, Any]]) -> None:
        self._tasks = tasks

    def __getitem__(self, name: str) -> Mapping[str, Any]:
        found = self._tasks[name]
        said = f"{quoted(found['summary'])} (says task {name})" if found["summary"] else ""
        return {**found, "summary": said}

    def __iter__(self) -> Iterator[str]:
        return iter(self._tasks)

    def __len__(self) -> int:
        return len(self._tasks)
