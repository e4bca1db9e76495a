"""Command gates with real commands: what passes, what fails, and what is unknown (N9)."""

from __future__ import annotations

import asyncio
import hashlib
from pathlib import Path

import pytest

from orchestrate.adapters.backends.shell import ShellBackend
from orchestrate.adapters.system.supervisor import ProcessSupervisor
from orchestrate.core.planning.definition import GateSpec
from orchestrate.core.running import events as ev
from orchestrate.core.sharing.artifact import Artifact
from orchestrate.hosts.local.evidence import EvidenceGates
from orchestrate.ports.performer import AttemptResult
from orchestrate.testing.scripted_performer import ScriptedPerformer
from tests.integration.rig import Rig, flow, task


def decide(folder: Path, command: str, *, timeout_s: float = 60.0) -> ev.GateDecided:
    """The verdict on a gate after a task with one output."""
    made = folder / "made.txt"
    made.write_text("made\n")
    artifact = Artifact(
        name="report", digest="", size_bytes=5, path=str(made), media_type="text/plain"
    )
    result = AttemptResult(ok=True, artifacts=(artifact,))

    async def main() -> Rig:
        rig = Rig(folder, ScriptedPerformer({"a": [result]}))
        gates = EvidenceGates(ProcessSupervisor(), ShellBackend(), folder / "runs")
        rig.gates = gates
        gate = GateSpec(name="checked", kind="command", command=command, timeout_s=timeout_s)
        await rig.driver(await rig.create(flow(task("a"), gates=(gate,)))).run()
        return rig

    [decided] = [e for e in asyncio.run(main()).events() if isinstance(e, ev.GateDecided)]
    assert decided.by == "engine"
    return decided


@pytest.mark.parametrize(
    ("command", "verdict", "reason"),
    [
        ("true", "passed", ""),
        ("exit 3", "failed", "the command ended with exit code 3"),
        ("no-such-command-anywhere", "failed", "the command ended with exit code 127"),
        ("kill -9 $$", "unknown", "the command was killed by signal 9"),
        ("sleep 600", "unknown", "the command was stopped: timeout"),
    ],
)
def test_verdict_follows_from_how_the_command_ended(
    command: str, verdict: str, reason: str, tmp_path: Path
) -> None:
    decided = decide(tmp_path, command, timeout_s=2.0)
    assert (decided.verdict, decided.reason) == (verdict, reason)


def test_evidence_says_what_was_seen(tmp_path: Path) -> None:
    decided = decide(tmp_path, "echo looked; exit 1")
    evidence = decided.evidence
    assert evidence["command"] == "echo looked; exit 1"
    assert evidence["exit_code"] == "1"
    assert float(evidence["duration_s"]) > 0
    assert Path(evidence["log"]).read_text() == "looked\n"
    assert evidence["output_sha256"] == hashlib.sha256(b"looked\n").hexdigest()


def test_command_can_look_at_the_outputs_of_its_phase(tmp_path: Path) -> None:
    assert decide(tmp_path, 'grep -q made "$ORCHESTRATE_ARTIFACT_A_REPORT"').verdict == "passed"
