"""What a run starts from: HEAD, or the user's files as they are now."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from orchestrate.adapters.workspace.git import Git, shown, some
from orchestrate.adapters.workspace.staging import Differences, differences, stage, without
from orchestrate.adapters.workspace.states import (
    filtered,
    is_partial,
    require_complete,
    require_settled,
    submodules,
    under_way,
)
from orchestrate.adapters.workspace.store import Store, ref_name
from orchestrate.adapters.workspace.user_tree import UserTree
from orchestrate.errors import RequestError
from orchestrate.ports.workspace import Base, BaseChoice

_MESSAGE = "Files as they were when the run started\n"


@dataclass(frozen=True)
class Bases:
    """Decides bases of runs on `tree`, and keeps them in `store`."""

    tree: UserTree
    store: Store
    limit_bytes: int

    def choose(self, run: str, choice: BaseChoice, at: float) -> Base:
        """Decide and pin; see `Workspaces.base`."""
        ref = ref_name(run, "base")
        self.store.reload()
        self.store.require_writable()
        head, branch = self._head()
        include = choice == "working-tree" or self.tree.git_dir is None
        if not include and not head:
            raise RequestError(
                f"{self.tree.root} has no commit yet, so there is no HEAD to start from",
                remedy="make a first commit, or start from the working tree",
            )
        with self.tree.view(self.store) as git:
            operation = under_way(self.tree.entry)
            found = differences(git)
            changes = self._changes(git, found, head)
            special = filtered(git, [*git.names("ls-files", "-z"), *found.present])
            kept = without(found, special)
            if include:
                require_settled(git, operation)
                commit = self._commit(git, kept, head, at)
            else:
                commit = head
        settings = self.tree.settings()
        if is_partial(settings):
            require_complete(self.store, commit)
        self.store.pin(ref, commit)
        untaken = sorted(set(found.present + found.missing) & set(special)) if include else []
        notes = (
            *self._notes(operation if not include else "", commit, settings),
            *_left_out(found, special, untaken, include),
        )
        return Base(commit, head, branch, changes, include, notes)

    def _head(self) -> tuple[str, str]:
        """HEAD's commit, empty before the first one, and its branch, empty when detached."""
        if self.tree.entry is None:
            return "", ""
        git = Git(self.tree.entry)
        _, commit, _ = git.attempt("rev-parse", "--verify", "--quiet", "HEAD")
        _, branch, _ = git.attempt("symbolic-ref", "--quiet", "--short", "HEAD")
        head = commit.decode().strip()
        if head:
            self.store.tree(head)
        return head, shown(branch).strip()

    def _changes(self, git: Git, found: Differences, head: str) -> tuple[str, ...]:
        if head:
            staged = git.names("diff-index", "--cached", "--name-only", "--no-renames", "-z", head)
        else:
            staged = git.names("ls-files", "-z")
        return tuple(sorted(shown(name) for name in {*staged, *found.present, *found.missing}))

    def _commit(self, git: Git, found: Differences, head: str, at: float) -> str:
        stage(git, found, self.limit_bytes)
        tree = git.line("write-tree")
        if head and tree == self.store.tree(head):
            return head
        return self.store.commit(tree, [head] if head else [], _MESSAGE, at)

    def _notes(self, operation: str, commit: str, settings: dict[str, str]) -> Iterator[str]:
        if self.tree.git_dir is None:
            yield "the folder has no git: it is copied as it is, and the result will be a patch"
        if operation:
            yield f"a {operation} is in progress; the run starts where HEAD is now"
        if self.store.shallow():
            yield "the repository is a shallow clone: workspaces have as little history as it has"
        if is_partial(settings):
            yield "the repository is a partial clone: older contents are not in workspaces"
        if settings.get("core.sparsecheckout", "false").lower() in ("true", "1", "yes", "on"):
            yield "folders left out of the sparse checkout are in workspaces as HEAD has them"
        linked = submodules(self.store, commit)
        if linked:
            yield f"submodules are empty folders in workspaces: {some(linked)}"


def _left_out(
    found: Differences, special: dict[bytes, str], untaken: list[bytes], include: bool
) -> Iterator[str]:
    if special:
        names = ", ".join(sorted(set(special.values())))
        yield f"files of the filter {names} stay as they are stored (pointers): {some(special)}"
    if untaken:
        yield f"changes of files with a filter are not included: {some(untaken)}"
    if include and found.nested:
        yield f"repositories inside the folder are left out: {some(found.nested)}"
