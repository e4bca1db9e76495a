"""No tracked file names a package registry: which one is used is the user's configuration."""

from __future__ import annotations

import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
# Put together here, so that this file does not name one either.
REGISTRIES = [
    ".".join(parts).encode()
    for parts in (
        ("pypi", "org"),
        ("pythonhosted", "org"),
        ("npmjs", "org"),
        ("npmjs", "com"),
        ("yarnpkg", "com"),
        ("deb", "debian", "org"),
        ("security", "debian", "org"),
        ("archive", "ubuntu", "com"),
        ("conda", "anaconda", "org"),
    )
]


def _project_files() -> list[Path]:
    """Files that are tracked, or would be with the next `git add`."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=True,
    ).stdout
    paths = [ROOT / name.decode() for name in listed.split(b"\0") if name]
    return [path for path in paths if path.is_file()]


def _naming_a_registry(paths: list[Path]) -> list[str]:
    return [
        f"{path}: {registry.decode()}"
        for path in paths
        for registry in REGISTRIES
        if registry in path.read_bytes().lower()
    ]


def test_no_file_names_a_package_registry() -> None:
    paths = _project_files()
    assert ROOT / "pyproject.toml" in paths
    assert _naming_a_registry(paths) == []


def test_a_named_registry_is_found(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_bytes(b"see HTTPS://" + REGISTRIES[0].upper() + b"/project")
    assert len(_naming_a_registry([page])) == 1
