# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What Active Directory holds today: our accounts, the groups, and the names that are taken.

An account or group is ours when it lies in our OUs and carries a key: "halsoval:person/<id>" for
each provider that names the person, "halsoval:provider/<id>" on a provider's group. An account that
we disabled is marked "halsoval:disabled".
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from ..engine import matching
from ..engine.plan import Entry, Values
from .ad_layout import DISABLED_BY_US, ENABLED, KEY, Layout

_PERSON, _PROVIDER = KEY + "person/", KEY + "provider/"

ById = Mapping[str, tuple[Entry, ...]]


@dataclass(frozen=True)
class Holdings:
    """The domain's entries, those of people by folded HSA-id.

    `ours` are accounts that we made or took over, `unkeyed` those in our OUs that we did not, and
    `foreign` all others. `provider_groups` go by provider, `service_groups` by DN in the form that
    equal ones share. `names` and `principals` are the folded names that are taken.
    """

    layout: Layout
    ours: ById
    unkeyed: ById
    foreign: ById
    provider_groups: Mapping[str, Entry]
    service_groups: Mapping[str, Entry]
    names: frozenset[str]
    principals: Mapping[str, str]

    def providers(self, entry: Entry) -> tuple[str, ...]:
        """The providers that an account's keys name."""
        keys = entry.attributes.get(self.layout.key_attribute, ())
        return tuple(key.removeprefix(_PERSON) for key in keys if key.startswith(_PERSON))

    def is_marked(self, entry: Entry) -> bool:
        """Whether the account says that we disabled it."""
        return DISABLED_BY_US in entry.attributes.get(self.layout.key_attribute, ())


def hsa_id(entry: Entry) -> str:
    """The HSA-id of an account's owner."""
    return entry.first("employeeNumber") or ""


def is_enabled(entry: Entry) -> bool:
    """Whether an account is enabled."""
    return ENABLED in entry.attributes.get("userAccountControl", ())


def members(group: Entry) -> frozenset[str]:
    """The DNs of a group's members, as the domain spells them."""
    return frozenset(group.attributes.get("member", ()))


def person_key(provider: str) -> str:
    """The key of an account for one of the providers whose records name the person."""
    return _PERSON + provider


def provider_key(provider: str) -> str:
    """The key of a provider's group."""
    return _PROVIDER + provider


def folded(text: str) -> str:
    """The form that equal ids and names share."""
    return text.casefold()


def index(entries: Sequence[Entry], layout: Layout) -> Holdings:
    """Sort out what a complete read returned."""
    accounts = [entry for entry in entries if hsa_id(entry)]
    in_our_ous = [e for e in accounts if _is_in_our_ous(e.dn, layout) and _is_user(e)]
    keyed = [entry for entry in in_our_ous if _has_key(entry, layout, _PERSON)]
    ours, unkeyed = (
        {entry.dn: _with_our_values(entry, layout) for entry in some}
        for some in (keyed, in_our_ous)
    )
    groups = [e for e in entries if matching.is_below(e.dn, layout.group_ou)]
    return Holdings(
        layout,
        _by_id(ours.values()),
        _by_id(entry for dn, entry in unkeyed.items() if dn not in ours),
        _by_id(entry for entry in accounts if entry.dn not in unkeyed),
        {
            name: _with_our_values(group, layout)
            for group in groups
            for name in _providers_of_group(group, layout)
        },
        _service_groups(entries, layout),
        frozenset(folded(e.first("sAMAccountName") or "") for e in entries),
        {folded(e.first("userPrincipalName") or ""): e.dn for e in entries},
    )


def _by_id(entries: Iterable[Entry]) -> dict[str, tuple[Entry, ...]]:
    found: dict[str, tuple[Entry, ...]] = defaultdict(tuple)
    for entry in entries:
        found[folded(hsa_id(entry))] += (entry,)
    return dict(found)


def _is_in_our_ous(dn: str, layout: Layout) -> bool:
    return any(matching.is_below(dn, ou) for ou in (layout.account_ou, layout.quarantine_ou))


def _is_user(entry: Entry) -> bool:
    return "user" in map(folded, entry.attributes.get("objectClass", ()))


def _has_key(entry: Entry, layout: Layout, beginning: str) -> bool:
    keys = entry.attributes.get(layout.key_attribute, ())
    return any(key.startswith(beginning) for key in keys)


def _with_our_values(entry: Entry, layout: Layout) -> Entry:
    """The account without what others keep in attributes that we share with them."""
    attributes = dict(entry.attributes)
    for name, beginning in ((layout.key_attribute, KEY), ("altSecurityIdentities", "X509:")):
        values = attributes.get(name, ())
        attributes[name] = tuple(value for value in values if value.startswith(beginning))
    return replace(entry, attributes=attributes)


def _providers_of_group(group: Entry, layout: Layout) -> Values:
    keys = group.attributes.get(layout.key_attribute, ())
    return tuple(key.removeprefix(_PROVIDER) for key in keys if key.startswith(_PROVIDER))


def _service_groups(entries: Iterable[Entry], layout: Layout) -> dict[str, Entry]:
    """The groups that services are mapped to, as far as they are there."""
    wanted = set(map(matching.distinguished_name, layout.groups.values()))
    names = {matching.first_rdn(dn).casefold() for dn in layout.groups.values()}
    likely = (e for e in entries if matching.first_rdn(e.dn).casefold() in names)
    found = {matching.distinguished_name(entry.dn): entry for entry in likely}
    return {form: entry for form, entry in found.items() if form in wanted}
