"""What the drawings rest on: the module layout, the time axis, durations."""

from __future__ import annotations

import re
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from orchestrate.adapters.backends.local.reports.charts import exposure_chart, severity_chart
from orchestrate.adapters.backends.local.reports.graph_layout import layout
from orchestrate.adapters.backends.local.reports.module_graph import module_graph
from orchestrate.adapters.backends.local.reports.timeline_chart import (
    duration,
    ticks,
    timeline_chart,
)
from orchestrate.core.sharing.findings import Analysis, Module, TimelineEntry
from orchestrate.core.sharing.summary import summarise
from tests.unit.adapters.local.report_sample import many

NAMES = [f"m{n}" for n in range(9)]
graphs = st.dictionaries(
    st.sampled_from(NAMES), st.frozensets(st.sampled_from([*NAMES, "elsewhere"])), max_size=9
)


def modules(imports: dict[str, frozenset[str]]) -> list[Module]:
    return [Module(name, f"{name}.py", 1, imports=tuple(sorted(t))) for name, t in imports.items()]


def reaches(imports: dict[str, frozenset[str]], start: str, goal: str) -> bool:
    seen: set[str] = set()
    work = [*imports.get(start, ())]
    while work:
        name = work.pop()
        if name == goal:
            return True
        if name not in seen:
            seen.add(name)
            work += imports.get(name, ())
    return False


@given(graphs)
def test_importers_stand_left_of_imported_and_cycles_are_marked(
    imports: dict[str, frozenset[str]],
) -> None:
    picture = layout(modules(imports))

    for importer, target in picture.edges:
        if not reaches(imports, target, importer):
            assert picture.boxes[importer].x < picture.boxes[target].x
    for name, box in picture.boxes.items():
        assert box.in_cycle == (
            reaches(imports, name, name)
            and any(other != name and reaches(imports, other, name) for other in imports[name])
        )


@given(graphs)
def test_no_two_boxes_overlap_and_all_are_inside(imports: dict[str, frozenset[str]]) -> None:
    picture = layout(modules(imports))

    boxes = list(picture.boxes.values())
    for box in boxes:
        assert 0 <= box.x <= box.x + box.width <= picture.width
        assert 12 <= box.y <= picture.height - 12
    for a in boxes:
        for b in boxes:
            if a is not b and a.x < b.x + b.width and b.x < a.x + a.width:
                assert abs(a.y - b.y) >= 24


@given(graphs, st.randoms(use_true_random=False))
def test_the_picture_does_not_depend_on_the_order_of_modules(
    imports: dict[str, frozenset[str]], random: Random
) -> None:
    shuffled = modules(imports)
    random.shuffle(shuffled)

    assert module_graph(shuffled) == module_graph(modules(dict(sorted(imports.items()))))


def test_only_the_best_connected_modules_are_drawn_and_the_rest_is_counted() -> None:
    hub = {"hub": frozenset(f"leaf{n}" for n in range(60))}
    leaves = {f"leaf{n}": frozenset[str]() for n in range(60)}

    figure = module_graph(modules({**hub, **leaves}))

    assert "40 modules and 39 imports between them" in figure
    assert "21 less connected modules are not drawn." in figure
    assert figure.count('<g class="module') == 40


def test_modules_that_are_not_shipped_are_counted_but_not_drawn() -> None:
    program = modules({"app": frozenset({"lib"}), "lib": frozenset()})
    test = Module("test_app", "test_app.py", 1, exposure="test", imports=("app",))

    figure = module_graph([*program, test])

    assert "2 modules and 1 imports between them" in figure
    assert "1 modules of tests, docs, examples and builds are not drawn." in figure
    assert "1 modules and 0 imports" in module_graph([test])


def test_thousands_of_remarks_do_not_hide_three_grave_findings() -> None:
    grave = tuple(f for f in many(12).findings if f.severity != "info")
    remarks = tuple(
        replace(f, severity="info", exposure="test") for n in range(300) for f in many(12).findings
    )
    summary = summarise(Analysis(subject="s", findings=(*grave, *remarks)))

    for chart in (severity_chart(summary), exposure_chart(summary)):
        widths = {
            severity: max(
                map(float, re.findall(rf'class="fill {severity}"[^>]* width="([\d.]+)"', chart))
            )
            for severity in ("high", "info")
        }
        assert widths["high"] > 60
        assert chart.count('class="gap"') == 1
        ends = re.findall(r'<rect[^>]* x="([\d.]+)"[^>]* width="([\d.]+)"', chart)
        assert all(float(x) + float(width) <= 520 for x, width in ends)


@pytest.mark.parametrize(
    ("span", "marks"),
    [
        (5.7, [0, 1, 2, 3, 4, 5]),
        (0.9, [0, 0.2, 0.4, 0.6, 0.8]),
        (61.0, [0, 20, 40, 60]),
        (0.004, [0, 0.001, 0.002, 0.003, 0.004]),
    ],
)
def test_time_marks_are_round_and_few(span: float, marks: list[float]) -> None:
    assert list(ticks(span)) == marks


@given(st.floats(0.001, 1e6))
def test_time_marks_never_pass_the_end_nor_crowd(span: float) -> None:
    marks = list(ticks(span))

    assert len(marks) <= 8
    assert marks[-1] <= span * 1.001


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.416, "0.42 s"), (12.34, "12.3 s"), (185.2, "3 min 05 s"), (7_620, "2 h 07 min")],
)
def test_durations_read_naturally(seconds: float, words: str) -> None:
    assert duration(seconds) == words


def test_bars_are_as_long_as_attempts_took() -> None:
    chart = timeline_chart(
        (
            TimelineEntry("a", "p", "x", 1, 100.0, 104.0, "succeeded"),
            TimelineEntry("b", "p", "y", 2, 102.0, 103.0, "failed"),
            TimelineEntry("c", "p", "z", 1, 103.0),
        )
    )

    bars = re.findall(r'class="bar (\w+)" x="([\d.]+)" y="\d+" width="([\d.]+)"', chart)
    kinds, starts, widths = zip(*bars, strict=True)
    assert kinds == ("done", "other", "open")
    assert float(widths[0]) == pytest.approx(4 * float(widths[1]), rel=0.01)
    assert float(starts[2]) > float(starts[1]) > float(starts[0])
    assert "4.00 s succeeded" in chart
    assert "under way" in chart
    assert "attempt 2" in chart


def test_many_attempts_are_bounded_and_counted() -> None:
    chart = timeline_chart(
        tuple(
            TimelineEntry(f"t{n}", "p", "x", 1, float(n), n + 1.0, "succeeded") for n in range(70)
        )
    )

    assert "10 later attempts are not drawn." in chart
    assert chart.count('class="bar') == 60
