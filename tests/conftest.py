"""Fixtures for every suite: an isolated user, the real inputs, and Hypothesis profiles."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

pytest_plugins = ["tests.plugins.required", "pytester"]

settings.register_profile("fast", deadline=None, max_examples=30)
settings.register_profile(
    "ci", deadline=None, max_examples=100, derandomize=True, database=None, print_blob=True
)
settings.register_profile(
    "soak",
    deadline=None,
    max_examples=5_000,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("ci" if os.environ.get("CI", "").lower() in {"true", "1"} else "fast")

_USER_ENVIRONMENT = dict(os.environ)
# Anything of the developer's that could change what a test sees, by prefix.
_SCRUBBED = ("GIT_", "XDG_", "ORCHESTRATE_", "NO_COLOR", "FORCE_COLOR", "CLICOLOR", "PYTHONPATH")
_KEPT = ("ORCHESTRATE_TEST_DATA", "ORCHESTRATE_PACKAGES")
_GIT_CONFIG = """\
[user]
	name = Test User
	email = test@orchestrate.invalid
[init]
	defaultBranch = main
[commit]
	gpgSign = false
"""


def _isolate(patch: pytest.MonkeyPatch, home: Path) -> None:
    """Point everything that belongs to a user into `home`, and take proxies away."""
    for name in os.environ:
        proxy = name.lower().endswith("_proxy")
        if (proxy or name.startswith(_SCRUBBED)) and name not in _KEPT:
            patch.delenv(name)
    patch.setenv("HOME", str(home))
    folders = {
        "XDG_CONFIG_HOME": ".config",
        "XDG_STATE_HOME": ".local/state",
        "XDG_DATA_HOME": ".local/share",
        "XDG_CACHE_HOME": ".cache",
        "XDG_RUNTIME_DIR": ".runtime",
    }
    for name, folder in folders.items():
        (home / folder).mkdir(parents=True, mode=0o700)
        patch.setenv(name, str(home / folder))
    (home / ".gitconfig").write_text(_GIT_CONFIG, encoding="utf-8")
    patch.setenv("GIT_CONFIG_NOSYSTEM", "1")


@pytest.fixture(scope="session", autouse=True)
def _isolated_session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        _isolate(patch, tmp_path_factory.mktemp("session-home"))
        yield


@pytest.fixture(scope="module", autouse=True)
def _isolated_module(
    _isolated_session: None, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[None]:
    """One user per test file, so that a file's own wider fixtures and its tests agree."""
    with pytest.MonkeyPatch.context() as patch:
        _isolate(patch, tmp_path_factory.mktemp("module-home"))
        yield


@pytest.fixture
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A user nobody has been before: a fresh HOME, with XDG folders and a git identity."""
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("home")
        _isolate(patch, folder)
        yield folder


@pytest.fixture(scope="session")
def user_environment() -> dict[str, str]:
    """The environment pytest was started in, for the few tests that use a package index."""
    return dict(_USER_ENVIRONMENT)


@pytest.fixture(scope="session")
def test_data() -> Path:
    """The folder of real inputs; tests that use it carry `@pytest.mark.data`."""
    # Not at the top: pytest wants to load the plugin itself first, to rewrite its assertions.
    from tests.plugins.required import skip_if_missing

    skip_if_missing("data")
    return Path(_USER_ENVIRONMENT["ORCHESTRATE_TEST_DATA"]).resolve()
