"""What became of each fix, put together from what the engine delivers and what the fixes left.

The engine says how a piece of work stands and what its checks said; `fix.json` says what was
changed; `not-fixed.json` what nobody tried. Nothing here is judged anew.
"""

from __future__ import annotations

import hashlib
import shlex
from functools import partial
from pathlib import Path
from typing import TypeVar, get_args

import msgspec

from orchestrate.adapters.backends.local.fix_changes import replacements
from orchestrate.adapters.backends.local.fixes.item import FixItem, item_from
from orchestrate.adapters.backends.local.fixes.report import FixReport
from orchestrate.adapters.backends.local.repository import decode, read_bytes
from orchestrate.core.sharing.evidence import CheckCommand, Evidence, EvidenceNote
from orchestrate.core.sharing.findings import Finding
from orchestrate.core.sharing.remediation import (
    CheckKind,
    FixCheck,
    FixOutcome,
    NotFixed,
    Remediation,
    Standing,
    remediation,
)
from orchestrate.errors import AgentError
from orchestrate.ports.performer import AttemptRequest, Delivery, UpstreamArtifact

_T = TypeVar("_T")
FIX = "fix"
FIXES = "fixes"
NOT_FIXED = "not_fixed"
#: The input that says whether fixes are wanted.
WANTED = "fix"
_UNPLANNED = "the plan of fixes was not made"
_UNTRIED = "what was planned was not begun"


def read_remediation(request: AttemptRequest, findings: tuple[Finding, ...]) -> Remediation:
    """Everything about the fixes of the run that `request` reports on.

    Raises:
        AgentError: what a task left is not what it recorded, or cannot be read.
    """
    if not request.inputs.get(WANTED, False):
        return Remediation()
    left = [artifact for artifact in request.artifacts if artifact.name == NOT_FIXED]
    if not left:
        branch = branch_of(request)
        return remediation((), (), findings, branch=branch, problem=_UNPLANNED)
    not_fixed = _decoded(left[-1], tuple[NotFixed, ...])
    root = Path(request.repository)
    fixes = [_outcome(each, root) for each in request.deliveries if "fingerprint" in each.item]
    planned = [artifact for artifact in request.artifacts if artifact.name == FIXES]
    begun = fixes or not any(_decoded(each, list[object]) for each in planned)
    problem = "" if begun else _UNTRIED
    return remediation(fixes, not_fixed, findings, branch=branch_of(request), problem=problem)


def branch_of(request: AttemptRequest) -> str:
    """The name that merged work of this run is published under."""
    return f"orchestrate/{request.key.run}"


def _outcome(delivery: Delivery, scanned: Path) -> FixOutcome:
    item = _item(delivery)
    made = [artifact for artifact in delivery.artifacts if artifact.name == FIX]
    report = _decoded(made[-1], FixReport) if made else None
    diff = report.diff if report is not None else ""
    standing = _standing(delivery)
    return FixOutcome(
        key=item.key,
        task=delivery.task,
        rule=item.rule,
        title=item.title,
        severity=item.severity,
        path=item.path,
        line=item.line,
        symbol=item.symbol,
        codemod=item.codemod,
        standing=standing,
        why="" if standing == "merged" else delivery.message,
        fingerprints=tuple(item.fingerprints.split()),
        paths=delivery.paths,
        commit=delivery.commit,
        merged=delivery.merged,
        test=item.test,
        diff=diff,
        replacements=replacements(diff, partial(_lines, scanned)),
        checks=tuple(_check(note) for note in delivery.checks),
        notes=report.notes if report is not None else (),
    )


def _lines(root: Path, path: str) -> list[str]:
    """The lines of a scanned file; none where it cannot be read any more."""
    try:
        return decode(read_bytes(root, path)).split("\n")
    except OSError:
        return []


def _item(delivery: Delivery) -> FixItem:
    try:
        return item_from(delivery.item)
    except msgspec.ValidationError as error:
        raise AgentError(f"task {delivery.task}: its item is not a planned fix: {error}") from error


def _standing(delivery: Delivery) -> Standing:
    for known in get_args(Standing):
        if delivery.standing == known:
            standing: Standing = known
            return standing
    raise AgentError(f"task {delivery.task}: its work stands as {delivery.standing!r}")


def _check(note: EvidenceNote) -> FixCheck:
    # The comparison is told apart, so that it can be shown in columns.
    summary = note.summary.replace(f" (before: {note.before})", "") if note.before else note.summary
    return FixCheck(
        kind=_kind(note.name),
        name=note.name,
        verdict=note.verdict,
        summary=summary,
        before=note.before,
        command=_command(note),
        digest=note.digest,
    )


def _kind(name: str) -> CheckKind:
    """By the names the engine gives: gates are called `phase/name`, proofs say what they show."""
    if name == "re-scan":
        return "re-scan"
    if name.startswith("security test"):
        return "proof"
    return "tests" if name.rpartition("/")[2] == "tests" else "other"


def _command(note: EvidenceNote) -> str:
    """The command behind a check; empty where none was run or its evidence is gone."""
    if not note.path:
        return ""
    try:
        data = Path(note.path).read_bytes()
        command = msgspec.json.decode(data, type=Evidence).command
    except (OSError, msgspec.DecodeError):
        return ""
    if note.digest and hashlib.sha256(data).hexdigest() != note.digest:
        return ""
    return typed(command)


def typed(command: CheckCommand) -> str:
    """`command` as a person would type it at the top of a checkout, without the engine's reports.

    The engine's own options come before its last report, those of the project after it.
    """
    argv = command.argv
    reports = [number for number, part in enumerate(argv) if "{report}" in part]
    if command.runner == "shell" and argv[:2] == ("/bin/sh", "-c"):
        text = " ".join(argv[2:])
    elif command.runner in ("pytest", "unittest") and reports:
        text = shlex.join(("python", "-m", command.runner, *argv[reports[-1] + 1 :]))
    else:
        words = [part.replace("{python}", "python") for part in argv if "{report}" not in part]
        text = shlex.join(words)
    return text if command.folder in ("", ".") else f"cd {shlex.quote(command.folder)} && {text}"


def _decoded(artifact: UpstreamArtifact, kind: type[_T]) -> _T:
    try:
        data = Path(artifact.path).read_bytes()
        if artifact.digest and hashlib.sha256(data).hexdigest() != artifact.digest:
            raise AgentError(f"{artifact.path}: its bytes are not those task {artifact.task} left")
        return msgspec.json.decode(data, type=kind)
    except (OSError, msgspec.DecodeError) as error:
        raise AgentError(f"{artifact.path}: it cannot be read: {error}") from error
