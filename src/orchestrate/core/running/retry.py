"""When a failed attempt is tried again."""

from __future__ import annotations

from orchestrate.core.planning.definition import RetryPolicy

#: How often a task may vanish together with its driver before it is itself suspected of killing
#: the driver (by exhausting memory, for instance). High, because most lost attempts are the
#: machine's fault: a reboot, a closed laptop, an impatient kill.
MAX_LOSSES = 10


def backoff_s(policy: RetryPolicy, failures: int) -> float:
    """Seconds to wait after the `failures`-th failure (1 for the first)."""
    return min(policy.backoff_s * policy.factor ** (failures - 1), policy.max_backoff_s)
