"""Reads scripts, which say what scripted agents do; docs/how-to/try-a-workflow-without-a-model.md.

The published schema says what may stand where; what it finds becomes located mistakes, all at once.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from pathlib import Path, PurePosixPath
from typing import Any

import msgspec

from orchestrate.adapters.files.workflow_wording import did_you_mean, found
from orchestrate.adapters.files.yaml_nodes import MAX_BYTES, Node, UnreadableYamlError, read_yaml
from orchestrate.core.agents.script import (
    DeleteFiles,
    EditFiles,
    LeaveOutputs,
    Replacement,
    RunCommand,
    Script,
    ScriptedAttempt,
    ScriptedUsage,
    Step,
    WaitFor,
    WriteFiles,
)
from orchestrate.errors import DefinitionError

SCHEMA_FILE = "script-1.json"
#: Mistakes that are listed; more of them have one cause.
MAX_MISTAKES = 20

_TYPES = {
    "string": "a text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "array": "a list",
    "object": "a mapping",
}
#: What to do instead of what the reader of workflows advises.
_REMEDIES = {
    "alias": "write the value itself, or put a text that begins so in quotes",
    "empty-file": "write `version: 1` and `tasks:`",
    "too-large": "move large contents into files, and copy them with `run`",
}


@cache
def script_schema() -> dict[str, Any]:
    """The JSON Schema of scripts, version 1."""
    text = (files("orchestrate.library") / "schemas" / SCHEMA_FILE).read_text(encoding="utf-8")
    schema: dict[str, Any] = json.loads(text)
    return schema


def read_script(path: Path) -> Script:
    """The script in a file.

    Raises:
        DefinitionError: it cannot be read or something in it is wrong; names file and line of every
            mistake.
    """
    try:
        with path.open("rb") as file:
            root = read_yaml(file.read(MAX_BYTES + 1))
    except OSError as error:
        raise DefinitionError(
            f"the script {path} cannot be read: {error.strerror}", remedy="name a readable file"
        ) from None
    except UnreadableYamlError as error:
        remedy = _REMEDIES.get(error.code, error.fix)
        raise DefinitionError(f"{path}:{error.line}: {error.message}", remedy=remedy) from None
    mistakes = [*_repeated(root), *_unlike_schema(root)] or list(_leading_out(root))
    if mistakes:
        raise _wrong(path, mistakes)
    tasks = root.entries["tasks"].entries
    bill = root.entries.get("bill")
    return Script(
        tasks={
            name: tuple(_attempt(each) for each in attempts.items)
            for name, attempts in tasks.items()
        },
        bill=bill is not None and bill.value is True,
    )


class _Mistake(msgspec.Struct, frozen=True, order=True):
    line: int
    message: str
    fix: str = ""


def _wrong(path: Path, mistakes: list[_Mistake]) -> DefinitionError:
    listed = sorted(set(mistakes))
    lines = [f"{path}:{each.line}: {each.message}" for each in listed[:MAX_MISTAKES]]
    if len(listed) > MAX_MISTAKES:
        lines.append(f"and {len(listed) - MAX_MISTAKES} more mistakes")
    return DefinitionError("\n".join(lines), remedy=listed[0].fix or "correct the script")


def _repeated(node: Node) -> Iterator[_Mistake]:
    for key in node.repeated:
        yield _Mistake(key.line, f"{key.text!r} is given again", "remove one of them")
    for child in (*node.entries.values(), *node.items):
        yield from _repeated(child)


def _unlike_schema(root: Node) -> Iterator[_Mistake]:
    from jsonschema import Draft202012Validator

    for error in Draft202012Validator(script_schema()).iter_errors(root.plain()):
        node = root.at(iter(error.absolute_path))
        if error.validator == "additionalProperties":
            yield from _unknown_keys(node, list(error.schema["properties"]))
        else:
            keys = [step for step in error.absolute_path if isinstance(step, str)]
            yield _translated(error, node, f"`{keys[-1]}`" if keys else "the script")


def _unknown_keys(node: Node, known: list[str]) -> Iterator[_Mistake]:
    for name, key in node.keys.items():
        if name not in known:
            fix = did_you_mean(name, known, f"known keys: {', '.join(known)}")
            yield _Mistake(key.line, f"unknown key {name!r}", fix)


def _translated(error: Any, node: Node, what: str) -> _Mistake:
    wanted = error.validator_value
    match error.validator:
        case "type":
            fix = f'write "{node.text}" in quotes' if wanted == "string" and node.text else ""
            return _Mistake(node.line, f"{what} is {_TYPES[wanted]}, not {found(node)}", fix)
        case "required":
            absent = next(name for name in wanted if name not in node.entries)
            return _Mistake(node.line, f"{what} has no `{absent}`", f"add `{absent}:`")
        case "enum":
            listed = ", ".join(wanted)
            fix = did_you_mean(node.text, wanted)
            return _Mistake(node.line, f"{what} is one of {listed}, not {found(node)}", fix)
        case "const":
            return _Mistake(node.line, f"{what} is {wanted}, not {found(node)}", f"write {wanted}")
        case "minimum":
            return _Mistake(node.line, f"{what} is at least {wanted}, not {node.text}")
        case "dependentRequired":
            return _Mistake(
                node.line, "`message` and `retry_after_s` tell of a failure", "add fail"
            )
        case "minLength" | "minItems" | "minProperties":
            return _Mistake(node.line, f"{what} is empty", "write something, or remove the key")
        case _:  # `answer` where `fail` stands: the only value the schema forbids outright
            line = node.keys["answer"].line
            return _Mistake(line, "an attempt fails or answers, not both", "remove one")


def _leading_out(root: Node) -> Iterator[_Mistake]:
    """Paths that are not inside the workspace."""
    for attempts in root.entries["tasks"].entries.values():
        for attempt in attempts.items:
            for path in _paths(attempt):
                parts = PurePosixPath(path.text).parts
                if not parts or parts[0] == "/" or ".." in parts or parts[0] == ".git":
                    message = f"{path.text!r} is no path of a file in the workspace"
                    yield _Mistake(path.line, message, "write a path relative to the repository")


def _paths(attempt: Node) -> Iterator[Node]:
    none = Node("mapping", attempt.line, attempt.column)
    yield from attempt.entries.get("write", none).keys.values()
    yield from attempt.entries.get("delete", none).items
    for edit in attempt.entries.get("edit", none).items:
        yield edit.entries["path"]


def _attempt(node: Node) -> ScriptedAttempt:
    plain = node.plain()
    usage = plain.get("usage")
    return ScriptedAttempt(
        line=node.line,
        steps=tuple(_steps(plain)),
        answer=plain.get("answer", {}),
        usage=None if usage is None else msgspec.convert(usage, ScriptedUsage),
        fail=plain.get("fail"),
        message=plain.get("message", ""),
        retry_after_s=plain.get("retry_after_s"),
    )


def _steps(attempt: dict[str, Any]) -> Iterator[Step]:
    """The steps in the order they are written."""
    for name, value in attempt.items():
        match name:
            case "write":
                yield WriteFiles(value)
            case "edit":
                yield EditFiles(tuple(Replacement(**each) for each in value))
            case "delete":
                yield DeleteFiles(tuple(value))
            case "run":
                yield RunCommand(value)
            case "wait_for":
                yield WaitFor(value)
            case "outputs":
                yield LeaveOutputs(value)
