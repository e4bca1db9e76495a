"""Graphs as text, Mermaid and SVG."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import pytest

from orchestrate.core.planning.definition import (
    EachSpec,
    GateSpec,
    InputValue,
    PhaseSpec,
    TaskSpec,
    Workflow,
)
from orchestrate.core.planning.expansion import expanded
from orchestrate.core.views.graph_svg import svg_graph
from orchestrate.core.views.graph_text import SIGNS, mermaid_graph, text_graph

SVG = "{http://www.w3.org/2000/svg}"
WORKFLOW = Workflow(
    name="demo",
    phases=(
        PhaseSpec(name="scan", max_concurrent=2),
        PhaseSpec(
            name="report",
            depends_on=("scan",),
            parallel=False,
            gates=(
                GateSpec(name="ok", kind="human", approvers=("ada", "bob")),
                GateSpec(name="test", kind="command", command="make test"),
            ),
        ),
        PhaseSpec(name="end", depends_on=("report",), when="inputs.deep"),
    ),
    tasks=(
        TaskSpec(id="left", phase="scan", agent="architect", action="assess"),
        TaskSpec(id="right", phase="scan", run="make"),
        TaskSpec(
            id="merge", phase="report", run="cat", needs=("left", "right"), trigger="all_done"
        ),
        TaskSpec(id="print", phase="report", run="lp", needs=("merge",), when="tasks.merge.ok"),
        TaskSpec(id="bye", phase="end", run="true"),
    ),
)
HOSTILE = '"]; end\n%% <script>alert(1)</script> & ]]> --> `x` #quot; \x00\x1b[31m $$ |{}()'
EVIL = Workflow(
    name=HOSTILE,
    phases=(PhaseSpec(name=HOSTILE, gates=(GateSpec(name=HOSTILE, kind="human"),)),),
    tasks=(TaskSpec(id=HOSTILE, phase=HOSTILE, run=HOSTILE, when=HOSTILE),),
)


def test_text_shows_phases_waves_and_gates() -> None:
    assert (
        text_graph(WORKFLOW)
        == """\
demo: 5 tasks in 3 phases, 4 waves

phase scan (at most 2 at once)
  wave 1    left   architect: assess
            right  $ make

phase report (one at a time; after scan)
  wave 2    merge  $ cat  needs left, right (all_done)
  wave 3    print  $ lp  needs merge  when tasks.merge.ok
  gate      ok (human): ada or bob
  gate      test (command): $ make test

phase end (after report; when inputs.deep)
  wave 4    bye    $ true
"""
    )


def test_text_shows_the_status_of_a_run_as_sign_and_word() -> None:
    shown = text_graph(WORKFLOW, {"left": "succeeded", "right": "failed"})
    assert "  wave 1  ✓ left   succeeded   architect: assess\n" in shown
    assert "          ✗ right  failed      $ make\n" in shown
    assert "  wave 2    merge  $ cat" in shown


def test_mermaid_is_a_flowchart_of_phases_tasks_and_gates() -> None:
    assert (
        mermaid_graph(WORKFLOW, {"left": "succeeded", "bye": "failed"})
        == """\
flowchart TD
  subgraph p0["scan"]
    t0["✓ left<br/>architect: assess"]
    t1["right<br/>#36; make"]
  end
  subgraph p1["report"]
    t2["merge<br/>#36; cat"]
    t3["print<br/>#36; lp"]
  end
  g1_0{"ok<br/>ada or bob"}
  p1 --> g1_0
  g1_1{"test<br/>#36; make test"}
  p1 --> g1_1
  subgraph p2["end"]
    t4["✗ bye<br/>#36; true"]
  end
  t0 -.-> t2
  t1 -.-> t2
  t2 --> t3
  p0 --> p1
  g1_0 --> p2
  g1_1 --> p2
  classDef succeeded stroke-width:2px,stroke:#1a7f37
  class t0 succeeded
  classDef failed stroke-width:3px,stroke:#cf222e
  class t4 failed
"""
    )


def test_hostile_names_stay_labels_in_mermaid() -> None:
    lines = mermaid_graph(EVIL).splitlines()
    assert [line.split('"')[0] for line in lines] == [
        "flowchart TD",
        "  subgraph p0[",
        "    t0[",
        "  end",
        "  g0_0{",
        "  p0 --> g0_0",
    ]
    for line in lines:
        assert line.count('"') in (0, 2)
        label = line.split('"')[1] if '"' in line else ""
        assert not re.search(r"[<>&`$|%\x00-\x1f\]}]", label.replace("<br/>", ""))
        assert re.fullmatch(r"(?:[^#]|#\d+;)*", label)


def test_drawing_is_xml_with_everything_in_it() -> None:
    root = ElementTree.fromstring(svg_graph(WORKFLOW))
    texts = " ".join("".join(each.itertext()) for each in root.iter(f"{SVG}text"))
    for task in WORKFLOW.tasks:
        assert task.id in texts
    for phase in WORKFLOW.phases:
        assert phase.name in texts
    kinds = [each.get("class") for each in root.iter(f"{SVG}rect")]
    assert (kinds.count("phase"), kinds.count("task"), kinds.count("gate")) == (3, 5, 2)
    edges = [str(each.get("class")) for each in root.iter(f"{SVG}path")]
    assert edges.count("edge after") == 2
    assert edges.count("edge loose") == 2
    assert edges.count("edge") == 1


@pytest.mark.parametrize(
    "graph", [WORKFLOW, EVIL, Workflow(name="empty")], ids=["demo", "evil", "empty"]
)
def test_boxes_lie_within_the_drawing_and_apart(graph: Workflow) -> None:
    root = ElementTree.fromstring(svg_graph(graph))
    width, height = int(root.get("width", "")), int(root.get("height", ""))
    boxes: dict[str, list[tuple[int, int, int, int]]] = {"phase": [], "inner": []}
    for rect in root.iter(f"{SVG}rect"):
        x, y, w, h = (int(rect.get(key, "")) for key in ("x", "y", "width", "height"))
        assert x >= 0
        assert y >= 0
        assert x + w <= width
        assert y + h <= height
        boxes["phase" if rect.get("class") == "phase" else "inner"].append((x, y, x + w, y + h))
    for group in boxes.values():
        for number, (x1, y1, x2, y2) in enumerate(group):
            for u1, v1, u2, v2 in group[:number]:
                assert x2 <= u1 or u2 <= x1 or y2 <= v1 or v2 <= y1


def test_every_arrow_points_to_the_right() -> None:
    root = ElementTree.fromstring(svg_graph(WORKFLOW))
    arrows = [
        each.get("d", "") for each in root.iter(f"{SVG}path") if "edge" in each.get("class", "")
    ]
    assert len(arrows) == 5
    for arrow in arrows:
        numbers = [int(number) for number in re.findall(r"-?\d+", arrow)]
        assert numbers[0] < numbers[-2]


def test_hostile_names_are_text_in_the_drawing() -> None:
    drawing = svg_graph(EVIL, {HOSTILE: "failed"})
    root = ElementTree.fromstring(drawing)
    assert root.find(f".//{SVG}script") is None
    assert "<script" not in drawing
    assert "\x1b" not in drawing
    title = root.find(f"{SVG}title")
    assert title is not None
    assert title.text is not None
    assert title.text.startswith('"]; end %% <script>alert(1)</script> & ]]>')


def test_status_changes_sign_and_stroke_in_light_and_dark() -> None:
    drawing = svg_graph(WORKFLOW, {"left": "failed", "right": "strange"})
    assert 'class="task failed"' in drawing
    assert "✗ left" in drawing
    assert "strange" not in re.sub(r"<title>.*?</title>", "", drawing)
    light, dark = drawing.split("@media(prefers-color-scheme:dark)")
    for name in ("text{", ".phase{", ".task{", ".gate{", ".edge{", ".failed{"):
        assert name in light
        assert name in dark


def test_status_signs_cover_every_status() -> None:
    from orchestrate.core.running.status import TaskStatus

    assert set(SIGNS) == set(TaskStatus)
    assert len(set(SIGNS.values())) == len(SIGNS)


GROUPED = Workflow(
    name="grouped",
    phases=(
        PhaseSpec(
            "main",
            gates=(
                GateSpec("green", "tests"),
                GateSpec("covered", "coverage", min_percent=80.0),
                GateSpec("no-less", "coverage"),
                GateSpec("small", "diff", max_files=1, max_lines=200),
                GateSpec("clean", "findings", max_new=2, severity="high"),
            ),
        ),
    ),
    tasks=(
        TaskSpec("list", "main", run="list"),
        TaskSpec("fix", "main", run="fix", needs=("list",), each=EachSpec("list", "items")),
    ),
)


def test_group_says_what_it_is_over_and_then_how_many_members_it_has() -> None:
    before = text_graph(GROUPED)
    assert "fix   for each of list.items: $ fix  needs list" in before
    members: list[tuple[str, dict[str, InputValue], tuple[str, ...]]] = [
        (f"k{number}", {}, ()) for number in range(40)
    ]
    after = text_graph(expanded(GROUPED, "fix", members), {"fix.k0": "merging"})
    assert "» fix.k0   merging     $ fix  needs list" in after
    assert re.search(r"fix +40 members\n", after)
    assert svg_graph(expanded(GROUPED, "fix", members)).count('class="task') == 42
    assert "t41" in mermaid_graph(expanded(GROUPED, "fix", members))


def test_gates_say_what_decides_them() -> None:
    shown = text_graph(GROUPED)
    assert "green (tests): the tests of the repository" in shown
    assert "covered (coverage): at least 80 % of the lines covered" in shown
    assert "no-less (coverage): no less of the lines covered than before" in shown
    assert "small (diff): at most 1 file and 200 lines changed" in shown
    assert "clean (findings): at most 2 new findings of high or worse" in shown
