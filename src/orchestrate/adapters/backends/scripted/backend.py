"""The `scripted` backend: an agent does what a script says. No model, no key, no cost."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import msgspec

from orchestrate import __version__
from orchestrate.adapters.backends.agents.environment import agent_environment, reserved_variables
from orchestrate.adapters.backends.agents.lines import shortened, tail
from orchestrate.adapters.backends.scripted import progress
from orchestrate.core.agents.permissions import Enforcement, Permissions, Restriction
from orchestrate.core.agents.script import LABEL, SCRIPTED, Script, TaskScript
from orchestrate.core.agents.tools import ABILITIES
from orchestrate.core.planning.definition import TaskSpec
from orchestrate.core.sharing.usage import AgentSession
from orchestrate.errors import AgentError
from orchestrate.ports.performer import AttemptRequest, AttemptResult, BackendStatus, Observed
from orchestrate.ports.process import ProcessOutcome, ProcessSpec

MODULE = "orchestrate.adapters.backends.scripted"
REQUEST_FILE = "request.json"
#: What the process is told of the script, and what it leaves.
SCRIPT_FILE = "script.json"
RESULT_FILE = "result.json"
_HELD = "it does what its script says, and nothing else"


class ScriptedBackend:
    """Runs this package as the process of an attempt. The script is read anew for every attempt.

    Args:
        environ: the user's own environment.
        read: reads a script; raises DefinitionError.
    """

    name = SCRIPTED
    #: Nobody's rate limits and prices apply.
    provider = ""
    hard_cost = True

    def __init__(self, environ: Mapping[str, str], read: Callable[[Path], Script]) -> None:
        self._environ = dict(environ)
        self._read = read

    def refusal(self, task: TaskSpec) -> str:
        """See Backend."""
        if task.run is not None:
            return "the scripted backend performs agents, and this task is a command"
        refused = reserved_variables(task.env)
        return f"it sets {', '.join(refused)}, which no task may set" if refused else ""

    def spec(self, request: AttemptRequest) -> ProcessSpec:
        """See Backend.

        Raises:
            AgentError: the run has no script.
            DefinitionError: the script cannot be read any more, or is wrong.
        """
        path = request.assignee.script if request.assignee is not None else ""
        if not path:
            raise AgentError(
                f"task {request.key.task} is for a script, and this run has none",
                remedy="begin a new run with --script FILE",
            )
        script = self._read(Path(path))
        told = TaskScript(path, script.attempts(request.key.task), script.bill)
        env = agent_environment(
            self._environ, scratch=request.scratch_dir, home=f"{request.scratch_dir}/home"
        )
        return ProcessSpec(
            argv=(sys.executable, "-P", "-m", MODULE, f"{request.folder}/{REQUEST_FILE}"),
            cwd=request.workspace or request.scratch_dir,
            env=env,
            token=request.token,
            timeout_s=request.timeout_s,
            files={f"{request.folder}/{SCRIPT_FILE}": msgspec.json.encode(told).decode()},
        )

    def parse(self, request: AttemptRequest, outcome: ProcessOutcome) -> AttemptResult:
        """See Backend. Judged by the result the process left, which it does last."""
        session = self.observed(request).session
        try:
            data = Path(request.folder, RESULT_FILE).read_bytes()
            result = msgspec.json.decode(data, type=AttemptResult)
        except FileNotFoundError:
            said = shortened(" ".join(tail(Path(request.folder, "stderr.log"))[-1:]))
            message = f"{LABEL}exit code {outcome.exit_code}" + (f": {said}" if said else "")
            return AttemptResult(
                ok=False, cause="exit", message=message, session=session, version=__version__
            )
        return msgspec.structs.replace(result, session=session, version=__version__)

    def status(self) -> BackendStatus:
        """See AgentBackend. It is always there, and never chosen unless it is asked for."""
        return BackendStatus(
            name=self.name,
            found=sys.executable,
            version=__version__,
            tested=__version__,
            in_range=True,
            account=SCRIPTED,
            usable=True,
        )

    def enforcement(self, permissions: Permissions, *, writes: bool) -> Enforcement:
        """See AgentBackend. Whoever wrote the script decides what is done, and no model."""
        given = permissions.abilities if writes else permissions.abilities - {"write"}
        names: list[str] = [ability for ability in ABILITIES if ability not in given]
        names += ["execute"] if permissions.commands else []
        names += [rule.name for rule in permissions.denied if rule.translated]
        return Enforcement(enforced=tuple(Restriction(name, _HELD) for name in names))

    def observed(self, request: AttemptRequest) -> Observed:
        """See AgentBackend. A script tells what it consumed when an attempt ends."""
        found = progress.load(Path(request.sessions_dir))
        if not found.number:
            return Observed()
        session = AgentSession(id=f"{request.key.run}/{request.key.task}", backend=self.name)
        usage = found.usage if found.number == request.key.number else None
        return Observed(usage=usage, session=session)
