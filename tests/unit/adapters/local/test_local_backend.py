"""The local backend: the process it asks for, and how it judges one that has ended."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from orchestrate.adapters.backends.local.backend import LocalBackend
from orchestrate.adapters.backends.local.progress import ProgressLines
from orchestrate.adapters.backends.local.registry import ACTIONS, find_action
from orchestrate.core.ids import AttemptKey
from orchestrate.errors import AgentError
from orchestrate.ports.performer import AttemptRequest, AttemptResult
from orchestrate.ports.process import ProcessOutcome


def _request(tmp_path: Path, **changes: object) -> AttemptRequest:
    for name in ("repo", "out", "scratch"):
        (tmp_path / name).mkdir(exist_ok=True)
    request = AttemptRequest(
        key=AttemptKey("run", "scan", 1),
        token="token-1",
        phase="scanning",
        repository=str(tmp_path / "repo"),
        folder=str(tmp_path),
        outputs_dir=str(tmp_path / "out"),
        scratch_dir=str(tmp_path / "scratch"),
        agent="security-scout",
        action="security-scan",
        timeout_s=120,
    )
    request = msgspec.structs.replace(request, **changes)
    (tmp_path / "request.json").write_bytes(msgspec.json.encode(request))
    return request


def _outcome(exit_code: int | None = 0, **changes: object) -> ProcessOutcome:
    plain = ProcessOutcome(token="token-1", exit_code=exit_code, duration_s=1.5)
    return msgspec.structs.replace(plain, **changes)


def test_the_process_is_isolated_from_the_users_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("API_TOKEN", "hidden")
    env = {"HTTPS_PROXY": "http://proxy.invalid", "PYTHONPATH": "/evil", "LD_PRELOAD": "/evil.so"}
    request = _request(tmp_path, env=env)
    spec = LocalBackend().spec(request)
    assert spec.argv == (
        sys.executable,
        "-P",
        "-m",
        "orchestrate.adapters.backends.local",
        str(tmp_path / "request.json"),
    )
    assert (spec.cwd, spec.token, spec.timeout_s) == (str(tmp_path / "scratch"), "token-1", 120)
    assert spec.env["HTTPS_PROXY"] == "http://proxy.invalid"
    assert spec.env["PYTHONHASHSEED"] == "0"
    assert not {"API_TOKEN", "PYTHONPATH", "LD_PRELOAD"} & spec.env.keys()


def test_an_unknown_action_is_refused_with_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(AgentError, match="no action 'dance'") as refused:
        LocalBackend().spec(_request(tmp_path, action="dance"))
    assert "security-scan" in refused.value.remedy


@pytest.mark.parametrize("action", sorted(ACTIONS))
def test_every_action_can_be_found(action: str) -> None:
    assert callable(find_action(action))


def test_a_clean_end_with_a_result_is_that_result(tmp_path: Path) -> None:
    request = _request(tmp_path)
    written = AttemptResult(ok=True, summary="done", metrics={"findings": 2.0})
    (tmp_path / "result.json").write_bytes(msgspec.json.encode(written))
    judged = LocalBackend().parse(request, _outcome())
    assert judged == msgspec.structs.replace(written, exit_code=0, duration_s=1.5)


@pytest.mark.parametrize(
    ("outcome", "cause", "word"),
    [
        (_outcome(), "missing_output", "left no result.json"),
        (_outcome(3), "exit", "exit code 3"),
        (_outcome(None, signal=9), "crash", "SIGKILL"),
        (_outcome(None, signal=9, stopped="timeout"), "timeout", "time limit"),
        (_outcome(None, signal=9, stopped="output_limit"), "output_limit", "too much"),
        (_outcome(None, signal=9, stopped="driver_gone"), "lost", "driver"),
        (_outcome(None, error="no such file"), "crash", "no such file"),
    ],
)
def test_every_other_end_has_a_cause(
    tmp_path: Path, outcome: ProcessOutcome, cause: str, word: str
) -> None:
    judged = LocalBackend().parse(_request(tmp_path), outcome)
    assert (judged.ok, judged.cause) == (False, cause)
    assert word in judged.message


def test_a_result_does_not_hide_that_the_process_was_stopped(tmp_path: Path) -> None:
    request = _request(tmp_path)
    (tmp_path / "result.json").write_bytes(msgspec.json.encode(AttemptResult(ok=True)))
    judged = LocalBackend().parse(request, _outcome(None, signal=9, stopped="timeout"))
    assert (judged.ok, judged.cause) == (False, "timeout")


def test_a_damaged_result_is_bad_output(tmp_path: Path) -> None:
    request = _request(tmp_path)
    (tmp_path / "result.json").write_text('{"ok": tr')
    assert LocalBackend().parse(request, _outcome()).cause == "bad_output"


def test_the_specialists_own_failure_is_kept_with_its_message(tmp_path: Path) -> None:
    request = _request(tmp_path, action="aggregate-findings", inputs={"baseline": "/missing.json"})
    ended = _run(tmp_path)
    assert ended.returncode == 1
    judged = LocalBackend().parse(request, _outcome(1))
    assert (judged.ok, judged.cause) == (False, "unavailable")
    assert "/missing.json" in judged.message


def test_a_request_that_cannot_be_read_ends_with_exit_code_2(tmp_path: Path) -> None:
    (tmp_path / "request.json").write_text("{")
    ended = _run(tmp_path)
    assert ended.returncode == 2
    assert not (tmp_path / "result.json").exists()


def test_a_result_of_an_interrupted_attempt_is_not_taken_for_ours(tmp_path: Path) -> None:
    _request(tmp_path, action="dance")
    stale = tmp_path / "result.json"
    stale.write_bytes(msgspec.json.encode(AttemptResult(ok=True)))
    assert _run(tmp_path).returncode == 1
    assert not msgspec.json.decode(stale.read_bytes(), type=AttemptResult).ok


def test_progress_lines_are_thinned_out_and_keep_first_and_last(tmp_path: Path) -> None:
    path = tmp_path / "out"
    with path.open("w") as stream:
        report = ProgressLines(stream)
        for done in range(1001):
            report(done, 1000, "bandit")
        report(0, 2, "next")
    lines = [msgspec.json.decode(line) for line in path.read_bytes().splitlines()]
    assert lines[0] == {"progress": {"done": 0, "total": 1000, "what": "bandit"}}
    assert {"progress": {"done": 1000, "total": 1000, "what": "bandit"}} in lines
    assert lines[-1] == {"progress": {"done": 0, "total": 2, "what": "next"}}
    assert len(lines) < 100


def _run(folder: Path) -> subprocess.CompletedProcess[bytes]:
    argv = [sys.executable, "-P", "-m", "orchestrate.adapters.backends.local"]
    return subprocess.run([*argv, str(folder / "request.json")], cwd=folder, capture_output=True)
