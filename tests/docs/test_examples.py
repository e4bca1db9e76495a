"""The shell examples of the documentation do what the pages show, each page from its beginning."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from scripts import run_examples
from scripts.run_examples import Command, Ran, SavedFile, differences, rewritten, run, steps

ROOT = Path(__file__).resolve().parents[2]
USER_ENVIRONMENT = dict(os.environ)
PAGES = [
    path
    for path in [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
    if run_examples.has_examples(path.read_text(encoding="utf-8"))
]


def _parameter(path: Path) -> object:
    page = path.read_text(encoding="utf-8")
    marks = [pytest.mark.packages] if run_examples.packages(page) else []
    return pytest.param(path, id=path.relative_to(ROOT).as_posix(), marks=marks)


@pytest.mark.slow
@pytest.mark.parametrize("path", [_parameter(path) for path in PAGES])
def test_examples_print_what_the_page_shows(path: Path, tmp_path: Path) -> None:
    page = path.read_text(encoding="utf-8")
    found = differences(page, run(page, tmp_path, USER_ENVIRONMENT))
    assert found == [], f"python scripts/run_examples.py --write {path.relative_to(ROOT)}"


def test_the_pages_a_newcomer_reads_have_examples() -> None:
    names = {path.relative_to(ROOT).as_posix() for path in PAGES}
    assert {"README.md", "docs/tutorial.md"} <= names


PAGE = """\
```yaml
# a/b.yaml
x: 1
```

```python
print("this one has no path and is only shown")
```

```console
$ cat a/b.yaml
# a/b.yaml
…
$ cat <<END
> one
> END
one
$ (exit 3)
$ echo $?
3
```
"""


def _ran(page: str, scratch: Path) -> list[str]:
    return differences(page, run(page, scratch))


def test_a_page_is_read_as_files_and_commands() -> None:
    saved, *commands = steps(PAGE)
    assert saved == SavedFile("a/b.yaml", "# a/b.yaml\nx: 1\n")
    assert [step.text for step in commands if isinstance(step, Command)] == [
        "cat a/b.yaml",
        "cat <<END\none\nEND",
        "(exit 3)",
        "echo $?",
    ]


def test_a_page_that_shows_the_truth_passes(tmp_path: Path) -> None:
    assert _ran(PAGE, tmp_path) == []


@pytest.mark.parametrize(
    ("right", "wrong", "complaint"),
    [
        ("\none\n$", "\ntwo\n$", "does not print: two"),
        ("\none\n$", "\n$", "prints as well: one"),
        ("# a/b.yaml\n…", "# a/b.yaml", "prints as well: x: 1"),
        ("\n3\n", "\n4\n", "does not print: 4"),
        ("$ echo $?\n3\n", "", "ended with 3"),
        ("$ (exit 3)", "$ exit 3", "the session ended after 2 of 4 commands"),
    ],
)
def test_a_page_that_shows_something_else_fails(
    right: str, wrong: str, complaint: str, tmp_path: Path
) -> None:
    assert right in PAGE
    assert complaint in "\n".join(_ran(PAGE.replace(right, wrong), tmp_path))


def test_ids_times_and_durations_may_differ() -> None:
    page = "```console\n$ x\n12:00:01 run abcdefgh in /r\ntook 1.5 s\n$ y abcdefgh\n```\n"
    other = [Ran(["09:30:59 run zyxwv234 in /r", "took 12 s"], 0), Ran([], 0)]
    assert differences(page, other) == []
    other[0].lines[1] = "took ages"
    assert "does not print: took <duration>" in "\n".join(differences(page, other))


def test_rewriting_puts_the_output_in_and_keeps_what_is_left_out() -> None:
    page = "```console\n$ x\nold first\n…\nold last\n$ y\n```\n"
    ran = [Ran(["first", "second", "third", "last"], 0), Ran(["why"], 0)]
    assert rewritten(page, ran) == "```console\n$ x\nfirst\n…\nlast\n$ y\nwhy\n```\n"
