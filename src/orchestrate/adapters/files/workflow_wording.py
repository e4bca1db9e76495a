"""Fixes in words: what somebody who wrote this probably meant."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

from orchestrate.adapters.files.yaml_nodes import Node

#: What people write who know other tools -> what it is called here.
SYNONYMS = {
    "after": "needs or depends_on",
    "coverage": "min_percent",
    "command": "run",
    "concurrency": "max_concurrent",
    "cmd": "run",
    "cost": "cost_usd",
    "depends": "needs or depends_on",
    "depends_on": "needs",
    "dependencies": "needs or depends_on",
    "environment": "env",
    "fallback": "alternatives",
    "for_each": "each",
    "foreach": "each",
    "if": "when",
    "jobs": "phases",
    "matrix": "each",
    "max_retries": "retry: {max_attempts: …}",
    "needs": "depends_on",
    "output_schema": "returns",
    "reminder": "remind",
    "retries": "retry: {max_attempts: …}",
    "script": "run",
    "stages": "phases",
    "steps": "tasks",
    "threshold": "min_percent",
    "timeout_seconds": "timeout",
    "usd": "cost_usd",
}


def did_you_mean(word: str, known: Iterable[str], otherwise: str = "") -> str:
    """A fix naming what resembles `word`, else `otherwise`, else all there is if it is short."""
    names = sorted(known)
    close = get_close_matches(word, names, n=1, cutoff=0.6) if len(word) < 100 else []
    if close:
        return f"did you mean {close[0]}?"
    if otherwise:
        return otherwise
    return f"use one of: {', '.join(names)}" if 0 < len(names) <= 12 else ""


def found(node: Node) -> str:
    """What is written there, for `not …`."""
    if node.kind != "scalar":
        return f"a {node.kind}"
    return "nothing" if node.value is None else repr(node.text)


def key_fix(name: str, known: Iterable[str]) -> str:
    """The known key that the unknown key `name` stands for, or all known keys."""
    known = list(known)
    folded = name.lower().replace("-", "_")
    if folded in known:
        return f"did you mean {folded}?"
    meant = [word for word in SYNONYMS.get(folded, "").split(" or ") if word.split(":")[0] in known]
    if meant:
        return f"did you mean {meant[0]}?"
    return did_you_mean(name, known, f"known keys: {', '.join(sorted(known))}")


def name_fix(title: str) -> str:
    """What names of this kind consist of; `title` is that of the schema."""
    if title == "Variable":
        return "use letters, digits and `_`, not beginning with a digit"
    return "use lower-case letters, digits, `-`, `_` and `.`, at most 64, no other at the ends"
