"""Commands that are forbidden by how they begin, as the program's `.rules` files say it.

The program takes a command line apart at `&&`, `;` and pipes and knows a program by its path, too.
It does not look into `sh -c`, loops or scripts.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterable

from orchestrate.core.agents.permissions import Rule


def words(rule: Rule) -> tuple[str, ...]:
    """The words a forbidden command begins with; empty if the rule is not about commands."""
    if rule.ability != "execute" or not rule.translated:
        return ()
    try:
        return tuple(shlex.split(rule.pattern))
    except ValueError:
        return ()


def rules_file(rules: Iterable[Rule]) -> str:
    """The text of a file that forbids the commands among `rules`; empty if there are none."""
    lines = [
        f'prefix_rule(pattern={json.dumps(list(found))}, decision="forbidden", '
        f"justification={json.dumps('not allowed: ' + rule.pattern)})\n"
        for rule in rules
        if (found := words(rule))
    ]
    return "".join(lines)
