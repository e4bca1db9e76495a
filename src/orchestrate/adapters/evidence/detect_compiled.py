"""Commands of Go modules and Cargo packages."""

from __future__ import annotations

import re

from orchestrate.adapters.evidence.detect_found import Project, Rank, table

_GO_BENCHMARK = re.compile(r"^func Benchmark\w*\(", re.M)
_CLIPPY = ("clippy.toml", ".clippy.toml")
_RUSTFMT = ("rustfmt.toml", ".rustfmt.toml")


def detect_go_checks(project: Project) -> None:
    """Add go's own commands where there is a go.mod."""
    if not project.has("go.mod"):
        return
    source = project.line("go.mod", r"^module\b")
    tests = [path for path in project.paths if path.endswith("_test.go")]
    if tests:
        run = ("go", "test", "-json")
        project.add(Rank.CONFIGURED, "test", "go", (*run, "./..."), source)
        profile = ("-coverprofile={report}/cover.out", "./...")
        project.add(Rank.CONFIGURED, "coverage", "go", (*run, *profile), source)
    linter = project.first((".golangci.yml", ".golangci.yaml", ".golangci.toml"))
    if linter:
        argv = ("golangci-lint", "run")
        project.add(Rank.CONFIGURED, "lint", "golangci-lint", argv, f"{project.at(linter)}:1")
    project.add(Rank.EVIDENT, "lint", "go", ("go", "vet", "./..."), source)
    project.add(Rank.CONFIGURED, "build", "go", ("go", "build", "./..."), source)
    for path in tests:
        if _GO_BENCHMARK.search(project.sources.text(path) or ""):
            found = project.sources.line(path, _GO_BENCHMARK.pattern)
            timed = ("go", "test", "-run", "^$", "-bench", ".", "./...")
            project.add(Rank.EVIDENT, "benchmark", "go", timed, found)
            break
    project.prepare("go mod download")


def detect_cargo_checks(project: Project) -> None:
    """Add cargo's own commands where there is a Cargo.toml that is no member of a workspace."""
    if not project.has("Cargo.toml"):
        return
    settings = project.sources.toml(project.at("Cargo.toml"))
    if not settings:
        return
    whole = ("--workspace",) if "workspace" in settings else ()
    source = project.line("Cargo.toml", r"^\[(?:package|workspace)\]")
    run = ("cargo", "test", "--no-fail-fast", "--color=never", *whole)
    project.add(Rank.CONFIGURED, "test", "cargo", run, source)
    clippy, rustfmt = project.first(_CLIPPY), project.first(_RUSTFMT)
    if clippy:
        argv = ("cargo", "clippy", "--color=never", *whole, "--", "-D", "warnings")
        project.add(Rank.CONFIGURED, "lint", "cargo", argv, f"{project.at(clippy)}:1")
    if rustfmt:
        argv = ("cargo", "fmt", "--all", "--", "--check")
        project.add(Rank.CONFIGURED, "lint", "cargo", argv, f"{project.at(rustfmt)}:1")
    build = ("cargo", "build", "--color=never", *whole)
    project.add(Rank.CONFIGURED, "build", "cargo", build, source)
    benches = any(project.within(path).startswith("benches/") for path in project.paths)
    if benches or isinstance(settings.get("bench"), list):
        project.add(Rank.EVIDENT, "benchmark", "cargo", ("cargo", "bench", *whole), source)
    project.prepare("cargo fetch --locked" if project.has("Cargo.lock") else "cargo fetch")


def in_workspace(project: Project, others: dict[str, Project]) -> bool:
    """Whether a Cargo package belongs to a workspace above, whose commands cover it."""
    parts = project.folder.split("/")
    for end in range(len(parts)):
        above = others.get("/".join(parts[:end]))
        if above is not None and table(above.sources.toml(above.at("Cargo.toml")), "workspace"):
            return True
    return False
