"""`orchestrate security`: thresholds, baseline, ignore comments, outputs, requests, detaching."""

from __future__ import annotations

import json
import re
from importlib import resources
from pathlib import Path

import jsonschema
import pytest

from tests.e2e.command import kinds, log, orchestrate, wait_for
from tests.e2e.scanning import Scan, scan

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("home")]

PROJECT = '[project]\nname = "sample"\nversion = "1.0"\nlicense = "MIT"\ndependencies = []\n'
SHELL = (
    'import subprocess\n\n\ndef list_files(path):\n    subprocess.run("ls " + path, shell=True)\n'
)
HASH = "import hashlib\n\n\ndef digest(password):\n    return hashlib.md5(password).hexdigest()\n"
ADVISORY = """\
id: PYSEC-0000-1
affected:
- package: {name: nothing-we-use, ecosystem: PyPI}
  ranges: [{type: ECOSYSTEM, events: [{introduced: "0"}]}]
"""


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A folder with two high findings and nothing that would be unknown but the advisories."""
    root = tmp_path / "sample"
    (root / "sample").mkdir(parents=True)
    (root / "pyproject.toml").write_text(PROJECT)
    (root / "LICENSE").write_text("MIT License\n\nCopyright (c) the authors of sample\n")
    (root / "sample" / "__init__.py").write_text("")
    (root / "sample" / "files.py").write_text(SHELL)
    (root / "sample" / "users.py").write_text(HASH)
    return root


@pytest.fixture
def advisories(tmp_path: Path) -> Path:
    folder = tmp_path / "advisories"
    folder.mkdir()
    (folder / "one.yaml").write_text(ADVISORY)
    return folder


def high(done: Scan) -> list[tuple[str, int]]:
    return sorted(
        (f.location.path, f.location.line) for f in done.analysis.findings if f.severity == "high"
    )


BOTH = [("sample/files.py", 5), ("sample/users.py", 5)]

# -- the threshold -------------------------------------------------------------------------------


def test_findings_over_the_threshold_end_with_9_and_without_one_with_0(
    repository: Path, advisories: Path
) -> None:
    done = scan(repository, "--advisories", str(advisories))
    assert done.analysis.unknown == ()
    assert done.data["verdict"] is None
    assert high(done) == BOTH
    failed = scan(repository, "--advisories", str(advisories), "--fail-on", "high", code=9)
    assert failed.data["verdict"]["verdict"] == "failed"
    assert failed.data["verdict"]["reasons"][0].startswith("2 high findings at or above high")
    assert "failed: 2 high findings" in failed.result.err
    above = scan(repository, "--advisories", str(advisories), "--fail-on", "critical")
    assert above.data["verdict"]["verdict"] == "passed"


def test_what_nobody_could_look_at_ends_with_10_unless_it_is_allowed(repository: Path) -> None:
    unconfirmed = scan(repository, "--fail-on", "critical", code=10)
    assert unconfirmed.data["verdict"]["verdict"] == "unknown"
    assert "no advisories were given" in unconfirmed.result.err
    allowed = scan(repository, "--fail-on", "critical", "--allow-unknown")
    assert allowed.data["verdict"]["verdict"] == "passed"
    assert "no advisories were given" in allowed.result.err
    # A finding decides, whatever is unknown beside it.
    assert scan(repository, "--fail-on", "high", code=9).analysis.unknown


def test_a_folder_without_advisories_is_unknown_and_not_clean(
    repository: Path, tmp_path: Path
) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    done = scan(repository, "--advisories", str(empty), "--fail-on", "critical", code=10)
    assert [entry for entry in done.analysis.unknown if "holds no advisories" in entry]


# -- baseline ------------------------------------------------------------------------------------


def test_a_baseline_is_written_used_and_its_stale_entries_are_named(
    repository: Path, advisories: Path, tmp_path: Path
) -> None:
    baseline = tmp_path / "kept" / "baseline.json"
    given = ("--advisories", str(advisories), "--fail-on", "high")
    first = scan(repository, *given, "--update-baseline", str(baseline), code=9)
    entries = json.loads(baseline.read_bytes())["entries"]
    assert {(e["rule"], e["path"]) for e in entries} >= {
        (f.rule, f.location.path) for f in first.analysis.findings
    }
    assert all(first.data["run"] in entry["reason"] for entry in entries)

    # Moved lines match; a new flaw beside them does not.
    source = repository / "sample" / "files.py"
    source.write_text('"""Files."""\n\n' + SHELL + "\n\ndef run(code):\n    eval(code)\n")
    second = scan(repository, *given, "--baseline", str(baseline), code=9)
    assert high(second) == [("sample/files.py", 11)]
    accepted = {(f.location.path, f.location.line) for f in second.analysis.suppressed}
    assert accepted >= {("sample/files.py", 7), ("sample/users.py", 5)}
    assert all(f.suppressed.startswith("baseline: ") for f in second.analysis.suppressed)
    assert second.data["suppressed"] == len(second.analysis.suppressed)

    (repository / "sample" / "users.py").unlink()
    source.write_text(SHELL)
    third = scan(
        repository, *given, "--baseline", str(baseline), "--update-baseline", str(baseline)
    )
    assert high(third) == []
    assert [note for note in third.analysis.notes if "sample/users.py" in note]
    assert "match nothing any more" in third.result.err
    left = {entry["path"] for entry in json.loads(baseline.read_bytes())["entries"]}
    assert "sample/users.py" not in left
    assert "sample/files.py" in left


def test_a_broken_baseline_is_refused_before_anything_is_scanned(repository: Path) -> None:
    broken = repository / "baseline.json"
    broken.write_text('{"version": 1, "entries": [{}')
    for option in ("--baseline", "--update-baseline"):
        refused = orchestrate("security", option, str(broken), cwd=repository)
        assert refused.code == 3, refused
        assert "not a baseline file" in refused.err
    assert "there is no run" in orchestrate("list", cwd=repository).err
    assert broken.read_text() == '{"version": 1, "entries": [{}'


def test_what_earlier_scans_left_in_the_repository_is_not_found_again(
    repository: Path, advisories: Path
) -> None:
    reports, baseline = repository / "reports", repository / ".orchestrate" / "baseline.json"
    given = ("--advisories", str(advisories), "--output", str(reports))
    first = scan(repository, *given, "--update-baseline", str(baseline))
    again = scan(repository, *given, "--update-baseline", str(baseline))
    assert again.analysis.findings == first.analysis.findings
    assert set(again.not_examined()) >= {
        ".orchestrate/baseline.json",
        *(f"reports/report.{suffix}" for suffix in ("html", "json", "md", "sarif")),
    }
    accepted = scan(repository, *given, "--baseline", str(baseline), "--fail-on", "info")
    assert accepted.analysis.findings == ()
    assert len(accepted.analysis.suppressed) == len(first.analysis.findings)


# -- ignore comments -----------------------------------------------------------------------------


def test_an_ignore_comment_needs_a_reason(repository: Path, advisories: Path) -> None:
    source = repository / "sample" / "files.py"
    line = '    subprocess.run("ls " + path, shell=True)'
    given = ("--advisories", str(advisories))
    source.write_text(SHELL.replace(line, line + "  # orchestrate: ignore[B602]"))
    without = scan(repository, *given)
    assert high(without) == BOTH
    assert [f.rule for f in without.at("sample/files.py", 5) if f.severity == "low"] == [
        "orchestrate.ignore-without-reason"
    ]
    source.write_text(
        SHELL.replace(line, line + "  # orchestrate: ignore[B602] paths come from us alone")
    )
    with_reason = scan(repository, *given)
    assert high(with_reason) == [("sample/users.py", 5)]
    (ignored,) = with_reason.analysis.suppressed
    assert ignored.suppressed == "inline: paths come from us alone (sample/files.py:5)"
    assert "paths come from us alone" in with_reason.report("html").read_text("utf-8")


# -- where reports go, and what is printed ---------------------------------------------------------


def test_reports_are_copied_where_they_are_asked_for(repository: Path, tmp_path: Path) -> None:
    done = scan(repository, "--output", str(tmp_path / "new" / "reports"))
    copied = {path.name for path in (tmp_path / "new" / "reports").iterdir()}
    assert copied == {"report.html", "report.md", "report.json", "report.sarif", "sbom.cdx.json"}
    assert done.report("html").parent == tmp_path / "new" / "reports"


def test_copied_reports_never_go_through_a_link_of_the_repository(
    repository: Path, tmp_path: Path
) -> None:
    precious = tmp_path / "precious"
    precious.write_text("mine\n")
    folder = repository / "reports"
    folder.mkdir()
    for name in ("report.md", "report.html", ".report.md.part", ".report.html.part"):
        (folder / name).symlink_to(precious)
    scan(repository, "--output", str(folder))
    assert precious.read_text() == "mine\n"
    assert (folder / "report.md").read_text("utf-8").startswith("#")
    assert not list(folder.glob(".*"))


def test_a_folder_that_cannot_be_made_is_refused_before_anything_is_scanned(
    repository: Path,
) -> None:
    refused = orchestrate("security", "--output", "/proc/none/reports", cwd=repository)
    assert refused.code == 4, refused
    assert "there is no run" in orchestrate("list", cwd=repository).err


def test_what_people_see_names_the_verdict_the_worst_findings_and_the_reports(
    repository: Path,
) -> None:
    shown = orchestrate("security", "before the release", cwd=repository)
    lines = shown.out.splitlines()
    assert re.fullmatch(r"\d+ findings: 2 high, .*", lines[0])
    assert lines[1].startswith("unknown: known vulnerabilities")
    assert any("sample/files.py:5  Shell command put together" in line for line in lines)
    paths = dict(line.split(maxsplit=1) for line in lines if line.startswith(("html", "sarif")))
    assert all(Path(path).is_file() for path in paths.values())
    assert "vulnerabilities finished" in shown.err
    quiet = orchestrate("security", "-q", cwd=repository)
    assert quiet.err == ""
    assert quiet.out.splitlines()[0] == lines[0]


def test_json_has_the_published_shape(repository: Path) -> None:
    done = scan(repository)
    published = resources.files("orchestrate.library").joinpath("schemas/cli-1.json")
    schema = json.loads(published.read_text("utf-8"))
    jsonschema.Draft202012Validator(schema).validate(json.loads(done.result.out))
    assert json.loads(done.result.out)["command"] == "security"
    looked = ("vulnerabilities", "review", "architecture", "aggregate", "plan", "report")
    assert {task["task"]: task["status"] for task in done.data["tasks"]} == {
        **dict.fromkeys(looked, "succeeded"),
        "fix": "skipped",
    }
    assert sum(done.data["findings"].values()) == len(done.analysis.findings)
    assert [top["rule"] for top in done.data["top"]] == [
        finding.rule for finding in done.analysis.findings[:10]
    ]


# -- where the request comes from ------------------------------------------------------------------


def test_the_request_comes_from_an_argument_a_file_or_standard_input(
    repository: Path, tmp_path: Path
) -> None:
    text = "Überprüfung vor der Freigabe <b>\n"
    file = tmp_path / "request.md"
    file.write_text(text, encoding="utf-8")
    for arguments, stdin in ((("-f", str(file)), ""), (("-f", "-"), text), (("-",), text)):
        done = Scan(orchestrate("security", *arguments, "--json", cwd=repository, stdin=stdin))
        assert done.analysis.request == text.strip()
        page = done.report("html").read_text("utf-8")
        assert "Überprüfung vor der Freigabe &lt;b&gt;" in page
    twice = orchestrate("security", "now", "-f", str(file), cwd=repository)
    assert (twice.code, "given twice" in twice.err) == (2, True)
    empty = orchestrate("security", "-f", "-", cwd=repository, stdin=" \n")
    assert (empty.code, "is empty" in empty.err) == (2, True)


# -- leaving it alone, and coming back -------------------------------------------------------------


def test_a_detached_scan_is_attached_to_and_gives_the_same_verdict(
    repository: Path, tmp_path: Path
) -> None:
    output = tmp_path / "reports"
    begun = orchestrate(
        "security", "--detach", "--json", "--fail-on", "high", "--output", str(output),
        cwd=repository,
    )  # fmt: skip
    assert begun.code == 0, begun
    run = begun.data["run"]
    attached = orchestrate("attach", run, "--json", cwd=repository)
    assert attached.code == 9, attached
    assert attached.data["run"] == run
    wait_for("the reports", (output / "sbom.cdx.json").exists)
    again = orchestrate("attach", run, "--json", cwd=repository)
    assert (again.code, again.data) == (9, attached.data)
    state = Path(begun.data["log"]).parents[2]
    assert kinds(log(state, run)).count("AttemptStarted vulnerabilities") == 1
