"""`python -P -m orchestrate.adapters.backends.scripted REQUEST.json`: perform one attempt.

What it does is in `script.json` beside the request. Leaves its outputs in `outputs_dir` and
`result.json` in `folder`. Exit code 0 when it answered, 1 when it failed as its script says, 2 when
it cannot read what it was given.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import msgspec

from orchestrate.adapters.backends.scripted.backend import MODULE, RESULT_FILE, SCRIPT_FILE
from orchestrate.adapters.backends.scripted.performing import Performance
from orchestrate.core.agents.script import TaskScript
from orchestrate.ports.performer import AttemptRequest


def main(arguments: Sequence[str]) -> int:
    """Perform the request in the file named by the only argument."""
    if len(arguments) != 1:
        print(f"usage: python -P -m {MODULE} REQUEST.json", file=sys.stderr)
        return 2
    path = Path(arguments[0])
    try:
        request = msgspec.json.decode(path.read_bytes(), type=AttemptRequest)
        script = msgspec.json.decode((path.parent / SCRIPT_FILE).read_bytes(), type=TaskScript)
    except (OSError, msgspec.DecodeError) as error:
        print(f"{path}: {error}", file=sys.stderr)
        return 2
    # One of an earlier process, which was interrupted before it could be judged.
    Path(request.folder, RESULT_FILE).unlink(missing_ok=True)
    for name in (request.scratch_dir, f"{request.scratch_dir}/home", request.sessions_dir):
        Path(name).mkdir(mode=0o700, parents=True, exist_ok=True)
    return Performance(request, script).perform()


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
