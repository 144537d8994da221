# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which groups give rights over the domain: into none of them a run puts anybody."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable

from ...engine import matching
from ...engine.plan import Entry

# Below it are numbers that mean the same in every domain, such as 512, Domain Admins (MS-DTYP
# 2.4.2.4; MS-ADTS 3.1.1.1.9.3 has the first number that is given out).
_FIRST_OF_OTHERS = 1000


def privileged(groups: Iterable[Entry]) -> dict[str, str]:
    """Why a group may give rights over the domain, by folded DN; of all groups of the domain.

    One does that is built in, is protected by AD (adminCount, MS-ADTS 3.1.1.6.1.2), is hidden so
    that nobody can tell, or is nested in such a group, at whatever depth. A domain spells a DN in
    memberOf as it does that of the entry.
    """
    found: dict[str, str] = {}
    below: dict[str, list[str]] = defaultdict(list)
    open_ends = []
    for group in groups:
        if reason := _own_privilege(group):
            found[group.dn.casefold()] = reason
            open_ends.append((group.dn.casefold(), matching.split_dn(group.dn)[0][0][1]))
        for parent in group.attributes.get("memberOf", ()):
            below[parent.casefold()].append(group.dn.casefold())
    while open_ends:
        dn, outermost = open_ends.pop()
        for nested in below[dn]:
            if nested not in found:
                found[nested] = f"it is nested in {outermost}"
                open_ends.append((nested, outermost))
    return found


def _own_privilege(group: Entry) -> str | None:
    sid = group.first("objectSid")
    if sid is None:
        return "its objectSid cannot be read, so nobody can tell"
    own = re.fullmatch(r"S-1-5-21-[0-9]+-[0-9]+-[0-9]+-([0-9]+)", sid)
    if own is None or int(own[1]) < _FIRST_OF_OTHERS:
        return f"it is built in ({sid})"
    # 0 stands on what was protected once and was set free by hand.
    return "AD protects it (adminCount)" if group.first("adminCount") not in (None, "0") else None
