"""A digest of what a run was asked to do: its definition and its inputs."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

import msgspec

from orchestrate.core.planning.definition import InputValue, Workflow

#: Part of the digest. Raise it when the same definition comes to mean something else.
_MEANING = "workflow 1"


def fingerprint(workflow: Workflow, inputs: Mapping[str, InputValue]) -> str:
    """Lower-case hex SHA-256 over a canonical encoding.

    Equal definitions with equal inputs have equal fingerprints on every machine, whatever the order
    of keys. Layout and comments of the file do not count; the order of tasks does, because it
    breaks ties when they are dispatched. Fields left at their default are not encoded, so a field
    added later does not change the fingerprint of workflows that do not use it.
    """
    # Through the log and back first: a float given as an integer would be encoded differently.
    stored = msgspec.json.decode(msgspec.json.encode(workflow), type=Workflow)
    encoded = msgspec.json.encode((_MEANING, stored, dict(inputs)), order="deterministic")
    return hashlib.sha256(encoded).hexdigest()
