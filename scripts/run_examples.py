"""Runs the shell examples of the documentation, and compares or rewrites what they print.

In a page, a ```console block is run and everything else is only read:

- a line after `$ ` is a command, lines after `> ` continue it, the rest is what it prints;
- a lone `…` stands for any lines, and what changes from run to run (ids, times, durations) is not
  compared;
- a command succeeds, or `$ echo $?` follows it at once and shows its exit code;
- a block in another language whose first line is a comment with a path (`# app.py`), or that has
  `title="PATH"` behind its language, is a file that the reader saves; so does this script.

All blocks of a page are one shell session that starts in an empty home folder. A page that begins
elsewhere says so in a comment: `<!-- examples: package NAME VERSION -->` unpacks a source
distribution listed in tests/data/packages.toml; `inside` behind it starts there, `git` makes it a
repository.

    python scripts/run_examples.py README.md docs/tutorial.md            compare
    python scripts/run_examples.py --write README.md docs/tutorial.md    put the real output in
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from scripts.fetch_sdist import fetch_archive, unpack  # noqa: E402

#: What the pages show instead of the temporary home folder.
SHOWN_HOME = "/home/ada"
ANYTHING = "…"
TIMEOUT_S = 240
_MARK = "@@example"
_FENCE = re.compile(r"^```(\S*) ?(.*)$")
_PATH_COMMENT = re.compile(r"^# (\.?[\w-][\w./-]*\.\w+)$")
_TITLE = re.compile(r'title="([^"]+)"')
_SETTING = re.compile(r"^<!-- examples: package (\S+) (\S+)((?: inside| git)*) -->$", re.MULTILINE)


@dataclass
class Command:
    """One command with the lines a page shows below it; `first` and `last` bound those lines."""

    text: str
    shown: list[str] = field(default_factory=list)
    first: int = 0
    last: int = 0


@dataclass
class SavedFile:
    """A block that the reader saves under `path`, relative to the current folder."""

    path: str
    text: str


@dataclass
class Ran:
    """What a command printed, stdout and stderr together, and its exit code."""

    lines: list[str]
    status: int


def steps(page: str) -> list[Command | SavedFile]:
    """The commands and files of a page, in order."""
    found: list[Command | SavedFile] = []
    lines = page.split("\n")
    at = 0
    while at < len(lines):
        fence = _FENCE.match(lines[at])
        if not fence:
            at += 1
            continue
        end = lines.index("```", at + 1)
        body = lines[at + 1 : end]
        if fence[1] == "console":
            found += _commands(body, at + 1)
        else:
            title = _TITLE.search(fence[2]) or (_PATH_COMMENT.match(body[0]) if body else None)
            if title:
                found.append(SavedFile(title[1], "\n".join(body) + "\n"))
        at = end + 1
    return found


def _commands(body: list[str], offset: int) -> Iterator[Command]:
    command: Command | None = None
    for at, line in enumerate(body, offset):
        if line.startswith("$ "):
            if command:
                yield command
            command = Command(line[2:], first=at + 1, last=at + 1)
        elif command is None:
            raise ValueError(f"line {at + 1}: output without a command")
        elif line.startswith("> ") and not command.shown:
            command.text += "\n" + line[2:]
            command.first = command.last = at + 1
        else:
            command.shown.append(line)
            command.last = at + 1
    if command:
        yield command


def has_examples(page: str) -> bool:
    """Whether there is something to run."""
    return any(isinstance(step, Command) for step in steps(page))


def packages(page: str) -> list[tuple[str, str, list[str]]]:
    """Name, version and options of the packages a page starts with."""
    return [(name, version, rest.split()) for name, version, rest in _SETTING.findall(page)]


def run(page: str, scratch: Path, environ: Mapping[str, str] = os.environ) -> list[Ran]:
    """Run all commands of a page in one shell below `scratch`; one result per command.

    `environ` is what pip is called with, should a package have to be fetched.
    """
    home = scratch / "ada"
    home.mkdir(parents=True)
    start = home
    for name, version, options in packages(page):
        folder = unpack(fetch_archive(name, version, environ=environ), home)
        if "git" in options:
            _git_repository(folder)
        if "inside" in options:
            start = folder
    done = subprocess.run(
        ["bash", "--norc", "--noprofile", "-s"],
        input=_script(steps(page)),
        cwd=start,
        env=_environment(home),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
        timeout=TIMEOUT_S,
        check=False,
    )
    return list(_results(done.stdout.replace(str(home), SHOWN_HOME)))


def _git_repository(folder: Path) -> None:
    identity = ("-c", "user.name=Ada", "-c", "user.email=ada@example.org")
    for words in (("init", "--quiet"), ("add", "."), ("commit", "--quiet", "--message", "Begin")):
        subprocess.run(["git", *identity, *words], cwd=folder, check=True)


def _environment(home: Path) -> dict[str, str]:
    """A user nobody has been before, who has installed this program and no terminal."""
    program = Path(sys.executable).parent
    return {
        "PATH": f"{program}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
        "HOME": str(home),
        "LANG": "C.UTF-8",
        "ORCHESTRATE_USER": "ada",
        "GIT_CONFIG_NOSYSTEM": "1",
        **{f"GIT_{who}_{what}": value for who in ("AUTHOR", "COMMITTER") for what, value in _ADA},
    }


_ADA = (("NAME", "Ada"), ("EMAIL", "ada@example.org"))


def _script(todo: list[Command | SavedFile]) -> str:
    """The session as a script that marks the end of each command with its exit code."""
    parts = []
    for step in todo:
        if isinstance(step, SavedFile):
            folder, path = shlex.quote(str(Path(step.path).parent)), shlex.quote(step.path)
            parts.append(f"mkdir -p {folder}\ncat > {path} <<'{_MARK}'\n{step.text}{_MARK}\n")
        else:
            # stdin is the script itself, so commands must not read it. `$?` is handed on.
            parts.append(
                f"{{ {step.text}\n}} < /dev/null\n"
                f"example_status=$?; printf '\\n{_MARK} %s\\n' $example_status;"
                " (exit $example_status)\n"
            )
    return "".join(parts)


def _results(output: str) -> Iterator[Ran]:
    lines: list[str] = []
    for line in output.split("\n"):
        if line.startswith(f"{_MARK} "):
            # The mark begins with a line break of its own.
            printed = lines[:-1] if lines and not lines[-1] else lines
            yield Ran([_killed(text).rstrip() for text in printed], int(line.split()[1]))
            lines = []
        else:
            lines.append(line)


def _killed(line: str) -> str:
    """What a shell at a terminal says of a process that was killed."""
    return re.sub(r"^.*line \d+: +\d+ Killed .*$", "Killed", line)


_VOLATILE = (
    (re.compile(r"\d{4}-\d\d-\d\d"), "<date>"),
    (re.compile(r"\b\d\d:\d\d(:\d\d)?\b"), "<time>"),
    (re.compile(r"\b(\d+ h )?(\d+ min )?\d+(\.\d+)? (s|min)\b"), "<duration>"),
    (re.compile(r"\bprocess \d+ on \S+"), "process <number> on <host>"),
    (re.compile(r"\b[0-9a-f]{12,64}\b"), "<digest>"),
    (re.compile(r"\b\d+ bytes"), "<size>"),
    (re.compile(r"\b\d+(\.\d+)? GiB\b"), "<size>"),
    (re.compile(r" {2,}"), "  "),
)
_RUN_ID = re.compile(r"""(?:\brun +|/runs/|^)([a-z][a-z2-9]{7})(?=[\s/:;,".)]|$)""", re.MULTILINE)


def normal(lines: list[str], known: set[str]) -> Counter[str]:
    """The lines without what changes from run to run. `known`: run ids."""
    result: Counter[str] = Counter()
    for line in lines:
        text = re.sub(r"\b[a-z][a-z2-9]{7}\b", lambda m: "<run>" if m[0] in known else m[0], line)
        for pattern, stands in _VOLATILE:
            text = pattern.sub(stands, text)
        if text.strip():
            result[text.strip()] += 1
    return result


def run_ids(lines: list[str]) -> set[str]:
    """Words that stand where a run id stands."""
    return set(_RUN_ID.findall("\n".join(lines)))


def differences(page: str, ran: list[Ran]) -> list[str]:
    """Where the page and what really happened differ; empty when the page is right."""
    commands = [step for step in steps(page) if isinstance(step, Command)]
    if len(ran) != len(commands):
        return [f"the session ended after {len(ran)} of {len(commands)} commands"]
    in_page = run_ids([line for command in commands for line in command.shown])
    in_run = run_ids([line for one in ran for line in one.lines])
    found: list[str] = []
    for at, (command, one) in enumerate(zip(commands, ran, strict=True)):
        asked = at + 1 < len(commands) and commands[at + 1].text == "echo $?"
        if one.status != 0 and not asked:
            found.append(f"$ {command.text}\n  ended with {one.status}: " + "\n".join(one.lines))
        shown = [line for line in command.shown if line != ANYTHING]
        expected, actual = normal(shown, in_page), normal(one.lines, in_run)
        found += [f"$ {command.text}\n  does not print: {line}" for line in expected - actual]
        if ANYTHING not in command.shown:
            found += [f"$ {command.text}\n  prints as well: {line}" for line in actual - expected]
    return found


def rewritten(page: str, ran: list[Ran]) -> str:
    """The page with what was really printed; a lone `…` keeps standing for the same place."""
    lines = page.split("\n")
    commands = [step for step in steps(page) if isinstance(step, Command)]
    for command, one in reversed(list(zip(commands, ran, strict=True))):
        printed = one.lines
        if ANYTHING in command.shown:
            head = command.shown.index(ANYTHING)
            tail = len(command.shown) - head - 1
            printed = [*printed[:head], ANYTHING, *printed[len(printed) - tail :]]
        lines[command.first : command.last] = printed
    return "\n".join(lines)


def main(arguments: list[str]) -> int:
    """Compare pages with reality, or rewrite them; 1 when a page is wrong."""
    write = "--write" in arguments
    wrong = 0
    for name in arguments:
        if name.startswith("--"):
            continue
        path = Path(name)
        page = path.read_text(encoding="utf-8")
        with tempfile.TemporaryDirectory(prefix="examples-") as scratch:
            ran = run(page, Path(scratch))
        if write:
            path.write_text(rewritten(page, ran), encoding="utf-8")
            page = path.read_text(encoding="utf-8")
        for line in differences(page, ran):
            wrong = 1
            print(f"{name}: {line}")
    return wrong


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
