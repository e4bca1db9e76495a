"""JSON reports: decoded into typed values, any flaw turned into the readers' one error."""

from __future__ import annotations

from typing import TypeVar

import msgspec

from orchestrate.core.sharing.outcomes import UnreadableReportError

#: Larger reports are refused: decoding takes several times their size in memory.
MAX_REPORT_BYTES = 64 * 1024 * 1024

_T = TypeVar("_T")


def decoded(data: bytes, form: type[_T], what: str) -> _T:
    """`data` as `form`; unknown fields are ignored.

    Raises:
        UnreadableReportError: it is too large, no JSON, nested too deeply, or of another form.
    """
    if len(data) > MAX_REPORT_BYTES:
        raise UnreadableReportError(what, f"it has more than {MAX_REPORT_BYTES} bytes")
    try:
        return msgspec.json.decode(data, type=form)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, OverflowError) as error:
        raise UnreadableReportError(what, str(error)) from error
