# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whatever comes and goes: no pool is overdrawn, and no CAL is on two holders at once."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable

from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.regionjh.halsoval.plugins.module_utils.desired.licences.holdings import Cal
from ansible_collections.regionjh.halsoval.plugins.module_utils.desired.licences.pools import (
    allocate,
)
from ansible_collections.regionjh.halsoval.plugins.module_utils.desired.licences.rules import Rules
from ansible_collections.regionjh.halsoval.tests.unit.builders import (
    TODAY,
    approved,
    record,
    workstation,
)

POOL = 6
NAMES = [f"PC-{n}" for n in range(8)]
# Of each day: how many days after the one before, and whose the workstations are, if anybody's.
days = st.lists(
    st.tuples(
        st.integers(1, 60),
        st.dictionaries(st.sampled_from(NAMES), st.sampled_from(["alfa", "beta"])),
        st.frozensets(st.sampled_from(NAMES), max_size=2),
    ),
    max_size=8,
)


def records(owners: dict[str, str], absent: frozenset[str]) -> Iterable[object]:
    for provider in ("alfa", "beta"):
        rows = [
            workstation(name, **({"licences_free": "absent"} if name in absent else {}))
            for name, owner in owners.items()
            if owner == provider
        ]
        yield record(provider, workstations=rows, workstation_groups=2)


@given(days)
def test_pool_is_never_overdrawn_and_no_licence_is_on_two(
    history: list[tuple[int, dict[str, str], frozenset[str]]],
) -> None:
    cals: dict[str, Cal] = {}
    day = TODAY
    for later, owners, absent in history:
        day += dt.timedelta(days=later)
        everything = approved(*records(owners, absent))  # type: ignore[arg-type]
        before = cals
        outcome = allocate(everything, day, Rules({"rds": POOL}), before.values())
        cals = dict(outcome.cals)
        taken = [cal for cal in cals.values() if cal.is_taken(day)]
        assert len(taken) <= POOL
        assert len({cal.number for cal in taken}) == len(taken)
        assert all(1 <= cal.number <= POOL for cal in cals.values())
        for provider in ("alfa", "beta"):
            theirs = {n for n, owner in owners.items() if owner == provider} - absent
            have = {c.object for c in cals.values() if c.is_assigned and c.provider == provider}
            assert provider in outcome.short or have == theirs
            assert have <= theirs
        for cal in cals.values():
            old = before.get(cal.key)
            is_new = cal.is_assigned and (old is None or not old.is_assigned)
            waits = [
                c for c in before.values()
                if c.is_taken(day) and not c.is_assigned and c.object not in absent
            ]  # fmt: skip
            assert not is_new or all(c.number != cal.number for c in waits if c.key != cal.key)
        again = allocate(everything, day, Rules({"rds": POOL}), cals.values())
        assert (again.cals, again.short.keys()) == (cals, outcome.short.keys())
