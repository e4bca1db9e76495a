"""What a repository is made of, as far as its files tell: languages, frameworks, tools, commands.

Names of languages, frameworks and managers come from our own tables, never from the repository.
Commands do come from it, with the place of each; only those that match `is_plain_word` and
`is_plain_source` are kept, because they end in prompts, where other text could speak to the agent.
The sources of everything else are for people and are not put into prompts.
"""

from __future__ import annotations

import re
from typing import Literal

import msgspec

#: What belongs together: languages, the tools that build and test them, and their commands.
Ecosystem = Literal["python", "node", "go", "rust", "java", "other"]
StackKind = Literal["test", "format", "lint", "build"]

#: Words of commands: options, paths and names. No quotes, spaces, `$`, `;`, `|`, `<` or backticks.
_WORD = re.compile(r"[A-Za-z0-9_@%+=:,./*{}~-]{1,120}")
_SOURCE = re.compile(r"[A-Za-z0-9_@+./-]{1,160}:[0-9]{1,7}")
#: A command with more words than this is a script and belongs into one.
MAX_WORDS = 30


class Language(msgspec.Struct, frozen=True):
    """A programming language. `share` is its part, 0 to 1, of the bytes of all code that was
    counted; `source` is the largest of its `files` files."""

    name: str
    share: float
    files: int
    source: str


class Framework(msgspec.Struct, frozen=True):
    """A framework, and where it is named, as `path:line`."""

    name: str
    ecosystem: Ecosystem
    source: str


class PackageManager(msgspec.Struct, frozen=True):
    """What installs dependencies, and the file that tells, as `path:line`."""

    name: str
    ecosystem: Ecosystem
    source: str


class StackCommand(msgspec.Struct, frozen=True):
    """A command as somebody would type it in `folder`, which is relative to the repository."""

    kind: StackKind
    text: str
    source: str
    ecosystem: Ecosystem
    folder: str = "."


class Stack(msgspec.Struct, frozen=True, omit_defaults=True):
    """Languages by share, largest first; the rest in the order in which it was found.

    `notes` say what could not be made out, most with `path:line`. They are text of the
    repository: to be shown to people, never to be put into a prompt.
    """

    languages: tuple[Language, ...] = ()
    frameworks: tuple[Framework, ...] = ()
    managers: tuple[PackageManager, ...] = ()
    commands: tuple[StackCommand, ...] = ()
    notes: tuple[str, ...] = ()

    def commands_for(self, ecosystem: Ecosystem) -> tuple[StackCommand, ...]:
        """Commands of one ecosystem; those of none (make) where it has none of that kind."""
        own = [each for each in self.commands if each.ecosystem == ecosystem]
        kinds = {each.kind for each in own}
        shared = [
            each for each in self.commands if each.ecosystem == "other" and each.kind not in kinds
        ]
        return (*own, *shared)

    def frameworks_for(self, ecosystem: Ecosystem) -> tuple[Framework, ...]:
        """Frameworks of one ecosystem."""
        return tuple(each for each in self.frameworks if each.ecosystem == ecosystem)

    def managers_for(self, ecosystem: Ecosystem) -> tuple[PackageManager, ...]:
        """Package managers of one ecosystem."""
        return tuple(each for each in self.managers if each.ecosystem == ecosystem)


NO_STACK = Stack()


def is_plain_word(word: str) -> bool:
    """Whether a word of a command can be put into a prompt: one word, without quotes in it."""
    return _WORD.fullmatch(word) is not None


def is_plain_source(source: str) -> bool:
    """Whether a place `path:line` can be put into a prompt."""
    return _SOURCE.fullmatch(source) is not None


def is_plain_command(words: tuple[str, ...]) -> bool:
    """Whether the words of a command can be put into a prompt."""
    return 0 < len(words) <= MAX_WORDS and all(map(is_plain_word, words))
