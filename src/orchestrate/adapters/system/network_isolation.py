"""A network namespace with a loopback and nothing else, and what was tried to leave it.

What the kernel counts there was measured on Linux 6.18, with IPv4 and IPv6 alike: `connect` of TCP
(blocking or not), `connect` and `sendto` of UDP, broadcast and multicast all fail with ENETUNREACH
and add one to OutNoRoutes each; a name looked up by the C library adds one for each query it could
not send. Traffic on the loopback adds nothing. A raw socket is refused without being counted. Where
/etc/resolv.conf names a resolver on the loopback, its queries arrive at a port nobody listens on
and are found in NoPorts instead, so that is added there, and only there: a datagram to a closed
port of one's own is otherwise nothing remarkable.

Reached only when a process is to run without a network; standard library only.
Constants are from <linux/sched.h>, <linux/sockios.h> and <linux/if.h>.
"""

from __future__ import annotations

import os

from orchestrate.adapters.system.containment import RefusedError, call, map_user

CLONE_NEWNET = 0x40000000
CLONE_NEWUSER = 0x10000000
SIOCGIFFLAGS, SIOCSIFFLAGS = 0x8913, 0x8914
IFF_UP = 1

#: Names in /proc/net/snmp6, which start with the protocol, and the same for /proc/net/snmp.
_NO_ROUTE = ("Ip.OutNoRoutes", "Ip6OutNoRoutes")
_NO_PORT = ("Udp.NoPorts", "Udp6NoPorts")


def leave_network() -> None:
    """Put this process, and what it starts, into a network namespace of its own.

    Tried in a child first: where a policy grants the namespace and then forbids to bring up its
    loopback there is no way back out of it.

    Raises:
        RefusedError: this is not allowed here, and nothing has changed.
    """
    answer, question = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            _enter()
        except (RefusedError, OSError) as error:
            os.write(question, str(error).encode()[:2000])
        finally:
            os._exit(0)
    os.close(question)
    os.waitpid(child, 0)
    problem = os.read(answer, 4096).decode()
    os.close(answer)
    if problem:
        raise RefusedError(problem)
    _enter()


def refused_connections(process: str = "self") -> int | None:
    """How often something in the network namespace of `process` tried to leave it.

    `process` is a number or `self`. None when that cannot be told.
    """
    try:
        counters = _counters(process)
    except (OSError, ValueError):
        return None
    names = _NO_ROUTE + (_NO_PORT if _resolver_is_local() else ())
    return sum(counters.get(name, 0) for name in names)


def _enter() -> None:
    user, group = os.geteuid(), os.getegid()
    try:
        call("unshare", CLONE_NEWNET)
    except RefusedError:
        call("unshare", CLONE_NEWUSER | CLONE_NEWNET)
        map_user(user, group)
    _bring_up_loopback()


def _bring_up_loopback() -> None:
    import fcntl
    import socket
    import struct

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as handle:
        request = struct.pack("16sh22x", b"lo", 0)
        flags = struct.unpack("16sh22x", fcntl.ioctl(handle, SIOCGIFFLAGS, request))[1]
        fcntl.ioctl(handle, SIOCSIFFLAGS, struct.pack("16sh22x", b"lo", flags | IFF_UP))


def _counters(process: str) -> dict[str, int]:
    """Counter -> value, for example `Ip.OutNoRoutes` and `Ip6OutNoRoutes`."""
    found: dict[str, int] = {}
    with open(f"/proc/{process}/net/snmp") as file:
        lines = file.read().splitlines()
    # Pairs of lines: names, then values, both after the protocol.
    for names, values in zip(lines[::2], lines[1::2], strict=True):
        protocol, _, rest = names.partition(":")
        numbers = values.partition(":")[2].split()
        for name, number in zip(rest.split(), numbers, strict=True):
            found[f"{protocol}.{name}"] = int(number)
    try:
        with open(f"/proc/{process}/net/snmp6") as file:
            found.update((name, int(number)) for name, number in map(str.split, file))
    except FileNotFoundError:
        pass  # a kernel without IPv6
    return found


def _resolver_is_local() -> bool:
    try:
        with open("/etc/resolv.conf", errors="replace") as file:
            lines = [line.split() for line in file]
    except OSError:
        return True  # the C library then asks the loopback
    servers = [line[1] for line in lines if len(line) > 1 and line[0] == "nameserver"]
    return not servers or any(name.startswith("127.") or name == "::1" for name in servers)
