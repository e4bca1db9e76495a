"""A run's folder is emptied of what it printed and made, and says so."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestrate.adapters.system.run_folder import MARK_FILE, contents_bytes, purge, purged


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    attempt = tmp_path / "run" / "attempts" / "a.1"
    (attempt / "outputs").mkdir(parents=True)
    (attempt / "stdout.log").write_text("12345")
    (attempt / "outputs" / "report.txt").write_text("123")
    (tmp_path / "run" / "driver.log").write_text("12")
    for name in ("sessions/a/claude-home", "reused/0/codex"):
        (tmp_path / "run" / name).mkdir(parents=True)
        (tmp_path / "run" / name / "said").write_text("1")
    for name in ("owner.lock", "audit.json", "orchestrate-run.patch"):
        (tmp_path / "run" / name).write_text("stays")
    return tmp_path / "run"


def test_transcripts_and_artifacts_go_and_the_rest_stays(folder: Path) -> None:
    assert contents_bytes(folder) == 12
    assert purge(folder, at=5.0, by="ada") == 12
    assert {path.name for path in folder.iterdir()} == {
        *("owner.lock", "audit.json", "orchestrate-run.patch"),
        MARK_FILE,
    }
    note = purged(folder)
    assert note is not None
    assert (note.at, note.by, note.freed_bytes) == (5.0, "ada", 12)


def test_what_was_cut_off_by_a_crash_is_finished_and_counted(folder: Path) -> None:
    purge(folder, at=5.0, by="ada")
    (folder / "attempts" / "b.1").mkdir(parents=True)
    (folder / "attempts" / "b.1" / "stderr.log").write_text("1234")
    assert purge(folder, at=6.0, by="bob") == 4
    note = purged(folder)
    assert note is not None
    assert (note.at, note.freed_bytes) == (6.0, 16)


def test_links_are_removed_and_not_followed(folder: Path, tmp_path: Path) -> None:
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "file").write_text("keep")
    (folder / "attempts" / "link").symlink_to(mine)
    (folder / "evidence").symlink_to(mine)
    purge(folder, at=5.0, by="ada")
    assert (mine / "file").read_text() == "keep"
    assert not (folder / "evidence").is_symlink()


def test_folder_that_was_never_purged_has_no_note(folder: Path) -> None:
    assert purged(folder) is None
    (folder / MARK_FILE).write_text("{")
    assert purged(folder) is None
