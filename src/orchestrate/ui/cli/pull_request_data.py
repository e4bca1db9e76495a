"""What the command `pull-request` prints as `data` with --json."""

from __future__ import annotations

import msgspec


class PullRequestData(msgspec.Struct, frozen=True, kw_only=True):
    """The pull request of a run, or why there is none.

    `url` is null where it could not be opened, or was not asked for; `problem` then says why, and
    `commands` are what to type instead, with the body in `body_file`. `new`: it was opened now, and
    not found. `pushed`: the branch went to `remote` now; false where it was there, or did not go.
    """

    run: str
    branch: str
    title: str
    body: str
    body_file: str
    remote: str
    base: str
    pushed: bool
    url: str | None
    new: bool
    problem: str
    commands: tuple[str, ...]
