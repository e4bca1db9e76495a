"""What kind of file a path is, by name alone: its language, its exposure, whether it is our own.

Only conventions; contents are looked at by `repository`.
"""

from __future__ import annotations

from pathlib import PurePosixPath

from orchestrate.core.sharing.findings import Exposure

PYTHON = "Python"
UNKNOWN = "Unknown"

#: Languages whose files carry behaviour that nobody here analyses; they are listed as such.
CODE_LANGUAGES: dict[str, str] = {
    ".bash": "Shell", ".sh": "Shell", ".zsh": "Shell", ".fish": "Shell",
    ".bat": "Batch", ".cmd": "Batch", ".ps1": "PowerShell",
    ".c": "C", ".h": "C", ".cc": "C++", ".cpp": "C++", ".cxx": "C++", ".hpp": "C++", ".hh": "C++",
    ".cs": "C#", ".css": "CSS", ".scss": "CSS", ".less": "CSS",
    ".cu": "CUDA", ".dart": "Dart", ".ex": "Elixir", ".exs": "Elixir", ".erl": "Erlang",
    ".f": "Fortran", ".f90": "Fortran", ".go": "Go", ".groovy": "Groovy", ".hs": "Haskell",
    ".html": "HTML", ".htm": "HTML", ".jinja": "HTML", ".jinja2": "HTML", ".j2": "HTML",
    ".java": "Java", ".js": "JavaScript", ".mjs": "JavaScript", ".cjs": "JavaScript",
    ".jsx": "JavaScript", ".ts": "TypeScript", ".tsx": "TypeScript", ".vue": "Vue",
    ".svelte": "Svelte", ".ipynb": "Jupyter notebook", ".jl": "Julia", ".kt": "Kotlin",
    ".lua": "Lua", ".m": "Objective-C", ".mm": "Objective-C", ".ml": "OCaml", ".nim": "Nim",
    ".php": "PHP", ".pl": "Perl", ".pm": "Perl", ".pyx": "Cython", ".pxd": "Cython",
    ".pxi": "Cython", ".r": "R", ".rb": "Ruby", ".rs": "Rust", ".scala": "Scala",
    ".sol": "Solidity", ".sql": "SQL", ".swift": "Swift", ".tf": "Terraform", ".hcl": "Terraform",
    ".vb": "Visual Basic", ".zig": "Zig", ".s": "Assembly", ".asm": "Assembly",
}  # fmt: skip

#: Text without behaviour of its own.
DATA_LANGUAGES: dict[str, str] = {
    ".cfg": "INI", ".ini": "INI", ".conf": "INI", ".properties": "INI", ".env": "INI",
    ".csv": "CSV", ".tsv": "CSV", ".json": "JSON", ".jsonl": "JSON", ".json5": "JSON",
    ".md": "Markdown", ".markdown": "Markdown", ".rst": "reStructuredText", ".txt": "Text",
    ".pyi": "Python stubs", ".svg": "XML", ".xml": "XML", ".xsd": "XML", ".toml": "TOML",
    ".yaml": "YAML", ".yml": "YAML", ".lock": "Text", ".in": "Text", ".tex": "TeX", ".po": "Text",
    ".pot": "Text", ".log": "Text", ".pem": "Key material", ".key": "Key material",
    ".crt": "Key material", ".cer": "Key material", ".asc": "Key material",
}  # fmt: skip

_NAMED_FILES = {"dockerfile": "Dockerfile", "makefile": "Makefile", "gnumakefile": "Makefile"}

_TEST_FOLDERS = {
    "test", "tests", "__tests__", "testdata", "test_data", "test-data", "testsuite", "fixtures",
    "unittests", "unit_tests", "bench", "benches", "benchmark", "benchmarks", "fuzz", "fuzzing",
}  # fmt: skip
_EXAMPLE_FOLDERS = {
    "example", "examples", "sample", "samples", "demo", "demos", "tutorial", "tutorials",
    "playground", "notebooks",
}  # fmt: skip
_DOCS_FOLDERS = {"doc", "docs", "documentation"}
_BUILD_FOLDERS = {
    "scripts", "tools", "ci", ".ci", ".github", ".gitlab", ".circleci", ".azure-pipelines",
    "packaging", "hack", "artwork", "requirements", ".travis", "build_tools",
}  # fmt: skip
_BUILD_FILES = {
    "setup.py", "noxfile.py", "fabfile.py", "dodo.py", "tasks.py", "versioneer.py", "ez_setup.py",
    "wscript", "sconstruct", "setup_helpers.py", "get-pip.py", "bootstrap.py", "release.py",
}  # fmt: skip


def language_of(path: str) -> str:
    """The language `path` is written in by its name; UNKNOWN when the name does not tell."""
    name = PurePosixPath(path).name.lower()
    suffix = PurePosixPath(name).suffix
    if suffix in {".py", ".pyw"}:
        return PYTHON
    stem = name.partition(".")[0]
    if name in _NAMED_FILES or stem == "dockerfile":
        return _NAMED_FILES.get(name, "Dockerfile")
    if name.startswith(".env"):
        return "INI"
    return CODE_LANGUAGES.get(suffix) or DATA_LANGUAGES.get(suffix, UNKNOWN)


def is_code(language: str) -> bool:
    """Whether files in `language` do something when run, so that not reading them matters."""
    return language in _CODE


def exposure_of(path: str) -> Exposure:
    """How far the file at `path` (relative to the root) reaches users, by common conventions.

    A package directly below `src/` or `lib/` is shipped whatever it is called. Benchmarks and
    fuzzers count as tests: they are code that users never run.
    """
    *folders, name = path.lower().split("/")
    if folders and folders[0] in {"src", "lib"}:
        folders = folders[2:]
    if _TEST_FOLDERS.intersection(folders) or _is_test_file(name):
        return "test"
    if any(each.endswith(("_tests", "-tests")) for each in folders):
        return "test"
    if _EXAMPLE_FOLDERS.intersection(folders):
        return "example"
    if _DOCS_FOLDERS.intersection(folders):
        return "docs"
    at_root = not folders
    if (folders and folders[0] in _BUILD_FOLDERS) or (at_root and name in _BUILD_FILES):
        return "build"
    return "shipped"


def _is_test_file(name: str) -> bool:
    stem = name.rpartition(".")[0] or name
    return (
        stem in {"conftest", "tests", "test"} or stem.startswith("test_") or stem.endswith("_test")
    )


_CODE = frozenset(CODE_LANGUAGES.values()) | frozenset(_NAMED_FILES.values())
