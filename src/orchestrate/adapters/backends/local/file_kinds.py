"""Whether a file or folder is the project's own, hand-written text."""

from __future__ import annotations

import codecs
import re

from orchestrate.adapters.backends.local.languages import (
    PYTHON,
    UNKNOWN,
    is_code,
    language_of,
)
from orchestrate.adapters.backends.local.own_files import is_own_file

#: Average characters a line beyond which a text was not written by hand.
MINIFIED_AVERAGE = 400

VERSION_CONTROL = {".git", ".hg", ".svn", ".bzr", "CVS"}
_VENDORED = {"node_modules", "bower_components", "vendor", "vendored", "_vendor", "_vendored",
             "third_party", "third-party", "site-packages"}  # fmt: skip
_CACHES = {"__pycache__", ".mypy_cache", ".pytest_cache", ".ruff_cache", ".hypothesis", ".cache",
           ".ipynb_checkpoints"}  # fmt: skip
_TOOL_ENVIRONMENTS = {".tox", ".nox", ".eggs"}
_BUILD_OUTPUT = {"build", "dist", "_build", "htmlcov"}
_GENERATED_NAMES = re.compile(r"(_pb2(_grpc)?\.pyi?|\.min\.(js|css)|_generated\.py)$")
_GENERATED_MARK = re.compile(
    r"@generated\b|generated\b.*\bdo not (edit|modify)|do not (edit|modify)\b.*\bgenerated",
    re.IGNORECASE | re.DOTALL,
)
_PYTHON_SHEBANG = re.compile(rb"^#![^\n]*\bpython[0-9.]*\b")


def skipped_folder(name: str, names: set[str], prefix: str) -> str:
    """Why a folder is not walked, or "": its name, the names in it, and the path it is in."""
    if names & VERSION_CONTROL:
        return "submodule or nested repository, a project of its own"
    if "pyvenv.cfg" in names or name in _TOOL_ENVIRONMENTS:
        return "virtual environment"
    if name in _VENDORED:
        return "vendored code of other projects"
    if name in _CACHES:
        return "cache"
    if name in _BUILD_OUTPUT and "__init__.py" not in names and not prefix.startswith("src/"):
        return "build output"
    return ""


def classify(path: str, data: bytes) -> tuple[str, str]:
    """Why the file cannot be examined (or "") and its language."""
    language = language_of(path)
    if language == UNKNOWN and _PYTHON_SHEBANG.match(data):
        language = PYTHON
    if b"\0" in data[:8192] and not data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "binary", language
    if is_own_file(path, data):
        return "report or baseline of orchestrate", language
    if _GENERATED_NAMES.search(path) or _is_marked_generated(data):
        return "generated", language
    if (language == PYTHON or is_code(language)) and _is_minified(data):
        return "minified", language
    return "", language


def _is_marked_generated(data: bytes) -> bool:
    """Whether a comment in the first ten lines says so; strings do not count."""
    head = data[:2000].split(b"\n")[:10]
    comments = [line for line in head if line.lstrip().startswith((b"#", b"//", b"/*", b"*"))]
    return bool(_GENERATED_MARK.search(b" ".join(comments).decode("latin-1")))


def _is_minified(data: bytes) -> bool:
    return len(data) > 20 * MINIFIED_AVERAGE and len(data) / line_count(data) > MINIFIED_AVERAGE


def line_count(data: bytes) -> int:
    """Lines of `data`, whatever ends them."""
    ends = data.count(b"\n") + (data.count(b"\r") - data.count(b"\r\n"))
    return ends + (1 if data and not data.endswith((b"\n", b"\r")) else 0)
