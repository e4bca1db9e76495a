"""What a shell would make of a fixed command, where it does nothing but split it."""

from __future__ import annotations

import re

from orchestrate.adapters.backends.local.fixes.flaw import Refused

#: One word of a command that means itself to every shell: plain, or in quotes.
_WORD = re.compile(r"""((?:[\w@%+=:,./-]+|'[^'\n]*'|"[^"$`\\!\n]*")+)[ \t]*""", re.ASCII)
_PIECE = re.compile(r"""'([^']*)'|"([^"]*)"|([^'"]+)""")
#: What a shell does itself, with no program of that name to start instead.
_BUILTINS = {
    ".", ":", "alias", "bg", "break", "case", "cd", "command", "continue", "declare", "dirs",
    "eval", "exec", "exit", "export", "fg", "for", "function", "getopts", "hash", "history", "if",
    "jobs", "let", "local", "popd", "pushd", "read", "readonly", "return", "set", "shift", "source",
    "time", "times", "trap", "type", "typeset", "ulimit", "umask", "unalias", "unset", "until",
    "wait", "while",
}  # fmt: skip


def words(command: str) -> tuple[str, ...]:
    """The arguments a shell would make of `command`.

    Raises:
        Refused: it would do more than split it.
    """
    text = command.strip(" \t")
    found: list[str] = []
    position = 0
    while position < len(text):
        match = _WORD.match(text, position)
        if match is None:
            raise Refused(f"the command needs a shell: {text[position]!r} has a meaning there")
        pieces = _PIECE.findall(match[1])
        found.append("".join(single + double + plain for single, double, plain in pieces))
        position = match.end()
    if not found:
        raise Refused("the command is empty")
    if "=" in found[0]:
        raise Refused("the command sets a variable first")
    if found[0] in _BUILTINS:
        raise Refused(f"{found[0]} is part of the shell itself")
    return tuple(found)
