"""Write the published JSON Schemas from the types they describe.

    python scripts/generate_schemas.py          write src/orchestrate/library/schemas/*.json
    python scripts/generate_schemas.py --check  exit 1 and name the files that are out of date

A schema is added by a row in SCHEMAS. The number in a file's name is the version of the document.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from orchestrate.core.sharing.summary import ReportDocument

FOLDER = Path(__file__).resolve().parent.parent / "src/orchestrate/library/schemas"
DIALECT = "https://json-schema.org/draft/2020-12/schema"


def report_schema() -> dict[str, Any]:
    """`report.json` as `orchestrate security` writes it."""
    schema = msgspec.json.schema(ReportDocument)
    return {"$schema": DIALECT, "title": "orchestrate security report, version 1", **schema}


#: File name -> what builds the schema.
SCHEMAS: dict[str, Callable[[], dict[str, Any]]] = {
    "report-1.json": report_schema,
}


def tidied(value: Any) -> Any:
    """`value` with the indentation of docstrings taken out of every description."""
    if isinstance(value, list):
        return [tidied(each) for each in value]
    if not isinstance(value, dict):
        return value
    return {
        key: inspect.cleandoc(each)
        if key == "description" and isinstance(each, str)
        else tidied(each)
        for key, each in value.items()
    }


def encoded(schema: dict[str, Any]) -> bytes:
    """Indented, keys sorted, so that the file does not depend on definition order."""
    return (
        msgspec.json.format(msgspec.json.encode(tidied(schema), order="sorted"), indent=2) + b"\n"
    )


def main(arguments: list[str]) -> int:
    """Write or check every schema."""
    wanted = {FOLDER / name: encoded(build()) for name, build in SCHEMAS.items()}
    if arguments == ["--check"]:
        stale = [p for p, data in wanted.items() if not p.is_file() or p.read_bytes() != data]
        for path in stale:
            print(f"{path}: out of date; run: python scripts/generate_schemas.py", file=sys.stderr)
        return 1 if stale else 0
    if arguments:
        print(__doc__, file=sys.stderr)
        return 2
    FOLDER.mkdir(parents=True, exist_ok=True)
    for path, data in wanted.items():
        path.write_bytes(data)
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
