"""setup.cfg, and setup.py as a syntax tree: it is never run."""

from __future__ import annotations

import ast
import configparser

from orchestrate.adapters.backends.local.manifests.declared import (
    Lines,
    Manifest,
    Project,
    Scope,
    group_scope,
)
from orchestrate.adapters.backends.local.python_scopes import Scope as NameScope
from orchestrate.adapters.backends.local.python_source import Unparsable, parse

_SETUP_LISTS: dict[str, Scope] = {
    "install_requires": "runtime",
    "requires": "runtime",
    "setup_requires": "build",
    "tests_require": "development",
}


def read_setup_cfg(text: str, path: str) -> Manifest:
    """setup.cfg as setuptools reads it; `attr:` and `file:` values are not followed."""
    manifest, lines = Manifest(path), Lines(text)
    parser = configparser.ConfigParser(interpolation=None, strict=False)
    try:
        parser.read_string(text)
    except configparser.Error as error:
        manifest.troubles.append(f"{path}: {' '.join(str(error).split())[:200]}")
        return manifest
    metadata = dict(parser["metadata"]) if parser.has_section("metadata") else {}
    version = metadata.get("version", "")
    classifiers = [c.strip() for c in metadata.get("classifiers", "").split("\n")]
    manifest.project = Project(
        name=metadata.get("name", ""),
        version="" if ":" in version else version,
        licences=tuple(
            each
            for each in (metadata.get("license", ""), *classifiers)
            if each and (each == metadata.get("license") or each.startswith("License ::"))
        ),
        path=path,
        line=lines.key("version") if version else lines.key("name"),
    )
    for section, key, scope in _cfg_lists(parser):
        for entry in parser[section][key].split("\n"):
            entry = entry.split(" #")[0].strip().rstrip(";").strip()
            if entry and not entry.startswith("#"):
                manifest.require(entry, scope, lines.find(entry))
    return manifest


def _cfg_lists(parser: configparser.ConfigParser) -> list[tuple[str, str, Scope]]:
    found: list[tuple[str, str, Scope]] = []
    if parser.has_section("options"):
        found += [
            ("options", key, s) for key, s in _SETUP_LISTS.items() if key in parser["options"]
        ]
    extras = "options.extras_require"
    if parser.has_section(extras):
        found += [(extras, key, group_scope(key)) for key in parser[extras]]
    return found


def read_setup_py(text: str, path: str) -> Manifest:
    """The literal arguments of `setup(...)`; what is computed there is a trouble, not a guess."""
    manifest = Manifest(path)
    try:
        source = parse(path, text)
    except Unparsable as error:
        manifest.troubles.append(f"{path}: {error}")
        return manifest
    for site in source.sites():
        if isinstance(site.node, ast.Call) and _called(site.node) == "setup":
            _setup_call(manifest, site.node, site.scope)
    return manifest


def _setup_call(manifest: Manifest, call: ast.Call, scope: NameScope) -> None:
    values = {keyword.arg: keyword.value for keyword in call.keywords if keyword.arg}
    licence = _string(values.get("license"), scope)
    classifiers = [text for text, _ in _strings(values.get("classifiers"), scope) or []]
    version = values.get("version")
    manifest.project = Project(
        name=_string(values.get("name"), scope),
        version=_string(version, scope),
        licences=tuple(
            each
            for each in (licence, *classifiers)
            if each and (each == licence or each.startswith("License ::"))
        ),
        path=manifest.path,
        line=version.lineno if version is not None else call.lineno,
    )
    for key, kind in _SETUP_LISTS.items():
        _entries(manifest, key, values.get(key), kind, scope)
    extras = _resolved(values.get("extras_require"), scope)
    if isinstance(extras, ast.Dict):
        for name, value in zip(extras.keys, extras.values, strict=True):
            _entries(manifest, "extras_require", value, group_scope(_string(name, scope)), scope)
    elif extras is not None:
        manifest.troubles.append(f"{manifest.path}:{extras.lineno}: extras_require is computed")


def _entries(
    manifest: Manifest, key: str, value: ast.expr | None, kind: Scope, scope: NameScope
) -> None:
    if value is None:
        return
    entries = _strings(value, scope)
    if entries is None:
        manifest.troubles.append(f"{manifest.path}:{value.lineno}: {key} is computed")
        return
    for text, line in entries:
        for each in text.split("\n"):
            if each.strip():
                manifest.require(each.strip(), kind, line)


def _strings(value: ast.expr | None, scope: NameScope) -> list[tuple[str, int]] | None:
    """The texts of a list with their lines; None when it is computed."""
    value = _resolved(value, scope)
    if value is None:
        return []
    if isinstance(value, ast.Constant):
        return [(value.value, value.lineno)] if isinstance(value.value, str) else []
    if not isinstance(value, ast.List | ast.Tuple | ast.Set):
        return None
    found: list[tuple[str, int]] = []
    for element in value.elts:
        element = _resolved(element, scope) or element
        if not (isinstance(element, ast.Constant) and isinstance(element.value, str)):
            return None
        found.append((element.value, element.lineno))
    return found


def _resolved(value: ast.expr | None, scope: NameScope) -> ast.expr | None:
    """`value`, or what a name that is assigned once stands for."""
    for _ in range(4):
        if not isinstance(value, ast.Name):
            break
        known = scope.single_value(value.id)
        if known is None:
            break
        value, scope = known
    return value


def _string(value: ast.expr | None, scope: NameScope) -> str:
    value = _resolved(value, scope)
    return value.value if isinstance(value, ast.Constant) and isinstance(value.value, str) else ""


def _called(call: ast.Call) -> str:
    if isinstance(call.func, ast.Attribute):
        return call.func.attr
    return call.func.id if isinstance(call.func, ast.Name) else ""
