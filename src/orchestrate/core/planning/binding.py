"""Inputs of a run: what was given, checked against what the workflow declares."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from difflib import get_close_matches

from orchestrate.core.planning.definition import InputSpec, InputType, InputValue, Workflow
from orchestrate.errors import RequestError

_INTEGER = re.compile(r"[+-]?[0-9]{1,18}")
_KIND: dict[InputType, str] = {
    "string": "a text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "path": "a path",
}


class InputError(RequestError):
    """The inputs given do not fit the workflow. `problems` has one sentence for each."""

    def __init__(self, workflow: Workflow, problems: tuple[str, ...]) -> None:
        declared = ", ".join(_signature(spec) for spec in workflow.inputs) or "none"
        super().__init__(
            f"workflow {workflow.name}: {'; '.join(problems)}",
            remedy=f"its inputs: {declared}",
        )
        self.problems = problems


def bind_inputs(workflow: Workflow, given: Mapping[str, InputValue]) -> dict[str, InputValue]:
    """Values of the declared inputs, in declared order, converted to their types.

    Texts are read as the declared type. An empty text counts as not given, except for an optional
    text or path, whose value it is. Inputs that are optional, have no default and were not given
    are left out.

    Raises:
        InputError: with every mistake.
    """
    declared = {spec.name: spec for spec in workflow.inputs}
    problems = [_unknown(name, declared) for name in given if name not in declared]
    bound: dict[str, InputValue] = {}
    for spec in workflow.inputs:
        value = given.get(spec.name)
        if value == "" and (spec.required or spec.type not in ("string", "path")):
            value = None
        if value is None:
            value = spec.default
        if value is None:
            if spec.required:
                problems.append(f"input {spec.name} is required")
            continue
        converted = convert(value, spec.type)
        if converted is None:
            problems.append(f"input {spec.name} is {_KIND[spec.type]}, not {value!r}")
        elif spec.choices and converted not in spec.choices:
            allowed = ", ".join(show(choice) for choice in spec.choices)
            problems.append(f"input {spec.name} is one of {allowed}, not {show(converted)!r}")
        else:
            bound[spec.name] = converted
    if problems:
        raise InputError(workflow, tuple(problems))
    return bound


def convert(value: InputValue, kind: InputType) -> InputValue | None:
    """`value` as `kind`, or None when it cannot be read as that."""
    if kind in ("string", "path"):
        return show(value) if not isinstance(value, str) or "\0" not in value else None
    if kind == "boolean":
        if isinstance(value, str):
            return {"true": True, "false": False}.get(value.strip().lower())
        return value if isinstance(value, bool) else None
    if isinstance(value, bool):
        return None
    if kind == "integer" and isinstance(value, str):
        return int(value) if _INTEGER.fullmatch(value.strip()) else None
    number = _number(value)
    if kind == "integer" and number is not None:
        return int(number) if number == int(number) else None
    return number


def _number(value: str | int | float) -> float | int | None:
    try:
        number = float(value) if isinstance(value, str) else value
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def show(value: InputValue) -> str:
    """`value` as it is written on the command line and in a workflow file."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _unknown(name: str, declared: Mapping[str, InputSpec]) -> str:
    close = get_close_matches(name, declared, n=1)
    return f"there is no input {name!r}" + (f" (did you mean {close[0]}?)" if close else "")


def _signature(spec: InputSpec) -> str:
    return f"{spec.name} ({_KIND[spec.type]}{', required' if spec.required else ''})"
