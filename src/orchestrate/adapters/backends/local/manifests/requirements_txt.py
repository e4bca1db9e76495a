"""pip's requirements files and conda's environment files."""

from __future__ import annotations

import re
import shlex

from orchestrate.adapters.backends.local.manifests.declared import Manifest, file_scope

_COMMENT = re.compile(r"(^|\s)#.*$")
#: Per-requirement options, with their values; hashes do not change what is required.
_OPTIONS = re.compile(r"\s--?[A-Za-z][\w-]*(=|\s+)\S+")
_INCLUDE = re.compile(r"^(-r|--requirement)\s*=?\s*(?P<file>.+)$")
_CONSTRAINT = re.compile(r"^(-c|--constraint)\s*=?\s*(?P<file>.+)$")
_EGG = re.compile(r"[#&]egg=([A-Za-z0-9._-]+)")
_PIP_SECTION = re.compile(r"^(\s*)-\s+pip:\s*$")
_ITEM = re.compile(r"^(\s*)-\s+(.*)$")


def read_requirements(text: str, path: str) -> Manifest:
    """A requirements file: continuation lines, comments, hashes and includes understood.

    Constraints files are not dependencies and are not followed.
    """
    manifest = Manifest(path)
    scope = file_scope(path)
    for line, entry in _logical_lines(text):
        include = _INCLUDE.match(entry)
        if include:
            manifest.includes.append(_unquoted(include["file"]))
        elif _CONSTRAINT.match(entry):
            manifest.troubles.append(f"{path}:{line}: constraints are not applied")
        elif entry.startswith(("-e", "--editable", "git+", "hg+", "svn+", "bzr+", "http", "file:")):
            _by_address(manifest, entry, line)
        elif entry.startswith("-"):
            continue  # an option of pip: index, hash policy and so on
        elif entry.startswith((".", "/")):
            continue  # a folder or archive of the repository itself
        else:
            manifest.require(_OPTIONS.sub("", entry).strip(), scope, line)
    return manifest


def read_environment(text: str, path: str) -> Manifest:
    """The `pip:` list of a conda environment file; conda's own packages are not on PyPI."""
    manifest = Manifest(path)
    indent: int | None = None
    for number, line in enumerate(text.split("\n"), start=1):
        section = _PIP_SECTION.match(line)
        item = _ITEM.match(line)
        if section:
            indent = len(section[1])
        elif indent is not None and item and len(item[1]) > indent:
            entry = _COMMENT.sub("", item[2]).strip().strip("\"'")
            if entry and not entry.startswith("-"):
                manifest.require(entry, "runtime", number)
        elif indent is not None and line.strip() and not line.lstrip().startswith("#"):
            indent = None
    return manifest


def _logical_lines(text: str) -> list[tuple[int, str]]:
    joined: list[tuple[int, str]] = []
    pending, first = "", 0
    for number, line in enumerate(text.split("\n"), start=1):
        first = first or number
        if line.rstrip().endswith("\\"):
            pending += line.rstrip()[:-1] + " "
            continue
        entry = _COMMENT.sub("", pending + line).strip()
        if entry:
            joined.append((first, entry))
        pending, first = "", 0
    if pending.strip():
        joined.append((first, _COMMENT.sub("", pending).strip()))
    return joined


def _by_address(manifest: Manifest, entry: str, line: int) -> None:
    egg = _EGG.search(entry)
    if egg:
        manifest.require(f"{egg[1]} @ https://unknown.invalid", file_scope(manifest.path), line)
    elif "://" in entry:
        manifest.troubles.append(f"{manifest.path}:{line}: an address does not tell the version")


def _unquoted(text: str) -> str:
    try:
        return " ".join(shlex.split(text))
    except ValueError:
        return text.strip()
