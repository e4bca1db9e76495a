"""The command that deletes workspaces and refs that hold nothing unmerged: prune."""

from __future__ import annotations

import click
import msgspec

from orchestrate import wiring
from orchestrate.app import runs
from orchestrate.core.running.status import RunStatus
from orchestrate.errors import ConflictError, StoreError
from orchestrate.ports.store import EventStore
from orchestrate.ports.workspace import Kept
from orchestrate.ui.cli.conclude import agree
from orchestrate.ui.cli.opened import opened
from orchestrate.ui.cli.output import Output, printable, repo_option, with_output
from orchestrate.ui.cli.upkeep_data import Pruned, leftover

#: Runs that nothing goes on in. A failed one can be resumed, so it has to be named.
_OVER = frozenset({RunStatus.COMPLETED, RunStatus.CANCELLED})


@click.command()
@click.option("--run", "run_id", default=None, metavar="RUN", help="Only what this run left.")
@click.option(
    "--environments", is_flag=True, help="Also what tests run in; it is built again when needed."
)
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
@repo_option
@with_output
def prune(
    output: Output, run_id: str | None, environments: bool, yes: bool, repo: str | None
) -> int:
    """List, then delete, workspaces and refs that runs left and nobody needs.

    Work that is nowhere else is listed and never deleted, and so is all of a run that can go on; a
    failed run counts as over when it is named. Checkpoints whose workspaces are deleted cannot be
    gone back to.
    """
    with opened(repo) as (site, store):
        known = _standing(output, site, store, run_id)
        found = wiring.workspaces_of(site).leftovers(known)
        driven = [head.stream for head in store.heads() if wiring.is_owned(site, head.stream)]
        if run_id is not None:
            found = [item for item in found if item.run]
        elif driven:
            found = [_in_use(item, driven) for item in found]
        if environments:
            found += _environments(site, driven)
        doomed = [item for item in found if not item.unmerged]
        kept = [item for item in found if item.unmerged]
        _list(output, doomed, kept)
        if not doomed:
            output.data(_data([], kept, 0), "nothing to delete")
            return 0
        if not yes and not agree(output, f"delete these {len(doomed)}?"):
            raise ConflictError("nothing was deleted", remedy="give the same command with --yes")
        freed = _delete(site, doomed)
    output.data(_data(doomed, kept, freed), f"deleted {len(doomed)}, freed {freed} bytes")
    return 0


def _standing(
    output: Output, site: wiring.Site, store: EventStore, run_id: str | None
) -> dict[str, bool]:
    """Run -> whether it is over, and may lose what it left."""
    if run_id is not None:
        run = runs.resolve(store, run_id)
        status = runs.load(store, run).status
        return {run: status in _OVER | {RunStatus.FAILED} and not wiring.is_owned(site, run)}
    known = {}
    for head in store.heads():
        try:
            over = runs.load(store, head.stream).status in _OVER
        except StoreError as error:
            output.message(f"run {head.stream} is left alone: {error.message}")
            over = False
        known[head.stream] = over and not wiring.is_owned(site, head.stream)
    return known


def _in_use(item: Kept, driven: list[str]) -> Kept:
    """What belongs to no run yet is about to be used while one is driven."""
    if item.run:
        return item
    reason = f"run {driven[0]} is driven and may be about to use it"
    return msgspec.structs.replace(item, unmerged=True, reason=reason)


def _environments(site: wiring.Site, driven: list[str]) -> list[Kept]:
    from orchestrate.adapters.evidence.kept import kept

    found = kept(wiring.environments_dir(site))
    return [_in_use(item, driven) for item in found] if driven else found


def _delete(site: wiring.Site, doomed: list[Kept]) -> int:
    from orchestrate.adapters.evidence.kept import delete

    freed = 0
    for item in doomed:
        if item.kind == "environment":
            delete(wiring.environments_dir(site), item)
            freed += item.size_bytes
    return freed + wiring.workspaces_of(site).prune(
        [item for item in doomed if item.kind != "environment"]
    )


def _list(output: Output, doomed: list[Kept], kept: list[Kept]) -> None:
    output.message("\n".join([*(_line("delete", item) for item in doomed), *map(_kept, kept)]))


def _line(verb: str, item: Kept) -> str:
    run = f"{item.run}/" if item.run else ""
    return f"{verb:<6}  {item.size_bytes:>12} bytes  {item.kind:<11}  {run}{printable(item.name)}"


def _kept(item: Kept) -> str:
    return f"{_line('keep', item)}: {printable(item.reason)}"


def _data(doomed: list[Kept], kept: list[Kept], freed: int) -> Pruned:
    return Pruned(
        deleted=tuple(map(leftover, doomed)), kept=tuple(map(leftover, kept)), freed_bytes=freed
    )
