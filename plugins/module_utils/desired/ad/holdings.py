# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What Active Directory holds today: our accounts, the groups, and the names that are taken.

An account or group is ours when it lies in our OUs and carries a key: "halsoval:person/<id>" for
each provider that names the person, "halsoval:provider/<id>" on a provider's group. An account that
we disabled is marked "halsoval:disabled", and one that we put into quarantine
"halsoval:quarantined/<day>".
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cached_property

from ...engine import matching
from ...engine.plan import Entry
from ...records.identifiers import parse_hsa_id
from .codecs import ENABLED
from .layout import DISABLED_BY_US, KEY, QUARANTINED, Layout, name_form
from .privileges import privileged

_PERSON, _PROVIDER = KEY + "person/", KEY + "provider/"

ById = Mapping[str, tuple[Entry, ...]]


@dataclass(frozen=True)
class Holdings:
    """The domain's entries, those of people by folded HSA-id.

    `ours` are accounts that we made or took over, `unkeyed` those in our OUs that we did not, and
    `foreign` all others; `strangers` are the unkeyed ones with and without an id, `moved` those
    that carry our key outside our OUs, and `in_our_ous` is all that lies in the OUs of accounts and
    groups. `watched` are ours with all that others keep in them. `provider_groups` go by provider,
    `doubled` are the providers whose key several groups carry. `service_groups` go by the service
    that they open. `privileged` says by folded DN why a group may give rights over the domain.
    `names` and `principals` are the names that are taken, as `name_form` gives them.
    """

    layout: Layout
    ours: ById
    unkeyed: ById
    foreign: ById
    strangers: tuple[Entry, ...]
    moved: tuple[Entry, ...]
    in_our_ous: tuple[Entry, ...]
    watched: tuple[Entry, ...]
    provider_groups: Mapping[str, Entry]
    doubled: frozenset[str]
    service_groups: Mapping[str, Entry]
    privileged: Mapping[str, str]
    names: frozenset[str]
    principals: Mapping[str, str]

    def providers(self, entry: Entry) -> tuple[str, ...]:
        """The providers that an account's keys name."""
        keys = entry.attributes.get(self.layout.key_attribute, ())
        return tuple(key.removeprefix(_PERSON) for key in keys if key.startswith(_PERSON))

    def lies_at(self, name: str, ou: str) -> Entry | None:
        """What has the common name in one of our OUs, whatever it is."""
        dn = f"{matching.rdn(('CN', name))},{ou}"
        return self._by_dn.get(matching.distinguished_name(dn))

    @cached_property
    def _by_dn(self) -> Mapping[str, Entry]:
        return {matching.distinguished_name(entry.dn): entry for entry in self.in_our_ous}

    def is_marked(self, entry: Entry) -> bool:
        """Whether the account says that we disabled it."""
        return DISABLED_BY_US in entry.attributes.get(self.layout.key_attribute, ())

    def is_quarantined(self, entry: Entry) -> bool:
        """Whether the account lies in quarantine."""
        return matching.is_below(entry.dn, self.layout.quarantine_ou)

    def quarantine_mark(self, entry: Entry) -> str | None:
        """The mark that says on which day a run put the account into quarantine."""
        keys = entry.attributes.get(self.layout.key_attribute, ())
        return next((key for key in keys if key.startswith(QUARANTINED)), None)

    def is_confidential(self, entry: Entry) -> bool:
        """Whether an account hides its owner, whatever a record says."""
        return entry.attributes.get("displayName") == (self.layout.protected_name,)

    def our_groups(self, entry: Entry) -> list[str]:
        """The names of those of our groups, and of the services', that an account is in."""
        groups = (*self.provider_groups.values(), *self.service_groups.values())
        return sorted({cn(group.dn) for group in groups if entry.dn in members(group)})

    def privilege_of(self, group: str) -> str | None:
        """Why a group may give rights over the domain, or None; its DN as the domain spells it."""
        return self.privileged.get(folded(group))

    def is_in_group_of(self, provider: str, entry: Entry) -> bool:
        """Whether an account is in a provider's own group."""
        group = self.provider_groups.get(provider)
        return group is not None and entry.dn in group.attributes.get("member", ())


def hsa_id(entry: Entry) -> str:
    """The HSA-id of an account's owner."""
    return entry.first("employeeNumber") or ""


def our_id(entry: Entry) -> str:
    """The HSA-id of an account of ours, also where somebody removed its employeeNumber."""
    principal = (entry.first("userPrincipalName") or "").partition("@")[0]
    for text in (hsa_id(entry), principal, cn(entry.dn)):
        with suppress(ValueError):
            return parse_hsa_id(text)
    return ""


def cn(dn: str) -> str:
    """The value of the first relative DN."""
    return matching.split_dn(dn)[0][0][1]


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
    """The form that equal ids share."""
    return text.casefold()


def index(entries: Sequence[Entry], layout: Layout) -> Holdings:
    """Sort out what a complete read returned."""
    accounts = [entry for entry in entries if entry.first("sAMAccountName")]
    in_our_ous = [e for e in accounts if _is_in_our_ous(e.dn, layout) and _is_a("user", e)]
    ours = {e.dn: _seen(e, layout) for e in in_our_ous if _has_person_key(e, layout)}
    unkeyed = {e.dn: _seen(e, layout) for e in in_our_ous if e.dn not in ours}
    groups = _provider_groups(entries, layout)
    return Holdings(
        layout,
        _by_id(ours.values(), our_id),
        _by_id(unkeyed.values()),
        _by_id(e for e in accounts if e.dn not in ours and e.dn not in unkeyed),
        tuple(unkeyed.values()),
        tuple(e for e in accounts if e.dn not in ours and _has_person_key(e, layout)),
        tuple(e for e in entries if _lies_in_our_ous(e.dn, layout)),
        tuple(e for e in in_our_ous if e.dn in ours),
        {provider: found[0] for provider, found in groups.items()},
        frozenset(provider for provider, found in groups.items() if len(found) > 1),
        _service_groups(entries, layout),
        privileged(e for e in entries if _is_a("group", e)),
        frozenset(_taken_name(e.first("sAMAccountName") or "") for e in entries),
        {name_form(e.first("userPrincipalName") or ""): e.dn for e in entries},
    )


def _taken_name(name: str) -> str:
    """The name that nobody else may have: who asks for one without $ may get one with it.

    A domain controller that finds no name goes on with name$ (MS-KILE 3.3.5.6.1, CVE-2021-42287).
    """
    return name_form(name).removesuffix("$")


def _by_id(
    entries: Iterable[Entry], id_of: Callable[[Entry], str] = hsa_id
) -> dict[str, tuple[Entry, ...]]:
    """The entries that have an id, by that."""
    found: dict[str, tuple[Entry, ...]] = defaultdict(tuple)
    for entry in entries:
        found[folded(id_of(entry))] += (entry,)
    found.pop("", None)
    return dict(found)


def _is_in_our_ous(dn: str, layout: Layout) -> bool:
    return any(matching.is_below(dn, ou) for ou in (layout.account_ou, layout.quarantine_ou))


def _lies_in_our_ous(dn: str, layout: Layout) -> bool:
    return any(matching.is_below(dn, ou) for ou in (layout.account_ou, layout.group_ou))


def _is_a(kind: str, entry: Entry) -> bool:
    """Whether the entry is of a class; of what only a search for names found, nobody knows."""
    return kind in map(folded, entry.attributes.get("objectClass", ()))


def _has_person_key(entry: Entry, layout: Layout) -> bool:
    keys = entry.attributes.get(layout.key_attribute, ())
    return any(key.startswith(_PERSON) for key in keys)


def _seen(entry: Entry, layout: Layout) -> Entry:
    """The entry without what others keep in attributes that we share with them."""
    attributes = dict(entry.attributes)
    for name, beginning in ((layout.key_attribute, KEY), ("altSecurityIdentities", "X509:")):
        values = attributes.get(name, ())
        attributes[name] = tuple(value for value in values if value.startswith(beginning))
    return replace(entry, attributes=attributes)


def _provider_groups(entries: Iterable[Entry], layout: Layout) -> dict[str, list[Entry]]:
    groups: dict[str, list[Entry]] = defaultdict(list)
    for entry in entries:
        if not matching.is_below(entry.dn, layout.group_ou) or not _is_a("group", entry):
            continue
        for key in entry.attributes.get(layout.key_attribute, ()):
            if key.startswith(_PROVIDER):
                groups[key.removeprefix(_PROVIDER)].append(_seen(entry, layout))
    return groups


def _service_groups(entries: Iterable[Entry], layout: Layout) -> dict[str, Entry]:
    """The groups that services are mapped to, as far as they are there."""
    places = {matching.parent(dn) for dn in layout.groups.values()}
    likely = (e for e in entries if any(matching.is_below(e.dn, place) for place in places))
    found = {matching.distinguished_name(e.dn): e for e in likely if _is_a("group", e)}
    forms = {s: matching.distinguished_name(dn) for s, dn in layout.groups.items()}
    return {service: found[form] for service, form in forms.items() if form in found}
