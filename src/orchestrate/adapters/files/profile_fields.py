"""From the keys of the front matter to a profile: what each key may hold, and what it means."""

from __future__ import annotations

import difflib
import re
import unicodedata

from orchestrate.adapters.files.key_values import KeyedValues, as_number, is_blank, names_in
from orchestrate.adapters.files.profile_keys import (
    COMMAND_KEYS,
    ORCHESTRATION_SPELLINGS,
    PROFILE_SPELLINGS,
    squashed,
)
from orchestrate.adapters.files.profile_notes import ProfileNotes
from orchestrate.adapters.files.yaml_repair import Entry
from orchestrate.adapters.files.yaml_values import Value, key_text, resolved
from orchestrate.core.agents.profile import Orchestration, Profile
from orchestrate.core.ids import is_name

_ALL_TOOLS = frozenset({"*", "all", "all tools"})
_MAX_NAME = 64


def build_profile(
    entries: list[Entry], *, body: str, fence_line: int, notes: ProfileNotes
) -> Profile:
    """The profile that `entries` describe. Raises ProfileError without a name and description."""
    fields = KeyedValues(entries, PROFILE_SPELLINGS, notes)
    name = _name(fields, entries, fence_line)
    description = _description(fields, fence_line)
    tools, disallowed = _tools(fields)
    return Profile(
        name=name,
        description=description,
        body=body,
        model=fields.text("model"),
        tools=tools,
        disallowed_tools=(*disallowed, *fields.names("disallowed_tools")),
        mcp_servers=_mcp_servers(fields),
        capabilities=fields.names("capabilities"),
        priority=fields.integer("priority"),
        timeout_s=fields.seconds("timeout_seconds"),
        max_retries=fields.integer("max_retries", least=0),
        orchestration=_orchestration(fields),
        extra=fields.extra,
        path=notes.path,
        warnings=notes.warnings(),
    )


def _name(fields: KeyedValues, entries: list[Entry], fence_line: int) -> str:
    entry = fields.entry("name")
    if entry is None or is_blank(entry.value):
        for other in entries:
            if entry is None and squashed(other.key) in COMMAND_KEYS:
                raise fields.notes.refuse("slash-command", other.line, other.column, key=other.key)
        line, column = (entry.line, entry.column) if entry else (fence_line, 1)
        raise fields.notes.refuse("no-name", line, column)
    written = fields.text("name") or ""
    if is_name(written):
        return written
    name = _as_name(written)
    if not name:
        place = entry.value.line, entry.value.column
        raise fields.notes.refuse("bad-name", *place, written=repr(written[:60]))
    fields.warn("name-rewritten", "name", name=name)
    return name


def _as_name(written: str) -> str:
    """The nearest name to `written`, or "" if there is none."""
    ascii_only = unicodedata.normalize("NFKD", written[:1000]).encode("ascii", "ignore").decode()
    name = re.sub(r"[^a-z0-9_.-]+", "-", ascii_only.lower())
    name = re.sub(r"\.\.+", ".", name).strip("-_.")[:_MAX_NAME].strip("-_.")
    return name if is_name(name) else ""


def _description(fields: KeyedValues, fence_line: int) -> str:
    entry = fields.entry("description")
    if entry is None or is_blank(entry.value):
        line, column = (entry.line, entry.column) if entry else (fence_line, 1)
        close = difflib.get_close_matches("description", list(fields.extra), n=1)
        hint = f"; did you mean it by `{close[0]}`?" if close else ""
        raise fields.notes.refuse("no-description", line, column, hint=hint)
    text = fields.text("description") or ""
    if entry.value.kind == "scalar" and not entry.value.source.startswith('"'):
        return _with_line_breaks(text, entry, fields.notes)
    return text


#: Two of them in a row, or one before a tag, a list item, a capital or the end: no file path.
_WRITTEN_BREAK = re.compile(r"\\n(\\n|[ \t]*[<*A-Z-]|[ \t]*$)")


def _with_line_breaks(text: str, entry: Entry, notes: ProfileNotes) -> str:
    r"""`text` with line breaks for each \n, if they are evidently meant as such."""
    if not _WRITTEN_BREAK.search(text):
        return text
    column = entry.value.column + max(entry.value.source.find("\\n"), 0)
    notes.warn("literal-newline", entry.value.line, column, key=entry.key)
    return text.replace("\\r\\n", "\n").replace("\\n", "\n").strip()


def _tools(fields: KeyedValues) -> tuple[tuple[str, ...] | None, tuple[str, ...]]:
    """Allowed tools, None for all; and tools that a map of tools disallows."""
    entry = fields.given("tools")
    if entry is None:
        return None, ()
    if entry.value.kind == "map":
        fields.warn("tools-map", "tools")
        flags = [(key_text(key), _flag(value)) for key, value in entry.value.pairs]
        allowed = tuple(name for name, flag in flags if flag is True)
        return allowed or None, tuple(name for name, flag in flags if flag is False)
    names = fields.names("tools")
    if any(name.lower() in _ALL_TOOLS for name in names):
        return None, ()
    return names, ()


def _flag(value: Value) -> bool | None:
    flag = resolved(value) if value.kind == "scalar" else None
    return flag if isinstance(flag, bool) else None


def _mcp_servers(fields: KeyedValues) -> tuple[str, ...]:
    """Names of servers; servers configured in place are kept as they are, too."""
    entry = fields.given("mcp_servers")
    if entry is None:
        return ()
    members = entry.value.items if entry.value.kind == "list" else [entry.value]
    configured = [key_text(key) for member in members for key, _ in member.pairs]
    if configured:
        fields.keep("mcp_servers")
    return tuple(dict.fromkeys([*names_in(entry.value), *configured]))


def _orchestration(fields: KeyedValues) -> Orchestration:
    entry = fields.given("orchestration")
    if entry is None:
        return Orchestration()
    if entry.value.kind != "map":
        expected = "priority, dependencies and max_parallel"
        fields.warn("value-not-map", "orchestration", expected=expected)
        fields.keep("orchestration")
        return Orchestration()
    inner = KeyedValues(
        [Entry(key_text(key), key.line, key.column, value) for key, value in entry.value.pairs],
        ORCHESTRATION_SPELLINGS,
        fields.notes,
    )
    block = Orchestration(
        priority=_priority(inner),
        dependencies=inner.names("dependencies"),
        max_parallel=inner.integer("max_parallel", least=1),
    )
    if inner.extra:
        fields.extra["orchestration"] = inner.extra
    return block


def _priority(inner: KeyedValues) -> int | str | None:
    """A number, or a word such as `high`."""
    entry = inner.given("priority")
    if entry is None:
        return None
    number = as_number(entry.value)
    return number if isinstance(number, int) else inner.text("priority")
