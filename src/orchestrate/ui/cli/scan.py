"""The command that scans a repository: security."""

from __future__ import annotations

from pathlib import Path

import click

from orchestrate import wiring
from orchestrate.ui.cli.output import Output, printable, repo_option, with_output
from orchestrate.ui.cli.request import read_request, request_options
from orchestrate.ui.cli.run import begin, driving_options

#: The workflow behind the command.
WORKFLOW = "security"
LEVELS = ("critical", "high", "medium", "low", "info", "none")


@click.command()
@request_options
@repo_option
@click.option(
    "--fail-on",
    type=click.Choice(LEVELS),
    default="none",
    help="Exit with 9 if a finding is at least this severe, with 10 if that is not known.",
)
@click.option(
    "--allow-unknown",
    is_flag=True,
    help="Let --fail-on pass although something could not be confirmed; it is still named.",
)
@click.option(
    "--baseline",
    type=click.Path(exists=True, dir_okay=False),
    default=None,
    metavar="FILE",
    help="Findings listed there were accepted before.",
)
@click.option(
    "--update-baseline",
    type=click.Path(dir_okay=False),
    default=None,
    metavar="FILE",
    help="Afterwards write all findings to FILE as the new baseline.",
)
@click.option(
    "--advisories",
    type=click.Path(exists=True, file_okay=False),
    default=None,
    metavar="FOLDER",
    help="Folder of OSV advisories for the dependency audit.",
)
@click.option(
    "--advisory-service",
    default=None,
    metavar="URL",
    help="OSV service to ask; names and versions of dependencies are sent there.",
)
@click.option(
    "--output",
    "output_dir",
    type=click.Path(file_okay=False),
    default=None,
    metavar="FOLDER",
    help="Copy the reports there (default: they stay with the run, and the path is printed).",
)
@driving_options
@with_output
def security(
    output: Output,
    request: str | None,
    repo: str | None,
    request_file: str | None,
    fail_on: str,
    allow_unknown: bool,
    baseline: str | None,
    update_baseline: str | None,
    advisories: str | None,
    advisory_service: str | None,
    output_dir: str | None,
    detach: bool,
    wait: bool,
    parallel_limit: int | None,
) -> int:
    """Scan a repository and write a security report.

    Three local specialists work side by side, without key or server: bandit, detect-secrets, a
    dependency and licence audit, review rules and an architecture assessment. Their findings are
    merged and ranked. Nothing of the repository is executed.

    \b
      orchestrate security
      orchestrate security "before the release" --fail-on high --advisories ./advisories
    """
    site = wiring.open_site(
        Path(repo) if repo else None,
        {
            "max_parallel": parallel_limit,
            "advisories": advisories,
            "advisory_service": advisory_service,
        },
    )
    text = read_request(request, request_file, default="comprehensive security review")
    inputs = {
        "request": text,
        "advisories": _absolute(_from_outside(output, site, "advisories")),
        "advisory_service": _from_outside(output, site, "advisory_service"),
        "baseline": _absolute(baseline),
        "update_baseline": _absolute(update_baseline),
        "fail_on": fail_on,
        "allow_unknown": "true" if allow_unknown else "false",
        "output": _absolute(output_dir),
    }
    _refuse_early(baseline, update_baseline, output_dir)
    _mention_own_workflow(output, site)
    # Never the repository's own: it could run any command, or report that all is well.
    workflow = wiring.trusted_workflow(site, WORKFLOW)
    return begin(output, site, workflow, text, inputs, detach=detach, wait=wait)


def _refuse_early(baseline: str | None, update_baseline: str | None, folder: str | None) -> None:
    """Find out before the scan, not after it, that a file cannot be read or reports not written.

    Raises:
        DefinitionError: a baseline has mistakes.
        OSError: a baseline cannot be read, or the folder for the reports not be made.
    """
    from orchestrate.core.sharing.baseline import parse_baseline

    for path in filter(None, (baseline, update_baseline)):
        if Path(path).exists():
            parse_baseline(Path(path).read_bytes(), path)
    if folder:
        Path(folder).expanduser().mkdir(parents=True, exist_ok=True)


def _mention_own_workflow(output: Output, site: wiring.Site) -> None:
    own = wiring.workflow_folders(site)[0] / f"{WORKFLOW}.yaml"
    if own.is_file():
        output.message(
            f"{printable(str(own))} is not used: a scan executes nothing of the repository."
            f" If you trust it: orchestrate run {WORKFLOW}"
        )


def _from_outside(output: Output, site: wiring.Site, name: str) -> str:
    """A source of advisories, unless it is the scanned repository that names it.

    It could name one of its own, which would say that all is well, and a service would learn what
    is used here besides.
    """
    origin = site.origin[name]
    if not origin.startswith(str(site.root / ".orchestrate")):
        return str(getattr(site.settings, name))
    output.message(
        f"{printable(origin)}: {name} is not used: a repository does not decide who vouches for it."
        f" If you trust it, give --{name.replace('_', '-')}"
    )
    return ""


def _absolute(path: str | None) -> str:
    return str(Path(path).expanduser().resolve()) if path else ""
