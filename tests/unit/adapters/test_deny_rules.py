"""The user's own deny rules: all found, each with its place, and none lost."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from orchestrate.adapters.files import deny_rules as module
from orchestrate.adapters.files.deny_rules import deny_rules
from orchestrate.core.agents.permissions import Rule
from orchestrate.errors import ConfigurationError


class Machine:
    """A home, a repository and the machine's own settings."""

    def __init__(self, folder: Path) -> None:
        self.home = folder / "home" / "ada"
        self.root = self.home / "work" / "repo"
        self.managed = folder / "etc"
        self.user_file = self.home / ".claude" / "settings.json"
        self.project_file = self.root / ".claude" / "settings.json"
        self.local_file = self.root / ".claude" / "settings.local.json"
        for path in (self.user_file, self.project_file, self.managed / "managed-settings.d" / "x"):
            path.parent.mkdir(parents=True)

    def rules(self) -> tuple[Rule, ...]:
        """What is denied."""
        return deny_rules(self.root, self.home, managed=self.managed)

    def patterns(self, *denied: str, path: Path | None = None) -> list[str]:
        """Names of the rules that these become, in the project's settings unless told otherwise."""
        text = json.dumps({"permissions": {"deny": denied}})
        (path or self.project_file).write_text(text, encoding="utf-8")
        return [rule.name for rule in self.rules()]


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def test_no_settings_deny_nothing(machine: Machine) -> None:
    assert machine.rules() == ()


def test_all_files_count_and_each_rule_says_where_it_stands(machine: Machine) -> None:
    files = {
        machine.managed / "managed-settings.json": "Bash(a:*)",
        machine.managed / "managed-settings.d" / "10.json": "Bash(b:*)",
        machine.user_file: "Bash(c:*)",
        machine.project_file: "Bash(d:*)",
        machine.local_file: "Bash(e:*)",
    }
    for path, rule in files.items():
        path.write_text(f'{{"permissions": {{\n  "deny": [\n    "{rule}"]}}}}')
    assert machine.rules() == tuple(
        Rule("execute", rule[5], f"{path}:3") for path, rule in files.items()
    )


def test_asking_counts_as_denied_because_nobody_is_there(machine: Machine) -> None:
    machine.user_file.write_text('{"permissions": {"ask": ["Bash(git push:*)"]}}')
    assert machine.rules() == (Rule("execute", "git push", f"{machine.user_file}:1 (ask)"),)


def test_same_rule_twice_is_one_with_its_first_place(machine: Machine) -> None:
    for path in (machine.user_file, machine.project_file):
        path.write_text('{"permissions": {"deny": ["WebFetch"]}}')
    [rule] = machine.rules()
    assert rule.source == f"{machine.user_file}:1"


def test_key_given_twice_loses_no_rule(machine: Machine) -> None:
    machine.project_file.write_text(
        '{"permissions": {"deny": ["Bash(a:*)"], "deny": "Bash(b:*)"},'
        ' "permissions": {"deny": ["Bash(c:*)"]}}'
    )
    assert [rule.pattern for rule in machine.rules()] == ["a", "b", "c"]


def test_lists_elsewhere_and_nulls_are_no_rules(machine: Machine) -> None:
    machine.project_file.write_text(
        '\ufeff{"deny": ["Bash"], "hooks": {"permissions": {"deny": ["Read"]}},'
        ' "permissions": {"allow": ["Bash", 5], "deny": null, "defaultMode": null}}',
        encoding="utf-8",
    )
    machine.user_file.write_text('{"permissions": null}')
    assert machine.rules() == ()


def test_rule_nobody_can_translate_is_kept_as_written(machine: Machine) -> None:
    machine.project_file.write_text('{"permissions": {"deny": ["FutureTool(x)"]}}')
    [rule] = machine.rules()
    assert (rule.pattern, rule.translated) == ("FutureTool(x)", False)
    assert rule.source.endswith("settings.json:1")


@pytest.mark.parametrize(
    ("written", "names"),
    [
        ("Read(./.env)", ["read:.env"]),
        ("Read(.env)", ["read:.env"]),
        ("Edit(/src/gen/**)", ["write:src/gen/**"]),
        ("Edit(src/gen/)", ["write:src/gen/"]),
        ("Read(./**)", ["read:**"]),
        ("Read(.)", ["read:**"]),
        ("Read(//etc/**)", ["read://etc/**"]),
        ("Read(~/.ssh/**)", ["read:~/.ssh/**"]),
        ("Read(~/**/.env)", ["read:~/**/.env", "read:**/.env"]),
        ("Read(~/work/repo/secret.txt)", ["read:~/work/repo/secret.txt", "read:secret.txt"]),
        ("Read(~/work/repo)", ["read:~/work/repo", "read:**"]),
        ("Read(//**/.env)", ["read://**/.env", "read:**/.env"]),
        ("Read", ["read:*"]),
    ],
)
def test_paths_are_relative_to_a_workspace_where_they_name_something_in_it(
    machine: Machine, written: str, names: list[str]
) -> None:
    assert machine.patterns(written) == names


def test_absolute_path_into_the_repository_holds_in_its_copies(machine: Machine) -> None:
    inside = f"Read(/{machine.root}/keys/**)"
    assert machine.patterns(inside) == [f"read:/{machine.root}/keys/**", "read:keys/**"]


def test_home_reached_through_a_link_is_the_same_home(machine: Machine, tmp_path: Path) -> None:
    machine.patterns("Read(~/work/repo/keys/**)")
    link = tmp_path / "link"
    link.symlink_to(machine.home)
    found = deny_rules(machine.root, link, user=machine.user_file.parent, managed=tmp_path)
    assert [rule.name for rule in found] == ["read:~/work/repo/keys/**", "read:keys/**"]


def test_path_beside_the_repository_is_absolute(machine: Machine) -> None:
    assert machine.patterns("Read(../other/**)") == [f"read:/{machine.root.parent}/other/**"]


def test_leading_slash_in_the_users_settings_is_taken_both_ways(machine: Machine) -> None:
    found = machine.patterns("Read(/x)", path=machine.user_file)
    assert found == [f"read:/{machine.home}/.claude/x", "read:x"]


@pytest.mark.parametrize(
    ("text", "place"),
    [
        (b"", ":1:1: "),
        (b'{\n"permissions": {"deny": ["Bash"}}', ":2:"),
        (b'{"permissions": {\n"deny": [5]}}', ":2: "),
        (b'{"permissions": {\n"deny": [null]}}', ":2: "),
        (b'{"permissions": {"deny": {"Bash": true}}}', ":1: "),
        (b'{"permissions": {"deny":\n [["Bash"]]}}', ":2: "),
        (b'{"permissions": {"deny": [" "]}}', ":1: "),
        (b'{"permissions": ["Bash"]}', ":1: "),
        (b'{"permissions": {"ask": 1}}', ":1: "),
        (b"[]", ":1: "),
        (b'{"permissions": {"deny": ["Bash(\\ud800)"]}}', ":1: "),
        (b'\n{"a": "\xff"}', ":2: "),
    ],
)
def test_file_that_cannot_be_understood_stops_at_its_line(
    machine: Machine, text: bytes, place: str
) -> None:
    machine.local_file.write_bytes(text)
    with pytest.raises(ConfigurationError) as caught:
        machine.rules()
    assert caught.value.message.startswith(f"{machine.local_file}{place}")
    assert caught.value.remedy


def test_file_that_cannot_be_read_stops(machine: Machine) -> None:
    os.mkfifo(machine.project_file)
    with pytest.raises(ConfigurationError, match="not a regular file"):
        machine.rules()


def test_link_to_nowhere_stops(machine: Machine) -> None:
    machine.user_file.symlink_to("gone.json")
    with pytest.raises(ConfigurationError, match="cannot be read"):
        machine.rules()


def test_link_to_a_file_elsewhere_is_followed(machine: Machine) -> None:
    kept = machine.home / "dotfiles.json"
    kept.write_text('{"permissions": {"deny": ["WebSearch"]}}')
    machine.user_file.symlink_to(kept)
    assert [rule.name for rule in machine.rules()] == ["search:*"]


def test_file_beyond_all_measure_stops(machine: Machine) -> None:
    machine.user_file.write_text(" " * (module.MAX_BYTES + 1))
    with pytest.raises(ConfigurationError, match="larger"):
        machine.rules()


def test_users_folder_may_be_elsewhere(machine: Machine, tmp_path: Path) -> None:
    (tmp_path / "settings.json").write_text('{"permissions": {"deny": ["Bash"]}}')
    rules = deny_rules(machine.root, machine.home, user=tmp_path, managed=machine.managed)
    assert [rule.name for rule in rules] == ["execute:*"]
