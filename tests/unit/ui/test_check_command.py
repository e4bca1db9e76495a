"""The command of a check as a person types it."""

from __future__ import annotations

import pytest

from orchestrate.core.sharing.evidence import CheckCommand
from orchestrate.ui.cli.check_command import typed


@pytest.mark.parametrize(
    ("runner", "argv", "shown"),
    [
        ("shell", ("/bin/sh", "-c", "make test && true"), "make test && true"),
        ("shell", ("{python}", "tests/proof.py"), "python tests/proof.py"),
        ("pytest", ("{python}", "-m", "pytest", "--junit-xml={report}/j.xml"), "python -m pytest"),
        ("tox", ("{python}", "-m", "tox", "--workdir", "{report}/tox", "-q"), "python -m tox -q"),
        ("go", ("go", "test", "-coverprofile={report}/c.out", "./..."), "go test ./..."),
        ("jest", ("npx", "jest", "a b"), "npx jest 'a b'"),
    ],
)
def test_what_only_serves_the_engine_is_left_out(
    runner: str, argv: tuple[str, ...], shown: str
) -> None:
    assert typed(CheckCommand("test", runner, argv)) == shown


def test_a_folder_is_gone_to() -> None:
    command = CheckCommand("test", "go", ("go", "test"), folder="my app")
    assert typed(command) == "(cd 'my app' && go test)"
