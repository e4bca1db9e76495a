"""Commands, options, settings and exit codes are documented: the pages are generated from them."""

from __future__ import annotations

import re

import click
import pytest

from orchestrate.config import ENVIRONMENT_PREFIX, Settings
from orchestrate.core.planning.binding import show
from orchestrate.errors import EXIT_CODE_MEANING, ExitCode
from orchestrate.ui.cli.main import COMMANDS, cli
from scripts.generate_reference import PAGES, REFERENCE


def _page(name: str) -> str:
    return (REFERENCE / name).read_text(encoding="utf-8")


@pytest.mark.parametrize("name", PAGES)
def test_committed_page_is_the_generated_one(name: str) -> None:
    assert _page(name) == PAGES[name](), "run: python scripts/generate_reference.py"


def _commands() -> list[tuple[str, click.Command]]:
    context = click.Context(cli)
    found: list[tuple[str, click.Command]] = []
    for name in COMMANDS:
        command = cli.get_command(context, name)
        assert command is not None
        found.append((name, command))
        if isinstance(command, click.Group):
            names = command.list_commands(context)
            found += [(f"{name} {sub}", command.commands[sub]) for sub in names]
    return found


def test_every_command_and_option_is_on_the_page() -> None:
    sections = re.split(r"^## orchestrate ", _page("cli.md"), flags=re.M)[1:]
    documented = {text.partition("\n")[0]: text for text in sections}
    assert list(documented) == [name for name, _ in _commands()]
    for name, command in _commands():
        for parameter in command.params:
            if isinstance(parameter, click.Option) and not isinstance(command, click.Group):
                for spelling in parameter.opts:
                    assert spelling in documented[name], f"{name} {spelling}"


def test_every_command_says_what_it_is_for() -> None:
    for name, command in _commands():
        assert command.help, name
        for parameter in command.params:
            if isinstance(parameter, click.Option):
                assert parameter.help, f"{name} {parameter.opts}"


def test_every_setting_has_a_row_with_its_default_and_variable() -> None:
    page = _page("settings.md")
    for name in Settings.__struct_fields__:
        row = next(line for line in page.splitlines() if line.startswith(f"| `{name}` |"))
        value = getattr(Settings(), name)
        assert (f"`{show(value)}`" if value not in (None, "") else "not set") in row
        assert f"`{ENVIRONMENT_PREFIX}{name.upper()}`" in row


def test_every_exit_code_has_a_row_with_its_meaning() -> None:
    rows = re.findall(r"^\| (\d+) \| (\w+) \| (.*) \|$", _page("exit-codes.md"), flags=re.M)
    assert rows == [
        (str(code.value), code.name.lower(), EXIT_CODE_MEANING[code]) for code in ExitCode
    ]


def test_a_help_text_is_never_only_its_first_line() -> None:
    """The list of commands repeats first lines; the page has the whole text."""
    page = _page("cli.md")
    for _, command in _commands():
        last = (command.help or "").replace("\b", "").split()[-4:]
        assert " ".join(last) in " ".join(page.split())
