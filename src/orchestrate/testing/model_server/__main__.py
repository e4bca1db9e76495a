"""`python -m orchestrate.testing.model_server FILE`: serve the scenarios of a file."""

from __future__ import annotations

import argparse
import signal
import sys
import threading
from pathlib import Path

from orchestrate.errors import ExitCode, OrchestrateError
from orchestrate.testing.model_server.scenario_file import read_scenarios
from orchestrate.testing.model_server.server import ModelServer


def main(argv: list[str] | None = None) -> int:
    """Print the base URLs, serve until SIGINT or SIGTERM, and print what was asked."""
    parser = argparse.ArgumentParser(
        prog="python -m orchestrate.testing.model_server",
        description="Serve scripted models on loopback.",
    )
    parser.add_argument("file", type=Path, help="scenarios, as YAML or JSON")
    parser.add_argument("--port", type=int, default=0, help="any free one by default")
    parser.add_argument("--log", type=Path, help="append every exchange to this file, as JSON")
    args = parser.parse_args(argv)
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    try:
        scenarios = read_scenarios(args.file)
        server = ModelServer(scenarios, port=args.port, log_file=args.log)
    except OrchestrateError as error:
        print(f"{error.message}\n  {error.remedy}", file=sys.stderr)
        return int(error.exit_code)
    except OSError as error:
        print(f"cannot listen on port {args.port}: {error.strerror}", file=sys.stderr)
        return int(ExitCode.CONFIGURATION)
    with server:
        for scenario in scenarios:
            for program in ("claude", "codex", "gemini", "chat"):
                print(f"{scenario.name}  {program}  {server.url(program, scenario.name)}")
        print("serving; stop with Ctrl-C", flush=True)
        stop.wait()
        tokens = server.tokens()
        print(f"{len(server.asked())} requests, {tokens.total} tokens")
    return int(ExitCode.OK)


if __name__ == "__main__":
    raise SystemExit(main())
