"""Running one command of the command line inside the test process. Not a test."""

from __future__ import annotations

import json
from typing import Any

import click
from click.testing import CliRunner

from orchestrate.errors import OrchestrateError


class Invoked:
    """A command that has ended; `error` is what it refused with."""

    def __init__(self, command: click.Command, *arguments: str) -> None:
        group = click.Group("orchestrate", commands=[command])
        done = CliRunner().invoke(group, [command.name or "", *arguments], standalone_mode=False)
        self.error = done.exception
        self.code = done.return_value
        self.out = done.stdout
        self.err = done.stderr

    @property
    def data(self) -> Any:
        """The `data` of the JSON document on stdout."""
        assert self.error is None, self.error
        document = json.loads(self.out)
        assert document["schema"] == "orchestrate/1"
        return document["data"]

    @property
    def command(self) -> str:
        """The command as the JSON document names it."""
        found: str = json.loads(self.out)["command"]
        return found

    @property
    def refusal(self) -> OrchestrateError:
        """What it was refused with."""
        assert isinstance(self.error, OrchestrateError), (self.error, self.out)
        return self.error
