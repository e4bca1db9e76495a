"""What became of the fixes for a scan's findings: what every report says about them.

A finding has no standing of its own: it has that of the fix which was to remove it. One fix may
answer several findings, and figures about fixes count fixes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Literal

import msgspec

from orchestrate.core.sharing.deduplication import fingerprints_of
from orchestrate.core.sharing.evidence import Verdict
from orchestrate.core.sharing.findings import SEVERITY_ORDER, Finding, Severity

#: `merged`: proven, and on the branch. `unverified`: on the branch because that was asked for,
#: though a check could not tell. `kept off`: not on the branch for that reason. `taken back`: a
#: check failed. `failed`: nothing was made that could be merged. `unfinished`: the run ended first.
Standing = Literal["merged", "unverified", "kept off", "taken back", "failed", "unfinished"]
STANDINGS: tuple[Standing, ...] = (
    "merged",
    "unverified",
    "kept off",
    "taken back",
    "failed",
    "unfinished",
)
#: Standings of what the branch holds.
ON_BRANCH: frozenset[Standing] = frozenset({"merged", "unverified"})
CheckKind = Literal["proof", "re-scan", "tests", "other"]
#: How a standing reads after "<n> fixes".
STANDING_WORDS: dict[Standing, str] = {
    "merged": "proven and merged",
    "unverified": "merged without proof",
    "kept off": "not verified and kept off the branch",
    "taken back": "taken back",
    "failed": "could not be made",
    "unfinished": "not finished",
}


class FixCheck(msgspec.Struct, frozen=True):
    """One check of a fix: what decided it, and what it said.

    `summary` is said of the fix, `before` of the same check without it, where both were run to
    compare them. `command` can be typed in a checkout of the branch; empty where nothing was run.
    `digest` is the SHA-256 of the evidence, which stays with the run.
    """

    kind: CheckKind
    name: str
    verdict: Verdict
    summary: str = ""
    before: str = ""
    command: str = ""
    digest: str = ""


class Replacement(msgspec.Struct, frozen=True):
    """Lines of a file as it was scanned that a fix replaces by `text`, which ends its last line.

    `lines` of them beginning at `line` (from 1) go; with 0, `text` comes before that line.
    """

    path: str
    line: int
    lines: int
    text: str


class FixOutcome(msgspec.Struct, frozen=True):
    """One fix and what became of it.

    `fingerprints` are those of all findings it answers. `line` is that of the scanned file. `why`
    says in one sentence what stands in the way; it is empty for a merged fix. `commit` is the fix's
    own commit, `merged` that of the branch with it. `test` is the security test that comes with it,
    relative to the repository, empty where the project has no tests. `diff` is unified and leaves
    the test out; `replacements` say the same of the scanned files, and are left out where those
    differ from what was fixed. `notes` say what behaves differently.
    """

    key: str
    task: str
    rule: str
    title: str
    severity: Severity
    path: str
    line: int
    standing: Standing
    symbol: str = ""
    codemod: str = ""
    why: str = ""
    fingerprints: tuple[str, ...] = ()
    paths: tuple[str, ...] = ()
    commit: str = ""
    merged: str = ""
    test: str = ""
    diff: str = ""
    replacements: tuple[Replacement, ...] = ()
    checks: tuple[FixCheck, ...] = ()
    notes: tuple[str, ...] = ()


class NotFixed(msgspec.Struct, frozen=True):
    """A finding for which there is no automatic fix, and why. `line` is of the scanned file."""

    rule: str
    fingerprint: str
    path: str
    line: int
    severity: Severity
    title: str
    reason: str


class Remediation(msgspec.Struct, frozen=True):
    """Everything about the fixes of one run.

    `asked`: whether fixes were to be made at all. `problem` says why none could be planned.
    `totals` counts fixes by standing, every standing included. `branch` is what the run's merged
    work is published as. `not_fixed` holds findings that stand, most urgent first.
    """

    asked: bool = False
    problem: str = ""
    totals: dict[Standing, int] = {}
    branch: str = ""
    fixes: tuple[FixOutcome, ...] = ()
    not_fixed: tuple[NotFixed, ...] = ()

    def standing(self, *wanted: Standing) -> tuple[FixOutcome, ...]:
        """The fixes of these standings, in their order."""
        return tuple(fix for fix in self.fixes if fix.standing in wanted)


#: What is said of a run in which no fixes were asked for.
NO_FIXES = Remediation()


def remediation(
    fixes: Iterable[FixOutcome],
    not_fixed: Iterable[NotFixed],
    findings: Sequence[Finding],
    *,
    branch: str,
    problem: str = "",
) -> Remediation:
    """The fixes of a run in which they were asked for.

    Args:
        fixes: in the order they were planned.
        not_fixed: what the plan left, suppressed findings too.
        findings: those that stand, ranked.
        branch: the name the merged work gets.
        problem: why nothing could be planned.
    """
    made = tuple(fixes)
    rank = {mark: at for at, each in enumerate(findings) for mark in fingerprints_of(each)}
    left = [each for each in not_fixed if each.fingerprint in rank]
    return Remediation(
        asked=True,
        problem=problem,
        totals={name: sum(fix.standing == name for fix in made) for name in STANDINGS},
        branch=branch,
        fixes=made,
        not_fixed=tuple(sorted(left, key=lambda each: rank[each.fingerprint])),
    )


def by_fingerprint(found: Remediation) -> Mapping[str, tuple[int, FixOutcome]]:
    """Fingerprint of a finding -> the fix that answers it, with its number from 1."""
    return {
        mark: (number, fix)
        for number, fix in enumerate(found.fixes, start=1)
        for mark in fix.fingerprints
    }


def fix_for(
    finding: Finding, fixes: Mapping[str, tuple[int, FixOutcome]]
) -> tuple[int, FixOutcome] | None:
    """The fix that answers `finding`, among those of `by_fingerprint`."""
    marks = (finding.fingerprint, *sorted(fingerprints_of(finding)))
    return next((fixes[mark] for mark in marks if mark in fixes), None)


def sentence(found: Remediation) -> str:
    """What a hurried reader must know of the fixes; empty when none were asked for."""
    if not found.asked:
        return ""
    if found.problem:
        return f"No fix was tried: {found.problem}."
    if not found.fixes:
        return "No finding has an automatic fix."
    total = len(found.fixes)
    parts = [
        f"{found.totals[name]} {STANDING_WORDS[name]}" for name in STANDINGS if found.totals[name]
    ]
    noun = "fix" if total == 1 else "fixes"
    return f"{total} {noun}: {', '.join(parts)}."


class Reason(msgspec.Struct, frozen=True):
    """Findings that are not fixed for one reason; `counts` by severity, only those there are."""

    reason: str
    counts: dict[Severity, int]
    findings: tuple[NotFixed, ...]


def reasons(left: Sequence[NotFixed]) -> tuple[Reason, ...]:
    """`left` by reason, in the order of the first finding of each."""
    grouped: dict[str, list[NotFixed]] = {}
    for each in left:
        grouped.setdefault(each.reason, []).append(each)
    return tuple(
        Reason(
            reason,
            {
                level: count
                for level in SEVERITY_ORDER
                if (count := sum(each.severity == level for each in found))
            },
            tuple(found),
        )
        for reason, found in grouped.items()
    )


def check_of(fix: FixOutcome, kind: CheckKind) -> FixCheck | None:
    """The fix's check of that kind, the last where there are several."""
    return next((check for check in reversed(fix.checks) if check.kind == kind), None)


def said_by_tests(fix: FixOutcome) -> str:
    """What the repository's tests said before and after, on one line."""
    check = check_of(fix, "tests")
    if check is None:
        return "not run"
    if check.verdict == "unknown" or not check.before:
        return f"{check.verdict}: {check.summary}" if check.summary else check.verdict
    return f"{check.verdict}: before {check.before}, after {check.summary}"


def behaviour(note: str) -> str:
    """A fix's note under a heading that says already what it is about."""
    return note.removeprefix("behaviour: ")
