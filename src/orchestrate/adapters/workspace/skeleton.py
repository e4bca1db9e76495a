"""Writing git folders by hand: quicker than `git init`, and nothing in them is a surprise."""

from __future__ import annotations

import os
import platform
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from orchestrate.adapters.workspace.git import AUTHOR, EMAIL, quoted

#: Attributes of the highest precedence: files go into the store and come out byte by byte.
AS_IS = b"* !text !eol !ident !filter !working-tree-encoding\n"


@dataclass(frozen=True)
class Skeleton:
    """What a git folder is written with.

    `head` is the contents of HEAD. `excludes` and `attributes` are rules in addition to those
    among the files (gitignore, gitattributes). `shallow` lists commits whose parents are missing,
    one a line, and `tags` are refs, one a line. `filters` are drivers to be made ineffective.
    """

    object_format: str
    head: str = "ref: refs/heads/none\n"
    alternates: tuple[Path, ...] = ()
    excludes: bytes = b""
    attributes: bytes = b""
    shallow: bytes = b""
    tags: bytes = b""
    bare: bool = False
    sparse: bool = False
    filters: tuple[str, ...] = ()
    extra: Mapping[str, str] = field(default_factory=dict)

    def write(self, git_dir: Path) -> None:
        """Write it into `git_dir`, which is made, or written anew if it is one of ours."""
        for folder in ("objects/info", "refs/heads", "info"):
            (git_dir / folder).mkdir(parents=True, exist_ok=True)
        (git_dir / "HEAD").write_text(self.head, "utf-8")
        (git_dir / "config").write_text(self._config(), "utf-8")
        stores = "".join(f"{quoted(store)}\n" for store in self.alternates)
        for name, data in (
            ("info/exclude", self.excludes),
            ("info/attributes", self.attributes),
            ("shallow", self.shallow),
            ("packed-refs", self.tags),
            ("objects/info/alternates", os.fsencode(stores)),
        ):
            if data:
                (git_dir / name).write_bytes(data)
            else:
                (git_dir / name).unlink(missing_ok=True)

    def _config(self) -> str:
        values = {
            "core.repositoryFormatVersion": "1" if self.object_format != "sha1" else "0",
            "core.bare": "true" if self.bare else "false",
            "core.fileMode": "true",
            "core.autocrlf": "false",
            "core.safecrlf": "false",
            "core.attributesFile": os.devnull,
            "core.excludesFile": os.devnull,
            "core.hooksPath": os.devnull,
            "core.fsmonitor": "false",
            "core.logAllRefUpdates": "false",
            "user.name": AUTHOR,
            "user.email": EMAIL,
            "commit.gpgSign": "false",
            "tag.gpgSign": "false",
            "gc.auto": "0",
            "maintenance.auto": "false",
            "merge.conflictStyle": "diff3",
            "merge.renameLimit": "7000",
            **_platform(),
            **self.extra,
        }
        if self.object_format != "sha1":
            values["extensions.objectFormat"] = self.object_format
        if self.sparse:
            values |= {"core.sparseCheckout": "true", "core.sparseCheckoutCone": "true"}
        for name in self.filters:
            # An empty command is none, so files go through unchanged; git treats it so throughout.
            values |= {f"filter.{name}.{part}": "" for part in ("clean", "smudge", "process")}
            values[f"filter.{name}.required"] = "false"
        return "".join(_entries(values))


def _platform() -> dict[str, str]:
    if platform.system() != "Darwin":
        return {}
    return {"core.ignoreCase": "true", "core.precomposeUnicode": "true"}


def _entries(values: Mapping[str, str]) -> Iterable[str]:
    for name, value in values.items():
        section, _, key = name.partition(".")
        middle, _, last = key.rpartition(".")
        title = f'{section} "{_escaped(middle)}"' if middle else section
        yield f'[{title}]\n\t{last} = "{_escaped(value)}"\n'


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def has_object_store(git_dir: Path) -> bool:
    """Whether `git_dir` is a folder with a real object folder in it, neither being a link."""
    return all(
        place.is_dir() and not place.is_symlink() for place in (git_dir, git_dir / "objects")
    )


def alternates_of(objects: Path) -> tuple[Path, ...]:
    """The object stores behind `objects`, made absolute: git ignores relative ones further down."""
    found: list[Path] = []
    waiting = [objects]
    while waiting:
        store = waiting.pop()
        try:
            lines = (store / "info" / "alternates").read_bytes().splitlines()
        except OSError:
            continue
        for line in lines:
            if line and not line.startswith(b"#"):
                other = Path(os.path.normpath(store / os.fsdecode(_unquoted(line))))
                if other not in found and other != objects:
                    found.append(other)
                    waiting.append(other)
    return tuple(found)


def _unquoted(line: bytes) -> bytes:
    if not (line.startswith(b'"') and line.endswith(b'"') and len(line) > 1):
        return line
    return re.sub(rb"\\([0-7]{3}|.)", _character, line[1:-1])


def _character(escape: re.Match[bytes]) -> bytes:
    code = escape[1]
    if len(code) == 3:
        return bytes([int(code, 8) & 0xFF])
    return {b"n": b"\n", b"t": b"\t", b"r": b"\r"}.get(code, code)
