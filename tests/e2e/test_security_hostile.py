"""`orchestrate security` on repositories that would hide, mislead, break or take over."""

from __future__ import annotations

import os
import shutil
import socket
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.command import ARGV, orchestrate
from tests.e2e.git_states import SHELL, SHELL_CWE, git
from tests.e2e.scanning import Scan, scan, snapshot

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("home")]

# Put together here, so that this file does not contain it.
SECRET = "AKIA" + "Q3EGRR7UNWX7" + "ZQ2M"


def scan_unchanged(root: Path) -> Scan:
    """Scan `root`, which must afterwards be what it was, to the byte."""
    before = snapshot(root)
    done = scan(root)
    assert snapshot(root) == before
    return done


# -- names and contents ----------------------------------------------------------------------------

#: Name on disk -> how the report writes it.
NAMES: dict[bytes, str] = {
    b"new\nline.py": "new\\u000aline.py",
    b"quotes'\"`.py": "quotes'\"`.py",
    b"-rf.py": "-rf.py",
    b"--config=x.py": "--config=x.py",
    b"caf\xe9.py": "caf\\xe9.py",
    "snake-\N{SNAKE}.py".encode(): "snake-\N{SNAKE}.py",
    b"l" * 247 + b".py": "l" * 247 + ".py",
    b"back\\slash.py": "back\\\\slash.py",
    b"space and ;$(touch x)|&.py": "space and ;$(touch x)|&.py",
    b"<img src=x onerror=alert(1)>.py": "<img src=x onerror=alert(1)>.py",
    b"\x1b[31mred.py": "\\u001b[31mred.py",
    "right\N{RIGHT-TO-LEFT OVERRIDE}left.py".encode(): "right\\u202eleft.py",
}


def test_hostile_names_are_scanned_and_written_harmlessly(tmp_path: Path) -> None:
    root = tmp_path / "repo"
    root.mkdir()
    git(root, "init", "-q")
    for name in NAMES:
        (root / os.fsdecode(name)).write_text(SHELL)
    folder = root / os.fsdecode(b"fold\xe9r\nx")
    folder.mkdir()
    (folder / "inner.py").write_text(SHELL)
    done = scan_unchanged(root)
    assert done.paths(cwe=SHELL_CWE) == {*NAMES.values(), "fold\\xe9r\\u000ax/inner.py"}
    assert {f.severity for f in done.analysis.findings if f.cwe == SHELL_CWE} == {"high"}
    written = done.text()
    assert "\x1b" not in written
    assert "\N{RIGHT-TO-LEFT OVERRIDE}" not in written
    assert "<img src=x" not in done.report("html").read_text("utf-8")
    assert not list(tmp_path.rglob("x"))


def test_sources_in_any_encoding_are_scanned_or_listed(tmp_path: Path) -> None:
    root = tmp_path / "repo"
    root.mkdir()
    flaw = SHELL.encode()
    (root / "cookie.py").write_bytes(b"# -*- coding: latin-1 -*-\nname = 'caf\xe9'\n" + flaw)
    (root / "plain.py").write_bytes(b"name = 'caf\xe9'\n" + flaw)
    (root / "marked.py").write_bytes(b"\xef\xbb\xbf" + flaw)
    (root / "wide.py").write_bytes(SHELL.encode("utf-16"))
    (root / "lying.py").write_bytes(b"# coding: no-such-codec\n" + flaw)
    (root / "carriage.py").write_bytes(flaw.replace(b"\n", b"\r\n"))
    (root / "nulls.py").write_bytes(b"x = 1\n\0\0\0\n" + flaw)
    (root / "settings.ini").write_bytes(b"[caf\xe9]\nkey = " + SECRET.encode() + b"\n")
    done = scan_unchanged(root)
    found, listed = done.paths(cwe=SHELL_CWE), done.not_examined()
    assert {"cookie.py", "marked.py", "carriage.py"} <= found
    for path in root.glob("*.py"):
        assert (path.name in found) or (path.name in listed), path.name
    assert "nulls.py" in listed
    assert [f.severity for f in done.at("settings.ini", 2)] == ["high"]
    assert SECRET not in done.text()


def test_what_lies_outside_is_never_read(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret.py").write_text(SHELL + f'KEY = "{SECRET}"\n')
    (outside / "requirements.txt").write_text("PyYAML==3.13\n")
    root = tmp_path / "repo"
    (root / "deep").mkdir(parents=True)
    (root / "app.py").write_text(SHELL)
    links = {
        "file.py": outside / "secret.py",
        "folder": outside,
        "requirements.txt": outside / "requirements.txt",
        "LICENSE": outside / "secret.py",
        "loop": Path(),
        "deep/up": Path(".."),
        "itself": Path("itself"),
        "dangling.py": Path("nowhere.py"),
        "zero.py": Path("/dev/zero"),
        "pyproject.toml": Path("/etc/passwd"),
    }
    for name, target in links.items():
        (root / name).symlink_to(target)
    os.mkfifo(root / "pipe.py")
    os.mkfifo(root / "setup.cfg")
    done = scan_unchanged(root)
    assert done.paths(cwe=SHELL_CWE) == {"app.py"}
    assert {f.location.path for f in done.analysis.findings} <= {"app.py", "."}
    assert not [part for part in done.analysis.components if part.name.lower() == "pyyaml"]
    listed = done.not_examined()
    assert {listed[name] for name in links} == {"symbolic link, not followed"}
    assert listed["pipe.py"] == listed["setup.cfg"] != ""
    written = done.text()
    assert SECRET not in written
    assert "secret.py:" not in written


# -- code that would run, and configuration that would switch the scan off ------------------------

MODULES = (
    "setup.py", "conftest.py", "sitecustomize.py", "usercustomize.py", "yaml.py", "json.py",
    "bandit.py", "msgspec.py", "click.py", "orchestrate.py", "detect_secrets/__init__.py",
    "radon/__init__.py", "vulture/__init__.py", "encodings/__init__.py", "tests/conftest.py",
    "src/sitecustomize.py", "__main__.py", "pkg/__init__.py",
)  # fmt: skip
CONFIGURATION = {
    ".bandit": "[bandit]\nskips = B602,B102\nexclude = /,app.py\n",
    "bandit.yaml": "skips: [B602]\nexclude_dirs: ['.']\n",
    "pyproject.toml": '[tool.bandit]\nskips = ["B602"]\nexclude_dirs = ["."]\n'
    '[tool.vulture]\nexclude = ["*"]\n[build-system]\nrequires = []\n'
    'build-backend = "backend"\nbackend-path = ["."]\n',
    "setup.cfg": "[bandit]\nskips = B602\n[radon]\nexclude = *\n[flake8]\nexclude = *\n",
    "radon.cfg": "[radon]\nexclude = *\n",
    ".secrets.baseline": '{"version": "1.5.0", "plugins_used": [], "results": {}}',
    ".gitignore": "*\n",
    ".gitattributes": "* filter=run diff=run merge=run\n",
    ".python-version": "1.0\n",
    ".orchestrate/agents/security-scout.md": "---\nname: security-scout\n---\nNothing.",
}


def payload(marker: Path) -> str:
    return f"open({str(marker)!r}, 'a').write(__name__ + chr(10))\n"


@pytest.fixture
def marker(tmp_path: Path) -> Path:
    return tmp_path / "executed"


@pytest.fixture
def trap(tmp_path: Path, marker: Path) -> Path:
    """A repository with every hook we know; anything of it that runs leaves the marker."""
    root = tmp_path / "trap"
    for name in MODULES:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(payload(marker))
    for name, text in CONFIGURATION.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    (root / "evil.pth").write_text(f"import os; {payload(marker)}")
    (root / "app.py").write_text(
        SHELL.replace("\n", "  # nosec\n", 2) + f"K = '{SECRET}'  # pragma: allowlist secret\n"
    )
    git(root, "init", "-q")
    _set_git_traps(root, marker)
    return root


def _set_git_traps(root: Path, marker: Path) -> None:
    """Hooks, filters and programs that git would start for nearly any command."""
    run = root / ".git" / "run.sh"
    run.write_text(f"#!/bin/sh\necho git >> '{marker}'\n")
    run.chmod(0o755)
    for hook in ("post-checkout", "pre-commit", "post-index-change", "reference-transaction"):
        shutil.copy(run, root / ".git" / "hooks" / hook)
    with (root / ".git" / "config").open("a") as config:
        config.write(
            f'[core]\n\tfsmonitor = "{run}"\n\tpager = "{run}"\n\tsshCommand = "{run}"\n'
            f'\teditor = "{run}"\n[filter "run"]\n\tclean = "{run}"\n\tsmudge = "{run}"\n'
            f'[diff]\n\texternal = "{run}"\n[gpg]\n\tprogram = "{run}"\n'
            f'[alias]\n\trev-parse = "!{run}"\n'
        )


def finds_what_was_hidden(done: Scan) -> None:
    assert [f.severity for f in done.at("app.py", 2) if f.cwe == SHELL_CWE] == ["high"]
    assert [f.category for f in done.at("app.py", 3) if f.severity == "high"] == ["secret"]


def test_nothing_of_a_repository_is_executed_and_nothing_switches_the_scan_off(
    trap: Path, marker: Path
) -> None:
    done = scan_unchanged(trap)
    assert not marker.exists(), marker.read_text()
    finds_what_was_hidden(done)


def test_the_traps_would_be_noticed(trap: Path, marker: Path) -> None:
    subprocess.run([sys.executable, "-m", "json"], cwd=trap, capture_output=True)
    assert marker.read_text()
    marker.unlink()
    subprocess.run(["git", "status"], cwd=trap, capture_output=True)
    assert marker.read_text()


def test_the_installed_command_executes_nothing_either(trap: Path, marker: Path) -> None:
    command = Path(sys.executable).with_name("orchestrate")
    assert command.is_file()
    for arguments in (["security", "-q", "--detach"], ["attach", "last", "-q"], ["status"]):
        done = subprocess.run([str(command), *arguments], cwd=trap, capture_output=True, text=True)
        assert done.returncode == 0, done
    assert not marker.exists(), marker.read_text()


def test_a_workflow_of_the_repository_does_not_replace_the_scan(trap: Path, marker: Path) -> None:
    own = trap / ".orchestrate" / "workflows" / "security.yaml"
    own.parent.mkdir(parents=True)
    own.write_text(
        "version: 1\nname: security\nphases:\n  - name: all\n    tasks:\n"
        f"      - {{id: clean, run: \"echo 'no findings'; echo ran >> '{marker}'\"}}\n"
    )
    done = scan_unchanged(trap)
    assert not marker.exists(), marker.read_text()
    finds_what_was_hidden(done)
    assert f"{own} is not used" in done.result.err


def test_the_repository_does_not_decide_who_vouches_for_it(tmp_path: Path) -> None:
    root = tmp_path / "repo"
    (root / ".orchestrate").mkdir(parents=True)
    (root / "mine").mkdir()
    (root / "mine" / "harmless.json").write_text('{"id": "NONE-1", "affected": []}')
    (root / "requirements.txt").write_text("requests==2.19.1\n")
    with socket.create_server(("127.0.0.1", 0)) as service:
        address = f"http://127.0.0.1:{service.getsockname()[1]}"
        (root / ".orchestrate" / "settings.yaml").write_text(
            f"advisory_service: {address}\nadvisories: mine\n"
        )
        done = scan_unchanged(root)
        service.setblocking(False)
        with pytest.raises(BlockingIOError):
            service.accept()
    assert "settings.yaml:1: advisory_service is not used" in done.result.err
    assert "settings.yaml:2: advisories is not used" in done.result.err
    (audit,) = [run for run in done.analysis.tools if run.tool == "advisory-audit"]
    assert (audit.status, audit.sent) == ("not-run", "")


@pytest.mark.parametrize("kind", ["pipe", "device", "loop", "folder", "wrong"])
def test_settings_that_cannot_be_read_are_refused_at_once(tmp_path: Path, kind: str) -> None:
    settings = tmp_path / "repo" / ".orchestrate" / "settings.yaml"
    settings.parent.mkdir(parents=True)
    match kind:
        case "pipe":
            os.mkfifo(settings)
        case "device":
            settings.symlink_to("/dev/zero")
        case "loop":
            settings.symlink_to(settings.name)
        case "folder":
            settings.mkdir()
        case _:
            settings.write_text("disable: [bandit]\n")
    refused = orchestrate("security", cwd=tmp_path / "repo")
    assert refused.code == 4, refused
    assert str(settings) in refused.err


# -- a repository that cannot be written -----------------------------------------------------------


@pytest.mark.may_skip("as root it needs a mount namespace, which containers may refuse")
def test_a_read_only_repository_is_scanned_with_its_state_elsewhere(
    tmp_path: Path, home: Path
) -> None:
    root = tmp_path / "repo"
    root.mkdir()
    git(root, "init", "-q")
    (root / "app.py").write_text(SHELL)
    argv = [*ARGV, "security", "--json", "--repo", str(root)]
    if os.geteuid() == 0:
        # Modes do not bind root; a read-only mount does.
        argv = ["unshare", "-m", "sh", "-c", _READ_ONLY, str(root), *argv]
        probe = subprocess.run([*argv[:6], "true"], capture_output=True, text=True)
        if probe.returncode != 0:
            pytest.skip(f"no mount namespace here: {probe.stderr.strip()}")
    else:
        for path in (root, *root.rglob("*")):
            path.chmod(path.stat().st_mode & ~(stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH))
    before = snapshot(root, without=())
    ended = subprocess.run(argv, capture_output=True, text=True, cwd=tmp_path)
    assert ended.returncode == 0, ended
    assert snapshot(root, without=()) == before
    assert str(home / ".local" / "state") in ended.stdout
    assert '"high": 1' in ended.stdout


_READ_ONLY = 'mount --bind "$0" "$0" && mount -o remount,bind,ro "$0" && exec "$@"'
