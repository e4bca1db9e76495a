"""The command that turns a report of a bug into a proven fix: bugfix."""

from __future__ import annotations

from pathlib import Path

import click

from orchestrate import wiring
from orchestrate.errors import RequestError
from orchestrate.ui.cli.money import Spending, spending_options
from orchestrate.ui.cli.output import Output, repo_option, with_output
from orchestrate.ui.cli.pull_request import create_pr_option
from orchestrate.ui.cli.request import read_request, request_options
from orchestrate.ui.cli.reshaping import Reshaping, reshaping_options
from orchestrate.ui.cli.run import Driving, begin, beginning_options

#: The workflow behind the command.
WORKFLOW = "bugfix"


@click.command()
@request_options
@repo_option
@click.option("--dry-run", is_flag=True, help="Show plan, performers and cost; touch nothing.")
@create_pr_option
@reshaping_options
@spending_options
@beginning_options
@with_output
def bugfix(
    output: Output,
    request: str | None,
    repo: str | None,
    request_file: str | None,
    dry_run: bool,
    create_pr: bool,
    reshaping: Reshaping,
    driving: Driving,
    spending: Spending,
) -> int:
    """Fix a bug, with a test that was red before and is green after.

    An agent looks for the cause while another writes a regression test. The engine runs the test:
    it has to fail for the right reason before anybody may fix anything, and to pass afterwards,
    unchanged, with no other test broken. What is proven is put on the branch orchestrate/RUN; your
    files and branches are left alone.

    This needs Claude Code or Codex, costs money, and runs the repository's own tests.

    \b
      orchestrate bugfix "slugify drops a trailing digit" --budget-usd 3
      orchestrate bugfix --request-file issue.md --backend codex --create-pr
      orchestrate bugfix "…" --dry-run
    """
    limit = driving.parallel_limit or reshaping.max_parallel
    site = wiring.open_site(Path(repo) if repo else None, {"max_parallel": limit})
    text = read_request(request, request_file, default="")
    if not text.strip():
        raise RequestError(
            "nothing says which bug to fix", remedy='orchestrate bugfix "what goes wrong, and when"'
        )
    # A repository's own workflow could run anything; only a trusted one is asked for its own.
    trusted = driving.trust_repo or wiring.is_trusted(site)
    find = wiring.find_workflow if trusted else wiring.trusted_workflow
    workflow = reshaping.reshape(find(site, WORKFLOW))
    return begin(
        output,
        site,
        workflow,
        text,
        {"request": text, **_measurable(output, site)},
        driving,
        spending=spending,
        dry_run=dry_run,
        create_pr=create_pr,
        runs_tests=True,
    )


def _measurable(output: Output, site: wiring.Site) -> dict[str, str]:
    """Inputs that leave out what cannot be measured in this repository; says which and why."""
    found = wiring.detect_checks(site)
    inputs = {}
    if found.first("test") is None and not site.settings.test_command:
        output.message("no tests were found here: the regression test will be the first")
        inputs["baseline"] = "false"
    if found.first("coverage") is None:
        output.message("coverage cannot be measured here: nobody will see whether it falls")
        inputs["coverage"] = "false"
    return inputs
