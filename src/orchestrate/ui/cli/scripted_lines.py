"""Saying that a run was a rehearsal."""

from __future__ import annotations

from collections.abc import Iterator

from orchestrate.core.agents.script import SCRIPTED
from orchestrate.core.running.state import RunState
from orchestrate.core.views import delivered
from orchestrate.ui.cli.output import printable


def scripted_lines(state: RunState) -> Iterator[str]:
    """Which tasks a script did in the place of a model; nothing where there are none."""
    tasks = delivered.scripted(state)
    if tasks:
        yield f"{SCRIPTED}  no model did {printable(', '.join(tasks))}"
