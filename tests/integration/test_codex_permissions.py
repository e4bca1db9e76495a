"""What the codex backend says it enforces, tried with the real program."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from orchestrate.core.agents.permissions import Permissions, Rule
from orchestrate.testing.model_server import Action, Bash, ModelServer, Role, Say, Scenario, Write
from tests.integration.codex_rig import READER, WRITER, Rig, answers

pytestmark = pytest.mark.agents
NAME = "it"


@pytest.fixture
def server() -> Iterator[ModelServer]:
    with ModelServer() as started:
        yield started


def _rig(server: ModelServer, folder: Path, *actions: Action) -> Rig:
    server.add(Scenario(NAME, (Role("agent", (*actions, Say("done"))),)))
    return Rig(folder, server.url("codex", NAME))


def _told(rig: Rig, server: ModelServer, permissions: Permissions, *, writes: bool) -> list[str]:
    """What the tools answered in one attempt."""
    assert rig.run(permissions=permissions, writes=writes).ok
    return answers(server, NAME)


def _enforced(rig: Rig, permissions: Permissions, *, writes: bool) -> set[str]:
    said = rig.backend.enforcement(permissions, writes=writes)
    return {item.name for item in said.enforced}


@pytest.mark.parametrize("permissions", [READER, WRITER])
def test_who_may_not_write_changes_nothing(
    server: ModelServer, tmp_path: Path, permissions: Permissions
) -> None:
    rig = _rig(server, tmp_path, Bash("touch a.txt"), Write("b.txt", "x\n"))
    told = _told(rig, server, permissions, writes=permissions is READER)
    assert "Read-only file system" in told[0]
    assert "rejected" in told[1]
    assert not any(rig.workspace.iterdir())
    assert "write" in _enforced(rig, READER, writes=True)


def test_who_may_write_does_so_nowhere_else(server: ModelServer, tmp_path: Path) -> None:
    rig = _rig(server, tmp_path, Bash(f"touch {tmp_path}/elsewhere; touch $TMPDIR/own"))
    _told(rig, server, WRITER, writes=True)
    assert not (tmp_path / "elsewhere").exists()
    assert Path(rig.request().scratch_dir, "own").exists()


@pytest.mark.parametrize(("fetches", "status"), [(False, "000"), (True, "404")])
def test_the_network_is_reached_only_by_who_may_fetch(
    server: ModelServer, tmp_path: Path, fetches: bool, status: str
) -> None:
    url = f"http://127.0.0.1:{server.port}/nothing"
    rig = _rig(
        server, tmp_path, Bash(f"curl -s -m 5 -o /dev/null -w 'status %{{http_code}}' {url}")
    )
    more = {"fetch"} if fetches else set()
    permissions = msgspec.structs.replace(READER, abilities=READER.abilities | more)
    told = _told(rig, server, permissions, writes=False)
    assert f"status {status}" in told[0]
    assert ("fetch" in _enforced(rig, permissions, writes=False)) is not fetches


def test_who_may_not_search_or_delegate_is_not_offered_it(
    server: ModelServer, tmp_path: Path
) -> None:
    rig = _rig(server, tmp_path)
    _told(rig, server, WRITER, writes=True)
    offered = " ".join(server.asked(NAME)[0].tools)
    assert not [name for name in ("search", "agent") if name in offered]
    assert {"search", "delegate"} <= _enforced(rig, WRITER, writes=True)


def test_who_may_search_is_offered_it(server: ModelServer, tmp_path: Path) -> None:
    rig = _rig(server, tmp_path)
    permissions = msgspec.structs.replace(WRITER, abilities=WRITER.abilities | {"search"})
    _told(rig, server, permissions, writes=True)
    assert "web_search" in server.asked(NAME)[0].tools
    assert "search" not in _enforced(rig, permissions, writes=True)


def test_who_may_not_read_sees_nothing_of_the_workspace(
    server: ModelServer, tmp_path: Path
) -> None:
    rig = _rig(server, tmp_path, Bash(f"cat {tmp_path}/workspace/a.txt"))
    (rig.workspace / "a.txt").write_text("HIDDEN")
    permissions = Permissions(abilities=frozenset({"execute"}))
    assert "HIDDEN" not in _told(rig, server, permissions, writes=False)[0]
    assert "read" in _enforced(rig, permissions, writes=False)


UNREADABLE = (
    (".env", ".env"),
    (".env", "deep/down/.env"),
    ("./secrets/**", "secrets/key"),
    ("private/", "private/more/key"),
    ("private/", "deep/private/key"),
    ("/conf/*.key", "conf/a.key"),
    ("**/*.pem", "deep/down/b.pem"),
    ("~/hidden", "~/hidden"),
    ("~/own/**", "~/own/x"),
)


def test_what_may_not_be_read_cannot_be(server: ModelServer, tmp_path: Path) -> None:
    rig = _rig(server, tmp_path)
    (rig.workspace / ".gitignore").write_text(".env\n")
    targets = [
        rig.workspace / path.replace("~", rig.environ["HOME"]) for _pattern, path in UNREADABLE
    ]
    for target in targets:
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text("HIDDEN")
    look = Bash(f"for f in .gitignore {' '.join(map(str, targets))}; do cat $f; done")
    server.add(Scenario(NAME, (Role("agent", (look, Say("x"))),)))
    rules = tuple({Rule("read", pattern) for pattern, _path in UNREADABLE})
    permissions = msgspec.structs.replace(WRITER, denied=rules)
    told = _told(rig, server, permissions, writes=True)[0]
    assert "HIDDEN" not in told
    assert told.count("Permission denied") == len(targets)
    assert told.count("\n.env\n") == 1
    assert {rule.name for rule in rules} <= _enforced(rig, permissions, writes=True)


UNWRITABLE = (("docs/**", "docs/a.md"), ("/a.lock", "a.lock"), ("./x/y", "x/y/z"))


def test_what_may_not_be_written_cannot_be(server: ModelServer, tmp_path: Path) -> None:
    paths = [path for _pattern, path in UNWRITABLE]
    tries = [Bash(f"echo new > {path}") for path in paths] + [
        Write(each, "new\n") for each in paths
    ]
    rig = _rig(server, tmp_path, *tries, Bash("touch ok"))
    for path in paths:
        (rig.workspace / path).parent.mkdir(parents=True, exist_ok=True)
        (rig.workspace / path).write_text("old")
    rules = tuple(Rule("write", pattern) for pattern, _path in UNWRITABLE)
    permissions = msgspec.structs.replace(WRITER, denied=rules)
    _told(rig, server, permissions, writes=True)
    assert [(rig.workspace / path).read_text() for path in paths] == ["old"] * len(paths)
    assert (rig.workspace / "ok").exists()
    assert {rule.name for rule in rules} <= _enforced(rig, permissions, writes=True)


def test_a_forbidden_command_is_refused_as_written(server: ModelServer, tmp_path: Path) -> None:
    forbidden = ("git push origin main", "cd . && git push", "/usr/bin/git push", "true; git push")
    tries = [Bash(f"{command}; touch ran") for command in forbidden]
    rig = _rig(server, tmp_path, *tries, Bash("git --version"))
    rule = Rule("execute", "git push")
    permissions = msgspec.structs.replace(WRITER, denied=(rule,))
    result = rig.run(permissions=permissions)
    assert result.ok
    assert [denial.tool for denial in result.denials] == ["command"] * len(forbidden)
    assert all("not allowed: git push" in denial.detail for denial in result.denials)
    assert "git version" in answers(server, NAME)[-1]
    assert not (rig.workspace / "ran").exists()


def test_a_command_within_another_is_not_looked_for(server: ModelServer, tmp_path: Path) -> None:
    rig = _rig(server, tmp_path, Bash("sh -c 'git --version'"))
    permissions = msgspec.structs.replace(WRITER, denied=(Rule("execute", "git"),))
    assert "git version" in _told(rig, server, permissions, writes=True)[0]
    said = rig.backend.enforcement(permissions, writes=True)
    assert [item.name for item in said.unenforced] == ["execute:git"]
    assert "not looked for in sh -c" in said.unenforced[0].how


def test_what_git_keeps_is_not_changed(server: ModelServer, tmp_path: Path) -> None:
    rig = _rig(server, tmp_path, Bash("touch .git/x || git init || touch .git/y"))
    (rig.workspace / ".git").mkdir()
    assert "Read-only file system" in _told(rig, server, WRITER, writes=True)[0]
    assert not any((rig.workspace / ".git").iterdir())
