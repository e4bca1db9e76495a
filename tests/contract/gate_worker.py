"""Enters and leaves a rate gate and writes down when it is inside; run as a process.

    gate_worker.py DATABASE LOG WIDTH NAME rounds COUNT
    gate_worker.py DATABASE LOG WIDTH NAME hold
    gate_worker.py DATABASE LOG WIDTH NAME limited SECONDS

With `rounds` it begins when there is a file `go` beside the log.

Each line of the log is written in one piece, "in" after entering and "out" before leaving, so that
whoever is inside by the log was inside by the gate.
"""

from __future__ import annotations

import asyncio
import os
import sys
import time
from pathlib import Path

from orchestrate.adapters.sqlite.host_gates import SqliteRateGate
from orchestrate.adapters.system.clock import SystemClock
from orchestrate.adapters.system.process_owner import is_alive, this_owner
from orchestrate.testing.rate_gate_contract import HERE


def _write(log: Path, text: str) -> None:
    handle = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.write(handle, f"{text}\n".encode())
    os.close(handle)


async def work(gate: SqliteRateGate, log: Path, name: str, mode: str, value: str) -> None:
    """Do what the command line says."""
    for _ in range(int(value) if mode == "rounds" else 1):
        await gate.enter(HERE, name)
        _write(log, f"in {name}")
        log.with_name(f"{name}.entered").write_text(str(SystemClock().now()))
        if mode == "hold":
            await asyncio.Event().wait()
        await asyncio.sleep(0.01)
        if mode == "limited":
            gate.leave(HERE, name, limited=True, retry_after_s=float(value))
            _write(log, f"limited {name}")
        else:
            _write(log, f"out {name}")
            gate.leave(HERE, name)


if __name__ == "__main__":
    _, database, file, width, who, what, *rest = sys.argv
    while what == "rounds" and not Path(file).with_name("go").exists():
        time.sleep(0.002)
    gate_ = SqliteRateGate(Path(database), this_owner(), is_alive, SystemClock(), width=int(width))
    asyncio.run(work(gate_, Path(file), who, what, rest[0] if rest else ""))
    gate_.close()
