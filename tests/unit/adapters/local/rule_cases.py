"""What a rule must find and what it must leave alone, written as annotated source.

In `bad`, a comment `# severity/confidence` marks each line that the rule must report, with exactly
that weight; every other line must stay unreported. In `good`, nothing may be reported.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from textwrap import dedent

from orchestrate.adapters.backends.local.code_review import hits_of
from orchestrate.adapters.backends.local.python_source import parse

_MARK = re.compile(r"# ((?:critical|high|medium|low|info)/(?:high|medium|low))$")


@dataclass(frozen=True)
class Case:
    """One rule with a positive and a near miss. `path` matters to rules about settings files."""

    rule: str
    bad: str
    good: str
    path: str = "package/module.py"


def expected(source: str) -> list[tuple[int, str]]:
    """Line and weight of every mark."""
    return [
        (number, found.group(1))
        for number, line in enumerate(source.splitlines(), start=1)
        if (found := _MARK.search(line))
    ]


def reported(source: str, rule: str, path: str = "package/module.py") -> list[tuple[int, str]]:
    """Line and weight of every hit of `rule`."""
    return sorted(
        (
            getattr(hit.node, "lineno", 0),
            f"{hit.severity or hit.rule.severity}/{hit.confidence or hit.rule.confidence}",
        )
        for hit, _ in hits_of(parse(path, dedent(source)))
        if hit.rule.id == rule
    )
