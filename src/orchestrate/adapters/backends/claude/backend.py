"""The `claude` backend: a task is done by Claude Code, run headless."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import msgspec

from orchestrate.adapters.backends.agents.account import describe
from orchestrate.adapters.backends.agents.environment import (
    agent_environment,
    reserved_variables,
    secrets,
)
from orchestrate.adapters.backends.agents.lines import shortened, tail
from orchestrate.adapters.backends.agents.program import Program, Tested
from orchestrate.adapters.backends.claude import accounting, judgement, stream, tools
from orchestrate.adapters.backends.claude.access import (
    PIPED,
    UNPIPED,
    VARIABLES,
    Access,
    found_access,
    own_home,
    through_pipe,
)
from orchestrate.adapters.backends.claude.command import (
    ENVIRONMENT,
    arguments,
    files,
    new_session,
    working_folder,
)
from orchestrate.app.prompt import compose
from orchestrate.core.agents.permissions import Enforcement, Permissions
from orchestrate.core.planning.definition import TaskSpec
from orchestrate.core.sharing.usage import AgentSession, Usage
from orchestrate.ports.performer import AttemptRequest, AttemptResult, BackendStatus, Observed
from orchestrate.ports.process import ProcessOutcome, ProcessSpec

TESTED = Tested(("2.1.329",))
#: Without a version, npm on an older node installs an old one without a word.
INSTALL = "npm install -g @anthropic-ai/claude-code@2.1.329"
LOGIN = "log in: run claude, then /login; or set ANTHROPIC_API_KEY"


class ClaudeBackend:
    """Runs `claude -p` in the attempt's workspace, or in the repository if it has none.

    Args:
        environ: the user's own environment; nothing else is read before it is asked for.
    """

    name = "claude"
    provider = "anthropic"
    hard_cost = True

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = dict(environ)
        self._program = Program("claude", self._environ, TESTED, INSTALL)

    def refusal(self, task: TaskSpec) -> str:
        """See Backend."""
        if task.run is not None:
            return "the claude backend performs agents, and this task is a command"
        refused = reserved_variables(task.env)
        return f"it sets {', '.join(refused)}, which no task may set" if refused else ""

    def spec(self, request: AttemptRequest) -> ProcessSpec:
        """See Backend.

        A session that is gone (its transcript was deleted, or was never written because the
        program was killed first) is begun anew, with the whole prompt.

        Raises:
            AgentError: no program, nothing left to spend, or something of the request that cannot
                be handed to it.
        """
        access = found_access(self._environ)
        request = _with_session(request, access)
        program = self._program.required()
        prompt = compose(request)
        private = own_home(request) if access.private_home else ""
        env = agent_environment(
            self._environ,
            scratch=request.scratch_dir,
            home=private,
            access=VARIABLES,
            task=request.env,
            toolbox=request.toolbox,
        )
        env |= {**ENVIRONMENT, **access.variables(request)}
        session = new_session(request, lambda each: _is_kept(access, request, each))
        argv, env = through_pipe(arguments(request, program, session), env)
        return ProcessSpec(
            argv=argv,
            cwd=working_folder(request),
            env=env,
            stdin=_text(prompt.text),
            token=request.token,
            timeout_s=request.timeout_s,
            files=files(request, prompt),
            secrets=secrets(self._environ, (*PIPED, *UNPIPED)),
        )

    def parse(self, request: AttemptRequest, outcome: ProcessOutcome) -> AttemptResult:
        """See Backend. Also tells usage and session of an attempt that went wrong."""
        said = stream.read(Path(request.folder, "stdout.log"))
        usage, session = self._accounts(request, said)
        failure = judgement.failure(
            request,
            said,
            outcome.exit_code,
            shortened(" ".join(tail(Path(request.folder, "stderr.log"))[-3:])),
            outcome.started_at + outcome.duration_s,
        )
        answer = judgement.answer(said)
        summary = stream.text(answer.get("summary")) if answer else ""
        result = AttemptResult(
            ok=failure is None,
            summary=summary,
            usage=usage,
            session=session,
            answer=answer,
            denials=judgement.denials(said),
            version=stream.text(said.init.get("claude_code_version")),
        )
        if failure is None:
            return result
        return msgspec.structs.replace(
            result,
            cause=failure.cause,
            message=failure.message,
            retry_after_s=failure.retry_after_s,
            session=None if failure.session_over else session,
        )

    def status(self) -> BackendStatus:
        """See AgentBackend."""
        access = found_access(self._environ)
        return describe(
            self.name, self._program, access.account, login=LOGIN, notes=self._notes(access)
        )

    def enforcement(self, permissions: Permissions, *, writes: bool) -> Enforcement:
        """See AgentBackend."""
        return tools.enforcement(permissions, writes=writes)

    def observed(self, request: AttemptRequest) -> Observed:
        """See AgentBackend. Reads the log and the session's transcript."""
        said = stream.read(Path(request.folder, "stdout.log"))
        usage, session = self._accounts(request, said)
        return Observed(usage=usage, session=session)

    def _accounts(
        self, request: AttemptRequest, said: stream.Stream
    ) -> tuple[Usage | None, AgentSession | None]:
        """What this run consumed, and the session to go on with, if there is one."""
        access = found_access(self._environ)
        session = said.session
        before = request.session if request.session and request.session.id == session else None
        counted = accounting.transcript(access.config_of(request), session)
        usage = accounting.reported(said, before) or accounting.observed(said, counted, before)
        if not session or not _is_kept(access, request, session):
            # Ended before anything was kept: what cannot be found cannot be gone on with.
            return usage, None
        return usage, AgentSession(
            id=session,
            backend=self.name,
            workspace=request.key.folder if request.workspace else "",
            base=request.base,
            cost_usd=accounting.session_cost(said, counted, before),
            tokens=(before.tokens if before else 0) + (usage.tokens if usage else 0),
        )

    def _notes(self, access: Access) -> tuple[str, ...]:
        notes = []
        if access.account.kind == "subscription":
            notes.append("costs are notional: what the tokens would cost if billed by use")
        if not access.private_config:
            notes.append(f"sessions are kept in your own folder {access.config}")
        visible = [name for name in UNPIPED if self._environ.get(name)]
        if visible:
            notes.append(f"commands that agents run can read {', '.join(visible)}")
        return tuple(notes)


def _with_session(request: AttemptRequest, access: Access) -> AttemptRequest:
    """The request without its session if that is not there."""
    if request.session is None or _is_kept(access, request, request.session.id):
        return request
    return msgspec.structs.replace(request, session=None)


def _is_kept(access: Access, request: AttemptRequest, session: str) -> bool:
    """Whether the program can find the session `session` again."""
    return bool(accounting.transcript_files(access.config_of(request), session))


def _text(prompt: str) -> str:
    """`prompt`, never taken for a command of the program's own, which begin with a slash."""
    return "\n" + prompt if prompt.startswith("/") else prompt
