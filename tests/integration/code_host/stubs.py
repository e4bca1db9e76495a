"""Programs that stand in for gh and glab: they note their calls, and answer. Not a test."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

_PROGRAM = """\
#!{python}
import json, os, sys
from pathlib import Path

call = {{"argv": sys.argv[1:], "stdin": sys.stdin.read()}}
call |= {{"env": dict(os.environ), "cwd": os.getcwd()}}
with open({calls!r}, "a") as file:
    file.write(json.dumps(call) + "\\n")
for words, code, out, err in json.loads(Path({answers!r}).read_text()):
    if sys.argv[1 : 1 + len(words)] == words:
        sys.stdout.write(out)
        sys.stderr.write(err)
        sys.exit(code)
sys.exit(97)
"""

#: What `gh pr create` and `gh auth status` print: gh 2.23 and later, without a terminal.
GH_LOGGED_IN = "github.com\n  ✓ Logged in to github.com as ada (/home/ada/.config/gh/hosts.yml)\n"
GH_LOGGED_OUT = "You are not logged into any GitHub hosts. Run gh auth login to authenticate.\n"
GH_OPENED = "https://github.com/ada/shop/pull/7\n"
GH_EXISTS = (
    'a pull request for branch "orchestrate/r" into branch "main" already exists:\n'
    "https://github.com/ada/shop/pull/7\n"
)
GLAB_LOGGED_IN = "gitlab.com\n  ✓ Logged in to gitlab.com as ada (GITLAB_TOKEN)\n"
#: Up to version 1.3x it ended with 0 all the same.
GLAB_LOGGED_OUT = "gitlab.com\n  x gitlab.com: api call failed: 401\n  x No token provided\n"
GLAB_OPENED = json.dumps(
    {"iid": 7, "web_url": "https://gitlab.com/team/apps/shop/-/merge_requests/7", "state": "opened"}
)
GLAB_EXISTS = json.dumps(
    {"message": ["Another open merge request already exists for this source branch: !7"]}
)


class Stub:
    """One program in a folder of its own.

    Attributes:
        path: the folder, to be put on PATH.
    """

    def __init__(self, folder: Path, name: str) -> None:
        self.path = folder / f"bin-{name}"
        self.path.mkdir()
        self._calls = folder / f"{name}.calls"
        self._answers = folder / f"{name}.answers"
        self._answers.write_text("[]")
        program = self.path / name
        program.write_text(
            _PROGRAM.format(
                python=sys.executable, calls=str(self._calls), answers=str(self._answers)
            )
        )
        program.chmod(0o755)

    def answer(self, *words: str, code: int = 0, out: str = "", err: str = "") -> None:
        """Answer so to a command line that begins with `words`; the last one given wins."""
        answers = json.loads(self._answers.read_text())
        self._answers.write_text(json.dumps([[list(words), code, out, err], *answers]))

    @property
    def calls(self) -> list[dict[str, Any]]:
        """Every call: argv, stdin, env and cwd."""
        if not self._calls.exists():
            return []
        return [json.loads(line) for line in self._calls.read_text().splitlines()]


def environment(*stubs: Stub, **more: str) -> Mapping[str, str]:
    """A user's environment with these programs first on PATH, and no other gh or glab."""
    path = os.pathsep.join([*(str(stub.path) for stub in stubs), "/usr/bin", "/bin"])
    kept = {name: os.environ[name] for name in ("HOME", "GIT_CONFIG_NOSYSTEM")}
    return {**kept, "PATH": path, **more}
