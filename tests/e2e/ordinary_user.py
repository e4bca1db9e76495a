"""Commands as an ordinary user, for whom permissions mean something. Not a test."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.command import ARGV, PATIENCE_S, Result

_NOBODY = 65534


@contextmanager
def ordinary_folder() -> Iterator[Path]:
    """A folder that an ordinary user can reach; pytest's own keep everybody else out."""
    folder = Path(tempfile.mkdtemp(prefix="orchestrate-"))
    try:
        yield folder
    finally:
        for path in folder.rglob("*"):
            if path.is_dir() and not path.is_symlink():
                path.chmod(0o700)
        shutil.rmtree(folder)


class OrdinaryUser:
    """Runs commands as `nobody` if the tests run as root, else as whoever runs them."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self._identity: dict[str, Any] = {}
        if os.geteuid() == 0:
            self._identity = {"user": _NOBODY, "group": _NOBODY, "extra_groups": []}
        self.own(home)
        try:
            done = self.orchestrate("--version", cwd=home)
        except PermissionError as error:
            pytest.skip(f"an ordinary user cannot execute the interpreter: {error}")
        if done.code != 0:
            pytest.skip(f"an ordinary user cannot read the installed packages: {done.err}")

    def own(self, folder: Path) -> None:
        """Give `folder` and all in it to the user."""
        folder.mkdir(exist_ok=True)
        if self._identity:
            for path in (folder, *folder.rglob("*")):
                os.chown(path, _NOBODY, _NOBODY)

    def orchestrate(self, *arguments: str, cwd: Path) -> Result:
        """Run one command to its end."""
        env = {"PATH": os.environ["PATH"], "HOME": str(self.home)}
        return Result(
            subprocess.run(
                [*ARGV, *arguments],
                cwd=cwd,
                env=env,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=PATIENCE_S * 4,
                check=False,
                **self._identity,
            )
        )
