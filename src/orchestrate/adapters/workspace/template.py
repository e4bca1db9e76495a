"""What the git folders of workspaces are written with."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from orchestrate.adapters.workspace.skeleton import AS_IS, Skeleton
from orchestrate.adapters.workspace.store import Store
from orchestrate.adapters.workspace.user_tree import UserTree


@dataclass
class Template:
    """Git folders for workspaces of `tree`, whose commits are in `store`.

    The user's configuration and tags are read once, and again after `forget`.
    """

    tree: UserTree
    store: Store
    _read: tuple[bytes, bytes, tuple[str, ...]] | None = field(default=None, repr=False)

    def forget(self) -> None:
        """Read the user's configuration anew the next time."""
        self._read = None

    def control(self, *, sparse: bool = False) -> Skeleton:
        """A git folder of ours for a workspace's files."""
        excludes, _, _ = self._of_the_user()
        return Skeleton(
            self.store.object_format,
            excludes=excludes,
            # Without git nothing says that contents are to be converted, not even attributes.
            attributes=AS_IS if self.tree.git_dir is None else b"",
            shallow=self.store.shallow(),
            sparse=sparse,
        )

    def clone(self, head: str) -> Skeleton:
        """The git folder an attempt sees. The user's tags are there for tools that ask for them."""
        _, tags, filters = self._of_the_user()
        return replace(
            self.control(),
            head=head,
            alternates=self.store.stores(),
            tags=tags,
            filters=filters,
        )

    def _of_the_user(self) -> tuple[bytes, bytes, tuple[str, ...]]:
        if self._read is None:
            settings = self.tree.settings()
            tags = self.store.refs.run(
                "for-each-ref", "--format=%(objectname) %(refname)", "refs/tags"
            )
            self._read = self.tree.excludes(settings), tags, self.tree.filters(settings)
        return self._read
