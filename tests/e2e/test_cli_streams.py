"""Pipes, closed streams, terminals, standard input, and several processes at once."""

from __future__ import annotations

import os
import pty
import re
import select
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.e2e.command import ARGV, PATIENCE_S, kinds, log, orchestrate, start

pytestmark = pytest.mark.usefixtures("home")

FLOW = """
version: 1
name: flow
inputs: {request: {default: ""}}
phases:
  - name: work
    tasks:
      - {id: a, run: "echo one"}
      - {id: b, run: "echo two", needs: [a]}
"""
GATED = FLOW + "    gates: [{name: look, kind: human, message: is it good?}]\n"
#: SGR sequences that set a colour.
COLOUR = re.compile(r"\x1b\[(?:[0-9;]*;)?(?:3[0-8]|4[0-8]|9[0-7]|10[0-7])(?:;[0-9;]*)?m")


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    root = tmp_path / "project"
    root.mkdir()
    subprocess.run(["git", "init", "-q"], cwd=root, check=True)
    (root / "flow.yaml").write_text(FLOW)
    (root / "gated.yaml").write_text(GATED)
    return root


def shell(script: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run `script`, in which $o is the command."""
    argv = " ".join(ARGV)
    return subprocess.run(
        ["bash", "-o", "pipefail", "-c", f"o='{argv}'\n{script}"],
        cwd=cwd,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )


def events(repository: Path) -> list[str]:
    return kinds(log(repository / ".git" / "orchestrate"))


@pytest.mark.parametrize(
    "script",
    [
        "$o run flow.yaml 2>&1 | head -1",
        "$o run flow.yaml --json | true",
        "$o run flow.yaml >&-",
        "$o run flow.yaml 2>&-",
        "$o run flow.yaml >&- 2>&-",
        "$o run flow.yaml <&-",
        "$o run flow.yaml 2>/dev/full",
    ],
)
def test_reader_that_goes_away_changes_neither_run_nor_exit_code(
    script: str, repository: Path
) -> None:
    done = shell(script, repository)
    assert done.returncode == 0, done
    assert events(repository)[-1] == "RunCompleted"
    assert "Traceback" not in done.stderr
    assert "Exception" not in done.stderr


def test_failure_is_told_although_nobody_reads(repository: Path) -> None:
    (repository / "flow.yaml").write_text(FLOW.replace("echo two", "exit 3"))
    assert shell("$o run flow.yaml 2>&1 | true", repository).returncode == 1


def test_result_that_could_not_be_written_is_no_success(repository: Path) -> None:
    done = shell("$o run flow.yaml --json >/dev/full", repository)
    assert done.returncode == 4, done
    assert "No space left" in done.stderr
    assert "Traceback" not in done.stderr


def test_messages_go_to_stderr_and_quiet_drops_them(repository: Path) -> None:
    done = orchestrate("run", "flow.yaml", cwd=repository)
    assert re.fullmatch(r"run \w{8} completed: .*\n", done.out)
    assert "a finished" in done.err
    quiet = orchestrate("run", "flow.yaml", "--quiet", cwd=repository)
    assert quiet.err == ""
    assert quiet.out.startswith("run ")


def test_no_terminal_no_colour_and_no_question(repository: Path) -> None:
    done = orchestrate("run", "gated.yaml", cwd=repository, env={"FORCE_COLOR": ""})
    assert done.code == 7
    assert "\x1b" not in done.out + done.err
    # Standard input is no terminal: nobody is asked, whatever it holds.
    refused = orchestrate("resume", cwd=repository, stdin="y\n")
    assert refused.code == 5
    assert "?" not in refused.out
    closed = shell("$o resume <&-", repository)
    assert closed.returncode == 5, closed
    assert orchestrate("status", cwd=repository).out.isprintable() is False  # several lines
    assert "\x1b" not in orchestrate("status", cwd=repository).out


def test_encoding_without_the_characters_is_no_crash(repository: Path) -> None:
    env = {"PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}
    done = orchestrate("run", "flow.yaml", "größer", cwd=repository, env=env)
    assert done.code == 0, done
    assert "gr\\xf6\\xdfer" in orchestrate("list", cwd=repository, env=env).out


def test_request_comes_from_argument_file_or_standard_input(repository: Path) -> None:
    (repository / "request.txt").write_text("from a file\n")

    def asked(*arguments: str, stdin: str = "") -> str:
        done = orchestrate("run", "flow.yaml", *arguments, "--json", cwd=repository, stdin=stdin)
        assert done.code == 0, done
        shown = orchestrate("show", done.data["run"], "--json", cwd=repository)
        assert shown.data["inputs"]["request"] == shown.data["request"]
        return str(shown.data["request"])

    assert asked("as an argument") == "as an argument"
    assert asked("-f", "request.txt") == "from a file"
    assert asked("-f", "-", stdin="from a pipe\n") == "from a pipe"
    assert asked("-", stdin="größer\n") == "größer"


@pytest.mark.parametrize(
    ("arguments", "stdin", "said"),
    [
        (("a", "-f", "-"), b"b", "given twice"),
        (("-f", "-"), b" \n", "is empty"),
        (("-f", "-"), b"caf\xe9", "cannot be read"),
        (("-f", "-"), b"x" * 1_000_000, "more than 100000 characters"),
        (("-f", "missing.txt"), b"", "cannot be read"),
        (("caf\udce9",), b"", "not valid UTF-8"),
    ],
    ids=["twice", "empty", "latin-1", "too-long", "missing", "argument"],
)
def test_request_that_cannot_be_used(
    arguments: tuple[str, ...], stdin: bytes, said: str, repository: Path
) -> None:
    done = subprocess.run(
        [*ARGV, "run", "flow.yaml", *arguments],
        cwd=repository,
        input=stdin,
        capture_output=True,
        timeout=PATIENCE_S,
        check=False,
    )
    assert done.returncode == 2, done
    assert said in done.stderr.decode()
    assert events(repository) == []


def test_several_processes_may_begin_at_once_in_a_fresh_repository(repository: Path) -> None:
    processes = [start("run", "flow.yaml", "--json", cwd=repository) for _ in range(5)]
    ended = [(process.communicate(timeout=PATIENCE_S), process.returncode) for process in processes]
    assert [code for _, code in ended] == [0] * 5, ended
    assert orchestrate("list", cwd=repository).out.count("completed") == 5


# -- terminals ---------------------------------------------------------------------------------


def on_a_terminal(
    *arguments: str, cwd: Path, answer: str = "", env: dict[str, str] | None = None
) -> tuple[int, str]:
    """Run a command on a terminal of 80 columns; `answer` is typed when a question comes."""
    process, terminal = pty.fork()
    if process == 0:
        os.chdir(cwd)
        os.environ.update({"TERM": "xterm-256color", "COLUMNS": "80", "LINES": "24"} | (env or {}))
        os.execv(sys.executable, [*ARGV, *arguments])
    seen = b""
    give_up_at = time.monotonic() + PATIENCE_S
    while True:
        ready, _, _ = select.select([terminal], [], [], max(0.0, give_up_at - time.monotonic()))
        assert ready, f"waited in vain; seen: {seen!r}"
        try:
            data = os.read(terminal, 4096)
        except OSError:  # how a terminal says that the other end is closed
            data = b""
        if not data:
            break
        seen += data
        if answer and seen.rstrip().endswith(b"]:"):
            os.write(terminal, answer.encode())
            answer = ""
    os.close(terminal)
    _, status = os.waitpid(process, 0)
    return os.waitstatus_to_exitcode(status), seen.decode()


def test_live_view_ends_with_the_whole_picture(repository: Path) -> None:
    code, seen = on_a_terminal("run", "gated.yaml", cwd=repository)
    assert code == 7
    assert COLOUR.search(seen)
    plain = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", seen)
    last = plain[plain.rindex("2 of 2 tasks done") :]
    for part in (
        "at its gate",
        "gate work/look waits for a person",
        "is it good?",
        "$ orchestrate",
    ):
        assert part in last
    # However the process ends, the cursor is there: it is shown again after every hiding.
    assert seen.rfind("\x1b[?25h") > seen.rfind("\x1b[?25l")
    first_hidden = seen.index("\x1b[?25l")
    assert seen.index("\x1b[?25h") - first_hidden < 200


def test_no_color_is_respected_on_a_terminal(repository: Path) -> None:
    code, seen = on_a_terminal("run", "gated.yaml", cwd=repository, env={"NO_COLOR": "1"})
    assert code == 7
    assert not COLOUR.search(seen)
    assert "at its gate" in seen


def test_terminal_that_cannot_redraw_gets_lines(repository: Path) -> None:
    code, seen = on_a_terminal("run", "gated.yaml", cwd=repository, env={"TERM": "dumb"})
    assert code == 7
    assert "\x1b" not in seen
    assert re.search(r"\d\d:\d\d:\d\d a finished", seen)


@pytest.mark.parametrize(("answer", "code"), [("n\n", 5), ("\x04", 130), ("y\n", 7)])
def test_resume_asks_on_a_terminal(answer: str, code: int, repository: Path) -> None:
    assert orchestrate("run", "gated.yaml", cwd=repository).code == 7
    before = len(events(repository))
    ended, seen = on_a_terminal("resume", cwd=repository, answer=answer)
    assert ended == code, seen
    assert "resume run" in seen
    assert (len(events(repository)) > before) is (code == 7)
