"""One connection: reads requests and writes what `replying` makes of them."""

from __future__ import annotations

import gzip
import json
import re
import socket
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from orchestrate.testing.model_server.replying import Reply

if TYPE_CHECKING:
    from orchestrate.testing.model_server.server import ModelServer

_PREFIX = re.compile(r"/s/(?P<scenario>[^/]+)(?P<rest>/.*)?")


class Connection(BaseHTTPRequestHandler):
    """Made by the listener for every connection; requests on it come one after another."""

    protocol_version = "HTTP/1.1"
    server_version = "scripted-model"
    disable_nagle_algorithm = True
    # Head and body leave together, in one packet where they fit.
    wbufsize = 1 << 16

    def do_GET(self) -> None:
        """Answer a request."""
        self._serve()

    do_POST = do_HEAD = do_GET

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing on standard error: the log has it."""

    # -- what `Reply` writes with --------------------------------------------------------------

    def begin(self, status: int, headers: Mapping[str, str]) -> None:
        """Status and headers; they leave with the first bytes."""
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()

    def send(self, data: bytes) -> None:
        """Bytes of an answer, at once."""
        if self.command != "HEAD":
            self.wfile.write(data)
        self.wfile.flush()

    def gone(self) -> bool:
        """Whether the client has closed its end."""
        try:
            waiting: bytes = self.connection.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT)
        except BlockingIOError:
            return False
        except OSError:
            return True
        return not waiting

    def _serve(self) -> None:
        model: ModelServer = self.server.model_server  # type: ignore[attr-defined]
        path = urlsplit(self.path).path
        found = _PREFIX.fullmatch(path)
        scenario = found["scenario"] if found else ""
        headers = {name.lower(): value for name, value in self.headers.items()}
        content = self.rfile.read(int(headers.get("content-length", 0)))
        number = model.requests.begin(scenario, self.command, self.path, headers)
        reply = Reply(self, model, number, scenario)
        reply.to(self.command, path, headers, _parsed(content, headers))


def _parsed(content: bytes, headers: dict[str, str]) -> Any:
    """The body as JSON; None if it is none."""
    try:
        if headers.get("content-encoding") == "gzip":
            content = gzip.decompress(content)
        return json.loads(content)
    except (OSError, EOFError, ValueError):
        return None
