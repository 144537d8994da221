# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What accounts and groups in Active Directory say.

An attribute with () is one that must be absent; one that is not named is left alone.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

from ...engine.plan import Entry, Values, present
from ...records.lifecycle import end_of_day, unit_of
from ...records.people import NaturalPerson, agreed
from .access import Access
from .codecs import ENABLED, NEVER, NORMAL, SMARTCARD, moment
from .holdings import person_key, provider_key
from .layout import DISABLED_BY_US, Layout

_OURS = frozenset((ENABLED, NORMAL, SMARTCARD))

# Of a person to whom a provider gives access whose record cannot be read now, these are left.
_CONTACT = ("title", "mail", "telephoneNumber", "company", "department")


def of_new_account(name: str) -> dict[str, Values]:
    """What an account is made with, and keeps."""
    return {
        "objectClass": ("user",),
        "sAMAccountName": (name,),
        "unicodePwd": ("made at random",),
    }


def of_account(
    person: NaturalPerson, hsa_id: str, held: Entry | None, layout: Layout
) -> dict[str, Values]:
    """The account of a person who is to have one: who it is, and contacts where all agree."""
    units = (unit_of(e.record, e.assignment) for e in person.current)
    return {
        "employeeNumber": (hsa_id,),
        "userPrincipalName": (f"{hsa_id}@{layout.upn_suffix}",),
        **_name(person, held),
        "title": present([agreed(row.position for row in person.rows)]),
        "mail": present([agreed(row.mail for row in person.rows)]),
        "telephoneNumber": present([agreed(row.phone for row in person.rows)]),
        "company": present([agreed(e.record.agreement.name for e in person.current)]),
        "department": present([agreed(unit.name for unit in units)]),
    }


def of_certificates(hsa_id: str, layout: Layout) -> dict[str, Values]:
    """The certificate mappings, where certificates are known."""
    known, owner = layout.certificates, hsa_id.casefold()
    if known is None or not (layout.are_all or owner in known):
        return {}
    return {"altSecurityIdentities": known.get(owner, ())}


def of_protected_person(layout: Layout) -> dict[str, Values]:
    """Nothing that tells who it is, whoever wrote it."""
    absent = (
        "givenName", "middleName", "title", "mail", "telephoneNumber", "company", "department",
        *layout.others_said,
    )  # fmt: skip
    neutral = (layout.protected_name,)
    return {**dict.fromkeys(absent, ()), "sn": neutral, "displayName": neutral}


def without_contacts(said: dict[str, Values]) -> dict[str, Values]:
    """The same without what another provider may want otherwise."""
    return {name: values for name, values in said.items() if name not in _CONTACT}


def expiry(access: Access, held: Entry | None, kept: bool) -> Values:
    """accountExpires: the end of the last day, 24:00 in Stockholm.

    Where another provider keeps the account (`kept`) it is at least what the account has, and no
    more than that before something opens it: what only begins later brings back nothing that ended.
    """
    until = moment(end_of_day(access.last_day)) if access.last_day else NEVER
    now = held.first("accountExpires") if held else None
    if not (kept and now):
        return (until,)
    # "never" sorts after every moment, and 24:00 of one day before that of another.
    return (max(until, now) if access.open else now,)


def flags(held: Entry | None, enabled: bool) -> Values:
    """userAccountControl: logon by card alone; bits that are not ours stay."""
    others = held.attributes.get("userAccountControl", ()) if held else ()
    wanted = (*([ENABLED] if enabled else ()), NORMAL, SMARTCARD)
    return (*wanted, *(flag for flag in others if flag not in _OURS))


def keys(providers: Iterable[str], disabled_by_us: bool, quarantine: str | None) -> Values:
    """The key attribute of an account, with the marks that it is to have."""
    marks = present((DISABLED_BY_US if disabled_by_us else None, quarantine))
    return (*map(person_key, sorted(set(providers))), *marks)


def of_group(provider: str, members: Collection[str], layout: Layout) -> dict[str, Values]:
    """A provider's group: global, for security."""
    return {layout.key_attribute: (provider_key(provider),), "member": tuple(sorted(members))}


def of_new_group(provider: str, layout: Layout) -> dict[str, Values]:
    """What a group is made with, and keeps."""
    return {
        "objectClass": ("group",),
        "sAMAccountName": (layout.group_name(provider),),
        "groupType": ("-2147483646",),
    }


def _name(person: NaturalPerson, held: Entry | None) -> dict[str, Values]:
    """The name; where records differ, the directory's stays until they agree."""
    if len(person.names) > 1 and held is not None:
        return {}
    name = person.names[0]
    return {
        "givenName": (name.given,),
        "middleName": present([name.middle]),
        "sn": (name.surname,),
        "displayName": (name.full,),
    }
