# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether anybody else could have written a file, as ssh asks it of its keys.

Whoever writes a record opens access to patient data. Parents of the record directory are not looked
at, nor access control lists.
"""

from __future__ import annotations

import grp
import os
import pwd
import stat
from functools import cache

_KINDS = {
    stat.S_IFLNK: "a symbolic link",
    stat.S_IFIFO: "a FIFO",
    stat.S_IFSOCK: "a socket",
    stat.S_IFDIR: "a directory",
    stat.S_IFBLK: "a device",
    stat.S_IFCHR: "a device",
}


def kind(status: os.stat_result) -> str:
    """What something is that is no regular file; "" of one."""
    return _KINDS.get(stat.S_IFMT(status.st_mode), "")


def distrust(status: os.stat_result) -> str:
    """Why somebody else may have written something, as what was expected; "" where nobody could."""
    if status.st_uid not in (0, os.geteuid()):
        return "expected an owner who is root or the user of the run (chown)"
    if status.st_mode & stat.S_IWOTH:
        return "expected that nobody but its owner may write (chmod o-w)"
    if status.st_mode & stat.S_IWGRP and not _is_own_group(status.st_uid, status.st_gid):
        return "expected that nobody but its owner may write (chmod g-w)"
    return ""


@cache
def _is_own_group(user: int, group: int) -> bool:
    """Whether a group is the one that Debian gives each user of their own.

    With it goes the umask 002, with which git checks files out for the group to write.
    """
    try:
        owner, theirs = pwd.getpwuid(user), grp.getgrgid(group)
    except KeyError:
        return False
    return theirs.gr_name == owner.pw_name and not {*theirs.gr_mem} - {owner.pw_name}
