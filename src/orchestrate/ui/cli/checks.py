"""The command about what a repository can check itself with: checks."""

from __future__ import annotations

import asyncio
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import click

from orchestrate import wiring
from orchestrate.core.sharing.evidence import CheckCommand, Evidence, EvidenceKind
from orchestrate.errors import ConfigurationError, ExitCode, RequestError
from orchestrate.ports.evidence import Detection
from orchestrate.ui.cli.output import Output, printable, repo_option, with_output
from orchestrate.ui.cli.upkeep_data import ChecksData

_EXIT = {
    "passed": ExitCode.OK,
    "failed": ExitCode.RUN_FAILED,
    "unknown": ExitCode.UNCONFIRMED,
}
#: What can be detected; a command of a workflow is written there.
KINDS = tuple(kind for kind in get_args(EvidenceKind) if kind != "command")


@click.command()
@click.option(
    "--run",
    "kind",
    type=click.Choice(KINDS),
    default=None,
    help="Run the command found for this and show the evidence.",
)
@click.option(
    "--base",
    type=click.Choice(["head", "working-tree"]),
    default="head",
    help="What is checked (default: HEAD).",
)
@click.option(
    "--trust-repo",
    is_flag=True,
    help="Let the repository's own code run, in its tests for instance; remembered.",
)
@repo_option
@with_output
def checks(output: Output, kind: str | None, base: str, trust_repo: bool, repo: str | None) -> int:
    """Show which tests, linters, builds and benchmarks the repository has, and run one.

    Looking executes nothing. What is run, is run on a copy, in an environment of its own, without
    a network; it needs your trust.
    """
    site = wiring.open_site(Path(repo) if repo else None)
    if trust_repo:
        wiring.trust(site)
    found = wiring.detect_checks(site)
    trusted = wiring.is_trusted(site)
    if kind is None:
        data = ChecksData(
            commands=found.commands, setup=found.setup, notes=found.notes, trusted=trusted
        )
        output.data(data, lambda: "\n".join(_listing(found, trusted=trusted)))
        return ExitCode.OK
    command = next((item for item in found.commands if item.kind == kind), None)
    if command is None:
        raise RequestError(
            f"no {kind} command was found in {site.root}", remedy="see: orchestrate checks"
        )
    if not trusted:
        raise ConfigurationError(
            f"running the code of {site.root} needs your trust",
            remedy="give --trust-repo, which is remembered for this repository",
        )
    evidence = asyncio.run(
        wiring.gather_check(site, command, "working-tree" if base == "working-tree" else "head")
    )
    data = ChecksData(
        commands=(command,),
        setup=found.setup,
        notes=found.notes,
        trusted=trusted,
        evidence=evidence,
    )
    output.data(data, lambda: "\n".join(_shown(evidence)))
    return _EXIT[evidence.verdict]


def _listing(found: Detection, *, trusted: bool) -> Iterator[str]:
    width = max((len(item.kind) for item in found.commands), default=0)
    for item in found.commands:
        yield f"{item.kind:<{width}}  {_typed(item)}  ({printable(item.source)})"
    if not found.commands:
        yield "no command was found"
    yield from (f"setup  {printable(step)}" for step in found.setup)
    yield from (f"note   {printable(note)}" for note in found.notes)
    yield "the repository is " + ("trusted" if trusted else "not trusted: nothing of it is run")


def _typed(command: CheckCommand) -> str:
    filled = [
        word.replace("{python}", "python").replace("{report}", "REPORT") for word in command.argv
    ]
    where = "" if command.folder == "." else f"in {command.folder}: "
    return printable(where + shlex.join(filled))


def _shown(evidence: Evidence) -> Iterator[str]:
    yield f"{evidence.verdict}: {printable(evidence.summary)}"
    yield f"command   {_typed(evidence.command)}"
    yield f"revision  {evidence.revision}"
    if evidence.coverage is not None:
        yield f"coverage  {evidence.coverage.percent:.2f} %"
    yield from (f"failing   {printable(name)}" for name in evidence.failing[:20])
    yield from (f"flaky     {printable(name)}" for name in evidence.flaky[:20])
    yield from (f"note      {printable(note)}" for note in evidence.notes)
    around = evidence.environment
    contained = ", ".join(filter(None, (around.containment, around.network)))
    yield f"took      {evidence.duration_s:.1f} s, {around.interpreter or 'own tools'}, {contained}"
    yield f"log       {evidence.log}"
