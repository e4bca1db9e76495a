"""Entry point: finds the command, runs it, turns errors into messages and exit codes.

Commands are imported only when they are called, so that `--help` stays fast.
"""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from importlib import import_module
from typing import Any, NoReturn

import click

from orchestrate import __version__
from orchestrate.errors import (
    ConfigurationError,
    ExitCode,
    InternalError,
    OrchestrateError,
    RequestError,
)

#: command -> (module, attribute, one-line help). The help is repeated here so that listing the
#: commands imports none of them; a test holds it equal to the commands' own.
COMMANDS: dict[str, tuple[str, str, str]] = {
    "security": (
        "scan",
        "security",
        "Scan a repository, fix what has a sure fix, and write a report.",
    ),
    "bugfix": (
        "bugfix",
        "bugfix",
        "Fix a bug, with a test that was red before and is green after.",
    ),
    "run": ("run", "run", "Run a workflow file or a built-in workflow."),
    "resume": (
        "resume",
        "resume",
        "Go on with a run, after showing what would run again.",
    ),
    "attach": ("resume", "attach", "Follow a run that another process drives."),
    "status": ("inspect", "status", "Show where a run stands, and what waits and why."),
    "list": ("inspect", "list_runs", "List the runs of this repository."),
    "show": ("show", "show", "Show a run, one of its tasks, or its state at an earlier event."),
    "logs": ("history", "logs", "Print what a run's attempts printed."),
    "events": ("history", "events", "Print a run's event log."),
    "graph": ("graph", "graph", "Draw a workflow or a run as text, Mermaid or SVG."),
    "explain": ("inspect", "explain", "Say why a run or a task waits, and what happens next."),
    "cost": ("cost", "cost", "Show what a run cost: tokens, model calls, time and money."),
    "pause": ("control", "pause", "Start nothing new in a run; what runs may end."),
    "cancel": ("control", "cancel", "Give a run up and stop what it runs."),
    "approve": ("control", "approve", "Let a run pass a gate, in your name."),
    "reject": ("control", "reject", "Refuse a gate, in your name and with a reason."),
    "checkpoint": (
        "checkpoint",
        "checkpoint",
        "Take, list and show checkpoints of a run, and go back to one.",
    ),
    "rollback": (
        "rollback",
        "rollback",
        "Take a run, its code and its workspaces to a checkpoint.",
    ),
    "state": (
        "state",
        "state",
        "Show where a run stands and how it came there; pause, resume or cancel it.",
    ),
    "conflict": (
        "conflict",
        "conflict",
        "List, show and resolve conflicts between pieces of work, or send the work back.",
    ),
    "pull-request": (
        "pull_request",
        "pull_request",
        "Push a run's branch and open a pull request for it.",
    ),
    "task": (
        "task",
        "task",
        "List, show and take tasks that wait for a person, hand them in, or give them back.",
    ),
    "prune": (
        "prune",
        "prune",
        "List, then delete, workspaces and refs that runs left and nobody needs.",
    ),
    "purge": (
        "purge",
        "purge",
        "List, then delete, transcripts and artifacts of old runs; their logs stay.",
    ),
    "checks": (
        "checks",
        "checks",
        "Show which tests, linters, builds and benchmarks the repository has, and run one.",
    ),
    "trust": (
        "trust",
        "trust",
        "Show, grant or revoke permission to run the repository's own code.",
    ),
    "validate": ("setup", "validate", "Check a workflow file and report every mistake."),
    "agent": ("agent", "agent", "List, show, generate and archive agent profiles."),
    "init": ("setup", "init", "Write a commented starting point into .orchestrate/."),
    "doctor": ("setup", "doctor", "Check this machine and say what is missing."),
    "uninstall": (
        "uninstall",
        "uninstall",
        "List, then remove, everything orchestrate ever wrote.",
    ),
    "completion": ("setup", "completion", "Print the completion script for a shell."),
}

#: Commands that have commands of their own.
GROUPS = frozenset({"agent", "checkpoint", "conflict", "state", "task"})

#: Not listed in help: how a detached run is driven.
HIDDEN: dict[str, tuple[str, str]] = {"_drive": ("detached", "drive")}


class LazyGroup(click.Group):
    """A group whose commands are imported when they are needed."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        """Names in the order of `COMMANDS`: the way a user meets them."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """Import and return the command."""
        module, attribute = HIDDEN.get(cmd_name) or COMMANDS.get(cmd_name, ("", ""))[:2]
        if not module:
            return None
        command = getattr(import_module(f"orchestrate.ui.cli.{module}"), attribute)
        if not isinstance(command, click.Command):
            raise InternalError(f"{module}.{attribute} is not a command")
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Suggest the nearest name for a wrong one."""
        name = args[0]
        if name not in COMMANDS and name not in HIDDEN and not name.startswith("-"):
            from difflib import get_close_matches

            near = get_close_matches(name, COMMANDS, n=1)
            hint = f" Did you mean {near[0]!r}?" if near else ""
            ctx.fail(f"There is no command {name!r}.{hint}")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """The list of commands, without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, _, line) in COMMANDS.items()])


@click.group(
    cls=LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Exit codes: docs/reference/exit-codes.md. Start with: orchestrate doctor",
)
@click.version_option(__version__, prog_name="orchestrate")
def cli() -> None:
    """A durable orchestrator for teams of coding agents.

    Plans work as a graph of tasks, runs agents side by side, records every step before it acts,
    and goes on after any crash without repeating what was finished.
    """


def main(arguments: list[str] | None = None) -> NoReturn:
    """Run the command line and exit."""
    _complete_streams()
    code = run(sys.argv[1:] if arguments is None else arguments)
    _finish_streams()
    sys.exit(code)


def _complete_streams() -> None:
    """Make writing possible whatever the caller closed, and whatever its encoding lacks."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: SIM115
        elif mode == "w" and hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")


def _finish_streams() -> None:
    """Write out what is buffered, or give it up: nobody reading must not change the exit code.

    What is left in a buffer is tried again when the interpreter ends, and failing there makes the
    exit code 120.
    """
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def run(arguments: list[str]) -> int:
    """Run one command line; returns its exit code and never raises for a user's mistake."""
    if sys.platform == "win32":
        print("orchestrate: Windows is not supported; use it inside WSL2", file=sys.stderr)
        return ExitCode.CONFIGURATION
    try:
        return _call(arguments)
    except (click.Abort, KeyboardInterrupt):
        error = OrchestrateError("interrupted")
        error.exit_code = ExitCode.INTERRUPTED
    except click.exceptions.NoArgsIsHelpError as missing:
        print(missing.format_message(), file=sys.stderr)
        return ExitCode.USAGE
    except click.ClickException as wrong:
        error = RequestError(wrong.format_message(), remedy=_usage_hint(wrong))
    except OrchestrateError as known:
        error = known
    except OSError as failure:
        place = f": {failure.filename}" if failure.filename else ""
        error = ConfigurationError(
            f"{failure.strerror or failure}{place}", remedy="check permissions and free space"
        )
    except Exception as defect:
        import traceback

        traceback.print_exc()
        error = InternalError(
            f"internal error: {defect}",
            remedy="this is a defect in orchestrate; please report it with the lines above",
        )
    return _report(error, arguments)


def _call(arguments: list[str]) -> int:
    for argument in arguments:
        try:
            argument.encode()
        except UnicodeEncodeError:
            raise RequestError(f"the argument {argument!a} is not valid UTF-8") from None
    try:
        code: Any = cli.main(arguments, prog_name="orchestrate", standalone_mode=False)
    except click.exceptions.Exit as stop:
        return stop.exit_code
    return code if isinstance(code, int) else ExitCode.OK


def _usage_hint(error: click.ClickException) -> str:
    context = getattr(error, "ctx", None)
    return f"see: {context.command_path} --help" if context is not None else "see --help"


def _report(error: OrchestrateError, arguments: list[str]) -> int:
    with suppress(OSError):
        print(f"orchestrate: {error.message}", file=sys.stderr)
        if error.remedy:
            print(f"  {error.remedy}", file=sys.stderr)
    if "--json" in arguments:
        from orchestrate.ui.cli.output import print_envelope

        fields = {
            "message": error.message,
            "remedy": error.remedy,
            "exit_code": int(error.exit_code),
        }
        with suppress(OSError):
            print_envelope(_command_name(arguments), None, error=fields)
    return error.exit_code


def _command_name(arguments: list[str]) -> str:
    """The command that `arguments` name, as far as that can be told without parsing them."""
    words = [word for word in arguments if not word.startswith("-")]
    if not words or words[0] not in COMMANDS:
        return ""
    return " ".join(words[:2]) if words[0] in GROUPS else words[0]
