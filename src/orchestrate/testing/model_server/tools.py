"""From actions to calls of the tools that the asking program offers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import PurePosixPath
from typing import Any, TypeAlias

from orchestrate.testing.model_server import codex_tools
from orchestrate.testing.model_server.conversation import (
    Conversation,
    Part,
    Refusal,
    Text,
    Tool,
    ToolCall,
    call_id,
)
from orchestrate.testing.model_server.scenario import (
    Action,
    Bash,
    Call,
    Edit,
    Json,
    Mcp,
    Read,
    Refuse,
    Say,
    Step,
    Write,
)
from orchestrate.testing.model_server.sse import as_json

Make: TypeAlias = Callable[[Any], dict[str, Any]]


class NoSuchToolError(Exception):
    """The script wants something done that the program offered no tool for."""


# Claude Code, opencode and Gemini CLI: the tool and its arguments for each action. Paths are
# absolute here.
_TOOLS: dict[type[Action], dict[str, Make]] = {
    Write: {
        "Write": lambda a: {"file_path": a.path, "content": a.content},
        "write": lambda a: {"filePath": a.path, "content": a.content},
        "write_file": lambda a: {"file_path": a.path, "content": a.content},
    },
    Edit: {
        "Edit": lambda a: {"file_path": a.path, "old_string": a.old, "new_string": a.new},
        "edit": lambda a: {"filePath": a.path, "oldString": a.old, "newString": a.new},
        "replace": lambda a: {
            **{"file_path": a.path, "old_string": a.old, "new_string": a.new},
            "instruction": f"Replace a text in {a.path}.",
        },
    },
    Read: {
        "Read": lambda a: {"file_path": a.path},
        "read": lambda a: {"filePath": a.path},
        "read_file": lambda a: {"file_path": a.path},
    },
    Bash: {
        "Bash": lambda a: {"command": a.command, "description": "Run a scripted command"},
        "bash": lambda a: {"command": a.command, "description": "Run a scripted command"},
        "run_shell_command": lambda a: {"command": a.command},
    },
}
_STRUCTURED = "StructuredOutput"


def parts_of(step: Step, conversation: Conversation, answer: str) -> tuple[Part, ...]:
    """The actions of `step` as parts of the answer `answer`, in order.

    Raises:
        NoSuchToolError: the request offers no tool for one of them.
    """
    parts: list[Part] = []
    for index, action in enumerate(step.actions):
        made = _part(_placed(action, conversation.cwd), conversation)
        parts.append(ToolCall(call_id(answer, index), *made) if isinstance(made, tuple) else made)
    return tuple(parts)


def _part(action: Action, conversation: Conversation) -> Text | Refusal | codex_tools.Wanted:
    if isinstance(action, Say):
        return Text(action.text)
    if isinstance(action, Refuse):
        return Refusal(action.text)
    if isinstance(action, Json):
        tool = _named(conversation, _STRUCTURED)
        return Text(as_json(action.value)) if tool is None else (tool, action.value)
    if isinstance(action, Call):
        offered = _named(conversation, action.name)
        # Not offered is allowed here: how a program meets a call of an unknown tool is a test too.
        return (offered or Tool(action.name), action.args)
    found = next(_calls(action, conversation), None)
    if found is None:
        names = ", ".join(tool.name for tool in conversation.tools) or "none"
        raise NoSuchToolError(f"no tool for {type(action).__name__.lower()}; offered are: {names}")
    return found


def _calls(
    action: Write | Edit | Read | Bash | Mcp, conversation: Conversation
) -> Iterator[codex_tools.Wanted]:
    if isinstance(action, Mcp):
        for form in ("mcp__{0}__{1}", "mcp_{0}_{1}", "{0}_{1}"):
            tool = _named(conversation, form.format(action.server, action.tool))
            if tool is not None:
                yield tool, action.args
    else:
        for name, make in _TOOLS[type(action)].items():
            tool = _named(conversation, name)
            if tool is not None:
                yield tool, make(action)
    yield from codex_tools.calls(action, conversation.tools)


def _named(conversation: Conversation, name: str) -> Tool | None:
    return next((tool for tool in conversation.tools if tool.name == name), None)


def _placed(action: Action, cwd: str) -> Action:
    """The action with its path made absolute and `{cwd}` filled in."""
    if isinstance(action, Write):
        return Write(_absolute(action.path, cwd), action.content)
    if isinstance(action, Edit):
        return Edit(_absolute(action.path, cwd), action.old, action.new)
    if isinstance(action, Read):
        return Read(_absolute(action.path, cwd))
    if isinstance(action, Bash):
        return Bash(_filled(action.command, cwd))
    if isinstance(action, Mcp):
        return Mcp(action.server, action.tool, _filled(action.args, cwd))
    if isinstance(action, Call):
        return Call(action.name, _filled(action.args, cwd))
    return Say(_filled(action.text, cwd)) if isinstance(action, Say) else action


def _absolute(path: str, cwd: str) -> str:
    return str(PurePosixPath(cwd, _filled(path, cwd)))


def _filled(value: Any, cwd: str) -> Any:
    if isinstance(value, str):
        return value.replace("{cwd}", cwd)
    if isinstance(value, dict):
        return {key: _filled(each, cwd) for key, each in value.items()}
    return [_filled(each, cwd) for each in value] if isinstance(value, list) else value
