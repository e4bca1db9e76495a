"""The project's instructions, read from a commit and nowhere else."""

from __future__ import annotations

import hashlib
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from orchestrate.adapters.files.standards import MAX_BYTES, MAX_READS, Read, standards


def reader(files: Mapping[str, str | bytes]) -> Read:
    """Reads these files."""
    return lambda path: (
        None
        if path not in files
        else data.encode()
        if isinstance(data := files[path], str)
        else data
    )


def paths(files: Mapping[str, str | bytes], *targets: str) -> list[str]:
    """Where the instructions stand."""
    return [file.path for file in standards(reader(files), targets)]


def test_repository_without_instructions_has_none() -> None:
    assert standards(reader({"README.md": "x"})) == ()


def test_files_at_the_top_in_order_with_digests() -> None:
    files = {"AGENTS.md": "agents", "CLAUDE.md": "claude", ".claude/CLAUDE.md": "inner"}
    found = standards(reader(files))
    assert [file.path for file in found] == ["CLAUDE.md", ".claude/CLAUDE.md", "AGENTS.md"]
    assert found[0].text == "claude"
    assert found[0].digest == hashlib.sha256(b"claude").hexdigest()


def test_sub_folders_count_only_where_the_task_works() -> None:
    files = dict.fromkeys(
        ("a/AGENTS.md", "a/b/CLAUDE.md", "a/b/c.py/AGENTS.md", "d/AGENTS.md", "AGENTS.md"), "x"
    )
    assert paths(files) == ["AGENTS.md"]
    assert paths(files, "a/b/**") == ["AGENTS.md", "a/AGENTS.md", "a/b/CLAUDE.md"]
    assert paths(files, "./d/", "../e", "*/x") == ["AGENTS.md", "d/AGENTS.md"]


@pytest.mark.parametrize(
    ("line", "imported"),
    [
        ("See @docs/style.md for style.", ["docs/style.md"]),
        ("@docs/style.md.", ["docs/style.md"]),
        ("(x) @./docs/../docs/style.md", ["docs/style.md"]),
        ("@docs/with\\ space.md", ["docs/with space.md"]),
        ("mail me@docs/style.md", []),
        ("`@docs/style.md`", []),
        ("```\n@docs/style.md\n```", []),
        ("    @docs/style.md", []),
        ("@/docs/style.md @~/docs/style.md @../docs/style.md @docs/../../x", []),
        ("@missing.md", []),
    ],
)
def test_imports_are_those_outside_of_code_and_inside_the_repository(
    line: str, imported: list[str]
) -> None:
    files = {"CLAUDE.md": line, "docs/style.md": "style", "docs/with space.md": "space"}
    assert paths(files) == ["CLAUDE.md", *imported]


def test_imports_are_relative_to_their_file_and_follow_it() -> None:
    files = {
        "CLAUDE.md": "@docs/a.md\n@AGENTS.md",
        "docs/a.md": "@b.md",
        "docs/b.md": "@../CLAUDE.md",
        "AGENTS.md": "agents",
    }
    assert paths(files) == ["CLAUDE.md", "docs/a.md", "docs/b.md", "AGENTS.md"]


def test_imports_end_at_the_fifth_step() -> None:
    files = {"CLAUDE.md": "@1.md", **{f"{n}.md": f"@{n + 1}.md" for n in range(1, 9)}}
    assert paths(files) == ["CLAUDE.md", "1.md", "2.md", "3.md", "4.md", "5.md"]


def test_what_does_not_fit_is_left_out_and_said() -> None:
    files = {"CLAUDE.md": "é" * MAX_BYTES, "AGENTS.md": "agents"}
    first, second = standards(reader(files))
    assert first.text.startswith("é" * (MAX_BYTES // 2) + "\n[")
    assert f"{MAX_BYTES} of {2 * MAX_BYTES} bytes of this file are left out" in first.text
    assert second.text.startswith("\n[6 of 6 bytes")
    assert first.digest == hashlib.sha256(files["CLAUDE.md"].encode()).hexdigest()


def test_number_of_reads_is_bounded_and_the_rest_counted() -> None:
    asked: list[str] = []

    def read(path: str) -> bytes | None:
        asked.append(path)
        return b" ".join(b"@f%d" % n for n in range(1000)) if path == "CLAUDE.md" else None

    *_, note = standards(read)
    assert len(asked) == MAX_READS
    assert (note.path, note.text[:9]) == ("", f"[{1000 + 3 - MAX_READS} more")


def test_binary_files_are_no_instructions() -> None:
    assert paths({"CLAUDE.md": "@logo.png", "logo.png": b"\x89PNG\0"}) == ["CLAUDE.md"]


def git(folder: Path, *arguments: str) -> bytes:
    """Run git in `folder`."""
    return subprocess.run(["git", *arguments], cwd=folder, check=True, capture_output=True).stdout


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    git(tmp_path, "init", "-q")
    (tmp_path / "AGENTS.md").write_text("committed\n")
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "rules.md").write_text("rules\n")
    (tmp_path / "CLAUDE.md").symlink_to("AGENTS.md")
    (tmp_path / ".claude").mkdir()
    (tmp_path / ".claude" / "CLAUDE.md").symlink_to("../docs/rules.md")
    (tmp_path / "docs" / "AGENTS.md").symlink_to("/etc/hostname")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-q", "-m", "one")
    return tmp_path


def from_commit(repository: Path) -> Read:
    """Reads from HEAD with git itself."""

    def read(path: str) -> bytes | None:
        done = subprocess.run(
            ["git", "cat-file", "blob", f"HEAD:{path}"],
            cwd=repository,
            capture_output=True,
            check=False,
        )
        return None if done.returncode else done.stdout

    return read


def test_links_are_followed_inside_the_commit_only(repository: Path) -> None:
    found = standards(from_commit(repository), ("docs/**",))
    assert [(file.path, file.text) for file in found] == [
        ("AGENTS.md", "committed\n"),
        ("docs/rules.md", "rules\n"),
        # A link's own text is all that the commit holds of it.
        ("docs/AGENTS.md", "/etc/hostname"),
    ]


def test_what_is_not_committed_stays_with_the_user(repository: Path) -> None:
    (repository / "AGENTS.md").write_text("my own notes\n")
    (repository / "CLAUDE.md").unlink()
    (repository / "CLAUDE.md").write_text("more notes\n")
    assert standards(from_commit(repository))[0].text == "committed\n"
