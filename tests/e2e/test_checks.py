"""The repository's own checks, shown and run by hand."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.e2e.command import orchestrate
from tests.e2e.git_states import commit, git

TESTS = """
import unittest

import sums


class Sums(unittest.TestCase):
    def test_one(self):
        self.assertEqual(sums.add(1, 1), 2)
"""


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    root = tmp_path / "repo"
    root.mkdir()
    git(root, "init", "-q")
    commit(root, "sums.py", "def add(a, b):\n    return a + b\n", "sums")
    commit(root, "tests/test_sums.py", TESTS, "tests")
    return root


def test_what_is_found_is_shown_with_its_place_and_nothing_is_run(repository: Path) -> None:
    shown = orchestrate("checks", cwd=repository)
    assert shown.code == 0, shown
    assert "unittest" in shown.out
    assert "not trusted" in shown.out
    refused = orchestrate("checks", "--run", "test", cwd=repository)
    assert refused.code == 4
    assert "--trust-repo" in refused.err
    missing = orchestrate("checks", "--run", "benchmark", cwd=repository)
    assert missing.code == 2


@pytest.mark.slow
def test_evidence_tells_head_from_the_working_tree(repository: Path) -> None:
    head = orchestrate("checks", "--run", "test", "--trust-repo", "--json", cwd=repository)
    assert head.code == 0, head
    assert head.data["evidence"]["counts"]["passed"] == 1
    assert head.data["evidence"]["revision"] == git(repository, "rev-parse", "HEAD").strip()
    (repository / "sums.py").write_text("def add(a, b):\n    return a - b\n")
    assert orchestrate("checks", "--run", "test", cwd=repository).code == 0
    red = orchestrate("checks", "--run", "test", "--base", "working-tree", cwd=repository)
    assert red.code == 1, red
    assert "test_one" in red.out
    assert git(repository, "status", "--porcelain").split() == ["M", "sums.py"]
