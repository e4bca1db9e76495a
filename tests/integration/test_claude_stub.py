"""The claude backend with a program that is not Claude Code: what is handed over, what is read."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import msgspec

from orchestrate.adapters.backends.claude.backend import ClaudeBackend
from orchestrate.adapters.system.supervisor import ProcessSupervisor
from orchestrate.ports.performer import AttemptRequest, AttemptResult
from orchestrate.ports.process import ProcessOutcome
from tests.unit.adapters.backends.claude_attempts import ANSWER, RECORDED, request

KEY = "sk-stub-0001"


def perform(folder: Path, script: str, wanted: AttemptRequest) -> AttemptResult:
    """The verdict on a shell script that stands for the program."""
    outcome, claude = ended(folder, script, wanted)
    return claude.parse(wanted, outcome)


def ended(
    folder: Path, script: str, wanted: AttemptRequest
) -> tuple[ProcessOutcome, ClaudeBackend]:
    program = folder / "bin/claude"
    program.parent.mkdir()
    program.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    program.chmod(0o755)
    for path in (wanted.scratch_dir, wanted.workspace):
        Path(path).mkdir()
    path = f"{program.parent}:/usr/bin:/bin"
    claude = ClaudeBackend(
        {"PATH": path, "HOME": str(folder / "home"), "ANTHROPIC_API_KEY": KEY, "OTHER_KEY": "no"}
    )
    supervisor = ProcessSupervisor()
    return asyncio.run(supervisor.run(claude.spec(wanted), Path(wanted.folder))), claude


def in_folder(folder: Path, **changes: object) -> AttemptRequest:
    return request(folder, workspace=str(folder / "workspace"), **changes)


def test_program_is_handed_prompt_key_and_files_and_nothing_else(tmp_path: Path) -> None:
    seen = tmp_path / "seen"
    script = f"""mkdir {seen}
cat > {seen}/prompt
cat <&3 > {seen}/key
env > {seen}/environment
pwd > {seen}/folder
while [ $# -gt 0 ]; do
  case $1 in --settings) cat "$2" > {seen}/settings ;; esac
  shift
done
echo "the key is $(cat {seen}/key)"
cat {RECORDED}/done.jsonl"""
    result = perform(tmp_path, script, in_folder(tmp_path, answer_schema=ANSWER))
    assert result.ok, result.message
    assert "Do the task." in (seen / "prompt").read_text("utf-8")
    assert (seen / "key").read_text("utf-8").strip() == KEY
    environment = (seen / "environment").read_text("utf-8")
    assert KEY not in environment
    assert "OTHER_KEY" not in environment
    assert (seen / "folder").read_text("utf-8").strip() == str(tmp_path / "workspace")
    assert json.loads((seen / "settings").read_text("utf-8"))["permissions"]["deny"] == []
    assert KEY not in (tmp_path / "stdout.log").read_text("utf-8")


def test_program_that_prints_long_lines_and_noise_is_understood(tmp_path: Path) -> None:
    long = msgspec.json.encode({"type": "user", "message": {"content": "x" * 200_000}}).decode()
    (tmp_path / "long").write_text(long + "\n", encoding="utf-8")
    script = f"echo warning; cat {tmp_path}/long {RECORDED}/done.jsonl; printf '{{\"type\"'"
    result = perform(tmp_path, script, in_folder(tmp_path, answer_schema=ANSWER))
    assert result.ok, result.message
    assert result.answer == {"summary": "wrote a.txt"}


def test_program_that_cannot_start_says_why(tmp_path: Path) -> None:
    script = "echo \"error: option '--max-turns <n>' argument is invalid\" >&2; exit 1"
    result = perform(tmp_path, script, in_folder(tmp_path))
    assert (result.ok, result.cause) == (False, "crash")
    assert "--max-turns" in result.message


def test_program_that_says_success_and_then_fails_has_failed(tmp_path: Path) -> None:
    result = perform(tmp_path, f"cat {RECORDED}/done.jsonl; exit 7", in_folder(tmp_path))
    assert (result.ok, result.cause) == (False, "exit")


def test_program_that_is_stopped_is_counted_by_what_it_said(tmp_path: Path) -> None:
    wanted = in_folder(tmp_path, timeout_s=1.0)
    outcome, claude = ended(tmp_path, f"head -n 4 {RECORDED}/killed.jsonl; sleep 1000", wanted)
    assert outcome.stopped == "timeout"
    seen = claude.observed(wanted)
    assert seen.usage is not None
    assert (seen.usage.input_tokens, seen.usage.turns, seen.usage.complete) == (200, 2, False)
