"""What the engine saw when it ran a command of the repository, and what follows from it.

Verdicts are `passed`, `failed` and `unknown`. Unknown means that nothing was learnt: the command
could not be run, was cut off, tested something else than this code, or could not reach what it
needed. Unknown never passes.
"""

from __future__ import annotations

from typing import Literal

import msgspec

EvidenceKind = Literal["test", "coverage", "lint", "build", "benchmark", "command"]
Verdict = Literal["passed", "failed", "unknown"]
#: What was done when a test failed: loading its file, preparing it, the test itself, clearing up.
Stage = Literal["load", "setup", "call", "teardown"]


class CheckCommand(msgspec.Struct, frozen=True, omit_defaults=True):
    """A command of the repository that the engine knows how to run and to read.

    `runner` names the tool (pytest, unittest, tox, nox, npm, pnpm, yarn, vitest, jest, node, go,
    cargo, make, shell); it decides how the output is read. `{python}` in `argv` stands for the
    interpreter of the project's environment, `{report}` for a folder that reports go to.
    `folder` is relative to the repository. `source` says where it was found, as `path:line`.
    """

    kind: EvidenceKind
    runner: str
    argv: tuple[str, ...]
    folder: str = "."
    env: dict[str, str] = {}
    source: str = ""
    timeout_s: float = 1800.0


class Counts(msgspec.Struct, frozen=True, omit_defaults=True):
    """Tests by outcome. Flaky ones are counted as passed and named apart."""

    passed: int = 0
    failed: int = 0
    errors: int = 0
    skipped: int = 0
    xfailed: int = 0
    xpassed: int = 0

    @property
    def total(self) -> int:
        """All tests that were reported."""
        return self.passed + self.failed + self.errors + self.skipped + self.xfailed + self.xpassed


class Coverage(msgspec.Struct, frozen=True, omit_defaults=True):
    """Lines that can be covered and are, in all and by file (path -> (covered, all))."""

    covered: int
    lines: int
    files: dict[str, tuple[int, int]] = {}

    @property
    def percent(self) -> float:
        """0 to 100; 100 of nothing."""
        return 100.0 * self.covered / self.lines if self.lines else 100.0


class Failure(msgspec.Struct, frozen=True, omit_defaults=True):
    """How one test failed, as far as its runner tells.

    `error` is the name of the exception's type, empty when nobody knows it, and `message` its first
    line. `asserts`: a statement of the test was not met; nothing broke. `through` are the files of
    the checkout that were on the way to where it was raised, relative to the repository, outermost
    first. `network`: it was refused the network.
    """

    stage: Stage = "call"
    error: str = ""
    message: str = ""
    asserts: bool = False
    through: tuple[str, ...] = ()
    network: bool = False


class Environment(msgspec.Struct, frozen=True, omit_defaults=True):
    """Where a command ran. `key` is the digest the environment is cached under."""

    system: str = ""
    interpreter: str = ""
    key: str = ""
    containment: str = ""
    network: str = ""


class Evidence(msgspec.Struct, frozen=True, omit_defaults=True):
    """One command, run once or, for its flaky tests, several times, at one revision.

    `failing` holds the names of tests that failed or broke every time, `flaky` of those that did
    not; `passing` of those that passed. `counts` is None where the output could not be read.
    `cause` says why the verdict is not *passed*. `output_digest` is the SHA-256 of stdout and
    stderr as stored. `log` is the folder with both. `survivors` counts processes it left behind,
    which were stopped. `origin` tells where the tested code was imported from. `failures` says of
    those in `failing` how they failed, where that is known; `pass_alone` are those that fail among
    the others and pass by themselves.
    """

    command: CheckCommand
    revision: str
    tree: str
    verdict: Verdict
    cause: str = ""
    exit_code: int | None = None
    counts: Counts | None = None
    failing: tuple[str, ...] = ()
    flaky: tuple[str, ...] = ()
    passing: tuple[str, ...] = ()
    coverage: Coverage | None = None
    started_at: float = 0.0
    duration_s: float = 0.0
    output_bytes: int = 0
    output_digest: str = ""
    survivors: int = 0
    origin: str = ""
    environment: Environment = Environment()
    log: str = ""
    notes: tuple[str, ...] = ()
    failures: dict[str, Failure] = {}
    pass_alone: tuple[str, ...] = ()

    @property
    def summary(self) -> str:
        """One line: the counts, or why there are none."""
        counts = self.counts
        if counts is None:
            return self.cause or f"exit code {self.exit_code}"
        named = (
            (counts.passed, "passed"),
            (counts.failed, "failed"),
            (counts.errors, "errors"),
            (counts.skipped, "skipped"),
            (counts.xfailed, "expected failures"),
            (counts.xpassed, "unexpected passes"),
        )
        text = ", ".join(f"{number} {word}" for number, word in named if number) or "no test ran"
        return f"{text}; {self.cause}" if self.cause else text


class EvidenceNote(msgspec.Struct, frozen=True, omit_defaults=True):
    """What the log keeps of a piece of evidence: enough to show it and to find the whole of it.

    `digest` is the SHA-256 of the file at `path`, which holds the evidence as JSON. `before` is the
    summary of the same command on what was there before, where the two were compared. `tests` are
    those that show a bug, where the evidence is about them.
    """

    name: str
    verdict: Verdict
    summary: str = ""
    digest: str = ""
    path: str = ""
    before: str = ""
    tests: tuple[str, ...] = ()
