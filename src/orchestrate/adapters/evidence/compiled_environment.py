"""Go and Rust: their own caches, kept apart from the user's, filled before the network is cut."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Mapping
from pathlib import Path

from orchestrate.adapters.evidence.environment import BuildError, Built, digest_of, environment
from orchestrate.adapters.evidence.process_environment import scrubbed
from orchestrate.adapters.evidence.steps import Steps
from orchestrate.ports.process import Supervisor

LAYOUT = "1"
#: Of the user's variables, those that say where modules come from and which toolchain to use.
_PASSED = (
    *("GOPROXY", "GONOSUMDB", "GOSUMDB", "GOPRIVATE", "GONOSUMCHECK", "GOROOT"),
    *("RUSTUP_HOME", "RUSTUP_TOOLCHAIN", "CARGO_REGISTRIES_CRATES_IO_PROTOCOL"),
)
_GO_FILES = ("go.mod", "go.sum", "go.work", "go.work.sum", "vendor/modules.txt")
_CARGO_FILES = ("Cargo.toml", "Cargo.lock", ".cargo/config.toml", "rust-toolchain.toml")


class CompiledEnvironments:
    """Builds and finds the caches that `go` and `cargo` work with.

    Args:
        supervisor: runs the tool that downloads.
        folder: where caches are kept.
        environ: of the user.
    """

    def __init__(self, supervisor: Supervisor, folder: Path, environ: Mapping[str, str]) -> None:
        self._supervisor = supervisor
        self._folder = folder
        self._environ = environ

    async def get(self, tool: str, checkout: Path, scratch: Path, logs: Path, token: str) -> Built:
        """The environment for `tool`, `go` or `cargo`; the rest as for a Python project's.

        Modules are downloaded in `checkout` itself, which neither tool changes by that when its
        lock file is complete; a vendor folder takes their place. Compiled files are shared by all
        checkouts of one lock file: both tools look at contents before they take one.
        """
        program = shutil.which(tool, path=self._environ.get("PATH"))
        if program is None:
            raise BuildError(f"{tool} is not installed; install it, or give a `setup` command")
        for name in ("home", "tmp"):
            (scratch / name).mkdir(mode=0o700)
        env = scrubbed(self._environ, scratch / "home", scratch / "tmp") | self._passed()
        steps = Steps(self._supervisor, logs, token, env, checkout)
        asked = (program, "version") if tool == "go" else (program, "--version")
        logged = await steps.run("version", asked)
        version = (logged / "stdout.log").read_text("utf-8", "replace").strip()
        names = _GO_FILES if tool == "go" else _CARGO_FILES
        files = [(name, checkout / name) for name in names if (checkout / name).is_file()]
        key = await asyncio.to_thread(digest_of, (LAYOUT, version), files)

        async def build(folder: Path) -> Built:
            offline, fetch = _settings(tool, self._folder, folder, checkout)
            if fetch:
                online = {k: v for k, v in offline.items() if k not in _OFFLINE}
                await steps.run("download", (program, *fetch), online)
            env = self._passed() | offline
            return Built(key=key, folder=str(folder), interpreter=version, env=env)

        return await environment(self._folder / f"{tool}-{key}", build)

    def _passed(self) -> dict[str, str]:
        found = {name: self._environ[name] for name in _PASSED if name in self._environ}
        rustup = Path(self._environ.get("HOME", "/nonexistent")) / ".rustup"
        if rustup.is_dir():
            # The toolchains that rustup's `cargo` stands in front of; HOME is another one here.
            found.setdefault("RUSTUP_HOME", str(rustup))
        return found


_OFFLINE = ("GOFLAGS", "GOPROXY", "CARGO_NET_OFFLINE")


def _settings(
    tool: str, shared: Path, folder: Path, checkout: Path
) -> tuple[dict[str, str], tuple[str, ...]]:
    """Variables of a check without a network, and the arguments that download before it."""
    if tool == "go":
        env = {
            "GOCACHE": str(folder / "build"),
            "GOMODCACHE": str(shared / "go-modules"),
            "GOPATH": str(folder / "gopath"),
            "GOTOOLCHAIN": "local",
            "GOPROXY": "off",
        }
        vendored = (checkout / "vendor/modules.txt").is_file()
        needed = not vendored and (checkout / "go.mod").is_file()
        return env, ("mod", "download") if needed else ()
    env = {
        "CARGO_HOME": str(shared / "cargo-home"),
        "CARGO_TARGET_DIR": str(folder / "target"),
        "CARGO_NET_OFFLINE": "true",
    }
    vendored = (checkout / "vendor").is_dir() or not (checkout / "Cargo.lock").is_file()
    return env, () if vendored else ("fetch", "--locked")
