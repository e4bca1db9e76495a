"""`cargo test`: libtest's text, one block for each test binary.

Which binary a block belongs to stands on stderr, in the same order.
"""

from __future__ import annotations

import re

from orchestrate.core.sharing.evidence import Counts
from orchestrate.core.sharing.outcomes import (
    MAX_QUOTE,
    MAX_TEXT,
    Case,
    Outcome,
    Outcomes,
    collected,
)
from orchestrate.core.sharing.readers.plain_text import whole

_BLOCK = re.compile(r"^running \d+ tests?$", re.M)
_BINARY = re.compile(r"^ +(?:Running (?:unittests )?(\S+)(?: \(.*\))?|Doc-tests (\S+))$", re.M)
_TEST = re.compile(r"^test (.+?)(?: - should panic)? \.\.\. (?:[^\n]*?)(ok|FAILED|ignored)\b", re.M)
_RESULT = re.compile(
    r"^test result: \w+\. (\d+) passed; (\d+) failed; (\d+) ignored; \d+ measured; \d+ filtered",
    re.M,
)
_TEXT = re.compile(r"^---- (\S.*) stdout ----$", re.M)
_COMPILER = re.compile(r"^error(?:\[E\d+\])?: (?!test failed|\d+ targets? failed)(.*)$", re.M)
_UNBUILT = re.compile(r"^error: could not compile", re.M)
_ENDS: dict[str, Outcome] = {"ok": "passed", "FAILED": "failed", "ignored": "skipped"}


def read_cargo_text(stdout: bytes | str, stderr: bytes | str = "") -> Outcomes:
    """Tests as `src/lib.rs::module::test`. `counts` is None when no binary reported.

    Where a test's own output hides its line, the closing line of its binary still counts it, and
    the names are partial.

    Raises:
        UnreadableReportError: the output is too long.
    """
    text, errors = whole(stdout, "the output of cargo"), whole(stderr, "the output of cargo")
    compiler = next(iter(_COMPILER.findall(errors + "\n" + text)), "")[:MAX_QUOTE]
    starts = [block.start() for block in _BLOCK.finditer(text)]
    binaries = [first or f"doc-tests {second}" for first, second in _BINARY.findall(errors)]
    if len(binaries) != len(starts):
        binaries = [f"binary {number}" for number in range(1, len(starts) + 1)]
    if not starts:
        return Outcomes(first_error=compiler)
    cases: list[Case] = []
    counts = [0, 0, 0]
    for binary, start, end in zip(binaries, starts, [*starts[1:], len(text)], strict=True):
        block = text[start:end]
        result = _RESULT.search(block)
        if result is None:
            cases.append(Case(binary, "error", f"did not end\n{block[-MAX_TEXT:]}"))
        else:
            counts = [a + int(b[:9]) for a, b in zip(counts, result.groups(), strict=True)]
        cases += _cases(binary, block)
    return _checked(collected(cases, first_error=compiler), counts, bool(_UNBUILT.search(errors)))


def _cases(binary: str, block: str) -> list[Case]:
    parts = _TEXT.split(block)
    texts = {name: text.strip() for name, text in zip(parts[1::2], parts[2::2], strict=True)}
    prefix = "" if binary.startswith("doc-tests ") else f"{binary}::"
    return [
        Case(f"{prefix}{name}", _ENDS[word], texts.get(name, ""))
        for name, word in _TEST.findall(block)
    ]


def _checked(read: Outcomes, counts: list[int], unbuilt: bool) -> Outcomes:
    """`read` with the counts of the closing lines, which interleaved output cannot disturb."""
    assert read.counts is not None
    passed, failed, ignored = counts
    total = Counts(passed=passed, failed=failed, errors=read.counts.errors, skipped=ignored)
    return Outcomes(
        counts=total,
        passing=read.passing,
        failing=read.failing,
        texts=read.texts,
        complaint="a part of the tests could not be compiled" if unbuilt else "",
        first_error=read.first_error,
        partial=len(read.passing) < passed,
    )
