"""Advisories in OSV form, and whether a version is affected by one.

The form and the evaluation of ranges follow the Open Source Vulnerability schema 1.7. Only entries
for PyPI are kept; versions compare as PEP 440 says.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from orchestrate.adapters.backends.local.cvss import base_score, rating
from orchestrate.core.sharing.findings import Severity

ECOSYSTEM = "PyPI"
#: Higher than any release: stands for those that do not exist yet.
FUTURE = Version("999999999")
#: A fixed release sorts before an introduced one at the same version, so the version is affected.
_EVENT_ORDER = {"fixed": 0, "introduced": 1, "last_affected": 2, "limit": 3}
_WORDED: dict[str, Severity] = {
    "CRITICAL": "critical", "HIGH": "high", "MODERATE": "medium", "MEDIUM": "medium", "LOW": "low",
}  # fmt: skip
_CWE = re.compile(r"CWE-(\d+)")


@dataclass(frozen=True, slots=True)
class Affected:
    """Affected versions of one package: an enumeration, and ranges of (event, version) pairs.

    A range's events are in version order; "0" is before every version.
    """

    package: str
    versions: frozenset[str]
    ranges: tuple[tuple[tuple[str, str], ...], ...]

    @property
    def decidable(self) -> bool:
        """Whether versions can be matched at all; commit ranges alone cannot."""
        return bool(self.versions or self.ranges)


@dataclass(frozen=True, slots=True)
class Advisory:
    """One advisory. `severity` is with `severity_reason`; `withdrawn` a time, "" if in force."""

    id: str
    aliases: tuple[str, ...]
    summary: str
    affected: tuple[Affected, ...]
    severity: Severity
    severity_reason: str
    cwe: int
    references: tuple[str, ...]
    withdrawn: str = ""

    @property
    def names(self) -> frozenset[str]:
        """The id and the aliases: two advisories that share one are about the same flaw."""
        return frozenset((self.id, *self.aliases))


def read_advisory(raw: Any) -> Advisory:
    """An advisory from decoded JSON or YAML.

    Raises:
        ValueError: it is not in OSV form.
    """
    if not isinstance(raw, Mapping) or not raw.get("id"):
        raise ValueError("no id")
    if "affected" not in raw and not raw.get("withdrawn"):
        raise ValueError("no list of affected packages")
    severity, reason = _severity(raw)
    return Advisory(
        id=str(raw["id"]),
        aliases=tuple(sorted(_texts(raw.get("aliases")))),
        summary=_summary(raw),
        affected=tuple(_affected(each) for each in _mappings(raw.get("affected")) if _ours(each)),
        severity=severity,
        severity_reason=reason,
        cwe=_cwe(raw),
        references=tuple(
            str(each["url"]) for each in _mappings(raw.get("references")) if each.get("url")
        )[:5],
        withdrawn=str(raw.get("withdrawn") or ""),
    )


def is_affected(affected: Affected, version: str) -> bool:
    """Whether `version` is enumerated or falls into a range.

    A version that is not PEP 440 can only match the enumeration, letter by letter.
    """
    parsed = _version(version)
    if version in affected.versions:
        return True
    if parsed is None:
        return False
    if any(_version(each) == parsed for each in affected.versions):
        return True
    return any(_in_range(events, parsed) for events in affected.ranges)


def allowed_affected(affected: Affected, specifier: str) -> tuple[str, ...]:
    """Versions allowed by `specifier` that are affected, oldest first, as far as they are known.

    Known are the enumerated versions, the ends of the ranges and the versions in the specifier.
    """
    allowed = SpecifierSet(specifier)
    known = set(affected.versions) | {v for events in affected.ranges for _, v in events}
    known |= {each.version for each in allowed}
    versions = {v for v in map(_version, known) if v is not None}
    found = (v for v in versions if allowed.contains(v, prereleases=True) and _affects(affected, v))
    return tuple(str(version) for version in sorted(found))


def has_escape(affected: Affected, specifier: str) -> bool:
    """Whether `specifier` also allows a version that is not affected.

    Looked at: the versions that fix it, and any later release. Not known releases in between are
    not looked for.
    """
    allowed = SpecifierSet(specifier)
    candidates = [FUTURE]
    for version in fixed_versions(affected):
        parsed = _version(version)
        if parsed is not None:
            candidates.append(parsed)
    return any(
        allowed.contains(each, prereleases=True) and not _affects(affected, each)
        for each in candidates
    )


def fixed_versions(affected: Affected) -> tuple[str, ...]:
    """The versions that fix it, oldest first."""
    fixed = {v for events in affected.ranges for kind, v in events if kind == "fixed"}
    return tuple(sorted(fixed, key=lambda v: _version(v) or FUTURE))


def _affects(affected: Affected, version: Version) -> bool:
    return is_affected(affected, str(version))


def _in_range(events: tuple[tuple[str, str], ...], version: Version) -> bool:
    """The algorithm of the schema's section "Evaluation"."""
    limits = [bound for kind, bound in events if kind == "limit"]
    if limits and not any(
        bound == "*" or (end := _version(bound)) is None or version < end for bound in limits
    ):
        return False
    vulnerable = False
    for kind, text in events:
        bound = _version(text)
        if kind == "introduced" and (text == "0" or (bound is not None and version >= bound)):
            vulnerable = True
        elif bound is None:
            continue
        elif (kind == "fixed" and version >= bound) or (
            kind == "last_affected" and version > bound
        ):
            vulnerable = False
    return vulnerable


@functools.lru_cache(maxsize=50_000)
def _version(text: str) -> Version | None:
    try:
        return Version(text)
    except InvalidVersion:
        return None


def _affected(raw: Mapping[str, Any]) -> Affected:
    ranges = []
    for each in _mappings(raw.get("ranges")):
        if each.get("type") not in {"ECOSYSTEM", "SEMVER"}:
            continue
        events = [
            (str(kind), str(version))
            for event in _mappings(each.get("events"))
            for kind, version in event.items()
        ]
        unknown = {kind for kind, _ in events} - _EVENT_ORDER.keys()
        if unknown or not events:
            raise ValueError(f"unknown range event {', '.join(sorted(unknown)) or '(none)'}")
        ranges.append(tuple(sorted(events, key=_event_order)))
    return Affected(
        package=canonicalize_name(str(raw["package"]["name"])),
        versions=frozenset(map(str, raw.get("versions") or ())),
        ranges=tuple(ranges),
    )


def _event_order(event: tuple[str, str]) -> tuple[bool, Version, int]:
    kind, text = event
    return text != "0", _version(text) or FUTURE, _EVENT_ORDER[kind]


def _ours(raw: Mapping[str, Any]) -> bool:
    package = raw.get("package")
    if not isinstance(package, Mapping) or not package.get("name"):
        raise ValueError("an affected entry without a package")
    return str(package.get("ecosystem", "")).split(":")[0] == ECOSYSTEM


def _severity(raw: Mapping[str, Any]) -> tuple[Severity, str]:
    entries = [*_mappings(raw.get("severity"))]
    for affected in _mappings(raw.get("affected")):
        entries += _mappings(affected.get("severity"))
    scores: list[tuple[float, str]] = []
    for entry in entries:
        try:
            vector = str(entry.get("score", ""))
            scores.append((base_score(vector), vector))
        except ValueError:
            continue  # versions 2 and 4 are left to the words below
    if scores:
        score, vector = max(scores)
        return rating(score), f"CVSS base score {score:.1f} ({vector})"
    worded = raw.get("database_specific")
    word = str(worded.get("severity", "")).upper() if isinstance(worded, Mapping) else ""
    if word in _WORDED:
        return _WORDED[word], f"the advisory's database says {word.lower()}"
    return "medium", "the advisory states no severity that can be computed; medium is assumed"


def _cwe(raw: Mapping[str, Any]) -> int:
    """The advisory's first weakness, else CWE-1395 (dependency on a vulnerable component)."""
    listed = raw.get("database_specific")
    ids = _texts(listed.get("cwe_ids")) if isinstance(listed, Mapping) else []
    found = next((match for match in map(_CWE.fullmatch, ids) if match), None)
    return int(found[1]) if found else 1395


def _summary(raw: Mapping[str, Any]) -> str:
    text = " ".join(str(raw.get("summary") or raw.get("details") or "").split())
    if len(text) <= 240:
        return text
    return text[:240].rsplit(" ", 1)[0].rstrip(".,;:") + "…"


def _mappings(value: object) -> Iterable[Mapping[str, Any]]:
    return [each for each in value if isinstance(each, Mapping)] if isinstance(value, list) else []


def _texts(value: object) -> list[str]:
    return [str(each) for each in value] if isinstance(value, list) else []
