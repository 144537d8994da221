# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sentences that name many things: a person can take in the first of them, and their number."""

from __future__ import annotations

from collections.abc import Sequence

NAMED = 20


def some_of(texts: Sequence[str], mark: str = ", ", all_in: str = "") -> str:
    """The first of the texts, and how many more there are; `all_in` says where all stand."""
    where = f" ({all_in})" if all_in else ""
    more = f" and {len(texts) - NAMED} more{where}" if len(texts) > NAMED else ""
    return f"{mark.join(texts[:NAMED])}{more}"
