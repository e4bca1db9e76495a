"""Records a history of each scenario with the present program, under the present schema.

    python -m tests.replay.record

Run it when the event schema changes, and commit the new files beside the old ones. An existing file
is never written again.
"""

from __future__ import annotations

from orchestrate.core.codec import SCHEMA
from orchestrate.core.planning.budget import Budget
from orchestrate.core.planning.definition import (
    EachSpec,
    GateSpec,
    InputSpec,
    Limits,
    OutputSpec,
    PhaseSpec,
    RetryPolicy,
    TaskSpec,
    Workflow,
)
from orchestrate.core.planning.staffing import Assignee, HandOver
from orchestrate.core.running import commands as cmd
from orchestrate.core.running.events import GroupItem
from orchestrate.core.sharing.usage import CostSource, Usage
from orchestrate.hosts.simulator.behaviour import (
    Conduct,
    Handing,
    Joining,
    Judgement,
    Listing,
    Scripted,
)
from orchestrate.hosts.simulator.faults import Closure, Faults, GoBack, Intervention, Repeat
from orchestrate.hosts.simulator.simulate import History, simulate
from tests.replay.recording import FOLDER, write

SCAN = Workflow(
    name="scan",
    description="three scans side by side, then an analysis behind a gate",
    inputs=(InputSpec("depth", "integer", default=2),),
    phases=(
        PhaseSpec("scanning", max_concurrent=2, gates=(GateSpec("tests", "command", command="t"),)),
        PhaseSpec(
            "analysis",
            depends_on=("scanning",),
            gates=(
                GateSpec("approve", "human", approvers=("ada",), deadline_s=3600.0),
                GateSpec("clean", "condition", condition="tasks.rank.metrics.high == 0"),
            ),
        ),
        PhaseSpec("report", depends_on=("analysis",)),
    ),
    tasks=(
        TaskSpec("bandit", "scanning", agent="security-scout", action="scan", expected_s=5.0),
        TaskSpec(
            "audit",
            "scanning",
            run="audit --depth 2",
            retry=RetryPolicy(max_attempts=3, backoff_s=2.0),
            outputs=(OutputSpec("findings", "findings.json", media_type="application/json"),),
        ),
        TaskSpec("graph", "scanning", agent="architect", prompt="Draw it, {{ inputs.depth }} deep"),
        TaskSpec("rank", "analysis", run="rank", needs=("bandit", "audit", "graph")),
        TaskSpec("deep", "analysis", run="deep", when="inputs.depth > 5"),
        TaskSpec("more", "analysis", run="more", when="tasks.audit.ok", needs=("audit",)),
        TaskSpec("html", "report", run="html", trigger="one_success", needs=("rank", "deep")),
        TaskSpec("sarif", "report", run="sarif", needs=("rank",), priority=3),
    ),
)
_SCAN_GOES = {
    ("audit", 1): Conduct(3.0, "exit"),
    ("audit", 2): Conduct(4.0),
    ("rank", 1): Conduct(2.0, metrics={"high": 0.0, "low": 7.0}),
}


def _straight() -> History:
    return simulate(SCAN, {"depth": 2}, seed=1, behaviour=Scripted(_SCAN_GOES))


def _crashes() -> History:
    faults = Faults(
        crashes=frozenset({9, 14, 22, 31, 40, 41}),
        restart_after_s=1.0,
        lost_acknowledgements=frozenset({5}),
        repeats=(Repeat(1, 0.0), Repeat(3, 20.0)),
        snapshot_every=7,
    )
    return simulate(SCAN, {"depth": 2}, seed=2, behaviour=Scripted(_SCAN_GOES), faults=faults)


def _refused_then_resumed() -> History:
    behaviour = Scripted(
        {**_SCAN_GOES, ("sarif", 1): Conduct(1.0, "missing_output")},
        {
            "tests": (Judgement(1.0, "failed"), Judgement(1.0, "unknown"), Judgement(1.0)),
            "approve": (Judgement(9_999.0), Judgement(30.0, by="ada")),
        },
        resumes=9,
    )
    return simulate(SCAN, {"depth": 2}, seed=3, behaviour=behaviour)


def _cancelled() -> History:
    commands: tuple[tuple[float, cmd.AnyCommand], ...] = (
        (1.0, cmd.SetLimit(max_parallel=1, by="ada")),
        (2.0, cmd.PauseRun(reason="lunch", by="ada")),
        (60.0, cmd.ResumeRun(reason="back", by="ada")),
        (61.0, cmd.CancelRun(reason="no longer wanted", by="grace")),
    )
    behaviour = Scripted({**_SCAN_GOES, ("graph", 1): Conduct(500.0)})
    faults = Faults(interventions=tuple(Intervention(at, command) for at, command in commands))
    return simulate(SCAN, {"depth": 2}, seed=4, behaviour=behaviour, faults=faults)


ROUND = Workflow(
    name="round",
    description="goes on round failures, and runs out of time once",
    phases=(PhaseSpec("try"), PhaseSpec("clean", depends_on=("try",))),
    tasks=(
        TaskSpec("one", "try", run="one"),
        TaskSpec("two", "try", run="two", needs=("one",)),
        TaskSpec("odd", "try", run="odd", when="inputs.absent == 1"),
        TaskSpec("any", "try", run="any", needs=("one", "slow"), trigger="one_success"),
        TaskSpec("slow", "try", run="slow", expected_s=90.0),
        TaskSpec("sweep", "clean", run="sweep", trigger="all_done"),
        TaskSpec("ship", "clean", run="ship"),
    ),
    limits=Limits(max_parallel=3, timeout_s=60.0),
    on_failure="continue",
)


def _round_failures() -> History:
    behaviour = Scripted(
        {
            ("one", 1): Conduct(2.0, "unavailable"),
            ("one", 2): Conduct(2.0, "crash"),
            ("slow", 2): Conduct(5.0),
        },
        resumes=2,
    )
    return simulate(ROUND, seed=5, behaviour=behaviour)


FIX = Workflow(
    name="fix",
    description="fixes one finding each behind a gate, then reports; works overlap and conflict",
    phases=(
        PhaseSpec("plan"),
        PhaseSpec(
            "fix",
            depends_on=("plan",),
            gates=(
                GateSpec("green", "tests", each_merge=True),
                GateSpec("review", "human", approvers=("ada",), remind_s=20.0),
            ),
        ),
        PhaseSpec("report", depends_on=("fix",)),
    ),
    tasks=(
        TaskSpec("list", "plan", run="list", outputs=(OutputSpec("fixes", "fixes.json"),)),
        TaskSpec(
            "fix",
            "fix",
            agent="code-smith",
            prompt="Fix {{ item.key }}",
            needs=("list",),
            each=EachSpec("list", "fixes", limit=5, tolerate=True),
            writes=("src/",),
            max_returns=1,
        ),
        TaskSpec("docs", "fix", run="docs", writes=("docs/",), expected_s=400.0),
        TaskSpec("notes", "fix", run="notes", writes=("docs/notes.md",)),
        TaskSpec("html", "report", run="html"),
    ),
    resolver=TaskSpec("resolver", "fix", agent="conflict-resolver"),
    checkpoint_every_s=150.0,
)
_FIXES = Listing(
    (
        GroupItem("yaml", {"path": "src/a.py"}, ("src/a.py",)),
        GroupItem("hash", {"path": "src/b.py"}, ("src/b.py",)),
        GroupItem("none", {"path": "src/c.py"}),
    ),
    after_s=2.0,
)


def _fixes() -> History:
    """Conflicts with and without a resolver, works sent back, a gate that takes everything back."""
    behaviour = Scripted(
        {
            ("fix.none", 1): Conduct(3.0, delivers=False),
            ("fix.none", 2): Conduct(3.0, "exit"),
            # The resolver of this one fails.
            ("docs", 2): Conduct(5.0, "exit"),
        },
        {"review": (Judgement(50.0, "failed", by="ada"), Judgement(5.0, by="ada"))},
        resumes=9,
        joins={
            ("fix.yaml", 1): Joining(4.0, "conflict"),
            ("fix.hash", 1): Joining(4.0, "checks_failed"),
            ("fix.hash", 2): Joining(4.0, "unverified"),
            ("docs", 1): Joining(4.0, "conflict"),
        },
        lists={"fix": _FIXES},
    )
    commands: tuple[tuple[float, cmd.AnyCommand], ...] = (
        (100.0, cmd.AskCheckpoint(note="before lunch", by="ada")),
        (600.0, cmd.RecordAudit(verdict="failed", changes=("refs/heads/main moved",))),
    )
    faults = Faults(
        crashes=frozenset({150, 210, 211, 240}),
        restart_after_s=2.0,
        interventions=tuple(Intervention(at, command) for at, command in commands),
        snapshot_every=9,
    )
    return simulate(FIX, seed=6, behaviour=behaviour, faults=faults)


def _back_and_forth() -> History:
    """The same workflow, gone back from in the middle of an expansion, and forward again."""
    behaviour = Scripted(lists={"fix": _FIXES}, resumes=2)
    faults = Faults(
        rollbacks=(GoBack(6.0, 1), GoBack(460.0, 4), GoBack(480.0, 6), GoBack(1_500.0, 2)),
        repeats=(Repeat(2, 30.0), Repeat(5, 30.0)),
    )
    return simulate(FIX, seed=7, behaviour=behaviour, faults=faults)


_CLAUDE = Assignee(
    "builder",
    "claude",
    provider="anthropic",
    paid=True,
    hard=True,
    allowance=Budget(cost_usd=0.5),
)
_CODEX = Assignee(
    "builder",
    "codex",
    model="m",
    provider="openai",
    paid=True,
    allowance=Budget(cost_usd=0.25, tokens=100_000),
)
AGENTS = Workflow(
    name="agents",
    description="paid agents that fail in every way, until somebody else or a person does it",
    phases=(PhaseSpec("plan"), PhaseSpec("build", depends_on=("plan",))),
    tasks=(
        TaskSpec(
            "impact",
            "plan",
            agent="architect",
            backend="claude",
            prompt="look",
            staff=(_CLAUDE, _CODEX),
            outputs=(OutputSpec("parts", "parts.json"),),
        ),
        TaskSpec(
            "fix",
            "build",
            agent="builder",
            backend="claude",
            prompt="fix",
            needs=("impact",),
            writes=("src/**",),
            staff=(_CLAUDE, _CODEX),
            retry=RetryPolicy(max_attempts=2, backoff_s=1.0),
            advisor=_CLAUDE,
            hand_over=HandOver(deadline_s=600.0),
            must_change=True,
            budget=Budget(cost_usd=20.0),
        ),
        TaskSpec(
            "large",
            "build",
            agent="builder",
            backend="codex",
            prompt="do all",
            needs=("impact",),
            staff=(_CODEX,),
            split=EachSpec("impact", "parts"),
            retry=RetryPolicy(max_attempts=1),
        ),
        TaskSpec(
            "note",
            "build",
            agent="scribe",
            backend="scripted",
            needs=("impact",),
            staff=(Assignee("scribe", "scripted"),),
        ),
        TaskSpec("sign", "build", agent="human", backend="human", prompt="sign", needs=("fix",)),
    ),
    limits=Limits(budget=Budget(cost_usd=1.0), backends={"codex": Budget(tokens=10_000_000)}),
)


def _used(cost_usd: float | None, tokens: int = 1_000) -> Usage:
    source: CostSource = "unknown" if cost_usd is None else "reported"
    return Usage(output_tokens=tokens, turns=2, cost_usd=cost_usd, cost_source=source, model="m")


def _agents() -> History:
    """Every rung of the ladder; money runs out once, a crash loses an attempt, people take over."""
    behaviour = Scripted(
        {
            ("impact", 1): Conduct(3.0, "rate_limit", usage=_used(0.01), retry_after_s=20.0),
            ("impact", 2): Conduct(3.0, usage=_used(0.2)),
            ("fix", 1): Conduct(9.0, "crash", usage=_used(0.3)),
            ("fix", 2): Conduct(9.0, "bad_output", usage=_used(0.2)),
            ("fix", 3): Conduct(9.0, "denied", usage=_used(None)),
            ("fix", 4): Conduct(9.0, usage=_used(0.05)),
            ("fix", 5): Conduct(9.0, "empty_diff", usage=_used(0.05)),
            ("large", 1): Conduct(50.0, "timeout", usage=_used(None, 70_000)),
            ("large.one", 1): Conduct(5.0, usage=_used(0.02)),
            ("large.two", 1): Conduct(5.0, "budget", usage=_used(0.25)),
            ("note", 1): Conduct(100.0, usage=_used(0.01)),
        },
        lists={"large": Listing((GroupItem("one"), GroupItem("two")))},
        handings={
            ("fix", 6): Handing(30.0, by="ada"),
            ("sign", 1): Handing(60.0, declines=True, by="grace"),
            ("sign", 2): Handing(60.0, by="grace"),
        },
        resumes=9,
    )
    more = cmd.SetBudget(budget=Budget(cost_usd=9.0), by="ada")
    faults = Faults(
        crashes=frozenset({16, 105}),
        restart_after_s=2.0,
        interventions=(Intervention(130.0, more),),
        closures=(Closure("openai", 131.0, 20.0),),
        snapshot_every=7,
    )
    return simulate(AGENTS, seed=8, behaviour=behaviour, faults=faults)


SCENARIOS = {
    "straight": ("a retry, a skip and every kind of gate, undisturbed", _straight),
    "crashes": ("the same with six crashes and a lost acknowledgement", _crashes),
    "resumed": ("gates failed, unknown and past their deadline; resumed", _refused_then_resumed),
    "cancelled": ("limited, paused, resumed and cancelled with work going on", _cancelled),
    "round-failures": ("goes on after failures, times out, is resumed", _round_failures),
    "fixes": ("a group whose work is merged, sent back, in conflict and taken back", _fixes),
    "agents": ("agents fail, are paid, run out of money; a person goes on", _agents),
    "back-and-forth": ("gone back to checkpoints and forward again", _back_and_forth),
}


def main() -> None:
    """Write what is not there yet."""
    FOLDER.mkdir(exist_ok=True)
    for name, (about, make) in SCENARIOS.items():
        path = FOLDER / f"schema-{SCHEMA}-{name}.jsonl"
        if not path.exists():
            history = make()
            write(path, about, history.events, history.state)


if __name__ == "__main__":
    main()
