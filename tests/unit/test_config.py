"""Which setting is in force, where it comes from, and what is said about a wrong one."""

from __future__ import annotations

import pytest

from orchestrate.config import Layer, Settings, environment_layer, merge
from orchestrate.errors import ConfigurationError, ExitCode

USER = Layer("/home/ada/settings.yaml", {"max_parallel": 2, "advisories": "/u"}, {"advisories": 7})
PROJECT = Layer("settings.yaml", {"max_parallel": 3}, {"max_parallel": 4})


def test_later_layers_win_and_every_value_names_its_place() -> None:
    environment = environment_layer({"ORCHESTRATE_MEMORY_FLOOR_MB": "0"})
    settings, origin = merge([USER, PROJECT, environment, Layer("command line", {})])
    assert settings == Settings(max_parallel=3, memory_floor_mb=0, advisories="/u")
    assert origin == {
        "max_parallel": "settings.yaml:4",
        "memory_floor_mb": "environment",
        "advisories": "/home/ada/settings.yaml:7",
        "advisory_service": "default",
    }


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


def test_unknown_setting_is_refused_with_the_nearest_name() -> None:
    with pytest.raises(ConfigurationError) as caught:
        merge([Layer("settings.yaml", {"max_paralel": 1}, {"max_paralel": 2})])
    assert caught.value.message == "settings.yaml:2: there is no setting 'max_paralel'"
    assert "did you mean 'max_parallel'?" in caught.value.remedy
    assert caught.value.exit_code is ExitCode.CONFIGURATION
