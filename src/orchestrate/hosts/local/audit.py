"""Proof that a run left the user's own things alone: before and after, byte for byte."""

from __future__ import annotations

import re
from pathlib import Path

import msgspec

from orchestrate.core.running import commands as cmd
from orchestrate.errors import OrchestrateError
from orchestrate.ports.workspace import Fingerprint, Workspaces

FILE = "audit.json"
#: Differences named in the log; the rest is counted.
MAX_NAMED = 50
#: A branch that a run was published as, by the names that `Workspaces.publish` gives.
_PUBLISHED = re.compile(r"refs/heads/orchestrate[/-]([a-z0-9]+)(?:-\d+)?")


class Audit:
    """Compares what is the user's when a run ends with what it was when the run began."""

    def __init__(
        self, workspaces: Workspaces, runs_dir: Path, exempt: tuple[str, ...] = ()
    ) -> None:
        """`exempt` are folders of ours, relative to the repository, where they lie in it."""
        self._workspaces = workspaces
        self._runs_dir = runs_dir
        self._exempt = exempt
        self._begun: dict[str, Fingerprint] = {}

    def begin(self, run: str) -> None:
        """Keep what is the user's now; called before anything of the run happens."""
        path = self._runs_dir / run / FILE
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        part = path.with_suffix(".part")
        found = self._workspaces.fingerprint(self._exempt)
        part.write_bytes(msgspec.json.encode(found))
        part.replace(path)
        # Whoever writes past a workspace can change the file as well.
        self._begun[run] = found

    def compare(self, run: str, published: str = "") -> cmd.RecordAudit:
        """What differs from when the run began; unknown when that was not kept, or cannot be seen.

        The branch `published` is the run's own and was not there before; nor are the
        branches the user's that other runs were published as meanwhile.
        """
        path = self._runs_dir / run / FILE
        try:
            before = self._begun.get(run) or msgspec.json.decode(
                path.read_bytes(), type=Fingerprint
            )
        except (OSError, msgspec.MsgspecError) as error:
            return cmd.RecordAudit(verdict="unknown", changes=(f"{path}: {error}",))
        try:
            after = self._workspaces.fingerprint(self._exempt)
        except (OSError, OrchestrateError) as error:
            # A full disk, a folder nobody may list: the run is over, and this has to be said of it.
            return cmd.RecordAudit(verdict="unknown", changes=(str(error),))
        own = f"refs/heads/{published}"
        kept = {
            name: at
            for name, at in after.refs.items()
            if name in before.refs or (name != own and not self._is_of_a_run(name))
        }
        changes = differences(before, msgspec.structs.replace(after, refs=kept))
        if len(changes) > MAX_NAMED:
            more = len(changes) - MAX_NAMED
            changes = (*changes[:MAX_NAMED], f"and {more} more")
        return cmd.RecordAudit(verdict="failed" if changes else "passed", changes=changes)

    def _is_of_a_run(self, ref: str) -> bool:
        found = _PUBLISHED.fullmatch(ref)
        return found is not None and (self._runs_dir / found[1]).is_dir()


def differences(before: Fingerprint, after: Fingerprint) -> tuple[str, ...]:
    """One line for each thing that differs: what git obeys first, then refs, then files."""
    found: list[str] = []
    for kind, old, new in (
        ("git", before.parts, after.parts),
        ("ref", before.refs, after.refs),
        ("file", before.files, after.files),
    ):
        for name in sorted(old.keys() | new.keys()):
            if old.get(name) == new.get(name):
                continue
            what = "appeared" if name not in old else "is gone" if name not in new else "changed"
            found.append(f"{kind} {name} {what}")
    return tuple(found)
