"""Appends events one by one and prints each version once it is durable; run as a process.

    store_writer.py DATABASE STREAM COUNT [contend]

With `contend` another process appends to the same stream: a conflict is answered by looking again.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from orchestrate.adapters.sqlite.store import SqliteStore
from orchestrate.errors import VersionConflictError
from orchestrate.testing.store_contract import event


async def write(path: Path, stream: str, count: int, contend: bool) -> None:
    """Append until the stream has `count` events."""
    store = SqliteStore(path)
    version = 0
    while version < count:
        try:
            version = await store.append(stream, version, [event(version + 1)])
        except VersionConflictError:
            if not contend:
                raise
            head = store.head(stream)
            version = 0 if head is None else head.version
        else:
            print(version, flush=True)
    store.close()


if __name__ == "__main__":
    _, database, name, number, *mode = sys.argv
    asyncio.run(write(Path(database), name, int(number), bool(mode)))
