"""One fix to be made, as an item of a task group: a flat object of texts and numbers."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from orchestrate.core.planning.definition import InputValue
from orchestrate.core.sharing.findings import Severity

#: Hexadecimal characters of a fingerprint that go into a key; enough to tell a scan's items apart.
SHORT = 12


class FixItem(msgspec.Struct, frozen=True):
    """What `plan-fixes` decided and `apply-fix` does: one place, one codemod.

    `fingerprints` and `rules` are separated by spaces: all findings that go away with this fix,
    the gravest first. `calls` are digests of the flawed calls (see `flaw.digest`), `source` shows
    the first of them. `writes` are the files the fix touches, one a line; `test` is where the
    security test goes, "" where the project has no tests. `package`, `version` and `fixed` are of
    pins alone.
    """

    key: str
    title: str
    rule: str
    fingerprint: str
    path: str
    line: int
    symbol: str
    codemod: str
    severity: Severity
    writes: str
    fingerprints: str
    rules: str
    calls: str = ""
    source: str = ""
    test: str = ""
    package: str = ""
    version: str = ""
    fixed: str = ""

    @property
    def files(self) -> tuple[str, ...]:
        """The files that are changed, the security test among them."""
        return tuple(line for line in self.writes.split("\n") if line)

    def values(self) -> dict[str, InputValue]:
        """The item as an attempt gets it."""
        return dict(msgspec.structs.asdict(self))


def item_from(values: Mapping[str, InputValue]) -> FixItem:
    """The item an attempt was given.

    Raises:
        msgspec.ValidationError: it is not one that `plan-fixes` made.
    """
    return msgspec.convert(dict(values), type=FixItem)


def item_key(rule: str, fingerprint: str) -> str:
    """A name for the item: stable as long as the finding is the same."""
    return f"{rule}-{fingerprint[:SHORT]}".lower()
