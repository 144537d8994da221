# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Directories for whoever judges them: the whole one, and generated ones with random faults."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, replace

from hypothesis import strategies as st

from ansible_collections.regionjh.halsoval.tests.nation.breakings import (
    BREAKINGS,
    Edit,
    drop,
    put,
    removed,
)
from ansible_collections.regionjh.halsoval.tests.nation.entries import Dump
from ansible_collections.regionjh.halsoval.tests.nation.judge import Asked
from ansible_collections.regionjh.halsoval.tests.nation.whole import (
    ASKED,
    CARE,
    CARE_DN,
    DOCTOR,
    PROVIDER,
    SAMPLE,
    Directory,
    items,
)

__all__ = ["ASKED", "SAMPLE", "Faulty", "asked", "directories", "faulty", "items", "losses"]

# Without them an object may be there again, or be another kind of object.
_KEPT = {"objectClass", "startDate", "endDate"}
# What a slip of a hand or a program leaves in an attribute.
_SLIPS = (
    "", " ", ";", ";;", ";;;", "#", "##", ",", "$", "$$$$$$$", "\\", "+", "@", "03", "23", "2380",
    "Läkare", "a;b", "a;b;c", "1-5#08:00", "1-5#0a:00#25:99", "9-0#99:99#00:00#", "X:,Y:",
    "X:6581164,Y:1630250", "N:6477155,E:536352", "http://", "99999999999999Z", "99991231235959Z",
    "00010101000000Z", "20260301230000Z", "٢٣", "x" * 400, CARE, DOCTOR, PROVIDER, CARE.lower(),
    f"{DOCTOR};;", f"{DOCTOR};20260101000000Z;20251231000000Z", CARE_DN,
)  # fmt: skip


@dataclass(frozen=True)
class Faulty:
    """A directory, and what it was before somebody broke it."""

    whole: Dump
    broken: Dump


def copied(directory: Directory, number: int) -> Directory:
    """Another provider's directory like this one, in the same country, region and branch."""

    def renamed(text: str) -> str:
        text = text.replace("SE2321000214-", f"SE2321000214-{number}")
        return text.replace("Exempelvård AB", f"Exempelvård {number} AB")

    return {
        renamed(dn): {attribute: tuple(map(renamed, values)) for attribute, values in held.items()}
        for dn, held in directory.items()
    }


def drops() -> st.SearchStrategy[Edit]:
    """Taking any attribute from any entry."""
    places = [(dn, each) for dn, held in SAMPLE.items() for each in held if each not in _KEPT]
    return st.sampled_from(places).map(lambda place: drop(*place))


def removals() -> st.SearchStrategy[Edit]:
    """Taking any entry away."""
    return st.sampled_from(list(SAMPLE)).map(removed)


def slips() -> st.SearchStrategy[Edit]:
    """Giving any attribute of any entry other values, in form or not."""
    places = [(dn, attribute) for dn, held in SAMPLE.items() for attribute in held]
    texts = st.sampled_from(_SLIPS) | st.text(max_size=12)
    values = st.lists(texts, max_size=2).map(tuple)
    return st.builds(
        lambda place, values: put(place[0], **{place[1]: values}), st.sampled_from(places), values
    )


def losses() -> st.SearchStrategy[Edit]:
    """Faults that take away and give nothing."""
    return table() | drops() | removals()


def table() -> st.SearchStrategy[Edit]:
    """A breaking of the table."""
    return st.sampled_from(BREAKINGS).map(lambda breaking: breaking.edit)


@st.composite
def faulty(draw: st.DrawFn, faults: st.SearchStrategy[Edit]) -> Faulty:
    """One to three providers, each with some faults."""
    whole: dict[str, Mapping[str, tuple[str, ...]]] = {}
    broken: dict[str, Mapping[str, tuple[str, ...]]] = {}
    for number in range(draw(st.integers(1, 3))):
        directory = SAMPLE
        for edit in draw(st.lists(faults, max_size=6)):
            directory = edit(directory)
        whole |= copied(SAMPLE, number)
        broken |= copied(directory, number)
    return Faulty(items(whole), tuple(draw(st.permutations(items(broken)))))


def directories() -> st.SearchStrategy[Dump]:
    """Directories with random faults of all kinds, composed, in any order."""
    return faulty(losses() | slips()).map(lambda found: found.broken)


def asked() -> st.SearchStrategy[Asked]:
    """What a caller may ask, in each reading of the page."""
    return st.builds(
        lambda day, hyphen, dated, feigned: replace(
            ASKED, day=day, hyphen=hyphen, dated_members=dated, feigned=feigned
        ),
        st.dates(dt.date(2025, 12, 1), dt.date(2031, 2, 1)),
        st.booleans(),
        st.booleans(),
        st.booleans(),
    )
