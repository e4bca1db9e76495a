"""Command gates: the engine runs the command itself and keeps what it saw."""

from __future__ import annotations

import hashlib
from pathlib import Path

import msgspec

from orchestrate.core.ids import AttemptKey
from orchestrate.core.running.commands import DecideGate
from orchestrate.core.running.events import Verdict
from orchestrate.core.running.state import RunState
from orchestrate.hosts.local.perform import prepare_folder
from orchestrate.ports.performer import AttemptRequest, Backend, UpstreamArtifact
from orchestrate.ports.process import ProcessOutcome, Supervisor


class CommandGates:
    """Decides command gates by the exit code of their command, run in the repository.

    The command sees what a shell task sees; its artifacts are the outputs of the gate's phase.
    """

    def __init__(self, supervisor: Supervisor, shell: Backend, runs_dir: Path) -> None:
        self._supervisor = supervisor
        self._shell = shell
        self._runs_dir = runs_dir

    async def evaluate(self, state: RunState, gate: str) -> DecideGate:
        """See GateEvaluator: 0 passes, any other exit fails, no exit of its own is unknown."""
        phase, spec = state.index.gates[gate]
        name = gate.replace("/", ".")
        folder = self._runs_dir / state.run / "gates" / f"{name}.{state.version}"
        request = AttemptRequest(
            key=AttemptKey(state.run, f"gate.{name}", state.version),
            token=f"{state.run}:gate.{name}:{state.version}",
            phase=gate.partition("/")[0],
            repository=state.repository,
            folder=str(folder),
            outputs_dir=str(folder / "outputs"),
            scratch_dir=str(folder / "scratch"),
            command=spec.command,
            inputs=state.inputs,
            artifacts=_artifacts(state, phase),
            timeout_s=spec.timeout_s,
        )
        prepare_folder(request)
        process = msgspec.structs.replace(self._shell.spec(request), timeout_s=spec.timeout_s)
        outcome = await self._supervisor.run(process, folder)
        verdict, reason = _verdict(outcome)
        return DecideGate(
            gate=gate,
            verdict=verdict,
            by="engine",
            reason=reason,
            evidence={
                "command": spec.command,
                "exit_code": "" if outcome.exit_code is None else str(outcome.exit_code),
                "duration_s": f"{outcome.duration_s:.3f}",
                "output_sha256": _output_digest(folder),
                "log": str(folder / "stdout.log"),
            },
        )


def _artifacts(state: RunState, phase: int) -> tuple[UpstreamArtifact, ...]:
    return tuple(
        UpstreamArtifact(state.index.order[number].id, item.name, item.path, item.digest)
        for number in state.index.phase_tasks[phase]
        for item in state.tasks[number].artifacts
    )


def _verdict(outcome: ProcessOutcome) -> tuple[Verdict, str]:
    if outcome.clean:
        return "passed", ""
    if outcome.error:
        return "unknown", outcome.error
    if outcome.stopped:
        return "unknown", f"the command was stopped: {outcome.stopped}"
    if outcome.exit_code is None:
        return "unknown", f"the command was killed by signal {outcome.signal}"
    return "failed", f"the command ended with exit code {outcome.exit_code}"


def _output_digest(folder: Path) -> str:
    digest = hashlib.sha256()
    for name in ("stdout.log", "stderr.log"):
        path = folder / name
        if path.is_file():
            with path.open("rb") as file:
                while chunk := file.read(1 << 20):
                    digest.update(chunk)
    return digest.hexdigest()
