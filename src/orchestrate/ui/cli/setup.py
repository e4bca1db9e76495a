"""Commands around the work: validate, init, doctor, completion."""

from __future__ import annotations

from pathlib import Path

import click

from orchestrate import wiring
from orchestrate.core.planning.problem import Problem
from orchestrate.core.wording import count
from orchestrate.errors import ConfigurationError, ExitCode, RequestError
from orchestrate.ui.cli.data import CompletionScript, Initialised, Validation
from orchestrate.ui.cli.output import Output, printable, repo_option, with_output


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
            output.message(f"{name}: ok, {count(len(result.workflow.tasks), 'task')}")
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
