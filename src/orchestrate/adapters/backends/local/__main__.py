"""`python -P -m orchestrate.adapters.backends.local REQUEST.json`: perform one attempt.

Prints progress lines, leaves its outputs in `outputs_dir` and, last, `result.json` in `folder`.
Exit code 0 when the work was done (tools may still be unknown), 1 when it could not be, 2 when the
request cannot be read.
"""

from __future__ import annotations

import sys
import traceback
from collections.abc import Sequence
from pathlib import Path

import msgspec

from orchestrate.adapters.backends.local.artifacts import write_whole
from orchestrate.adapters.backends.local.backend import RESULT_FILE
from orchestrate.adapters.backends.local.progress import ProgressLines
from orchestrate.adapters.backends.local.registry import find_action
from orchestrate.adapters.backends.local.toolrun import prepare_scratch
from orchestrate.errors import OrchestrateError
from orchestrate.ports.performer import AttemptRequest, AttemptResult


def main(arguments: Sequence[str]) -> int:
    """Perform the request in the file named by the only argument."""
    if len(arguments) != 1:
        print(
            "usage: python -P -m orchestrate.adapters.backends.local REQUEST.json", file=sys.stderr
        )
        return 2
    try:
        request = msgspec.json.decode(Path(arguments[0]).read_bytes(), type=AttemptRequest)
    except (OSError, msgspec.DecodeError) as error:
        print(f"{arguments[0]}: {error}", file=sys.stderr)
        return 2
    prepare_scratch(Path(request.scratch_dir))
    target = Path(request.folder, RESULT_FILE)
    target.unlink(missing_ok=True)  # an interrupted earlier process may have left one
    result = _perform(request)
    write_whole(target, msgspec.json.encode(result))
    return 0 if result.ok else 1


def _perform(request: AttemptRequest) -> AttemptResult:
    try:
        return find_action(request.action)(request, ProgressLines())
    except OrchestrateError as error:
        text = f"{error.message}; {error.remedy}" if error.remedy else error.message
        return AttemptResult(ok=False, cause="unavailable", message=text)
    except Exception as error:
        traceback.print_exc()
        text = f"{type(error).__name__}: {error}"
        return AttemptResult(ok=False, cause="crash", message=f"{request.action} failed: {text}")


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
