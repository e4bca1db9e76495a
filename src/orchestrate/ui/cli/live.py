"""The live view: one picture of a run, drawn again several times a second."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType

from rich.console import Console, RenderableType
from rich.live import Live
from rich.text import Text

from orchestrate.core.running.events import AnyEvent
from orchestrate.core.running.state import RunState
from orchestrate.ui.cli.picture import Screen, picture
from orchestrate.ui.cli.task_line import Moment

#: Redraws a second: enough to see seconds tick, little enough for a slow link.
REFRESH_PER_S = 4
#: Most lines used, however tall the terminal is.
MAX_LINES = 40


class LiveView:
    """Redraws the state of one run on stderr until it is closed; the last picture stays."""

    def __init__(self, runs_dir: Path, console: Console | None = None) -> None:
        self._runs_dir = runs_dir
        self._state: RunState | None = None
        self._console = console or Console(stderr=True)
        self._live = Live(
            console=self._console,
            get_renderable=self._render,
            refresh_per_second=REFRESH_PER_S,
            transient=False,
        )

    def __enter__(self) -> LiveView:
        self._live.start()
        # The cursor stays visible: a process that is killed could not give it back.
        self._console.show_cursor(True)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._live.stop()

    def observe(self, events: Sequence[AnyEvent], state: RunState) -> None:  # noqa: ARG002
        """Show `state` from the next redraw on."""
        self._state = state

    def _render(self) -> RenderableType:
        if self._state is None:
            return Text("starting …")
        # One line stays free for the cursor; a picture that fills the screen would scroll.
        size = Screen(self._console.width, min(MAX_LINES, self._console.height - 1))
        return picture(self._state, Moment(time.time(), self._runs_dir), size)
