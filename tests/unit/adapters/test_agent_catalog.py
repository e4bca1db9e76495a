"""Where agents come from, which one wins, and the agents that are always there (B16)."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import jsonschema
import msgspec
import pytest

from orchestrate.adapters.backends.local.registry import ACTIONS
from orchestrate.adapters.files import agent_catalog
from orchestrate.adapters.files.agent_catalog import (
    AgentFolder,
    FileAgentCatalog,
    Shadowed,
    agent_folders,
)
from orchestrate.adapters.files.profile_keys import profile_schema
from orchestrate.adapters.files.profile_reader import read_profile
from orchestrate.core.agents.profile import Profile
from orchestrate.core.sharing.findings import SpecialistReport
from orchestrate.ports.catalog import AgentCatalog

BUILT_IN = (
    "architect",
    "builder",
    "code-reviewer",
    "doc-scribe",
    "error-detective",
    "orchestrator",
    "security-scout",
    "validator-test-runner",
)
SCANNING = {
    "architect": "architecture-assessment",
    "code-reviewer": "code-review",
    "security-scout": "security-scan",
}
LIBRARY = Path(agent_catalog.__file__).parents[2] / "library"


def write(folder: Path, name: str, *, description: str = "d", file: str | None = None) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / (file or f"{name}.md")
    path.write_text(f"---\nname: {name}\ndescription: {description}\n---\n", encoding="utf-8")
    return path


def catalog_of(*folders: Path) -> FileAgentCatalog:
    return FileAgentCatalog([AgentFolder(each, "project") for each in folders], built_in=False)


def found(catalog: AgentCatalog, name: str) -> Profile:
    profile = catalog.find(name)
    assert profile is not None
    return profile


def test_the_project_wins_over_the_user_and_the_user_over_the_package(
    tmp_path: Path, home: Path
) -> None:
    project = tmp_path / "project"
    folders = [
        project / ".claude/agents",
        project / ".orchestrate/agents",
        home / ".claude/agents",
        home / ".config/orchestrate/agents",
    ]
    for number, folder in enumerate(folders):
        for later in range(number, len(folders)):
            write(folder, f"agent-{later}", description=f"from {number}")
    write(folders[-1], "architect")
    write(folders[-1], "own")

    catalog = FileAgentCatalog.of_project(project)

    assert found(catalog, "agent-0").description == "from 0"
    assert found(catalog, "agent-3").description == "from 0"
    origins = {name: found(catalog, name).origin for name in ("agent-3", "own", "orchestrator")}
    assert origins == {"agent-3": "project", "own": "user", "orchestrator": "built-in"}
    assert found(catalog, "architect").path == str(folders[-1] / "architect.md")
    by = str(folders[0] / "agent-3.md")
    assert Shadowed("agent-3", str(folders[1] / "agent-3.md"), by) in catalog.shadowed
    assert [each.path for each in catalog.shadowed if each.name == "architect"] == [
        "orchestrate/library/agents/architect.md"
    ]
    assert len(catalog.shadowed) == 3 + 2 + 1 + 1
    assert catalog.names() == tuple(sorted({*BUILT_IN, "own", *(f"agent-{n}" for n in range(4))}))


def test_folders_that_do_not_exist_hold_nothing(tmp_path: Path) -> None:
    folders = agent_folders(tmp_path, home=tmp_path / "home", config=tmp_path / "config")
    catalog = FileAgentCatalog(folders)
    assert catalog.names() == BUILT_IN
    assert catalog.broken == ()
    assert catalog.find("nobody") is None


def test_a_broken_file_is_reported_and_hides_nothing_else(tmp_path: Path) -> None:
    write(tmp_path, "good")
    (tmp_path / "a-broken.md").write_text("---\nname: x\n---\n", encoding="utf-8")
    (tmp_path / "notes.md").write_text("# Notes\n", encoding="utf-8")

    catalog = catalog_of(tmp_path)

    assert catalog.names() == ("good",)
    assert [(each.path, each.line, each.code) for each in catalog.broken] == [
        (str(tmp_path / "a-broken.md"), 1, "no-description"),
        (str(tmp_path / "notes.md"), 1, "no-front-matter"),
    ]


def test_nothing_is_read_before_it_is_asked_for(tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    catalog = catalog_of(first, second)
    write(first, "early")
    write(second, "late", file="a.md")

    assert found(catalog, "early").path == str(first / "early.md")
    (second / "a.md").unlink()
    write(second, "later", file="b.md")
    assert catalog.names() == ("early", "later")


def test_folders_are_searched_below_before_their_siblings_after(tmp_path: Path) -> None:
    write(tmp_path / "b" / "c", "nested", description="deep")
    write(tmp_path / "b", "nested", description="shallow")
    write(tmp_path / "z", "nested", description="last")
    write(tmp_path / ".hidden", "unseen")
    (tmp_path / "other.txt").write_text("---\nname: x\ndescription: d\n---\n", encoding="utf-8")

    catalog = catalog_of(tmp_path)

    assert catalog.names() == ("nested",)
    assert found(catalog, "nested").description == "shallow"
    assert [Path(each.path).parent.name for each in catalog.shadowed] == ["c", "z"]


def test_links_are_followed_and_loops_end(tmp_path: Path) -> None:
    outside = write(tmp_path / "outside", "linked")
    inside = tmp_path / "agents"
    write(inside, "own")
    (inside / "outside").symlink_to(outside.parent)
    (inside / "loop").symlink_to(inside)
    (inside / "self.md").symlink_to(inside / "self.md")
    (inside / "gone.md").symlink_to(tmp_path / "gone")

    catalog = catalog_of(inside)

    assert catalog.names() == ("linked", "own")
    assert catalog.shadowed == ()
    assert {Path(each.path).name for each in catalog.broken} == {"gone.md", "self.md"}
    assert {each.code for each in catalog.broken} == {"unreadable"}


def test_one_folder_under_two_names_is_searched_once(tmp_path: Path) -> None:
    write(tmp_path / "agents", "own")
    (tmp_path / "again").symlink_to(tmp_path / "agents")
    catalog = catalog_of(tmp_path / "agents", tmp_path / "again")
    assert catalog.names() == ("own",)
    assert catalog.shadowed == ()


def test_a_named_pipe_does_not_block(tmp_path: Path) -> None:
    write(tmp_path, "own")
    os.mkfifo(tmp_path / "pipe.md")
    catalog = catalog_of(tmp_path)
    assert catalog.names() == ("own",)
    assert [each.code for each in catalog.broken] == ["not-a-file"]


def test_a_folder_without_end_is_left_with_a_report(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(agent_catalog, "MAX_ENTRIES", 5)
    write(tmp_path, "own")
    for number in range(6):
        write(tmp_path / "many", f"m{number}")

    catalog = catalog_of(tmp_path)

    assert catalog.names() == ("own",)
    assert [(each.code, each.line) for each in catalog.broken] == [("too-many-files", 0)]


@pytest.mark.parametrize("name", BUILT_IN)
def test_a_built_in_agent_is_correct_and_complete(name: str) -> None:
    profile = found(FileAgentCatalog(()), name)
    assert profile.warnings == ()
    assert profile.extra == {}
    assert profile.priority is not None
    assert profile.capabilities
    assert profile.tools
    sections = re.findall(r"^## (.+)$", profile.body, re.MULTILINE)
    assert sections == [
        "When to use",
        "Process",
        "Output contract",
        "Discipline",
        "When you do not know",
        "Summary",
    ]
    assert "at most 50 words" in profile.body


@pytest.mark.parametrize("name", BUILT_IN)
def test_a_built_in_agent_reads_before_it_edits_and_needs_a_shell_to_run(name: str) -> None:
    tools = set(found(FileAgentCatalog(()), name).tools or ())
    assert {"Read", "Write"} <= tools
    assert ("Edit" in tools) == ("Bash" in tools)
    if name in SCANNING:
        assert "Bash" not in tools, "scanning never executes code of the repository"


def test_built_in_agents_have_different_priorities() -> None:
    catalog = FileAgentCatalog(())
    ranks = {name: found(catalog, name).priority for name in BUILT_IN}
    assert len(set(ranks.values())) == len(BUILT_IN)
    assert min(ranks, key=lambda name: ranks[name] or 0) == "orchestrator"


@pytest.mark.parametrize("path", sorted((LIBRARY / "agents").glob("*.md")), ids=lambda p: p.stem)
def test_a_built_in_file_is_what_the_schema_says_to_write(path: Path) -> None:
    from ruamel.yaml import YAML

    front = path.read_text(encoding="utf-8").split("---\n")[1]
    keys = YAML(typ="safe", pure=True).load(front)
    jsonschema.validate(keys, profile_schema())
    assert keys["name"] == path.stem == read_profile(path).name


@pytest.mark.parametrize("name", SCANNING)
def test_the_findings_example_of_a_scanning_agent_is_a_report(name: str) -> None:
    profile = found(FileAgentCatalog(()), name)
    examples = re.findall(r"^```json\n(.*?)^```$", profile.body, re.MULTILINE | re.DOTALL)
    assert len(examples) == 1
    report = msgspec.json.decode(examples[0], type=SpecialistReport)
    assert (report.agent, report.action) == (name, SCANNING[name])
    assert report.action in ACTIONS
    assert f"`{report.action}`" in profile.body
    assert all(run.conclusive or run.reason for run in report.tools)
    assert {each.agent for each in [report]} == {name}
    assert _without_unknown_keys(json.loads(examples[0]), report)


def _without_unknown_keys(written: dict[str, object], report: SpecialistReport) -> bool:
    """Whether nothing of the example was lost in reading it: decoding ignores unknown keys."""
    read = json.loads(msgspec.json.encode(report))
    return all(_contains(read.get(key), value) for key, value in written.items())


def _contains(read: object, written: object) -> bool:
    if isinstance(written, dict):
        assert isinstance(read, dict)
        return all(
            key in read and _contains(read[key], value)
            for key, value in written.items()
            if value not in ("", "shipped")  # defaults are left out when written
        )
    if isinstance(written, list):
        assert isinstance(read, list)
        return len(read) == len(written) and all(map(_contains, read, written))
    return read == written


def test_the_workflow_example_of_the_orchestrator_fits_the_workflow_schema() -> None:
    from ruamel.yaml import YAML

    body = found(FileAgentCatalog(()), "orchestrator").body
    (example,) = re.findall(r"^```yaml\n(.*?)^```$", body, re.MULTILINE | re.DOTALL)
    workflow = YAML(typ="safe", pure=True).load(example)
    schema = json.loads((LIBRARY / "schemas" / "workflow-1.json").read_text(encoding="utf-8"))
    jsonschema.validate(workflow, schema)
    agents = {task["agent"] for phase in workflow["phases"] for task in phase["tasks"]}
    assert agents <= set(BUILT_IN)
