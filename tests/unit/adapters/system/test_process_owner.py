"""An owner names one process of one boot, and nobody else's number."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from orchestrate.adapters.system.process_owner import is_alive, this_owner


def test_this_process_lives() -> None:
    assert is_alive(this_owner())
    assert f":{os.getpid()}:" in this_owner()


def test_other_boot_or_start_of_the_same_number_does_not_live() -> None:
    boot, number, started = this_owner().rsplit(":", 2)
    assert not is_alive(f"{boot}x:{number}:{started}")
    if sys.platform == "linux":
        assert not is_alive(f"{boot}:{number}:{int(started) + 1}")


@pytest.mark.parametrize("text", ["", ":", "::", "a:b:c", "nonsense"])
def test_text_that_names_no_process_does_not_live(text: str) -> None:
    assert not is_alive(text)
    assert not is_alive(this_owner().partition(":")[0] + ":" + text)


def test_killed_process_does_not_live_even_before_it_is_waited_for() -> None:
    script = (
        "from orchestrate.adapters.system.process_owner import this_owner\n"
        "import sys\nprint(this_owner(), flush=True)\nsys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as child:
        assert child.stdout is not None
        owner = child.stdout.readline().strip()
        assert is_alive(owner)
        child.kill()
        os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
        assert not is_alive(owner)
