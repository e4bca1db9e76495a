"""What was asked and what was answered, in the order the requests came."""

from __future__ import annotations

import hashlib
import re
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from threading import Condition
from typing import Any, Literal

import msgspec

from orchestrate.testing.model_server.conversation import Message
from orchestrate.testing.model_server.scenario import NO_TOKENS, Tokens

#: "open": being answered, or held. "answered": to its end, errors too. "cut": the answer was broken
#: off, by a fault or because the client or the server went away.
State = Literal["open", "answered", "cut"]

_KEY_IN_PATH = re.compile(r"([?&]key=)([^&]+)")
_SECRET = ("authorization", "x-api-key", "x-goog-api-key", "api-key", "cookie")


class Exchange(msgspec.Struct, frozen=True):
    """One request and its answer.

    Attributes:
        number: from 1, in the order of arrival, over all scenarios.
        at_s: seconds since the server began.
        role, step: whose answer it was, and which, from 0; "" and None where there was none.
        conversation: the same for all requests of one conversation, if the program names it.
        headers: names in lower case; keys are replaced by `fingerprint(key)`.
        key: the fingerprint of the API key that was sent; empty without one.
        body: as parsed; None if it was not JSON.
        system, messages, tools: what the model would have seen, without the provider's form.
        tokens: as reported to the client in an answer that was sent to its end, else none.
        status: of the answer; 0: nothing was sent.
        fault: the kind of the fault that befell it.
        auxiliary: why it was not answered by the script, such as "count tokens"; mostly empty.
        error: why the script had no answer; a mistake in the script or in its test.
    """

    number: int
    at_s: float
    scenario: str
    method: str
    path: str
    headers: dict[str, str]
    key: str
    body: Any
    conversation: str = ""
    model: str = ""
    system: str = ""
    messages: tuple[Message, ...] = ()
    tools: tuple[str, ...] = ()
    role: str = ""
    step: int | None = None
    tokens: Tokens = NO_TOKENS
    status: int = 0
    fault: str = ""
    auxiliary: str = ""
    error: str = ""
    state: State = "open"
    duration_s: float = 0.0

    def texts(self) -> str:
        """All text the model would have seen, for assertions on what was really sent."""
        return "\n".join([self.system, *(each.text for each in self.messages)])


def fingerprint(key: str) -> str:
    """What the log keeps of a key: part of its SHA-256, so that equal keys can be recognised."""
    return "sha256:" + hashlib.sha256(key.encode()).hexdigest()[:16]


def redacted(headers: Iterable[tuple[str, str]]) -> tuple[dict[str, str], str]:
    """Headers without keys, and the fingerprint of the first key among them."""
    shown: dict[str, str] = {}
    key = ""
    for name, value in headers:
        lower = name.lower()
        if lower in _SECRET:
            value = fingerprint(value.removeprefix("Bearer "))
            key = key or value
        shown[lower] = value
    return shown, key


def total(exchanges: Iterable[Exchange]) -> Tokens:
    """The sum of what was reported as used."""
    return sum((each.tokens for each in exchanges), NO_TOKENS)


class RequestLog:
    """Grows by one entry per request, which is replaced as its answer proceeds; thread-safe.

    Args:
        changed: is held while the log changes, and notified after every change.
        file: gets each finished exchange as a line of JSON; None: no file.
    """

    def __init__(self, changed: Condition, file: Path | None = None) -> None:
        self._changed = changed
        self._file = file
        self._exchanges: list[Exchange] = []
        self._began = time.monotonic()

    def begin(self, scenario: str, method: str, path: str, headers: Mapping[str, str]) -> int:
        """Note a request and return its number."""
        shown, key = redacted(headers.items())
        path = _KEY_IN_PATH.sub(lambda found: found[1] + fingerprint(found[2]), path)
        with self._changed:
            number = len(self._exchanges) + 1
            at_s = time.monotonic() - self._began
            self._exchanges.append(Exchange(number, at_s, scenario, method, path, shown, key, None))
            self._changed.notify_all()
        return number

    def note(self, number: int, **changes: Any) -> None:
        """Change fields of an exchange; `state` other than "open" ends it."""
        with self._changed:
            old = self._exchanges[number - 1]
            new = msgspec.structs.replace(old, **changes)
            if new.state != "open":
                duration_s = time.monotonic() - self._began - old.at_s
                new = msgspec.structs.replace(new, duration_s=duration_s)
            self._exchanges[number - 1] = new
            self._changed.notify_all()

    def finish(self, number: int) -> None:
        """Nothing more will be noted of this exchange: it goes to the file."""
        if self._file is not None:
            with self._changed, self._file.open("ab") as lines:
                lines.write(msgspec.json.encode(self._exchanges[number - 1]) + b"\n")

    def exchanges(self, scenario: str | None = None) -> tuple[Exchange, ...]:
        """All exchanges, or those of one scenario, in the order of arrival."""
        with self._changed:
            found = tuple(self._exchanges)
        return tuple(each for each in found if scenario in (None, each.scenario))

    def wait_for(
        self,
        wanted: Callable[[Sequence[Exchange]], bool],
        timeout_s: float,
        scenario: str | None = None,
    ) -> tuple[Exchange, ...]:
        """Block until `wanted(exchanges)` is true, and return them.

        Raises:
            TimeoutError: it did not become true; the message lists what there is.
        """
        with self._changed:
            if self._changed.wait_for(lambda: wanted(self.exchanges(scenario)), timeout_s):
                return self.exchanges(scenario)
        lines = [
            f"  {each.number} {each.method} {each.path} {each.role or each.auxiliary}"
            f" step {each.step}: {each.state} {each.status} {each.fault}"
            for each in self.exchanges(scenario)
        ]
        raise TimeoutError("\n".join([f"not within {timeout_s} s; the log is:", *lines]))

    def dump(self, path: Path) -> None:
        """Write all exchanges as JSON Lines, replacing the file."""
        path.write_bytes(b"".join(msgspec.json.encode(e) + b"\n" for e in self.exchanges()))
