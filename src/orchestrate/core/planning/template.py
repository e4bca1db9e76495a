"""Prompts with values put in: `Look at {{ inputs.request }} in {{ tasks.scan.outputs.log.path }}`.

Between the braces stands one name and nothing else; there is no logic. Values are inserted as they
are and are not looked at again, so a value that contains braces stays text. `{{{{` gives two
opening braces; closing braces need no escape.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

from orchestrate.core.planning.reference import (
    PATH,
    Reference,
    UnknownNameError,
    lookup,
    reference,
)
from orchestrate.errors import DefinitionError

_ESCAPE = "{{{{"
_MARKS = re.compile(rf"(?P<escape>{{{{4}})|{{{{(?:\s*(?P<path>{PATH})\s*}}}})?")


class TemplateError(DefinitionError):
    """A prompt that cannot be read, or refers to something without a value.

    Attributes:
        offset: character of the prompt, from 0, where the trouble is.
    """

    def __init__(self, message: str, offset: int, *, remedy: str = "") -> None:
        super().__init__(message, remedy=remedy)
        self.offset = offset


def references(text: str) -> tuple[Reference, ...]:
    """The names `text` refers to, in order.

    Raises:
        TemplateError: braces without a name.
    """
    return tuple(part for part in _parts(text) if isinstance(part, Reference))


def render(text: str, scope: Mapping[str, Any]) -> str:
    """`text` with the values of `scope`, a nest of mappings, put in.

    Raises:
        TemplateError: braces without a name, or a name without a value.
    """
    return "".join(
        _inserted(part, scope) if isinstance(part, Reference) else part for part in _parts(text)
    )


@lru_cache(maxsize=256)
def _parts(text: str) -> tuple[str | Reference, ...]:
    return tuple(_split(text))


def _split(text: str) -> Iterator[str | Reference]:
    end = 0
    for match in _MARKS.finditer(text):
        if match.start() > end:
            yield text[end : match.start()]
        end = match.end()
        if match["escape"]:
            yield "{{"
        elif match["path"]:
            yield reference(match["path"], match.start("path"))
        else:
            raise TemplateError(
                "`{{` is not followed by a name and `}}`",
                match.start(),
                remedy=f"write {{{{ inputs.request }}}}, or {_ESCAPE} for two braces",
            )
    if end < len(text):
        yield text[end:]


def _inserted(name: Reference, scope: Mapping[str, Any]) -> str:
    try:
        value = lookup(scope, name)
    except UnknownNameError as error:
        raise TemplateError(
            str(error),
            name.offset,
            remedy=f"there is: {', '.join(error.known)}" if error.known else "",
        ) from None
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)
    raise TemplateError(f"{name} is a group of values", name.offset, remedy="name one value in it")
