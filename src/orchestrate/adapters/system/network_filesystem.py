"""Refusing folders whose locks and memory maps do not hold between machines."""

from __future__ import annotations

import sys
from pathlib import Path

from orchestrate.errors import ConfigurationError

# File system types as statfs(2) numbers them: <linux/magic.h>, and coreutils for those out of tree.
_BY_NUMBER = {
    0x6969: "NFS",
    0x517B: "SMB",
    0xFF534D42: "CIFS",
    0xFE534D42: "SMB",
    0x564C: "NCP",
    0x01021997: "9P (a Windows drive under WSL2 is one)",
    0x00C36400: "Ceph",
    0x5346414F: "AFS",
    0x6B414653: "AFS",
    0x73757245: "Coda",
    0x7461636F: "OCFS2",
    0x01161970: "GFS2",
    0x0BD00BD0: "Lustre",
    0x47504653: "GPFS",
    0x19830326: "BeeGFS",
    0x786F4256: "a VirtualBox shared folder",
}
_FUSE = 0x65735546
# FUSE carries local file systems too, so the name of the program behind it decides.
_FUSE_NETWORK = frozenset(
    {
        "fuse.sshfs",
        "fuse.rclone",
        "fuse.s3fs",
        "fuse.goofys",
        "fuse.gcsfuse",
        "fuse.glusterfs",
        "fuse.ceph",
        "fuse.ceph-fuse",
        "fuse.davfs2",
        "fuse.curlftpfs",
        "fuse.gvfsd-fuse",
        "fuse.moosefs",
        "fuse.juicefs",
        "fuse.vmhgfs-fuse",
        "fuse.grpcfuse",
    }
)


def refuse_network_filesystem(path: Path) -> None:
    """Check that `path`, or its nearest parent that exists, is on a local file system.

    Known types are refused; an unknown one is taken for local. Outside Linux nothing is checked.

    Raises:
        ConfigurationError: it is on a network file system.
    """
    name = network_filesystem(path)
    if name:
        raise ConfigurationError(
            f"{path} is on a network file system: {name}; its locks are not dependable",
            remedy="keep the repository, or XDG_STATE_HOME, on a local disk",
        )


def network_filesystem(path: Path) -> str:
    """What kind of network file system `path` is on; empty when it is local."""
    if sys.platform != "linux":
        return ""
    existing = path.absolute()
    while not existing.exists():
        existing = existing.parent
    number = _type_number(existing)
    if number == _FUSE:
        mounted = Path("/proc/self/mountinfo").read_text(errors="surrogateescape")
        kind = mount_type(mounted, str(existing.resolve()))
        return kind if kind in _FUSE_NETWORK else ""
    return _BY_NUMBER.get(number, "")


def mount_type(mountinfo: str, path: str) -> str:
    """The file system type of the mount `path` is in, from the text of proc_pid_mountinfo(5)."""
    best, kind = "", ""
    for line in mountinfo.splitlines():
        mount, _, source = line.partition(" - ")
        point = mount.split()[4].replace("\\040", " ")
        inside = point == "/" or path == point or path.startswith(f"{point}/")
        # A later line hides an earlier one of the same mount point.
        if inside and len(point) >= len(best):
            best, kind = point, source.split()[0]
    return kind


def _type_number(path: Path) -> int:
    """`f_type` of statfs(2), which Python's `os.statvfs` leaves out; 0 when it fails."""
    import ctypes
    import os

    # The type is the first field, a long; the whole structure is smaller than 512 bytes everywhere.
    buffer = (ctypes.c_long * 64)()
    failed = ctypes.CDLL(None).statfs(os.fsencode(path), buffer)
    return 0 if failed else buffer[0] & 0xFFFFFFFF
