"""The command that scans a repository and fixes what it can: security."""

from __future__ import annotations

from pathlib import Path

import click

from orchestrate import wiring
from orchestrate.core.planning.reshape import with_unverified, without_phase
from orchestrate.ui.cli.output import Output, printable, repo_option, with_output
from orchestrate.ui.cli.request import read_request, request_options
from orchestrate.ui.cli.run import Driving, begin, beginning_options

#: The workflow behind the command.
WORKFLOW = "security"
#: Its phase that makes the fixes.
REMEDIATION = "remediation"
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
@click.option(
    "--fix/--no-fix",
    default=None,
    help="Fix what has a sure fix, on a branch of its own (default: where git allows it).",
)
@click.option(
    "--include-unverified",
    is_flag=True,
    help="Merge fixes although a check of them could not tell; they are marked.",
)
@beginning_options
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
    fix: bool | None,
    include_unverified: bool,
    driving: Driving,
) -> int:
    """Scan a repository, fix what has a sure fix, and write a report.

    Three local specialists work side by side, without key or server: bandit, detect-secrets, a
    dependency and licence audit, review rules and an architecture assessment. Their findings are
    merged and ranked; scanning executes nothing of the repository.

    Each fix is made in a workspace and a commit of its own. It joins the branch orchestrate/RUN
    when a test that fails without it passes with it, a second scan is clean and the repository's
    tests say the same as before. Tests run only in a repository you trust (--trust-repo). Your
    files and branches are left alone.

    \b
      orchestrate security --trust-repo
      orchestrate security "before the release" --fail-on high --advisories ./advisories
      orchestrate security --no-fix
    """
    site = wiring.open_site(
        Path(repo) if repo else None,
        {
            "max_parallel": driving.parallel_limit,
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
    if fix is not None:
        inputs["fix"] = "true" if fix else "false"
    _refuse_early(baseline, update_baseline, output_dir)
    _mention_own_workflow(output, site)
    # Never the repository's own: it could run any command, or report that all is well.
    workflow = wiring.trusted_workflow(site, WORKFLOW)
    if fix is False:
        workflow = without_phase(workflow, REMEDIATION)
    elif include_unverified:
        workflow = with_unverified(workflow)
    # What nothing can be based on is scanned all the same, unless fixes were asked for.
    declined = None if fix else {"fix": "false"}
    return begin(output, site, workflow, text, inputs, driving, without_line=declined)


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
    """A source of advisories; says so when the scanned repository names one, which is not used.

    It could name one of its own, which would say that all is well, and a service would learn what
    is used here besides.
    """
    place = site.passed_over.get(name)
    if place is not None and site.origin[name] != "command line":
        output.message(
            f"{printable(place)}: {name} is not used: a repository does not decide who vouches for"
            f" it. If you trust it, give --{name.replace('_', '-')}"
        )
    return str(getattr(site.settings, name))


def _absolute(path: str | None) -> str:
    return str(Path(path).expanduser().resolve()) if path else ""
