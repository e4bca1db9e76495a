"""Names and keys of things: what they may look like and how they are written."""

from __future__ import annotations

import re

import msgspec

#: Task, phase, output, input and agent names. They become file names, so they stay plain.
NAME_PATTERN = r"^[a-z0-9]([a-z0-9_.-]{0,62}[a-z0-9])?$"
_NAME = re.compile(NAME_PATTERN)


def is_name(text: str) -> bool:
    """Whether `text` may name a task, phase, output, input or agent."""
    return _NAME.fullmatch(text) is not None and ".." not in text


class AttemptKey(msgspec.Struct, frozen=True, order=True):
    """Identifies one try at one task of one run; the idempotency key of its effect."""

    run: str
    task: str
    number: int

    def __str__(self) -> str:
        return f"{self.run}:{self.task}:{self.number}"

    @property
    def folder(self) -> str:
        """Folder name of the attempt inside its run's folder."""
        return f"{self.task}.{self.number}"
