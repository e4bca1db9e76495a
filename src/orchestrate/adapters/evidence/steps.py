"""One step of building an environment: a supervised command that has to end well."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from orchestrate.adapters.evidence.environment import BuildError
from orchestrate.adapters.evidence.tails import tail
from orchestrate.ports.process import ProcessOutcome, ProcessSpec, Supervisor

#: A build that takes longer is stuck: the largest in common use compile for some minutes.
BUILD_TIMEOUT_S = 1800.0
_SAID_LINES = 4


class Steps:
    """Runs the steps of one build, with the network, logs below `folder`.

    Args:
        supervisor: runs them.
        folder: gets a folder of logs per step.
        token: every process carries it, so that whoever stops the check stops the build.
        env: their whole environment.
        cwd: where they run.
    """

    def __init__(
        self, supervisor: Supervisor, folder: Path, token: str, env: Mapping[str, str], cwd: Path
    ) -> None:
        self._supervisor = supervisor
        self._folder = folder
        self._token = token
        self._env = dict(env)
        self._cwd = cwd

    async def run(self, name: str, argv: Sequence[str | Path], env: Mapping[str, str] = {}) -> Path:
        """Run the step `name`; returns the folder with its logs.

        Raises:
            BuildError: it did not end with exit code 0; the message has the end of what it said.
        """
        logs = self._folder / name
        for folder in (self._folder, logs):
            folder.mkdir(mode=0o700, exist_ok=True)
        spec = ProcessSpec(
            argv=tuple(map(str, argv)),
            cwd=str(self._cwd),
            env={**self._env, **env},
            token=self._token,
            timeout_s=BUILD_TIMEOUT_S,
            on_output_limit="truncate",
        )
        outcome = await self._supervisor.run(spec, logs)
        if not outcome.clean:
            raise BuildError(f"the environment could not be built: {_why(name, outcome, logs)}")
        return logs


def _why(name: str, outcome: ProcessOutcome, logs: Path) -> str:
    if outcome.error:
        return f"{name}: {outcome.error}"
    how = outcome.stopped or (
        f"exit code {outcome.exit_code}" if outcome.signal is None else f"signal {outcome.signal}"
    )
    said = tail(logs / "stderr.log", _SAID_LINES) or tail(logs / "stdout.log", _SAID_LINES)
    return f"{name} ended with {how}: {said}" if said else f"{name} ended with {how}"
