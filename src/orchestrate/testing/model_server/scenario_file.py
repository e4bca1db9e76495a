"""Reads scenarios from a YAML or JSON file; docs/reference/model-server.md describes it.

scenarios:
  fix:
    - role: builder
      marker: You build
      steps:
        - write: {path: a.txt, content: hello}
        - say: done
"""

from __future__ import annotations

from pathlib import Path
from typing import NoReturn, TypeVar

import msgspec

from orchestrate.adapters.files.yaml_nodes import Node, UnreadableYamlError, read_yaml
from orchestrate.errors import DefinitionError
from orchestrate.testing.model_server.scenario import (
    NAME,
    Action,
    Bash,
    Call,
    Edit,
    Fault,
    Json,
    Mcp,
    Read,
    Refuse,
    Role,
    Say,
    Scenario,
    Step,
    Tokens,
    Write,
)

T = TypeVar("T")

# Verbs that take a text instead of named arguments.
_OF_TEXT: dict[str, type[Say | Refuse | Read | Bash]] = {
    "say": Say,
    "refuse": Refuse,
    "read": Read,
    "bash": Bash,
}
_OF_ARGUMENTS: dict[str, type[Write | Edit | Mcp | Call]] = {
    "write": Write,
    "edit": Edit,
    "mcp": Mcp,
    "call": Call,
}
_VERBS = (*_OF_TEXT, *_OF_ARGUMENTS, "json")
_ROLE_KEYS = ("role", "marker", "steps", "later", "faults", "repeat_last")


def read_scenarios(path: Path) -> tuple[Scenario, ...]:
    """The scenarios of a file.

    Raises:
        DefinitionError: it cannot be read or something in it is wrong; with file and line.
    """
    try:
        root = read_yaml(path.read_bytes())
    except OSError as error:
        raise DefinitionError(
            f"{path} cannot be read: {error.strerror}", remedy="name a readable file"
        ) from None
    except UnreadableYamlError as error:
        raise DefinitionError(f"{path}:{error.line}: {error.message}", remedy=error.fix) from None
    return _Reader(path).scenarios(root)


class _Reader:
    def __init__(self, path: Path) -> None:
        self._path = path

    def scenarios(self, root: Node) -> tuple[Scenario, ...]:
        found = self._keys(root, ("scenarios",), ("scenarios",))["scenarios"]
        named = self._keys(found, None)
        if not named:
            self._wrong(found, "there is no scenario", "write `NAME:` and its roles")
        for name, node in found.keys.items():
            if not NAME.fullmatch(name):
                remedy = "use letters, digits, -, _ and ."
                self._wrong(node, f"{name!r} is no name for a scenario", remedy)
        return tuple(
            Scenario(name, tuple(self._role(each) for each in self._items(roles)))
            for name, roles in named.items()
        )

    def _role(self, node: Node) -> Role:
        keys = self._keys(node, _ROLE_KEYS, ("role", "steps"))
        marker = keys.get("marker")
        later = keys.get("later")
        repeat = keys.get("repeat_last")
        return Role(
            name=self._text(keys["role"]),
            steps=self._steps(keys["steps"]),
            marker=() if marker is None else self._markers(marker),
            later=() if later is None else tuple(self._steps(each) for each in self._items(later)),
            faults=self._faults(keys.get("faults")),
            repeat_last=repeat is not None and self._converted(repeat, bool),
        )

    def _markers(self, node: Node) -> tuple[str, ...]:
        if node.kind == "list":
            return tuple(self._text(each) for each in node.items)
        return (self._text(node),)

    def _steps(self, node: Node) -> tuple[Step, ...]:
        return tuple(self._step(each) for each in self._items(node))

    def _step(self, node: Node) -> Step:
        keys = self._keys(node, (*_VERBS, "do", "tokens", "faults"))
        tokens = keys.get("tokens")
        actions = self._actions(node)
        if not actions:
            self._wrong(node, "the step does nothing", f"use one of: {', '.join(_VERBS)}")
        return Step(
            actions=actions,
            tokens=Tokens() if tokens is None else self._converted(tokens, Tokens),
            faults=self._faults(keys.get("faults")),
        )

    def _actions(self, node: Node) -> tuple[Action, ...]:
        """The verbs of a mapping as they are written; `do` has a list of more such mappings."""
        actions: list[Action] = []
        for key, value in node.entries.items():
            if key == "do":
                for each in self._items(value):
                    self._keys(each, _VERBS)
                    actions += self._actions(each)
            elif key in _VERBS:
                actions.append(self._action(key, value))
        return tuple(actions)

    def _action(self, verb: str, node: Node) -> Action:
        if verb == "json":
            return Json(node.plain())
        if verb in _OF_TEXT:
            return _OF_TEXT[verb](self._text(node))
        return self._converted(node, _OF_ARGUMENTS[verb])

    def _faults(self, node: Node | None) -> tuple[Fault, ...]:
        return () if node is None else tuple(self._fault(each) for each in self._items(node))

    def _fault(self, node: Node) -> Fault:
        times = self._keys(node, None).get("times")
        if times is not None and times.value == "always":
            times.value = None
        return self._converted(node, Fault)

    # -- values --------------------------------------------------------------------------------

    def _converted(self, node: Node, kind: type[T]) -> T:
        try:
            return msgspec.convert(node.plain(), kind)
        except msgspec.ValidationError as error:
            self._wrong(node, str(error).replace(" - at `$", " - at `"), "correct the value")

    def _text(self, node: Node) -> str:
        if node.kind != "scalar":
            self._wrong(node, f"a text is expected, not a {node.kind}", "write a text")
        return node.text

    def _items(self, node: Node) -> list[Node]:
        if node.kind != "list":
            self._wrong(node, f"a list is expected, not a {node.kind}", "begin each item with `-`")
        return node.items

    def _keys(
        self, node: Node, known: tuple[str, ...] | None, required: tuple[str, ...] = ()
    ) -> dict[str, Node]:
        """The entries of a mapping with `known` keys; None: any."""
        if node.kind != "mapping":
            self._wrong(node, f"a mapping is expected, not a {node.kind}", "write `key: value`")
        for key in node.repeated:
            self._wrong(key, f"the key {key.text!r} is there twice", "remove one")
        for name, key in node.keys.items():
            if known is not None and name not in known:
                self._wrong(key, f"{name!r} is not known here", f"use one of: {', '.join(known)}")
        for name in required:
            if name not in node.entries:
                self._wrong(node, f"{name!r} is missing", f"write `{name}:`")
        return node.entries

    def _wrong(self, node: Node, message: str, remedy: str) -> NoReturn:
        raise DefinitionError(f"{self._path}:{node.line}: {message}", remedy=remedy)
