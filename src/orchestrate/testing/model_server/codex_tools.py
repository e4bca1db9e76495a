"""Codex: what it offers depends on the model it believes to talk to.

- With any unknown model: a function `exec_command`, and `apply_patch` as a command in its shell.
- With models such as gpt-5.5: `apply_patch` is a freeform tool of its own.
- With models from gpt-6 on: one freeform tool `exec` that takes JavaScript and finds the others
  on the object `tools`.

There is no tool that replaces part of a file by its exact text, so that is a command.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Sequence
from typing import Any

from orchestrate.testing.model_server.conversation import Tool
from orchestrate.testing.model_server.scenario import Bash, Edit, Mcp, Read, Write
from orchestrate.testing.model_server.sse import as_json

#: A tool and its arguments, or the text for a freeform one.
Wanted = tuple[Tool, Any]

_REPLACE = """\
import sys, pathlib
path, old, new = sys.argv[1:]
text = pathlib.Path(path).read_text(encoding="utf-8")
if text.count(old) != 1:
    sys.exit(f"{path} has the text {text.count(old)} times instead of once")
pathlib.Path(path).write_text(text.replace(old, new), encoding="utf-8")
"""


def calls(action: Write | Edit | Read | Bash | Mcp, tools: Sequence[Tool]) -> Iterator[Wanted]:
    """The calls that would do what `action` says; none when the tools are not those of Codex."""
    named = {tool.name: tool for tool in tools}
    script = named.get("exec")
    if script is not None and script.freeform:
        yield script, _javascript(action)
    elif isinstance(action, Mcp):
        yield from _mcp(action, tools)
    elif isinstance(action, Write) and "apply_patch" in named:
        yield named["apply_patch"], _patch(action)
    elif "exec_command" in named:
        yield named["exec_command"], {"cmd": _command(action)}


def _mcp(action: Mcp, tools: Sequence[Tool]) -> Iterator[Wanted]:
    for tool in tools:
        if tool.name == action.tool and tool.inside.strip("_") == f"mcp__{action.server}":
            yield tool, action.args


def _command(action: Write | Edit | Read | Bash) -> str:
    if isinstance(action, Bash):
        return action.command
    if isinstance(action, Read):
        return f"cat {shlex.quote(action.path)}"
    if isinstance(action, Write):
        return f"apply_patch <<'END_OF_PATCH'\n{_patch(action)}\nEND_OF_PATCH"
    return shlex.join(["python3", "-c", _REPLACE, action.path, action.old, action.new])


def _patch(action: Write) -> str:
    """A patch that adds the file; Codex lets it replace one that is there."""
    lines = action.content.removesuffix("\n").split("\n")
    body = "\n".join("+" + line for line in lines)
    return f"*** Begin Patch\n*** Add File: {action.path}\n{body}\n*** End Patch"


def _javascript(action: Write | Edit | Read | Bash | Mcp) -> str:
    if isinstance(action, Mcp):
        name = re.sub(r"\W", "_", f"mcp__{action.server}__{action.tool}")
        return _shown(f"tools.{name}({as_json(action.args)})")
    if isinstance(action, Write):
        return _shown(f"tools.apply_patch({as_json(_patch(action))})")
    return _shown(f"tools.exec_command({as_json({'cmd': _command(action)})})")


def _shown(expression: str) -> str:
    return f"text(await {expression});"
