"""The evidence on disk: written before it is told, found again after a crash."""

from __future__ import annotations

import contextlib
import hashlib
from pathlib import Path

import msgspec

from orchestrate.adapters.evidence.durable import write_durably
from orchestrate.adapters.evidence.scratch import remove_tree
from orchestrate.core.sharing.evidence import CheckCommand, Evidence
from orchestrate.ports.evidence import Check

EVIDENCE_FILE = "evidence.json"
_CHECK_FILE = "check.json"
_READ_BYTES = 1 << 20


class _Asked(msgspec.Struct, frozen=True):
    """What makes two checks the same: asked twice, the second one is answered with the first."""

    command: CheckCommand
    tree: str
    token: str
    network: bool
    files: tuple[str, ...] = ()


def recorded(check: Check) -> Evidence | None:
    """The evidence that was gathered for this very check before, if it is whole."""
    try:
        data = (Path(check.record) / EVIDENCE_FILE).read_bytes()
        evidence = msgspec.json.decode(data, type=Evidence)
    except (OSError, msgspec.DecodeError):
        return None
    same = _begun(check) == _asked(check)
    return evidence if same and evidence.command == check.command else None


def begin(check: Check) -> None:
    """Make `check.record` the place of this check; what another one left there goes."""
    folder = Path(check.record)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if _begun(check) == _asked(check):
        return
    for entry in folder.iterdir():
        if entry.is_dir() and not entry.is_symlink():
            remove_tree(entry)
        else:
            entry.unlink()
    write_durably(folder / _CHECK_FILE, msgspec.json.encode(_asked(check)))


def conclude(check: Check, evidence: Evidence) -> Evidence:
    """Write `evidence` so that it is there whatever happens next.

    Raises:
        OSError: it cannot be written.
    """
    write_durably(Path(check.record) / EVIDENCE_FILE, msgspec.json.encode(evidence))
    return evidence


def digest_of_output(folder: Path) -> str:
    """SHA-256 of stdout and stderr as stored in `folder`, one after the other."""
    digest = hashlib.sha256()
    for name in ("stdout.log", "stderr.log"):
        with contextlib.suppress(OSError), (folder / name).open("rb") as file:
            while part := file.read(_READ_BYTES):
                digest.update(part)
    return digest.hexdigest()


def _asked(check: Check) -> _Asked:
    return _Asked(check.command, check.tree, check.token, check.network, check.files)


def _begun(check: Check) -> _Asked | None:
    try:
        return msgspec.json.decode((Path(check.record) / _CHECK_FILE).read_bytes(), type=_Asked)
    except (OSError, msgspec.DecodeError):
        return None
