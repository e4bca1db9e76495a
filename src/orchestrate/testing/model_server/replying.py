"""What becomes of one request: an auxiliary answer, the script's answer, or what goes wrong."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from orchestrate.testing.model_server import auxiliary
from orchestrate.testing.model_server.conversation import Answer, Conversation
from orchestrate.testing.model_server.protocols import MESSAGES, Interface, interface
from orchestrate.testing.model_server.scenario import NO_TOKENS, Fault
from orchestrate.testing.model_server.script import ScriptError
from orchestrate.testing.model_server.sse import MALFORMED, Event, as_json
from orchestrate.testing.model_server.tools import NoSuchToolError, parts_of

if TYPE_CHECKING:
    from orchestrate.testing.model_server.server import ModelServer

_JSON = {"Content-Type": "application/json"}
_STREAM = {"Content-Type": "text/event-stream", "Transfer-Encoding": "chunked"}
_LAST_CHUNK = b"0\r\n\r\n"


class Wire(Protocol):
    """How an answer is written; see `connection`."""

    close_connection: bool

    def begin(self, status: int, headers: Mapping[str, str]) -> None:
        """Write status and headers."""

    def send(self, data: bytes) -> None:
        """Write bytes at once."""

    def gone(self) -> bool:
        """Whether the client has closed its end."""


class Reply:
    """Answers one request and keeps its entry in the log."""

    def __init__(self, wire: Wire, model: ModelServer, number: int, scenario: str) -> None:
        self._wire = wire
        self._model = model
        self._number = number
        self._scenario = scenario

    def note(self, **changes: Any) -> None:
        """Change the log's entry of this request."""
        self._model.requests.note(self._number, **changes)

    def to(self, method: str, path: str, headers: Mapping[str, str], body: Any) -> None:
        """Answer a request, or note that its client has gone."""
        try:
            self._to(method, path, headers, body)
        except OSError:
            self._cut()
        self._model.requests.finish(self._number)

    def _to(self, method: str, path: str, headers: Mapping[str, str], body: Any) -> None:
        self.note(body=body)
        spoken = interface(path)
        plain = auxiliary.plain(method, path)
        if plain is not None:
            purpose, status, value = plain
            self.note(auxiliary=purpose)
            self._whole(status, value)
        elif spoken is None:
            self._mistake(MESSAGES, 404, f"nothing is served at {path}")
        elif not self._model.knows(self._scenario):
            self._mistake(spoken, 404, f"there is no scenario {self._scenario!r}")
        elif not isinstance(body, dict):
            self._mistake(spoken, 400, "the body is not a JSON object")
        else:
            try:
                said = spoken.parse(body, headers, path)
            except (AttributeError, KeyError, TypeError, ValueError) as error:
                self._mistake(spoken, 400, f"the request cannot be read: {error!r}")
            else:
                self._converse(spoken, said)

    def _converse(self, spoken: Interface, said: Conversation) -> None:
        self.note(
            conversation=said.id,
            model=said.model,
            system=said.system,
            messages=said.messages,
            tools=tuple(tool.name for tool in said.tools),
        )
        answer_id = self._model.new_id()
        purpose = auxiliary.purpose(said)
        if purpose:
            self.note(auxiliary=purpose)
            self._send(spoken, said, auxiliary.answer(said, answer_id), None)
            return
        try:
            chosen, fault = self._model.choose(self._scenario, said)
            self.note(role=chosen.role.name, step=chosen.number)
            parts = parts_of(chosen.step, said, answer_id)
        except (ScriptError, NoSuchToolError) as error:
            self._mistake(spoken, 400, str(error))
            return
        answer = Answer(answer_id, said.model, parts, chosen.step.tokens)
        self._send(spoken, said, answer, fault)

    def _send(
        self, spoken: Interface, said: Conversation, answer: Answer, fault: Fault | None
    ) -> None:
        if fault is not None:
            self.note(fault=fault.kind)
            if fault.kind == "status":
                self._refuse(spoken, fault)
                return
            if fault.kind == "hang" and not self._released(fault):
                self._cut()
                return
        if said.stream:
            self._stream(spoken, answer, fault)
        else:
            self._body(spoken, answer, fault)

    def _refuse(self, spoken: Interface, fault: Fault) -> None:
        retry = {} if fault.retry_after_s is None else {"Retry-After": str(fault.retry_after_s)}
        message = fault.message or f"scripted error {fault.status}"
        self._whole(fault.status, spoken.error(fault.status, message), retry)

    def _stream(self, spoken: Interface, answer: Answer, fault: Fault | None) -> None:
        events = list(spoken.events(answer))
        # Before any part is complete: a program may act on a call before the answer has ended.
        half = min(3, len(events) // 2)
        self.note(status=200)
        self._wire.begin(200, _STREAM)
        pieces = [_chunk(events[:half]), _chunk(events[half:]) + _LAST_CHUNK]
        self._send_in_two(pieces, _chunk([MALFORMED]), answer, fault)

    def _body(self, spoken: Interface, answer: Answer, fault: Fault | None) -> None:
        data = as_json(spoken.whole(answer)).encode()
        half = len(data) // 2
        self.note(status=200)
        self._wire.begin(200, {**_JSON, "Content-Length": str(len(data))})
        # A body that has the length it promised and is not JSON.
        garbage = b"}" * (len(data) - half)
        self._send_in_two([data[:half], data[half:]], garbage, answer, fault)

    def _send_in_two(
        self, pieces: Sequence[bytes], garbage: bytes, answer: Answer, fault: Fault | None
    ) -> None:
        """Write an answer, and between its halves what goes wrong in mid-stream."""
        first, second = pieces
        if fault is not None and fault.kind != "hang":
            self._wire.send(first)
            if fault.kind == "malformed":
                self._wire.send(garbage)
            if fault.kind != "stall" or not self._released(fault):
                self._cut()
                return
            first = b""
        # Before the last byte leaves: whoever has seen the answer finds the log complete.
        self.note(tokens=answer.tokens, state="answered")
        self._wire.send(first + second)

    def _released(self, fault: Fault) -> bool:
        return self._model.holds.wait(fault.until or self._scenario, self._wire.gone)

    def _cut(self) -> None:
        self._wire.close_connection = True
        self.note(state="cut", tokens=NO_TOKENS)

    def _mistake(self, spoken: Interface, status: int, message: str) -> None:
        """The script or its test is wrong: said to the program and in the log."""
        self.note(error=message)
        self._whole(status, spoken.error(status, f"scripted model: {message}"))

    def _whole(self, status: int, value: Any, headers: Mapping[str, str] | None = None) -> None:
        data = b"" if value is None else as_json(value).encode()
        self.note(status=status, state="answered")
        self._wire.begin(status, {**_JSON, "Content-Length": str(len(data)), **(headers or {})})
        self._wire.send(data)


def _chunk(events: Sequence[Event]) -> bytes:
    data = b"".join(events)
    return b"%x\r\n%b\r\n" % (len(data), data) if data else b""
