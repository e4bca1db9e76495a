"""What a survey finds in ordinary, odd and hostile folders, and reading files without trust."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from orchestrate.adapters.backends.local.repository import (
    MAX_EXCERPT_COLUMNS,
    decode,
    disk_name,
    excerpt,
    read_bytes,
    read_text,
    safe_name,
    survey,
)


def _write(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return root


def _reasons(root: Path) -> dict[str, tuple[str, ...]]:
    return {each.reason: each.paths for each in survey(root).not_examined}


def test_python_files_are_examinable_and_the_rest_is_counted_by_language(tmp_path: Path) -> None:
    _write(tmp_path, {"a.py": "x = 1\ny = 2", "b.md": "# b\n", "c.js": "1\n2\n", "run": "no\n"})
    (tmp_path / "tool").write_bytes(b"#!/usr/bin/env python3\nprint()\n")
    found = survey(tmp_path)
    assert [file.path for file in found.files] == ["a.py", "tool"]
    assert found.inventory.languages == {
        "JavaScript": (1, 2),
        "Markdown": (1, 1),
        "Python": (2, 4),
        "Unknown": (1, 1),
    }
    assert found.inventory.python_lines == 4
    assert _reasons(tmp_path) == {"JavaScript: no analysis for this language": ("c.js",)}


@pytest.mark.parametrize(
    ("path", "exposure"),
    [
        ("pkg/core.py", "shipped"),
        ("src/tests/core.py", "shipped"),
        ("pkg/tests/core.py", "test"),
        ("test_core.py", "test"),
        ("conftest.py", "test"),
        ("docs/conf.py", "docs"),
        ("examples/a.py", "example"),
        ("setup.py", "build"),
        ("scripts/release.py", "build"),
        ("pkg/setup.py", "shipped"),
        ("benchmarks/a.py", "test"),
    ],
)
def test_exposure_follows_the_path(tmp_path: Path, path: str, exposure: str) -> None:
    _write(tmp_path, {path: "x = 1\n"})
    assert [file.exposure for file in survey(tmp_path).files] == [exposure]


def test_folders_that_are_not_the_projects_own_are_listed_with_their_number_of_files(
    tmp_path: Path,
) -> None:
    _write(
        tmp_path,
        {
            "app.py": "",
            "node_modules/x/a.py": "",
            "node_modules/x/b.py": "",
            "env/pyvenv.cfg": "",
            "env/lib/a.py": "",
            "pkg/_vendor/six.py": "",
            "build/lib/app.py": "",
            "pkg/build/__init__.py": "",
            "sub/.git": "gitdir: ../.git/modules/sub\n",
            "sub/a.py": "",
            ".git/hooks/pre-commit": "",
        },
    )
    found = survey(tmp_path)
    assert [file.path for file in found.files] == ["app.py", "pkg/build/__init__.py"]
    counted = {each.reason: (each.count, each.paths) for each in found.not_examined}
    assert counted == {
        "build output": (1, ("build/",)),
        "submodule or nested repository, a project of its own": (2, ("sub/",)),
        "vendored code of other projects": (3, ("node_modules/", "pkg/_vendor/")),
        "virtual environment": (2, ("env/",)),
    }


def test_links_are_listed_and_never_followed(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret.py").write_text("key = 1\n")
    root = _write(tmp_path / "root", {"a.py": ""})
    (root / "out").symlink_to(outside)
    (root / "up").symlink_to("..")
    (root / "file.py").symlink_to(outside / "secret.py")
    (root / "loop").symlink_to("loop")
    assert [file.path for file in survey(root).files] == ["a.py"]
    assert _reasons(root) == {"symbolic link, not followed": ("file.py", "loop", "out", "up")}


def test_a_file_that_becomes_a_link_after_the_survey_is_not_read(tmp_path: Path) -> None:
    outside = tmp_path / "outside.py"
    outside.write_text("key = 1\n")
    root = _write(tmp_path / "root", {"a.py": "x = 1\n"})
    file = survey(root).files[0]
    (root / "a.py").unlink()
    (root / "a.py").symlink_to(outside)
    assert read_text(root, file) == ""


def test_pipes_sockets_and_unreadable_folders_do_not_stop_the_survey(tmp_path: Path) -> None:
    root = _write(tmp_path, {"a.py": "x = 1\n"})
    os.mkfifo(root / "pipe.py")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(root / "s.py"))
        assert [file.path for file in survey(root).files] == ["a.py"]
    assert _reasons(root) == {
        "not a regular file (pipe, socket or device)": ("pipe.py", "s.py"),
    }
    with pytest.raises(OSError, match="not a regular file"):
        read_bytes(root, "pipe.py")


@pytest.mark.parametrize(
    "name",
    [b"new\nline.py", b"qu\"o'te.py", b"caf\xe9.py", b"-rf.py", b"a\\b.py", b"\xe2\x80\xae.py"],
)
def test_hostile_names_are_printable_and_lead_back_to_the_file(tmp_path: Path, name: bytes) -> None:
    (tmp_path / os.fsdecode(name)).write_text("x = 1\n")
    file = survey(tmp_path).files[0]
    assert file.path.isprintable()
    file.path.encode("utf-8")
    assert os.fsencode(disk_name(file.path)) == name
    assert read_text(tmp_path, file) == "x = 1\n"


def test_names_with_escapes_of_their_own_stay_distinct() -> None:
    assert safe_name("a\\x0a") == "a\\\\x0a"
    assert safe_name("a\n") == "a\\u000a"
    assert disk_name(safe_name("a\\u000a\n")) == "a\\u000a\n"


def test_large_binary_generated_and_minified_files_are_listed(tmp_path: Path) -> None:
    _write(
        tmp_path,
        {
            "large.py": "#" * 200_001,
            "made.py": "# Generated by a tool.\n# DO NOT EDIT\nx = 1\n",
            "a_pb2.py": "x = 1\n",
            "text.py": 'x = """generated, do not edit"""\n',
            "packed.py": "x = [" + "1, " * 5000 + "]\n",
        },
    )
    (tmp_path / "blob.py").write_bytes(b"x\0y")
    found = survey(tmp_path, max_file_bytes=200_000)
    assert [file.path for file in found.files] == ["text.py"]
    assert {each.reason: each.paths for each in found.not_examined} == {
        "binary": ("blob.py",),
        "generated": ("a_pb2.py", "made.py"),
        "larger than 200000 bytes": ("large.py",),
        "minified": ("packed.py",),
    }


def test_limits_of_depth_and_number_are_stated(tmp_path: Path) -> None:
    _write(tmp_path, {"a/b/c/d.py": "", "a/b/e.py": "", "f.py": ""})
    deep = survey(tmp_path, max_depth=2)
    assert [file.path for file in deep.files] == ["a/b/e.py", "f.py"]
    assert [each.reason for each in deep.not_examined] == ["nested deeper than 2 folders"]
    few = survey(tmp_path, max_files=1)
    assert [each.reason for each in few.not_examined] == ["beyond the first 1 files"]
    assert few.not_examined[0].count == 2


def test_a_survey_of_something_else_than_a_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NotADirectoryError):
        survey(tmp_path / "missing")


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"\xef\xbb\xbfx = 1\r\ny\rz", "x = 1\ny\nz"),
        (
            "# -*- coding: koi8-r -*-\n# привет\n".encode("koi8-r"),
            "# -*- coding: koi8-r -*-\n# привет\n",
        ),
        (b"caf\xe9\n", "café\n"),
        (b"# coding: zlib_codec\nx\n", "# coding: zlib_codec\nx\n"),
        (b"# coding: no-such-codec\nx\n", "# coding: no-such-codec\nx\n"),
        ("ä\n".encode("utf-16"), "ä\n"),
    ],
)
def test_any_bytes_can_be_read_as_text(data: bytes, text: str) -> None:
    assert decode(data) == text


def test_an_excerpt_is_cut_to_the_text_and_to_a_width() -> None:
    text = "1\n2\n3\n4\n" + "x" * 1000 + "\n"
    assert excerpt(text, 1) == ("1\n2\n3", 1)
    shown, first = excerpt(text, 99, before=1)
    assert first == 4
    assert [len(line) for line in shown.split("\n")] == [1, MAX_EXCERPT_COLUMNS]
    assert excerpt("", 1) == ("", 1)
