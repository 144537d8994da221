# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What may make more of our accounts and groups than the records say: somebody set it by hand.

No value is shown: who wrote it may have written a name.
"""

from __future__ import annotations

from collections.abc import Iterator

from ...engine import matching
from ...engine.plan import Entry, Values
from ...engine.provision import Finding
from ...records.words import some_of
from .codecs import WEAKENING
from .holdings import Holdings, cn, folded, is_enabled, our_id
from .layout import Layout

# Domain Users, which everybody has as primary group (MS-DTYP 2.4.2.4).
_DOMAIN_USERS = "513"

# What each attribute does to the logon of an account, or gives it.
_WEAKENING = {
    "servicePrincipalName": "whoever is in the domain may ask for something to guess its key by",
    "msDS-AllowedToDelegateTo": "it may act for others",
}
_PRIVILEGES = {
    "adminCount": "it is or was in a group that AD protects",
    "sIDHistory": "it has the rights of other accounts or groups",
}


def watched(holdings: Holdings) -> Iterator[Finding]:
    """Findings of high severity about accounts of ours, and about the groups that a run fills."""
    for entry in holdings.watched:
        told = (
            ("foreign_mapping", _other_ways_in(entry, holdings.layout)),
            ("weak_logon", _weaknesses(entry)),
            ("privileged_account", _privileges(entry, holdings)),
        )
        for provider in sorted(set(holdings.providers(entry))):
            for code, words in told:
                if words:
                    id, message = our_id(entry) or entry.address, "; ".join(words)
                    yield Finding(provider, code, id, message, severity="high")
    yield from _privileged_groups(holdings)


def _other_ways_in(entry: Entry, layout: Layout) -> list[str]:
    """What opens an account beside its owner's cards. Nothing opens one that is disabled."""
    if not is_enabled(entry):
        return []
    found = []
    mappings = _foreign_mappings(entry, layout)
    if mappings:
        found.append(
            f"{len(mappings)} of its mappings (altSecurityIdentities) no source of ours knows: "
            "another card, or a name, may open it"
        )
    if entry.first("msDS-KeyCredentialLink"):
        found.append("a key that is on no card of ours opens it (msDS-KeyCredentialLink)")
    return found


def _foreign_mappings(entry: Entry, layout: Layout) -> list[str]:
    """The mappings that neither the ledger nor the configuration knows.

    A list that the region gives follows itself: nobody knows what stood in it before.
    """
    owner = folded(our_id(entry))
    ours: tuple[Values, ...] = tuple(
        known.get(owner, ()) for known in (layout.certificates or {}, layout.known_certificates)
    )
    known = {matching.case_ignore(mapping) for mappings in ours for mapping in mappings}
    is_listed = layout.certificates is not None and layout.are_all
    return [
        mapping
        for mapping in entry.attributes.get("altSecurityIdentities", ())
        if matching.case_ignore(mapping) not in known
        and not (is_listed and mapping.startswith("X509:"))
    ]


def _weaknesses(entry: Entry) -> list[str]:
    flags = WEAKENING.intersection(entry.attributes.get("userAccountControl", ()))
    said = [f"userAccountControl has {', '.join(sorted(flags))}"] if flags else []
    return [*said, *_said(entry, _WEAKENING)]


def _privileges(entry: Entry, holdings: Holdings) -> list[str]:
    groups = entry.attributes.get("memberOf", ())
    above = sorted({cn(group) for group in groups if holdings.privilege_of(group)})
    said = [f"it is in {some_of(above)}, which may give rights over the domain"] if above else []
    if entry.first("primaryGroupID") not in (None, _DOMAIN_USERS):
        said.append("its primary group is not Domain Users (primaryGroupID)")
    return [*said, *_said(entry, _PRIVILEGES)]


def _said(entry: Entry, table: dict[str, str]) -> list[str]:
    """What the attributes of a table mean that are set."""
    is_set = {name for name in table if entry.first(name) not in (None, "0")}
    return [f"{words} ({name})" for name, words in table.items() if name in is_set]


def _privileged_groups(holdings: Holdings) -> Iterator[Finding]:
    """The groups that a run would fill if they gave no rights over the domain."""
    services = {group.dn: "" for group in holdings.service_groups.values()}
    own = {group.dn: provider for provider, group in holdings.provider_groups.items()}
    for dn, provider in (services | own).items():
        if reason := holdings.privilege_of(dn):
            yield Finding(
                provider, "privileged_group", cn(dn),
                f"the group may give rights over the domain: {reason}. No run puts anybody in it",
                severity="high",
            )  # fmt: skip
