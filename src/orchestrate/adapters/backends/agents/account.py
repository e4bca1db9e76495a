"""How the user reaches an agent's provider, and what there is of a backend on this machine."""

from __future__ import annotations

from typing import Literal

import msgspec

from orchestrate.adapters.backends.agents.program import Program
from orchestrate.ports.performer import BackendStatus

AccountKind = Literal["subscription", "api", "none", "unknown"]


class Account(msgspec.Struct, frozen=True):
    """What kind of access there is, and where it was found: a variable's name or a file."""

    kind: AccountKind = "none"
    source: str = ""


def describe(
    backend: str, program: Program, account: Account, *, login: str, notes: tuple[str, ...] = ()
) -> BackendStatus:
    """The status of a backend. `login` says how to get access; `notes` come first."""
    found = program.path()
    version = program.version() if found else ""
    in_range = program.tested.covers(version)
    remedy = ""
    if not found:
        remedy = f"install: {program.install}"
    elif not version:
        remedy = f"it does not say its version; install it again: {program.install}"
    elif account.kind == "none":
        remedy = login
    if version and not in_range:
        notes = (*notes, f"version {version} was not tested; {program.tested.text}")
    return BackendStatus(
        name=backend,
        found=found,
        version=version,
        tested=program.tested.text,
        in_range=in_range,
        account=account.kind,
        source=account.source,
        usable=not remedy,
        notes=notes,
        remedy=remedy,
    )
