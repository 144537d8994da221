# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Contacts in records: nobody is told the name of one who is protected.

A contact is known for a person by HSA-id alone; of one without nobody can tell.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator

from ...engine.plan import present
from ...engine.provision import Finding
from ...records.model import Contact, Record


def is_hidden(contact: Contact, hidden: Collection[str]) -> bool:
    """Whether the contact is one of those with the `hidden` HSA-ids, case folded."""
    return contact.hsa_id is not None and contact.hsa_id.casefold() in hidden


def shown(contacts: Iterable[Contact], hidden: Collection[str]) -> list[Contact]:
    """The contacts that may be told of."""
    return [contact for contact in contacts if not is_hidden(contact, hidden)]


def left_out(
    provider: str, field: str, contacts: Iterable[Contact], hidden: Collection[str]
) -> Iterator[Finding]:
    """A finding for each contact in a field of the record that may not be told of."""
    for index, contact in enumerate(contacts):
        if is_hidden(contact, hidden):
            yield Finding(
                provider, "protected_contact", f"{field}[{index}]",
                "the contact's identity is protected, so nobody is told of it: name somebody else, "
                "or a function",
            )  # fmt: skip


def hidden_words(records: Iterable[Record], hidden: Collection[str]) -> frozenset[str]:
    """The names, telephones and addresses of contacts that may not be told of."""
    contacts = (c for record in records for c in _all(record) if is_hidden(c, hidden))
    return frozenset(text for c in contacts for text in present((c.name, c.phone, c.mail)))


def _all(record: Record) -> Iterator[Contact]:
    """All contacts that orders tell of."""
    contacts = record.agreement.contacts
    yield from (*contacts.authorised_orderers, *contacts.telephony_local)
    yield from (u.head_of_operations for u in record.agreement.units if u.head_of_operations)
