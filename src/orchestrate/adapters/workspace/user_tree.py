"""The user's own folder: looked at, never touched.

What is looked at goes through a git folder of ours with a copy of the user's index, so that git
refreshes the copy. Of the user's configuration only values are taken over that say how files and
contents correspond; those that name programs are not.
"""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from orchestrate.adapters.workspace.git import Git
from orchestrate.adapters.workspace.skeleton import AS_IS, Skeleton
from orchestrate.adapters.workspace.staging import copy_index
from orchestrate.adapters.workspace.store import Store

_TAKEN_OVER = (
    "core.autocrlf",
    "core.eol",
    "core.filemode",
    "core.symlinks",
    "core.ignorecase",
    "core.precomposeunicode",
    "core.attributesfile",
    "core.checkstat",
    "core.trustctime",
    "core.sparsecheckout",
    "core.sparsecheckoutcone",
)
_LOOKED_AT = r"^(core\..*|extensions\.partialclone|remote\..*\.promisor|filter\..*)$"
_CONFIG_VARIABLES = (
    "HOME",
    "XDG_CONFIG_HOME",
    "GIT_CONFIG_GLOBAL",
    "GIT_CONFIG_SYSTEM",
    "GIT_CONFIG_NOSYSTEM",
)


@dataclass(frozen=True)
class UserTree:
    """`root` is the folder, `git_dir` its common git folder, None without git.

    `home` is a folder of ours for what is needed for a moment. `ours` are folders that are never
    part of the user's files, should they lie among them.
    """

    root: Path
    git_dir: Path | None
    home: Path
    ours: tuple[Path, ...] = ()

    @property
    def entry(self) -> Path | None:
        """The git folder of this very working tree, where HEAD and the index are."""
        if self.git_dir is None:
            return None
        link = self.root / ".git"
        if link.is_file():
            match = re.match(rb"gitdir: (.+)", link.read_bytes())
            if match is not None:
                return (self.root / os.fsdecode(match[1].rstrip(b"\r\n"))).resolve()
        return self.git_dir

    def settings(self) -> dict[str, str]:
        """The user's configuration, as far as anything here asks for it; later values win."""
        if self.entry is None:
            return {}
        variables = {name: os.environ.get(name) for name in _CONFIG_VARIABLES}
        code, output, _ = Git(self.entry).attempt(
            *("config", "-z", "--show-scope", "--type=path", "--get-regexp", _LOOKED_AT),
            env=variables,
        )
        words = output.decode("utf-8", "surrogateescape").split("\0") if code == 0 else []
        found = {}
        for scope, entry in zip(words[::2], words[1::2], strict=False):
            key, given, value = entry.partition("\n")
            if scope != "command":  # these are our own options
                found[key] = value if given else "true"
        return found

    def filters(self, settings: dict[str, str]) -> tuple[str, ...]:
        """Names of the content filters that the user has set up."""
        names = {
            key.split(".", 1)[1].rpartition(".")[0] for key in settings if key[:7] == "filter."
        }
        return tuple(sorted(name for name in names if name))

    def excludes(self, settings: dict[str, str]) -> bytes:
        """The ignore rules that are not among the files, the ones that count least first."""
        hidden = b"".join(
            b"/%s/\n" % ignore_rule(os.fsencode(folder.relative_to(self.root)))
            for folder in self.ours
            if folder != self.root and folder.is_relative_to(self.root)
        )
        if self.git_dir is None:
            return hidden
        named = settings.get("core.excludesfile")
        general = _read(Path(named) if named else _config_home() / "ignore")
        return general + b"\n" + _read(self.git_dir / "info" / "exclude") + b"\n" + hidden

    @contextmanager
    def view(self, store: Store, *, indexed: bool = True) -> Iterator[Git]:
        """Git on the user's files with a copy of the user's index, for the length of a block."""
        self.home.mkdir(parents=True, exist_ok=True, mode=0o700)
        settings = self.settings()
        with tempfile.TemporaryDirectory(prefix="view-", dir=self.home) as name:
            folder = Path(name)
            Skeleton(
                store.object_format,
                excludes=self.excludes(settings),
                attributes=self._attributes(),
                shallow=store.shallow(),
            ).write(folder)
            if indexed:
                self._copy_index(folder)
            yield Git(
                folder,
                objects=store.objects,
                work=self.root,
                index=folder / "index",
                config=self._correspondence(settings),
            )

    def _attributes(self) -> bytes:
        return AS_IS if self.git_dir is None else _read(self.git_dir / "info" / "attributes")

    def _copy_index(self, folder: Path) -> None:
        if self.entry is None:
            return
        for source in [self.entry / "index", *self.entry.glob("sharedindex.*")]:
            if source.is_file():
                copy_index(source, folder / source.name)

    def _correspondence(self, settings: dict[str, str]) -> dict[str, str]:
        if self.git_dir is None:
            return {}
        taken = {key: settings[key] for key in _TAKEN_OVER if key in settings}
        taken.setdefault("core.attributesfile", os.fspath(_config_home() / "attributes"))
        return taken


def ignore_rule(path: bytes) -> bytes:
    """`path` with what has a meaning in ignore rules taken literally."""
    return re.sub(rb"([\\*?\[\] !#])", rb"\\\1", path)


def _config_home() -> Path:
    named = os.environ.get("XDG_CONFIG_HOME")
    return (Path(named) if named else Path(os.environ.get("HOME", "/")) / ".config") / "git"


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes() if path.is_file() else b""
    except OSError:
        return b""
