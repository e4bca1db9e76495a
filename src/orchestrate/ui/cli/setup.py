"""Commands around the work: validate, init, doctor, uninstall, completion."""

from __future__ import annotations

from pathlib import Path

import click

from orchestrate import wiring
from orchestrate.errors import ConflictError, ExitCode, RequestError
from orchestrate.ui.cli.conclude import agree
from orchestrate.ui.cli.output import Output, printable, repo_option, with_output


@click.command()
@click.argument("files", metavar="FILE...", nargs=-1, required=True)
@repo_option
@with_output
def validate(output: Output, files: tuple[str, ...], repo: str | None) -> int:
    """Check workflow FILEs and report every mistake with line, column and fix.

    Each may also be the name of a workflow.
    """
    from orchestrate.adapters.files.workflow_reader import check_workflow

    site = wiring.open_site(Path(repo) if repo else None)
    known = frozenset(wiring.catalog_of(site).names())
    problems = []
    for name in files:
        path = wiring.workflow_path(site, name)
        result = check_workflow(path.read_bytes(), str(path), known_agents=known)
        problems += result.problems
        if result.workflow is not None and not result.problems:
            output.message(f"{name}: ok, {len(result.workflow.tasks)} tasks")
    output.data({"problems": problems}, "\n".join(map(str, problems)))
    failed = any(problem.severity == "error" for problem in problems)
    return ExitCode.DEFINITION if failed else ExitCode.OK


@click.command()
@repo_option
@with_output
def init(output: Output, repo: str | None) -> int:
    """Write .orchestrate/ with commented settings and an example workflow. Overwrites nothing."""
    from orchestrate.adapters.system.footprint import write_file
    from orchestrate.ui.cli.starters import STARTERS

    site = wiring.open_site(Path(repo) if repo else None)
    made, kept = [], []
    for relative, text in STARTERS.items():
        path = site.root / ".orchestrate" / relative
        try:
            write_file(path, text.encode())
        except FileExistsError:
            kept.append(str(path))
        else:
            made.append(str(path))
    lines = [*(f"wrote {path}" for path in made), *(f"kept  {path}" for path in kept)]
    output.data({"written": made, "kept": kept}, "\n".join(lines))
    output.message("next: orchestrate doctor, then orchestrate run hello")
    return 0


@click.command()
@repo_option
@with_output
def doctor(output: Output, repo: str | None) -> int:
    """Check this machine and this repository, and say what is missing and what to do."""
    from orchestrate.ui.cli.doctor import examine

    checks = examine(wiring.open_site(Path(repo) if repo else None))
    width = max(len(check.name) for check in checks)
    output.data(
        checks,
        "\n".join(
            f"{check.verdict:<8} {check.name:<{width}}  {printable(check.detail)}"
            + (f"\n{'':<9}{'':<{width}}  -> {check.remedy}" if check.remedy else "")
            for check in checks
        ),
    )
    failed = any(check.verdict == "failed" for check in checks)
    return ExitCode.CONFIGURATION if failed else ExitCode.OK


@click.command()
@click.option("-y", "--yes", is_flag=True, help="Remove without asking.")
@with_output
def uninstall(output: Output, yes: bool) -> int:
    """List everything orchestrate ever wrote on this machine, ask, and remove it.

    The program itself goes with the tool that installed it, for instance `uv tool uninstall`.
    """
    from orchestrate.adapters.system import footprint

    places = footprint.remaining()
    if not places:
        output.data({"removed": []}, "nothing is left to remove")
        return 0
    for place in places:
        kept = "  (changed by you: kept)" if footprint.is_changed(place) else ""
        output.message(f"{footprint.size_bytes(place):>12} bytes  {place.path}{kept}")
    driven = wiring.driven_runs(places)
    if driven:
        raise ConflictError(
            f"{', '.join(driven)} still run", remedy="cancel them first, or wait for their end"
        )
    if not yes and not agree(output, "remove all of this?"):
        raise RequestError("nothing was removed", remedy="orchestrate uninstall --yes")
    removed = [place.path for place in places if not footprint.is_changed(place)]
    for place in places:
        if place.path in removed:
            footprint.remove(place)
    output.data({"removed": removed}, "\n".join(f"removed {path}" for path in removed))
    return 0


@click.command()
@click.argument("shell", type=click.Choice(("bash", "zsh", "fish")))
def completion(shell: str) -> int:
    """Print the completion script for SHELL; load it from your shell's start-up file.

    \b
      bash:  eval "$(orchestrate completion bash)"
      zsh:   eval "$(orchestrate completion zsh)"
      fish:  orchestrate completion fish | source
    """
    from click.shell_completion import get_completion_class

    from orchestrate.ui.cli.main import cli

    found = get_completion_class(shell)
    if found is None:
        raise RequestError(f"no completion for {shell}")
    click.echo(found(cli, {}, "orchestrate", "_ORCHESTRATE_COMPLETE").source())
    return 0
