"""What the reader of agent files has to say: one warning per repair, one error per refusal.

Each code has one sentence here; docs/reference/agent-files.md lists them all.
"""

from __future__ import annotations

from orchestrate.core.agents.profile import ProfileWarning
from orchestrate.errors import DefinitionError

#: Code -> what was read, and what to write instead.
REPAIRS: dict[str, str] = {
    "byte-order-mark": "byte order mark skipped; save the file as UTF-8 without one",
    "encoding": "not UTF-8, read as {encoding}; save the file as UTF-8",
    "control-character": "control character {character} read as a space; delete it",
    "front-matter-not-first": "text before the front matter ignored; begin the file with ---",
    "indented-front-matter": "front matter is indented; begin its lines at column 1",
    "code-fence": "file is wrapped in a code fence; remove the ``` lines around it",
    "missing-opening-fence": "front matter has no opening fence; put a line --- before it",
    "unclosed-front-matter": "front matter is not closed, read up to line {last}; "
    "put a line --- after it",
    "glued-fence": "the closing --- stands at the end of a value; put it on its own line",
    "odd-fence": "{fence} read as the fence ---; write exactly three hyphens",
    "second-front-matter": "a second front matter was left in the body; remove it",
    "reserved-character": "a value cannot start with {character}; put it in quotes",
    "unquoted-colon": "the value contains a colon followed by a space; put it in quotes",
    "text-after-quote": "text follows the closing quote; quote the whole value or none of it",
    "unclosed-quote": "the quote is not closed, read to the end of the value; close it",
    "bad-escape": "{escape} is no escape in double quotes, backslashes kept; use single quotes",
    "stray-bracket": "{character} does not begin a valid list or map here, read as text; "
    "quote the value, or quote the items",
    "unreadable-value": "not valid YAML ({problem}), read as plain text; put it in quotes",
    "tab-indentation": "indented with a tab; use spaces",
    "missing-space": "no space after the colon; write `{key}: value`",
    "indentation": "`{key}` is not aligned with the other keys; begin it in their column",
    "stray-line": "line belongs to no key, ignored; remove it, or begin it with #",
    "duplicate-key": "`{key}` was given before, this one is ignored; keep one of them",
    "key-spelling": "`{written}` read as `{key}`; write `{key}`",
    "name-rewritten": "a name has only a-z 0-9 - _ . and at most 64 characters, read as "
    "`{name}`; write that",
    "literal-newline": "\\n outside double quotes is two characters, read as a line break; "
    "use `{key}: |` with indented lines",
    "value-not-text": "`{key}` should be text, the source text is used; put it in quotes",
    "value-not-number": "`{key}` should be {expected}, kept as an unknown key; write a number",
    "value-not-list": "`{key}` should be a list of names; what is not a name is kept as an "
    "unknown key",
    "value-not-map": "`{key}` is not a map, kept as an unknown key; write {expected} below it",
    "empty-value": "`{key}` has no value, read as not given; remove it or give it a value",
    "tools-map": "tools given as a map: those that are true are allowed, those that are false "
    "are disallowed; write a list",
    "tag-ignored": "YAML tag {tag} ignored; remove it",
}

#: Code -> (what is wrong, what to do).
REFUSALS: dict[str, tuple[str, str]] = {
    "unreadable": ("the file cannot be read: {reason}", "check that it exists and is readable"),
    "not-a-file": ("this is not a regular file", "name a Markdown file"),
    "too-large": ("the file is larger than {limit} bytes", "shorten it"),
    "empty": ("the file is empty", "begin it with front matter: ---, name, description, ---"),
    "binary": ("the file is binary: {reason}", "save it as UTF-8 text"),
    "no-front-matter": (
        "no front matter, so this is not an agent file",
        "begin the file with ---, name: ..., description: ..., ---",
    ),
    "front-matter-too-large": (
        "the front matter is longer than {limit} characters",
        "move text into the body",
    ),
    "not-a-mapping": ("the front matter has no keys", "write `name: ...` and `description: ...`"),
    "too-deep": ("values are nested more than {limit} deep", "flatten them"),
    "too-many-values": (
        "more than {limit} values or {characters} characters, anchors expanded",
        "remove some",
    ),
    "slash-command": (
        "this is a slash command (it has `{key}` and no name), not an agent",
        "keep it among the commands, or add `name: ...`",
    ),
    "no-name": ("the agent has no name", "add `name: ...` to the front matter"),
    "bad-name": ("nothing of {written} can be a name", "use the characters a-z 0-9 - _ ."),
    "no-description": (
        "the agent has no description",
        "add `description: ...`, saying when to use it{hint}",
    ),
    "too-many-files": (
        "more than {limit} files and folders, the rest is not searched",
        "keep agent files in a folder of their own",
    ),
}


class ProfileError(DefinitionError):
    """An agent file that cannot be used.

    Attributes:
        path: the file as it was named to the reader.
        line: 1-based line, 0 when the file as a whole is at fault.
        column: 1-based column, 0 when the file as a whole is at fault.
        code: a key of `REFUSALS`.
        problem: what is wrong, without the position.
    """

    def __init__(
        self, problem: str, *, path: str, line: int, column: int, code: str, remedy: str
    ) -> None:
        place = f"{path}:{line}:{column}" if line else path
        super().__init__(f"{place}: {problem}", remedy=remedy)
        self.path = path
        self.line = line
        self.column = column
        self.code = code
        self.problem = problem


class ProfileNotes:
    """Collects the warnings about one file and makes its errors."""

    def __init__(self, path: str) -> None:
        self.path = path
        self._warnings: list[ProfileWarning] = []

    def warn(self, code: str, line: int, column: int = 1, **facts: object) -> None:
        """Add a warning; `facts` fill the sentence of `code`."""
        message = REPAIRS[code].format(**facts)
        self._warnings.append(ProfileWarning(line, column, code, message))

    def refuse(self, code: str, line: int, column: int = 1, **facts: object) -> ProfileError:
        """The error to raise; `facts` fill the sentences of `code`."""
        problem, remedy = REFUSALS[code]
        return ProfileError(
            problem.format(**facts),
            path=self.path,
            line=line,
            column=column if line else 0,
            code=code,
            remedy=remedy.format(**facts),
        )

    def adopt(self, other: ProfileNotes) -> None:
        """Take over the warnings of `other`."""
        self._warnings += other._warnings

    def warnings(self) -> tuple[ProfileWarning, ...]:
        """All warnings, in the order of their places."""
        return tuple(sorted(self._warnings, key=lambda each: (each.line, each.column, each.code)))
