"""A run's state while one event is folded in: the same fields, open to change.

Theory of operation
-------------------
Three things can make a task startable: its needs ended, its phase opened, or the kernel settled a
condition. `Draft` holds the code that keeps the indexes of `RunState` true while that happens:

* `settle_task` is called when a task reaches an end. It counts down its dependents and its phase.
* a phase whose last task ended is *closed*: without gates (or troubled) it is done at once, else
  its gates fall due, and it is done when the last of them has passed.
* a phase that is done opens the phases after it, whose tasks are then looked at one by one.

Tasks that can simply start go to `ready`. Tasks that need a judgement (a `when`, or a skip) go to
`unsettled`; the decision about them is recorded as an event by `decide`.
"""

from __future__ import annotations

import immutables
import msgspec

from orchestrate.core.running.plan import PlanIndex, bits
from orchestrate.core.running.state import GateState, PhaseState, RunState, TaskState
from orchestrate.core.running.status import TASK, GateStatus, TaskStatus, following

_replace = msgspec.structs.replace
_FRESH_TASK = TaskState()


def _is_passed_over(record: PhaseState) -> bool:
    """Whether nothing of a phase ran because it was chosen not to; its gates are then not asked.

    A phase of gates alone, and one whose tasks were skipped for want of something upstream, is
    asked: otherwise a phase made for an approval would approve itself.
    """
    return not record.ran and record.declined > 0


class Draft:
    """Mutable twin of `RunState`; `freeze` gives the next immutable one.

    Its `__dict__` holds the fields in their order and nothing else, so that they are copied in and
    out at once: of the ways tried (field by field, looked up when wanted) the cheapest per event.
    """

    run: str
    status: object
    version: int
    tasks: immutables.Map[int, TaskState]
    gates: immutables.Map[str, GateState]
    unmet: immutables.Map[int, int]
    phases: tuple[PhaseState, ...]
    plan: PlanIndex
    ready: int
    retrying: int
    live: int
    unsettled: int
    merging: int
    conflicted: int
    groups: int
    handed: int
    retired: immutables.Map[str, int]
    gates_due: int
    remaining: int
    stopping: str

    def __init__(self, state: RunState) -> None:
        self.__dict__ = msgspec.structs.asdict(state)

    def freeze(self) -> RunState:
        """The state with everything done to this draft."""
        return RunState(*self.__dict__.values())

    # -- tasks ---------------------------------------------------------------------------------

    def settle_task(self, number: int, after: TaskStatus) -> None:
        """Task `number` reached an end; its record is already in `tasks`.

        It was live, and no longer is, or it was blocked and perhaps awaited a judgement.
        """
        if self.unsettled:
            self.unsettled &= ~(1 << number)
        self.remaining -= 1
        plan = self.plan
        succeeded = after is TaskStatus.SUCCEEDED
        for other in plan.dependents[number]:
            self._count_down(other, succeeded)
        self._count_phase(plan.phase_of[number], number, after)

    def _count_down(self, number: int, succeeded: bool) -> None:
        left = self.unmet[number] - 1
        self.unmet = self.unmet.set(number, left)
        if self.phases[self.plan.phase_of[number]].opened:
            rule = self.plan.order[number].trigger
            if rule == "all_success" and not succeeded:
                self._await_judgement(number)
            elif not left or (rule == "one_success" and succeeded):
                self._consider(number)

    def _consider(self, number: int) -> None:
        """Look at everything task `number` waits for, and offer it, hold it or leave it blocked."""
        if self.tasks[number].status is not TaskStatus.BLOCKED:
            return
        task = self.plan.order[number]
        ended = [self.tasks[other].status for other in self.plan.needs[number]]
        waiting = self.unmet[number]
        if task.trigger == "all_success":
            bad = not self.phases[self.plan.phase_of[number]].sound or any(
                status in (TaskStatus.FAILED, TaskStatus.SKIPPED) for status in ended
            )
            if bad:
                self._await_judgement(number)
            elif not waiting:
                self._offer(number)
        elif task.trigger == "one_success":
            if not ended or TaskStatus.SUCCEEDED in ended:
                self._offer(number)
            elif not waiting:
                self._await_judgement(number)
        elif not waiting:
            self._offer(number)

    def _offer(self, number: int) -> None:
        if self.plan.conditional >> number & 1:
            self._await_judgement(number)
        else:
            self.make_ready(number)

    def _await_judgement(self, number: int) -> None:
        if self.tasks[number].status is TaskStatus.BLOCKED:
            self.unsettled |= 1 << number

    def make_ready(self, number: int) -> None:
        """Task `number` may start; it was blocked (or already is ready)."""
        record = self.tasks[number]
        if record.status is not TaskStatus.BLOCKED:
            return
        status = following(TASK, record.status, "dependencies_met")
        self.tasks = self.tasks.set(number, _replace(record, status=status))
        self.unsettled &= ~(1 << number)
        self._offer_start(number)

    def _offer_start(self, number: int) -> None:
        bit = 1 << number
        if self.plan.group_mask & bit:
            self.groups |= bit
        else:
            self.ready |= bit

    def hold_back(self, number: int) -> None:
        """Block a startable task again if something it waits for was reopened by a resume."""
        if not self._is_startable(number):
            record = self.tasks[number]
            status = following(TASK, record.status, "dependencies_reopened")
            self.tasks = self.tasks.set(number, _replace(record, status=status))
            keep = ~(1 << number)
            self.ready &= keep
            self.retrying &= keep
            self.groups &= keep

    def _is_startable(self, number: int) -> bool:
        """Whether phase and trigger rule let task `number` start; conditions were judged before."""
        if not self.phases[self.plan.phase_of[number]].opened:
            return False
        needs = self.plan.needs[number]
        if self.plan.order[number].trigger == "one_success" and needs:
            return any(self.tasks[other].status is TaskStatus.SUCCEEDED for other in needs)
        return not self.unmet[number]

    # -- phases --------------------------------------------------------------------------------

    def _count_phase(self, phase: int, number: int, after: TaskStatus) -> None:
        record = self.phases[phase]
        trouble = self._is_trouble(number, after)
        record = PhaseState(
            record.remaining - 1,
            record.troubled + trouble,
            record.ran + (after is not TaskStatus.SKIPPED),
            record.opened,
            record.done,
            record.sound,
            record.declined + self._is_declined(number),
        )
        self._set_phase(phase, record)
        if trouble and not self.stopping and self.plan.workflow.on_failure == "stop":
            self.stopping = f"task {self.plan.order[number].id} failed"
        if not record.remaining:
            self._close_phase(phase)

    def _is_trouble(self, number: int, after: TaskStatus) -> bool:
        """Whether this end of a task spoils its phase.

        A skip by condition is a choice and spoils nothing. A skip because of a failure upstream
        does not either: the failure itself was counted where it happened, or is tolerated there.
        """
        return after is TaskStatus.FAILED and not self.plan.tolerated >> number & 1

    def _is_declined(self, number: int) -> bool:
        return self.tasks[number].skipped_by == "condition"

    def _set_phase(self, phase: int, record: PhaseState) -> None:
        self.phases = (*self.phases[:phase], record, *self.phases[phase + 1 :])

    def _close_phase(self, phase: int) -> None:
        record = self.phases[phase]
        if not record.opened or record.done or record.remaining:
            return
        if record.troubled and self.plan.workflow.on_failure == "stop":
            return
        if record.clean and not _is_passed_over(record) and self._gates_left(phase):
            closed = [
                gate
                for gate in self.plan.phase_gates[phase]
                if self.gates[gate].status is GateStatus.CLOSED
            ]
            if closed:
                self.gates_due |= 1 << phase
            return
        self._set_phase(phase, _replace(record, done=True))
        for other in self.plan.phase_dependents[phase]:
            self.open_phase(other)

    def _gates_left(self, phase: int) -> bool:
        return any(
            self.gates[gate].status is not GateStatus.PASSED
            for gate in self.plan.phase_gates[phase]
        )

    def gate_changed(self, phase: int) -> None:
        """A gate of `phase` was opened or decided; see what follows for the phase."""
        if all(
            self.gates[gate].status is not GateStatus.CLOSED
            for gate in self.plan.phase_gates[phase]
        ):
            self.gates_due &= ~(1 << phase)
        self._close_phase(phase)

    def open_phase(self, phase: int) -> None:
        """Open `phase` if every phase it depends on is done, and offer its tasks."""
        record = self.phases[phase]
        needed = [self.phases[other] for other in self.plan.phase_needs[phase]]
        if record.opened or not all(other.done for other in needed):
            return
        sound = all(other.sound and not other.troubled for other in needed)
        self._set_phase(phase, _replace(record, opened=True, sound=sound))
        for number in self.plan.phase_tasks[phase]:
            self._consider(number)
        if not record.remaining:
            self._close_phase(phase)

    # -- from the facts ------------------------------------------------------------------------

    def derive(self) -> None:
        """Compute every index from `tasks`, `gates` and `plan` alone."""
        self.ready = self.retrying = self.live = self.unsettled = self.gates_due = 0
        self.merging = self.conflicted = self.groups = self.handed = 0
        self.remaining = 0
        self.stopping = ""
        plan = self.plan
        settled = {TaskStatus.SUCCEEDED, TaskStatus.FAILED, TaskStatus.SKIPPED}
        unmet = immutables.Map[int, int]().mutate()
        left = [0] * len(plan.phase_tasks)
        troubled = [0] * len(left)
        ran = [0] * len(left)
        declined = [0] * len(left)
        for number in range(len(plan.order)):
            status = self.tasks[number].status
            phase = plan.phase_of[number]
            unmet[number] = sum(
                self.tasks[other].status not in settled for other in plan.needs[number]
            )
            if status in settled:
                troubled[phase] += self._is_trouble(number, status)
                ran[phase] += status is not TaskStatus.SKIPPED
                declined[phase] += self._is_declined(number)
                continue
            left[phase] += 1
            self.remaining += 1
            bit = 1 << number
            if status is TaskStatus.READY:
                self._offer_start(number)
            elif status is TaskStatus.RETRYING:
                self.retrying |= bit
            elif status is TaskStatus.RUNNING:
                self.live |= bit
            elif status is TaskStatus.MERGING:
                self.merging |= bit
            elif status is TaskStatus.CONFLICTED:
                self.conflicted |= bit
            elif status is TaskStatus.HANDED:
                self.handed |= bit
        self.unmet = unmet.finish()
        self.phases = tuple(
            PhaseState(remaining=rest, troubled=bad, ran=some, declined=off)
            for rest, bad, some, off in zip(left, troubled, ran, declined, strict=True)
        )
        self._derive_stopping()
        for phase, needed in enumerate(plan.phase_needs):
            if not needed:
                self.open_phase(phase)
        for number in bits(self.ready | self.retrying | self.groups):
            self.hold_back(number)

    def _derive_stopping(self) -> None:
        for gate, record in self.gates.items():
            if record.status in (GateStatus.FAILED, GateStatus.UNKNOWN):
                self.stopping = f"gate {gate} {record.status.value}"
        if self.plan.workflow.on_failure == "stop":
            bad = [
                (self.tasks[number].finished_at, number)
                for number in range(len(self.plan.order))
                if self._is_trouble(number, self.tasks[number].status)
            ]
            if bad:
                self.stopping = f"task {self.plan.order[min(bad)[1]].id} failed"

    def replan(self, plan: PlanIndex) -> None:
        """Go on with `plan`: what it shares with the present one keeps its records.

        The indexes are not true afterwards; the caller derives them.
        """
        known = {self.plan.order[number].id: task for number, task in self.tasks.items()}
        retired = self.retired.mutate()
        for name, task in known.items():
            if name not in plan.position:
                retired[name] = task.next_number - 1
        for name in plan.position:
            if name not in known:
                known[name] = TaskState(used=retired.pop(name, 0))
        self.retired = retired.finish()
        self.plan = plan
        self.tasks = immutables.Map({plan.position[name]: known[name] for name in plan.position})
        gates = {name: self.gates.get(name, GateState()) for name in plan.gates}
        self.gates = immutables.Map(gates)

    def plan_with(self, plan: PlanIndex) -> None:
        """Begin anew with `plan`: every task blocked, every gate closed."""
        self.plan = plan
        self.tasks = immutables.Map(dict.fromkeys(range(len(plan.order)), _FRESH_TASK))
        self.gates = immutables.Map({gate: GateState() for gate in plan.gates})
