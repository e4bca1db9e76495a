"""Commands around the work: validate, init, doctor, uninstall, completion."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from orchestrate import wiring
from orchestrate.core.planning.problem import Problem
from orchestrate.errors import ConfigurationError, ConflictError, ExitCode, RequestError
from orchestrate.ui.cli.conclude import agree
from orchestrate.ui.cli.data import CompletionScript, Initialised, Uninstalled, Validation
from orchestrate.ui.cli.output import Output, printable, repo_option, with_output

if TYPE_CHECKING:
    from orchestrate.adapters.system.footprint import Place


@click.command()
@click.argument("files", metavar="FILE...", nargs=-1, required=True)
@repo_option
@with_output
def validate(output: Output, files: tuple[str, ...], repo: str | None) -> int:
    """Check a workflow file and report every mistake.

    Each comes with line, column and fix. FILE may also be the name of a workflow.
    """
    from orchestrate.adapters.files.workflow_reader import check_workflow

    site = wiring.open_site(Path(repo) if repo else None)
    known = frozenset(wiring.catalog_of(site).names())
    problems: list[Problem] = []
    for name in files:
        path = wiring.workflow_path(site, name)
        result = check_workflow(path.read_bytes(), str(path), known_agents=known)
        problems += result.problems
        if result.workflow is not None and not result.problems:
            output.message(f"{name}: ok, {len(result.workflow.tasks)} tasks")
    output.data(Validation(tuple(problems)), "\n".join(map(str, problems)))
    failed = any(problem.severity == "error" for problem in problems)
    return ExitCode.DEFINITION if failed else ExitCode.OK


@click.command()
@repo_option
@with_output
def init(output: Output, repo: str | None) -> int:
    """Write a commented starting point into .orchestrate/.

    That is settings and an example workflow. Nothing is overwritten.
    """
    from orchestrate.adapters.system.footprint import write_file
    from orchestrate.ui.cli.starters import STARTERS

    site = wiring.open_site(Path(repo) if repo else None)
    made: list[str] = []
    kept: list[str] = []
    for relative, text in STARTERS.items():
        path = site.root / ".orchestrate" / relative
        try:
            (made if write_file(path, text.encode()) else kept).append(str(path))
        except OSError as error:
            raise ConfigurationError(
                f"{path} cannot be written: {error.strerror}", remedy="check its folder"
            ) from error
    lines = [*(f"wrote {path}" for path in made), *(f"kept  {path}" for path in kept)]
    output.data(Initialised(tuple(made), tuple(kept)), "\n".join(map(printable, lines)))
    output.message("next: orchestrate doctor, then orchestrate run hello")
    return 0


@click.command()
@repo_option
@with_output
def doctor(output: Output, repo: str | None) -> int:
    """Check this machine and say what is missing.

    The repository, its settings and its agents are checked as well.
    """
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
    """List, then remove, everything orchestrate ever wrote.

    Asks before it removes; files in your repositories that you have changed are kept.

    The program itself goes with the tool that installed it, for instance `uv tool uninstall`.
    """
    from orchestrate.adapters.system import footprint

    places = footprint.remaining()
    if not places:
        output.data(Uninstalled((), ()), "nothing is left to remove")
        return 0
    changed = [place for place in places if footprint.is_changed(place)]
    for place in places:
        note = "  (changed by you: kept)" if place in changed else ""
        size = footprint.size_bytes(place)
        output.message(f"{size:>12} bytes  {printable(place.path)}{note}")
    driven = wiring.driven_runs(places)
    if driven:
        raise ConflictError(
            f"{', '.join(driven)} still run", remedy="cancel them first, or wait for their end"
        )
    if not yes and not agree(output, "remove all of this?"):
        raise RequestError("nothing was removed", remedy="orchestrate uninstall --yes")
    removed = [place for place in places if place not in changed]
    problems = [problem for place in removed if (problem := _remove(place))]
    if problems:
        raise ConfigurationError(
            "not everything could be removed: " + "; ".join(problems),
            remedy="remove the rest by hand, or correct the permissions and call this again",
        )
    output.data(
        Uninstalled(tuple(item.path for item in removed), tuple(item.path for item in changed)),
        "\n".join(f"removed {printable(place.path)}" for place in removed),
    )
    return 0


def _remove(place: Place) -> str:
    """Remove `place`; what went wrong, or empty."""
    from orchestrate.adapters.system import footprint

    try:
        footprint.remove(place)
    except OSError as error:
        return f"{place.path}: {error.strerror or error}"
    return ""


@click.command()
@click.argument("shell", type=click.Choice(("bash", "zsh", "fish")))
@with_output
def completion(output: Output, shell: str) -> int:
    """Print the completion script for a shell.

    Load it from your shell's start-up file:

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
    script = found(cli, {}, "orchestrate", "_ORCHESTRATE_COMPLETE").source()
    output.data(CompletionScript(shell, script), script)
    return 0
