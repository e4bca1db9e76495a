"""The licence audit and the bill of materials."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from orchestrate.adapters.backends.local.components import components_of
from orchestrate.adapters.backends.local.licences import licence_of, obligation_of
from orchestrate.adapters.backends.local.manifests.collect import Collected, collect
from orchestrate.adapters.backends.local.manifests.declared import Project
from orchestrate.adapters.backends.local.repository import Survey, survey
from orchestrate.adapters.backends.local.sbom import make_sbom
from orchestrate.adapters.backends.local.scan_licences import LicenceScan, scan_licences

_PYPROJECT = """\
[project]
name = "app"
version = "1.0"
license = "MIT"
dependencies = ["flask==0.12.2", "idna>=2.5"]
[dependency-groups]
dev = ["pytest"]
"""


def _collected(root: Path, files: dict[str, str]) -> tuple[Survey, Collected]:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    surveyed = survey(root)
    return surveyed, collect(surveyed)


def _scan(root: Path, files: dict[str, str]) -> LicenceScan:
    return scan_licences(*_collected(root, files))


@pytest.mark.parametrize(
    ("expression", "obligation"),
    [
        ("MIT", "permissive"),
        ("GPL-3.0-or-later", "copyleft"),
        ("LGPL-2.1-only", "weak copyleft"),
        ("MPL-2.0", "weak copyleft"),
        ("MIT OR GPL-3.0-only", "permissive"),
        ("MIT AND GPL-3.0-only", "copyleft"),
        ("(MIT OR Apache-2.0) AND BSD-3-Clause", "permissive"),
        ("GPL-2.0-only WITH Classpath-exception-2.0", "copyleft"),
    ],
)
def test_how_far_an_expression_obliges(expression: str, obligation: str) -> None:
    assert obligation_of(expression) == obligation


@pytest.mark.parametrize(
    ("written", "expression", "obligation"),
    [
        ("MIT License", "MIT", "permissive"),
        ("License :: OSI Approved :: Apache Software License", "Apache-2.0", "permissive"),
        ("BSD", "", "permissive"),
        ("GPL", "", "copyleft"),
        ("some words of our own", "", "unknown"),
        ("", "", "unknown"),
    ],
)
def test_loose_names_are_understood_only_where_they_mean_one_thing(
    written: str, expression: str, obligation: str
) -> None:
    licence = licence_of(Project("a", licences=(written,) if written else ()))
    assert (licence.expression, licence.obligation) == (expression, obligation)


def test_classifiers_that_name_the_alternatives_of_an_expression_do_not_differ() -> None:
    classifiers = (
        "License :: OSI Approved :: MIT License",
        "License :: OSI Approved :: ISC License",
    )
    both = Project("a", licences=("MIT OR ISC", *classifiers), expression="MIT OR ISC")
    assert licence_of(both).others == ()
    assert licence_of(Project("a", licences=classifiers)).others == ()


def test_unknown_licences_of_shipped_dependencies_leave_the_audit_partial(tmp_path: Path) -> None:
    found = _scan(tmp_path, {"pyproject.toml": _PYPROJECT, "LICENSE": "MIT"})
    assert found.findings == []
    assert found.tool.status == "partial"
    assert found.tool.reason == "the licence of 2 of 2 shipped dependencies cannot be told"


def test_a_project_without_shipped_dependencies_is_fully_audited(tmp_path: Path) -> None:
    text = '[project]\nname = "app"\nlicense = "MIT"\n[dependency-groups]\ndev = ["pytest"]\n'
    found = _scan(tmp_path, {"pyproject.toml": text, "COPYING": "MIT"})
    assert (found.findings, found.tool.status, found.tool.reason) == ([], "ran", "")


@pytest.mark.parametrize(
    ("licence", "rule"),
    [
        ('license = "Our-Own-1"', "ORC-LIC-103"),
        ("", "ORC-LIC-102"),
        (
            'license = "MIT"\nclassifiers = ["License :: OSI Approved :: ISC License"]',
            "ORC-LIC-104",
        ),
    ],
)
def test_statements_that_cannot_be_relied_on_are_findings(
    tmp_path: Path, licence: str, rule: str
) -> None:
    text = f'[project]\nname = "app"\nversion = "1"\n{licence}\n'
    found = _scan(tmp_path, {"pyproject.toml": text, "LICENSE.md": "x"})
    assert [(f.rule, f.severity) for f in found.findings] == [(rule, "low")]


def test_a_missing_licence_file_is_a_finding(tmp_path: Path) -> None:
    found = _scan(tmp_path, {"pyproject.toml": _PYPROJECT})
    assert [f.rule for f in found.findings] == ["ORC-LIC-101"]


@pytest.mark.parametrize(
    ("theirs", "severity"), [("GPL-3.0-only", "medium"), ("LGPL-3.0-only", "low"), ("MIT", None)]
)
def test_copyleft_code_inside_a_permissive_project(
    tmp_path: Path, theirs: str, severity: str | None
) -> None:
    metadata = f"Name: other\nVersion: 1.0\nLicense-Expression: {theirs}\n"
    files = {
        "pyproject.toml": _PYPROJECT,
        "LICENSE": "x",
        "libs/other-1.0.dist-info/METADATA": metadata,
    }
    found = _scan(tmp_path, files)
    copyleft = [f.severity for f in found.findings if f.rule == "ORC-LIC-105"]
    assert copyleft == ([severity] if severity else [])
    assert found.known == {"other": theirs}


def test_the_bill_of_materials_is_valid_and_deterministic(tmp_path: Path) -> None:
    _, collected = _collected(
        tmp_path,
        {
            "pyproject.toml": _PYPROJECT,
            "libs/other-1.0.dist-info/METADATA": "Name: other\nVersion: 1.0\nLicense: MIT\n",
        },
    )
    components = components_of(collected, {"other": "MIT"}, "MIT")
    assert [(c.name, c.version, c.scope, c.pinned) for c in components] == [
        ("app", "1.0", "self", True),
        ("flask", "0.12.2", "runtime", True),
        ("idna", "", "runtime", False),
        ("other", "1.0", "runtime", True),
        ("pytest", "", "development", False),
    ]
    bill = make_sbom("app", components)
    assert bill == make_sbom("app", components)
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(bill.decode()) is None
    document = json.loads(bill)
    assert document["metadata"]["component"]["purl"] == "pkg:pypi/app@1.0"
    assert "timestamp" not in document["metadata"]
    purls = {each["name"]: each["purl"] for each in document["components"]}
    assert purls["flask"] == "pkg:pypi/flask@0.12.2"
    assert purls["idna"] == "pkg:pypi/idna"
    changed = make_sbom("app", components[:-1])
    assert json.loads(changed)["serialNumber"] != document["serialNumber"]


def test_a_bill_for_a_folder_without_metadata_is_valid() -> None:
    bill = make_sbom("folder", ())
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(bill.decode()) is None
