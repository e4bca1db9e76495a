"""The supervisor process: one per attempt, started by `supervisor.ProcessSupervisor`.

    driver ──stdin: request, then life line──▶ supervisor ──fork──▶ keeper ──fork──▶ command
                                                 ▲   ▲                │                │
                                                 │   └────reports─────┘                │
                                                 └────────────stdout, stderr───────────┘

Standard input carries one line of JSON, the request, and then stays open: `CANCEL` on it asks for
a stop, and its end means that the driver is gone. The outcome is on disk before this process ends,
and nothing of the attempt is alive by then. Exit codes: 0 outcome written, `NOT_STARTED` no request
came, `REFUSED` this containment cannot be had (the reason is on stderr, nothing was run).

Imports stay few: every attempt pays for everything here.
"""

from __future__ import annotations

import json
import os
import signal
import sys

from orchestrate.adapters.system import containment
from orchestrate.adapters.system.supervision import Supervision

NOT_STARTED = 3
REFUSED = 4
CANCEL = b"cancel\n"
READ_BYTES = 1 << 16


def read_request() -> tuple[bytes, bytes] | None:
    """The request's line and what already followed it; None if the driver died before its end."""
    parts: list[bytes] = []
    while part := os.read(0, READ_BYTES):
        line, newline, rest = part.partition(b"\n")
        parts.append(line)
        if newline:
            return b"".join(parts), rest
    return None


def main() -> None:
    """Supervise the attempt described on standard input; with `--probe`, say what is refused."""
    if sys.argv[1:] == ["--probe"]:
        print(containment.refusal())
        return
    # To stop an attempt, stop its driver; a terminal's or a shutdown's signals reach that too.
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    received = read_request()
    if received is None:
        os._exit(NOT_STARTED)
    supervision = Supervision(json.loads(received[0]))
    supervision.run(cancelled=received[1].startswith(CANCEL))
    if supervision.refused:
        os.write(2, supervision.refused.encode())
        os._exit(REFUSED)
    os._exit(0)
