"""Performing one attempt."""

from __future__ import annotations

from typing import Any, Protocol

import msgspec

from orchestrate.core.agents.permissions import Enforcement, Permissions
from orchestrate.core.agents.profile import Profile
from orchestrate.core.ids import AttemptKey
from orchestrate.core.planning.budget import UNLIMITED, Budget
from orchestrate.core.planning.definition import FailureCause, InputValue, OutputSpec, TaskSpec
from orchestrate.core.planning.staffing import Assignee
from orchestrate.core.sharing.artifact import Artifact
from orchestrate.core.sharing.evidence import EvidenceNote
from orchestrate.core.sharing.findings import TimelineEntry
from orchestrate.core.sharing.usage import AgentSession, Denial, Usage
from orchestrate.core.sharing.work import Conflict, Proof, Work
from orchestrate.ports.evidence import Toolbox
from orchestrate.ports.process import ProcessOutcome, ProcessSpec


class UpstreamArtifact(msgspec.Struct, frozen=True):
    """An output of an earlier task; `path` is absolute and read-only."""

    task: str
    name: str
    path: str
    digest: str


class ContextFile(msgspec.Struct, frozen=True, omit_defaults=True):
    """A file of the repository that an agent is given: relative `path`, contents, SHA-256."""

    path: str
    text: str
    digest: str = ""


class Feedback(msgspec.Struct, frozen=True, omit_defaults=True):
    """Why the attempt before failed or its work was sent back: said to the one that follows.

    `evidence` maps a check's name to the file with what was seen.
    """

    cause: FailureCause
    message: str
    evidence: dict[str, str] = {}


class Delivery(msgspec.Struct, frozen=True, omit_defaults=True):
    """What became of the work of one task, for reports.

    `standing` is "merged", "unverified" (merged although a check could not tell), "kept off" (not
    merged, because a check could not tell), "taken back" (a check failed), "failed" (there was
    nothing to merge) or "unfinished". `commit` is the work's own commit, `merged` the line's after
    it. `item` holds the values of the list item the task stood for.
    """

    task: str
    standing: str
    message: str = ""
    commit: str = ""
    merged: str = ""
    paths: tuple[str, ...] = ()
    checks: tuple[EvidenceNote, ...] = ()
    item: dict[str, InputValue] = {}
    artifacts: tuple[UpstreamArtifact, ...] = ()


class AttemptRequest(msgspec.Struct, frozen=True, omit_defaults=True):
    """Everything an attempt may know. Serialised as `request.json` in the attempt's folder.

    All paths are absolute. `repository` must not be written to; `outputs_dir` is where declared
    outputs go; `scratch_dir` is private and removed afterwards. `agent` and `action` are empty for
    shell tasks, whose command is `command`.

    `workspace` is the attempt's own copy of the repository at commit `base`, to read and write as
    it likes; empty when it has none and looks at `repository` itself. `item` holds the values of
    the list item a task of a group stands for. `feedback` says why earlier work was sent back.
    `conflicts` are the files in `workspace` with both sides marked, to be resolved; `merging` is
    the commit they come from. `sparse` are the folders the workspace has; empty for all.
    `snapshot` is a commit whose files the workspace starts with. Only with `writes` is what changed
    in the workspace kept; `paths` are patterns of what is expected to change. `deliveries` tells
    what became of the work of earlier tasks.

    What follows is for models. `assignee` is who performs it. `cap` is what this attempt may
    consume. `session` is the conversation to go on with. `permissions` are what the profile and the
    user's own rules allow. `standards` are the project's instruction files at `base`, `plan` the
    run's shared plan as text: both are material, never consent. `answer_schema` is the JSON Schema
    (an object) that the answer has to match; it is always there for models. `advice` is what an
    architect said after earlier failures; `advising`: this attempt gives such advice and changes
    nothing. `must_change`: ending without a change is a failure. `sessions_dir` is a private folder
    kept for the task's later attempts; `reused_dir` one that no other attempt uses meanwhile and
    later ones of the run use again, for what an agent's program would otherwise make anew each
    time. With `toolbox`, what the agent runs finds the project's test environment.
    """

    key: AttemptKey
    token: str
    phase: str
    repository: str
    folder: str
    outputs_dir: str
    scratch_dir: str
    agent: str = ""
    action: str = ""
    backend: str = ""
    command: str = ""
    prompt: str = ""
    profile: Profile | None = None
    env: dict[str, str] = {}
    inputs: dict[str, InputValue] = {}
    outputs: tuple[OutputSpec, ...] = ()
    artifacts: tuple[UpstreamArtifact, ...] = ()
    timeline: tuple[TimelineEntry, ...] = ()
    timeout_s: float = 1800.0
    workspace: str = ""
    base: str = ""
    writes: bool = False
    paths: tuple[str, ...] = ()
    sparse: tuple[str, ...] = ()
    merging: str = ""
    snapshot: str = ""
    deliveries: tuple[Delivery, ...] = ()
    item: dict[str, InputValue] = {}
    feedback: Feedback | None = None
    conflicts: tuple[Conflict, ...] = ()
    assignee: Assignee | None = None
    cap: Budget = UNLIMITED
    session: AgentSession | None = None
    permissions: Permissions = Permissions()
    standards: tuple[ContextFile, ...] = ()
    plan: str = ""
    answer_schema: dict[str, Any] = {}
    advice: str = ""
    advising: bool = False
    must_change: bool = False
    sessions_dir: str = ""
    reused_dir: str = ""
    toolbox: Toolbox = Toolbox()


class AttemptResult(msgspec.Struct, frozen=True, omit_defaults=True):
    """How an attempt ended. `cause` is set exactly when `ok` is false.

    `summary` is the performer's own sentence, never rewritten. `metrics` are numbers the performer
    computed (counts of findings by severity, for instance); conditions can refer to them.
    `recovered`: the outcome was found on disk after a crash. `interrupted`: it was stopped from
    outside, and what could be seen of it is told. `proofs` are commands that fail before the work
    and pass after it; `work` is what was collected from the workspace, filled in by the performer
    and not by a backend.

    `usage` is what it consumed, None if nothing could be (no model). `session` can be gone on with.
    `answer` is the structured answer as the agent gave it, not validated yet; `denials` are tool
    calls it was refused. `retry_after_s` is how long the provider asked to wait. `version` is the
    version of the agent's program that was run. `handed_on` estimates the tokens it was given,
    `follow_ups` are what it says is left to do.
    """

    ok: bool
    summary: str = ""
    cause: FailureCause | None = None
    message: str = ""
    exit_code: int | None = None
    artifacts: tuple[Artifact, ...] = ()
    metrics: dict[str, float] = {}
    duration_s: float = 0.0
    recovered: bool = False
    proofs: tuple[Proof, ...] = ()
    work: Work | None = None
    usage: Usage | None = None
    session: AgentSession | None = None
    answer: dict[str, Any] | None = None
    denials: tuple[Denial, ...] = ()
    retry_after_s: float | None = None
    version: str = ""
    handed_on: int = 0
    follow_ups: tuple[str, ...] = ()
    interrupted: bool = False


class Backend(Protocol):
    """What executes a profile as a process: two pure functions around a supervised run."""

    name: str

    def refusal(self, task: TaskSpec) -> str:
        """Why this backend could not perform `task`, or not write as it says; empty if it can."""
        ...

    def spec(self, request: AttemptRequest) -> ProcessSpec:
        """The process to run for this attempt. Raises AgentError if it cannot be run at all."""
        ...

    def parse(self, request: AttemptRequest, outcome: ProcessOutcome) -> AttemptResult:
        """Judge the ended process; declared outputs are checked by the caller, not here."""
        ...


class AgentBackend(Backend, Protocol):
    """A backend whose tasks are done by a model, through an agent's own program.

    Attributes:
        provider: whose rate limits and prices apply (`anthropic`, `openai`, …).
        hard_cost: the program itself stops at a cost; otherwise the host has to watch.
    """

    provider: str
    hard_cost: bool

    def status(self) -> BackendStatus:
        """What is there of it on this machine. Starts the program with `--version` at most."""
        ...

    def enforcement(self, permissions: Permissions, *, writes: bool) -> Enforcement:
        """What of `permissions` the program holds the agent to, and what it cannot."""
        ...

    def observed(self, request: AttemptRequest) -> Observed:
        """What can be known of a running or cut-off attempt from its files; never raises."""
        ...


class Observed(msgspec.Struct, frozen=True, omit_defaults=True):
    """The session and the usage (not complete) of an attempt that has not ended by itself."""

    usage: Usage | None = None
    session: AgentSession | None = None


class BackendStatus(msgspec.Struct, frozen=True, omit_defaults=True):
    """A backend on this machine.

    `account` is "subscription", "api" (billed by use), "none" (neither login nor key) or "unknown".
    `source` says where login or key is (a variable's name, a file), never the key. `tested` is the
    range of versions that were tested. `remedy` is one line: what to do if it cannot be used.
    """

    name: str
    found: str = ""
    version: str = ""
    tested: str = ""
    in_range: bool = False
    account: str = "none"
    source: str = ""
    usable: bool = False
    notes: tuple[str, ...] = ()
    remedy: str = ""


class Performer(Protocol):
    """Performs attempts to the end."""

    async def perform(self, request: AttemptRequest) -> AttemptResult:
        """Perform; cancelling the awaiting task stops the attempt and leaves nothing running.

        What had ended by itself before it could be stopped still returns its result.
        """
        ...

    async def recover(self, request: AttemptRequest) -> AttemptResult | None:
        """The result of an attempt whose driver died, if its outcome was recorded, else None.

        Also makes sure nothing of the attempt is still running.
        """
        ...
