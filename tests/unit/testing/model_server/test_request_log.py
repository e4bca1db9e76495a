"""The log keeps what was sent, without keys."""

from __future__ import annotations

from threading import Condition, RLock, Thread

import pytest

from orchestrate.testing.model_server import Tokens, fingerprint
from orchestrate.testing.model_server.request_log import RequestLog, redacted, total


def log() -> RequestLog:
    return RequestLog(Condition(RLock()))


@pytest.mark.parametrize(
    ("name", "value"),
    [("x-api-key", "sk-1"), ("Authorization", "Bearer sk-1"), ("X-Goog-Api-Key", "sk-1")],
)
def test_key_is_kept_as_its_fingerprint_only(name: str, value: str) -> None:
    shown, key = redacted([("Accept", "*/*"), (name, value)])
    assert key == fingerprint("sk-1") != fingerprint("sk-2")
    assert shown == {"accept": "*/*", name.lower(): key}
    assert "sk-1" not in str(shown)


def test_key_in_the_address_is_replaced_too() -> None:
    requests = log()
    requests.begin("a", "POST", "/s/a/v1beta/models/m:generateContent?alt=sse&key=sk-1", {})
    (exchange,) = requests.exchanges()
    assert exchange.path.endswith(f"?alt=sse&key={fingerprint('sk-1')}")


def test_exchanges_are_numbered_and_found_by_scenario() -> None:
    requests = log()
    numbers = [requests.begin(name, "POST", "/", {}) for name in ("a", "b", "a")]
    requests.note(3, tokens=Tokens(1, 2, 3, 4), state="answered")
    assert numbers == [1, 2, 3]
    assert [each.number for each in requests.exchanges("a")] == [1, 3]
    assert total(requests.exchanges()) == Tokens(1, 2, 3, 4)


def test_waiting_ends_when_what_is_wanted_happens() -> None:
    requests = log()
    thread = Thread(target=requests.begin, args=("a", "POST", "/", {}))
    thread.start()
    assert len(requests.wait_for(lambda found: len(found) == 1, 10)) == 1
    thread.join()


def test_waiting_in_vain_shows_the_log() -> None:
    requests = log()
    requests.begin("a", "POST", "/s/a/v1/messages", {})
    with pytest.raises(TimeoutError, match="1 POST /s/a/v1/messages"):
        requests.wait_for(lambda found: len(found) == 2, 0.01)
