"""Writing an agent file: front matter that every reader of YAML takes as it was meant, and a body.

What people or files give is checked here: it becomes part of a prompt, and of a YAML document.
"""

from __future__ import annotations

import json
import re
import textwrap
from collections.abc import Iterable, Iterator

import msgspec

from orchestrate.core.ids import is_name
from orchestrate.errors import RequestError

#: Longest description, focus or domain that somebody may give, in characters.
MAX_TEXT = 500
#: Columns of a line of text.
WIDTH = 100
#: Most words of a description that go into a name.
_NAME_WORDS = 5
_MAX_NAME = 48
_FILLER = frozenset(
    ["a", "an", "the", "and", "or", "for", "of", "to", "in", "on", "with", "that", "who", "which"]
)
#: Text that YAML reads as itself without quotes: no mark at its start, no `: ` and no ` #` in it.
_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9 ,.;()/_'-]*[A-Za-z0-9.)]")
#: Words that a reader of YAML 1.1 or 1.2 takes for something other than text.
_YAML_WORDS = frozenset(["true", "false", "null", "yes", "no", "on", "off"])
_DATE = re.compile(r"\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])")
#: `Name`, `mcp__server__tool`, or a tool with a limit such as `Bash(git log:*)`.
_TOOL = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,80}(?:\([^()\n#]{1,120}\)|\*)?")
#: Commas in parentheses do not separate.
_COMMA = re.compile(r",(?![^()]*\))")
#: Tools of earlier versions -> what does the same today.
LEGACY_TOOLS = {"MultiEdit": "Edit", "LS": "Glob", "NotebookRead": "Read", "Task": "Agent"}


class Generated(msgspec.Struct, frozen=True):
    """An agent file to be written as `name`.md."""

    name: str
    text: str


class Front(msgspec.Struct, frozen=True):
    """The front matter. `date` is when it was made, as YYYY-MM-DD; an empty `model` is left out."""

    name: str
    description: str
    tools: tuple[str, ...]
    priority: int
    date: str
    capabilities: tuple[str, ...] = ()
    model: str = ""


class Section(msgspec.Struct, frozen=True):
    """A heading and what stands below it; without text it is left out."""

    title: str
    text: str


class Options(msgspec.Struct, frozen=True):
    """What somebody may choose for any agent; empty and None leave it to the template."""

    name: str = ""
    model: str = ""
    priority: int | None = None
    tools: tuple[str, ...] = ()
    test_command: str = ""


AS_USUAL = Options()


def render(front: Front, title: str, opening: str, sections: Iterable[Section]) -> str:
    """The whole file.

    Raises:
        RequestError: name, date, model or description cannot stand in one.
    """
    blocks = ["\n".join(_front(front)), f"# {title}", opening]
    blocks += [f"## {each.title}\n{each.text}" for each in sections if each.text]
    return "\n\n".join(blocks) + "\n"


def _front(front: Front) -> Iterator[str]:
    if not _DATE.fullmatch(front.date):
        raise RequestError(f"{front.date!r} is not a date", remedy="write it as YYYY-MM-DD")
    yield "---"
    yield f"name: {_scalar(checked_name(front.name))}"
    yield f"description: {_scalar(front.description)}"
    # Without tools every tool would be allowed; an empty list is understood as none.
    yield f"tools: {_scalar(', '.join(front.tools)) if front.tools else '[]'}"
    if front.model:
        yield f"model: {_scalar(one_line(front.model, 'the model', limit=80))}"
    yield f"priority: {front.priority}"
    yield f"generated: {front.date}"
    if front.capabilities:
        yield f"capabilities: [{', '.join(map(_scalar, front.capabilities))}]"
    yield "---"


def _scalar(text: str) -> str:
    """`text` as YAML: plain where that is safe, else in double quotes, as JSON writes them."""
    if _PLAIN.fullmatch(text) and text.lower() not in _YAML_WORDS:
        return text
    return json.dumps(text, ensure_ascii=False)


def checked_name(name: str) -> str:
    """`name`, if an agent may be called that.

    Raises:
        RequestError: it may not.
    """
    if not is_name(name):
        raise RequestError(
            f"{name[:80]!r} cannot be the name of an agent",
            remedy="use the characters a-z 0-9 - _ . and at most 64 of them",
        )
    return name


def one_line(text: str, what: str, *, limit: int = MAX_TEXT) -> str:
    """`text` without spaces around it, if it is one line of printable characters.

    Raises:
        RequestError: it is empty, too long, or has characters that are not printed.
    """
    line = text.strip()
    if not line or len(line) > limit or not line.isprintable():
        raise RequestError(
            f"{what} is empty, longer than {limit} characters, or has characters that are not"
            " printed",
            remedy="write one short line of plain text",
        )
    return line


def name_from(text: str) -> str:
    """A name made of the first words of `text` that say something.

    Raises:
        RequestError: there is no such word.
    """
    words = [word for word in re.findall(r"[a-z0-9]+", text.lower()) if word not in _FILLER]
    name = "-".join(words[:_NAME_WORDS])[:_MAX_NAME].strip("-")
    if not name:
        raise RequestError(f"no name can be made of {text[:60]!r}", remedy="give one: --name NAME")
    return name


def wrapped(text: str, *, indent: str = "") -> str:
    """`text` in lines of at most WIDTH; those after the first begin with `indent`."""
    return textwrap.fill(
        text,
        WIDTH,
        subsequent_indent=indent,
        break_long_words=False,
        break_on_hyphens=False,
    )


def bullets(points: Iterable[str]) -> str:
    """A Markdown list."""
    return "\n".join(wrapped(f"- {point}", indent="  ") for point in points)


def slugs(texts: Iterable[str]) -> tuple[str, ...]:
    """Each text as one word that can stand in a list, once; those without letters are left out."""
    joined = (re.sub(r"[^a-z0-9]+", "-", each.lower()).strip("-") for each in texts)
    return tuple(dict.fromkeys(filter(None, joined)))


def tool_names(written: str) -> tuple[str, ...]:
    """Names in a list that is separated by commas, each once; old names become today's.

    Raises:
        RequestError: something in it is no name of a tool.
    """
    found: dict[str, None] = {}
    for part in filter(None, map(str.strip, _COMMA.split(written))):
        if not _TOOL.fullmatch(part) or not part.isprintable():
            raise RequestError(
                f"{part[:80]!r} is not a name of a tool",
                remedy='write names separated by commas: --tools "Read,Edit,Bash"',
            )
        found.setdefault(LEGACY_TOOLS.get(part, part))
    return tuple(found)
