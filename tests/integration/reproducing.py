"""A repository with a bug, work on it, and the checks that judge it. Not a test."""

from __future__ import annotations

import asyncio
import textwrap
from collections.abc import Mapping
from pathlib import Path

import immutables
import msgspec

from orchestrate.adapters.workspace.workspaces import GitWorkspaces
from orchestrate.core.planning.definition import GateSpec, PhaseSpec, TaskSpec, Workflow
from orchestrate.core.running.plan import PlanIndex
from orchestrate.core.running.state import RunState, TaskState
from orchestrate.core.sharing.evidence import EvidenceNote
from orchestrate.core.sharing.verdict import Judgement
from orchestrate.core.sharing.work import Work
from orchestrate.hosts.local.checks import Checks, Policy
from orchestrate.hosts.local.reproduction import REPRODUCTION_FILE
from orchestrate.hosts.local.scans import Scanned
from orchestrate.ports.workspace import WorkspaceRequest
from tests.e2e.git_states import git
from tests.integration.evidence_projects import runner, write

RUN = "run-1"
AT = 1_700_000_000.0
REPRODUCES = GateSpec("red", "reproduces", task="regression", each_merge=True, at_end=False)
FIXED = GateSpec("green", "fixed", task="regression", each_merge=True, at_end=False)
TESTS = GateSpec("tests", "tests", each_merge=True, at_end=False)
COVERAGE = GateSpec("coverage", "coverage", each_merge=True, at_end=False)

#: `mean` of nothing is the bug.
CODE = """\
def total(numbers):
    return sum(numbers)


def mean(numbers):
    return total(numbers) / len(numbers)
"""
FIX = CODE.replace(
    "    return total(numbers) / len(numbers)",
    "    return total(numbers) / len(numbers) if numbers else 0",
)
OLD_TESTS = """\
from sums import mean, total


def test_total():
    assert total([1, 2]) == 3


def test_mean():
    assert mean([1, 3]) == 2
"""
RED = """\
from sums import mean


def test_mean_of_nothing():
    assert mean([]) == 0
"""
CONFIGURED = "[tool.pytest.ini_options]\naddopts = '-q'\n"


class Scripted:
    """Scans that say of each commit what a test wrote down."""

    def __init__(self, found: Mapping[str, Scanned]) -> None:
        self._found = found

    async def scan(self, run: str, commit: str, inputs: object) -> Scanned:
        return self._found[commit]


class Bug:
    """One repository and one run on it. `state` knows the regression test once it is delivered."""

    def __init__(self, folder: Path, files: Mapping[str, str] | None = None) -> None:
        self.folder = folder
        self.root = write(
            folder / "user",
            files
            or {"pyproject.toml": CONFIGURED, "sums.py": CODE, "tests/test_sums.py": OLD_TESTS},
        )
        git(self.root, "init", "-q")
        git(self.root, "add", "-A")
        git(self.root, "commit", "-q", "-m", "as it is")
        git_dir = self.root / ".git"
        self.workspaces = GitWorkspaces(
            self.root, git_dir, git_dir / "orchestrate", folder / "home"
        )
        self.base = self.workspaces.base(RUN, "head", AT).commit
        self.runs_dir = folder / "runs"
        self.checks = self.made()
        self.state = self._state(None)

    def made(self, scans: Mapping[str, Scanned] | None = None, **policy: object) -> Checks:
        """Checks as another process would make them; `scans` maps commits to what is found."""
        return Checks(
            self.workspaces,
            runner(self.folder),
            Scripted(scans or {}),  # type: ignore[arg-type]
            self.runs_dir,
            Policy(**{"trusted": True, "timeout_s": 60.0, **policy}),  # type: ignore[arg-type]
        )

    def work(self, files: Mapping[str, str | None], base: str = "", name: str = "task.1") -> Work:
        """The commit of an attempt that leaves `files` (None: takes them away)."""
        workspace = self.workspaces.prepare(WorkspaceRequest(RUN, name, base or self.base))
        for path, text in files.items():
            place = Path(workspace.folder, path)
            if text is None:
                place.unlink()
            else:
                place.parent.mkdir(parents=True, exist_ok=True)
                place.write_text(textwrap.dedent(text), "utf-8")
        work = self.workspaces.collect(workspace, f"{name}\n", AT)
        assert work is not None
        return work

    def deliver(self, files: Mapping[str, str | None]) -> Work:
        """The regression test, delivered."""
        work = self.work(files, name="regression.1")
        self.state = self._state(work)
        return work

    def judge(
        self, gate: GateSpec, commit: str = "", before: str = "", checks: Checks | None = None
    ) -> tuple[Judgement, EvidenceNote]:
        """The gate's verdict on `commit`, which follows on `before` (the base)."""
        judging = (checks or self.checks).judge(
            self.state, gate.name, gate, commit or self.base, before or self.base
        )
        return asyncio.run(judging)

    def reproduced(self, files: Mapping[str, str | None]) -> tuple[Judgement, EvidenceNote]:
        """The verdict on a regression test."""
        self.deliver(files)
        return self.judge(REPRODUCES)

    def fixed(self, files: Mapping[str, str | None]) -> tuple[Judgement, EvidenceNote]:
        """The verdict on a fix that follows on the delivered test."""
        line = self.line
        return self.judge(FIXED, self.work(files, line, "fix.1").commit, line)

    @property
    def line(self) -> str:
        """The line once the regression test is merged."""
        work = self.state.task("regression").work
        assert work is not None
        return work.commit

    @property
    def written_down(self) -> dict[str, dict[str, object]]:
        """What is kept of reproductions beside the run."""
        path = self.runs_dir / RUN / REPRODUCTION_FILE
        found: dict[str, dict[str, object]] = msgspec.json.decode(path.read_bytes())
        return found

    def _state(self, work: Work | None) -> RunState:
        task = TaskSpec("regression", "look", agent="a", writes=("tests/**",))
        flow = Workflow("w", phases=(PhaseSpec("look"),), tasks=(task,))
        tasks = immutables.Map({0: TaskState(work=work)})
        return RunState(run=RUN, plan=PlanIndex(flow), base=self.base, tasks=tasks)
