"""Run detect-secrets over staged files, as a program of its own: `… secrets_probe < names`.

Reads names of files in the working folder from standard input, one a line, and prints one JSON
object a line: `{"file": name, "line": 3, "types": [...], "spans": [[9, 29]]}` for each line with
something secret in it, and `{"done": name}` or `{"done": name, "error": "…"}` after each file.
Columns count characters from 0 in the line as it stands in the file. The secrets themselves are
never printed.

Nothing is verified over the network: the filter that would do so is not configured, and socket
connections are refused in this process besides.
"""

from __future__ import annotations

import contextlib
import json
import re
import resource
import signal
import socket
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

#: A public address is no secret.
LEFT_OUT_DETECTORS = {"IPPublicDetector"}
#: Detectors that judge by names or randomness; only they need the filters against false alarms.
GUESSING = {"Base64HighEntropyString", "HexHighEntropyString", "KeywordDetector"}
_HEURISTICS = "detect_secrets.filters.heuristic."
GUESSING_FILTERS = (
    "is_sequential_string",
    "is_potential_uuid",
    "is_likely_id_string",
    "is_templated_secret",
    "is_prefixed_with_dollar_sign",
    "is_indirect_reference",
    "is_not_alphanumeric_string",
)
#: A documented format is enough: a key inside a call is a key.
FORMAT_FILTERS = ("is_templated_secret",)
#: A YAML file of nested aliases could otherwise keep the parser busy for ever, or eat all memory.
FILE_TIMEOUT_S = 10.0
MAX_MEMORY_BYTES = 1024**3


class _TooLong(BaseException):
    """A file took longer than FILE_TIMEOUT_S. No Exception, or the tool would swallow it."""


def main() -> int:
    """Probe every file named on standard input."""
    _refuse_network()
    resource.setrlimit(resource.RLIMIT_AS, (MAX_MEMORY_BYTES, MAX_MEMORY_BYTES))
    names = sys.stdin.read().splitlines()
    for name in names:
        record: dict[str, Any] = {"done": name}
        try:
            with _time_limit(FILE_TIMEOUT_S):
                for found in probe(Path(name)):
                    print(json.dumps({"file": name, **found}), flush=True)
        except (Exception, _TooLong) as error:  # one file must not cost the others
            record["error"] = type(error).__name__
        print(json.dumps(record), flush=True)
    return 0


def probe(path: Path) -> Iterator[dict[str, Any]]:
    """What is secret in one file, in line order."""
    lines = path.read_text(encoding="utf-8").split("\n")
    hits: dict[int, dict[str, set[str]]] = {}
    for detectors, filters in _passes():
        for line, secret, kind in _scan(path, detectors, filters):
            hits.setdefault(line, {}).setdefault(secret, set()).add(kind)
    for number, secrets in sorted(hits.items()):
        text = lines[number - 1] if 0 < number <= len(lines) else ""
        kinds = sorted(set().union(*secrets.values()))
        spans = sorted({span for secret in secrets for span in _spans(text, secret)})
        yield {"line": number, "types": kinds, "spans": spans}


def _passes() -> Iterator[tuple[list[str], tuple[str, ...]]]:
    from detect_secrets.core.plugins.util import get_mapping_from_secret_type_to_class

    classes: dict[str, type] = get_mapping_from_secret_type_to_class()
    names = sorted({each.__name__ for each in classes.values()} - LEFT_OUT_DETECTORS)
    yield [name for name in names if name not in GUESSING], FORMAT_FILTERS
    yield [name for name in names if name in GUESSING], GUESSING_FILTERS


def _scan(
    path: Path, detectors: list[str], filters: tuple[str, ...]
) -> Iterator[tuple[int, str, str]]:
    from detect_secrets.core.scan import scan_file
    from detect_secrets.settings import transient_settings

    configuration = {
        "plugins_used": [{"name": name} for name in detectors],
        "filters_used": [{"path": _HEURISTICS + name} for name in filters],
    }
    with transient_settings(configuration):
        for found in scan_file(str(path)):
            yield found.line_number, found.secret_value or "", found.type


def _spans(line: str, secret: str) -> Iterator[tuple[int, int]]:
    """Where the secret stands in the line; the whole line when it is written differently there."""
    places = [match.span() for match in re.finditer(re.escape(secret), line)] if secret else []
    yield from places or [(len(line) - len(line.lstrip()), len(line))]


@contextlib.contextmanager
def _time_limit(seconds: float) -> Iterator[None]:
    def stop(*_: object) -> None:
        raise _TooLong

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def _refuse_network() -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError("this process does not use the network")

    for name in ("connect", "connect_ex"):
        setattr(socket.socket, name, refuse)


if __name__ == "__main__":
    raise SystemExit(main())
