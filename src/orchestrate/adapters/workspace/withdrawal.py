"""What of ours is in a git folder once nobody runs anything there, and taking it out for good."""

from __future__ import annotations

import tempfile
from pathlib import Path

import msgspec

from orchestrate.adapters.workspace.git import Git
from orchestrate.adapters.workspace.places import Places
from orchestrate.adapters.workspace.pruning import Pruner
from orchestrate.adapters.workspace.store import REFS, Store
from orchestrate.ports.workspace import Kept

#: Below these lie the branches that runs publish their result as.
_BRANCHES = ("refs/heads/orchestrate/", "refs/heads/orchestrate-")


class Presence(msgspec.Struct, frozen=True):
    """What of ours a git folder has.

    `refs` are below refs/orchestrate. `branches` were published: they are the user's, and stay.
    `unmerged` is work that would be lost with the refs and the workspaces.
    """

    git_dir: str
    refs: tuple[str, ...] = ()
    branches: tuple[str, ...] = ()
    unmerged: tuple[Kept, ...] = ()


def is_present(git_dir: Path) -> bool:
    """Whether there can be anything of ours, as far as that can be told without git."""
    folders = ("refs/orchestrate", "refs/heads/orchestrate", "reftable")
    if any((git_dir / folder).is_dir() for folder in folders):
        return True
    try:
        return b"/orchestrate" in (git_dir / "packed-refs").read_bytes()
    except OSError:
        return False


def presence(git_dir: Path, home: Path | None, limit_bytes: int) -> Presence:
    """What of ours is in `git_dir`; `home` has the workspaces made from it, None if there are none.

    Raises:
        ConfigurationError: git is missing or too old.
        RequestError: git cannot read the folder.
    """
    with tempfile.TemporaryDirectory(prefix="orchestrate-") as name:
        # Nothing was made in a folder that is empty, so any does where there is none.
        places = Places(home or Path(name))
        store = Store(git_dir, places.home)
        refs = store.pinned(REFS)
        runs = {ref.removeprefix(f"{REFS}/").partition("/")[0] for ref in refs}
        folder = places.home / "runs"
        runs |= {one.name for one in folder.iterdir()} if folder.is_dir() else set()
        kept = Pruner(store, places, limit_bytes).leftovers(dict.fromkeys(sorted(runs), True))
        branches = [ref for ref in store.pinned("refs/heads") if ref.startswith(_BRANCHES)]
    return Presence(
        str(git_dir),
        tuple(sorted(refs)),
        tuple(sorted(ref.removeprefix("refs/heads/") for ref in branches)),
        tuple(item for item in kept if item.unmerged),
    )


def withdraw(found: Presence) -> None:
    """Delete our refs, merged or not. May be called again after a crash.

    Raises:
        RequestError: git refused.
    """
    refs = Git(Path(found.git_dir))
    commands = "".join(f"delete {ref}\n" for ref in found.refs)
    refs.run("update-ref", "--no-deref", "--stdin", stdin=commands.encode())
