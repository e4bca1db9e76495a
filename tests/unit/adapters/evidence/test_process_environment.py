"""What of the user's environment reaches a check, and what a build gets besides."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestrate.adapters.evidence.process_environment import pip_settings, scrubbed, with_first
from orchestrate.adapters.evidence.tails import tail

HOME, TMP = Path("/scratch/home"), Path("/scratch/tmp")


def test_only_what_is_listed_is_passed_on() -> None:
    user = {
        "PATH": "/bin",
        "LANG": "de_DE.UTF-8",
        "TOKEN": "x",
        "HOME": "/home/u",
        "PYTHONPATH": "y",
    }
    env = scrubbed(user, HOME, TMP)
    assert env["PATH"] == "/bin"
    assert env["LANG"] == "de_DE.UTF-8"
    assert (env["HOME"], env["TMPDIR"]) == (str(HOME), str(TMP))
    assert "TOKEN" not in env
    assert "PYTHONPATH" not in env
    assert not [name for name, value in env.items() if "/home/u" in value]


def test_pip_is_told_how_to_reach_its_index_and_not_where_to_install(tmp_path: Path) -> None:
    user = {
        "PIP_INDEX_URL": "https://index.invalid",
        "PIP_CERT": "/c",
        "PIP_TARGET": "/t",
        "PIP_USER": "1",
        "AWS_KEY": "x",
        "HOME": str(tmp_path),
    }
    env = pip_settings(user, tmp_path / "cache")
    assert env["PIP_INDEX_URL"] == "https://index.invalid"
    assert env["PIP_CERT"] == "/c"
    assert env["PIP_CACHE_DIR"] == str(tmp_path / "cache")
    assert not {"PIP_TARGET", "PIP_USER", "AWS_KEY", "HOME"} & set(env)
    assert pip_settings({**user, "PIP_CACHE_DIR": "/mine"}, tmp_path)["PIP_CACHE_DIR"] == "/mine"


@pytest.mark.parametrize("place", [".config/pip/pip.conf", ".pip/pip.conf"])
def test_the_users_own_pip_configuration_is_named(tmp_path: Path, place: str) -> None:
    file = tmp_path / place
    file.parent.mkdir(parents=True)
    file.write_text("[global]\n")
    env = pip_settings({"HOME": str(tmp_path)}, tmp_path)
    assert env["PIP_CONFIG_FILE"] == str(file)
    kept = pip_settings({"HOME": str(tmp_path), "PIP_CONFIG_FILE": "/other"}, tmp_path)
    assert kept["PIP_CONFIG_FILE"] == "/other"


def test_folders_are_put_in_front() -> None:
    assert with_first("PATH", ("/a", "/b"), {"PATH": "/bin"})["PATH"] == "/a:/b:/bin"
    assert with_first("PYTHONPATH", ("/a",), {})["PYTHONPATH"] == "/a"


def test_the_end_of_a_log_says_its_errors_first(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text(
        "start\nmain.c:1:2: fatal error: no such file\n  \x1b[31mERROR: it failed\nend\n"
    )
    assert tail(log, 4) == "main.c:1:2: fatal error: no such file / ERROR: it failed"
    log.write_text("a\n\nb\nc\n")
    assert tail(log, 2) == "b / c"
    assert tail(tmp_path / "absent", 2) == ""
