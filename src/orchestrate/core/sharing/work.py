"""What a writing attempt delivers: a commit, what it touches, and how to prove it."""

from __future__ import annotations

import msgspec


class Proof(msgspec.Struct, frozen=True, omit_defaults=True):
    """A command that has to fail before the work and pass after it.

    `argv` is run in a checkout; `{python}` in it stands for the interpreter of the project's test
    environment. `files` are paths, relative to the repository, that the work brings along for the
    proof: for the run before, they are laid over the base. `name` says what is proven.
    """

    name: str
    argv: tuple[str, ...]
    files: tuple[str, ...] = ()


class Work(msgspec.Struct, frozen=True, omit_defaults=True):
    """A commit made from everything an attempt changed in its workspace.

    `base` is the commit it started from, an ancestor of `commit`; `tree` is the commit's tree.
    `paths` are the files it touches, relative to the repository, sorted. `added` and `removed`
    count lines of text; `binaries` counts files that have none.
    """

    commit: str
    base: str
    tree: str
    paths: tuple[str, ...] = ()
    added: int = 0
    removed: int = 0
    binaries: int = 0
    proofs: tuple[Proof, ...] = ()


class Conflict(msgspec.Struct, frozen=True, omit_defaults=True):
    """One file that two lines of work changed in ways git cannot join.

    The three versions are blob ids, empty where a side has no such file. `kind` is git's own word
    (content, add/add, modify/delete, …).
    """

    path: str
    kind: str = "content"
    base: str = ""
    ours: str = ""
    theirs: str = ""
