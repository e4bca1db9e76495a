"""Commands as an ordinary user, for whom permissions mean something. Not a test."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest

import orchestrate
from tests.e2e.command import ARGV, PATIENCE_S, Result

_NOBODY = 65534
#: Ours, and the system's of the same version, in case ours lies in somebody's private folder.
_VERSION = "python{}.{}".format(*sys.version_info)
_INTERPRETERS = (sys.executable, f"/usr/bin/{_VERSION}", f"/usr/local/bin/{_VERSION}")
_PACKAGES = (Path(orchestrate.__file__).parent.parent, Path(msgspec.__file__).parent.parent)


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
        for self._interpreter in _INTERPRETERS:
            try:
                done = self.orchestrate("list", cwd=home)
            except OSError:
                continue
            if done.code == 0:
                return
        pytest.skip("no interpreter with our packages that an ordinary user can execute")

    def own(self, folder: Path) -> None:
        """Give `folder` and all in it to the user."""
        folder.mkdir(exist_ok=True)
        if self._identity:
            for path in (folder, *folder.rglob("*")):
                os.chown(path, _NOBODY, _NOBODY)

    def orchestrate(self, *arguments: str, cwd: Path) -> Result:
        """Run one command to its end."""
        env = {"PATH": os.environ["PATH"], "HOME": str(self.home)}
        if self._interpreter != sys.executable:
            env["PYTHONPATH"] = os.pathsep.join(map(str, _PACKAGES))
        return Result(
            subprocess.run(
                [self._interpreter, *ARGV[1:], *arguments],
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
