"""A driver to be killed: runs one spec and prints the outcome. Not a test.

Arguments: containment (`any` for the strongest available), folder, the spec as JSON, and
optionally `share-life-line`, which forks a child that keeps every descriptor of this process open.
"""

from __future__ import annotations

import asyncio
import os
import sys
import time
from pathlib import Path
from typing import cast

import msgspec

from orchestrate.adapters.system.process_table import every_process
from orchestrate.adapters.system.supervisor import Containment, ProcessSupervisor
from orchestrate.ports.process import ProcessSpec


async def _drive(share_life_line: bool) -> None:
    level = None if sys.argv[1] == "any" else cast(Containment, sys.argv[1])
    supervisor = ProcessSupervisor(level)
    spec = msgspec.json.decode(sys.argv[3], type=ProcessSpec)
    run = asyncio.create_task(supervisor.run(spec, Path(sys.argv[2])))
    if share_life_line:
        await asyncio.to_thread(_wait_for_a_child)
        _fork()
    sys.stdout.write(msgspec.json.encode(await run).decode())


def _wait_for_a_child() -> None:
    while not any(process.parent == os.getpid() for process in every_process()):
        time.sleep(0.01)


def _fork() -> None:
    if os.fork() == 0:
        time.sleep(600)
        os._exit(0)


asyncio.run(_drive("share-life-line" in sys.argv[4:]))
