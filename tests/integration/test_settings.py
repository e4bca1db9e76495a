"""Settings files as people write them."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestrate import wiring
from orchestrate.adapters.files.settings_reader import MAX_BYTES, read_settings
from orchestrate.errors import ConfigurationError
from orchestrate.ui.cli.starters import STARTERS

pytestmark = pytest.mark.usefixtures("home")


def test_file_that_does_not_exist_says_nothing(tmp_path: Path) -> None:
    assert read_settings(tmp_path / "settings.yaml", relative_to=tmp_path).values == {}


@pytest.mark.parametrize("text", ["", "# nothing yet\n", "---\n", STARTERS["settings.yaml"]])
def test_file_without_settings_says_nothing(text: str, tmp_path: Path) -> None:
    path = tmp_path / "settings.yaml"
    path.write_text(text)
    assert read_settings(path, relative_to=tmp_path).values == {}


def test_values_come_with_their_lines(tmp_path: Path) -> None:
    path = tmp_path / "settings.yaml"
    path.write_text("# a & b * c\nmax_parallel: 3\n\nadvisory_service: http://127.0.0.1:1\n")
    found = read_settings(path, relative_to=tmp_path)
    assert found.values == {"max_parallel": 3, "advisory_service": "http://127.0.0.1:1"}
    assert found.where("advisory_service") == f"{path}:4"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (b"max_parallel: [1\n", ":2: not valid YAML"),
        (b"a: 1\na: 2\n", ":2: not valid YAML"),
        (b"- 1\n", ":1: settings are a mapping"),
        (b"just text\n", ":1: settings are a mapping"),
        (b"a: &x [1]\nb: *x\n", ":2: aliases are not used"),
        (b"a: 1\n---\nb: 2\n", "not valid YAML"),
        (b"a: !!python/object/apply:os.system [ls]\n", "not valid YAML"),
        (b"a: \xff\n", "not valid YAML"),
        (b"a: \x00\n", "not valid YAML"),
        (b"#" * (MAX_BYTES + 1), "is larger than"),
    ],
)
def test_what_is_wrong_is_said_with_its_line(text: bytes, said: str, tmp_path: Path) -> None:
    path = tmp_path / "settings.yaml"
    path.write_bytes(text)
    with pytest.raises(ConfigurationError) as caught:
        read_settings(path, relative_to=tmp_path)
    assert str(path) in caught.value.message
    assert said in caught.value.message


def test_aliases_of_aliases_take_no_time(tmp_path: Path) -> None:
    path = tmp_path / "settings.yaml"
    bomb = "a0: &a0 [x, x]\n" + "".join(
        f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 30)
    )
    path.write_text(bomb)
    with pytest.raises(ConfigurationError, match="aliases"):
        read_settings(path, relative_to=tmp_path)


def test_folder_in_its_place_is_an_error_and_not_a_crash(tmp_path: Path) -> None:
    (tmp_path / "settings.yaml").mkdir()
    with pytest.raises(ConfigurationError, match="cannot be read"):
        read_settings(tmp_path / "settings.yaml", relative_to=tmp_path)


def test_paths_are_relative_to_their_file_and_not_to_where_one_stands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    user = wiring.config_home() / "settings.yaml"
    user.parent.mkdir(parents=True)
    user.write_text("advisories: data/advisories\n")
    (tmp_path / "src").mkdir()
    monkeypatch.chdir(tmp_path / "src")
    site = wiring.open_site()
    assert site.settings.advisories == str(user.parent / "data" / "advisories")
    assert site.origin["advisories"] == f"{user}:1"


def test_what_a_repository_may_not_decide_is_left_out_and_named(tmp_path: Path) -> None:
    user = wiring.config_home() / "settings.yaml"
    user.parent.mkdir(parents=True)
    user.write_text("workspace_quota_mb: 70\nadvisories: mine\n")
    project = tmp_path / ".orchestrate" / "settings.yaml"
    project.parent.mkdir()
    project.write_text(
        "evidence_network: true\nworkspace_quota_mb: 999999\nadvisories: theirs\nsetup: make\n"
    )
    site = wiring.open_site(tmp_path)
    assert not site.settings.evidence_network
    assert site.settings.workspace_quota_mb == 70
    assert site.settings.advisories == str(user.parent / "mine")
    assert site.settings.setup == "make"
    assert site.passed_over == {
        "evidence_network": f"{project}:1",
        "workspace_quota_mb": f"{project}:2",
        "advisories": f"{project}:3",
    }


def test_flag_beats_environment_beats_project_beats_user(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    user = wiring.config_home() / "settings.yaml"
    user.parent.mkdir(parents=True)
    user.write_text("max_parallel: 1\n")
    project = tmp_path / ".orchestrate" / "settings.yaml"

    def limit(flags: dict[str, object] | None = None) -> tuple[int | None, str]:
        site = wiring.open_site(tmp_path, flags)
        return site.settings.max_parallel, site.origin["max_parallel"]

    assert limit() == (1, f"{user}:1")
    project.parent.mkdir()
    project.write_text("max_parallel: 2\n")
    assert limit() == (2, f"{project}:1")
    monkeypatch.setenv("ORCHESTRATE_MAX_PARALLEL", "3")
    assert limit() == (3, "environment")
    assert limit({"max_parallel": 4}) == (4, "command line")
