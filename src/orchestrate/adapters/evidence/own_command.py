"""A test command in the user's own words that is nothing but a call of pytest.

Such a command can be asked for a report, and for some of its tests only; a shell line cannot.
"""

from __future__ import annotations

import re
import shlex

import msgspec

from orchestrate.adapters.evidence.detect_python import PYTEST_REPORT
from orchestrate.adapters.evidence.selection import runs_pytest
from orchestrate.core.sharing.evidence import CheckCommand

_SHELL = ("/bin/sh", "-c")
#: What means something to a shell, a variable in front, and options we would have to take away.
_MORE = re.compile(r"[;&|<>$`\\*?~#!(){}\n]|^\s*\w+=|--junit|--no-summary|(?:^|\s)-p\s*no:")


def as_pytest(command: CheckCommand) -> CheckCommand:
    """`command` as a call of pytest that writes a report, if it is one; else unchanged."""
    if command.kind != "test" or command.argv[:2] != _SHELL or len(command.argv) != 3:
        return command
    text = command.argv[2]
    if _MORE.search(text):
        return command
    try:
        words = tuple(shlex.split(text))
    except ValueError:
        return command  # the shell will say what is wrong with it
    if not runs_pytest(words):
        return command
    return msgspec.structs.replace(command, runner="pytest", argv=(*words, *PYTEST_REPORT))
