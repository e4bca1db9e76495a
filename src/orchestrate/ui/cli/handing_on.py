"""Handing a run's branch on: everything is looked at first, then it is pushed and asked for."""

from __future__ import annotations

import os
import shlex
from typing import NamedTuple

import msgspec

from orchestrate import wiring
from orchestrate.adapters.code_host.address import hosted
from orchestrate.adapters.code_host.choice import code_host_for
from orchestrate.adapters.code_host.remote import Refs, UserRepository
from orchestrate.core.running.state import RunState
from orchestrate.ports.code_host import CodeHost, HostedRepository, NotDoneError, PullRequest
from orchestrate.ports.store import EventStore
from orchestrate.ui.cli.pull_request_data import PullRequestData
from orchestrate.ui.cli.pull_request_text import keep, published, text_of


class Wanted(NamedTuple):
    """Where to: a remote and a branch of it; empty for what can be found out."""

    remote: str = ""
    base: str = ""


ANYWHERE = Wanted()


def prepared(site: wiring.Site, store: EventStore, state: RunState) -> PullRequestData:
    """The text of a run that is completed, written to its file; nothing is pushed or opened.

    Raises:
        ConflictError: the run has no branch to hand on.
    """
    branch = published(store, state).branch
    text = text_of(site, store, state)
    return PullRequestData(
        run=state.run,
        branch=branch,
        title=text.title,
        body=text.body,
        body_file=str(keep(site, state, text)),
        remote="",
        base="",
        pushed=False,
        url=None,
        new=False,
        problem="",
        commands=(),
    )


def hand_on(
    site: wiring.Site, store: EventStore, state: RunState, wanted: Wanted = ANYWHERE
) -> PullRequestData:
    """Push the branch of a run that is completed and open a pull request for it.

    What cannot be done is in the result, with what to type instead. Nothing is pushed unless
    everything else is known to be right.

    Raises:
        ConflictError: the run has no branch to hand on.
    """
    data = prepared(site, store, state)
    ref = f"refs/heads/{data.branch}"
    push = shlex.join(("git", "push", wanted.remote or "origin", f"{ref}:{ref}"))
    try:
        way = _way(site, state, published(store, state).commit, wanted)
    except NotDoneError as error:
        return _replace(data, problem=_told(error), commands=(push,))
    asked = PullRequest(way.repository, data.branch, way.base, data.title, data.body)
    push = shlex.join(("git", "push", way.remote, f"{ref}:{ref}"))
    create = way.host.command(asked, data.body_file)
    data = _replace(data, remote=way.remote, base=way.base)
    try:
        _require_login(way)
        data = _replace(data, pushed=way.user.push(way.remote, data.branch))
    except NotDoneError as error:
        return _replace(data, problem=_told(error), commands=(push, create))
    try:
        made = way.host.open(asked)
    except NotDoneError as error:
        return _replace(data, problem=_told(error), commands=(create,))
    return _replace(data, url=made.url, new=made.new)


_replace = msgspec.structs.replace


def _told(error: NotDoneError) -> str:
    return f"{error.message} ({error.remedy})" if error.remedy else error.message


# -- the way there -----------------------------------------------------------------------------


class _Way(NamedTuple):
    """Everything that has to be known before anything is pushed."""

    user: UserRepository
    remote: str
    base: str
    host: CodeHost
    repository: HostedRepository


def _way(site: wiring.Site, state: RunState, commit: str, wanted: Wanted) -> _Way:
    """Raises NotDoneError if some of it cannot be found out, or forbids it."""
    _require_own_git(state)
    user = UserRepository(site.root, os.environ)
    branch = state.published
    at = user.commit(branch)
    if at != commit:
        how = f"is at {at[:12]} now" if at else "is gone"
        raise NotDoneError(
            f"the run left the branch {branch} at {commit[:12]}, and it {how}",
            remedy="push it and open the pull request yourself, as you changed it",
        )
    remote = user.remote(wanted.remote)
    repository = hosted(user.address(remote))
    host = code_host_for(repository, site.root, os.environ) if repository else None
    if repository is None or host is None:
        where = f" ({repository.host})" if repository else ""
        raise NotDoneError(
            f"the remote {remote}{where} is at no code host that gh or glab is logged in at",
            remedy="gh auth login --hostname HOST, or glab auth login --hostname HOST",
        )
    refs = user.refs(remote)
    base = _base(user, state, remote, refs, wanted.base)
    return _Way(user, remote, base, host, repository)


#: What the audit says of the things that decide where a push goes, and which programs it runs.
_OF_GIT = ("git config ", "git hooks ", "git submodules ")


def _require_own_git(state: RunState) -> None:
    """Raises NotDoneError if git may do here what the user never told it."""
    changed = [each for each in state.audit_changes if each.startswith(_OF_GIT)]
    if changed:
        raise NotDoneError(
            f"while the run went on, this changed: {', '.join(changed)}; an agent may have done it,"
            " and it decides where a push goes and what runs then",
            remedy="look at git config --list --show-origin, and at the hooks; then push yourself",
        )


def _base(user: UserRepository, state: RunState, remote: str, refs: Refs, wanted: str) -> str:
    """What to merge into: a branch of the remote that has everything but the run's own work."""
    if wanted and wanted not in refs.branches:
        raise NotDoneError(
            f"{remote} has no branch {wanted!r}", remedy=f"its default is {refs.default or 'none'}"
        )
    choices = (wanted,) if wanted else (user.current_branch(), refs.default)
    for name in filter(None, choices):
        at = refs.branches.get(name, "")
        known = (at, f"refs/remotes/{remote}/{name}")
        if at and any(user.is_ancestor(state.base, each) for each in known):
            return name
    # What else is on the branch is the user's, and was not asked to be shown to anybody.
    raise NotDoneError(
        f"the run began at {state.base[:12]}, which {remote} does not have: the branch holds more"
        " than the run's work",
        remedy=f"push what it began at first, or fetch: git fetch {remote}",
    )


def _require_login(way: _Way) -> None:
    status = way.host.status(way.repository.host)
    if not status.usable:
        raise NotDoneError(status.problem, remedy=status.remedy)
