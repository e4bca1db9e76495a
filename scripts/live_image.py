"""Pictures of the live view for the documentation, taken while a real scan runs.

    python scripts/live_image.py FOLDER [--advisories FOLDER]

Scans FOLDER and writes docs/images/live.txt (80 columns, without colour) and docs/images/live.svg
(100 columns): the moment with the most different statuses, and most at work.
"""

from __future__ import annotations

import asyncio
import io
import re
import sys
import time
from argparse import ArgumentParser
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console, Group

from orchestrate import __version__, wiring
from orchestrate.app import runs
from orchestrate.core.planning.binding import bind_inputs
from orchestrate.core.running.events import AnyEvent
from orchestrate.core.running.state import RunState
from orchestrate.core.running.status import TaskStatus
from orchestrate.ui.cli.picture import Screen, picture
from orchestrate.ui.cli.task_line import Moment

IMAGES = Path(__file__).resolve().parents[1] / "docs" / "images"
TEXT, DRAWING = Screen(80, 24), Screen(100, 24)
INTERVAL_S = 0.2
TITLE = "orchestrate security"


class Camera:
    """Keeps, of all pictures of a run, the one with the most going on."""

    def __init__(self, runs_dir: Path) -> None:
        self._runs_dir = runs_dir
        self._state: RunState | None = None
        self._best = (-1, -1, -1.0)
        self.shots: tuple[Group, Group] | None = None

    def observe(self, events: Sequence[AnyEvent], state: RunState) -> None:  # noqa: ARG002
        """Remember the state after `events`."""
        self._state = state

    async def watch(self) -> None:
        """Take pictures until cancelled."""
        while True:
            if self._state is not None:
                self._shoot(self._state)
            await asyncio.sleep(INTERVAL_S)

    def _shoot(self, state: RunState) -> None:
        statuses = [task.status for task in state.tasks.values()]
        running = statuses.count(TaskStatus.RUNNING)
        if not running:
            return
        worth = (len(set(statuses)), running, time.time())
        if worth > self._best:
            self._best = worth
            moment = Moment(time.time(), self._runs_dir)
            self.shots = (picture(state, moment, TEXT), picture(state, moment, DRAWING))


async def _scan(site: wiring.Site, advisories: str, camera: Camera) -> None:
    workflow = wiring.find_workflow(site, "security")
    store = wiring.open_store(site, create=True)
    try:
        session = wiring.open_session(site, store)
        new = runs.NewRun(
            run=wiring.new_run_id(),
            workflow=workflow,
            inputs=bind_inputs(workflow, {"advisories": advisories}),
            request="before the release",
            repository=str(site.root),
            revision=site.head,
            program=__version__,
        )
        watching = asyncio.create_task(camera.watch())
        await session.start(new, camera.observe)
        watching.cancel()
    finally:
        store.close()


def main() -> int:
    """Scan, choose, write."""
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--advisories", default="")
    given = parser.parse_args()
    site = wiring.open_site(given.folder)
    camera = Camera(site.runs_dir)
    asyncio.run(_scan(site, given.advisories, camera))
    if camera.shots is None:
        print("the scan ended before a picture could be taken", file=sys.stderr)
        return 1
    text, drawing = camera.shots
    plain = Console(file=io.StringIO(), width=TEXT.width, record=True, color_system=None)
    plain.print(text)
    lines = [line.rstrip() for line in plain.export_text().splitlines()]
    (IMAGES / "live.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    coloured = Console(file=io.StringIO(), width=DRAWING.width, record=True, force_terminal=True)
    coloured.print(drawing)
    # Without the fonts it would fetch from elsewhere: the picture loads nothing.
    drawn = re.sub(r"@font-face \{.*?\}\s*", "", coloured.export_svg(title=TITLE), flags=re.DOTALL)
    (IMAGES / "live.svg").write_text(drawn, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
