"""What the agent was not allowed: told by the program, or recognised in what its tools answered.

The program says nothing in its events of a patch or a command that it refuses; it logs that to
stderr. What the sandbox stopped is told by nobody: the command just fails. So the output of failed
commands is searched for what the system says then. That is a guess: a command can fail so for other
reasons, and can hide it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from orchestrate.adapters.backends.agents.lines import shortened
from orchestrate.adapters.backends.codex.events import Told
from orchestrate.adapters.backends.codex.rollout import Rollout, ToolOutput
from orchestrate.core.sharing.usage import Denial

#: Denials of one attempt that are kept: an agent can try the same thing without end.
MOST = 20

_REFUSED = re.compile(
    r"error=(?:exec_command failed: .*?Rejected\(\\?\"(.*?)\\?\"\)|(.*rejected.*))"
)
_ENDED = re.compile(r"exited with code (\d+)|\"exit_code\":\s*(\d+)")
_STOPPED = re.compile(
    r"[^\n]*(?:Read-only file system|Permission denied|Operation not permitted"
    r"|Could not resolve host|Temporary failure in name resolution|Network is unreachable)",
)
_NO_SANDBOX = re.compile(r"\bbwrap: [^\n]*")


def denials(said: Told, rollout: Rollout, stderr: Path) -> tuple[Denial, ...]:
    """Each thing that was not allowed, once."""
    found = [
        *_refused(stderr),
        *(Denial("file_change", f"not written: {path}") for path in said.unchanged),
        *(denial for output in rollout.outputs for denial in _stopped(output)),
    ]
    return tuple(dict.fromkeys(found))[:MOST]


def broken_sandbox(rollout: Rollout) -> str:
    """Why no command could be run at all; empty if one could, or none was tried."""
    commands = [output.answered for output in rollout.outputs if _ENDED.search(output.answered)]
    reasons = [_failed(each) and _NO_SANDBOX.search(each) for each in commands]
    first = reasons[0] if reasons and all(reasons) else None
    return first.group() if first else ""


def _failed(answered: str) -> bool:
    """Whether a command ended with another exit code than 0."""
    return any(int(first or second) for first, second in _ENDED.findall(answered))


def _refused(stderr: Path) -> Iterator[Denial]:
    try:
        with stderr.open(encoding="utf-8", errors="replace") as lines:
            for line in lines:
                match = _REFUSED.search(line) if "tools::router" in line else None
                if match:
                    tool = "command" if match.group(1) else "apply_patch"
                    yield Denial(tool, shortened(match.group(1) or match.group(2)))
    except OSError:
        return


def _stopped(output: ToolOutput) -> Iterator[Denial]:
    if _failed(output.answered):
        for line in _STOPPED.findall(output.answered):
            yield Denial("command", shortened(f"{line.strip()} (in {output.asked})"))
