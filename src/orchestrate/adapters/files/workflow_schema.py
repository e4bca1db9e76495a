"""The structure of a workflow file, checked against the published JSON Schema.

The schema says what is allowed; here its verdicts become located problems with a fix. Whatever it
cannot say (names that must exist, cycles, conditions) is checked elsewhere.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from functools import cache
from importlib.resources import files
from itertools import islice
from typing import Any

from orchestrate.adapters.files.workflow_report import MAX_PROBLEMS, Report
from orchestrate.adapters.files.workflow_wording import did_you_mean, found, key_fix, name_fix
from orchestrate.adapters.files.yaml_nodes import Node

SCHEMA_FILE = "workflow-1.json"

_TYPES = {
    "string": "a text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "array": "a list",
    "object": "a mapping",
}
_TRUTHS = {"yes": "true", "on": "true", "y": "true", "no": "false", "off": "false", "n": "false"}


@cache
def workflow_schema() -> dict[str, Any]:
    """The JSON Schema of workflow files, version 1."""
    text = (files("orchestrate.library") / "schemas" / SCHEMA_FILE).read_text(encoding="utf-8")
    schema: dict[str, Any] = json.loads(text)
    return schema


@cache
def _validator() -> Any:
    from jsonschema import Draft202012Validator
    from jsonschema.exceptions import ValidationError
    from jsonschema.validators import extend

    def unique_items(_: Any, wanted: bool, instance: Any, __: Any) -> Iterator[Any]:
        # The library compares every pair when items do not sort.
        items = instance if wanted and isinstance(instance, list) else []
        if len({_identity(item) for item in items}) < len(items):
            yield ValidationError("has non-unique elements")

    def pattern(_: Any, wanted: str, instance: Any, __: Any) -> Iterator[Any]:
        # In Python `$` also matches before a final line break.
        if isinstance(instance, str) and (instance[-1:] == "\n" or not re.search(wanted, instance)):
            yield ValidationError("does not match")

    return extend(Draft202012Validator, {"uniqueItems": unique_items, "pattern": pattern})(
        workflow_schema()
    )


def _identity(item: Any) -> tuple[str, object]:
    """Equal for items that JSON Schema calls equal."""
    if isinstance(item, bool | str | None):
        return type(item).__name__, item
    if isinstance(item, int | float):
        return "number", item
    return "json", json.dumps(item, sort_keys=True)


def check_structure(root: Node, report: Report) -> None:
    """Report everything about `root` that the schema does not allow, and keys given twice."""
    _check_repeated(root, report)
    # Every verdict stands for at least one problem, so some are reported whenever there are any.
    for error in islice(_validator().iter_errors(root.plain()), 5 * MAX_PROBLEMS):
        _Verdict(error, root, report).translate()


def _check_repeated(node: Node, report: Report) -> None:
    for key in node.repeated:
        first = node.keys[key.text].line
        report.add(
            "duplicate-key",
            key,
            f"{key.text!r} is given again; it stands in line {first} already",
            "remove one of them",
        )
    for child in (*node.entries.values(), *node.items):
        _check_repeated(child, report)


class _Verdict:
    """One error of the validator and the node it is about."""

    def __init__(self, error: Any, root: Node, report: Report) -> None:
        self._error = error
        self._report = report
        self._path = list(error.absolute_path)
        self._node = root.at(iter(self._path))
        self._title = error.schema.get("title", "") if isinstance(error.schema, dict) else ""

    def translate(self) -> None:
        _TRANSLATE[self._error.validator](self)

    def _add(self, code: str, message: str, fix: str = "", place: Node | None = None) -> None:
        self._report.add(code, place or self._node, message, fix)

    @property
    def _what(self) -> str:
        """What the value is called: the nearest key above it."""
        keys = [step for step in self._path if isinstance(step, str)]
        if not keys:
            return "the workflow"
        return f"an item of `{keys[-1]}`" if isinstance(self._path[-1], int) else f"`{keys[-1]}`"

    def _unknown_keys(self) -> None:
        known = list(self._error.schema["properties"])
        for name, key in self._node.keys.items():
            if name not in known:
                fix = "" if self._report.full else key_fix(name, known)
                self._add("unknown-key", f"unknown key {name!r}", fix, key)

    def _missing_keys(self) -> None:
        # The validator gives one verdict per key; the first names them all, the others repeat it.
        absent = [name for name in self._error.validator_value if name not in self._node.entries]
        listed = " and no ".join(f"`{name}`" for name in absent)
        wanted = ", ".join("`version: 1`" if name == "version" else f"`{name}:`" for name in absent)
        self._add("missing-key", f"{self._subject} has no {listed}", f"add {wanted}")

    @property
    def _subject(self) -> str:
        """The mapping the verdict is about, by its own name where it has one."""
        keys = [step for step in self._path if isinstance(step, str)]
        if not keys:
            return "the workflow"
        kind = keys[-1].removesuffix("s")
        name = self._node.entries.get("id") or self._node.entries.get("name")
        return f"{kind} {name.text}" if name is not None and name.text else f"this {kind}"

    def _wrong_type(self) -> None:
        allowed = self._error.validator_value
        names = [allowed] if isinstance(allowed, str) else list(allowed)
        if self._title == "Duration":
            self._add("bad-duration", f"{self._what} is a duration", "write for example 90s or 5m")
            return
        fix = ""
        if names == ["boolean"] and self._node.text.lower() in _TRUTHS:
            fix = f"write {_TRUTHS[self._node.text.lower()]}"
        elif "array" in names and self._node.kind == "scalar":
            fix = f"write [{self._node.text}]" if self._node.text else "write [] for none"
        elif "string" in names and self._node.kind == "scalar" and self._node.text:
            fix = f'write "{self._node.text}" in quotes'
        wanted = " or ".join(_TYPES[name] for name in names)
        self._add("wrong-type", f"{self._what} is {wanted}, not {found(self._node)}", fix)

    def _not_allowed(self) -> None:
        allowed = [str(each) for each in self._error.validator_value]
        fix = "" if self._report.full else did_you_mean(self._node.text, allowed)
        listed = ", ".join(allowed)
        self._add("bad-value", f"{self._what} is one of {listed}, not {found(self._node)}", fix)

    def _not_constant(self) -> None:
        only = self._error.validator_value
        self._add("bad-value", f"{self._what} is {only}, not {found(self._node)}", f"write {only}")

    def _misshapen(self) -> None:
        text = str(self._error.instance)
        if self._title == "Duration":
            code, fix = "bad-duration", "write for example 90s, 5m or 1h30m"
            wrong = "cannot be negative" if text.lstrip().startswith("-") else "is not a duration"
            self._add(code, f"{text!r} {wrong}", fix)
        elif self._title in ("Name", "Variable"):
            key = self._node.keys.get(text) if self._node.kind == "mapping" else None
            self._add("bad-name", f"{text!r} is not a name", name_fix(self._title), key)
        else:
            self._add("bad-value", f"{text!r} does not look like {self._what}", "correct it")

    def _too_small(self) -> None:
        code = "bad-duration" if self._title == "Duration" else "out-of-range"
        least = self._error.validator_value
        self._add(code, f"{self._what} is at least {least}, not {self._node.text}")

    def _not_more(self) -> None:
        least = self._error.validator_value
        self._add("out-of-range", f"{self._what} is more than {least}, not {self._node.text}")

    def _too_large(self) -> None:
        most = self._error.validator_value
        self._add("out-of-range", f"{self._what} is at most {most}, not {self._node.text}")

    def _empty(self) -> None:
        self._add("empty", f"{self._what} is empty", "write something, or remove the key")

    def _too_many(self) -> None:
        self._add("too-many", f"{self._what} has more than {self._error.validator_value} entries")

    def _repeated_items(self) -> None:
        seen: set[tuple[str, object]] = set()
        for item in self._node.items:
            identity = _identity(item.plain())
            if identity in seen:
                message = f"{found(item)} is listed twice"
                self._add("duplicate-item", message, "remove one of them", item)
            seen.add(identity)

    def _agent_or_run(self) -> None:
        both = "agent" in self._node.entries
        which = "has both `agent` and `run`" if both else "has neither `agent` nor `run`"
        fix = "remove one of them" if both else "add `agent: NAME` or `run: COMMAND`"
        self._add("agent-or-run", f"{self._subject} {which}", fix)

    def _none_of(self) -> None:
        if self._title == "Limits":
            message = f"{self._subject} has no `max_files` and no `max_lines`"
            self._add("missing-key", message, "add `max_files:` or `max_lines:`")
        else:
            self._add("empty-phase", f"{self._subject} has no tasks", "add `tasks:` or `agents:`")


#: Every keyword of the schema that can fail -> what it means.
_TRANSLATE: dict[str, Callable[[_Verdict], None]] = {
    "additionalProperties": _Verdict._unknown_keys,
    "required": _Verdict._missing_keys,
    "type": _Verdict._wrong_type,
    "enum": _Verdict._not_allowed,
    "const": _Verdict._not_constant,
    "pattern": _Verdict._misshapen,
    "minimum": _Verdict._too_small,
    "exclusiveMinimum": _Verdict._not_more,
    "maximum": _Verdict._too_large,
    "minLength": _Verdict._empty,
    "minItems": _Verdict._empty,
    "minProperties": _Verdict._empty,
    "maxItems": _Verdict._too_many,
    "maxProperties": _Verdict._too_many,
    "uniqueItems": _Verdict._repeated_items,
    "oneOf": _Verdict._agent_or_run,
    "anyOf": _Verdict._none_of,
}
