"""Real packages with a flaw of every kind: each is fixed, proven and gone."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from orchestrate.adapters.backends.local import rescan_action
from orchestrate.adapters.backends.local.progress import silent
from orchestrate.core.planning.definition import InputValue
from tests.packages import fetch_sdist
from tests.planted_fixes import MODULES, plant_fixable, write_advisories
from tests.unit.adapters.local.fixes.fixing import Item, Project

pytestmark = [pytest.mark.packages, pytest.mark.slow]
_VERSIONS = {"h11": "0.16.0", "sqlparse": "0.6.1", "itsdangerous": "2.2.0"}


@pytest.mark.parametrize("package", sorted(MODULES))
def test_every_planted_flaw_is_fixed_and_proven(package: str, tmp_path: Path) -> None:
    fetch_sdist(package, _VERSIONS[package], tmp_path).rename(tmp_path / "repository")
    places = plant_fixable(tmp_path / "repository", package)
    advisories = write_advisories(tmp_path / "advisories")
    project = Project(tmp_path)
    items, _ = project.plan(project.scan(advisories))
    assert {item["codemod"]: item["path"] for item in items} == places
    for item in items:
        base = project.git("rev-parse", "HEAD")
        result = project.apply(item)
        assert result.ok, result.message
        changed = project.git("diff", "--name-only").split()
        assert [*changed, item["test"]] == str(item["writes"]).split("\n")
        after = {path: (project.root / path).read_bytes() for path in changed}
        project.git("checkout", "-q", base, "--", *changed)
        before = project.prove(result)
        assert before.returncode == 1
        assert f"{item['path']}:" in before.stderr
        for path, data in after.items():
            (project.root / path).write_bytes(data)
        assert project.prove(result).returncode == 0
        project.commit(str(item["title"]))
        if package == "h11":  # for the others the scan at the end has to do
            assert _rescanned(project, item, base, advisories) == {"remaining", "new", "unknown"}
    known = {item["codemod"] for item in items}
    left, _ = project.plan(project.scan(advisories))
    assert [item for item in left if item["codemod"] in known] == []


def _rescanned(project: Project, item: Item, base: str, advisories: Path) -> set[str]:
    """The metrics of a rescan that are 0; remarks aside."""
    request = project.request("rescan", workspace=str(project.root), item=item)
    inputs: dict[str, InputValue] = {"advisories": str(advisories)}
    request = msgspec.structs.replace(request, base=base, inputs=inputs)
    metrics = rescan_action.run(request, silent).metrics
    return {name for name, value in metrics.items() if not value and name != "remarks"}
