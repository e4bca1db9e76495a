"""Which setting is in force, where it comes from, and what is said about a wrong one."""

from __future__ import annotations

import pytest
from msgspec.structs import asdict

from orchestrate.config import (
    NOT_FROM_PROJECT,
    SWITCHES,
    Layer,
    Settings,
    environment_layer,
    merge,
    passed_over,
)
from orchestrate.errors import ConfigurationError, ExitCode

USER = Layer("/home/ada/settings.yaml", {"max_parallel": 2, "advisories": "/u"}, {"advisories": 7})
LEFT_ALONE = set(Settings.__struct_fields__) - {"max_parallel", "memory_floor_mb", "advisories"}
PROJECT = Layer("settings.yaml", {"max_parallel": 3}, {"max_parallel": 4})


def test_later_layers_win_and_every_value_names_its_place() -> None:
    environment = environment_layer({"ORCHESTRATE_MEMORY_FLOOR_MB": "0"})
    settings, origin = merge([USER, PROJECT, environment, Layer("command line", {})])
    assert settings == Settings(max_parallel=3, memory_floor_mb=0, advisories="/u")
    assert origin == {
        "max_parallel": "settings.yaml:4",
        "memory_floor_mb": "environment",
        "advisories": "/home/ada/settings.yaml:7",
    } | dict.fromkeys(LEFT_ALONE, "default")


def test_nothing_given_is_all_defaults() -> None:
    settings, origin = merge([])
    assert settings == Settings()
    assert set(origin.values()) == {"default"}


def test_environment_holds_settings_and_other_things() -> None:
    found = environment_layer(
        {"ORCHESTRATE_MAX_PARALLEL": "4", "ORCHESTRATE_USER": "ada", "ORCHESTRATE_ADVISORIES": ""}
    )
    assert found.values == {"max_parallel": "4"}


@pytest.mark.parametrize("value", [0, -1, "many", True, 1.5, [1], {"a": 1}])
def test_wrong_value_is_refused_with_its_place(value: object) -> None:
    with pytest.raises(ConfigurationError, match=r"^settings\.yaml:4: setting max_parallel: "):
        merge([Layer("settings.yaml", {"max_parallel": value}, {"max_parallel": 4})])


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("test_timeout", 0),
        ("test_timeout", 90_000),
        ("workspace_quota_mb", 0),
        ("workspace_quota_mb", True),
        ("keep_days", -1),
        ("budget_usd", 0),
        ("budget_usd", float("nan")),
        ("attempt_budget_usd", float("inf")),
        ("base", "HEAD"),
        ("setup", ["make"]),
        ("test_command", True),
        ("evidence_network", 1),
        ("evidence_network", "yes"),
        ("evidence_network", None),
    ],
)
def test_value_that_a_setting_cannot_have_is_refused(name: str, value: object) -> None:
    with pytest.raises(ConfigurationError, match=rf"^settings\.yaml: setting {name}: "):
        merge([Layer("settings.yaml", {name: value})])


def test_every_kind_of_setting_is_read_from_a_file_and_from_the_environment() -> None:
    written: dict[str, object] = {
        "setup": "make deps",
        "test_command": "make test",
        "test_timeout": 60,
        "evidence_network": True,
        "base": "working-tree",
        "workspace_quota_mb": 100,
        "keep_days": 0,
    }
    settings, _ = merge([Layer("settings.yaml", written)])
    assert {name: getattr(settings, name) for name in written} == written
    said = {f"ORCHESTRATE_{name.upper()}": str(value) for name, value in written.items()}
    assert merge([environment_layer(said)])[0] == settings


@pytest.mark.parametrize(("written", "meant"), [(False, False), ("false", False), ("TRUE", True)])
def test_switch_is_true_or_false_in_a_file_and_as_a_text(written: object, meant: bool) -> None:
    settings, origin = merge([Layer("environment", {"evidence_network": written})])
    assert settings.evidence_network is meant
    assert origin["evidence_network"] == "environment"


def test_every_switch_is_known_as_one() -> None:
    assert {name for name, value in asdict(Settings()).items() if isinstance(value, bool)} == (
        SWITCHES
    )


def test_project_cannot_loosen_what_protects_from_it() -> None:
    user = Layer("user.yaml", {"workspace_quota_mb": 50, "advisories": "/mine"})
    theirs: dict[str, object] = {
        "evidence_network": True,
        "workspace_quota_mb": 999_999,
        "advisories": "/theirs",
        "advisory_service": "http://127.0.0.1:1",
        "test_command": "make test",
    }
    project = Layer("settings.yaml", theirs, {"evidence_network": 3}, project=True)
    settings, origin = merge([user, project])
    assert settings == Settings(workspace_quota_mb=50, advisories="/mine", test_command="make test")
    assert origin["workspace_quota_mb"] == "user.yaml"
    assert origin["evidence_network"] == "default"
    assert passed_over([user, project]) == {
        "evidence_network": "settings.yaml:3",
        "workspace_quota_mb": "settings.yaml",
        "advisories": "settings.yaml",
        "advisory_service": "settings.yaml",
    }


def test_what_a_project_may_not_set_are_settings() -> None:
    assert set(Settings.__struct_fields__) > NOT_FROM_PROJECT


def test_unknown_setting_is_refused_with_the_nearest_name() -> None:
    with pytest.raises(ConfigurationError) as caught:
        merge([Layer("settings.yaml", {"max_paralel": 1}, {"max_paralel": 2})])
    assert caught.value.message == "settings.yaml:2: there is no setting 'max_paralel'"
    assert "did you mean 'max_parallel'?" in caught.value.remedy
    assert caught.value.exit_code is ExitCode.CONFIGURATION
