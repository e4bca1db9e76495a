"""Local disks are accepted, network file systems are recognised."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestrate.adapters.system.network_filesystem import (
    mount_type,
    network_filesystem,
    refuse_network_filesystem,
)

MOUNTS = """\
22 1 254:1 / / rw,relatime shared:1 - ext4 /dev/vda1 rw
30 22 0:25 / /proc rw shared:5 - proc proc rw
41 22 0:39 / /home/me/far rw,nosuid shared:9 - fuse.sshfs host:/srv rw,user_id=1000
42 41 0:40 / /home/me/far/near rw shared:10 - ext4 /dev/vdb rw
43 22 0:41 / /mnt/my\\040disk rw - fuseblk /dev/sdc1 rw
44 22 0:42 / /mnt/twice rw - ext4 /dev/sdd rw
45 22 0:43 / /mnt/twice rw - nfs4 server:/x rw
"""


def test_this_machines_temporary_folder_is_accepted(tmp_path: Path) -> None:
    refuse_network_filesystem(tmp_path)
    refuse_network_filesystem(tmp_path / "not" / "there" / "yet")


def test_a_file_system_that_is_no_disk_at_all_is_still_read_correctly() -> None:
    assert network_filesystem(Path("/proc/self")) == ""


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/home/me", "ext4"),
        ("/home/me/far", "fuse.sshfs"),
        ("/home/me/far/deep/down", "fuse.sshfs"),
        ("/home/me/far/near/x", "ext4"),
        ("/home/me/farther", "ext4"),
        ("/mnt/my disk/x", "fuseblk"),
        ("/mnt/twice/x", "nfs4"),
    ],
)
def test_the_innermost_and_latest_mount_decides(path: str, kind: str) -> None:
    assert mount_type(MOUNTS, path) == kind


def test_the_mounts_of_this_machine_can_be_read() -> None:
    assert mount_type(Path("/proc/self/mountinfo").read_text(), "/proc/self") == "proc"
