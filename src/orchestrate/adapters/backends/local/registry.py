"""Which action is done by which module; modules are imported when they are asked for."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import TypeAlias

from orchestrate.adapters.backends.local.progress import ReportProgress
from orchestrate.errors import AgentError
from orchestrate.ports.performer import AttemptRequest, AttemptResult

Action: TypeAlias = Callable[[AttemptRequest, ReportProgress], AttemptResult]

#: action -> module of this package; the module's `run` performs it.
ACTIONS: dict[str, str] = {
    "security-scan": "security_scan",
    "code-review": "code_review",
    "architecture-assessment": "architecture",
    "aggregate-findings": "aggregate",
    "security-report": "report",
    "plan-fixes": "plan_fixes",
    "apply-fix": "apply_fix",
    "rescan": "rescan_action",
}

#: Actions that change files; all others only look.
WRITING_ACTIONS = frozenset({"apply-fix"})


def find_action(name: str) -> Action:
    """The function that performs `name`.

    Raises:
        AgentError: there is no such action, or its module cannot be imported here.
    """
    module = ACTIONS.get(name)
    if module is None:
        known = ", ".join(sorted(ACTIONS))
        raise AgentError(f"the local backend has no action {name!r}", remedy=f"use one of: {known}")
    qualified = f"{__package__}.{module}"
    try:
        run: Action = importlib.import_module(qualified).run
    except (ImportError, AttributeError) as error:
        raise AgentError(
            f"action {name!r} is not available: {error}",
            remedy="reinstall orchestrate with all its dependencies",
        ) from error
    return run
