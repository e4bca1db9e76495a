"""One scripted attempt, from where the task stands in its script to how the attempt ends.

What is noted, and when, decides what a crash repeats: steps are noted one by one; the result is on
disk before the entry counts as made. Entries that end by a signal or by hanging have no result, and
count as made before they do.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path

import msgspec

from orchestrate.adapters.backends.scripted import progress
from orchestrate.adapters.backends.scripted.backend import RESULT_FILE
from orchestrate.adapters.backends.scripted.consuming import excess, told
from orchestrate.adapters.backends.scripted.progress import Progress
from orchestrate.adapters.backends.scripted.steps import StepError, Steps
from orchestrate.core.agents.script import (
    LABEL,
    ScriptedAttempt,
    ScriptedUsage,
    TaskScript,
    whole_answer,
)
from orchestrate.core.planning.definition import FailureCause
from orchestrate.core.sharing.usage import Denial, Usage
from orchestrate.ports.performer import AttemptRequest, AttemptResult

_replace = msgspec.structs.replace
#: Exit code of an attempt that is to fail by one.
EXIT_CODE = 3


class Performance:
    """Performs one attempt by its script."""

    def __init__(self, request: AttemptRequest, script: TaskScript) -> None:
        self._request = request
        self._script = script
        self._folder = Path(request.sessions_dir)
        self._steps = Steps(request, Path(script.path).parent)

    def perform(self) -> int:
        """Do it; returns the exit code of the process, if it comes to that."""
        before = progress.load(self._folder)
        found = self._script.attempts[before.entry : before.entry + 1]
        if not found:
            return self._leave(self._failed("unavailable", self._nothing_for(before.entry)))
        entry = found[0]
        # Without the conversation the workspace is a new one, and nothing is done in it yet.
        going_on = self._request.session is not None
        at = _replace(
            before,
            number=self._request.key.number,
            done=before.done if going_on else 0,
            usage=self._usage(None),
        )
        progress.save(self._folder, at)
        try:
            at = self._do(entry, at, going_on=going_on)
        except StepError as error:
            message = f"{Path(self._script.path).name}:{entry.line}: {error.message}"
            code = self._leave(self._failed(error.cause, message))
            if error.cause == "exit":
                self._made(at, None)
            return code
        return self._end(entry, at)

    def _do(self, entry: ScriptedAttempt, at: Progress, *, going_on: bool) -> Progress:
        first = at.done
        for number, step in enumerate(entry.steps[first:], first):
            self._steps.do(step, again=going_on and number == first)
            at = _replace(at, done=number + 1)
            progress.save(self._folder, at)
        return at

    def _end(self, entry: ScriptedAttempt, at: Progress) -> int:
        usage = self._usage(entry.usage)
        over = excess(usage, self._request.cap) if usage is not None and self._script.bill else ""
        if over:
            result = self._failed("budget", over)
        elif entry.fail in ("crash", "timeout", "exit"):
            return self._vanish(entry, at, usage)
        else:
            result = self._result(entry)
        code = self._leave(_replace(result, usage=usage))
        self._made(at, usage)
        return code

    def _result(self, entry: ScriptedAttempt) -> AttemptResult:
        if entry.fail is None:
            answer = whole_answer(entry.answer, self._request.answer_schema)
            return AttemptResult(ok=True, summary=answer["summary"], answer=answer)
        result = self._failed(entry.fail, entry.message or f"its script says {entry.fail}")
        if entry.fail == "denied":
            result = _replace(result, denials=(Denial("script", entry.message),))
        return _replace(result, retry_after_s=entry.retry_after_s)

    def _vanish(self, entry: ScriptedAttempt, at: Progress, usage: Usage | None) -> int:
        """End as a program ends that leaves no result."""
        self._made(at, usage)
        print(entry.message or f"its script says {entry.fail}", file=sys.stderr, flush=True)
        if entry.fail == "exit":
            return EXIT_CODE
        if entry.fail == "crash":
            os.kill(os.getpid(), signal.SIGKILL)
        while True:  # until it is stopped
            time.sleep(3600)

    # -- what is left ------------------------------------------------------------------------------

    def _usage(self, usage: ScriptedUsage | None) -> Usage | None:
        return told(usage, bill=self._script.bill)

    def _leave(self, result: AttemptResult) -> int:
        if result.usage is None:
            result = _replace(result, usage=self._usage(None))
        progress.write_whole(Path(self._request.folder, RESULT_FILE), msgspec.json.encode(result))
        return 0 if result.ok else 1

    def _made(self, at: Progress, usage: Usage | None) -> None:
        progress.save(self._folder, Progress(at.entry + 1, 0, at.number, usage))

    def _failed(self, cause: FailureCause, message: str) -> AttemptResult:
        return AttemptResult(ok=False, cause=cause, message=LABEL + message)

    def _nothing_for(self, entry: int) -> str:
        task, name = self._request.key.task, Path(self._script.path).name
        if not self._script.attempts:
            return f"{name} says nothing of task {task}; add it below `tasks:`"
        return (
            f"{name} has {len(self._script.attempts)} attempts for task {task}, and this is number"
            f" {entry + 1}; add it"
        )
