"""Commands of a package.json: its scripts, run by the package manager the lock file names.

A script is run as a script, so that its environment and its hooks are its own. Where its last
command is a known test runner, options for a report are put behind it.
"""

from __future__ import annotations

import re
import shlex
from pathlib import PurePosixPath

from orchestrate.adapters.evidence.detect_found import Project, Rank, table
from orchestrate.adapters.evidence.detect_sources import Sources
from orchestrate.core.sharing.evidence import EvidenceKind

#: Lock file -> package manager; the first that is found decides.
_LOCKS = {
    "pnpm-lock.yaml": "pnpm",
    "yarn.lock": "yarn",
    "package-lock.json": "npm",
    "npm-shrinkwrap.json": "npm",
}
_SCRIPTS: tuple[tuple[EvidenceKind, tuple[str, ...]], ...] = (
    ("test", ("test", "test:unit", "tests", "unit")),
    ("coverage", ("coverage", "test:coverage", "test:cov", "cover", "cov")),
    ("lint", ("lint", "eslint", "typecheck", "type-check", "check-types")),
    ("build", ("build", "compile")),
    ("benchmark", ("bench", "benchmark")),
)
#: What `npm init` writes.
_PLACEHOLDER = re.compile(r"no test specified")
_CONFIGS = {
    "jest": re.compile(r"^jest\.config\.(?:js|cjs|mjs|ts|json)$"),
    "vitest": re.compile(r"^vitest\.config\.(?:js|cjs|mjs|ts|mts)$"),
    "eslint": re.compile(r"^(?:eslint\.config\.\w+|\.eslintrc(?:\.\w+)?)$"),
}
#: Options for a machine-readable report, by runner.
_REPORTS: dict[str, tuple[str, ...]] = {
    "jest": ("--ci", "--json", "--outputFile={report}/jest.json"),
    "vitest": ("--run", "--reporter=json", "--outputFile={report}/vitest.json"),
    "mocha": ("--reporter", "xunit", "--reporter-option", "output={report}/mocha.xml"),
}
_COVERAGE: dict[str, tuple[str, ...]] = {
    "jest": ("--coverage", "--coverageReporters=lcov", "--coverageDirectory={report}/coverage"),
    "vitest": (
        "--coverage.enabled",
        "--coverage.reporter=lcov",
        "--coverage.reportsDirectory={report}/coverage",
    ),
}
_NODE_TAP = {"NODE_OPTIONS": "--test-reporter=tap"}


def detect_node_checks(project: Project) -> None:
    """Add a command for each script with a known name, and for a test runner without a script."""
    if not project.has("package.json"):
        return
    package = project.sources.json(project.at("package.json"))
    manager = _manager(project, package)
    scripts = table(package, "scripts")
    for kind, names in _SCRIPTS:
        for name in names:
            script = scripts.get(name)
            if isinstance(script, str) and script.strip() and not _PLACEHOLDER.search(script):
                _add_script(project, manager, kind, name, script, scripts)
    kinds = {found.command.kind for found in project.found if found.command.source}
    if "test" not in kinds:
        _add_runner(project, package, manager)
    if "lint" not in kinds:
        _add_eslint(project, package, manager)
    _prepare(project, manager)


def _manager(project: Project, package: dict[str, object]) -> str:
    """npm, pnpm or yarn: as `packageManager` says, else as the nearest lock file above says."""
    named = str(package.get("packageManager", "")).partition("@")[0]
    if named in ("npm", "pnpm", "yarn"):
        return named
    folder = PurePosixPath(project.folder or ".")
    for above in (folder, *folder.parents):
        for lock, manager in _LOCKS.items():
            if project.sources.has((above / lock).as_posix()):
                return manager
    if named == "bun" or project.first(("bun.lock", "bun.lockb")):
        place = project.line("package.json", r"packageManager|\"scripts\"")
        project.sources.note(f"{place}: bun is not supported; its scripts are run with npm")
    return "npm"


def _add_script(
    project: Project,
    manager: str,
    kind: EvidenceKind,
    name: str,
    script: str,
    scripts: dict[str, object],
) -> None:
    source = project.line("package.json", rf"\"{re.escape(name)}\"\s*:")
    runner = _runner(script)
    hooked = f"pre{name}" in scripts or f"post{name}" in scripts
    if kind == "test" and runner == "node":
        _add_node_test(project, manager, name, script, source, hooked)
        return
    options: tuple[str, ...] = ()
    if kind in ("test", "coverage"):
        options = _REPORTS.get(runner, ())
        if kind == "coverage":
            options += _COVERAGE.get(runner, ())
    env = {"CI": "true"} if runner in _REPORTS else {}
    known = runner if runner in _REPORTS or (kind == "lint" and runner) else manager
    argv = _run(manager, name, options)
    project.add(Rank.CONFIGURED, kind, known, argv, source, env)
    if kind == "test" and runner in _COVERAGE and _measures(project, runner):
        argv = _run(manager, name, (*options, *_COVERAGE[runner]))
        project.add(Rank.EVIDENT, "coverage", runner, argv, source, env)


def _run(manager: str, name: str, options: tuple[str, ...] = ()) -> tuple[str, ...]:
    """npm wants `--` before options for the script; pnpm and yarn would hand it on."""
    separator = ("--",) if options and manager == "npm" else ()
    return (manager, "run", name, *separator, *options)


def _runner(script: str) -> str:
    """The known tool that the last command of a script calls; empty if it is another."""
    words = _last_words(script)
    while words and (
        words[0] in ("npx", "cross-env", "exec", "--no-install") or _assigns(words[0])
    ):
        words = words[1:]
    if words[:2] == ["react-scripts", "test"]:
        return "jest"
    tool = PurePosixPath(words[0]).name if words else ""
    if tool == "node":
        if "--test" in words:
            return "node"
        # `node --experimental-vm-modules node_modules/.bin/jest`
        called = next((w for w in words[1:] if not w.startswith("-")), "")
        tool = PurePosixPath(called).name.removesuffix(".js")
    return tool if tool in ("jest", "vitest", "mocha", "eslint", "tsc") else ""


def _last_words(script: str) -> list[str]:
    last = re.split(r"&&|\|\||[;|&\n]", script)[-1]
    try:
        return shlex.split(last)
    except ValueError:
        return last.split()


def _assigns(word: str) -> bool:
    return re.match(r"^[A-Za-z_]\w*=", word) is not None


def _add_node_test(
    project: Project, manager: str, name: str, script: str, source: str, hooked: bool
) -> None:
    """node takes options in front of file names only, so they cannot be put behind the script."""
    words = _last_words(script)
    plain = words[:1] == ["node"] and not hooked and not re.search(r"[&|;<>$`*?\n]", script)
    if not plain:
        argv = _run(manager, name)
        project.add(Rank.CONFIGURED, "test", "node", argv, source, dict(_NODE_TAP))
        return
    rest = tuple(word for word in words[1:] if not word.startswith("--test-reporter"))
    report = ("--test-reporter=junit", "--test-reporter-destination={report}/node.xml")
    project.add(Rank.CONFIGURED, "test", "node", ("node", *report, *rest), source)
    measured = ("--test-reporter=lcov", "--test-reporter-destination={report}/lcov.info")
    argv = ("node", "--experimental-test-coverage", *report, *measured, *rest)
    project.add(Rank.EVIDENT, "coverage", "node", argv, source)


def _add_runner(project: Project, package: dict[str, object], manager: str) -> None:
    """jest or vitest that is set up or depended on, though no script calls it."""
    for runner in ("vitest", "jest"):
        source = _config(project, runner)
        rank = Rank.CONFIGURED if source else Rank.EVIDENT
        if not source and runner == "jest" and "jest" in package:
            source, rank = project.line("package.json", r"\"jest\"\s*:"), Rank.CONFIGURED
        if not source and _depends(package, runner):
            source = project.line("package.json", rf"\"{runner}\"\s*:")
        if not source:
            continue
        argv = (*_exec(manager), runner, *_REPORTS[runner])
        project.add(rank, "test", runner, argv, source, {"CI": "true"})
        if _measures(project, runner):
            argv += _COVERAGE[runner]
            project.add(Rank.EVIDENT, "coverage", runner, argv, source, {"CI": "true"})
        return


def _add_eslint(project: Project, package: dict[str, object], manager: str) -> None:
    source = _config(project, "eslint")
    if not source and "eslintConfig" in package:
        source = project.line("package.json", r"\"eslintConfig\"\s*:")
    if source:
        argv = (*_exec(manager), "eslint", ".")
        project.add(Rank.CONFIGURED, "lint", "eslint", argv, source)


def _exec(manager: str) -> tuple[str, ...]:
    return {"pnpm": ("pnpm", "exec"), "yarn": ("yarn", "run")}.get(manager, ("npx", "--no-install"))


def _config(project: Project, tool: str) -> str:
    for path in project.paths:
        if _CONFIGS[tool].match(project.within(path)):
            return f"{path}:1"
    return ""


def _depends(package: dict[str, object], name: str) -> bool:
    return name in table(package, "dependencies") or name in table(package, "devDependencies")


def _measures(project: Project, runner: str) -> bool:
    """vitest measures through a package of its own; jest brings what it needs."""
    package = project.sources.json(project.at("package.json"))
    providers = ("@vitest/coverage-v8", "@vitest/coverage-istanbul")
    return runner == "jest" or any(_depends(package, name) for name in providers)


def _prepare(project: Project, manager: str) -> None:
    locked = _is_locked(project.sources, project.folder)
    berry = project.has(".yarnrc.yml")
    frozen = {
        "npm": "npm ci",
        "pnpm": "pnpm install --frozen-lockfile",
        "yarn": "yarn install --immutable" if berry else "yarn install --frozen-lockfile",
    }
    project.prepare(frozen[manager] if locked else f"{manager} install")


def _is_locked(sources: Sources, folder: str) -> bool:
    return any(sources.has(f"{folder}/{lock}" if folder else lock) for lock in _LOCKS)
