"""TAP, versions 12 to 14, with nested subtests as node, tap and prove print them.

A test that has subtests stands for them and is not counted itself, unless it failed while none of
them did. Specification: the TAP 14 document; node's differences were read off its own output.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from orchestrate.core.sharing.outcomes import MAX_QUOTE, Case, Outcome, Outcomes, collected
from orchestrate.core.sharing.readers.plain_text import whole

_VERSION = re.compile(r"^TAP version 1[234]$", re.M)
_POINT = re.compile(r"(not )?ok\b(?: (\d+))?(?: -)?(?: (.*))?$")
_DIRECTIVE = re.compile(r"(?<!\\)#\s*(skip|todo)\b", re.I)
_PLAN = re.compile(r"1\.\.(\d+)(?: *#.*)?$")
_ESCAPED = re.compile(r"\\([\\#])")
#: Deeper subtests are not told apart; nothing writes them.
_DEEPEST = 50


@dataclass
class _Level:
    """Points seen at one depth that no parent has taken yet."""

    cases: list[Case] = field(default_factory=list)
    points: int = 0
    plan: int | None = None


def read_tap(output: bytes | str) -> Outcomes:
    """The points of a TAP stream, wherever in the output it stands.

    `counts` is None when there is neither a version line nor a plan: programs print `ok` for other
    reasons too. A stream that stops before its plan is fulfilled, or bails out, has a complaint.

    Raises:
        UnreadableReportError: the output is too long.
    """
    text = whole(output, "the TAP stream")
    reader = _Reader()
    for line in filter(None, text.splitlines()):
        reader.line(line)
    cases = [*reader.levels[0].cases, *reader.close(0)]
    plan, points = reader.levels[0].plan, reader.levels[0].points
    if plan is None and _VERSION.search(text) is None:
        return Outcomes()
    complaint = reader.complaint
    if plan is None:
        complaint = complaint or "the stream ends before its plan"
    elif plan != points:
        complaint = complaint or f"{plan} tests were planned and {points} reported"
    return collected(cases, complaint=complaint)


class _Reader:
    def __init__(self) -> None:
        self.levels = [_Level()]
        self.complaint = ""
        self._in_details = False
        self._last: Case | None = None
        self._details: list[str] = []

    def line(self, line: str) -> None:
        """Take one line; lines that are not TAP belong to whatever the tests printed."""
        body = line.lstrip(" ")
        depth = min((len(line) - len(body)) // 4, _DEEPEST)
        if self._in_details:
            self._detail(body)
        elif body == "---":
            self._in_details, self._details = True, []
        elif body.startswith("Bail out!"):
            self.complaint = body[:MAX_QUOTE]
        elif (plan := _PLAN.fullmatch(body)) is not None and len(plan[1]) < 10:
            self._at(depth).plan = int(plan[1])
        elif (point := _POINT.match(body)) is not None:
            self._point(depth, point)

    def _detail(self, body: str) -> None:
        if body != "...":
            self._details.append(body)
            return
        self._in_details = False
        if self._last is not None:
            # The last point's details follow it: put them where its text belongs.
            for level in self.levels:
                if level.cases and level.cases[-1] is self._last:
                    text = "\n".join(self._details)
                    level.cases[-1] = Case(self._last.name, self._last.outcome, text)
        self._last = None

    def _at(self, depth: int) -> _Level:
        while len(self.levels) <= depth:
            self.levels.append(_Level())
        return self.levels[depth]

    def _point(self, depth: int, point: re.Match[str]) -> None:
        level = self._at(depth)
        level.points += 1
        name, outcome = _described(point)
        name = name or f"test {point[2] or level.points}"
        children = self.close(depth)
        self._last = None
        if not children:
            self._last = Case(name, outcome)
            level.cases.append(self._last)
            return
        level.cases += [Case(f"{name} > {c.name}", c.outcome, c.text) for c in children]
        if outcome == "failed" and not any(c.outcome == "failed" for c in children):
            level.cases.append(Case(name, outcome))

    def close(self, depth: int) -> list[Case]:
        """Take away everything below `depth`; returns the cases right below it."""
        for lower in range(len(self.levels) - 1, depth + 1, -1):
            self.levels[lower - 1].cases += self.levels.pop(lower).cases
        if len(self.levels) > depth + 1:
            return self.levels.pop().cases
        return []


def _described(point: re.Match[str]) -> tuple[str, Outcome]:
    failed, text = point[1] is not None, point[3] or ""
    directive = _DIRECTIVE.search(text)
    word = directive[1].lower() if directive is not None else ""
    name = text[: directive.start()] if directive is not None else text
    outcome: Outcome = "failed" if failed else "passed"
    if word == "skip":
        outcome = "skipped"
    elif word == "todo":
        outcome = "xfailed" if failed else "xpassed"
    return _ESCAPED.sub(r"\1", name.strip()), outcome
