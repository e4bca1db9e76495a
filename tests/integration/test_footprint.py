"""What was written is known, and can be taken away without touching what is the user's."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from orchestrate.adapters.system import footprint
from orchestrate.adapters.system.footprint import Place
from orchestrate.adapters.system.repository import state_home

pytestmark = pytest.mark.usefixtures("home")


def test_file_is_written_once_and_remembered(tmp_path: Path) -> None:
    path = tmp_path / ".orchestrate" / "workflows" / "hello.yaml"
    assert footprint.write_file(path, b"hello\n")
    assert not footprint.write_file(path, b"other\n")
    assert path.read_bytes() == b"hello\n"
    digest = hashlib.sha256(b"hello\n").hexdigest()
    assert list(footprint.places()) == [Place("file", str(path), digest)]
    assert (state_home() / "footprint.jsonl").stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("kind", ["file", "link"])
def test_what_the_user_has_there_is_neither_written_nor_claimed(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    if kind == "file":
        path.write_text("mine")
    else:
        path.symlink_to(tmp_path / "elsewhere")
    assert not footprint.write_file(path, b"ours")
    assert list(footprint.places()) == []
    assert not (tmp_path / "elsewhere").exists()


def test_folder_of_a_file_that_is_a_file_is_an_error(tmp_path: Path) -> None:
    (tmp_path / ".orchestrate").write_text("in the way")
    with pytest.raises(OSError, match="exists"):
        footprint.write_file(tmp_path / ".orchestrate" / "settings.yaml", b"x")


def test_removing_files_takes_the_folders_that_held_nothing_else(tmp_path: Path) -> None:
    folder = tmp_path / ".orchestrate"
    for name in ("settings.yaml", "workflows/hello.yaml"):
        assert footprint.write_file(folder / name, b"x")
    (folder / "mine.md").touch()
    for place in footprint.places():
        footprint.remove(place)
    assert [path.name for path in folder.iterdir()] == ["mine.md"]


def test_file_the_user_changed_or_took_the_rights_of_is_theirs(tmp_path: Path) -> None:
    path = tmp_path / "settings.yaml"
    footprint.write_file(path, b"ours\n")
    [place] = footprint.places()
    assert not footprint.is_changed(place)
    path.write_text("theirs\n")
    assert footprint.is_changed(place)
    path.unlink()
    path.mkdir()
    assert footprint.is_changed(place)  # not even a file any more


def test_damaged_lines_of_the_register_are_passed_over(tmp_path: Path) -> None:
    footprint.record(Place("state", str(tmp_path)))
    with (state_home() / "footprint.jsonl").open("ab") as register:
        register.write(b'{"kind": "state"\nnot json\n{"kind": "other", "path": "/"}\n')
    footprint.record(Place("state", str(tmp_path)))
    assert list(footprint.places()) == [Place("state", str(tmp_path))]


def test_only_folders_of_ours_are_removed_whatever_the_register_says(tmp_path: Path) -> None:
    precious = tmp_path / "precious"
    precious.mkdir()
    (precious / "thesis.tex").touch()
    footprint.record(Place("state", str(precious)))
    with pytest.raises(OSError, match="does not look like"):
        footprint.remove(Place("state", str(precious)))
    assert (precious / "thesis.tex").exists()


def test_folder_that_became_a_link_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "precious").mkdir()
    (tmp_path / "precious" / "thesis.tex").touch()
    (tmp_path / "orchestrate").symlink_to(tmp_path / "precious")
    with pytest.raises(OSError):
        footprint.remove(Place("state", str(tmp_path / "orchestrate")))
    assert (tmp_path / "precious" / "thesis.tex").exists()


def test_the_users_state_folder_is_listed_last_and_once(tmp_path: Path) -> None:
    inside = state_home() / "repositories" / "project-1"
    inside.mkdir(parents=True)
    outside = tmp_path / ".git" / "orchestrate"
    outside.mkdir(parents=True)
    (outside / "events.db").write_bytes(b"x" * 10)
    footprint.record(Place("state", str(inside)))
    footprint.record(Place("state", str(outside)))
    footprint.record(Place("state", str(tmp_path / "gone")))
    places = footprint.remaining()
    assert [place.path for place in places] == [str(outside), str(state_home())]
    assert footprint.size_bytes(places[0]) == 10
