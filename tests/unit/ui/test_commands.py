"""The commands as a whole: listed, explained, and none of them loaded before it is called."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

import click
import pytest

from orchestrate.errors import (
    EXIT_CODE_MEANING,
    AgentError,
    ConfigurationError,
    ConflictError,
    DefinitionError,
    ExitCode,
    IllegalCommandError,
    InternalError,
    OrchestrateError,
    RequestError,
    StoreError,
    VersionConflictError,
)
from orchestrate.ui.cli.main import COMMANDS, HIDDEN, cli, run
from orchestrate.ui.cli.schema import COMMAND_DATA

HEAVY = ("rich", "msgspec", "sqlite3", "asyncio", "ruamel", "jsonschema", "platformdirs")


def commands() -> Iterator[tuple[str, click.Command]]:
    context = click.Context(cli)
    for name in COMMANDS:
        command = cli.get_command(context, name)
        assert command is not None
        if isinstance(command, click.Group):
            yield from ((f"{name} {sub}", found) for sub, found in command.commands.items())
        else:
            yield name, command


@pytest.mark.parametrize("name", COMMANDS)
def test_line_in_the_list_is_the_commands_own_first_sentence(name: str) -> None:
    command = cli.get_command(click.Context(cli), name)
    assert command is not None
    assert command.get_short_help_str(limit=200) == COMMANDS[name][2]


@pytest.mark.parametrize(("name", "command"), list(commands()))
def test_every_command_has_json_and_quiet_and_explains_its_options(
    name: str, command: click.Command
) -> None:
    options = {flag for option in command.params for flag in option.opts}
    assert {"--json", "--quiet"} <= options
    for option in command.params:
        if isinstance(option, click.Option):
            assert option.help, f"{name} {option.name} has no help"


def test_every_command_has_a_published_shape() -> None:
    assert {name for name, _ in commands()} == set(COMMAND_DATA)


def test_hidden_commands_exist_and_are_not_listed() -> None:
    context = click.Context(cli)
    for name in HIDDEN:
        command = cli.get_command(context, name)
        assert command is not None
        assert command.hidden
        assert name not in cli.list_commands(context)


@pytest.mark.parametrize("arguments", [["--help"], ["--version"]])
def test_starting_up_imports_nothing_heavy(arguments: list[str]) -> None:
    script = (
        "import sys\n"
        "from orchestrate.ui.cli.main import main\n"
        "try:\n"
        f"    main({arguments!r})\n"
        "except SystemExit as end:\n"
        f"    loaded = [name for name in {HEAVY!r} if name in sys.modules]\n"
        "    sys.exit(f'loaded {loaded}, exit {end.code}' if loaded or end.code else 0)\n"
    )
    done = subprocess.run(
        [sys.executable, "-P", "-c", script], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr


def test_package_does_nothing_when_it_is_imported() -> None:
    script = (
        "import sys; before = set(sys.modules); import orchestrate;"
        "sys.exit(str(sorted(set(sys.modules) - before - {'orchestrate'}) or ''))"
    )
    done = subprocess.run(
        [sys.executable, "-P", "-c", script], capture_output=True, text=True, timeout=60
    )
    # `__future__` is no work.
    assert done.stderr.strip() in ("", "['__future__']")


# -- exit codes --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (RequestError("x"), 2),
        (DefinitionError("x"), 3),
        (ConfigurationError("x"), 4),
        (ConflictError("x"), 5),
        (IllegalCommandError("x"), 5),
        (StoreError("x"), 6),
        (VersionConflictError("x"), 6),
        (AgentError("x"), 1),
        (InternalError("x"), 70),
        (click.UsageError("x"), 2),
        (click.Abort(), 130),
        (KeyboardInterrupt(), 130),
        (PermissionError(13, "not permitted", "/a"), 4),
        (ZeroDivisionError("x"), 70),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, BaseException) else str(value),
)
def test_error_is_told_with_its_exit_code(
    error: BaseException,
    code: int,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def fails(*arguments: object, **options: object) -> None:
        raise error

    monkeypatch.setattr(cli, "main", fails)
    assert run(["list"]) == code
    out, err = capsys.readouterr()
    assert out == ""
    assert "orchestrate: " in err


def test_every_code_has_a_meaning_and_a_number_of_its_own() -> None:
    assert set(EXIT_CODE_MEANING) == set(ExitCode)
    # No command stops for a budget yet; the code is reserved, so that nothing else takes it.
    assert ExitCode.BUDGET.value == 8
    classes = OrchestrateError.__subclasses__()
    assert {found.exit_code for found in classes} <= set(ExitCode)
