"""States git leaves a working tree in, and what they mean for a run that starts from it."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from orchestrate.adapters.workspace.git import Git, shown, some
from orchestrate.adapters.workspace.store import Store
from orchestrate.errors import RequestError

#: Entry of the git folder -> what is under way while it exists. See gitrepository-layout(5).
_UNDER_WAY = {
    "rebase-merge": "rebase",
    "rebase-apply/applying": "am",
    "rebase-apply": "rebase",
    "MERGE_HEAD": "merge",
    "CHERRY_PICK_HEAD": "cherry-pick",
    "REVERT_HEAD": "revert",
    "BISECT_LOG": "bisect",
}
#: These leave the files as some commit has them, so that local changes mean what they always do.
_HARMLESS = {"bisect"}


def under_way(entry: Path | None) -> str:
    """What git was stopped in the middle of; empty if nothing."""
    if entry is None:
        return ""
    return next((word for name, word in _UNDER_WAY.items() if (entry / name).exists()), "")


def require_settled(git: Git, operation: str) -> None:
    """Raises RequestError if the files are between two commits and so no state of their own."""
    if operation and operation not in _HARMLESS:
        raise RequestError(
            f"a {operation} is in progress in {git.where}",
            remedy=f"finish it (git {operation} --continue) or undo it (git {operation} --abort),"
            " or start from HEAD without local changes",
        )
    unmerged = {entry.partition(b"\t")[2] for entry in git.names("ls-files", "-z", "--unmerged")}
    if unmerged:
        raise RequestError(
            f"{some(unmerged)} in {git.where} has conflicts that are not resolved",
            remedy="resolve them and `git add` the result, or start from HEAD without local"
            " changes",
        )


def require_complete(store: Store, commit: str) -> None:
    """Raises RequestError if a partial clone lacks files of `commit`: workspaces cannot fetch."""
    listing = store.git.line(
        "rev-list", "--objects", "--no-walk", "--missing=print", "--no-object-names", commit
    )
    missing = sum(line.startswith("?") for line in listing.splitlines())
    if missing:
        raise RequestError(
            f"{missing} objects of commit {commit[:12]} are not here: the repository is a partial"
            " clone, and workspaces fetch nothing",
            remedy="run `git sparse-checkout disable` or `git fetch --refetch --no-filter`",
        )


def is_partial(settings: dict[str, str]) -> bool:
    """Whether the user's repository fetches objects only when they are needed."""
    return any(
        key == "extensions.partialclone" or (key.endswith(".promisor") and value != "false")
        for key, value in settings.items()
    )


def filtered(git: Git, names: Iterable[bytes]) -> dict[bytes, str]:
    """Which of these files pass through a content filter, and its name."""
    names = list(names)
    sources = [name for name in names if name.rsplit(b"/", 1)[-1] == b".gitattributes"]
    places = [Path(os.fsdecode(os.fsencode(git.where) + b"/" + name)) for name in sources]
    places += [git.git_dir / "info" / "attributes"]
    places += [Path(git.config[key]) for key in git.config if key == "core.attributesfile"]
    if not any(_mentions_filter(place) for place in places):
        return {}
    fields = git.names(
        *("check-attr", "-z", "--stdin", "filter"), stdin=b"".join(one + b"\0" for one in names)
    )
    return {
        name: shown(value)
        for name, value in zip(fields[::3], fields[2::3], strict=True)
        if value not in (b"unspecified", b"unset", b"set")
    }


def _mentions_filter(place: Path) -> bool:
    return place.is_file() and b"filter" in place.read_bytes()


def submodules(store: Store, commit: str) -> list[bytes]:
    """Paths at which `commit` has a submodule."""
    entries = store.git.names("ls-tree", "-r", "-z", commit)
    return [entry.partition(b"\t")[2] for entry in entries if entry.startswith(b"160000 ")]
