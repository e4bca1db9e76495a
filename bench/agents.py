"""What an attempt of an agent costs beyond the agent's own program, on the same scripted model.

Two runs of the program `orchestrate` itself are read back from their logs:

* a chain of attempts, each in a workspace of its own: the time from one `AttemptStarted` to the
  next, less the median of the bare program with the same arguments, input and environment. The
  first attempt of the process is the cold one;
* eight attempts side by side against eight bare programs side by side.

`python -m bench.agents` prints the figures alone; it needs the agent programs, which
`scripts/agent_programs.py` installs.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import msgspec

from orchestrate.adapters.backends.claude.backend import ClaudeBackend
from orchestrate.adapters.backends.codex.backend import CodexBackend
from orchestrate.ports.performer import AgentBackend, AttemptRequest
from orchestrate.ports.process import ProcessSpec
from orchestrate.testing.model_server import Json, ModelServer, Read, Role, Say, Scenario

CHAIN = 9
SIDE_BY_SIDE = 8
ROUNDS = 3
#: Of eight at once: what else the machine does changes each by up to a tenth.
ROUNDS_AT_ONCE = 7
_ANSWER = {"summary": "Looked around.", "outcome": "done", "reason": "", "follow_ups": []}


class Figures(NamedTuple):
    """Seconds of the bare program, and what an attempt adds, warm and cold; the ratio at eight."""

    backend: str
    bare_s: float
    warm_s: float
    cold_s: float
    eight_ratio: float


def measure(backend: str, programs: Path, folder: Path) -> Figures:
    """Measure `backend`, whose program lies in `programs`; `folder` is for what is needed."""
    steps = (Read("AGENTS.md"), Json(_ANSWER), Say("done"))
    with ModelServer([Scenario("bench", (Role("any", steps),))]) as server:
        environ = _environ(backend, programs, folder, server.url(backend, "bench"))
        repository = _repository(folder / "repository")
        warm, cold, bares = [], [], []
        for _ in range(ROUNDS):
            chain = _run(repository, environ, folder, backend, CHAIN, parallel=1)
            bare = [_bare(each) for each in chain.commands]
            ends = [*chain.started[1:], chain.ended]
            gaps = [end - begun for begun, end in zip(chain.started, ends, strict=True)]
            typical = statistics.median(bare)
            bares.append(typical)
            cold.append(gaps[0] - typical)
            warm += [gap - typical for gap in gaps[1:]]
        together, bare_together = [], []
        for _ in range(ROUNDS_AT_ONCE):
            ours = _run(repository, environ, folder, backend, SIDE_BY_SIDE, parallel=SIDE_BY_SIDE)
            begin = time.perf_counter()
            with ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
                list(pool.map(_bare, ours.commands))
            bare_together.append(time.perf_counter() - begin)
            together.append(ours.ended - ours.started[0])
    return Figures(
        backend,
        statistics.median(bares),
        statistics.median(warm),
        statistics.median(cold),
        statistics.median(together) / statistics.median(bare_together),
    )


class _Seen(NamedTuple):
    """When the attempts of a run started, when the last ended, and the bare commands like them."""

    started: list[float]
    ended: float
    commands: list[ProcessSpec]


def _run(
    repository: Path,
    environ: dict[str, str],
    folder: Path,
    backend: str,
    tasks: int,
    *,
    parallel: int,
) -> _Seen:
    workflow = folder / f"{tasks}-{parallel}.yaml"
    lines = ["version: 1", "name: bench", f"limits: {{max_parallel: {parallel}}}", "phases:"]
    lines += [
        "  - name: work",
        f"    parallel: {'true' if parallel > 1 else 'false'}",
        "    tasks:",
    ]
    lines += [
        f"      - {{id: t{number}, agent: architect, prompt: Look around., timeout: 2m}}"
        for number in range(tasks)
    ]
    workflow.write_text("\n".join(lines) + "\n")
    argv = [
        sys.executable,
        "-m",
        "orchestrate",
        "run",
        str(workflow),
        "--yes",
        "--backend",
        backend,
    ]
    _orchestrate([*argv, "-q", "--parallel-limit", str(parallel)], repository, environ)
    shown = [sys.executable, "-m", "orchestrate", "events", "--json"]
    events = [
        each["event"] for each in json.loads(_orchestrate(shown, repository, environ))["data"]
    ]
    started = [event["at"] for event in events if event["event"] == "AttemptStarted"]
    ended = max(event["at"] for event in events if event["event"] == "AttemptSucceeded")
    run = events[0]["run"]
    attempts = sorted((repository / ".git/orchestrate/runs" / run / "attempts").iterdir())
    if len(started) != tasks or len(attempts) != tasks:
        raise RuntimeError(f"{len(started)} attempts of {tasks}")
    return _Seen(started, ended, [_command(each, environ) for each in attempts])


def _orchestrate(argv: list[str], repository: Path, environ: dict[str, str]) -> bytes:
    ended = subprocess.run(argv, cwd=repository, env=environ, capture_output=True, check=False)
    if ended.returncode:
        raise RuntimeError(f"{argv}: {ended.returncode}: {ended.stderr.decode()[-2000:]}")
    return ended.stdout


def _command(attempt: Path, environ: dict[str, str]) -> ProcessSpec:
    """The bare command an attempt comes down to, under a session of its own."""
    request = msgspec.json.decode((attempt / "request.json").read_bytes(), type=AttemptRequest)
    token = f"{request.token}:bare:{uuid.uuid4()}"
    request = msgspec.structs.replace(request, token=token)
    backends: dict[str, AgentBackend] = {
        "claude": ClaudeBackend(environ),
        "codex": CodexBackend(environ),
    }
    spec = backends[request.backend].spec(request)
    for folder in (request.scratch_dir, request.outputs_dir, spec.cwd):
        Path(folder).mkdir(parents=True, exist_ok=True)
    for name, text in spec.files.items():
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_text(text)
    return spec


def _bare(spec: ProcessSpec) -> float:
    begin = time.perf_counter()
    subprocess.run(
        spec.argv,
        cwd=spec.cwd,
        env=spec.env,
        input=spec.stdin.encode(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        check=True,
    )
    return time.perf_counter() - begin


def _environ(backend: str, programs: Path, folder: Path, url: str) -> dict[str, str]:
    home = folder / "home"
    home.mkdir(exist_ok=True)
    keys = {"claude": "ANTHROPIC", "codex": "OPENAI"}[backend]
    return {
        "PATH": f"{programs}:{os.environ['PATH']}",
        "HOME": str(home),
        "LANG": "C.UTF-8",
        "XDG_STATE_HOME": str(folder / "state"),
        f"{keys}_API_KEY": "sk-dummy-0123456789",
        f"{keys}_BASE_URL": url,
    }


def _repository(root: Path) -> Path:
    root.mkdir()
    for number in range(200):
        (root / f"module{number}.py").write_text(f"value = {number}\n")
    (root / "AGENTS.md").write_text("Be brief.\n")
    identity = ["-c", "user.name=bench", "-c", "user.email=bench@localhost"]
    for arguments in (("init", "-q"), ("add", "-A"), ("commit", "-q", "-m", "all")):
        subprocess.run(["git", *identity, *arguments], cwd=root, check=True)
    return root


def main() -> int:
    """Print the figures of one measurement."""
    from scripts.agent_programs import programs_folder

    for backend in ("claude", "codex"):
        with tempfile.TemporaryDirectory() as name:
            found = measure(backend, programs_folder(dict(os.environ)), Path(name))
        print(
            f"{backend:<7} bare {found.bare_s * 1000:6.0f} ms   an attempt adds"
            f" {found.warm_s * 1000:5.0f} ms, the first {found.cold_s * 1000:5.0f} ms"
            f"   eight at once: ratio {found.eight_ratio:.2f}"
        )
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
