"""YAML with positions: a tree of nodes built from the parser's events.

The events are turned into nodes here, and not by the library, for three reasons: building one node
at a time keeps depth bounded however deep the file nests, keys given twice are seen, and every key
and value has its line and column. Tags, anchors and aliases are refused: a workflow has no use for
them, and they are how a small file becomes a large value. Plain scalars follow YAML 1.2 (`on` and
`yes` are texts).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from orchestrate.adapters.files.yaml_scalars import Value, locator, resolve, split_lines

if TYPE_CHECKING:
    from ruamel.yaml.events import Event, ScalarEvent

#: Larger files take the parser seconds and are not written by hand.
MAX_BYTES = 1024 * 1024
MAX_DEPTH = 20


class UnreadableYamlError(Exception):
    """Why nothing at all can be made of a file; `line` and `column` count from 1."""

    def __init__(self, code: str, message: str, fix: str, line: int = 1, column: int = 1) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.fix = fix
        self.line = line
        self.column = column


@dataclass(slots=True)
class Node:
    """A scalar, list or mapping as written.

    Attributes:
        line, column: where it begins, from 1.
        value: of a scalar. `text` is the scalar as a text, whatever its type.
        items: of a list. `entries`: of a mapping, by key; the first of equal keys.
        keys: of a mapping, the node of each key.
        repeated: of a mapping, keys given again, in order.
        starts: of a scalar, how to find a character of it in the file.
    """

    kind: Literal["scalar", "list", "mapping"]
    line: int
    column: int
    value: Value = None
    text: str = ""
    items: list[Node] = field(default_factory=list)
    entries: dict[str, Node] = field(default_factory=dict)
    keys: dict[str, Node] = field(default_factory=dict)
    repeated: list[Node] = field(default_factory=list)
    starts: Callable[[int], tuple[int, int]] | None = None

    def place(self, offset: int) -> tuple[int, int]:
        """Line and column of character `offset` of a scalar's text, as near as can be told."""
        return self.starts(offset) if self.starts else (self.line, self.column)

    def plain(self) -> Any:
        """The value without positions: dicts, lists and scalars."""
        if self.kind == "mapping":
            return {key: node.plain() for key, node in self.entries.items()}
        if self.kind == "list":
            return [node.plain() for node in self.items]
        return self.value

    def at(self, path: Iterator[str | int]) -> Node:
        """The node that `plain()` has at `path`."""
        node = self
        for step in path:
            node = node.items[step] if isinstance(step, int) else node.entries[step]
        return node


def read_yaml(data: bytes) -> Node:
    """The one document in `data`.

    Raises:
        UnreadableYamlError: not UTF-8, not YAML, too large or deep, tags, anchors, or no document.
    """
    if len(data) > MAX_BYTES:
        raise UnreadableYamlError(
            "too-large",
            f"the file has {len(data)} bytes; at most {MAX_BYTES} are read",
            "split the workflow",
        )
    return _Composer(_decoded(data)).document()


def _decoded(data: bytes) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = data[: error.start].decode("utf-8", "replace")
        raise UnreadableYamlError(
            "not-utf-8",
            f"byte 0x{data[error.start]:02x} is not valid UTF-8",
            "save the file as UTF-8",
            before.count("\n") + 1,
            len(before) - (before.rfind("\n") + 1) + 1,
        ) from None


class _Composer:
    def __init__(self, text: str) -> None:
        from ruamel.yaml import YAML

        self._text = text
        self._lines = split_lines(text)
        self._events: Iterator[Event] = YAML(typ="safe", pure=True).parse(text)

    def document(self) -> Node:
        from ruamel.yaml.events import DocumentStartEvent, NodeEvent, StreamEndEvent

        root: Node | None = None
        while True:
            event = self._event()
            if isinstance(event, StreamEndEvent):
                break
            if isinstance(event, DocumentStartEvent) and root is not None:
                raise _at(event, "yaml-syntax", "a second document begins here", "remove `---`")
            if isinstance(event, NodeEvent):
                root = self._node(event, 0)
        if root is None:
            raise UnreadableYamlError("empty-file", "the file says nothing", "write a workflow")
        return root

    def _event(self) -> Event:
        from ruamel.yaml.error import MarkedYAMLError, YAMLError
        from ruamel.yaml.reader import ReaderError

        try:
            return next(self._events)
        except MarkedYAMLError as error:
            raise self._syntax(error) from None
        except ReaderError as error:
            before = self._text[: error.position]
            line = before.count("\n") + 1
            column = len(before) - (before.rfind("\n") + 1) + 1
            raise UnreadableYamlError(
                "yaml-syntax", "a character that YAML does not allow", "remove it", line, column
            ) from None
        except (YAMLError, ValueError, IndexError, AttributeError, AssertionError) as error:
            # The library gives up on some malformed input with other exceptions than its own.
            raise UnreadableYamlError(
                "yaml-syntax", f"not valid YAML: {error}", "correct the file"
            ) from None

    def _syntax(self, error: Any) -> UnreadableYamlError:
        mark = error.problem_mark or error.context_mark
        context = f" {error.context}" if error.context else ""
        line = self._lines[mark.line] if mark and mark.line < len(self._lines) else ""
        character = line[mark.column : mark.column + 1] if mark else ""
        fix = "correct the syntax"
        if character == "\t":
            fix = "indent with spaces"
        elif "mapping values are not allowed" in (error.problem or ""):
            fix = "put the text in quotes if it contains `: `"
        elif character and character in "@`%|&*!":
            fix = "put the text in quotes"
        return UnreadableYamlError(
            "yaml-syntax",
            f"not valid YAML{context}: {error.problem or error}",
            fix,
            mark.line + 1 if mark else 1,
            mark.column + 1 if mark else 1,
        )

    def _node(self, event: Any, depth: int) -> Node:
        from ruamel.yaml.events import (
            AliasEvent,
            MappingStartEvent,
            ScalarEvent,
            SequenceStartEvent,
        )

        if isinstance(event, AliasEvent) or event.anchor is not None:
            raise _at(
                event,
                "alias",
                "anchors (`&`) and aliases (`*`) are not allowed",
                "repeat the value, use `defaults:`, or put a text that begins so in quotes",
            )
        if event.tag is not None:
            raise _at(event, "tag", f"the tag {event.tag} is not allowed", "remove the tag")
        if depth > MAX_DEPTH:
            raise _at(event, "too-deep", f"nested more than {MAX_DEPTH} deep", "flatten it")
        if isinstance(event, ScalarEvent):
            return self._scalar(event)
        place = event.start_mark.line + 1, event.start_mark.column + 1
        if isinstance(event, SequenceStartEvent):
            return self._list(Node("list", *place), depth)
        assert isinstance(event, MappingStartEvent)
        return self._mapping(Node("mapping", *place), depth)

    def _list(self, node: Node, depth: int) -> Node:
        from ruamel.yaml.events import SequenceEndEvent

        while not isinstance(event := self._event(), SequenceEndEvent):
            node.items.append(self._node(event, depth + 1))
        return node

    def _mapping(self, node: Node, depth: int) -> Node:
        from ruamel.yaml.events import MappingEndEvent

        while not isinstance(event := self._event(), MappingEndEvent):
            key = self._node(event, depth + 1)
            if key.kind != "scalar":
                raise UnreadableYamlError(
                    "bad-key", f"a {key.kind} cannot be a key", "use a name", key.line, key.column
                )
            value = self._node(self._event(), depth + 1)
            if value.value is None and not value.text and value.kind == "scalar":
                # The parser puts what is not written at the next thing that is.
                value.line, value.column = key.line, key.column
            if key.text in node.entries:
                node.repeated.append(key)
                continue
            node.entries[key.text] = value
            node.keys[key.text] = key
        return node

    def _scalar(self, event: ScalarEvent) -> Node:
        mark = event.start_mark
        text = str(event.value)
        value = resolve(text) if event.style is None else text
        node = Node("scalar", mark.line + 1, mark.column + 1, value=value, text=text)
        node.starts = locator(event, text, self._lines)
        return node


def _at(event: Any, code: str, message: str, fix: str) -> UnreadableYamlError:
    mark = event.start_mark
    return UnreadableYamlError(code, message, fix, mark.line + 1, mark.column + 1)
