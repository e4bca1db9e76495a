"""The `codex` backend: the process of an attempt, and what became of it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

import msgspec

from orchestrate.adapters.backends.agents.account import describe
from orchestrate.adapters.backends.agents.environment import (
    agent_environment,
    reserved_variables,
    secrets,
)
from orchestrate.adapters.backends.agents.program import Program, Tested
from orchestrate.adapters.backends.codex import outcome as ends
from orchestrate.adapters.backends.codex import rollout as rollouts
from orchestrate.adapters.backends.codex.access import HEADERS, Access, find_access
from orchestrate.adapters.backends.codex.answer_schema import strict
from orchestrate.adapters.backends.codex.command_rules import rules_file
from orchestrate.adapters.backends.codex.configuration import STREAM_IDLE_S, configuration
from orchestrate.adapters.backends.codex.events import thread_of, told
from orchestrate.adapters.backends.codex.holding import enforcement
from orchestrate.adapters.backends.codex.notes import notes
from orchestrate.adapters.backends.codex.sandbox import Folders
from orchestrate.adapters.backends.codex.toml import document, overrides
from orchestrate.app.prompt import compose
from orchestrate.core.agents.permissions import Enforcement, Permissions
from orchestrate.core.planning.definition import TaskSpec
from orchestrate.errors import AgentError
from orchestrate.ports.performer import AttemptRequest, AttemptResult, BackendStatus, Observed
from orchestrate.ports.process import ProcessOutcome, ProcessSpec

NAME = "codex"
TESTED = Tested(("0.169.0",))
INSTALL = "npm install -g @openai/codex@0.169.0"
LOGIN = "log in with `codex login`, or set OPENAI_API_KEY"
SCHEMA_FILE = "answer-schema.json"
#: Bytes of instructions that go onto the command line where they cannot go into a file. The system
#: takes 128 KiB for one argument.
LARGEST_ARGUMENT = 100_000


class CodexBackend:
    """Runs `codex exec` once per attempt.

    With a key it gets a configuration folder of its own, kept with the task. With the user's login
    it has to use theirs: their configuration file and rules do not apply then either, but their own
    AGENTS.md does, and threads are kept there.

    Args:
        environ: the user's environment; looked at whenever it is needed, never changed.
        stream_idle_s: how long an answer that has begun may be silent.
    """

    name = NAME
    provider = "openai"
    hard_cost = False

    def __init__(self, environ: Mapping[str, str], *, stream_idle_s: float = STREAM_IDLE_S) -> None:
        self._environ = environ
        self._stream_idle_s = stream_idle_s
        self._program = Program(NAME, environ, TESTED, INSTALL)

    def refusal(self, task: TaskSpec) -> str:
        """See Backend."""
        if task.run is not None:
            return "the codex backend performs agents, and this task is a command"
        refused = reserved_variables(task.env)
        return f"it sets {', '.join(refused)}, which no task may set" if refused else ""

    def status(self) -> BackendStatus:
        """See AgentBackend."""
        access = find_access(self._environ)
        said = notes(access, self._environ)
        return describe(NAME, self._program, access.account, login=LOGIN, notes=said)

    def enforcement(self, permissions: Permissions, *, writes: bool) -> Enforcement:
        """See AgentBackend."""
        access = find_access(self._environ)
        home = self._environ.get("HOME", "/")
        return enforcement(permissions, home, writes=writes, own_rules=access.way != "login")

    def spec(self, request: AttemptRequest) -> ProcessSpec:
        """See Backend.

        A session that is not there any more is begun anew, with all that it was told.

        Raises:
            AgentError: there is no program, key or login, or the request cannot be honoured.
        """
        path = self._program.required()
        access = find_access(self._environ)
        if access.way == "none":
            raise AgentError("Codex has neither a login nor a key", remedy=LOGIN)
        home = _home(request, access)
        if request.session and rollouts.find(home, request.session.id) is None:
            request = msgspec.structs.replace(request, session=None)
        prompt = compose(request)
        own = access.way == "login"
        on_stdin = own and len(prompt.system.encode()) > LARGEST_ARGUMENT
        env = self._environment(request, access) | {"CODEX_HOME": str(home)}
        if access.way == "key" and request.reused_dir:
            # Making the databases takes 65 ms. Never two programs at once: some versions fail when
            # another makes or locks them.
            env["CODEX_SQLITE_HOME"] = str(Path(request.reused_dir, NAME))
        settings = configuration(
            request,
            access,
            env,
            self._folders(request, access),
            instructions="" if on_stdin else prompt.system,
            stream_idle_s=self._stream_idle_s,
        )
        files = {} if own else _own_files(home, document(settings), request.permissions)
        options = ["--ignore-user-config", "--ignore-rules"] if own else []
        for override in overrides(settings) if own else ():
            options += ["-c", override]
        if request.answer_schema:
            schema = str(Path(request.folder, SCHEMA_FILE))
            files[schema] = msgspec.json.encode(strict(request.answer_schema)).decode()
            options += ["--output-schema", schema]
        going_on = ["resume", request.session.id] if request.session else []
        return ProcessSpec(
            argv=(path, "exec", "--json", "--skip-git-repo-check", *options, *going_on, "-"),
            cwd=request.workspace or request.repository,
            env=env,
            stdin=f"{prompt.system}\n\n{prompt.text}" if on_stdin else prompt.text,
            token=request.token,
            timeout_s=request.timeout_s,
            files=files,
            secrets=secrets(self._environ, [access.variable]),
        )

    def parse(self, request: AttemptRequest, outcome: ProcessOutcome) -> AttemptResult:
        """See Backend. Only a turn that says it is complete, and exit code 0, is success."""
        folder = Path(request.folder)
        said = told(folder / "stdout.log")
        rollout = rollouts.read(rollouts.find(self._threads(request), said.thread))
        # The program tells a time of day in the local time of this machine.
        now = datetime.fromtimestamp(outcome.started_at + outcome.duration_s)
        judged = ends.judge(ends.Ended(request, outcome, said, rollout, now))
        usage = ends.consumed(request, said.thread, rollout, told=said.total)
        return msgspec.structs.replace(
            judged,
            exit_code=outcome.exit_code,
            duration_s=outcome.duration_s,
            usage=usage,
            session=ends.session(request, said.thread, rollout, usage),
            version=self._program.version(),
        )

    def observed(self, request: AttemptRequest) -> Observed:
        """See AgentBackend. What a model call used is known as soon as it is answered."""
        thread = thread_of(Path(request.folder, "stdout.log"))
        if not thread:
            return Observed()
        rollout = rollouts.read(rollouts.find(self._threads(request), thread))
        usage = ends.consumed(request, thread, rollout, told=None)
        return Observed(usage, ends.session(request, thread, rollout, usage))

    def _threads(self, request: AttemptRequest) -> Path:
        return _home(request, find_access(self._environ))

    def _environment(self, request: AttemptRequest, access: Access) -> dict[str, str]:
        """The program's environment: a HOME of its own with a key, the user's with their login."""
        passed = (access.variable, *HEADERS.values()) if access.own_provider else ()
        return agent_environment(
            self._environ,
            scratch=request.scratch_dir,
            home=request.scratch_dir if access.way == "key" else "",
            access=[name for name in passed if name],
            task=request.env,
            toolbox=request.toolbox,
        )

    def _folders(self, request: AttemptRequest, access: Access) -> Folders:
        """Outputs are written whatever else may be; the user's login is read by no command."""
        login = Path(access.home, "auth.json")
        return Folders(
            home=self._environ.get("HOME", "/"),
            outputs=(request.outputs_dir,) if request.outputs_dir else (),
            hidden=(str(login),) if login.exists() else (),
        )


def _home(request: AttemptRequest, access: Access) -> Path:
    """The program's folder: its own with a key, kept as long as sessions are, else the user's."""
    if access.way == "key":
        return Path(request.sessions_dir or request.folder, NAME)
    return Path(access.home)


def _own_files(home: Path, settings: str, permissions: Permissions) -> dict[str, str]:
    """Files of a configuration folder of our own; rules of an earlier attempt are replaced."""
    rules = rules_file(permissions.denied)
    return {str(home / "config.toml"): settings, str(home / "rules" / "denied.rules"): rules}
