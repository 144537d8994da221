# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How many client access licences (CAL) there are, and what they are counted by: configuration."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Kind = Literal["windows", "rds"]
KINDS: tuple[Kind, ...] = ("windows", "rds")
WORDS = {"windows": "Windows", "rds": "RDS"}

# A CAL goes to another holder so long after the last day of the one before (Microsoft's Product
# Terms, "License Reassignment"), unless that one failed for good or is absent for a time.
REASSIGNABLE = dt.timedelta(days=90)


@dataclass(frozen=True)
class Rules:
    """The sizes of the pools by kind; a kind without a pool is not kept.

    `rds_per` says what RDS CALs are for. Windows CALs are always for devices. Raises ValueError.
    """

    pools: Mapping[str, int]
    rds_per: Literal["device", "user"] = "device"

    def __post_init__(self) -> None:
        for kind, size in self.pools.items():
            if kind not in KINDS:
                raise ValueError(f"expected the pools windows and rds, not {kind}")
            if not isinstance(size, int) or isinstance(size, bool) or size < 0:
                raise ValueError(f"expected the size of the pool {kind} as a number from 0 on")

    @property
    def of_devices(self) -> tuple[str, ...]:
        """The kinds that each workstation takes one of."""
        return tuple(k for k in self.pools if k != "rds" or self.rds_per == "device")

    @property
    def of_users(self) -> tuple[str, ...]:
        """The kinds that each user takes one of."""
        return tuple(kind for kind in self.pools if kind not in self.of_devices)
