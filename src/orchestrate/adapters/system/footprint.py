"""Everything this program ever wrote outside a run's own folder, so that it can be taken away.

One JSON line per place, appended before the place is made. Kinds: `state` (a folder that is ours
alone) and `file` (a file we made in the user's tree, with the digest of what we wrote).
"""

from __future__ import annotations

import hashlib
import os
import shutil
import stat
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Literal

import msgspec

from orchestrate.adapters.system.repository import state_home


class Place(msgspec.Struct, frozen=True, omit_defaults=True):
    """One thing we wrote. `digest` is the SHA-256 of a file's contents as written."""

    kind: Literal["state", "file"]
    path: str
    digest: str = ""


def _register() -> Path:
    return state_home() / "footprint.jsonl"


def record(place: Place) -> None:
    """Remember `place`; once is enough."""
    if place in set(places()):
        return
    register = _register()
    register.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC
    with open(os.open(register, flags, 0o600), "ab") as file:
        file.write(msgspec.json.encode(place) + b"\n")


def places() -> Iterator[Place]:
    """Every place recorded, in order; lines that are damaged are passed over."""
    try:
        lines = _register().read_bytes().splitlines()
    except OSError:
        return
    for line in lines:
        try:
            yield msgspec.json.decode(line, type=Place)
        except msgspec.MsgspecError:
            continue


def write_file(path: Path, data: bytes) -> bool:
    """Make a new file in the user's tree and remember it; False if something is there already."""
    if os.path.lexists(path):
        return False
    path.parent.mkdir(parents=True, exist_ok=True)
    record(Place("file", str(path), hashlib.sha256(data).hexdigest()))
    try:
        with path.open("xb") as file:
            file.write(data)
    except FileExistsError:
        return False
    return True


def remaining() -> list[Place]:
    """Recorded places that still exist, and the register's own folder last."""
    found = [place for place in dict.fromkeys(places()) if Path(place.path).exists()]
    home = state_home()
    if home.exists():
        found = [place for place in found if not Path(place.path).is_relative_to(home)]
        found.append(Place("state", str(home)))
    return found


def state_dirs() -> list[Path]:
    """Where runs of repositories were ever kept, also where that is gone by now."""
    return [Path(place.path) for place in dict.fromkeys(places()) if place.kind == "state"]


def git_dir_of(state_dir: Path) -> Path | None:
    """The git folder that runs kept in `state_dir` have their refs in; None if it is not there.

    The user's own, which the state folder lies in, or a private one where there was no git.
    """
    for folder in (state_dir.parent, state_dir / "private.git"):
        if (folder / "HEAD").is_file() and (folder / "objects").is_dir():
            return folder
    return None


def is_changed(place: Place) -> bool:
    """Whether the user has changed a file since we wrote it, or may have: it cannot be read."""
    if place.kind != "file":
        return False
    try:
        return hashlib.sha256(Path(place.path).read_bytes()).hexdigest() != place.digest
    except OSError:
        return True


def remove(place: Place) -> None:
    """Take `place` away; folders left empty in the user's `.orchestrate` go with their files.

    Raises:
        OSError: it cannot be removed.
    """
    path = Path(place.path)
    if place.kind == "state":
        # The register is a file like any other: whatever it says, only folders of ours go.
        if path.name != state_home().name and not path.is_relative_to(state_home()):
            raise OSError(f"{path} does not look like a folder of ours")
        _remove_tree(path)
        return
    path.unlink()
    for folder in path.parents:
        if ".orchestrate" not in folder.parts or any(folder.iterdir()):
            break
        folder.rmdir()


def _remove_tree(path: Path) -> None:
    """Remove a folder, also where an attempt took our permissions on parts of it away."""
    with suppress(OSError):
        shutil.rmtree(path)
        return
    for top, names, _ in os.walk(path):
        for folder in (Path(top), *(Path(top, name) for name in names)):
            if not folder.is_symlink():
                folder.chmod(stat.S_IRWXU)
    shutil.rmtree(path)


def size_bytes(place: Place) -> int:
    """Bytes that removing `place` frees."""
    path = Path(place.path)
    if path.is_file():
        return path.stat().st_size
    return sum(item.lstat().st_size for item in path.rglob("*") if not item.is_dir())
