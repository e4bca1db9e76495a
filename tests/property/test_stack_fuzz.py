"""Whatever a repository's manifests hold, detection of the stack ends with plain values."""

from __future__ import annotations

import re
import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrate.adapters.evidence.detect import detect
from orchestrate.adapters.files.profile_reader import parse_profile
from orchestrate.adapters.stack.detect import detect_stack
from orchestrate.adapters.stack.git_index import tracked_paths
from orchestrate.core.agents.generation import generated_for_run
from orchestrate.core.agents.stack import is_plain_source

PIECES = {
    "pyproject.toml": [b"[project]\n", b"dependencies = ['Django', 1]\n", b"[tool]\nruff = 1\n"],
    "package.json": [b'{"dependencies":', b'{"react": 1}', b"}", b"null", b'"\\ud800"'],
    "Cargo.toml": [b"[dependencies]\n", b"axum = 1\n", b"[target]\nx = 1\n", b"workspace = 1\n"],
    "go.mod": [b"require (\n", b"\tgithub.com/gin-gonic/gin v1\n", b"module x\n"],
    "pom.xml": [b"<groupId>", b"io.quarkus", b"</groupId>", b"<!--", b"-->", b"<project>"],
    "build.gradle": [b"id 'io.quarkus'\n", b"'org.mockito:core:1'\n", b"spotless\n"],
    "requirements.txt": [b"flask\n", b"-r x\n", b"django[x]>=1\n", b"# a\n"],
    ".pre-commit-config.yaml": [b"- id: black\n", b"  id: ruff-format\n", b"\t"],
}


@pytest.mark.parametrize("name", PIECES)
@given(data=st.data())
def test_any_manifest_gives_a_stack_and_agents_from_it(name: str, data: st.DataObject) -> None:
    part = st.one_of(st.sampled_from(PIECES[name]), st.binary(max_size=12))
    content = b"".join(data.draw(st.lists(part, max_size=8)))
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, name).write_bytes(content)
        for other in ("test_a.py", "A.java", "a.ts", "a.go", "a.rs"):
            Path(folder, other).write_bytes(b"import x\n")
        stack = detect_stack(Path(folder), detect(Path(folder)))
    sources = [each.source for each in stack.commands] + [each.source for each in stack.managers]
    assert all(map(is_plain_source, sources))
    agents = generated_for_run(stack, "builder", "2026-01-02")
    assert len(agents) == 5
    for agent in agents:
        assert parse_profile(agent.text.encode(), "x.md").warnings == ()
        assert re.search(r"[^\x20-\x7e\n…]", agent.text) is None


@given(st.binary(max_size=200))
def test_any_bytes_of_an_index_are_survived(content: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, ".git").mkdir()
        Path(folder, ".git", "index").write_bytes(b"DIRC\0\0\0\4" + content + bytes(20))
        found = tracked_paths(Path(folder))
    assert found is None or all(isinstance(path, str) for path in found)
