"""Fixes of real packages: proven one by one where the tests run, kept off the branch where not."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from orchestrate.core.sharing.remediation import FixOutcome, check_of
from tests.e2e.command import ARGV, Result, orchestrate
from tests.e2e.git_states import git
from tests.e2e.scanning import Scan, snapshot
from tests.packages import fetch_sdist, index_settings
from tests.planted_fixes import FLAWS, plant_fixable, write_advisories

pytestmark = [
    pytest.mark.packages,
    pytest.mark.index,
    pytest.mark.slow,
    pytest.mark.timeout(1_800),
]

#: Package -> version and the number of its tests.
PROVEN = {"h11": ("0.16.0", 78), "sqlparse": ("0.6.1", 540), "itsdangerous": ("2.2.0", 297)}
#: Packages whose tests cannot run on this Python -> version and a module to plant a flaw in.
UNKNOWN = {
    "PyYAML": ("3.13", "lib3/yaml/nodes.py"),
    "Flask": ("0.12.2", "flask/signals.py"),
    "requests": ("2.19.1", "requests/structures.py"),
}
#: The flaws and the pin.
PLANTED = len(FLAWS) + 1


class Fixed(Scan):
    """A scan with fixes.

    Attributes:
        root: the scanned repository.
        base: its commit when the scan began.
    """

    def __init__(self, result: Result, root: Path, base: str) -> None:
        super().__init__(result)
        self.root = root
        self.base = base

    @property
    def fixes(self) -> tuple[FixOutcome, ...]:
        return self.document.remediation.fixes

    @property
    def branch(self) -> str:
        return f"orchestrate/{self.data['run']}"


def security(root: Path, *arguments: str, env: Mapping[str, str]) -> Fixed:
    """Scan and fix `root`, and see that what was there is there as it was."""
    base = git(root, "rev-parse", "HEAD").strip()
    before = users_things(root)
    done = subprocess.run(
        [*ARGV, "security", "--repo", str(root), "--json", *arguments],
        cwd=root,
        env={**os.environ, **env},
        capture_output=True,
        text=True,
        timeout=1_700,
        check=False,
    )
    result = Result(done)
    assert result.code == 0, result
    fixed = Fixed(result, root, base)
    assert users_things(root, but=fixed.branch) == before
    return fixed


def users_things(root: Path, *, but: str = "") -> tuple[object, ...]:
    """Files, refs, HEAD, index and settings, without what a run may add."""
    files = snapshot(root, without=(".git",))
    refs = git(root, "for-each-ref", "--format=%(refname) %(objectname)").splitlines()
    kept = [
        ref
        for ref in refs
        if not ref.startswith("refs/orchestrate/") and ref.split()[0] != f"refs/heads/{but}"
    ]
    parts = [(root / ".git" / name).read_bytes() for name in ("HEAD", "index", "config")]
    return files, kept, parts


def committed(root: Path) -> Path:
    git(root, "init", "-q")
    git(root, "add", "-A")
    git(root, "commit", "-q", "-m", "as released")
    return root


def total(summary: str) -> int:
    """How many tests `540 passed, 2 expected failures` speaks of."""
    return sum(int(number) for number in re.findall(r"(\d+) [a-z]", summary.partition(";")[0]))


@pytest.fixture(scope="module", params=PROVEN)
def proven(request: pytest.FixtureRequest, user_environment: dict[str, str]) -> Fixed:
    """The planted copy of each package in turn, fixed; its tests stand together and share it."""
    name = str(request.param)
    root = fetch_sdist(name, PROVEN[name][0])
    plant_fixable(root, name)
    advisories = write_advisories(root.parent / "advisories")
    arguments = ("--trust-repo", "--advisories", str(advisories))
    return security(committed(root), *arguments, env=index_settings(user_environment))


@pytest.fixture
def tests(proven: Fixed) -> int:
    """How many tests the package has."""
    name = proven.root.name.rpartition("-")[0]
    return PROVEN[name][1]


def test_every_planted_flaw_is_fixed_in_a_commit_of_its_own(proven: Fixed) -> None:
    assert [fix.why for fix in proven.fixes if fix.standing != "merged"] == []
    assert {fix.codemod for fix in proven.fixes} == {flaw.codemod for flaw in FLAWS} | {"raise-pin"}
    assert proven.document.remediation.totals["merged"] == PLANTED == len(proven.fixes)
    assert len({fix.commit for fix in proven.fixes}) == PLANTED
    log = git(proven.root, "rev-list", "--no-merges", f"{proven.base}..{proven.branch}").split()
    assert {fix.commit for fix in proven.fixes} <= set(log)
    for fix in proven.fixes:
        changed = git(proven.root, "show", "--format=", "--name-only", fix.commit).split()
        assert sorted(changed) == sorted(fix.paths)
        assert fix.test in changed
        assert fix.path in changed


def test_the_tests_pass_before_and_after_each_fix(proven: Fixed, tests: int) -> None:
    checks = [check_of(fix, "tests") for fix in proven.fixes]
    around = sorted((total(each.before), total(each.summary)) for each in checks if each)

    assert [each.verdict for each in checks if each] == ["passed"] * PLANTED
    # Each fix brings one test, and all of the tests before it.
    assert around == [(tests + n, tests + n + 1) for n in range(PLANTED)]


def test_each_fix_is_shown_by_a_test_that_stays_and_by_a_second_scan(proven: Fixed) -> None:
    for fix in proven.fixes:
        proof, rescan = check_of(fix, "proof"), check_of(fix, "re-scan")
        assert proof is not None
        assert proof.verdict == "passed", proof
        assert rescan is not None
        assert rescan.verdict == "passed", rescan


def test_a_scan_of_the_branch_finds_none_of_the_flaws(proven: Fixed, tmp_path: Path) -> None:
    git(tmp_path, "clone", "-q", "--branch", proven.branch, str(proven.root), "branch")
    advisories = str(proven.root.parent / "advisories")
    again = orchestrate(
        "security", "--no-fix", "--json", "--advisories", advisories, cwd=tmp_path / "branch"
    )
    marks = {mark for fix in proven.fixes for mark in fix.fingerprints}

    assert again.code == 0, again
    left = Scan(again).analysis.findings
    assert [f.title for f in left if f.fingerprint in marks] == []
    assert not any(f.rule == fix.rule and f.location.path == fix.path for f in left
                   for fix in proven.fixes if fix.symbol and f.symbol == fix.symbol)  # fmt: skip


def test_the_run_says_that_nothing_of_the_user_was_touched(proven: Fixed) -> None:
    assert (proven.data["audit"], proven.data["audit_changes"]) == ("passed", [])
    assert proven.data["branch"] == proven.branch


def test_the_pull_request_names_every_fix_with_its_commit(proven: Fixed) -> None:
    text = Path(proven.data["reports"]["pull_request"]).read_text("utf-8")

    assert text.splitlines()[0] == f"Fix {PLANTED} security findings"
    for fix in proven.fixes:
        assert fix.commit[:12] in text
        assert fix.test in text
    assert f"git switch {proven.branch}" in text


@pytest.mark.parametrize("package", UNKNOWN)
def test_where_tests_cannot_run_fixes_are_unverified_and_kept_off(
    package: str, tmp_path: Path, user_environment: dict[str, str]
) -> None:
    version, module = UNKNOWN[package]
    root = fetch_sdist(package, version, tmp_path)
    path = root / module
    path.write_text(f"{path.read_text('utf-8').rstrip()}\n\n\n{FLAWS[2].code}", "utf-8")

    done = security(committed(root), "--trust-repo", env=index_settings(user_environment))

    planted = [fix for fix in done.fixes if fix.path == module]
    assert [fix.codemod for fix in planted] == [FLAWS[2].codemod]
    for fix in planted:
        assert (fix.standing, fix.merged) == ("kept off", "")
        unknown = [check for check in fix.checks if check.verdict == "unknown"]
        assert unknown
        assert all(check.summary for check in unknown), "unknown has a cause"
        assert not any(check.verdict == "failed" for check in fix.checks)
        assert fix.why
        # It is not lost: whoever wants it has its commit.
        assert fix.path in git(root, "show", "--format=", "--name-only", fix.commit).split()
    assert {fix.standing for fix in done.fixes} <= {"kept off", "failed"}
    assert done.data["branch"] == ""
    assert "pull_request" not in done.data["reports"]
    assert git(root, "branch", "--list", "orchestrate/*") == ""
