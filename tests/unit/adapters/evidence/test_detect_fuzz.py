"""Whatever a repository's files hold, detection ends with a value."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrate.adapters.evidence.detect import detect

PIECES = {
    "pyproject.toml": [b"[tool.pytest.ini_options]\n", b"tool = 1\n", b"[tool]\npytest = 3\n"],
    "setup.cfg": [b"[tool:pytest]\n", b"[flake8\n", b"testpaths\n", b" = x\n"],
    "tox.ini": [b"[tox]\n", b"[testenv]\n", b"commands = pytest '\n", b"%(x)s\n", b"\\\n"],
    "package.json": [b'{"scripts":', b'{"test": "jest \\" "}', b"}", b"null", b"1e999"],
    "Cargo.toml": [b"[workspace]\n", b"workspace = 1\n", b"bench = 2\n"],
    "Makefile": [b"test:\n", b"\t'\n", b"a b: c ; d\n", b":\n"],
    "noxfile.py": [b"import nox\n", b"@nox.session(name=1)\n", b"def f(s): s.run(1)\n", b"\0"],
    "go.mod": [b"module x\n"],
    "setup.py": [b"import setuptools\n", b"cmdclass = {'test': 1}\n"],
    "test_a.py": [b"import unittest\n", b"def test(): pass\n"],
}


@pytest.mark.parametrize("name", PIECES)
@given(data=st.data())
def test_any_content_is_survived(name: str, data: st.DataObject) -> None:
    part = st.one_of(st.sampled_from(PIECES[name]), st.binary(max_size=12))
    content = b"".join(data.draw(st.lists(part, max_size=8)))
    with tempfile.TemporaryDirectory() as folder:
        for path in {name, "test_b.py"}:
            Path(folder, path).write_bytes(content if path == name else b"def test_b(): pass\n")
        detection = detect(Path(folder))
    assert all(command.argv and command.source for command in detection.commands)
    for note in detection.notes:
        place, line, _ = note.split(":", 2)
        assert place
        assert int(line) >= 1
