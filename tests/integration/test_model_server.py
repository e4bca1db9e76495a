"""The scripted model server over real connections: faults, waiting, keys, many at once."""

from __future__ import annotations

import contextlib
import http.client
import json
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from orchestrate.errors import RequestError
from orchestrate.testing.model_server import (
    Exchange,
    Fault,
    ModelServer,
    Role,
    Say,
    Scenario,
    Step,
    Tokens,
    fingerprint,
    turn,
)

TOKENS = Tokens(1000, 200, 50, 30)


def one(name: str, *steps: Step | Say, **more: Any) -> Scenario:
    return Scenario(name, (Role("r", steps, **more),))


def faulty(kind: Any, **more: Any) -> Scenario:
    return one("s", turn(Say("hello"), tokens=TOKENS, faults=(Fault(kind, **more),)))


class Client:
    """A connection that stays open, as the programs' are."""

    def __init__(self, server: ModelServer, scenario: str = "s") -> None:
        split = urlsplit(server.url("claude", scenario))
        assert split.hostname is not None
        self.prefix = split.path
        self.connection = http.client.HTTPConnection(split.hostname, split.port, timeout=20)

    def ask(
        self, prompt: str = "p", answers: int = 0, *, stream: bool = False, path: str = ""
    ) -> http.client.HTTPResponse:
        """Send a request of Anthropic Messages and return when the head of the answer is there."""
        said = [{"role": "assistant", "content": "x"}, {"role": "user", "content": "more"}]
        body = {
            "model": "m",
            "stream": stream,
            "messages": [{"role": "user", "content": prompt}, *said * answers],
        }
        headers = {"x-api-key": "sk-secret", "content-type": "application/json"}
        where = self.prefix + (path or "/v1/messages")
        self.connection.request("POST", where, json.dumps(body), headers)
        return self.connection.getresponse()

    def text(self, *given: Any, **named: Any) -> str:
        """The text of the answer; the whole body when it is none."""
        data = json.loads(self.ask(*given, **named).read())
        return str(data["content"][0]["text"] if "content" in data else data)


Connect = Callable[..., Client]


@pytest.fixture
def server() -> Iterator[ModelServer]:
    with ModelServer() as server:
        yield server


@pytest.fixture
def connect(server: ModelServer) -> Iterator[Connect]:
    """Makes clients of `server`, and closes them in the end."""
    with contextlib.ExitStack() as stack:

        def made(scenario: str = "s") -> Client:
            client = Client(server, scenario)
            stack.callback(client.connection.close)
            return client

        yield made


def test_answers_on_one_connection_follow_the_script(server: ModelServer, connect: Connect) -> None:
    server.add(one("s", turn(Say("first"), tokens=TOKENS), Say("second")))
    client = connect()
    assert [client.text(answers=number) for number in (0, 1, 1)] == ["first", "second", "second"]
    assert [each.step for each in server.asked("s")] == [0, 1, 1]
    assert server.tokens("s") == Tokens(1200, 200, 50, 50)
    assert server.tokens("s", "nobody").total == 0


def test_stream_ends_with_its_last_event(server: ModelServer, connect: Connect) -> None:
    server.add(one("s", Say("hello")))
    answer = connect().ask(stream=True)
    assert answer.headers["content-type"] == "text/event-stream"
    text = answer.read().decode()
    assert text.startswith("event: message_start\n")
    assert text.rstrip().splitlines()[-2] == "event: message_stop"


def test_log_has_what_was_sent_without_the_key(
    server: ModelServer, connect: Connect, tmp_path: Path
) -> None:
    server.add(one("s", Say("hello")))
    connect().text("the prompt")
    (exchange,) = server.asked("s")
    assert exchange.key == fingerprint("sk-secret")
    assert exchange.body["messages"][0]["content"] == "the prompt"
    assert "the prompt" in server.texts("s")
    assert (exchange.role, exchange.step, exchange.status) == ("r", 0, 200)
    server.dump(tmp_path / "log.jsonl")
    (line,) = (tmp_path / "log.jsonl").read_text().splitlines()
    assert "sk-secret" not in line
    assert json.loads(line)["messages"] == [{"speaker": "user", "text": "the prompt"}]


def test_error_comes_as_often_as_scripted_with_the_providers_body(
    server: ModelServer, connect: Connect
) -> None:
    server.add(faulty("status", status=429, retry_after_s=7, times=2, message="slow down"))
    client = connect()
    for _ in range(2):
        answer = client.ask()
        assert (answer.status, answer.headers["retry-after"]) == (429, "7")
        assert json.loads(answer.read())["error"] == {
            "type": "rate_limit_error",
            "message": "slow down",
        }
    assert client.text() == "hello"
    assert [each.fault for each in server.log("s")] == ["status", "status", ""]
    assert server.tokens("s") == TOKENS


def test_hanging_request_is_answered_when_released(server: ModelServer, connect: Connect) -> None:
    server.add(faulty("hang", until="go"))
    with ThreadPoolExecutor() as pool:
        answer = pool.submit(connect().text)
        (exchange,) = server.wait_for(1)
        assert (exchange.state, exchange.status) == ("open", 0)
        server.release("go")
        assert answer.result(20) == "hello"
    assert server.log()[0].state == "answered"


@pytest.mark.parametrize("stream", [True, False])
def test_stalled_answer_goes_on_when_released(
    server: ModelServer, connect: Connect, stream: bool
) -> None:
    server.add(faulty("stall"))
    answer = connect().ask(stream=stream)
    begun = answer.read1(10)
    assert begun
    assert server.wait_for(1)[0].state == "open"
    server.release("s")
    assert b"hello" in begun + answer.read()
    assert server.tokens() == TOKENS


@pytest.mark.parametrize("stream", [True, False])
def test_dropped_answer_ends_early_and_reports_nothing(
    server: ModelServer, connect: Connect, stream: bool
) -> None:
    server.add(faulty("drop"))
    answer = connect().ask(stream=stream)
    with pytest.raises(http.client.IncompleteRead):
        answer.read()
    (exchange,) = server.log()
    assert (exchange.state, exchange.tokens.total) == ("cut", 0)
    assert connect().text() == "hello"


@pytest.mark.parametrize("stream", [True, False])
def test_malformed_answer_is_no_json(server: ModelServer, connect: Connect, stream: bool) -> None:
    server.add(faulty("malformed"))
    answer = connect().ask(stream=stream)
    try:
        data = answer.read()
    except http.client.IncompleteRead as error:
        data = error.partial
    last = data.rstrip().splitlines()[-1].removeprefix(b"data: ")
    with pytest.raises(ValueError, match=r"line \d+ column \d+"):
        json.loads(last)


def test_client_that_goes_away_while_it_waits_is_noticed(
    server: ModelServer, connect: Connect
) -> None:
    server.add(faulty("hang"))
    client = connect()
    with ThreadPoolExecutor() as pool:
        waiting = pool.submit(client.ask)
        server.wait_for(1)
        assert client.connection.sock is not None
        client.connection.sock.shutdown(2)
        server.wait_for(lambda found: found[0].state == "cut")
        assert waiting.exception(20) is not None


def test_closing_ends_everything_that_hangs(server: ModelServer, connect: Connect) -> None:
    server.add(faulty("hang", times=None))
    with ThreadPoolExecutor() as pool:
        waiting = [pool.submit(connect().ask) for _ in range(3)]
        server.wait_for(3)
        server.close()
        assert all(each.exception(20) is not None for each in waiting)
    assert {each.state for each in server.log()} == {"cut"}


def test_scenarios_and_conversations_do_not_disturb_each_other(
    server: ModelServer, connect: Connect
) -> None:
    names = [f"s{number}" for number in range(8)]
    for name in names:
        server.add(one(name, *(Say(f"{name}-{number}") for number in range(5))))

    def talk(name: str) -> list[str]:
        client = connect(name)
        return [client.text(answers=number) for number in range(5)]

    with ThreadPoolExecutor(8) as pool:
        said = list(pool.map(talk, names))
    assert said == [[f"{name}-{number}" for number in range(5)] for name in names]
    assert [each.number for each in server.log()] == list(range(1, 41))
    assert [each.step for each in server.asked("s3")] == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize(
    ("program", "path", "body", "expected"),
    [
        ("claude", "/v1/messages", {"messages": [{"role": "user", "content": "p"}]}, b"text"),
        ("codex", "/responses", {"input": "p"}, b"output_text"),
        ("chat", "/chat/completions", {"messages": [{"role": "user", "content": "p"}]}, b"choices"),
        (
            "gemini",
            "/v1beta/models/m:{method}?alt=sse",
            {"contents": [{"role": "user", "parts": [{"text": "p"}]}]},
            b"candidates",
        ),
    ],
)
def test_every_interface_is_served_whole_and_as_a_stream(
    program: str,
    path: str,
    body: dict[str, Any],
    expected: bytes,
    stream: bool,
    server: ModelServer,
) -> None:
    server.add(one("s", turn(Say("hello"), tokens=TOKENS)))
    split = urlsplit(server.url(program, "s"))
    method = "streamGenerateContent" if stream else "generateContent"
    connection = http.client.HTTPConnection("127.0.0.1", split.port, timeout=20)
    with contextlib.closing(connection):
        data = json.dumps({"model": "m", "stream": stream, **body})
        connection.request("POST", split.path + path.format(method=method), data, {})
        answer = connection.getresponse()
        said = answer.read()
    assert (answer.headers["content-type"] == "text/event-stream") == stream
    assert (b"data: " in said) == stream
    assert b"hello" in said
    assert expected in said
    (exchange,) = server.asked()
    assert (exchange.model, exchange.messages[0].text, exchange.tokens) == ("m", "p", TOKENS)


def auxiliary(exchanges: tuple[Exchange, ...]) -> list[str]:
    return [each.auxiliary for each in exchanges]


def test_counting_tokens_does_not_advance_the_script(server: ModelServer, connect: Connect) -> None:
    server.add(one("s", Say("hello")))
    client = connect()
    counted = json.loads(client.ask(path="/v1/messages/count_tokens").read())
    assert counted["input_tokens"] > 0
    assert client.text() == "hello"
    assert auxiliary(server.log()) == ["count tokens", ""]
    assert len(server.asked()) == 1


def test_mistakes_of_a_test_are_told_to_it_and_to_the_program(
    server: ModelServer, connect: Connect
) -> None:
    server.add(one("s", Say("hello"), marker="NOT THERE"))
    client = connect()
    for path, status in (("/v1/messages", 400), ("/v1/nothing", 404)):
        answer = client.ask(path=path)
        assert answer.status == status
        assert "scripted model: " in json.loads(answer.read())["error"]["message"]
    client.prefix = "/s/unknown"
    assert "there is no scenario 'unknown'" in client.text()
    client.connection.request("POST", "/s/s/v1/messages", b"{", {})
    assert client.connection.getresponse().status == 400
    assert all(each.error for each in server.log())
    for program, scenario in (("claude", "unknown"), ("unknown", "s")):
        with pytest.raises(RequestError, match="knows no 'unknown'"):
            server.url(program, scenario)


def test_request_that_is_not_of_the_interface_is_refused(
    server: ModelServer, connect: Connect
) -> None:
    server.add(one("s", Say("hello")))
    client = connect()
    client.connection.request("POST", "/s/s/v1/messages", b'{"messages": [1]}', {})
    answer = client.connection.getresponse()
    assert answer.status == 400
    assert "cannot be read" in json.loads(answer.read())["error"]["message"]
    assert client.text() == "hello"


def test_served_from_a_file_until_it_is_told_to_stop(tmp_path: Path) -> None:
    file, log = tmp_path / "s.yaml", tmp_path / "log.jsonl"
    file.write_text("scenarios: {hi: [{role: r, steps: [{say: hello}]}]}\n", encoding="utf-8")
    argv = [sys.executable, "-m", "orchestrate.testing.model_server", str(file)]
    with subprocess.Popen(
        [*argv, "--log", str(log)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        lines = [process.stdout.readline() for _ in range(5)]
        name, program, url = lines[0].split()
        assert (name, program) == ("hi", "claude")
        connection = http.client.HTTPConnection("127.0.0.1", urlsplit(url).port, timeout=20)
        body = json.dumps({"messages": [{"role": "user", "content": "x"}]})
        with contextlib.closing(connection):
            connection.request("POST", "/s/hi/v1/messages", body, {})
            assert b"hello" in connection.getresponse().read()
        process.send_signal(signal.SIGINT)
        rest, errors = process.communicate(timeout=20)
    assert (process.returncode, rest, errors) == (0, "1 requests, 110 tokens\n", "")
    assert json.loads(log.read_text())["scenario"] == "hi"


def test_wrong_file_is_an_error_with_its_line(tmp_path: Path) -> None:
    file = tmp_path / "s.yaml"
    file.write_text("scenarios:\n  hi: [{role: r, steps: [{sya: hello}]}]\n", encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "orchestrate.testing.model_server", str(file)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 3
    assert f"{file}:2: 'sya' is not known here" in done.stderr
