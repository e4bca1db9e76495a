"""What keeps a process tree together, and the keeper that stands between it and the supervisor.

Three levels, strongest first:

- `pid-namespace`: the keeper is process 1 of its own PID namespace. When it dies, for whatever
  reason, the kernel kills everything inside; and it dies with the supervisor (PR_SET_PDEATHSIG).
- `subreaper`: orphans are adopted by the keeper, or by the supervisor if the keeper is gone
  (PR_SET_CHILD_SUBREAPER), so a walk over the process table finds them. Each of the two cleans up
  when the other is killed.
- `process-group`: neither is available (macOS); descendants and the process group are killed.

Imported by the supervisor process: standard library only, and as little of it as possible.
Constants are from <linux/sched.h>, <linux/prctl.h> and <sys/mount.h>.
"""

from __future__ import annotations

import os
import select
import signal
import sys
import time

from orchestrate.adapters.system.process_table import descendants, kill

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

PID_NAMESPACE = "pid-namespace"
SUBREAPER = "subreaper"
PROCESS_GROUP = "process-group"

#: What a process that is to run without a network got.
LOOPBACK_ONLY = "loopback only"
NOT_RESTRICTED = "not restricted"

CLONE_NEWNS = 0x00020000
CLONE_NEWUSER = 0x10000000
CLONE_NEWPID = 0x20000000
PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36
MS_NOSUID, MS_NODEV, MS_NOEXEC = 2, 4, 8
MS_REC, MS_SLAVE = 0x4000, 1 << 19

#: How long between two walks over the process table while something still has to die.
KILL_INTERVAL_S = 0.005


class RefusedError(Exception):
    """The kernel, or a policy in front of it, does not allow this level of containment."""


class Command:
    """What the keeper starts, with the descriptors it becomes.

    Without `network` it gets a loopback only, where that is possible. `max_file_bytes` is the size
    no file it writes may exceed, None for any.
    """

    __slots__ = (
        "argv",
        "cwd",
        "env",
        "max_file_bytes",
        "network",
        "stderr",
        "stdin",
        "stdout",
        "umask",
    )

    def __init__(self, request: dict[str, Any], umask: int) -> None:
        self.argv: list[str] = request["argv"]
        self.cwd: str = request["cwd"]
        self.env: dict[str, str] = request["env"]
        self.network: bool = request["network"]
        self.max_file_bytes: int | None = request["max_file_bytes"]
        self.umask = umask
        self.stdin = self.stdout = self.stderr = -1


def become_subreaper() -> None:
    """Adopt orphaned descendants from now on, instead of the system's process 1."""
    call("prctl", PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def enter_pid_namespace() -> None:
    """Make the next child of this process number 1 of a new PID namespace.

    Without the privilege for that, a user namespace is created around it, in which this user and
    group are mapped to themselves and nothing else is.

    Raises:
        RefusedError: neither is allowed.
    """
    user, group = os.geteuid(), os.getegid()
    try:
        call("unshare", CLONE_NEWPID)
    except RefusedError:
        call("unshare", CLONE_NEWUSER | CLONE_NEWPID)
        map_user(user, group)


def map_user(user: int, group: int) -> None:
    """In a user namespace just entered: be who one was, with privileges in here only.

    Raises:
        RefusedError: this is not allowed.
    """
    try:
        _write("/proc/self/setgroups", "deny")  # required before an unprivileged gid_map
        _write("/proc/self/uid_map", f"{user} {user} 1")
        _write("/proc/self/gid_map", f"{group} {group} 1")
    except OSError as error:
        raise RefusedError(f"user namespace: {error}") from error


def mount_own_proc() -> None:
    """As process 1 of a namespace: mount a /proc that shows it, seen from inside only.

    Without this, process numbers in /proc and those of the namespace disagree, and `pkill` inside
    would signal whatever happens to have the same number.
    """
    call("unshare", CLONE_NEWNS)
    call("mount", None, b"/", None, MS_REC | MS_SLAVE, None)
    call("mount", b"proc", b"/proc", b"proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, None)


def refusal() -> str:
    """Why a PID namespace cannot be had here; empty when it can. Spoils the calling process."""
    if sys.platform != "linux":
        return "PID namespaces exist on Linux only"
    try:
        enter_pid_namespace()
    except RefusedError as error:
        return str(error)
    answer, question = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            mount_own_proc()
        except RefusedError as error:
            os.write(question, str(error).encode())
        finally:
            os._exit(0)
    os.close(question)
    os.waitpid(child, 0)
    return os.read(answer, 4096).decode()


def keep(command: Command, containment: str, report: int, supervisor_alive: int) -> None:
    """Be the keeper: start the command, reap whatever dies, end when nothing is left. No return.

    Writes lines to `report`: `refused REASON`, `network RESTRICTION`, `started PID`,
    `error REASON`, and `ended WAIT_STATUS REMAINING` once the command itself has ended
    (`REMAINING` is 1 when processes it started are still there), before which `connections NUMBER`
    comes when the network is restricted. `supervisor_alive` is a pipe nobody writes to, whose other
    end closes with the supervisor.
    """
    wake, wake_up = os.pipe()
    os.set_blocking(wake_up, False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(wake_up, warn_on_full_buffer=False)
    # Held back over the fork, so that a stop that comes before exec is not lost.
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
    poll = select.poll()
    poll.register(supervisor_alive, select.POLLIN)
    try:
        if containment == PID_NAMESPACE:
            call("prctl", PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
            mount_own_proc()
        elif containment == SUBREAPER:
            become_subreaper()
    except RefusedError as error:
        _report(report, f"refused {error}")
        os._exit(0)
    if poll.poll(0):  # it died before PR_SET_PDEATHSIG took effect
        os._exit(0)
    restricted = not command.network and _leave_network(report)
    child = os.fork()
    if child == 0:
        _become(command, report)
    for descriptor in {command.stdin, command.stdout, command.stderr}:
        os.close(descriptor)
    _report(report, f"started {child}")
    poll.register(wake, select.POLLIN)
    while True:
        _reap(child, report, restricted)
        if any(ready == supervisor_alive for ready, _ in poll.poll()):
            _clean_up_alone()
        else:
            os.read(wake, 4096)


def _leave_network(report: int) -> bool:
    """Go without a network if possible, and report whether that is so."""
    from orchestrate.adapters.system.network_isolation import leave_network

    try:
        leave_network()
    except (RefusedError, OSError) as error:
        _report(report, f"network {NOT_RESTRICTED}: {error}")
        return False
    _report(report, f"network {LOOPBACK_ONLY}")
    return True


def _reap(command: int, report: int, restricted: bool) -> None:
    """Collect everything that has ended; leave when there is no child any more."""
    status: int | None = None
    try:
        while True:
            pid, code = os.waitpid(-1, os.WNOHANG)
            if pid == command:
                status = code
            if pid == 0:
                break
    except ChildProcessError:
        if status is not None:
            _report_end(report, status, 0, restricted)
        os._exit(0)
    if status is not None:
        _report_end(report, status, 1, restricted)


def _report_end(report: int, status: int, remaining: int, restricted: bool) -> None:
    if restricted:
        from orchestrate.adapters.system.network_isolation import refused_connections

        number = refused_connections()
        if number is not None:
            _report(report, f"connections {number}")
    _report(report, f"ended {status} {remaining}")


def _clean_up_alone() -> None:
    """The supervisor was killed: kill everything below, then end. (A namespace needs no help.)"""
    while True:
        kill(descendants(os.getpid()))
        try:
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        except ChildProcessError:
            os._exit(0)
        time.sleep(KILL_INTERVAL_S)


def _become(command: Command, report: int) -> None:
    """In the new child: turn into the command. No return.

    Every other descriptor closes by itself at exec: Python opens them all non-inheritable.
    """
    problem = f"the working folder {command.cwd!r} cannot be entered"
    try:
        os.setsid()
        for target, source in enumerate((command.stdin, command.stdout, command.stderr)):
            os.dup2(source, target)
        os.umask(command.umask)
        os.chdir(command.cwd)
        program = command.argv[0] if command.argv else ""
        problem = f"{program!r} cannot be started"
        for number in range(1, signal.NSIG):
            if number not in (signal.SIGKILL, signal.SIGSTOP) and signal.getsignal(number):
                signal.signal(number, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_SETMASK, [])
        if command.max_file_bytes is not None:
            problem = "the limit on file sizes cannot be set"
            limit_file_size(command.max_file_bytes)
        problem = f"{program!r} cannot be started"
        os.execvpe(program, command.argv, command.env)  # noqa: S606 - no shell wanted
    except Exception as error:
        reason = getattr(error, "strerror", None) or str(error)
        _report(report, f"error {problem}: {reason}")
    finally:
        os._exit(127)


def limit_file_size(size_bytes: int) -> None:
    """Let no file this process writes, or what it starts, grow beyond `size_bytes`."""
    import resource

    hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
    if hard != resource.RLIM_INFINITY:
        size_bytes = min(size_bytes, hard)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size_bytes, size_bytes))


def _report(descriptor: int, line: str) -> None:
    # Short enough for the pipe to take it in one piece.
    data = line.replace("\n", " ").encode(errors="backslashreplace")[:2000]
    try:  # noqa: SIM105 - contextlib is one more import
        os.write(descriptor, data + b"\n")
    except BrokenPipeError:
        pass  # the supervisor is gone, and with it whoever would listen


def _write(path: str, text: str) -> None:
    with open(path, "w") as file:
        file.write(text)


def call(function: str, *arguments: int | bytes | None) -> None:
    """Call `function` of the C library, which answers 0 when it did what was asked.

    Raises:
        RefusedError: it answered something else, or does not exist.
    """
    import ctypes

    # Unsigned long is what prctl and mount take; plain ints would be passed as 32 bits.
    converted = [ctypes.c_ulong(a) if isinstance(a, int) else ctypes.c_char_p(a) for a in arguments]
    library = ctypes.CDLL(None, use_errno=True)
    if not hasattr(library, function):
        raise RefusedError(f"{function}: this system does not have it")
    if getattr(library, function)(*converted) != 0:
        raise RefusedError(f"{function}: {os.strerror(ctypes.get_errno())}")
