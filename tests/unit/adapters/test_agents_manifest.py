"""Every real agent file reads as the manifest said before there was a reader (E1)."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from orchestrate.adapters.files.agent_catalog import AgentFolder, FileAgentCatalog
from orchestrate.adapters.files.profile_reader import ProfileError, parse_profile
from tests.unit.adapters.profile_shapes import SHAPES

MANIFEST = Path(__file__).parents[2] / "data" / "agents-manifest.json"


@pytest.fixture(scope="module")
def manifest() -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(MANIFEST.read_text(encoding="utf-8"))
    return loaded


def outcome(data: bytes, path: str) -> dict[str, Any]:
    """What reading gives, in the words of the manifest."""
    try:
        profile = parse_profile(data, path)
    except ProfileError as error:
        assert str(error).startswith(f"{path}:{error.line}:")
        assert error.remedy
        return {"verdict": "refused", "code": error.code, "line": error.line}
    found: dict[str, Any] = {
        "verdict": "repaired" if profile.warnings else "loads",
        "name": profile.name,
        "description_characters": len(profile.description),
    }
    if profile.warnings:
        found["repairs"] = [
            {"code": each.code, "line": each.line, "column": each.column}
            for each in profile.warnings
        ]
    return found


@pytest.mark.data
def test_every_real_agent_file_reads_as_the_manifest_says(
    manifest: dict[str, Any], test_data: Path
) -> None:
    root = test_data / "agents"
    files = {path.relative_to(root).as_posix(): path for path in root.rglob("*") if path.is_file()}

    found = {name: outcome(path.read_bytes(), name) for name, path in files.items()}

    assert found == manifest["files"]


def test_the_manifest_covers_four_collections_and_each_verdict(manifest: dict[str, Any]) -> None:
    verdicts = Counter(row["verdict"] for row in manifest["files"].values())
    assert verdicts == {"loads": 323, "repaired": 72, "refused": 19}
    assert len({name.split("/")[0] for name in manifest["files"]}) == 4


@pytest.mark.data
def test_bodies_of_real_files_are_the_bytes_after_the_closing_fence(
    manifest: dict[str, Any], test_data: Path
) -> None:
    for name, row in manifest["files"].items():
        if row["verdict"] == "refused":
            continue
        text = (test_data / "agents" / name).read_bytes().decode()
        profile = parse_profile(text.encode(), name)
        head = text.removesuffix(profile.body)
        assert head.rstrip(" \n").endswith("---")
        assert head + profile.body == text
        assert head.count("---") == 2


@pytest.mark.data
def test_a_catalog_of_all_real_files_names_each_loaded_or_shadowed_one(
    manifest: dict[str, Any], test_data: Path
) -> None:
    catalog = FileAgentCatalog([AgentFolder(test_data / "agents", "user")], built_in=False)

    rows = manifest["files"].values()
    assert set(catalog.names()) == {row["name"] for row in rows if "name" in row}
    loaded = sum(row["verdict"] != "refused" for row in rows)
    assert len(catalog.names()) + len(catalog.shadowed) == loaded
    refused = [name for name, row in manifest["files"].items() if row["verdict"] == "refused"]
    assert len(catalog.broken) == sum(name.endswith(".md") for name in refused)


@pytest.mark.parametrize("shape", SHAPES)
def test_a_document_of_a_known_shape_reads_as_the_manifest_says(
    shape: str, manifest: dict[str, Any]
) -> None:
    found = outcome(SHAPES[shape].encode(), f"{shape}.md")
    found.pop("description_characters", None)
    assert found == manifest["shapes"][shape]


def test_the_manifest_and_the_shapes_name_the_same_documents(manifest: dict[str, Any]) -> None:
    assert set(manifest["shapes"]) == set(SHAPES)
