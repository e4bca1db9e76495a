"""Running the real command line in tests."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

ARGV = [sys.executable, "-P", "-m", "orchestrate"]

#: Longest wait for anything in these tests, in seconds; never reached unless something is broken.
PATIENCE_S = 60.0


class Result:
    """A finished command."""

    def __init__(self, done: subprocess.CompletedProcess[str]) -> None:
        self.code = done.returncode
        self.out = done.stdout
        self.err = done.stderr

    @property
    def data(self) -> Any:
        """The `data` of the JSON document on stdout."""
        document = json.loads(self.out)
        assert document["schema"] == "orchestrate/1"
        return document["data"]

    def __repr__(self) -> str:
        return f"exit {self.code}\n--- stdout\n{self.out}\n--- stderr\n{self.err}"


def orchestrate(
    *arguments: str, cwd: Path, stdin: str = "", env: Mapping[str, str] | None = None
) -> Result:
    """Run one command to its end, without a terminal."""
    return Result(
        subprocess.run(
            [*ARGV, *arguments],
            cwd=cwd,
            input=stdin,
            env={**os.environ, **(env or {})},
            capture_output=True,
            text=True,
            timeout=PATIENCE_S * 4,
            check=False,
        )
    )


def start(*arguments: str, cwd: Path) -> subprocess.Popen[str]:
    """Begin a command in a process group of its own."""
    return subprocess.Popen(
        [*ARGV, *arguments],
        cwd=cwd,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def wait_for(what: str, condition: Callable[[], Any]) -> Any:
    """Poll until `condition` gives something true, and return it."""
    deadline = time.monotonic() + PATIENCE_S
    while not (found := condition()):
        assert time.monotonic() < deadline, f"waited in vain for {what}"
        time.sleep(0.01)
    return found


def log(state_dir: Path, run: str | None = None) -> list[dict[str, Any]]:
    """The events of a run (default: the latest) as they lie in the database."""
    database = state_dir / "events.db"
    if not database.exists():
        return []
    try:
        with sqlite3.connect(f"file:{database}?mode=ro", uri=True) as db:
            rows = db.execute(
                "SELECT e.data FROM events e JOIN streams s ON s.id = e.stream WHERE s.name ="
                " coalesce(?, (SELECT name FROM streams ORDER BY id DESC LIMIT 1))"
                " ORDER BY e.version",
                (run,),
            ).fetchall()
    except sqlite3.OperationalError:
        return []
    finally:
        db.close()
    return [json.loads(data) for (data,) in rows]


def kinds(events: list[dict[str, Any]]) -> list[str]:
    """Names of events, with the task where there is one."""
    return [event["event"] + (f" {event['task']}" if "task" in event else "") for event in events]


def processes_with(variable: str, fragment: str) -> list[int]:
    """Pids of live processes whose environment has `variable` set to something with `fragment`."""
    found = []
    wanted = f"{variable}=".encode()
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            environ = (entry / "environ").read_bytes()
            state = (entry / "stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            continue
        if state != "Z" and any(
            item.startswith(wanted) and fragment.encode() in item for item in environ.split(b"\0")
        ):
            found.append(int(entry.name))
    return found


def tree(root: Path, *, without: tuple[str, ...] = ()) -> dict[str, bytes]:
    """Contents of every file below `root`, symlinks as their targets."""
    return dict(_contents(root, without))


def _contents(root: Path, without: tuple[str, ...]) -> Iterator[tuple[str, bytes]]:
    for path in sorted(root.rglob("*")):
        name = str(path.relative_to(root))
        if any(name == part or name.startswith(part + "/") for part in without):
            continue
        if path.is_symlink():
            yield name, os.fsencode(path.readlink())
        elif path.is_file():
            yield name, path.read_bytes()
