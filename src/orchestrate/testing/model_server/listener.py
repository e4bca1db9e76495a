"""Accepts connections on loopback, each with a thread of its own, and can end them all."""

from __future__ import annotations

import contextlib
import socket
import sys
from http.server import HTTPServer
from threading import Lock, Thread
from typing import TYPE_CHECKING, Any

from orchestrate.testing.model_server.connection import Connection

if TYPE_CHECKING:
    from orchestrate.testing.model_server.server import ModelServer

LOOPBACK = "127.0.0.1"


class Listener(HTTPServer):
    """Unlike `ThreadingHTTPServer` it knows its connections, so that closing ends them.

    Threads that only wait for the next request of an idle client would otherwise never end.
    """

    request_queue_size = 64

    def __init__(self, port: int, server: ModelServer) -> None:
        self.model_server = server
        self._open: dict[socket.socket, Thread] = {}
        self._lock = Lock()
        super().__init__((LOOPBACK, port), Connection)

    def server_bind(self) -> None:
        """Bind without asking a name server for the name of this machine."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(self.server_address)
        self.server_address = self.socket.getsockname()
        self.server_name, self.server_port = LOOPBACK, self.server_address[1]

    def process_request(self, request: Any, client_address: Any) -> None:
        """Serve a connection in a thread, which dies with the process if nobody closes."""
        thread = Thread(target=self._converse, args=(request, client_address), daemon=True)
        with self._lock:
            self._open[request] = thread
        thread.start()

    def _converse(self, request: socket.socket, client_address: Any) -> None:
        try:
            self.finish_request(request, client_address)
        except Exception:
            self.handle_error(request, client_address)
        finally:
            with self._lock:
                self._open.pop(request, None)
            self.shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that has gone is no error; anything else is ours and shown."""
        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, client_address)

    def server_close(self) -> None:
        """Stop listening, end all connections and wait for their threads."""
        super().server_close()
        with self._lock:
            open_now = dict(self._open)
        for connection in open_now:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        for thread in open_now.values():
            thread.join()
