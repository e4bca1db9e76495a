"""A workflow as plain text and as a Mermaid flowchart; `graph_svg` draws it.

Labels come from files somebody else may have written: control characters are dropped, and whatever
means something to the target format is escaped.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import msgspec

from orchestrate.core.planning.definition import GateSpec, PhaseSpec, TaskSpec, Workflow
from orchestrate.core.planning.graph import levels
from orchestrate.core.wording import count

#: Status -> sign before a task, legible without colour. Unknown ones show no sign.
SIGNS: Mapping[str, str] = {
    "blocked": "·",
    "ready": "○",
    "running": "▶",
    "retrying": "↻",
    "merging": "»",
    "conflicted": "!",
    "handed": "@",
    "succeeded": "✓",
    "failed": "✗",
    "skipped": "–",
    "cancelled": "■",
}
_MERMAID_CLASSES: Mapping[str, str] = {
    "running": "stroke-width:3px,stroke:#1f6feb",
    "retrying": "stroke-dasharray:4 3,stroke:#9a6700",
    "merging": "stroke-width:2px,stroke:#1f6feb",
    "conflicted": "stroke-width:3px,stroke:#9a6700",
    "handed": "stroke-width:3px,stroke:#8250df",
    "succeeded": "stroke-width:2px,stroke:#1a7f37",
    "failed": "stroke-width:3px,stroke:#cf222e",
    "skipped": "stroke-dasharray:2 2",
    "cancelled": "stroke-dasharray:2 2",
}


def plain(text: str, limit: int = 120) -> str:
    """`text` on one line, without control characters, at most `limit` characters long."""
    line = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return line if len(line) <= limit else f"{line[: limit - 1]}…"


def work(task: TaskSpec) -> str:
    """Who does a task and what: `scout: security-scan`, `builder (claude)`, or the command.

    Of a group, what its members do and how many there are, as far as that is known.
    """
    if task.expanded:
        return f"{count(len(task.members), 'member')}"
    if task.each is not None:
        done = work(msgspec.structs.replace(task, each=None))
        return f"for each of {plain(task.each.task)}.{plain(task.each.output)}: {done}"
    if task.run is not None:
        return f"$ {plain(task.run, 60)}"
    if task.backend == "human":
        return "a person"
    if task.staff:
        return plain(f"{task.staff[0].agent} ({task.staff[0].backend})")
    return ": ".join(plain(part) for part in (task.agent, task.action) if part)


def decides(gate: GateSpec) -> str:
    """Who or what decides a gate."""
    if gate.kind == "human":
        return " or ".join(plain(name) for name in gate.approvers) or "a person"
    if gate.kind == "condition":
        return plain(gate.condition, 60)
    return f"$ {plain(gate.command, 60)}" if gate.command else _measured(gate)


def _measured(gate: GateSpec) -> str:
    match gate.kind:
        case "coverage" if gate.min_percent is not None:
            return f"at least {gate.min_percent:g} % of the lines covered"
        case "coverage":
            return "no less of the lines covered than before"
        case "diff":
            limits = ((gate.max_files, "file"), (gate.max_lines, "line"))
            parts = [count(limit, noun) for limit, noun in limits if limit is not None]
            return f"at most {' and '.join(parts)} changed"
        case "findings":
            return f"at most {count(gate.max_new, 'new finding')} of {gate.severity} or worse"
        case "reproduces":
            return f"the tests of {gate.task} fail for want of what they are about"
        case "fixed":
            return f"the tests of {gate.task} pass, unchanged"
    return "the tests of the repository"


# -- text --------------------------------------------------------------------------------------


def text_graph(workflow: Workflow, status: Mapping[str, str] | None = None) -> str:
    """Phases, waves within them, and gates, one line each; ends with a line break.

    Args:
        workflow: the definition.
        status: task id -> status, for a run.

    Raises:
        CycleError: the tasks have no order.
    """
    return "\n".join(_text_lines(workflow, status or {})) + "\n"


def _text_lines(workflow: Workflow, status: Mapping[str, str]) -> Iterator[str]:
    waves = levels(workflow)
    wave_of = {task: number for number, wave in enumerate(waves, 1) for task in wave}
    yield (
        f"{plain(workflow.name)}: {count(len(workflow.tasks), 'task')} in"
        f" {count(len(workflow.phases), 'phase')}, {count(len(waves), 'wave')}"
    )
    width = max((len(task.id) for task in workflow.tasks), default=0)
    members: dict[str, list[TaskSpec]] = {phase.name: [] for phase in workflow.phases}
    for task in workflow.tasks:
        members[task.phase].append(task)
    for phase in workflow.phases:
        yield ""
        yield _phase_line(phase)
        last = 0
        for task in sorted(members[phase.name], key=lambda each: wave_of[each.id]):
            number = wave_of[task.id]
            yield _task_line(task, f"wave {number}" if number != last else "", width, status)
            last = number
        for gate in phase.gates:
            yield f"  {'gate':<8}  {plain(gate.name)} ({gate.kind}): {decides(gate)}"


def _phase_line(phase: PhaseSpec) -> str:
    parts = [] if phase.parallel else ["one at a time"]
    if phase.max_concurrent is not None:
        parts.append(f"at most {phase.max_concurrent} at once")
    if phase.depends_on:
        parts.append(f"after {', '.join(plain(name) for name in phase.depends_on)}")
    if phase.when is not None:
        parts.append(f"when {plain(phase.when)}")
    return f"phase {plain(phase.name)}" + (f" ({'; '.join(parts)})" if parts else "")


def _task_line(task: TaskSpec, wave: str, width: int, status: Mapping[str, str]) -> str:
    state = status.get(task.id, "")
    parts = [f"  {wave:<8}{SIGNS.get(state, ' ')} {plain(task.id):<{width}}"]
    if state:
        parts.append(f"{plain(state):<10}")
    parts.append(work(task))
    if task.needs and not task.expanded:
        rule = "" if task.trigger == "all_success" else f" ({task.trigger})"
        parts.append(f"needs {', '.join(plain(name) for name in task.needs)}{rule}")
    if task.when is not None:
        parts.append(f"when {plain(task.when)}")
    return "  ".join(parts).rstrip()


# -- mermaid -----------------------------------------------------------------------------------


def mermaid_graph(workflow: Workflow, status: Mapping[str, str] | None = None) -> str:
    """A Mermaid `flowchart TD`: a subgraph per phase, a diamond per gate; ends with a line break.

    Nodes are called `t0`, `p0`, `g0_0` by their position, so no name can be mistaken for syntax.
    """
    return "\n".join(_mermaid_lines(workflow, status or {})) + "\n"


def _mermaid_lines(workflow: Workflow, status: Mapping[str, str]) -> Iterator[str]:
    number = {task.id: at for at, task in enumerate(workflow.tasks)}
    phases = {phase.name: at for at, phase in enumerate(workflow.phases)}
    members: dict[str, list[TaskSpec]] = {phase.name: [] for phase in workflow.phases}
    for task in workflow.tasks:
        members[task.phase].append(task)
    yield "flowchart TD"
    for at, phase in enumerate(workflow.phases):
        yield f'  subgraph p{at}["{_label(phase.name)}"]'
        for task in members[phase.name]:
            sign = SIGNS.get(status.get(task.id, ""), "")
            title = f"{sign} {task.id}".strip()
            yield f'    t{number[task.id]}["{_label(title)}<br/>{_label(work(task))}"]'
        yield "  end"
        yield from _mermaid_gates(at, phase)
    for task in workflow.tasks:
        arrow = "-->" if task.trigger == "all_success" else "-.->"
        for needed in task.needs:
            yield f"  t{number[needed]} {arrow} t{number[task.id]}"
    for at, phase in enumerate(workflow.phases):
        for earlier in phase.depends_on:
            for last in _exits(phases[earlier], workflow.phases[phases[earlier]]):
                yield f"  {last} --> p{at}"
    yield from _mermaid_styles(workflow, status)


def _mermaid_gates(at: int, phase: PhaseSpec) -> Iterator[str]:
    for index, gate in enumerate(phase.gates):
        node = f"g{at}_{index}"
        yield f'  {node}{{"{_label(gate.name)}<br/>{_label(decides(gate))}"}}'
        yield f"  p{at} --> {node}"


def _exits(at: int, phase: PhaseSpec) -> list[str]:
    """The nodes after which a phase is done: its gates, or itself."""
    return [f"g{at}_{index}" for index in range(len(phase.gates))] or [f"p{at}"]


def _mermaid_styles(workflow: Workflow, status: Mapping[str, str]) -> Iterator[str]:
    for state, style in _MERMAID_CLASSES.items():
        nodes = [f"t{at}" for at, task in enumerate(workflow.tasks) if status.get(task.id) == state]
        if nodes:
            yield f"  classDef {state} {style}"
            yield f"  class {','.join(nodes)} {state}"


def _label(text: str) -> str:
    """Mermaid reads `#…;` entities inside quoted labels; everything unusual becomes one."""
    return "".join(
        char if char.isalnum() or char in " .,:-_/()✓✗○▶↻»·–■…" else f"#{ord(char)};"
        for char in plain(text)
    )
