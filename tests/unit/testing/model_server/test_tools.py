"""Actions become calls of the tools that the program at hand offers."""

from __future__ import annotations

from typing import Any

import pytest

from orchestrate.testing.model_server import (
    Action,
    Bash,
    Call,
    Edit,
    Json,
    Mcp,
    Read,
    Say,
    Write,
    turn,
)
from orchestrate.testing.model_server.conversation import Conversation, Part, Text, ToolCall
from orchestrate.testing.model_server.tools import NoSuchToolError, parts_of
from tests.unit.testing.model_server.requests_of_programs import (
    claude,
    codex,
    gemini_cli,
    opencode,
)

FREEFORM_PATCH = [
    {"type": "function", "name": "exec_command"},
    {"type": "custom", "name": "apply_patch"},
]
CODE_MODE = [
    {"type": "namespace", "name": "functions", "tools": [{"type": "custom", "name": "exec"}]}
]


def only(action: Action, said: Conversation) -> Part:
    (part,) = parts_of(turn(action), said, "a")
    return part


def call(action: Action, said: Conversation) -> tuple[str, Any]:
    part = only(action, said)
    assert isinstance(part, ToolCall)
    return part.tool.name, part.args


def test_claude_gets_its_own_tools_and_absolute_paths() -> None:
    said = claude()
    assert call(Write("a/b.txt", "x"), said) == (
        "Write",
        {"file_path": "/w/a/b.txt", "content": "x"},
    )
    assert call(Read("/etc/hosts"), said) == ("Read", {"file_path": "/etc/hosts"})
    name, args = call(Edit("a", "old", "new"), said)
    assert (name, args["old_string"], args["new_string"]) == ("Edit", "old", "new")
    name, args = call(Bash("ls {cwd}"), said)
    assert (name, args["command"]) == ("Bash", "ls /w")


def test_gemini_and_opencode_get_theirs() -> None:
    assert call(Write("a", "x"), gemini_cli()) == (
        "write_file",
        {"file_path": "/w/a", "content": "x"},
    )
    assert call(Write("a", "x"), opencode()) == ("write", {"filePath": "/w/a", "content": "x"})


def test_codex_writes_by_the_patch_that_its_model_would_use() -> None:
    patch = "*** Begin Patch\n*** Add File: /w/a\n+one\n+two\n*** End Patch"
    write = Write("a", "one\ntwo\n")
    assert call(write, codex())[0] == "exec_command"
    assert patch in call(write, codex())[1]["cmd"]
    assert call(write, codex(tools=FREEFORM_PATCH)) == ("apply_patch", patch)
    name, script = call(write, codex(tools=CODE_MODE))
    assert name == "exec"
    assert script.startswith('text(await tools.apply_patch("*** Begin Patch\\n')


def test_codex_runs_commands_directly_or_from_a_script() -> None:
    assert call(Bash("ls"), codex()) == ("exec_command", {"cmd": "ls"})
    assert call(Bash("ls"), codex(tools=CODE_MODE)) == (
        "exec",
        'text(await tools.exec_command({"cmd":"ls"}));',
    )


def test_tools_that_come_in_a_developer_item_are_found() -> None:
    item = {"type": "additional_tools", "role": "developer", "tools": CODE_MODE}
    assert call(Bash("ls"), codex(item, tools=[]))[0] == "exec"


def test_mcp_tools_are_found_by_the_names_each_program_gives_them() -> None:
    wanted = Mcp("db", "query", {"q": "{cwd}"})
    assert call(wanted, claude(tools=("mcp__db__query",))) == ("mcp__db__query", {"q": "/w"})
    assert call(wanted, opencode(tools=("db_query",)))[0] == "db_query"
    assert call(wanted, gemini_cli(tools=("mcp_db_query",)))[0] == "mcp_db_query"
    inside = [{"type": "namespace", "name": "mcp__db", "tools": [{"type": "function"}]}]
    inside[0]["tools"][0]["name"] = "query"  # type: ignore[index]
    assert call(wanted, codex(tools=inside)) == ("query", {"q": "/w"})
    assert "tools.mcp__db__query(" in call(wanted, codex(tools=CODE_MODE))[1]


def test_structured_answer_is_a_call_where_there_is_a_tool_for_it_and_text_elsewhere() -> None:
    value = {"verdict": "ok"}
    offered = claude(tools=("Bash", "StructuredOutput"))
    assert call(Json(value), offered) == ("StructuredOutput", value)
    assert only(Json(value), codex()) == Text('{"verdict":"ok"}')


def test_call_names_any_tool_also_one_that_is_not_offered() -> None:
    assert call(Call("Nothing", {"a": 1}), claude()) == ("Nothing", {"a": 1})


def test_calls_of_one_answer_have_ids_that_name_it() -> None:
    parts = parts_of(turn(Say("first"), Bash("a"), Bash("b")), claude(), "a")
    assert [part.id for part in parts if isinstance(part, ToolCall)] == ["call_a_1", "call_a_2"]


def test_action_without_a_tool_says_what_is_offered() -> None:
    with pytest.raises(NoSuchToolError, match="no tool for write; offered are: Bash, Read"):
        only(Write("a", "x"), claude(tools=("Bash", "Read")))
