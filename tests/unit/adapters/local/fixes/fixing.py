"""Fixing in tests: all flaws of a text, and a project that is scanned, planned for and fixed."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import msgspec

from orchestrate.adapters.backends.local import apply_fix, code_review, plan_fixes, security_scan
from orchestrate.adapters.backends.local.fixes.code_fix import BY_NAME, fix_code
from orchestrate.adapters.backends.local.fixes.module_view import ModuleView
from orchestrate.adapters.backends.local.progress import silent
from orchestrate.adapters.backends.local.scan_dependencies import AdvisorySource
from orchestrate.core.ids import AttemptKey
from orchestrate.core.planning.definition import InputValue
from orchestrate.core.sharing.findings import Analysis, Finding
from orchestrate.core.sharing.ranking import analyse
from orchestrate.core.sharing.remediation import NotFixed
from orchestrate.ports.performer import AttemptRequest, AttemptResult, UpstreamArtifact

Item = dict[str, InputValue]
_GIT = ("git", "-c", "user.name=Test", "-c", "user.email=test@orchestrate.invalid")


def fixed_everywhere(
    codemod: str, data: bytes, oldest: tuple[int, int] | None = (3, 9), path: str = "pkg/module.py"
) -> bytes:
    """`data` with every flaw fixed that may be, symbol by symbol."""
    known = BY_NAME[codemod]
    flaws = [f for f in known.find(ModuleView(path, data, oldest)) if f.change is not None]
    for symbol in dict.fromkeys(flaw.symbol for flaw in flaws):
        calls = {flaw.digest for flaw in flaws if flaw.symbol == symbol}
        data = fix_code(known, ModuleView(path, data, oldest), data, symbol, calls).after
    return data


class Project:
    """A committed repository in a folder, with the attempts made for it beside it."""

    def __init__(self, folder: Path, files: Mapping[str, str | bytes] | None = None) -> None:
        self.folder = folder
        self.root = folder / "repository"
        self.root.mkdir(parents=True, exist_ok=True)
        for name, text in (files or {}).items():
            path = self.root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(text if isinstance(text, bytes) else text.encode())
        self.git("init", "-q")
        self.commit("first")

    def git(self, *arguments: str) -> str:
        done = subprocess.run([*_GIT, *arguments], cwd=self.root, check=True, capture_output=True)
        return done.stdout.decode().strip()

    def commit(self, message: str) -> str:
        self.git("add", "-A")
        self.git("commit", "-q", "--allow-empty", "-m", message)
        return self.git("rev-parse", "HEAD")

    def scan(self, advisories: Path | None = None) -> Analysis:
        """What the scout and the reviewer say, merged."""
        scratch = self.folder / "scratch"
        source = AdvisorySource(advisories)
        scout = security_scan.scan(self.root, scratch=scratch, source=source, timeout_s=300)
        reviewer = code_review.review(self.root, "code-reviewer", "code-review")
        return analyse((scout, reviewer), subject="project")

    def plan(self, analysis: Analysis) -> tuple[list[Item], list[NotFixed]]:
        """The items and the findings that stay."""
        handed = self.folder / "analysis.json"
        handed.write_bytes(msgspec.json.encode(analysis))
        artifact = UpstreamArtifact("aggregate", "analysis", str(handed), "")
        request = self.request("plan-fixes", artifacts=(artifact,))
        result = plan_fixes.run(request, silent)
        assert result.ok, result.message
        outputs = Path(request.outputs_dir)
        items = msgspec.json.decode((outputs / "fixes.json").read_bytes(), type=list[Item])
        left = msgspec.json.decode((outputs / "not-fixed.json").read_bytes(), type=list[NotFixed])
        assert result.metrics == {"fixable": len(items), "not_fixable": len(left)}
        return items, left

    def plan_for(self, *findings: Finding) -> tuple[list[Item], list[NotFixed]]:
        """As `plan`, for findings that are made up."""
        return self.plan(Analysis(subject="project", findings=findings))

    def apply(self, item: Item, **fields: object) -> AttemptResult:
        """Make the fix in the repository itself."""
        request = self.request("apply-fix", workspace=str(self.root), item=item)
        return apply_fix.run(msgspec.structs.replace(request, **fields), silent)

    def outputs(self, action: str) -> Path:
        return self.folder / f"{action}-outputs"

    def request(self, action: str, **fields: object) -> AttemptRequest:
        request = AttemptRequest(
            key=AttemptKey("run", action, 1),
            token="token",
            phase="fixes",
            repository=str(self.root),
            folder=str(self.folder),
            outputs_dir=str(self.outputs(action)),
            scratch_dir=str(self.folder / "scratch"),
            action=action,
            base=self.git("rev-parse", "HEAD"),
        )
        return msgspec.structs.replace(request, **fields)

    def prove(self, result: AttemptResult) -> subprocess.CompletedProcess[str]:
        """Run the proof of a fix in the repository as it is."""
        (proof,) = result.proofs
        argv = [sys.executable if part == "{python}" else part for part in proof.argv]
        return subprocess.run(argv, cwd=self.root, capture_output=True, text=True, check=False)
