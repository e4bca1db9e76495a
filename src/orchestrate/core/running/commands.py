"""Wishes, imperative. Refused or turned into events by `decide`; never stored in a run's stream."""

from __future__ import annotations

import msgspec

from orchestrate.core.planning.definition import FailureCause, InputValue, Workflow
from orchestrate.core.running.events import Verdict
from orchestrate.core.sharing.artifact import Artifact


class Command(msgspec.Struct, frozen=True, tag_field="command", omit_defaults=True, kw_only=True):
    """Base of all commands."""


class CreateRun(Command, frozen=True, tag="CreateRun", kw_only=True):
    """Make a run exist."""

    run: str
    request: str
    repository: str
    revision: str = ""
    program: str = ""


class PlanRun(Command, frozen=True, tag="PlanRun", kw_only=True):
    """Give the run its plan."""

    workflow: Workflow
    inputs: dict[str, InputValue] = {}
    fingerprint: str = ""


class StartRun(Command, frozen=True, tag="StartRun", kw_only=True):
    """Begin execution of the plan."""

    reason: str = ""


class AdoptRun(Command, frozen=True, tag="AdoptRun", kw_only=True):
    """Record that this process drives the run now."""

    owner: str


class PauseRun(Command, frozen=True, tag="PauseRun", kw_only=True):
    """Start nothing new."""

    reason: str = ""
    by: str = ""


class ResumeRun(Command, frozen=True, tag="ResumeRun", kw_only=True):
    """Go on after a pause or a failure."""

    reason: str = ""
    by: str = ""


class CancelRun(Command, frozen=True, tag="CancelRun", kw_only=True):
    """Give the run up."""

    reason: str = ""
    by: str = ""


class SetLimit(Command, frozen=True, tag="SetLimit", kw_only=True):
    """Change how many attempts may run at once; at least 1."""

    max_parallel: int
    by: str = ""


class GrantSlots(Command, frozen=True, tag="GrantSlots", kw_only=True):
    """Start attempts at these tasks, in this order; what `admit` chose."""

    tasks: tuple[str, ...]


class SucceedAttempt(Command, frozen=True, tag="SucceedAttempt", kw_only=True):
    """Report an attempt that ended well. `recovered`: its outcome was found after a crash."""

    task: str
    number: int
    summary: str = ""
    artifacts: tuple[Artifact, ...] = ()
    metrics: dict[str, float] = {}
    exit_code: int | None = None
    duration_s: float = 0.0
    recovered: bool = False


class FailAttempt(Command, frozen=True, tag="FailAttempt", kw_only=True):
    """Report an attempt that ended badly."""

    task: str
    number: int
    cause: FailureCause
    message: str = ""
    exit_code: int | None = None
    duration_s: float = 0.0


class LoseAttempt(Command, frozen=True, tag="LoseAttempt", kw_only=True):
    """Report an attempt whose owner died without leaving an outcome."""

    task: str
    number: int
    message: str = ""


class InterruptAttempt(Command, frozen=True, tag="InterruptAttempt", kw_only=True):
    """Report an attempt that was stopped by us and is not to blame."""

    task: str
    number: int
    reason: str = ""


class DecideGate(Command, frozen=True, tag="DecideGate", kw_only=True):
    """Record a gate's verdict. A human verdict carries the person's name in `by`.

    `opened_at` is the opening the verdict is about, so that a late one cannot decide a gate that
    was asked anew; None is about whichever opening there is.
    """

    gate: str
    verdict: Verdict
    by: str
    human: bool = False
    reason: str = ""
    evidence: dict[str, str] = {}
    opened_at: float | None = None


class PassTime(Command, frozen=True, tag="PassTime", kw_only=True):
    """Let time-outs and deadlines that are due take effect; adds nothing if none is."""


AnyCommand = (
    CreateRun
    | PlanRun
    | StartRun
    | AdoptRun
    | PauseRun
    | ResumeRun
    | CancelRun
    | SetLimit
    | GrantSlots
    | SucceedAttempt
    | FailAttempt
    | LoseAttempt
    | InterruptAttempt
    | DecideGate
    | PassTime
)
