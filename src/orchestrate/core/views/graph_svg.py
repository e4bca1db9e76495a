"""A workflow as a drawing: phases are boxes from left to right, tasks stand in columns within.

A phase's column follows from the phases it depends on, a task's column within its phase from its
needs there, so every arrow points to the right. Within a column tasks keep the order of the file.
Colours follow the reader's light or dark setting; a status also changes sign and stroke, so colour
is never needed to read it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from html import escape
from typing import NamedTuple

from orchestrate.core.planning.definition import GateSpec, PhaseSpec, TaskSpec, Workflow
from orchestrate.core.planning.graph import Graph
from orchestrate.core.views.graph_text import SIGNS, decides, plain, work

# Sizes in pixels.
_TASK_W, _TASK_H = 204, 46
_GAP_X, _GAP_Y = 44, 14
_PAD, _TITLE = 14, 24
_BETWEEN_X, _BETWEEN_Y = 46, 28
_MARGIN = 16
#: Characters that fit a task's box at the font size below.
_LABEL = 24
_SMALL = 28

_STYLE = """\
svg{background:#ffffff}
text{font:13px ui-sans-serif,system-ui,sans-serif;fill:#1f2328}
.small{font-size:11px;fill:#59636e}
.phase{fill:#f6f8fa;stroke:#d1d9e0}
.task{fill:#ffffff;stroke:#59636e}
.gate{fill:#fff8c5;stroke:#9a6700}
.edge{fill:none;stroke:#59636e;stroke-width:1.3}
.after{stroke-width:2.4}
.loose{stroke-dasharray:5 4}
.tip{fill:#59636e}
.running{stroke:#0969da;stroke-width:3}
.retrying{stroke:#9a6700;stroke-width:2;stroke-dasharray:5 3}
.merging{stroke:#0969da;stroke-width:2;stroke-dasharray:8 3}
.conflicted{stroke:#9a6700;stroke-width:4}
.handed{stroke:#8250df;stroke-width:4}
.succeeded{stroke:#1a7f37;stroke-width:2}
.failed{stroke:#cf222e;stroke-width:3}
.skipped,.cancelled{stroke-dasharray:2 3}
@media(prefers-color-scheme:dark){
svg{background:#0d1117}
text{fill:#f0f6fc}
.small{fill:#9198a1}
.phase{fill:#151b23;stroke:#3d444d}
.task{fill:#0d1117;stroke:#9198a1}
.gate{fill:#272115;stroke:#d29922}
.edge{stroke:#9198a1}
.tip{fill:#9198a1}
.running{stroke:#4493f8}
.retrying{stroke:#d29922}
.merging{stroke:#4493f8}
.conflicted{stroke:#d29922}
.handed{stroke:#ab7df8}
.succeeded{stroke:#3fb950}
.failed{stroke:#f85149}
}"""


class _Box(NamedTuple):
    x: int
    y: int
    width: int
    height: int

    @property
    def right(self) -> int:
        return self.x + self.width

    @property
    def middle(self) -> int:
        return self.y + self.height // 2


def svg_graph(workflow: Workflow, status: Mapping[str, str] | None = None) -> str:
    """A complete SVG document; ends with a line break.

    Args:
        workflow: the definition.
        status: task id -> status, for a run.

    Raises:
        CycleError: the tasks have no order.
    """
    drawing = _Layout(workflow)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{drawing.width}"'
        f' height="{drawing.height}" viewBox="0 0 {drawing.width} {drawing.height}" role="img"'
        f' aria-label="Graph of workflow {_escaped(workflow.name)}">',
        f"<title>{_escaped(workflow.name)}</title>",
        f"<style>{_STYLE}</style>",
        '<defs><marker id="tip" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="8"'
        ' markerHeight="8" markerUnits="userSpaceOnUse" orient="auto">'
        '<path class="tip" d="M0 0L8 4L0 8z"/></marker></defs>',
        *_phases(workflow, drawing),
        *_edges(workflow, drawing),
        *(
            _task(task, drawing.tasks[task.id], (status or {}).get(task.id, ""))
            for task in workflow.tasks
        ),
        *_gates(workflow, drawing),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


class _Layout:
    """Where everything goes.

    Attributes:
        phases, tasks: name or id -> box. `gates`: (phase, number) -> box.
        width, height: of the drawing.
    """

    def __init__(self, workflow: Workflow) -> None:
        self.phases: dict[str, _Box] = {}
        self.tasks: dict[str, _Box] = {}
        self.gates: dict[tuple[str, int], _Box] = {}
        column, self._column_in_phase = _columns(workflow)
        self._members: dict[str, list[TaskSpec]] = {phase.name: [] for phase in workflow.phases}
        for task in workflow.tasks:
            self._members[task.phase].append(task)
        x, bottom = _MARGIN, _MARGIN
        for number in range(max(column.values(), default=-1) + 1):
            stacked = [phase for phase in workflow.phases if column[phase.name] == number]
            y, right = _MARGIN, x
            for phase in stacked:
                box = self._place(phase, x, y)
                y, right = box.y + box.height + _BETWEEN_Y, max(right, box.right)
            x, bottom = right + _BETWEEN_X, max(bottom, y)
        self.width = max(x - _BETWEEN_X, _MARGIN) + _MARGIN
        self.height = max(bottom - _BETWEEN_Y, _MARGIN) + _MARGIN

    def _place(self, phase: PhaseSpec, x: int, y: int) -> _Box:
        rows: dict[int, int] = {}
        for task in self._members[phase.name]:
            column = self._column_in_phase[task.id]
            row = rows.get(column, 0)
            rows[column] = row + 1
            self.tasks[task.id] = self._cell(x, y, column, row)
        columns = max(rows, default=-1) + 1
        if phase.gates:
            for number in range(len(phase.gates)):
                self.gates[phase.name, number] = self._cell(x, y, columns, number)
            rows[columns] = len(phase.gates)
            columns += 1
        columns, tallest = max(columns, 1), max(rows.values(), default=1)
        width = 2 * _PAD + columns * _TASK_W + (columns - 1) * _GAP_X
        height = _TITLE + 2 * _PAD + tallest * _TASK_H + (tallest - 1) * _GAP_Y
        self.phases[phase.name] = _Box(x, y, width, height)
        return self.phases[phase.name]

    def _cell(self, x: int, y: int, column: int, row: int) -> _Box:
        return _Box(
            x + _PAD + column * (_TASK_W + _GAP_X),
            y + _TITLE + _PAD + row * (_TASK_H + _GAP_Y),
            _TASK_W,
            _TASK_H,
        )


def _columns(workflow: Workflow) -> tuple[dict[str, int], dict[str, int]]:
    """Phase -> column, and task -> column within its phase; by longest chains."""
    tasks = {task.id: task for task in workflow.tasks}
    phases = {phase.name: phase for phase in workflow.phases}
    homes = {task.id: task.phase for task in workflow.tasks}
    across: dict[str, set[str]] = {name: set(phases[name].depends_on) for name in phases}
    graph = Graph(workflow)
    inside: dict[str, int] = {}
    for node in graph.order():
        if node < graph.size:
            task = tasks[workflow.tasks[node].id]
            own = [inside[name] + 1 for name in task.needs if homes[name] == task.phase]
            inside[task.id] = max(own, default=0)
            across[task.phase] |= {homes[name] for name in task.needs} - {task.phase}
    column: dict[str, int] = {}
    left = list(phases)
    while left:
        placed = [name for name in left if all(other in column for other in across[name])]
        # Two phases may need tasks of each other; they then share what is left of the row.
        for name in placed or left[:1]:
            known = [column[other] + 1 for other in across[name] if other in column]
            column[name] = max(known, default=0)
        left = [name for name in left if name not in column]
    return column, inside


def _escaped(text: str, limit: int = 120) -> str:
    """`text` for XML: `plain` has dropped the characters XML cannot hold."""
    return escape(plain(text, limit), quote=True)


def _phases(workflow: Workflow, drawing: _Layout) -> Iterator[str]:
    for phase in workflow.phases:
        box = drawing.phases[phase.name]
        mode = "" if phase.parallel else " · one at a time"
        yield (
            f'<rect class="phase" x="{box.x}" y="{box.y}" width="{box.width}"'
            f' height="{box.height}" rx="8"/>'
            f'<text x="{box.x + _PAD}" y="{box.y + _TITLE}">{_escaped(phase.name, 40)}'
            f'<tspan class="small">{mode}</tspan></text>'
        )


def _task(task: TaskSpec, box: _Box, state: str) -> str:
    known = f" {state}" if state in SIGNS else ""
    title = f"{SIGNS[state]} {task.id}" if state in SIGNS else task.id
    return (
        f"<g><title>{_escaped(f'{task.id} {state}'.strip())}: {_escaped(work(task), 400)}</title>"
        f'<rect class="task{known}" x="{box.x}" y="{box.y}" width="{box.width}"'
        f' height="{box.height}" rx="5"/>'
        f'<text x="{box.x + 9}" y="{box.y + 19}">{_escaped(title, _LABEL)}</text>'
        f'<text class="small" x="{box.x + 9}" y="{box.y + 36}">{_escaped(work(task), _SMALL)}'
        "</text></g>"
    )


def _gates(workflow: Workflow, drawing: _Layout) -> Iterator[str]:
    for phase in workflow.phases:
        for number, gate in enumerate(phase.gates):
            yield _gate(gate, drawing.gates[phase.name, number])


def _gate(gate: GateSpec, box: _Box) -> str:
    return (
        f"<g><title>gate {_escaped(gate.name)}: {_escaped(decides(gate), 400)}</title>"
        f'<rect class="gate" x="{box.x}" y="{box.y}" width="{box.width}" height="{box.height}"'
        f' rx="{box.height // 2}"/>'
        f'<text x="{box.x + 18}" y="{box.y + 19}">{_escaped(f"{gate.name} ({gate.kind})", 22)}'
        f'</text><text class="small" x="{box.x + 18}" y="{box.y + 36}">'
        f"{_escaped(decides(gate), 25)}</text></g>"
    )


def _edges(workflow: Workflow, drawing: _Layout) -> Iterator[str]:
    for phase in workflow.phases:
        for earlier in phase.depends_on:
            yield _edge(drawing.phases[earlier], drawing.phases[phase.name], " after")
    for task in workflow.tasks:
        loose = "" if task.trigger == "all_success" else " loose"
        for needed in task.needs:
            yield _edge(drawing.tasks[needed], drawing.tasks[task.id], loose)


def _edge(first: _Box, then: _Box, kind: str) -> str:
    x1, y1, x2, y2 = first.right, first.middle, then.x, then.middle
    bend = max((x2 - x1) // 2, 20)
    return (
        f'<path class="edge{kind}" d="M{x1} {y1}C{x1 + bend} {y1} {x2 - bend} {y2} {x2} {y2}"'
        ' marker-end="url(#tip)"/>'
    )
