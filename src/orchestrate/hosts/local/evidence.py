"""Gates that evidence decides: the engine looks for itself and keeps what it saw."""

from __future__ import annotations

import asyncio
import hashlib
from pathlib import Path

import msgspec

from orchestrate.core.ids import AttemptKey
from orchestrate.core.running.commands import DecideGate
from orchestrate.core.running.state import RunState
from orchestrate.core.sharing.evidence import Verdict
from orchestrate.hosts.local.attempt_folder import prepare_folder
from orchestrate.hosts.local.checks import Checks
from orchestrate.ports.performer import AttemptRequest, Backend, UpstreamArtifact
from orchestrate.ports.process import ProcessOutcome, Supervisor


class EvidenceGates:
    """Decides every gate that evidence decides.

    A command is run in a checkout of the run's integration line, or in the repository where the run
    has none, and sees what a shell task sees; its artifacts are the outputs of the gate's phase.
    All other kinds look at the line.
    """

    def __init__(
        self, supervisor: Supervisor, shell: Backend, runs_dir: Path, checks: Checks | None = None
    ) -> None:
        """`checks` is needed for gates that look at a commit."""
        self._supervisor = supervisor
        self._shell = shell
        self._runs_dir = runs_dir
        self._checks = checks

    async def evaluate(self, state: RunState, gate: str) -> DecideGate:
        """See GateEvaluator."""
        spec = state.index.gates[gate][1]
        if spec.kind == "command":
            if self._checks is None or not state.line:
                return await self._command(state, gate, "")
            name = f"gate.{gate.replace('/', '.')}"
            workspaces = self._checks.workspaces
            checkout = await asyncio.to_thread(workspaces.checkout, state.run, name, state.line)
            try:
                return await self._command(state, gate, str(checkout))
            finally:
                await asyncio.to_thread(workspaces.discard, state.run, name)
        if self._checks is None or not state.line:
            reason = "this run has no integration line whose commits could be looked at"
            return DecideGate(gate=gate, verdict="unknown", by="engine", reason=reason)
        judged, note = await self._checks.judge(state, gate, spec, state.line, state.base)
        return DecideGate(
            gate=gate,
            verdict=judged.verdict,
            by="engine",
            reason=judged.cause,
            evidence={
                "kind": spec.kind,
                "revision": state.line,
                "base": state.base,
                "summary": note.summary,
                "evidence_sha256": note.digest,
                "log": note.path,
                "before": note.before,
                "tests": "\n".join(note.tests),
            },
        )

    async def _command(self, state: RunState, gate: str, checkout: str) -> DecideGate:
        """0 passes, any other exit fails, no exit of its own is unknown."""
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
            workspace=checkout,
            base=state.line if checkout else "",
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
                **({"revision": state.line} if checkout else {}),
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
