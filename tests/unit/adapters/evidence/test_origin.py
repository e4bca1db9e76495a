"""Where code came from, judged by what the processes of a run left."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from orchestrate.adapters.evidence.environment import Built
from orchestrate.adapters.evidence.origin import origin, project_in
from tests.integration.evidence_projects import write


def left(tmp_path: Path, *records: object) -> Path:
    folder = tmp_path / "probe"
    folder.mkdir()
    for number, record in enumerate(records):
        (folder / f"origin-{number}.json").write_text(json.dumps(record))
    return folder


def test_code_from_the_checkout_is_proven_by_any_process(tmp_path: Path) -> None:
    checkout = tmp_path / "checkout"
    probe = left(
        tmp_path, {str(checkout / "src/a/deep"): "a.deep.b"}, {str(checkout / "src/a"): "a"}
    )
    found = origin(probe, checkout, ("a",))
    assert (found.said, found.problem, found.unproven) == (str(checkout / "src/a"), "", "")


def test_one_module_from_elsewhere_spoils_the_proof_and_both_paths_are_named(
    tmp_path: Path,
) -> None:
    checkout = tmp_path / "checkout"
    probe = left(tmp_path, {str(checkout / "a"): "a", "/home/user/project/a/sub": "a.sub.x"})
    found = origin(probe, checkout, ("a",))
    assert "a.sub.x was imported from /home/user/project/a/sub" in found.problem
    assert str(checkout) in found.problem


def test_a_folder_whose_name_only_starts_like_the_checkouts_is_elsewhere(tmp_path: Path) -> None:
    checkout = tmp_path / "checkout"
    probe = left(tmp_path, {f"{checkout}-old/a": "a"})
    assert origin(probe, checkout, ("a",)).problem


def test_a_checkout_behind_a_link_is_the_same_place(tmp_path: Path) -> None:
    (tmp_path / "real/a").mkdir(parents=True)
    (tmp_path / "link").symlink_to(tmp_path / "real")
    probe = left(tmp_path, {str(tmp_path / "real/a"): "a"})
    assert origin(probe, tmp_path / "link", ("a",)).said == str(tmp_path / "real/a")


@pytest.mark.parametrize("record", [[], 3, None, "text", {}])
def test_records_that_say_nothing_prove_nothing(tmp_path: Path, record: object) -> None:
    assert origin(left(tmp_path, record), tmp_path, ("a",)).unproven


def test_a_record_that_is_a_link_is_not_followed(tmp_path: Path) -> None:
    probe = left(tmp_path)
    (tmp_path / "elsewhere.json").write_text(json.dumps({str(tmp_path): "a"}))
    (probe / "origin-1.json").symlink_to(tmp_path / "elsewhere.json")
    assert origin(probe, tmp_path, ("a",)).unproven


def test_a_project_without_packages_has_nothing_to_prove(tmp_path: Path) -> None:
    found = origin(left(tmp_path), tmp_path, ())
    assert (found.problem, found.unproven) == ("", "")


@pytest.mark.parametrize(
    ("files", "packages", "roots"),
    [
        (["src/a/__init__.py", "tests/test_a.py"], ("a",), ("src",)),
        (["a/__init__.py", "b.py", "setup.py", "conftest.py", "test_a.py"], ("a", "b"), ("",)),
        (["a_test.py", "docs/__init__.py", "scripts/x.py", "2to3.py", "my-tool.py"], (), ()),
    ],
)
def test_without_a_build_the_folders_tell_what_there_is_to_import(
    tmp_path: Path, files: list[str], packages: tuple[str, ...], roots: tuple[str, ...]
) -> None:
    write(tmp_path, dict.fromkeys(files, ""))
    project = project_in(tmp_path, Built())
    assert project.packages == packages
    assert project.roots == tuple(str(tmp_path / root) for root in roots)


def test_a_build_tells_it_better(tmp_path: Path) -> None:
    write(tmp_path, {"lib3/a/x.py": "", "tools/__init__.py": "", "b.py": ""})
    built = Built(packages=("a", "tests"), modules=("a/x.py", "tests/__init__.py"))
    project = project_in(tmp_path, built)
    assert project.packages == ("a",)
    assert project.roots == (str(tmp_path / "lib3"),)
