"""The plan as the kernel uses it: positions instead of names, both directions of every edge.

Tasks are numbered in *dispatch order*: priority first, then upward rank (longest expected path to
the end), then file order. A set of tasks is therefore an `int` used as a bit set whose lowest bit
is the task to start first: an immutable priority queue with union, removal and minimum in a few
machine words. Everything here is derived from the workflow and never stored.
"""

from __future__ import annotations

from collections.abc import Iterator

from orchestrate.core.planning.definition import GateSpec, TaskSpec, Workflow
from orchestrate.core.planning.graph import plan_order
from orchestrate.core.planning.write_set import meetings


def bits(mask: int) -> Iterator[int]:
    """Positions in `mask`, lowest first."""
    while mask:
        low = mask & -mask
        yield low.bit_length() - 1
        mask ^= low


class PlanIndex:
    """Lookup tables of one workflow; equal when the workflows are equal.

    Attributes:
        order: tasks by position. `position`: task id -> position.
        needs, dependents: for each position, positions of tasks up- and downstream.
        phase_of: position -> phase number. `phase_tasks`: phase number -> positions.
        phase_needs, phase_dependents: the same for phases, by number.
        gates: gate id (`phase/name`) -> (phase number, gate).
        phase_gates: phase number -> ids of the gates asked when its tasks have ended.
        merge_gates: phase number -> (id, gate) of those asked of each piece of work.
        conditional: bit set of tasks that have a `when`, or whose phase has one.
        tolerated: bit set of tasks whose failure somebody downstream accepts, because a dependent
            starts on `one_success` or `all_done`.
        limited: phase number -> most attempts at once, where the phase says so.
        phase_mask: phase number -> bit set of its tasks, for limited phases.
        group_mask: bit set of groups, whose members do their work.
        writing: bit set of the tasks that write, and so deliver work to merge.
        paid: bit set of the tasks that somebody paid may perform.
        sparing: whether some agent does only so many tasks at once.
        stepping: bit set of the tasks that may be split, or handed to a person.
        rivals: position -> bit set of the tasks whose forecast write sets overlap with its own.
    """

    __slots__ = (
        "conditional",
        "dependents",
        "gates",
        "group_mask",
        "limited",
        "merge_gates",
        "needs",
        "order",
        "paid",
        "phase_dependents",
        "phase_gates",
        "phase_mask",
        "phase_needs",
        "phase_number",
        "phase_of",
        "phase_tasks",
        "position",
        "rivals",
        "sparing",
        "stepping",
        "tolerated",
        "workflow",
        "writing",
    )

    def __init__(self, workflow: Workflow) -> None:
        self.workflow = workflow
        by_id = {task.id: task for task in workflow.tasks}
        self.order: tuple[TaskSpec, ...] = tuple(by_id[name] for name in plan_order(workflow))
        self.position = {task.id: number for number, task in enumerate(self.order)}
        self.phase_number = {phase.name: number for number, phase in enumerate(workflow.phases)}
        self._index_phases()
        self._index_tasks()
        self._index_writing()
        self._index_staff()

    def _index_phases(self) -> None:
        phases = self.workflow.phases
        self.phase_needs = tuple(
            tuple(self.phase_number[name] for name in phase.depends_on) for phase in phases
        )
        after: list[list[int]] = [[] for _ in phases]
        for number, needed in enumerate(self.phase_needs):
            for other in needed:
                after[other].append(number)
        self.phase_dependents = tuple(tuple(numbers) for numbers in after)
        self.phase_gates = tuple(
            tuple(f"{phase.name}/{gate.name}" for gate in phase.gates if gate.at_end)
            for phase in phases
        )
        self.merge_gates = tuple(
            tuple((f"{phase.name}/{gate.name}", gate) for gate in phase.gates if gate.each_merge)
            for phase in phases
        )
        self.gates: dict[str, tuple[int, GateSpec]] = {
            f"{phase.name}/{gate.name}": (number, gate)
            for number, phase in enumerate(phases)
            for gate in phase.gates
            if gate.at_end
        }
        self.limited = {
            number: phase.max_concurrent
            for number, phase in enumerate(phases)
            if phase.max_concurrent is not None
        }

    def _index_tasks(self) -> None:
        phases = self.workflow.phases
        self.phase_of = tuple(self.phase_number[task.phase] for task in self.order)
        members: list[list[int]] = [[] for _ in phases]
        dependents: list[list[int]] = [[] for _ in self.order]
        needs: list[tuple[int, ...]] = []
        self.conditional = 0
        self.tolerated = 0
        for number, task in enumerate(self.order):
            members[self.phase_of[number]].append(number)
            upstream = tuple(dict.fromkeys(self.position[name] for name in task.needs))
            needs.append(upstream)
            for other in upstream:
                dependents[other].append(number)
                if task.trigger != "all_success":
                    self.tolerated |= 1 << other
            in_phase = phases[self.phase_of[number]].when
            # What a group stands for was judged with it, before there were members.
            if not task.group and (task.when is not None or in_phase is not None):
                self.conditional |= 1 << number
        self.needs = tuple(needs)
        self.dependents = tuple(tuple(numbers) for numbers in dependents)
        self.phase_tasks = tuple(tuple(numbers) for numbers in members)
        self.phase_mask = {
            phase: sum(1 << number for number in members[phase]) for phase in self.limited
        }

    def _index_writing(self) -> None:
        self.group_mask = self.writing = 0
        writers: dict[str, int] = {}
        for number, task in enumerate(self.order):
            if task.is_group:
                self.group_mask |= 1 << number
            elif task.writes:
                self.writing |= 1 << number
                for pattern in task.forecast:
                    writers[pattern] = writers.get(pattern, 0) | 1 << number
        met = meetings(writers)
        self.rivals: dict[int, int] = {}
        for number in bits(self.writing):
            against = 0
            for pattern in self.order[number].forecast:
                against |= met[pattern]
            if against & ~(1 << number):
                self.rivals[number] = against & ~(1 << number)

    def _index_staff(self) -> None:
        self.paid = self.stepping = 0
        resolver = self.workflow.resolver
        joining = () if resolver is None else resolver.staff
        if any(each.paid for each in joining):
            self.paid = self.writing
        self.sparing = any(each.max_parallel is not None for each in joining)
        for number, task in enumerate(self.order):
            advisor = () if task.advisor is None else (task.advisor,)
            for each in (*task.staff, *advisor):
                if each.paid:
                    self.paid |= 1 << number
                self.sparing |= each.max_parallel is not None
            if task.split is not None or task.hand_over is not None or task.backend == "human":
                self.stepping |= 1 << number

    def __eq__(self, other: object) -> bool:
        return isinstance(other, PlanIndex) and self.workflow == other.workflow

    def __hash__(self) -> int:
        return hash(self.workflow.name)

    def __repr__(self) -> str:
        return f"PlanIndex({self.workflow.name!r}, {len(self.order)} tasks)"
