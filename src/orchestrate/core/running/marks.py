"""Ends of phases: which there are, and whether a checkpoint has marked them.

A phase in which the integration line moved ends with a commit of its own on it, made while its
checkpoint is taken. A checkpoint that was to carry such a mark and came without marks nothing, and
the phase's own is still owed.
"""

from __future__ import annotations

from orchestrate.core.running.state import RunState


def done_phases(state: RunState) -> int:
    """Bit set of the phases that are done."""
    return sum(1 << number for number, phase in enumerate(state.phases) if phase.done)


def done_unmarked(state: RunState) -> int:
    """Bit set of the phases whose end no checkpoint has marked yet."""
    return done_phases(state) & ~state.marked


def moved_since_mark(state: RunState) -> bool:
    """Whether phases ended unmarked, and the line is not where the last stable checkpoint was."""
    before = state.base if state.stable is None else state.stable.line
    return state.line != before and bool(done_unmarked(state))
