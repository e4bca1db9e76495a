"""What a builder is told about a language: idioms, tests and errors. Data only.

Short on purpose: what the project itself does stands above all of it.
"""

from __future__ import annotations

import msgspec

from orchestrate.core.agents.stack import Ecosystem


class LanguageGuide(msgspec.Struct, frozen=True):
    """Guidance on one language. `title` is its name for people."""

    title: str
    ecosystem: Ecosystem
    idioms: tuple[str, ...]
    tests: tuple[str, ...]
    errors: tuple[str, ...]


PYTHON = LanguageGuide(
    title="Python",
    ecosystem="python",
    idioms=(
        "Use only what the oldest version in `requires-python` has, and take no new dependency.",
        "Keep annotations complete where the module has them; `from __future__ import annotations`"
        " is there or not as in the files beside it.",
        "Paths are `pathlib.Path`, text files name their encoding, resources are closed by `with`.",
        "No mutable default argument, no work at import, no `import *`.",
        "A public name that goes or changes its meaning breaks callers: keep it, or ask.",
    ),
    tests=(
        "Tests are `test_*.py` in `tests/`, or beside the package, as the project has them;"
        " fixtures are in `conftest.py`.",
        "With pytest: plain `assert`, `pytest.raises(Error, match=…)`, `tmp_path`, `monkeypatch`,"
        " `parametrize`. With unittest: a `TestCase`, and no pytest import.",
        "First print `package.__file__`: an installed copy elsewhere would be tested instead.",
    ),
    errors=(
        "Raise the project's own exception where it has one, else the narrowest built-in one.",
        "Catch only what you can handle; `raise … from error` keeps the cause. Never a bare"
        " `except`, and never `except Exception: pass`.",
        "`assert` is for tests and invariants: `-O` removes it.",
    ),
)
TYPESCRIPT = LanguageGuide(
    title="TypeScript",
    ecosystem="node",
    idioms=(
        "`tsconfig.json` decides: its `strict`, `module` and `paths` stay as they are.",
        "No `any` and no `as` to silence the compiler: narrow `unknown` with a check.",
        "States are unions with a tag; the `switch` over them ends in a `never` check.",
        "Import as the files beside it do (extensions, `import type`, default or named).",
        "`===`; `??` where 0 or an empty text is a value, not `||`.",
    ),
    tests=(
        "Tests are `*.test.ts` or `*.spec.ts` beside the source, or in `__tests__`, as the"
        " project has them, in its own runner.",
        "Await every promise in a test; `rejects.toThrow` needs the `await` as well.",
        "Fake timers and mocks are restored after each test. A snapshot you did not read proves"
        " nothing.",
        "Tests do not always check types: run the compiler with `--noEmit`, too.",
    ),
    errors=(
        "Throw `Error` or a class of it, with `cause`; never a text or an object.",
        "In `catch`, the value is `unknown`: check it before you read it.",
        "A promise is awaited, returned, or given a `catch`: none floats.",
    ),
)
JAVASCRIPT = LanguageGuide(
    title="JavaScript",
    ecosystem="node",
    idioms=(
        "`type` in `package.json` decides between ES modules and CommonJS: do not mix them.",
        "Use only what the oldest version in `engines` or `browserslist` has.",
        "`const` unless it is assigned again; `===`; `??` where 0 or an empty text is a value.",
        "JSDoc types stay true where the project has them; arguments are not changed in place.",
        "No new dependency for what a few lines do.",
    ),
    tests=(
        "Tests are `*.test.js` or `*.spec.js` beside the source, or in `test/`, as the project"
        " has them, in its own runner.",
        "Await every promise in a test, or return it: one that floats passes always.",
        "Fake timers and mocks are restored after each test. A snapshot you did not read proves"
        " nothing.",
    ),
    errors=(
        "Throw `Error` or a class of it, with `cause`; never a text or an object.",
        "Callbacks get the error first and are called once; streams need an `error` listener.",
        "A promise is awaited, returned, or given a `catch`: none floats.",
    ),
)
GO = LanguageGuide(
    title="Go",
    ecosystem="go",
    idioms=(
        "The `go` line of `go.mod` says which language version there is; `go.sum` changes only"
        " with it.",
        "Accept interfaces, return structs; an interface is declared where it is used.",
        "`context.Context` is the first argument and is never stored; what is cancelled stops.",
        "Every goroutine has an end that somebody waits for; a channel is closed by its sender.",
        "Useful zero values, early returns, short names in short scopes, no package `util`.",
    ),
    tests=(
        "Tests are `*_test.go` beside the source, table-driven with `t.Run`; `t.Helper` in"
        " helpers, `t.TempDir`, `t.Cleanup`, data in `testdata/`.",
        "Run with `-race` where there are goroutines, and with `-count=1` against cached results.",
        "`require` and `assert` of testify only where the package uses them.",
    ),
    errors=(
        "Return errors, wrap with `%w` and what was tried; compare with `errors.Is` and"
        " `errors.As`, never by text.",
        "No error is dropped with `_`; a deferred `Close` of a written file is checked.",
        "`panic` is for impossible states, and does not cross a package.",
    ),
)
RUST = LanguageGuide(
    title="Rust",
    ecosystem="rust",
    idioms=(
        "`rust-version` and `edition` in `Cargo.toml` limit the language; features add, and never"
        " take away.",
        "Borrow before you clone; `&str` and slices as arguments; no lifetime that can be elided.",
        "Make wrong states unrepresentable: enums and newtypes, `match` without a catch-all arm.",
        "No new `unsafe`. Where you touch one, its `SAFETY` comment stays true.",
        "A public item that changes is a breaking change: keep it, or ask.",
    ),
    tests=(
        "Unit tests in `#[cfg(test)] mod tests` of the file, integration tests in `tests/`;"
        " examples in docs are tests as well.",
        "Tests run in threads of one process: no shared files, ports or environment.",
        "`#[should_panic(expected = …)]`, or a test that returns `Result`; no `unwrap` chains.",
    ),
    errors=(
        "Return `Result` with the crate's error type, pass on with `?`; libraries have an enum,"
        " programs add context.",
        "`unwrap` and `expect` only for what cannot happen, and the text says why.",
        "Index and integer arithmetic can panic or wrap: `get`, `checked_add`.",
    ),
)
JAVA = LanguageGuide(
    title="Java",
    ecosystem="java",
    idioms=(
        "The release in the build file limits the language; versions of dependencies come from"
        " its parent, BOM or catalog.",
        "Fields are final, values are records or immutable; collections are copied at the border.",
        "`Optional` is for results, not for fields and arguments; never return null for a list.",
        "Inject by constructor. Resources are in try-with-resources.",
        "`equals` and `hashCode` change together; times are `java.time` with a `Clock`.",
    ),
    tests=(
        "Tests are `*Test.java` under `src/test/java` in the package of the class; `*IT.java`"
        " runs in a later phase.",
        "JUnit as the project has it (4 and 5 have different annotations); `assertThrows`,"
        " `@ParameterizedTest`, `@TempDir`.",
        "Mock what is yours and slow, never values; no test needs the order of others.",
    ),
    errors=(
        "Throw the narrowest exception with its cause; checked ones only as the module does.",
        "Catch neither `Exception` nor `Throwable` to go on; `InterruptedException` restores the"
        " flag.",
        "Log or throw, not both; never log a secret or a person's data.",
    ),
)

#: Name of a language as `Stack` has it -> guidance.
LANGUAGE_GUIDES: dict[str, LanguageGuide] = {
    "python": PYTHON,
    "typescript": TYPESCRIPT,
    "javascript": JAVASCRIPT,
    "go": GO,
    "rust": RUST,
    "java": JAVA,
}
#: What people also write for a language.
LANGUAGE_ALIASES: dict[str, str] = {
    "py": "python",
    "python3": "python",
    "ts": "typescript",
    "js": "javascript",
    "node": "javascript",
    "nodejs": "javascript",
    "golang": "go",
    "rs": "rust",
}


def language_named(written: str) -> str | None:
    """The language somebody means by `written`; None if there is no guidance on it."""
    name = written.strip().lower()
    name = LANGUAGE_ALIASES.get(name, name)
    return name if name in LANGUAGE_GUIDES else None
