"""How far a task's attempts are in their script: one small file, kept for its later attempts.

An attempt that was cut off (its driver died, it was paused) is not held against the script: the
next one does the same entry, from the step after the last that is known to be done. A step is noted
when it is done, so one that was under way when everything died is done again.
"""

from __future__ import annotations

import os
from pathlib import Path

import msgspec

from orchestrate.core.sharing.usage import Usage

FILE = "scripted.json"


class Progress(msgspec.Struct, frozen=True, omit_defaults=True):
    """Where a task stands.

    `entry` is the attempt of the script that is next or under way, from 0; `done` counts its steps
    that are done. `number` is the attempt of the run that wrote this, 0 before the first, and
    `usage` what that one consumed.
    """

    entry: int = 0
    done: int = 0
    number: int = 0
    usage: Usage | None = None


def load(folder: Path) -> Progress:
    """What is noted in `folder`; the beginning where nothing is, or nothing that can be read."""
    try:
        return msgspec.json.decode((folder / FILE).read_bytes(), type=Progress)
    except (OSError, msgspec.DecodeError):
        return Progress()


def save(folder: Path, progress: Progress) -> None:
    """Note it, whole or not at all."""
    write_whole(folder / FILE, msgspec.json.encode(progress))


def write_whole(path: Path, data: bytes) -> None:
    """Write a file, private to the user, that is there in full or not at all."""
    part = path.with_name(f".{path.name}.part")
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    with open(descriptor, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(descriptor)
    part.replace(path)
