"""Accepting what is already there: a committed file of findings that do not count again.

    {"version": 1, "entries": [{"fingerprints": ["ab…"], "rule": "ORC-PY-101",
      "path": "src/app.py", "reason": "accepted at adoption", "date": "2025-03-01"}]}

An entry matches by fingerprint, which survives moved lines. Entries that match nothing are stale;
they are listed, and dropped when the file is written again after a conclusive scan.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

import msgspec

from orchestrate.core.sharing.deduplication import fingerprints_of
from orchestrate.core.sharing.findings import Analysis, Finding
from orchestrate.errors import DefinitionError

#: How `Finding.suppressed` begins; the reason follows.
BASELINE_PREFIX = "baseline: "


class BaselineEntry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One accepted finding. `date` (YYYY-MM-DD) is when it was accepted."""

    fingerprints: tuple[str, ...]
    rule: str
    path: str
    reason: str
    date: str


class Baseline(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The file."""

    version: Literal[1] = 1
    entries: tuple[BaselineEntry, ...] = ()


class BaselineUpdate(msgspec.Struct, frozen=True):
    """A new baseline and how it differs from the one before."""

    baseline: Baseline
    added: tuple[BaselineEntry, ...]
    stale: tuple[BaselineEntry, ...]


def parse_baseline(data: bytes, path: str) -> Baseline:
    """Read a baseline file. Raises DefinitionError naming `path` and what is wrong.

    An entry without a reason is refused: a suppression nobody can explain is not one.
    """
    try:
        baseline = msgspec.json.decode(data, type=Baseline)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise DefinitionError(
            f"{path}: not a baseline file: {error}",
            remedy="correct it, or remove it and run: orchestrate security --update-baseline FILE",
        ) from error
    for number, entry in enumerate(baseline.entries, start=1):
        if not entry.reason.strip() or not any(entry.fingerprints):
            missing = "reason" if entry.fingerprints else "fingerprint"
            raise DefinitionError(
                f"{path}: entry {number} ({entry.rule} in {entry.path}) has no {missing}",
                remedy=f"give the entry a {missing}, or remove it",
            )
    return baseline


def encode_baseline(baseline: Baseline) -> bytes:
    """The bytes to write: indented, entries by path and rule, so that a diff reads well."""
    ordered = tuple(sorted(baseline.entries, key=lambda e: (e.path, e.rule, e.fingerprints)))
    encoded = msgspec.json.encode(msgspec.structs.replace(baseline, entries=ordered))
    return msgspec.json.format(encoded, indent=2) + b"\n"


def apply_baseline(
    findings: tuple[Finding, ...], baseline: Baseline
) -> tuple[tuple[Finding, ...], tuple[Finding, ...]]:
    """Findings that stand and findings that are suppressed, each in the given order."""
    by_print = {
        print_: entry for entry in baseline.entries for print_ in entry.fingerprints if print_
    }
    standing: list[Finding] = []
    suppressed: list[Finding] = []
    for finding in findings:
        entry = next((by_print[p] for p in sorted(fingerprints_of(finding)) if p in by_print), None)
        if entry is None:
            standing.append(finding)
            continue
        reason = f"{BASELINE_PREFIX}{entry.reason} ({entry.date})"
        suppressed.append(msgspec.structs.replace(finding, suppressed=reason))
    return tuple(standing), tuple(suppressed)


def stale_entries(baseline: Baseline, findings: Iterable[Finding]) -> tuple[BaselineEntry, ...]:
    """Entries none of whose fingerprints occurs in `findings`."""
    present = frozenset[str]().union(*map(fingerprints_of, findings))
    return tuple(entry for entry in baseline.entries if present.isdisjoint(entry.fingerprints))


def updated_baseline(
    previous: Baseline, analysis: Analysis, *, reason: str, date: str
) -> BaselineUpdate:
    """`previous` with every standing finding accepted for `reason` that it did not accept already.

    Entries that still match keep their reason and date. Stale ones are dropped only when the scan
    is conclusive: a tool that could not look cannot tell that a flaw is gone. Inline ignores are
    not copied.
    """
    seen = (*analysis.findings, *analysis.suppressed)
    stale = stale_entries(previous, seen)
    accepted = {print_ for entry in previous.entries for print_ in entry.fingerprints}
    added = tuple(
        BaselineEntry(
            fingerprints=tuple(sorted(fingerprints_of(finding))),
            rule=finding.rule,
            path=finding.location.path,
            reason=reason,
            date=date,
        )
        for finding in analysis.findings
        if accepted.isdisjoint(fingerprints_of(finding))
    )
    gone = () if analysis.unknown else stale
    kept = tuple(entry for entry in previous.entries if entry not in gone)
    return BaselineUpdate(Baseline(entries=(*kept, *added)), added=added, stale=stale)
