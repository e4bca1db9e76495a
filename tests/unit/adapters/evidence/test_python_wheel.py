"""Where a project's modules are, told by what its own wheel has."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from orchestrate.adapters.evidence.python_wheel import (
    compiled_sources,
    extras_of,
    generated_files,
    import_roots,
    module_files,
    remove_installed,
    top_level,
)
from tests.integration.evidence_projects import write


def make_wheel(folder: Path, *names: str) -> Path:
    metadata = "Name: thing\nProvides-Extra: test\nProvides-Extra: async\n\nProvides-Extra: no\n"
    record = "".join(f"{name},,\n" for name in names)
    path = folder / "thing-1-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for name in names:
            archive.writestr(name, f"# {name}\n")
        archive.writestr("thing-1.dist-info/METADATA", metadata)
        archive.writestr("thing-1.dist-info/RECORD", f"{record}../../../bin/thing,,\n")
        archive.writestr("thing-1.data/scripts/thing", "")
    return path


def test_modules_are_all_but_metadata_and_scripts(tmp_path: Path) -> None:
    wheel = make_wheel(tmp_path, "thing/b.py", "thing/a.py", "single.py")
    assert module_files(wheel) == ("single.py", "thing/a.py", "thing/b.py")
    assert extras_of(wheel) == {"test", "async"}


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("thing/__init__.py", ("thing",)),
        ("single.py", ("single",)),
        ("_fast.cpython-311-x86_64-linux-gnu.so", ("_fast",)),
        ("_fast.abi3.so", ("_fast",)),
        ("space/deep/mod.py", ("space",)),
        ("README.txt", ()),
        ("thing.pth", ()),
    ],
)
def test_top_level_names_are_what_can_be_imported(name: str, found: tuple[str, ...]) -> None:
    assert top_level([name]) == found


@pytest.mark.parametrize("root", [".", "src", "lib3", "python/src"])
def test_the_import_root_is_found_wherever_it_is(tmp_path: Path, root: str) -> None:
    write(tmp_path, {f"{root}/thing/__init__.py": "", f"{root}/thing/a.py": "", "tests/a.py": ""})
    roots = import_roots(tmp_path, ("thing/__init__.py", "thing/a.py"))
    assert roots == (tmp_path / root,)


def test_of_several_trees_the_one_with_most_of_the_files_is_taken(tmp_path: Path) -> None:
    write(tmp_path, {"lib/thing/old.py": "", "lib3/thing/a.py": "", "lib3/thing/b.py": ""})
    assert import_roots(tmp_path, ("thing/a.py", "thing/b.py")) == (tmp_path / "lib3",)
    assert import_roots(tmp_path, ("thing/c.py",)) == ()


def test_installed_copies_in_the_checkout_are_no_root(tmp_path: Path) -> None:
    write(tmp_path, {"build/lib/thing/a.py": "", ".venv/thing/a.py": "", "src/thing/a.py": ""})
    assert import_roots(tmp_path, ("thing/a.py",)) == (tmp_path / "src",)


def test_what_only_the_build_has_is_kept(tmp_path: Path) -> None:
    checkout = write(tmp_path / "checkout", {"src/thing/__init__.py": ""})
    wheel = make_wheel(tmp_path, "thing/__init__.py", "thing/_version.py")
    assert generated_files(wheel, checkout, tmp_path / "kept") == ("thing/_version.py",)
    assert (tmp_path / "kept/thing/_version.py").is_file()
    assert not (tmp_path / "kept/thing/__init__.py").exists()
    assert generated_files(wheel, tmp_path / "kept/none", tmp_path / "other") == ()


def test_an_installed_project_loses_its_modules_and_keeps_the_rest(tmp_path: Path) -> None:
    site = "venv/lib/python3.11/site-packages"
    names = ("thing/__init__.py", "thing/deep/a.py")
    wheel = make_wheel(tmp_path, *names)
    record = zipfile.ZipFile(wheel).read("thing-1.dist-info/RECORD").decode()
    write(
        tmp_path,
        {
            **{f"{site}/{name}": "" for name in names},
            f"{site}/thing-1.dist-info/RECORD": record,
            f"{site}/thing-1.dist-info/METADATA": "",
            f"{site}/other/a.py": "",
            "venv/bin/thing": "",
        },
    )
    remove_installed(tmp_path / "venv", wheel)
    left = {path.relative_to(tmp_path / site).as_posix() for path in (tmp_path / site).rglob("*")}
    left = {name for name in left if not (tmp_path / site / name).is_dir()}
    assert left == {
        "other/a.py",
        "thing-1.dist-info/RECORD",
        "thing-1.dist-info/METADATA",
    }
    assert not (tmp_path / site / "thing").exists()
    assert (tmp_path / "venv/bin/thing").exists()


def test_sources_that_are_compiled_are_found_outside_of_what_is_built(tmp_path: Path) -> None:
    write(tmp_path, {"src/a.c": "", "src/b.pyx": "", "build/c.c": "", ".git/d.c": "", "e.py": ""})
    assert {path.name for path in compiled_sources(tmp_path)} == {"a.c", "b.pyx"}
