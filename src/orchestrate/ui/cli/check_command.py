"""The command of a check as a person types it."""

from __future__ import annotations

import shlex

from orchestrate.core.sharing.evidence import CheckCommand

#: Runners that are called by a script of ours, or with options that only say how to report.
_PLAIN = {"pytest": "python -m pytest", "unittest": "python -m unittest discover"}
#: Options that are given where to write something in the word after them.
_PLACES = frozenset({"-o", "--workdir", "--envdir", "--reporter-option"})


def typed(command: CheckCommand) -> str:
    """What to type in the top folder of the repository, without what only serves the engine."""
    if command.runner == "shell":
        text = command.argv[-1] if command.argv[:2] == ("/bin/sh", "-c") else _joined(command)
    else:
        text = _PLAIN.get(command.runner) or _joined(command)
    return text if command.folder == "." else f"(cd {shlex.quote(command.folder)} && {text})"


def _joined(command: CheckCommand) -> str:
    words: list[str] = []
    for word in command.argv:
        if "{report}" not in word:
            words.append(word.replace("{python}", "python"))
        elif words and words[-1] in _PLACES:
            words.pop()
    return shlex.join(words)
