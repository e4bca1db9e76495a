"""How the simulated world behaves: how attempts and merges go, what lists hold, what people say."""

from __future__ import annotations

from collections.abc import Mapping
from random import Random
from typing import Literal, Protocol

import msgspec

from orchestrate.core.planning.budget import DECIMALS
from orchestrate.core.planning.definition import FailureCause, GateSpec, TaskSpec
from orchestrate.core.running.events import GroupItem
from orchestrate.core.running.status import RunStatus
from orchestrate.core.sharing.evidence import Verdict
from orchestrate.core.sharing.usage import Usage

#: How long a task without `expected_s` takes on average, in seconds.
UNKNOWN_TASK_S = 60.0


class Conduct(msgspec.Struct, frozen=True):
    """One attempt: how long it works, and the cause of its failure if it fails.

    `delivers`: whether it changed anything, where its task writes. `usage` is what it consumed,
    `retry_after_s` how long its provider asked to wait.
    """

    duration_s: float
    cause: FailureCause | None = None
    metrics: dict[str, float] = {}
    delivers: bool = True
    usage: Usage | None = None
    retry_after_s: float | None = None


class Joining(msgspec.Struct, frozen=True):
    """What comes of merging one piece of work, after so long: merged, or why not.

    `unverified`: it was merged though a check could not tell.
    """

    duration_s: float
    ends: Literal["merged", "unverified", "checks_failed", "checks_unknown", "conflict"] = "merged"


class Listing(msgspec.Struct, frozen=True):
    """What a group's list holds, or in `problem` why it cannot be read."""

    items: tuple[GroupItem, ...] = ()
    problem: str = ""
    after_s: float = 0.0


class Resolution(msgspec.Struct, frozen=True):
    """What a person does about work in conflict: joins it, or sends it back."""

    after_s: float
    sends_back: bool = False
    by: str = "somebody"


class Handing(msgspec.Struct, frozen=True):
    """What a person does about a task handed to them: does it, or gives it back."""

    after_s: float
    declines: bool = False
    by: str = "somebody"


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

    def join(self, task: TaskSpec, number: int, random: Random) -> Joining:
        """How merging the work of attempt `number` of `task` goes."""
        ...

    def listing(self, group: TaskSpec, random: Random) -> Listing:
        """What the list of `group` holds."""
        ...

    def resolve(self, task: TaskSpec, number: int, random: Random) -> Resolution | None:
        """What a person makes of a conflict; None if nobody ever looks."""
        ...

    def hand_in(self, task: TaskSpec, number: int, random: Random) -> Handing | None:
        """What a person does about a task; None if nobody ever looks."""
        ...

    def snapshot_s(self, random: Random) -> float | None:
        """How long the snapshot of a workspace takes; None if it cannot be made."""
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
        merge_s: how long a merge takes with its checks, and how long a snapshot.
        refusal_rate: share of merges that do not go well, half of them for a conflict.
        items: how many items a list holds.
        cost_usd: what an attempt of a paid agent costs on average.
    """

    def __init__(
        self,
        *,
        failure_rate: float = 0.0,
        causes: tuple[FailureCause, ...] = ("exit",),
        spread: float = 0.3,
        answer_s: float = 60.0,
        resumes: int = 0,
        merge_s: float = 10.0,
        refusal_rate: float = 0.0,
        items: int = 3,
        cost_usd: float = 0.1,
    ) -> None:
        self._failure_rate = failure_rate
        self._merge_s = merge_s
        self._refusal_rate = refusal_rate
        self._items = items
        self._cost_usd = cost_usd
        self._causes = causes
        self._spread = spread
        self._answer_s = answer_s
        self._resumes = resumes

    def attempt(self, task: TaskSpec, number: int, random: Random) -> Conduct:  # noqa: ARG002
        """See Behaviour."""
        typical_s = UNKNOWN_TASK_S if task.expected_s is None else task.expected_s
        duration_s = typical_s * random.lognormvariate(0.0, self._spread)
        cause = random.choice(self._causes) if random.random() < self._failure_rate else None
        return Conduct(duration_s, cause, usage=self._usage(task, random))

    def _usage(self, task: TaskSpec, random: Random) -> Usage | None:
        if not task.staff:
            return None
        cost_usd = round(self._cost_usd * random.lognormvariate(0.0, self._spread), DECIMALS)
        return Usage(
            output_tokens=random.randrange(1, 10_000),
            turns=random.randrange(1, 20),
            cost_usd=cost_usd,
            cost_source="reported",
        )

    def judge(self, gate: GateSpec, opening: int, random: Random) -> Judgement | None:  # noqa: ARG002
        """See Behaviour."""
        by = gate.approvers[0] if gate.approvers else "somebody"
        return Judgement(self._answer_s, by=by)

    def join(self, task: TaskSpec, number: int, random: Random) -> Joining:  # noqa: ARG002
        """See Behaviour."""
        drawn = random.random()
        if drawn < self._refusal_rate / 2:
            return Joining(self._merge_s, "conflict")
        return Joining(self._merge_s, "checks_failed" if drawn < self._refusal_rate else "merged")

    def listing(self, group: TaskSpec, random: Random) -> Listing:  # noqa: ARG002
        """See Behaviour."""
        return numbered(self._items)

    def resolve(self, task: TaskSpec, number: int, random: Random) -> Resolution | None:  # noqa: ARG002
        """See Behaviour."""
        return Resolution(self._answer_s)

    def hand_in(self, task: TaskSpec, number: int, random: Random) -> Handing | None:  # noqa: ARG002
        """See Behaviour."""
        return Handing(self._answer_s, declines=random.random() < self._refusal_rate)

    def snapshot_s(self, random: Random) -> float | None:  # noqa: ARG002
        """See Behaviour."""
        return self._merge_s

    def resume_after_s(self, status: RunStatus, times: int) -> float | None:  # noqa: ARG002
        """See Behaviour."""
        return self._answer_s if times < self._resumes else None


def numbered(items: int) -> Listing:
    """A list of so many items, called `i0`, `i1`, …"""
    return Listing(tuple(GroupItem(f"i{number}") for number in range(items)))


class Scripted:
    """Exactly what is written down, and what is not goes well.

    Args:
        attempts: (task, attempt) -> conduct; otherwise they take `expected_s`, or 1 s.
        gates: gate name -> judgements in order; otherwise they pass after 1 s. A gate that is named
            and has no judgement left is never answered.
        resumes: how often a run that stands still is resumed.
        joins: (task, attempt) -> how merging its work goes; otherwise it is merged in 1 s.
        lists: group -> its list; otherwise it has two items.
        handings: (task, attempt) -> what a person does about a task handed to them; otherwise they
            do it in 1 s. None for nobody.
        resolutions: (task, attempt) -> what a person does about its conflict; otherwise they join
            it after 1 s. None for nobody.
    """

    def __init__(
        self,
        attempts: Mapping[tuple[str, int], Conduct] | None = None,
        gates: Mapping[str, tuple[Judgement, ...]] | None = None,
        resumes: int = 0,
        *,
        joins: Mapping[tuple[str, int], Joining] | None = None,
        lists: Mapping[str, Listing] | None = None,
        resolutions: Mapping[tuple[str, int], Resolution | None] | None = None,
        handings: Mapping[tuple[str, int], Handing | None] | None = None,
    ) -> None:
        self._handings = handings or {}
        self._joins = joins or {}
        self._lists = lists or {}
        self._resolutions = resolutions or {}
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

    def join(self, task: TaskSpec, number: int, random: Random) -> Joining:  # noqa: ARG002
        """See Behaviour."""
        return self._joins.get((task.id, number), Joining(1.0))

    def listing(self, group: TaskSpec, random: Random) -> Listing:  # noqa: ARG002
        """See Behaviour."""
        return self._lists.get(group.id, numbered(2))

    def resolve(self, task: TaskSpec, number: int, random: Random) -> Resolution | None:  # noqa: ARG002
        """See Behaviour."""
        return self._resolutions.get((task.id, number), Resolution(1.0))

    def hand_in(self, task: TaskSpec, number: int, random: Random) -> Handing | None:  # noqa: ARG002
        """See Behaviour."""
        return self._handings.get((task.id, number), Handing(1.0))

    def snapshot_s(self, random: Random) -> float | None:  # noqa: ARG002
        """See Behaviour."""
        return 1.0

    def resume_after_s(self, status: RunStatus, times: int) -> float | None:  # noqa: ARG002
        """See Behaviour."""
        return 1.0 if times < self._resumes else None
