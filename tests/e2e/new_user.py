"""The path of a new user, as docs/tutorial-bugfix.md shows it. Not a test.

The commands on that page are the script: they are typed at a terminal, in an empty home, in a
repository that somebody else made and that has one planted bug. The model is scripted; the program
that asks it is the real one.

    python -m tests.e2e.new_user       puts what is really printed into the page
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from orchestrate.testing.model_server import (
    Edit,
    Json,
    ModelServer,
    Read,
    Role,
    Scenario,
    Tokens,
    Write,
    turn,
)
from orchestrate.testing.model_server.scenario import Action, Step
from scripts.run_examples import ANYTHING, SHOWN_HOME, Command, Ran, rewritten, steps
from tests.agent_programs import DUMMY_KEY, program
from tests.e2e.terminal import Shown, at_terminal
from tests.packages import fetch_sdist, index_settings

PAGE = Path(__file__).resolve().parents[2] / "docs" / "tutorial-bugfix.md"
PROMPT = "ada$ "
PACKAGE = ("itsdangerous", "2.2.0")
SOURCE, RIGHT, PLANTED = "src/itsdangerous/timed.py", "age > max_age:", "age >= max_age:"
TEST = "tests/test_itsdangerous/test_max_age.py"
TEST_TEXT = """\
from datetime import timedelta

from freezegun import freeze_time

from itsdangerous import TimestampSigner


def test_value_as_old_as_max_age_is_accepted():
    signer = TimestampSigner("secret-key")
    with freeze_time("2011-06-24 00:09:05") as clock:
        signed = signer.sign("value")
        clock.tick(timedelta(seconds=10))
        assert signer.unsign(signed, max_age=10) == b"value"
"""
#: What is typed when a text is shown.
ANSWERS = {
    "trust it to run them?": "y",
    "you will not be asked again": "y",
    "resume run": "y",
    "remove all of this?": "y",
}
#: Numbers that depend on where the repository is; the page shows dots for them.
_VARYING = re.compile(r"(about) [\d,]+(?= handed on| tokens)")
#: What one answer of the model reports as used.
_USED = Tokens(9_000, cached_tokens=24_000, cache_write_tokens=6_000, output_tokens=700)
_IDENTITY = ("-c", "user.name=Ada", "-c", "user.email=ada@orchestrate.invalid")


def model() -> Scenario:
    """A model that finds the cause, writes a test, and mends the line at the second try."""
    wrong = "age - max_age >= 0:"
    return Scenario(
        "bug",
        (
            _role(
                "impact",
                Read(SOURCE),
                _answer(
                    "TimestampSigner.unsign compares age with max_age by >=, so a value of exactly"
                    " max_age seconds counts as expired.",
                    cause=f"{SOURCE}:132 compares by >= where > is meant",
                    suspects=[{"path": SOURCE, "line": 132, "why": "compares with max_age"}],
                    impact="# Cause\n\nThe comparison with max_age.\n",
                ),
            ),
            _role(
                "regression",
                Write(TEST, TEST_TEXT),
                _answer(
                    "Added a test that unsigns a value exactly max_age seconds old.",
                    tests=[f"{TEST}::test_value_as_old_as_max_age_is_accepted"],
                    report="It raises SignatureExpired.\n",
                ),
            ),
            _role(
                "fix",
                Read(SOURCE),
                Edit(SOURCE, PLANTED, wrong),
                _answer("Wrote the comparison as a difference.", fix="See the diff.\n"),
                Edit(SOURCE, wrong, RIGHT),
                _answer("Compare by > in TimestampSigner.unsign.", fix="See the diff.\n"),
            ),
            _role(
                "review",
                Read(SOURCE),
                _answer("The comparison is right; no remarks.", remarks=[], blocking=[]),
            ),
        ),
    )


def _role(task: str, *actions: Action) -> Role:
    script: tuple[Step, ...] = tuple(turn(action, tokens=_USED) for action in actions)
    return Role(task, script, marker=f"# Task: {task} (phase")


def _answer(summary: str, **fields: object) -> Json:
    said = {"summary": summary, "outcome": "done", "reason": "", "follow_ups": []}
    return Json({**said, **fields})


class NewUser:
    """Somebody whose home holds a repository and nothing else."""

    def __init__(self, home: Path, url: str, environ: Mapping[str, str] = os.environ) -> None:
        """`environ` is where settings for the package index are taken from; `url` the model's."""
        self.home = home
        self.repository = fetch_sdist(*PACKAGE, into=home)
        self._bin = home.with_name(f"{home.name}-bin")
        self._bin.mkdir()
        (self._bin / "orchestrate").symlink_to(Path(sys.executable).with_name("orchestrate"))
        self._env = {
            **index_settings(environ),
            "PATH": os.pathsep.join([str(self._bin), *_path_without_agents()]),
            "HOME": str(home),
            "LANG": "C.UTF-8",
            "TERM": "xterm-256color",
            "GIT_PAGER": "cat",
            "ORCHESTRATE_USER": "ada",
            "ANTHROPIC_BASE_URL": url,
        }
        source = self.repository / SOURCE
        text = source.read_text("utf-8")
        assert text.count(RIGHT) == 1
        source.write_text(text.replace(RIGHT, PLANTED), "utf-8")
        for words in (("init", "-q", "-b", "main"), ("add", "."), ("commit", "-q", "-m", "Begin")):
            self.git(*words)

    def git(self, *words: str) -> str:
        """What git prints in the repository."""
        done = subprocess.run(
            ["git", *_IDENTITY, *words],
            cwd=self.repository,
            env=self._env,
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stdout

    def follow(self, page: str) -> Iterator[tuple[Command, Shown]]:
        """Do what `page` says, command by command."""
        code = 0
        for step in steps(page):
            assert isinstance(step, Command), step
            shown = self.type(step, code)
            yield step, shown
            code = shown.code

    def type(self, command: Command, code: int = 0) -> Shown:
        """Type one command; `code` is the exit code of the one before."""
        words = shlex.split(command.text)
        match words:
            case ["echo", "$?"]:
                return Shown(0, [str(code)])
            case ["npm", "install", *_]:
                (self._bin / "claude").symlink_to(program("claude"))
                return Shown(0, [])
            case ["export", "ANTHROPIC_API_KEY=…"]:
                self._env["ANTHROPIC_API_KEY"] = DUMMY_KEY
                return Shown(0, [])
        shown = "\n".join(command.shown)
        answers = {text: typed for text, typed in ANSWERS.items() if text in shown}
        return self.run(command.text, answers)

    def run(self, line: str, answers: Mapping[str, str] | None = None) -> Shown:
        """Run a line of shell at a terminal, in the repository."""
        shell = ("bash", "--norc", "--noprofile", "-c", line)
        return at_terminal(shell, cwd=self.repository, env=self._env, answers=answers)

    def as_printed(self, shown: Shown) -> Ran:
        """`shown` with the home that pages show."""
        places = {str(self._bin): "/usr/local/bin", str(self.home): SHOWN_HOME}
        lines = shown.lines
        for place, instead in places.items():
            lines = [line.replace(place, instead) for line in lines]
        # A line of output that begins like a command is moved, or it would be read as one.
        lines = [f" {line}" if line.startswith("$ ") else line for line in lines]
        lines = [_VARYING.sub(r"\1 …", line) for line in lines]
        while lines and not lines[-1]:
            lines.pop()
        return Ran(lines, shown.code)


def _path_without_agents() -> list[str]:
    folders = os.environ.get("PATH", os.defpath).split(os.pathsep)
    return [
        folder
        for folder in folders
        if not any((Path(folder) / name).exists() for name in ("claude", "codex"))
    ]


def session(page: str) -> str:
    """`page` with its sessions in the form that `run_examples` reads.

    On the page they have a prompt of their own, so that it runs none of them.
    """
    commands = page.replace(PROMPT, "$ ")
    return re.sub(r"^```text\n(?=\$ )", "```console\n", commands, flags=re.MULTILINE)


def as_page(text: str) -> str:
    """The inverse of `session`."""
    blocks = text.replace("```console\n$ ", f"```text\n{PROMPT}")
    return re.sub(r"^\$ ", PROMPT, blocks, flags=re.MULTILINE)


@contextmanager
def new_user(
    home: Path, environ: Mapping[str, str] = os.environ
) -> Iterator[tuple[NewUser, ModelServer]]:
    """A new user at `home`, an empty folder, and the model whose agents they will run."""
    with ModelServer([model()]) as server:
        yield NewUser(home, server.url("claude", "bug"), environ), server


def main() -> int:
    """Rewrite the page with what is really printed."""
    text = PAGE.read_text("utf-8")
    with tempfile.TemporaryDirectory(prefix="new-user-") as folder:
        home = Path(folder) / "ada"
        home.mkdir()
        with new_user(home) as (user, _):
            done = [(told, user.as_printed(shown)) for told, shown in user.follow(session(text))]
    # What is left out of the middle stays as it is written: only its end could be put back.
    ran = [Ran(told.shown, each.status) if ANYTHING in told.shown else each for told, each in done]
    PAGE.write_text(as_page(rewritten(session(text), ran)), "utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
