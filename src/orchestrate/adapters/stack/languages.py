"""Languages of a repository by the bytes of their files."""

from __future__ import annotations

from collections import defaultdict
from pathlib import PurePosixPath

from orchestrate.adapters.stack.tree import Tree
from orchestrate.core.agents.stack import Language

#: Suffix -> language. Markup, style sheets, data and documents are not counted as code.
_SUFFIXES = {
    suffix: language
    for language, suffixes in {
        "python": (".py", ".pyw", ".pyi"),
        "typescript": (".ts", ".tsx", ".mts", ".cts"),
        "javascript": (".js", ".jsx", ".mjs", ".cjs"),
        "go": (".go",),
        "rust": (".rs",),
        "java": (".java",),
        "kotlin": (".kt", ".kts"),
        "scala": (".scala",),
        "c": (".c", ".h"),
        "cpp": (".cc", ".cpp", ".cxx", ".hpp", ".hh"),
        "csharp": (".cs",),
        "ruby": (".rb",),
        "php": (".php",),
        "swift": (".swift",),
        "elixir": (".ex", ".exs"),
        "shell": (".sh", ".bash", ".zsh"),
        "sql": (".sql",),
    }.items()
    for suffix in suffixes
}
#: Single-file components, most of which is script.
_COMPONENTS = (".vue", ".svelte")


def find_languages(tree: Tree) -> tuple[Language, ...]:
    """Languages by share, largest first; of equal ones the first by name."""
    files: dict[str, list[tuple[int, str]]] = defaultdict(list)
    for path, size in tree.sizes.items():
        language = _language(path)
        if language:
            files[language].append((size, path))
    total = sum(size for sizes in files.values() for size, _ in sizes)
    if not total:
        return ()
    found = [
        Language(
            name=name,
            share=round(sum(size for size, _ in sizes) / total, 4),
            files=len(sizes),
            source=min(sizes, key=lambda each: (-each[0], each[1]))[1],
        )
        for name, sizes in files.items()
    ]
    return tuple(sorted(found, key=lambda each: (-each.share, each.name)))


def _language(path: str) -> str:
    pure = PurePosixPath(path)
    if pure.name.endswith((".min.js", ".bundle.js", "_pb2.py", ".pb.go")):
        return ""  # made by a tool
    if pure.suffix in _COMPONENTS:
        return "javascript"
    return _SUFFIXES.get(pure.suffix.lower(), "")
