"""Which version a vulnerable pin is raised to, and raising it wherever it is written."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from packaging.version import InvalidVersion, Version

from orchestrate.adapters.backends.local.fixes.flaw import Refused
from orchestrate.adapters.backends.local.fixes.pin_files import (
    is_declaring,
    is_tools_own,
    pins,
    raised,
)
from orchestrate.adapters.backends.local.repository import read_bytes
from orchestrate.core.sharing.findings import Finding

NAME = "raise-pin"
TITLE = "Raise the pin to the first fixed version"
RULES = frozenset({"ORC-DEP-101", "ORC-DEP-102", "ORC-DEP-103", "ORC-DEP-104"})
_PINNED = "ORC-DEP-101"


def refusal(finding: Finding) -> str:
    """Why a finding about a dependency is not one this fix is for; "" if it is."""
    version = finding.properties.get("version", "")
    if finding.rule == "ORC-DEP-104":
        return "it is about the project itself"
    if finding.rule != _PINNED or not version:
        specifier = finding.properties.get("specifier", "") or "any version"
        return f"{specifier} is a range: which versions to support is for people to decide"
    if is_tools_own(finding.location.path):
        return f"{finding.location.path} is written by a tool: run that tool to raise the version"
    if not is_declaring(finding.location.path):
        return f"{finding.location.path} does not declare dependencies"
    return ""


def first_fixed(findings: Sequence[Finding]) -> str:
    """The lowest version above the present one that fixes every finding; all are of one pin.

    An advisory may be fixed on several lines of releases. A version counts as fixed if it is one of
    the fixes, follows a fix on its own line (same major and minor number), or is past them all.

    Raises:
        Refused: no version is known to fix them all.
    """
    present = Version(findings[0].properties["version"])
    known = [_versions(each.properties.get("fixed", "")) for each in findings]
    for candidate in sorted({each for versions in known for each in versions}):
        if candidate > present and all(_fixes(candidate, versions) for versions in known):
            return str(candidate)
    raise Refused("no version is known that fixes every advisory about it")


def _fixes(candidate: Version, fixed: list[Version]) -> bool:
    if not fixed:
        return False
    line = candidate.release[:2]
    return candidate >= max(fixed) or any(
        candidate == each or (candidate > each and each.release[:2] == line) for each in fixed
    )


def _versions(text: str) -> list[Version]:
    found = []
    for each in text.split():
        try:
            found.append(Version(each))
        except InvalidVersion:
            continue
    return found


def pinning_files(root: Path, paths: Iterable[str], package: str, version: str) -> dict[str, bytes]:
    """The files among `paths` that pin `package` to `version`, with their bytes."""
    found = {}
    for path in sorted(path for path in paths if is_declaring(path)):
        try:
            data = read_bytes(root, path)
            if pins(path, data.decode("utf-8-sig"), package, version):
                found[path] = data
        except (OSError, UnicodeDecodeError):
            continue
    return found


def raise_pins(files: dict[str, bytes], package: str, version: str, fixed: str) -> dict[str, bytes]:
    """The new bytes of every file.

    Raises:
        Refused: one of them cannot be changed, so that the pins would contradict each other.
    """
    changed = {}
    for path, data in files.items():
        mark = b"\xef\xbb\xbf" if data.startswith(b"\xef\xbb\xbf") else b""
        text = data.removeprefix(mark).decode("utf-8")
        changed[path] = mark + raised(path, text, package, version, fixed).encode("utf-8")
    return changed
