"""Judging an agent's answer: by its schema, its summary's length, and nothing it claims.

What is wrong goes back to the same session as feedback, so the message names every mistake at once
and what to write instead. Nothing an agent wrote is cut or reworded here.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from orchestrate.core.agents.answer import (
    MAX_FOLLOW_UP_CHARACTERS,
    MAX_FOLLOW_UPS,
    MAX_REASON_CHARACTERS,
    MAX_SUMMARY_CHARACTERS,
    MAX_SUMMARY_WORDS,
    RESERVED,
    is_json,
    is_text,
    words,
)
from orchestrate.core.planning.definition import OutputSpec
from orchestrate.core.sharing.visible import one_line
from orchestrate.ports.performer import AttemptRequest, AttemptResult

if TYPE_CHECKING:
    from jsonschema.exceptions import ValidationError

#: Mistakes that are named one by one; more of them have one cause.
MAX_MISTAKES = 20
_LENGTH = 300


def prepare() -> None:
    """Load what judging takes: a tenth of a second, which may pass while an agent is at work."""
    import jsonschema  # noqa: F401


def judge(request: AttemptRequest, result: AttemptResult) -> AttemptResult:
    """`result` with the answer's summary and metrics, or with what is wrong about the answer.

    Declared outputs that the answer holds, and that are not on disk, are written into the outputs
    folder. A result that is not ok, and one of an attempt that owes no answer, stay as they are.
    """
    if not result.ok or not request.answer_schema:
        return result
    answer = result.answer
    if answer is None:
        return _bad(result, ["(the answer): there is none; give one JSON object"])
    mistakes = list(_mistakes(request, answer))
    if mistakes:
        return _bad(result, mistakes)
    if answer["outcome"] == "cannot":
        reason = answer["reason"].strip() or "it said that it cannot, and no reason"
        return msgspec.structs.replace(
            result, ok=False, cause="refusal", message=reason, summary=answer["summary"]
        )
    mistakes = list(_write_outputs(request, answer))
    if mistakes:
        return _bad(result, mistakes)
    return msgspec.structs.replace(
        result,
        summary=answer["summary"],
        follow_ups=tuple(answer["follow_ups"]),
        metrics={**metrics(answer), **result.metrics},
    )


def metrics(answer: Mapping[str, Any]) -> dict[str, float]:
    """Numbers and booleans of `answer`, and the lengths of its lists, by field."""
    found: dict[str, float] = {}
    for name, value in answer.items():
        if isinstance(value, list):
            found[name] = float(len(value))
        elif isinstance(value, bool | int | float) and _is_finite(value):
            found[name] = float(value)
    return found


def _is_finite(value: float) -> bool:
    try:
        return math.isfinite(value)
    except OverflowError:  # an integer that no float can hold
        return False


def _bad(result: AttemptResult, mistakes: list[str]) -> AttemptResult:
    listed = mistakes[:MAX_MISTAKES]
    if len(mistakes) > MAX_MISTAKES:
        listed.append(f"and {len(mistakes) - MAX_MISTAKES} more mistakes")
    message = "The answer cannot be used. Correct this, and give the whole answer again:\n"
    return msgspec.structs.replace(
        result,
        ok=False,
        cause="bad_output",
        message=message + "\n".join(f"- {mistake}" for mistake in listed),
    )


def _mistakes(request: AttemptRequest, answer: dict[str, Any]) -> Iterator[str]:
    from jsonschema import Draft202012Validator

    errors = Draft202012Validator(request.answer_schema).iter_errors(answer)
    yield from sorted(_sentence(error) for error in errors)
    summary = answer.get("summary")
    if isinstance(summary, str):
        yield from _about_summary(summary)
    yield from _about_length(answer)
    try:
        msgspec.json.encode(answer)
    except (UnicodeEncodeError, msgspec.MsgspecError, OverflowError, TypeError) as error:
        yield f"(the answer): it cannot be stored as JSON: {error}"
        return
    for output in _given(request, answer):
        yield from _about_contents(output, answer[output.name])


def _about_summary(summary: str) -> Iterator[str]:
    count = words(summary)
    if not count:
        yield "/summary: it is empty; say what you did and found"
    elif count > MAX_SUMMARY_WORDS:
        yield (
            f"/summary: it has {count} words, and at most {MAX_SUMMARY_WORDS} are taken; write a"
            " shorter one, nobody shortens it for you"
        )
    elif len(summary) > MAX_SUMMARY_CHARACTERS:
        yield (
            f"/summary: it has {len(summary)} characters, and at most {MAX_SUMMARY_CHARACTERS} are"
            " taken; write a shorter one, nobody shortens it for you"
        )


def _about_length(answer: Mapping[str, Any]) -> Iterator[str]:
    """What is longer than it may be of what everybody is told."""
    reason, follow_ups = answer.get("reason"), answer.get("follow_ups")
    if isinstance(reason, str) and len(reason) > MAX_REASON_CHARACTERS:
        most = MAX_REASON_CHARACTERS
        yield f"/reason: it has {len(reason)} characters, and at most {most} are taken"
    if not isinstance(follow_ups, list):
        return
    if len(follow_ups) > MAX_FOLLOW_UPS:
        most = MAX_FOLLOW_UPS
        yield f"/follow_ups: it has {len(follow_ups)} entries, and at most {most} are taken"
    most = MAX_FOLLOW_UP_CHARACTERS
    for number, each in enumerate(follow_ups):
        if isinstance(each, str) and len(each) > most:
            yield f"/follow_ups/{number}: it has {len(each)} characters; at most {most} are taken"


def _sentence(error: ValidationError) -> str:
    """One mistake: where, as a JSON pointer, and what."""
    steps = (str(step).replace("~", "~0").replace("/", "~1") for step in error.absolute_path)
    pointer = "".join(f"/{step}" for step in steps) or "(the answer)"
    return f"{pointer}: {one_line(error.message, _LENGTH)}"


def _given(request: AttemptRequest, answer: Mapping[str, Any]) -> Iterator[OutputSpec]:
    """Outputs whose contents the answer holds and whose files are not there."""
    for output in () if request.advising else request.outputs:
        held = output.name not in RESERVED and is_text(output)
        if held and answer.get(output.name) is not None and not _path(request, output).is_file():
            yield output


def _about_contents(output: OutputSpec, value: Any) -> Iterator[str]:
    if not (isinstance(value, str) and is_json(output)):
        return
    try:
        msgspec.json.decode(value)
    except (msgspec.DecodeError, UnicodeEncodeError, RecursionError) as error:
        yield f"/{output.name}: it is not JSON text: {error}"


def _write_outputs(request: AttemptRequest, answer: Mapping[str, Any]) -> Iterator[str]:
    for output in list(_given(request, answer)):
        value = answer[output.name]
        data = value.encode() if isinstance(value, str) else msgspec.json.encode(value)
        try:
            _write(Path(request.outputs_dir), _path(request, output), data)
        except OSError as error:
            yield f"/{output.name}: {output.path} cannot be written: {error.strerror}"


def _path(request: AttemptRequest, output: OutputSpec) -> Path:
    return Path(request.outputs_dir) / output.path


def _write(root: Path, path: Path, data: bytes) -> None:
    """Write a new file below `root`, and nowhere else: an agent may have left links in there."""
    if root.is_symlink() or not path.parent.resolve().is_relative_to(root.resolve()):
        raise PermissionError(0, "its folder leads out of the outputs folder")
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    # Half a file, left by a crash, would count as what the agent wrote itself.
    partial = path.with_name(f".{path.name}.partial")
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC
    with open(os.open(partial, flags, 0o600), "wb") as file:
        file.write(data)
    partial.rename(path)
