"""Fixes in SARIF 2.1.0: what a consumer may apply to the files as they were scanned."""

from __future__ import annotations

from itertools import groupby
from typing import Any
from urllib.parse import quote

from orchestrate.adapters.backends.local.repository import disk_name
from orchestrate.core.sharing.remediation import (
    STANDING_WORDS,
    FixOutcome,
    Replacement,
    Standing,
)

#: Standings of fixes that a reader may still want to apply.
_OFFERED: frozenset[Standing] = frozenset({"merged", "unverified", "kept off"})
_Object = dict[str, Any]


def fixes_of(found: tuple[int, FixOutcome] | None) -> _Object:
    """The fix of a result (3.55), for those that may be applied."""
    if found is None or found[1].standing not in _OFFERED or not found[1].replacements:
        return {}
    fix = found[1]
    by_path = groupby(fix.replacements, key=lambda each: each.path)
    changes = [
        {
            "artifactLocation": {"uri": relative_uri(path), "uriBaseId": "SRCROOT"},
            "replacements": [_replacement(each) for each in replaced],
        }
        for path, replaced in by_path
    ]
    said = f"{fix.title} ({STANDING_WORDS[fix.standing]}, commit {fix.commit})"
    return {"fixes": [{"description": {"text": said}, "artifactChanges": changes}]}


def _replacement(change: Replacement) -> _Object:
    """Replacement (3.57) of whole lines: up to, and without, the first column of the line after."""
    region = {"startLine": change.line, "startColumn": 1, "endColumn": 1}
    region["endLine"] = change.line + change.lines
    content = {"insertedContent": {"text": change.text}} if change.text else {}
    return {"deletedRegion": region, **content}


def relative_uri(path: str) -> str:
    """A path as a relative reference; bytes that are not UTF-8 are kept."""
    return quote(disk_name(path), safe="/", errors="surrogateescape") or "."
