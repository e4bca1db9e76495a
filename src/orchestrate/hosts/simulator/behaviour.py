"""How the simulated world behaves: how long attempts take, how they end, what people say."""

from __future__ import annotations

from collections.abc import Mapping
from random import Random
from typing import Protocol

import msgspec

from orchestrate.core.planning.definition import FailureCause, GateSpec, TaskSpec
from orchestrate.core.running.events import Verdict
from orchestrate.core.running.status import RunStatus

#: How long a task without `expected_s` takes on average, in seconds.
UNKNOWN_TASK_S = 60.0


class Conduct(msgspec.Struct, frozen=True):
    """One attempt: how long it works, and the cause of its failure if it fails."""

    duration_s: float
    cause: FailureCause | None = None
    metrics: dict[str, float] = {}


class Judgement(msgspec.Struct, frozen=True):
    """What is said at a gate, how long after it was asked, and by whom if it is a person."""

    after_s: float
    verdict: Verdict = "passed"
    by: str = "somebody"


class Behaviour(Protocol):
    """The world's answers. `random` is seeded by the run's seed and the thing asked about alone, so
    an answer does not depend on what happened before."""

    def attempt(self, task: TaskSpec, number: int, random: Random) -> Conduct:
        """How attempt `number` of `task` goes."""
        ...

    def judge(self, gate: GateSpec, opening: int, random: Random) -> Judgement | None:
        """What comes of the `opening`-th opening of a gate; None if nobody ever answers."""
        ...

    def resume_after_s(self, status: RunStatus, times: int) -> float | None:
        """When somebody resumes a run that stands still, having done so `times` times before."""
        ...


class Sampled:
    """Durations drawn around `expected_s`, failures at a rate, people who approve and resume.

    Args:
        failure_rate: share of attempts that fail, with a cause drawn from `causes`.
        spread: standard deviation of the logarithm of the duration; 0 takes `expected_s` itself.
        answer_s: how long a person or a gate's command takes to answer.
        resumes: how often a run that stands still is resumed.
    """

    def __init__(
        self,
        *,
        failure_rate: float = 0.0,
        causes: tuple[FailureCause, ...] = ("exit",),
        spread: float = 0.3,
        answer_s: float = 60.0,
        resumes: int = 0,
    ) -> None:
        self._failure_rate = failure_rate
        self._causes = causes
        self._spread = spread
        self._answer_s = answer_s
        self._resumes = resumes

    def attempt(self, task: TaskSpec, number: int, random: Random) -> Conduct:  # noqa: ARG002
        """See Behaviour."""
        typical_s = UNKNOWN_TASK_S if task.expected_s is None else task.expected_s
        duration_s = typical_s * random.lognormvariate(0.0, self._spread)
        cause = random.choice(self._causes) if random.random() < self._failure_rate else None
        return Conduct(duration_s, cause)

    def judge(self, gate: GateSpec, opening: int, random: Random) -> Judgement | None:  # noqa: ARG002
        """See Behaviour."""
        by = gate.approvers[0] if gate.approvers else "somebody"
        return Judgement(self._answer_s, by=by)

    def resume_after_s(self, status: RunStatus, times: int) -> float | None:  # noqa: ARG002
        """See Behaviour."""
        return self._answer_s if times < self._resumes else None


class Scripted:
    """Exactly what is written down: (task, attempt) -> conduct, gate name -> judgements in order.

    What is not written down goes well: attempts take `expected_s` (or 1 s), gates pass after 1 s.
    A gate that is named and has no judgement left is never answered.
    """

    def __init__(
        self,
        attempts: Mapping[tuple[str, int], Conduct] | None = None,
        gates: Mapping[str, tuple[Judgement, ...]] | None = None,
        resumes: int = 0,
    ) -> None:
        self._attempts = attempts or {}
        self._gates = gates or {}
        self._resumes = resumes

    def attempt(self, task: TaskSpec, number: int, random: Random) -> Conduct:  # noqa: ARG002
        """See Behaviour."""
        usual = Conduct(1.0 if task.expected_s is None else task.expected_s)
        return self._attempts.get((task.id, number), usual)

    def judge(self, gate: GateSpec, opening: int, random: Random) -> Judgement | None:  # noqa: ARG002
        """See Behaviour."""
        answers = self._gates.get(gate.name)
        if answers is None:
            return Judgement(1.0, by=gate.approvers[0] if gate.approvers else "somebody")
        return answers[opening - 1] if opening <= len(answers) else None

    def resume_after_s(self, status: RunStatus, times: int) -> float | None:  # noqa: ARG002
        """See Behaviour."""
        return 1.0 if times < self._resumes else None
