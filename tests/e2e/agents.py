"""Whole runs with the real agent programs: a user, a repository, a scripted model. Not a test."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple

from orchestrate.testing.model_server import (
    Bash,
    Exchange,
    Json,
    ModelServer,
    Role,
    Scenario,
    Step,
    Tokens,
)
from orchestrate.testing.model_server.scenario import Action
from tests.agent_programs import DUMMY_KEY, environment, program
from tests.e2e.command import ARGV, PATIENCE_S, Result, log, wait_for
from tests.e2e.git_states import git

PROGRAMS = ("claude", "codex")
#: Whose price each program knows, or the table that comes with orchestrate.
MODELS = {"claude": "claude-sonnet-4-5", "codex": "gpt-5-codex"}

#: A function that is wrong, and what mends it.
WRONG = "def add(a, b):\n    return a - b\n"
MENDED = "def add(a, b):\n    return a + b\n"
FILES = {"calc.py": WRONG, "notes.txt": "one\ntwo\n"}

_IDENTITY = ("-c", "user.name=Ada", "-c", "user.email=ada@orchestrate.invalid")
_GIT_CONFIG = "[user]\n\tname = Test User\n\temail = test@orchestrate.invalid\n"


def answer(summary: str = "Did it.", outcome: str = "done", **fields: Any) -> Json:
    """What every task has to be answered with, as an action."""
    own = {"summary": summary, "outcome": outcome, "reason": "", "follow_ups": []}
    return Json({**own, **fields})


def script(*steps: Step | Action, name: str = "agent", **more: Any) -> Role:
    """A role that answers every conversation, unless `marker` is among `more`."""
    return Role(name, steps, **more)


def profile(name: str, *lines: str, body: str = "You work with care.") -> str:
    """The text of an agent's file; `lines` are further front matter."""
    return "\n".join(["---", f"name: {name}", "description: for tests", *lines, "---", body, ""])


def workflow(*tasks: str, head: str = "", gates: str = "") -> str:
    """A workflow of one phase; each task is a YAML mapping on one line."""
    lines = ["version: 1", "name: work", *filter(None, [head]), "phases:", "  - name: p"]
    lines += [f"    gates: [{gates}]"] if gates else []
    return "\n".join([*lines, "    tasks:", *(f"      - {task}" for task in tasks), ""])


#: What a model has its program do about it.
MENDING = Bash("sed -i 's/a - b/a + b/' calc.py")
MENDING_WRONG = Bash("sed -i 's/a - b/a * b/' calc.py")


#: A further key of the tasks below.
TRIES = "retry: {max_attempts: 2, backoff: 0.1}"

#: One task that looks, and one that has to change a file.
LOOK = workflow("{id: look, agent: helper, prompt: Look around., timeout: 2m}")
MEND = workflow(
    "{id: mend, agent: helper, prompt: Mend add., writes: [calc.py], must_change: true,"
    " timeout: 2m, retry: {max_attempts: 3, backoff: 0.1}}"
)


class Things(NamedTuple):
    """What is the user's own in a repository."""

    files: dict[str, bytes]
    git: dict[str, bytes]
    refs: tuple[str, ...]


class Bench:
    """A user with keys for both programs, a repository of theirs, and a model that is scripted.

    Used as a context manager: the server ends with it, and so does what was started and still
    runs. What `claude` asks is answered by the scenario `claude`, what `codex` asks by `codex`.

    Args:
        folder: an empty folder.
        scripts: program -> the roles that answer it.
    """

    def __init__(self, folder: Path, **scripts: Role | tuple[Role, ...]) -> None:
        self.server = ModelServer()
        for name in PROGRAMS:
            roles = scripts.get(name, ())
            self.server.add(Scenario(name, roles if isinstance(roles, tuple) else (roles,)))
        self.folder = folder
        self.home = folder / "home"
        self.environ = self._environment()
        self.root = folder / "repository"
        self.root.mkdir(parents=True)
        self._fill()
        self._started: list[subprocess.Popen[str]] = []

    def _environment(self) -> dict[str, str]:
        found = environment(
            self.home,
            ANTHROPIC_API_KEY=DUMMY_KEY,
            ANTHROPIC_BASE_URL=self.server.url("claude", "claude"),
            OPENAI_API_KEY=DUMMY_KEY,
            OPENAI_BASE_URL=self.server.url("codex", "codex"),
            GIT_CONFIG_NOSYSTEM="1",
            ORCHESTRATE_USER="ada",
        )
        folders = dict.fromkeys(str(program(name).parent) for name in PROGRAMS)
        found["PATH"] = os.pathsep.join([*folders, found["PATH"]])
        (self.home / ".gitconfig").write_text(_GIT_CONFIG, encoding="utf-8")
        return found

    def _fill(self) -> None:
        git(self.root, "init", "-q", "-b", "main")
        self.commit("first", {**FILES, ".orchestrate/agents/helper.md": profile("helper")})

    def commit(self, message: str, files: dict[str, str]) -> None:
        """Commit files of the user's repository."""
        for name, text in files.items():
            path = self.root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        git(self.root, "add", "-A")
        git(self.root, *_IDENTITY, "commit", "-q", "-m", message)

    def __enter__(self) -> Bench:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for driver in self._started:
            if driver.poll() is None:
                # Its supervisors see that it is gone, and end what they started.
                driver.kill()
            driver.communicate()
        self.server.close()

    # -- the command line ----------------------------------------------------------------------

    def call(self, *arguments: str) -> Result:
        """Run one command to its end."""
        done = subprocess.run(
            [*ARGV, *arguments],
            cwd=self.root,
            env=self.environ,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=PATIENCE_S * 3,
            check=False,
        )
        return Result(done)

    def run(self, flow: str, backend: str, *options: str) -> Result:
        """Run a workflow through one of the programs, without being asked about money."""
        return self.call(*self._run(flow, backend), *options)

    def start(self, flow: str, backend: str, *options: str) -> subprocess.Popen[str]:
        """Begin to run a workflow."""
        return self.begin(*self._run(flow, backend), *options)

    def begin(self, *arguments: str) -> subprocess.Popen[str]:
        """Begin a command; its driver is ended with this bench."""
        self._started.append(
            subprocess.Popen(
                [*ARGV, *arguments],
                cwd=self.root,
                env=self.environ,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                start_new_session=True,
            )
        )
        return self._started[-1]

    def until(self, driver: subprocess.Popen[str], what: str, condition: Callable[[], Any]) -> Any:
        """Wait for something a driver brings about; fails with its words if it ends before."""

        def look() -> Any:
            over = driver.poll() is not None
            found = condition()
            assert found or not over, f"no {what}, and it ended: {driver.communicate()}"
            return found

        return wait_for(what, look)

    def until_asked(
        self, driver: subprocess.Popen[str], number: int, backend: str, role: str | None = None
    ) -> tuple[Exchange, ...]:
        """Wait until a program has asked the model so many times."""

        def enough() -> tuple[Exchange, ...] | None:
            found = self.asked(backend, role)
            return found if len(found) >= number else None

        asked: tuple[Exchange, ...] = self.until(driver, f"request {number}", enough)
        return asked

    def _run(self, flow: str, backend: str) -> list[str]:
        path = self.folder / "work.yaml"
        path.write_text(flow, encoding="utf-8")
        named = ["--backend", backend, "--model", MODELS[backend]]
        return ["run", str(path), "--yes", "--json", *named]

    # -- what came of it -----------------------------------------------------------------------

    def events(self, *names: str, run: str = "last") -> list[dict[str, Any]]:
        """The log of a run as `orchestrate events` tells it, or the events of these names."""
        rows = self.call("events", run, "--json").data
        found: list[dict[str, Any]] = [row["event"] for row in rows]
        return [each for each in found if not names or each["event"] in names]

    def log(self) -> list[dict[str, Any]]:
        """The log of the latest run as it lies on disk, while it is being written."""
        return log(self.root / ".git" / "orchestrate")

    def await_event(self, driver: subprocess.Popen[str], name: str) -> dict[str, Any]:
        """The first event of this name in the latest run, once it is there."""
        found = self.until(
            driver, name, lambda: [each for each in self.log() if each["event"] == name]
        )
        event: dict[str, Any] = found[0]
        return event

    def asked(self, backend: str, role: str | None = None) -> tuple[Exchange, ...]:
        """What one of the programs asked the model."""
        return self.server.asked(backend, role)

    def steps(self, backend: str, role: str | None = None) -> list[int | None]:
        """Which steps of the script answered it, in order; None for what had no answer."""
        return [each.step for each in self.asked(backend, role)]

    def told(self, backend: str) -> Tokens:
        """The tokens that the model told to have used."""
        return self.server.tokens(backend)

    def file(self, branch: str, name: str) -> str:
        """A file of a commit of the user's repository."""
        return git(self.root, "show", f"{branch}:{name}")

    def branch(self) -> str:
        """The one branch that runs made."""
        found = git(self.root, "for-each-ref", "--format=%(refname)", "refs/heads/orchestrate")
        (name,) = found.split()
        return name

    def changed(self, before: str, after: str) -> list[str]:
        """Paths that differ between two commits of the user's repository."""
        return git(self.root, "diff", "--name-only", before, after).split()

    def stash(self, name: str, text: str) -> None:
        """Have the user stash a change of a file, and leave it as it is now."""
        path = self.root / name
        now = path.read_bytes()
        path.write_text(text, encoding="utf-8")
        git(self.root, *_IDENTITY, "stash", "push", "-q", name)
        path.write_bytes(now)

    def things(self) -> Things:
        """Files, HEAD, index, configuration, refs and stash: all that no run may touch."""
        paths = sorted(path for path in self.root.rglob("*") if path.is_file())
        own = [path for path in paths if ".git" not in path.relative_to(self.root).parts]
        folder = self.root / ".git"
        names = ("HEAD", "index", "config", "info/exclude", "logs/HEAD", "packed-refs")
        refs = git(self.root, "for-each-ref", "--format=%(refname) %(objectname)").splitlines()
        return Things(
            {str(path.relative_to(self.root)): path.read_bytes() for path in own},
            {name: (folder / name).read_bytes() for name in names if (folder / name).is_file()},
            tuple(each for each in refs if "/orchestrate/" not in each.partition(" ")[0]),
        )

    def leaks(self) -> list[Path]:
        """Files of a run, or of the user's state, that hold the key."""
        key = DUMMY_KEY.encode()
        return [path for path in self.state_files() if key in path.read_bytes()]

    def state_files(self) -> list[Path]:
        """Everything a run keeps: in the repository's own folder, and with the user's state."""
        places = (self.root / ".git" / "orchestrate", self.home / ".local", self.home / ".config")
        return [path for place in places for path in place.rglob("*") if path.is_file()]


def consumed(events: list[dict[str, Any]]) -> int:
    """Tokens of all attempts in a log."""
    kinds = ("input_tokens", "cached_tokens", "cache_write_tokens", "output_tokens")
    usages = [event["usage"] for event in events if event.get("usage")]
    return sum(usage.get(kind, 0) for usage in usages for kind in kinds)


def failures(events: list[dict[str, Any]]) -> list[str]:
    """The causes of failed attempts, in order."""
    return [event["cause"] for event in events if event["event"] == "AttemptFailed"]


def pretty(value: Any) -> str:
    """For messages of assertions."""
    return json.dumps(value, indent=1)
