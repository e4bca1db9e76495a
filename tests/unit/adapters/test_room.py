"""Every file of every workspace is looked at only where that can change the answer."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from orchestrate.adapters.workspace import room
from orchestrate.errors import ConfigurationError

QUOTA = 1000


class _Measured:
    """A room whose clock and contents the test sets; a workspace needs 100 bytes."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now, self.used, self.looks = 100.0, 0, 0
        store: Any = None
        self._room = room.Room(store, folder, QUOTA, 0)
        monkeypatch.setattr(time, "monotonic", lambda: self.now)
        monkeypatch.setattr(room, "used_bytes", self._look)
        monkeypatch.setattr(self._room, "checkout_bytes", lambda *_: 100)

    def _look(self, folder: Path) -> int:
        self.looks += 1
        return self.used

    def require(self) -> int:
        """How often all workspaces were measured for one more."""
        before = self.looks
        self._room.require("commit")
        return self.looks - before


@pytest.fixture
def measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> _Measured:
    return _Measured(tmp_path, monkeypatch)


def test_while_half_is_free_they_are_measured_every_ten_seconds(measured: _Measured) -> None:
    assert [measured.require() for _ in range(4)] == [1, 0, 0, 0]
    measured.now += 10.0
    assert [measured.require() for _ in range(2)] == [1, 0]


def test_beyond_half_they_are_measured_for_each(measured: _Measured) -> None:
    assert [measured.require() for _ in range(5)] == [1, 0, 0, 0, 0]
    measured.used = 500
    assert [measured.require() for _ in range(3)] == [1, 1, 1]


def test_nothing_is_refused_for_what_is_not_there_any_more(measured: _Measured) -> None:
    measured.used = 950
    with pytest.raises(ConfigurationError, match="more than the quota"):
        measured.require()
    measured.used = 100
    assert measured.require() == 1
