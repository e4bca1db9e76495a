"""What the simulated world does for the integration line: merging, lists, snapshots, publishing.

Theory of operation
-------------------
An errand is started by the host, takes its time and reports. Only one of a name is under way at a
time, and all of them end with the life of the host that started them; whatever they had done and
not reported is owed still, and done again. That is safe because what they make is named by what it
is made from: merging the same work into the same line gives the same commit.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from random import Random

from orchestrate.core.ids import AttemptKey
from orchestrate.core.planning.definition import TaskSpec
from orchestrate.core.running import commands as cmd
from orchestrate.core.running import effects as fx
from orchestrate.core.sharing.work import Conflict, Work
from orchestrate.hosts.simulator.behaviour import Joining
from orchestrate.hosts.simulator.world import World

#: How long publishing takes, in seconds.
_PUBLISH_S = 1.0

#: One piece of work of a train: its attempt, its task, and the work itself.
Wagon = tuple[AttemptKey, TaskSpec, Work]


class Errands:
    """The errands of one life of a host."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._life = world.life
        self._under_way: set[str] = set()

    def _start(self, name: str, delay_s: float, finish: Callable[[], None]) -> bool:
        if name in self._under_way:
            return False
        self._under_way.add(name)
        self._world.point()
        self._world.after(delay_s, partial(self._end, name, finish))
        return True

    def _end(self, name: str, finish: Callable[[], None]) -> None:
        if self._world.is_alive(self._life):
            self._world.point()
            self._under_way.discard(name)
            finish()

    # -- the merge train -----------------------------------------------------------------------

    def merge(self, line: str, works: tuple[Wagon, ...]) -> None:
        """Merge `works` into `line` one after another, each into what the one before made of it."""
        if works and "train" not in self._under_way:
            joining = self._joining(line, works[0])
            self._start("train", joining.duration_s, partial(self._merged, line, works, joining))

    def _joining(self, line: str, wagon: Wagon) -> Joining:
        key, task, work = wagon
        random = Random(f"{self._world.seed}:join:{key}:{work.commit}")  # noqa: S311
        found = self._world.behaviour.join(task, key.number, random)
        if found.ends == "conflict" and work.base == line:
            # Somebody made it from this very line.
            return Joining(found.duration_s)
        return found

    def _merged(self, line: str, works: tuple[Wagon, ...], joining: Joining) -> None:
        key, _, work = works[0]
        report, line = outcome_of(key, work, line, joining)
        self._world.report(report)
        # The rest goes on although the host may have died, or gone elsewhere, in between.
        self.merge(line, works[1:])

    # -- everything else -----------------------------------------------------------------------

    def read_list(self, group: TaskSpec) -> None:
        """Read the list a group is over."""
        random = Random(f"{self._world.seed}:list:{group.id}")  # noqa: S311
        found = self._world.behaviour.listing(group, random)
        command = cmd.ExpandGroup(task=group.id, items=found.items, problem=found.problem)
        self._start(f"list {group.id}", found.after_s, partial(self._world.report, command))

    def checkpoint(self, effect: fx.TakeCheckpoint) -> None:
        """Snapshot workspaces one after another, and mark the ends of phases."""
        snapshots: dict[str, str] = {}
        missing: dict[str, str] = {}
        took_s = 0.0
        for key in effect.attempts:
            random = Random(f"{self._world.seed}:{effect.checkpoint}:{key}")  # noqa: S311
            seconds = self._world.behaviour.snapshot_s(random)
            if seconds is None:
                missing[key.folder] = "simulated: too large"
            else:
                took_s += seconds
                snapshots[key.folder] = f"{effect.checkpoint}:{key.folder}"
        command = cmd.RecordCheckpoint(
            kind=effect.kind,
            checkpoint=effect.checkpoint,
            line=effect.line,
            mark=f"{effect.line}|{','.join(effect.mark)}" if effect.mark else "",
            snapshots=snapshots,
            missing=missing,
            note=effect.note,
            by=effect.by,
        )
        self._start("checkpoint", took_s, partial(self._world.report, command))

    def publish(self, line: str) -> None:
        """Give the line to the user."""
        command = cmd.RecordPublication(branch="orchestrate/simulated", commit=line)
        self._start("publication", _PUBLISH_S, partial(self._world.report, command))


def outcome_of(
    key: AttemptKey, work: Work, line: str, joining: Joining
) -> tuple[cmd.AcceptWork | cmd.ReturnWork | cmd.ReportConflict, str]:
    """The report of merging `work` into `line`, and where the line is then."""
    about = {"task": key.task, "number": key.number, "line": line, "work": work.commit}
    match joining.ends:
        case "merged" | "unverified":
            commit = f"{line}+{work.commit}"
            verified = joining.ends == "merged"
            return cmd.AcceptWork(**about, commit=commit, verified=verified), commit  # type: ignore[arg-type]
        case "conflict":
            conflicts = (Conflict("src/simulated.py"),)
            return cmd.ReportConflict(**about, conflicts=conflicts), line  # type: ignore[arg-type]
    return (
        cmd.ReturnWork(**about, cause=joining.ends, message="simulated"),  # type: ignore[arg-type]
        line,
    )
