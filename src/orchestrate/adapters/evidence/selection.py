"""The same command, for some of its tests only."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

import msgspec

from orchestrate.adapters.evidence.origin import PLUGIN
from orchestrate.core.sharing.evidence import CheckCommand

ONLY_VARIABLE = "ORCHESTRATE_ONLY"
FILES_VARIABLE = "ORCHESTRATE_FILES"
#: More failing tests than this are no matter of luck, and too long for a command line.
MOST_SELECTED = 200


def with_probe(argv: tuple[str, ...]) -> tuple[str, ...]:
    """`argv` with our plugin loaded, if it runs pytest; else unchanged."""
    at = _pytest_at(argv)
    return argv if at is None else (*argv[: at + 1], "-p", PLUGIN, *argv[at + 1 :])


def runs_pytest(argv: Sequence[str]) -> bool:
    """Whether `argv` starts pytest by itself, not through another tool."""
    return _pytest_at(argv) is not None


def in_files(command: CheckCommand, files: Sequence[str], folder: Path) -> CheckCommand:
    """`command` for what it runs of `files` (relative to the repository) alone, where it can.

    What the project's own settings do not collect is not collected of these files either. The list
    is put into a file in `folder`.
    """
    if not files or not runs_pytest(command.argv):
        return command
    listed = folder / "files.txt"
    inside = [os.path.relpath(path, command.folder) for path in files]
    listed.write_text("\n".join(inside) + "\n", "utf-8", "surrogateescape")
    return msgspec.structs.replace(command, env={**command.env, FILES_VARIABLE: str(listed)})


def only(command: CheckCommand, names: Sequence[str], folder: Path) -> CheckCommand | None:
    """`command` for the tests `names` alone; None where its runner has no way to say that.

    A list of names too long for the command line is put into a file in `folder`.
    """
    if not names or len(names) > MOST_SELECTED:
        return None
    argv, env = command.argv, command.env
    if runs_pytest(argv):
        listed = folder / "only.txt"
        listed.write_text("\n".join(names) + "\n", "utf-8")
        env = {**env, ONLY_VARIABLE: str(listed)}
    elif command.runner == "unittest" and "discover" in argv:
        argv += tuple(word for name in names for word in ("--only", name))
    elif command.runner == "go" and argv[:2] == ("go", "test"):
        tests = {name.rpartition("::")[2].partition("/")[0] for name in names}
        argv = (*argv[:2], "-run", f"^({'|'.join(map(re.escape, sorted(tests)))})$", *argv[2:])
    elif command.runner == "cargo" and argv[:2] == ("cargo", "test"):
        tests = {name.rpartition(".rs::")[2] for name in names}
        argv = (*argv, *(() if "--" in argv else ("--",)), "--exact", *sorted(tests))
    elif command.runner in ("jest", "vitest"):
        titles = {" ".join(name.split(" > ")[1:]) for name in names}
        argv = (*argv, "-t", f"^({'|'.join(map(re.escape, sorted(titles)))})$")
    else:
        return None
    return msgspec.structs.replace(command, argv=argv, env=env)


def _pytest_at(argv: Sequence[str]) -> int | None:
    for at, word in enumerate(argv):
        if word == "pytest" and at and argv[at - 1] == "-m":
            return at
        if PurePosixPath(word).name in ("pytest", "py.test") and (at == 0 or argv[at - 1] != "-m"):
            return at if at == 0 else None
    return None
