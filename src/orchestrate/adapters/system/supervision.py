"""One attempt, seen from its supervisor process: start, watch, stop, record."""

from __future__ import annotations

import json
import os
import select
import signal
import sys
import time

from orchestrate.adapters.system import containment
from orchestrate.adapters.system.durable_file import write_durably
from orchestrate.adapters.system.output_logs import OutputLogs
from orchestrate.adapters.system.process_table import descendants, kill, send

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from orchestrate.adapters.system.process_table import Process

OUTCOME_FILE = "outcome.json"
#: After this long of SIGKILL without effect (a process stuck in the kernel), give up and say so.
GIVE_UP_S = 30.0
READ_BYTES = 1 << 16


class Supervision:
    """One attempt, from start to outcome.

    Deadlines are on the monotonic clock, which stands still while the machine is suspended, as the
    command does: closing the lid of a laptop does not use up the time of an attempt.
    """

    def __init__(self, request: dict[str, Any]) -> None:
        self.request = request
        self.started_at = time.time()
        self.start = time.monotonic()
        self.deadline = self.start + request["timeout_s"]
        self.give_up_at = float("inf")
        self.truncate = request["on_output_limit"] == "truncate"
        self.logs = OutputLogs(
            request["folder"], request["max_output_bytes"], self.truncate, request["secrets"]
        )
        self.poll = select.poll()
        self.reports = self.driver = -1
        self.keeper = -1  # its process number, while there is one to wait for
        self.command = -1  # numbered as the keeper sees it: differently inside a namespace
        self.status: int | None = None
        self.refused = self.error = self.stopped = self.network = ""
        self.refused_connections: int | None = None
        self.killed: set[tuple[int, int]] = set()
        self.killed_command = False

    def run(self, cancelled: bool) -> None:
        """Run the command to its end and write the outcome, unless `refused` is set."""
        if cancelled:
            self.stopped, self.error = "cancelled", "cancelled before the command was started"
        elif not self._watch_driver():
            self.stopped = "driver_gone"
            self.error = "the driver ended before the command was started"
        else:
            try:
                self._start()
            except containment.RefusedError as error:
                self.refused = str(error)
            except OSError as error:
                self.error = f"cannot be supervised: {error}"
        while self.keeper > 0 and not self.gave_up:
            self._step()
        if not self.gave_up:
            self._kill_orphans()
        self.logs.finish()
        if not self.refused:
            self._write_outcome()

    @property
    def gave_up(self) -> bool:
        """Whether something could not be killed for so long that waiting on makes no sense."""
        return time.monotonic() > self.give_up_at

    def _watch_driver(self) -> bool:
        """Watch the life line and the driver itself; False when it is gone already."""
        self.poll.register(0, select.POLLIN)
        try:
            if hasattr(os, "pidfd_open"):
                # A child that the driver forked may hold the life line open after its death.
                self.driver = os.pidfd_open(self.request["driver"])
                self.poll.register(self.driver, select.POLLIN)
        except ProcessLookupError:
            return False
        return os.getppid() == int(self.request["driver"])

    def _start(self) -> None:
        umask = os.umask(0o077)
        request = self.request
        command = containment.Command(request, umask)
        command.stdin = self._file_with(request["stdin"])
        stdout, command.stdout = self.logs.open("stdout.log")
        stderr, command.stderr = self.logs.open("stderr.log")
        self.reports, report = os.pipe()
        # Held open here and nowhere else: the keeper sees it close when this process dies.
        keeper_end, alive = os.pipe()
        if request["containment"] == containment.PID_NAMESPACE:
            containment.enter_pid_namespace()
        if request["containment"] != containment.PROCESS_GROUP:
            containment.become_subreaper()
        for descriptor in (self.reports, stdout, stderr):
            self.poll.register(descriptor, select.POLLIN)
        self.keeper = os.fork()
        if self.keeper == 0:
            try:
                for descriptor in (0, alive, self.reports, *self.logs.descriptors):
                    os.close(descriptor)
                os.open(os.devnull, os.O_RDONLY)  # takes the place of descriptor 0
                containment.keep(command, request["containment"], report, keeper_end)
            except BaseException:
                sys.excepthook(*sys.exc_info())
            finally:
                os._exit(70)
        for descriptor in (command.stdin, command.stdout, command.stderr, report, keeper_end):
            os.close(descriptor)

    def _file_with(self, text: str) -> int:
        """A nameless file with `text` as standard input; nobody has to feed it, unlike a pipe."""
        if not text:
            return os.open(os.devnull, os.O_RDONLY)
        path = f"{self.request['folder']}/stdin.new"
        with open(path, "wb") as file:
            file.write(text.encode(errors="surrogateescape"))
        descriptor = os.open(path, os.O_RDONLY)
        os.unlink(path)  # noqa: PTH108
        return descriptor

    def _step(self) -> None:
        wait_ms = 1000 * (self.deadline - time.monotonic())
        ready = [descriptor for descriptor, _ in self.poll.poll(min(max(wait_ms, 0), 3_600_000))]
        # Reports first: a command that has ended by itself was not stopped by what came after.
        if self.reports in ready:
            self._read_reports()
        for descriptor in ready:
            if descriptor in self.logs:
                self._read_output(descriptor)
            elif descriptor == 0 and os.read(0, READ_BYTES):
                self._stop("cancelled")
            elif descriptor in (0, self.driver):
                self.poll.unregister(descriptor)
                self._stop("driver_gone")
        if time.monotonic() >= self.deadline:
            if self.stopped or self.status is not None or self.error:
                self._kill()
            else:
                self._stop("timeout")

    def _read_reports(self) -> None:
        data = os.read(self.reports, READ_BYTES)
        for line in data.decode(errors="replace").splitlines():
            word, _, rest = line.partition(" ")
            if word == "refused":
                self.refused = rest
            elif word == "error":
                self.error = rest
            elif word == "network":
                self.network = rest
            elif word == "connections":
                self.refused_connections = int(rest)
            elif word == "started":
                self.command = int(rest)
                if self.stopped:
                    self._ask_to_end()
            elif word == "ended":
                status, remaining = rest.split()
                self.status = int(status)
                if remaining == "1" and not self.stopped:
                    self._kill()
        if not data:
            self.poll.unregister(self.reports)
            self._collect_keeper()

    def _collect_keeper(self) -> None:
        """The keeper has ended: nothing is left, unless it was killed by somebody."""
        limit = min(self.give_up_at, time.monotonic() + GIVE_UP_S)
        while os.waitpid(self.keeper, os.WNOHANG)[0] == 0:
            if time.monotonic() > limit:
                self.give_up_at = limit
                return
            time.sleep(0.001)
        self.keeper = -1

    def _read_output(self, pipe: int) -> None:
        if not self.logs.read(pipe):
            self.poll.unregister(pipe)
        elif self.logs.problem and not self.error:
            self.error = self.logs.problem
            self._kill()
        elif self.logs.exceeded and not self.truncate:
            self._stop("output_limit")

    def _stop(self, reason: str) -> None:
        """Ask everything to end, and allow `grace_s` for it."""
        if self.keeper > 0 and self.status is None and not (self.stopped or self.error):
            self.stopped = reason
            self.deadline = time.monotonic() + self.request["grace_s"]
            self._ask_to_end()

    def _ask_to_end(self) -> None:
        for process in descendants(self.keeper):
            send(process, signal.SIGTERM)
            send(process, signal.SIGCONT)  # a stopped process would not notice

    def _kill(self) -> None:
        """Kill all that is left below the keeper. Called again and again until it has gone."""
        if self.keeper < 0:
            return
        now = time.monotonic()
        self.give_up_at = min(self.give_up_at, now + GIVE_UP_S)
        self.deadline = now + containment.KILL_INTERVAL_S
        below = descendants(self.keeper)
        self._count_killed(below)
        self._count_connections()
        if self.request["containment"] == containment.PID_NAMESPACE:
            os.kill(self.keeper, signal.SIGKILL)  # and the kernel kills the rest
            return
        kill(below)
        self._kill_group()

    def _count_killed(self, processes: list[Process]) -> None:
        alive = {process.identity for process in processes if not process.dead}
        if alive and not self.killed:
            self.killed_command = self.status is None
        self.killed |= alive

    def _count_connections(self) -> None:
        """Look at the network namespace from outside: a keeper about to be killed cannot tell."""
        if self.network == containment.LOOPBACK_ONLY:
            from orchestrate.adapters.system.network_isolation import refused_connections

            counted = refused_connections(str(self.keeper))
            if counted is not None:
                self.refused_connections = counted

    def _kill_group(self) -> None:
        if self.request["containment"] == containment.PROCESS_GROUP and self.command > 0:
            try:  # noqa: SIM105 - contextlib is one more import
                os.killpg(self.command, signal.SIGKILL)
            except OSError:
                pass  # the group is empty

    def _kill_orphans(self) -> None:
        """Kill what came to this process because the keeper had been killed by somebody."""
        if self.status is None:
            self._kill_group()
        self.give_up_at = time.monotonic() + GIVE_UP_S
        while not self.gave_up:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == self.command and self.request["containment"] != containment.PID_NAMESPACE:
                self.status = status
            if pid == 0:
                below = descendants(os.getpid())
                self._count_killed(below)
                kill(below)
                time.sleep(containment.KILL_INTERVAL_S)

    def _write_outcome(self) -> None:
        outcome: dict[str, Any] = {
            "token": self.request["token"],
            "stopped": self.stopped,
            "error": self.error,
            "started_at": self.started_at,
            "duration_s": time.monotonic() - self.start,
            "output_bytes": self.logs.kept,
            "dropped_bytes": self.logs.dropped,
            "survivors": len(self.killed) - self.killed_command,
            "containment": self.request["containment"],
            "network": self.network,
            "refused_connections": self.refused_connections,
        }
        if self.status is None and self.command < 0 and not outcome["error"]:
            outcome["error"] = "the keeper was killed before it could tell that the command started"
        if self.gave_up:
            outcome["error"] = f"processes of it survive SIGKILL for {GIVE_UP_S:.0f} s"
        if not outcome["error"]:
            # Without a report the keeper was killed, and the kernel killed the command with it.
            code = -signal.SIGKILL
            if self.status is not None:
                code = os.waitstatus_to_exitcode(self.status)
            outcome["signal" if code < 0 else "exit_code"] = abs(code)
        data = json.dumps(outcome).encode()
        write_durably(f"{self.request['folder']}/{OUTCOME_FILE}", data)
