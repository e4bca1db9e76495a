"""The server: loopback only, one thread per connection, many scenarios at once."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from threading import Condition, RLock, Thread
from types import TracebackType

from orchestrate.errors import RequestError
from orchestrate.testing.model_server.conversation import Conversation
from orchestrate.testing.model_server.holds import Holds
from orchestrate.testing.model_server.listener import LOOPBACK, Listener
from orchestrate.testing.model_server.request_log import Exchange, RequestLog, total
from orchestrate.testing.model_server.scenario import Fault, Scenario, Tokens
from orchestrate.testing.model_server.script import Chosen, Script

# What base URL each kind of program is to be given, below the scenario's prefix.
_BASES = {"claude": "", "codex": "/v1", "chat": "/v1", "gemini": ""}


class ModelServer:
    """A scripted model behind the interfaces that agent programs use.

    Listens from construction until `close`, best as a context manager. Everything may be called
    from any thread.

    Args:
        scenarios: by name they are part of the URL; more can be added later.
        port: 0 for any free one.
        log_file: gets each finished exchange as a line of JSON at once.
    """

    def __init__(
        self, scenarios: Iterable[Scenario] = (), *, port: int = 0, log_file: Path | None = None
    ) -> None:
        # One lock for all that waits or changes; reentrant, since predicates read the log.
        self._changed = Condition(RLock())
        self._log = RequestLog(self._changed, log_file)
        self._scripts: dict[str, Script] = {}
        self.holds = Holds(self._changed)
        for scenario in scenarios:
            self.add(scenario)
        self._listener = Listener(port, self)
        self._thread = Thread(target=self._listener.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()

    def __enter__(self) -> ModelServer:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Break off what is being answered and stop listening. Can be repeated."""
        self.holds.end()
        self._listener.shutdown()
        self._listener.server_close()
        self._thread.join()

    @property
    def port(self) -> int:
        """The port it listens on."""
        return int(self._listener.server_address[1])

    def add(self, scenario: Scenario) -> None:
        """Add a scenario, or begin it anew.

        Raises:
            DefinitionError: its name cannot be part of a URL, or two roles have one name.
        """
        script = Script(scenario)
        with self._changed:
            self._scripts[scenario.name] = script

    def url(self, program: str, scenario: str) -> str:
        """The base URL to give to a program: "claude", "codex", "gemini", or "chat" for any other
        that speaks Chat Completions.

        Raises:
            RequestError: no such program or scenario.
        """
        for name, known in ((program, _BASES), (scenario, self._scripts)):
            if name not in known:
                raise RequestError(
                    f"the model server knows no {name!r}", remedy=f"use one of: {', '.join(known)}"
                )
        return f"http://{LOOPBACK}:{self.port}/s/{scenario}{_BASES[program]}"

    def log(self, scenario: str | None = None) -> tuple[Exchange, ...]:
        """The exchanges so far, all or those of one scenario, auxiliary ones included."""
        return self._log.exchanges(scenario)

    def asked(self, scenario: str | None = None, role: str | None = None) -> tuple[Exchange, ...]:
        """The exchanges with the script alone, all or those of one scenario or role.

        Among them are those that the script had no answer for; they have an `error`.
        """
        return tuple(
            each
            for each in self.log(scenario)
            if (each.role or each.error) and role in (None, each.role)
        )

    def tokens(self, scenario: str | None = None, role: str | None = None) -> Tokens:
        """The sum of what was reported as used."""
        return total(self.asked(scenario, role))

    def texts(self, scenario: str | None = None) -> str:
        """All text that models would have seen."""
        return "\n".join(each.texts() for each in self.log(scenario))

    def wait_for(
        self,
        wanted: Callable[[Sequence[Exchange]], bool] | int,
        timeout_s: float = 30,
        scenario: str | None = None,
    ) -> tuple[Exchange, ...]:
        """Block until `wanted(exchanges)` is true, or until there are that many exchanges with the
        script that were not merely begun.

        Raises:
            TimeoutError: it did not become so; the message lists the log.
        """
        if isinstance(wanted, int):
            count = wanted
            return self._log.wait_for(
                lambda found: sum(bool(each.role) for each in found) >= count, timeout_s, scenario
            )
        return self._log.wait_for(wanted, timeout_s, scenario)

    def release(self, name: str) -> None:
        """Let go on what hangs or stalls until `name` (by default the name of its scenario)."""
        self.holds.release(name)

    def dump(self, path: Path) -> None:
        """Write the log as JSON Lines."""
        self._log.dump(path)

    # -- for the connections -------------------------------------------------------------------

    @property
    def requests(self) -> RequestLog:
        """The log, to be written to."""
        return self._log

    def choose(self, scenario: str, conversation: Conversation) -> tuple[Chosen, Fault | None]:
        """The script's answer to a conversation, and what goes wrong before.

        Raises:
            ScriptError: it has none.
        """
        with self._changed:
            script = self._scripts[scenario]
            chosen = script.choose(conversation)
            return chosen, script.fault(chosen, conversation)

    def knows(self, scenario: str) -> bool:
        """Whether there is such a scenario."""
        return scenario in self._scripts

    @staticmethod
    def new_id() -> str:
        """An id for an answer, not used before, also by servers before this one."""
        return secrets.token_hex(8)
