"""The `shell` backend: a task that is a command line of the user's own."""

from __future__ import annotations

import os
import re
from pathlib import Path

from orchestrate.adapters.backends.environment import passed_environment
from orchestrate.core.planning.binding import show
from orchestrate.core.planning.definition import InputValue, TaskSpec
from orchestrate.errors import AgentError
from orchestrate.ports.performer import AttemptRequest, AttemptResult
from orchestrate.ports.process import ProcessOutcome, ProcessSpec

#: Bytes of the end of stderr that go into a failure's message.
TAIL_BYTES = 400


def variable(*parts: str) -> str:
    """Name of an environment variable for `parts`: upper case, other characters become `_`."""
    return re.sub(r"[^A-Z0-9]", "_", "_".join(parts).upper())


class ShellBackend:
    """Runs `sh -c COMMAND` in the attempt's workspace, or in the repository if it has none.

    The command sees ORCHESTRATE_OUTPUTS (where declared outputs go), ORCHESTRATE_INPUT_<NAME> for
    each input, ORCHESTRATE_ARTIFACT_<TASK>_<NAME> for each upstream output, ORCHESTRATE_ITEM_<NAME>
    for each value of the item its task stands for, and the task's `env`. In a workspace there are
    ORCHESTRATE_WORKSPACE, ORCHESTRATE_BASE_COMMIT (what it began at), and, when the work is done
    anew, ORCHESTRATE_FEEDBACK (why) or ORCHESTRATE_CONFLICTS (paths to resolve, one a line).
    """

    name = "shell"

    def refusal(self, task: TaskSpec) -> str:
        """See Backend."""
        return "" if task.run is not None else "the shell backend needs a command in `run`"

    def spec(self, request: AttemptRequest) -> ProcessSpec:
        """See Backend.

        Raises:
            AgentError: a value of the item cannot be put into a variable.
        """
        env = passed_environment(os.environ)
        for name, value in request.inputs.items():
            env[variable("orchestrate", "input", name)] = show(value)
        for name, value in request.item.items():
            env[variable("orchestrate", "item", name)] = _text(name, value)
        for artifact in request.artifacts:
            env[variable("orchestrate", "artifact", artifact.task, artifact.name)] = artifact.path
        env["ORCHESTRATE_OUTPUTS"] = request.outputs_dir
        env["ORCHESTRATE_RUN"] = request.key.run
        env["ORCHESTRATE_TASK"] = request.key.task
        env |= _of_workspace(request)
        env.update(request.env)
        return ProcessSpec(
            argv=("/bin/sh", "-c", request.command),
            cwd=request.workspace or request.repository,
            env=env,
            token=request.token,
            timeout_s=request.timeout_s,
        )

    def parse(self, request: AttemptRequest, outcome: ProcessOutcome) -> AttemptResult:
        """See Backend. Exit code 0 is success, and nothing else is."""
        if outcome.exit_code == 0:
            return AttemptResult(ok=True, summary=last_line(Path(request.folder) / "stdout.log"))
        detail = last_line(Path(request.folder) / "stderr.log")
        message = f"exit code {outcome.exit_code}" + (f": {detail}" if detail else "")
        return AttemptResult(ok=False, cause="exit", message=message)


def _of_workspace(request: AttemptRequest) -> dict[str, str]:
    """What the command is told about the workspace it runs in, where there is something to say."""
    told = {
        "ORCHESTRATE_WORKSPACE": request.workspace,
        "ORCHESTRATE_BASE_COMMIT": request.base,
        "ORCHESTRATE_FEEDBACK": request.feedback.message.replace("\0", "")
        if request.feedback
        else "",
        "ORCHESTRATE_CONFLICTS": "\n".join(conflict.path for conflict in request.conflicts),
    }
    return {name: value for name, value in told.items() if value}


def _text(name: str, value: InputValue) -> str:
    text = show(value)
    if "\0" in text:
        raise AgentError(
            f"{name} of its item contains a null character, which no variable can hold",
            remedy="correct the list",
        )
    return text


def last_line(path: Path) -> str:
    """The last line that is not blank within the final bytes of a log; empty if there is none."""
    try:
        with path.open("rb") as file:
            file.seek(0, os.SEEK_END)
            file.seek(max(0, file.tell() - TAIL_BYTES))
            text = file.read().decode("utf-8", "replace")
    except OSError:
        return ""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else ""
