"""Looking again: the scan's own tools on the files a fix touched, before and after.

A finding is new when there are more of its rule in its function than at the base: a changed line
changes the fingerprints of what else stands on it, which is nothing new. Findings of severity info
are remarks ("a program is started") and are listed apart.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import msgspec

from orchestrate.adapters.backends.local import code_review, security_scan
from orchestrate.adapters.backends.local.fixes import pins
from orchestrate.adapters.backends.local.fixes.item import FixItem
from orchestrate.adapters.backends.local.manifests.collect import collect
from orchestrate.adapters.backends.local.path_names import disk_name, safe_name
from orchestrate.adapters.backends.local.repository import read_bytes, survey
from orchestrate.adapters.backends.local.scan_dependencies import TOOL as AUDIT
from orchestrate.adapters.backends.local.scan_dependencies import AdvisorySource
from orchestrate.core.sharing.deduplication import fingerprints_of
from orchestrate.core.sharing.findings import Finding, ToolRun
from orchestrate.errors import AgentError

_GIT_TIMEOUT_S = 60.0
_CODE_TOOLS = {"bandit", "detect-secrets", code_review.OWN_TOOL}


class Rescan(msgspec.Struct, frozen=True):
    """What a second look gave.

    `remaining` are fingerprints of the item that are still reported; `new` findings that the base
    did not have, `remarks` those of severity info. `unknown` says what could not be looked at:
    while it has entries, nothing is proven.
    """

    key: str
    files: tuple[str, ...]
    remaining: tuple[str, ...]
    new: tuple[Finding, ...]
    remarks: tuple[Finding, ...]
    unknown: tuple[str, ...] = ()

    @property
    def clean(self) -> bool:
        """Whether the findings are gone, none came, and everything was looked at."""
        return not (self.remaining or self.new or self.unknown)


def rescan(
    folder: Path,
    item: FixItem,
    *,
    base: str,
    scratch: Path,
    source: AdvisorySource | None = None,
    timeout_s: float = 600.0,
) -> Rescan:
    """Scan the files that differ between the commit `base` and the checkout in `folder`.

    Nothing in `folder` is changed or run. What a pin needs besides are the advisories in `source`.

    Args:
        folder: a checkout whose repository has the commit `base`.
        item: the fix that was made.
        base: the commit it was made on.
        scratch: a private folder; copies and tools' files are put there and removed.
        source: where advisories are.
        timeout_s: for both scans together.

    Raises:
        AgentError: git cannot tell what differs.
    """
    touched = sorted({*_changed(folder, base), *item.files})
    is_pin = item.codemod == pins.NAME
    beside = _manifests(folder) if is_pin else []
    source = (source if is_pin else None) or AdvisorySource()
    before, after = scratch / "before", scratch / "after"
    for stage in (before, after):
        shutil.rmtree(stage, ignore_errors=True)
        stage.mkdir(parents=True)
    _stage({path: _now(folder, path) for path in {*touched, *beside}}, after)
    _stage({path: _then(folder, base, path) for path in {*touched, *beside}}, before)
    try:
        old, _ = _findings(before, scratch, source, timeout_s / 2, is_pin)
        new, tools = _findings(after, scratch, source, timeout_s / 2, is_pin)
    finally:
        for stage in (before, after):
            shutil.rmtree(stage, ignore_errors=True)
    came = _came(old, new)
    sought = _sought(item, old)
    unseen = () if sought else ("what was to be fixed is not reported at the commit before",)
    return Rescan(
        key=item.key,
        files=tuple(touched),
        remaining=_remaining(sought, old, new),
        new=tuple(each for each in came if each.severity != "info"),
        remarks=tuple(each for each in came if each.severity == "info"),
        unknown=_unknown(tools, is_pin) or unseen,
    )


def _sought(item: FixItem, old: Iterable[Finding]) -> list[Finding]:
    """The findings of `old` that the fix is about.

    Not by fingerprint alone: it counts equal flaws of a file, and a fix of one gives its number to
    the next. Where that has happened already, the flaw is known by its rule and its function.
    """
    listed = frozenset(item.fingerprints.split())
    if item.codemod == pins.NAME:
        return [each for each in old if listed & fingerprints_of(each)]
    there = [
        each
        for each in old
        if each.location.path == item.path
        and each.symbol == item.symbol
        and each.rule in item.rules.split()
    ]
    return [each for each in there if listed & fingerprints_of(each)] or there


def _remaining(
    sought: list[Finding], old: Iterable[Finding], new: Iterable[Finding]
) -> tuple[str, ...]:
    """Fingerprints of what was sought and of which there is not one less for each."""
    gone, before, now = (Counter(map(_kind, findings)) for findings in (sought, old, new))
    stays = {kind for kind, number in gone.items() if now[kind] > before[kind] - number}
    return tuple(each.fingerprint for each in sought if _kind(each) in stays)


def _came(old: Iterable[Finding], new: Iterable[Finding]) -> list[Finding]:
    """Findings of `new` beyond the number `old` has of the same rule in the same function."""
    known = {each.fingerprint for each in old}
    spare = Counter(map(_kind, old))
    came = []
    # Those with a known fingerprint use up the allowance first.
    for finding in sorted(new, key=lambda each: each.fingerprint not in known):
        if spare[_kind(finding)]:
            spare[_kind(finding)] -= 1
        else:
            came.append(finding)
    return sorted(came, key=lambda each: (each.location.path, each.location.line, each.rule))


def _kind(finding: Finding) -> tuple[str, str, str]:
    return finding.rule, finding.location.path, finding.symbol


def _findings(
    root: Path, scratch: Path, source: AdvisorySource, timeout_s: float, is_pin: bool
) -> tuple[list[Finding], list[ToolRun]]:
    scout = security_scan.scan(root, scratch=scratch, source=source, timeout_s=timeout_s)
    reviewer = code_review.review(root, "code-reviewer", "rescan")
    wanted = {"code", "secret", *(("dependency",) if is_pin else ())}
    found = [
        finding for finding in (*scout.findings, *reviewer.findings) if finding.category in wanted
    ]
    return found, [*scout.tools, *reviewer.tools]


def _unknown(tools: Iterable[ToolRun], is_pin: bool) -> tuple[str, ...]:
    needed = _CODE_TOOLS | ({AUDIT.name} if is_pin else set())
    said = {each.tool: each for each in tools if each.tool in needed}
    reasons = [f"{name}: {each.reason}" for name, each in said.items() if not each.conclusive]
    reasons += [f"{name}: it was not run" for name in needed - said.keys()]
    return tuple(sorted(reasons))


def _manifests(folder: Path) -> list[str]:
    """Every file that says something about dependencies: they decide together."""
    return collect(survey(folder)).manifests


def _stage(files: dict[str, bytes | None], folder: Path) -> None:
    for path, data in files.items():
        if data is None:
            continue
        target = folder / disk_name(path)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)


def _now(folder: Path, path: str) -> bytes | None:
    """The bytes of a file, None if it is gone or no regular file."""
    try:
        return read_bytes(folder, path)
    except OSError:
        return None


def _then(folder: Path, base: str, path: str) -> bytes | None:
    """The bytes a file had at `base`, None if it was not there."""
    ended = _git(folder, "cat-file", "blob", f"{base}:{disk_name(path)}")
    return ended.stdout if ended.returncode == 0 else None


def _changed(folder: Path, base: str) -> list[str]:
    ended = [
        _git(folder, "diff", "--name-only", "--no-renames", "-z", base, "--"),
        _git(folder, "ls-files", "--others", "--exclude-standard", "-z"),
    ]
    for each in ended:
        if each.returncode != 0:
            said = each.stderr.decode("utf-8", "replace").strip().split("\n")[0]
            raise AgentError(
                f"{folder}: git cannot compare with {base or 'no commit'}: {said}",
                remedy="give a checkout whose repository has the base commit",
            )
    names = b"".join(each.stdout for each in ended).split(b"\0")
    return [safe_name(os.fsdecode(name)) for name in names if name]


def _git(folder: Path, *arguments: str) -> subprocess.CompletedProcess[bytes]:
    """Run a reading git command; no configuration of a user, no program named by the repository."""
    environment = {
        "PATH": os.environ.get("PATH", os.defpath),
        "LC_ALL": "C",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_OPTIONAL_LOCKS": "0",
        "GIT_CONFIG_COUNT": "3",
        "GIT_CONFIG_KEY_0": "core.fsmonitor",
        "GIT_CONFIG_VALUE_0": "false",
        "GIT_CONFIG_KEY_1": "diff.external",
        "GIT_CONFIG_VALUE_1": "",
        "GIT_CONFIG_KEY_2": "safe.directory",
        "GIT_CONFIG_VALUE_2": "*",
    }
    return subprocess.run(
        ["git", "-C", str(folder), *arguments],
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=_GIT_TIMEOUT_S,
        check=False,
    )
