"""Whatever settings hold: every rule is kept, or the file is refused at a line."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from orchestrate.adapters.files.deny_rules import deny_rules
from orchestrate.adapters.files.json_places import values
from orchestrate.core.agents.permissions import denials
from orchestrate.errors import ConfigurationError

_SHARED = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
_SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text()
_JSON = st.recursive(
    _SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)
_TOOLS = st.sampled_from(["Bash", "Read", "Edit", "WebFetch", "mcp__a__b", "Zap", "Grep", ""])
_RULES = st.builds("{}({})".format, _TOOLS, st.text(max_size=12)) | st.text(max_size=12) | _TOOLS
_SETTINGS = st.fixed_dictionaries(
    {"permissions": st.fixed_dictionaries({"deny": st.lists(_RULES | _JSON, max_size=4)}) | _JSON},
    optional={"other": _JSON},
)
_PIECES = st.sampled_from(
    [*'{}[]:," \n\\', '"permissions"', '"deny"', '"ask"', '"Bash"', "null", "1", "true", "\ufeff"]
)


def rules_in(folder: Path, data: bytes) -> tuple[str, ...] | str:
    """Names of the rules in settings with these bytes, or the message they are refused with."""
    path = folder / ".claude" / "settings.json"
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(data)
    try:
        found = deny_rules(folder, folder / "home", managed=folder / "none")
    except ConfigurationError as error:
        assert re.match(rf"{re.escape(str(path))}:\d+", error.message)
        return error.message
    return tuple(rule.name for rule in found)


@_SHARED
@given(st.lists(_PIECES, max_size=30).map("".join).map(str.encode) | st.binary(max_size=60))
def test_any_bytes_are_rules_or_a_located_refusal(tmp_path: Path, data: bytes) -> None:
    rules_in(tmp_path, data)


@_SHARED
@given(_SETTINGS, st.booleans(), st.sampled_from([None, 1, "\t"]))
def test_every_text_in_the_list_is_a_rule(
    tmp_path: Path, document: dict[str, Any], ascii_only: bool, indent: int | str | None
) -> None:
    text = json.dumps(document, ensure_ascii=ascii_only, indent=indent)
    found = rules_in(tmp_path, text.encode("utf-8", "surrogatepass"))
    if isinstance(found, str):
        return
    permissions = document["permissions"] or {}
    written = (permissions.get("deny") or []) + (permissions.get("ask") or [])
    assert all(isinstance(rule, str) for rule in written)
    kept = {rule.name for item in written for rule in denials(item) if not _is_path(rule.name)}
    assert kept <= set(found)
    assert bool(written) <= bool(found)


def _is_path(name: str) -> bool:
    """Whether the rule is about paths, which are rewritten to be relative to a workspace."""
    return name.startswith(("read:", "write:")) and not name.endswith(":*")


@given(_JSON, st.sampled_from([None, 2]))
def test_places_of_any_document_are_those_of_its_values(document: Any, indent: int | None) -> None:
    text = json.dumps(document, indent=indent)
    found = list(values(text))
    assert found[0].path == ()
    for value in found:
        node = document
        for step in value.path:
            node = node[step]
        if value.kind == "string":
            assert node == value.text
        assert (value.kind == "object") == isinstance(node, dict)
        assert (value.kind == "array") == isinstance(node, list)
        line = text.splitlines()[value.line - 1] if "\\u" not in text and text.isascii() else ""
        assert not line or not value.text or json.dumps(node)[:1] in line
