"""The command that takes everything of ours away: uninstall."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from orchestrate import wiring
from orchestrate.errors import ConfigurationError, ConflictError, OrchestrateError, RequestError
from orchestrate.ui.cli.conclude import agree
from orchestrate.ui.cli.data import Uninstalled
from orchestrate.ui.cli.output import Output, printable, with_output

if TYPE_CHECKING:
    from orchestrate.adapters.system.footprint import Place
    from orchestrate.adapters.workspace.withdrawal import Presence

#: New contents that a workspace may bring when it is looked at for work that is nowhere else.
_LIMIT_BYTES = 1 << 30


@click.command()
@click.option("-y", "--yes", is_flag=True, help="Remove without asking.")
@click.option(
    "--with-unmerged", is_flag=True, help="Also remove work of runs that is on no branch."
)
@with_output
def uninstall(output: Output, yes: bool, with_unmerged: bool) -> int:
    """List, then remove, everything orchestrate ever wrote.

    Asks before it removes; files in your repositories that you have changed are kept, and so are
    the branches that runs published: they are yours. Work that is on no branch is listed, and
    removed only with --with-unmerged.

    The program itself goes with the tool that installed it, for instance `uv tool uninstall`.
    """
    from orchestrate.adapters.system import footprint

    places = footprint.remaining()
    found, problems = _presences()
    if not places and not any(one.refs for one in found):
        output.data(Uninstalled(removed=(), kept=()), "nothing is left to remove")
        return 0
    changed = [place for place in places if footprint.is_changed(place)]
    _list(output, places, changed, found)
    driven = wiring.driven_runs(places)
    if driven:
        raise ConflictError(
            f"{', '.join(driven)} still run", remedy="cancel them first, or wait for their end"
        )
    if any(one.unmerged for one in found) and not with_unmerged:
        raise ConflictError(
            "nothing was removed: work that is on no branch would be lost",
            remedy="merge what you want to keep, then: orchestrate uninstall --with-unmerged",
        )
    if not yes and not agree(output, "remove all of this?"):
        raise RequestError("nothing was removed", remedy="orchestrate uninstall --yes")
    removed = [place for place in places if place not in changed]
    problems += [problem for one in found if (problem := _withdraw(one))]
    problems += [problem for place in removed if (problem := _remove(place))]
    if problems:
        raise ConfigurationError(
            "not everything could be removed: " + "; ".join(problems),
            remedy="remove the rest by hand, or correct the permissions and call this again",
        )
    refs = [f"refs/orchestrate in {one.git_dir}" for one in found if one.refs]
    data = Uninstalled(
        removed=(*refs, *(item.path for item in removed)),
        kept=tuple(item.path for item in changed),
        branches=tuple(f"{one.git_dir}: {branch}" for one in found for branch in one.branches),
        unmerged=tuple(_named(found)),
    )
    output.data(data, "\n".join(f"removed {printable(path)}" for path in data.removed))
    return 0


def _named(found: list[Presence]) -> list[str]:
    return [f"{item.run}/{item.name}" for one in found for item in one.unmerged]


def _presences() -> tuple[list[Presence], list[str]]:
    """What of ours is in each repository worked on, and which could not be looked at."""
    from orchestrate.adapters.system import footprint
    from orchestrate.adapters.workspace.withdrawal import is_present, presence

    found: list[Presence] = []
    problems: list[str] = []
    for state_dir in footprint.state_dirs():
        git_dir = footprint.git_dir_of(state_dir)
        home = _workspaces_of(state_dir)
        if git_dir is None or not (home or is_present(git_dir)):
            continue
        try:
            found.append(presence(git_dir, home, _LIMIT_BYTES))
        except OrchestrateError as error:
            problems.append(f"{git_dir}: {error.message}")
    return found, problems


def _workspaces_of(state_dir: Path) -> Path | None:
    """Where `wiring.workspaces_dir` puts the workspaces of a site whose root need not be known."""
    from orchestrate.adapters.system.repository import state_home

    digest = hashlib.sha256(os.fsencode(state_dir)).hexdigest()[:12]
    homes = [path for path in (state_home() / "workspaces").glob(f"*-{digest}") if path.is_dir()]
    return homes[0] if homes else None


def _list(output: Output, places: list[Place], changed: list[Place], found: list[Presence]) -> None:
    from orchestrate.adapters.system import footprint

    for place in places:
        note = "  (changed by you: kept)" if place in changed else ""
        output.message(f"{footprint.size_bytes(place):>12} bytes  {printable(place.path)}{note}")
    for one in found:
        if one.refs:
            output.message(f"{len(one.refs):>12} refs   {printable(one.git_dir)} refs/orchestrate")
        for branch in one.branches:
            output.message(f"{'':>12} branch {printable(branch)}  (yours: stays)")
        for item in one.unmerged:
            name = printable(f"{item.run}/{item.name}")
            output.message(f"{'':>12} work   {name}: {printable(item.reason)}")


def _withdraw(found: Presence) -> str:
    """Take our refs out of a repository; what went wrong, or empty."""
    from orchestrate.adapters.workspace.withdrawal import withdraw

    try:
        withdraw(found)
    except OrchestrateError as error:
        return f"{found.git_dir}: {error.message}"
    return ""


def _remove(place: Place) -> str:
    """Remove `place`; what went wrong, or empty."""
    from orchestrate.adapters.system import footprint

    try:
        footprint.remove(place)
    except OSError as error:
        return f"{place.path}: {error.strerror or error}"
    return ""
