"""Doing what a script says, in the attempt's workspace and nowhere else."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from typing import assert_never

from orchestrate.adapters.backends.shell import variable
from orchestrate.core.agents.script import (
    DeleteFiles,
    EditFiles,
    LeaveOutputs,
    Replacement,
    RunCommand,
    Step,
    WaitFor,
    WriteFiles,
)
from orchestrate.core.planning.binding import show
from orchestrate.core.planning.definition import FailureCause
from orchestrate.errors import OrchestrateError
from orchestrate.ports.performer import AttemptRequest

#: Seconds between two looks for a file.
LOOK_S = 0.05


class StepError(OrchestrateError):
    """A step cannot be done as it is written: the script has to be corrected.

    Attributes:
        cause: what the attempt fails by. With `exit` a command failed, as commands may, and the
            attempt counts as made; otherwise the same entry is tried again.
    """

    def __init__(self, message: str, cause: FailureCause = "unavailable") -> None:
        super().__init__(message)
        self.cause = cause


class Steps:
    """Does steps for one attempt.

    Args:
        request: the attempt.
        script_folder: what a relative path to wait for is relative to.
    """

    def __init__(self, request: AttemptRequest, script_folder: Path) -> None:
        self._request = request
        self._script_folder = script_folder

    def do(self, step: Step, *, again: bool) -> None:
        """Do `step`; `again`: it may have been done already, in part or in full.

        Raises:
            StepError: it cannot be done.
        """
        match step:
            case WriteFiles():
                for path, text in step.files.items():
                    _write(self._inside(path), text)
            case EditFiles():
                self._edit(step.edits, again=again)
            case DeleteFiles():
                for path in step.paths:
                    self._delete(path, again=again)
            case RunCommand():
                self._run(step.command)
            case WaitFor():
                self._wait(self._script_folder / step.path)
            case LeaveOutputs():
                for name, text in step.texts.items():
                    _write(self._output(name), text)
            case _:
                assert_never(step)

    def _edit(self, edits: Sequence[Replacement], *, again: bool) -> None:
        for edit in edits:
            path = self._inside(edit.path)
            text = _text(path, edit.path)
            count = text.count(edit.old)
            if again and edit.new in text and count != 1:
                continue
            if count != 1:
                times = "is not" if not count else f"is {count} times"
                raise StepError(f"edit: the text to replace {times} in {edit.path}")
            _write(path, text.replace(edit.old, edit.new))

    def _delete(self, name: str, *, again: bool) -> None:
        path = self._inside(name)
        if not path.is_file() and not path.is_symlink():
            if again:
                return
            raise StepError(f"delete: there is no file {name}")
        path.unlink()

    def _run(self, command: str) -> None:
        request = self._request
        own = {
            "ORCHESTRATE_OUTPUTS": request.outputs_dir,
            "ORCHESTRATE_TASK": request.key.task,
            "ORCHESTRATE_WORKSPACE": request.workspace,
        }
        for name, value in request.item.items():
            own[variable("orchestrate", "item", name)] = show(value).replace("\0", "")
        done = subprocess.run(
            ("/bin/sh", "-c", command),
            cwd=request.workspace or request.scratch_dir,
            env={**os.environ, **own, **request.env},
            stdin=subprocess.DEVNULL,
            check=False,
        )
        if done.returncode:
            how = f"exit code {done.returncode}"
            if done.returncode < 0:
                how = f"signal {-done.returncode}"
            raise StepError(f"run: {command.strip().splitlines()[0]}: {how}", "exit")

    def _wait(self, path: Path) -> None:
        print(f"waits for {path}", flush=True)
        while not path.exists():
            time.sleep(LOOK_S)

    def _output(self, name: str) -> Path:
        found = next((each for each in self._request.outputs if each.name == name), None)
        if found is None:
            known = ", ".join(each.name for each in self._request.outputs) or "none"
            raise StepError(f"outputs: the task declares no output {name} (declared: {known})")
        return Path(self._request.outputs_dir, found.path)

    def _inside(self, name: str) -> Path:
        """The file `name` of the workspace, which a link must not lead out of."""
        if not self._request.workspace:
            raise StepError(f"{name}: the task has no workspace, so it has no files to change")
        root = Path(self._request.workspace).resolve()
        path = root / name
        if not path.parent.resolve().is_relative_to(root):
            raise StepError(f"{name} leads out of the workspace")
        return path


def _write(path: Path, text: str) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        # A link is replaced, not followed: it may lead anywhere.
        if path.is_symlink():
            path.unlink()
        path.write_text(text, encoding="utf-8", newline="")
    except OSError as error:
        raise StepError(f"{path}: {error.strerror}") from None


def _text(path: Path, name: str) -> str:
    try:
        with path.open(encoding="utf-8", newline="") as file:
            return file.read()
    except FileNotFoundError:
        raise StepError(f"edit: there is no file {name}") from None
    except (OSError, UnicodeDecodeError) as error:
        raise StepError(f"edit: {name} cannot be read as text: {error}") from None
