# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The orders about SITHS cards that the approved records call for (annex 3.1.2 and 3.3).

A card is ordered once its holder is in HSA and an assignment, or the lead time before it, has
begun. It is followed until it is revoked: by the receipts that come back, and by what the records
say of the person.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from ...engine.guard import Holding
from ...engine.orders import ATTRIBUTES, Numbers, Order, of_entry, wanted
from ...engine.plan import Entry, Wanted
from ...engine.provision import Desired
from ...records.payload import Approved
from ..people.gate import Gate, waiting_in_words
from ..people.identified import Identities, remembering
from .cards import CARD, REVOCATION, TAKEOVER, Card, cards, held_objects
from .findings import findings
from .matters import Day, Matter, holders
from .particulars import of_card, of_revocation, of_takeover
from .rules import Rules

_SYSTEM = "siths"
# The causes of cards for people who have none of ours.
_FRESH = frozenset({"first", "again", "takeover"})
# The causes of revocations that wait for nothing: somebody else may have the card.
_AT_ONCE = frozenset({"lost", "returned"})


def desire(
    approved: Approved,
    as_of: dt.date,
    rules: Rules,
    held: Sequence[Entry],
    identities: Identities,
    hsa_failures: Mapping[str, str] | None = None,
    check: bool = False,
) -> Desired:
    """The orders about cards that the ledger must hold on a day, given those it holds.

    `hsa_failures` say by provider what failed in HSA before in this play; None where HSA is not
    part of it. In check mode people count as entered whom HSA would enter.
    """
    orders = {entry.dn: of_entry(entry) for entry in held}
    known = cards(orders.values())
    in_force = {c.key for theirs in known.values() for c in theirs if c.is_in_force(as_of)}
    is_unread = identities.unread is not None
    day = Day(as_of, rules, approved.invalid, is_unread, identities.may_be_protected)
    everybody = holders(identities.people, known, day)
    gate = Gate(identities.unread, hsa_failures, check)
    matters = [matter for holder in everybody for matter in holder.matters]
    hidden = identities.hidden.union(*(m.known.folded_ids for m in matters if m.protected))
    made = frozenset(order.key for order in orders.values())
    draft = _Draft(rules, gate, Numbers(approved.memory.key, made), hidden)
    desired = Desired(
        wanted=(
            *(_unchanged(orders[entry.dn], entry, in_force) for entry in held),
            *(order for matter in matters for order in draft.orders(matter)),
        ),
        attributes=ATTRIBUTES,
        holdings=held_objects(known, as_of),
        findings=findings(everybody, known, identities, day, hidden),
        waiting=_waiting(matters, gate),
    )
    return remembering(desired, identities.pending, identities, approved.memory)


def _unchanged(order: Order, held: Entry, in_force: Collection[str]) -> Wanted:
    is_counted = order.is_under_way or order.key in in_force
    return replace(wanted(order, held), is_counted=is_counted)


@dataclass(frozen=True)
class _Draft:
    """Makes the orders that matters call for.

    `hidden` are the HSA-ids, case folded, of whom nobody is told.
    """

    rules: Rules
    gate: Gate
    numbers: Numbers
    hidden: Collection[str]

    def orders(self, matter: Matter) -> Iterator[Wanted]:
        """The new orders. One that was refused is not made again for the same cause."""
        for order in (*self._revocations(matter), *self._takeovers(matter), *self._cards(matter)):
            if order.key not in self.numbers.made:
                takes = _takes(order)
                explained = bool(takes) and _is_explained(order, matter)
                is_final = order.kind == REVOCATION and order.cause not in _AT_ONCE
                yield wanted(order, None, takes, explained, is_final)

    def _cards(self, matter: Matter) -> Iterator[Order]:
        cause, wish, hsa_id = matter.cause, matter.wish, matter.known.hsa_id
        if cause is None or wish is None or hsa_id is None or _waits_for(self.gate, matter):
            return
        # A grant bridges days; a card takes weeks. What is lost is replaced.
        if cause != "lost" and all(e.is_granted for e in matter.person.current):
            return
        follows = matter.head.key if matter.head else ""
        yield Order(
            key=self._key(hsa_id, CARD, matter.kind, cause, follows), kind=CARD,
            recipient=self.rules.recipient, provider=wish.provider, object=hsa_id,
            subject=matter.kind, cause=cause, level=wish.card.loa, follows=follows,
            due=wish.employment.assignment.from_ if cause in ("first", "again") else None,
            protected=matter.protected, state="ordered",
            particulars=of_card(matter, wish, hsa_id, cause, self.hidden),
        )  # fmt: skip

    def _revocations(self, matter: Matter) -> Iterator[Order]:
        for card in matter.live:
            ending = matter.ending(card)
            if ending is None or card.is_refused(ending):
                continue
            refused = card.refusal(ending.cause)
            told = of_revocation(matter, card, ending.cause)
            yield self._about(
                matter, card, REVOCATION, ending.cause, ending.provider, card.key, told,
                [refused.key if refused else card.key],
            )  # fmt: skip

    def _takeovers(self, matter: Matter) -> Iterator[Order]:
        for card in matter.live:
            wish = matter.takeover(card)
            if wish:
                follows = (card.takeovers or (card.order,))[-1].key
                told = of_takeover(matter, card, wish, self.hidden)
                yield self._about(
                    matter, card, TAKEOVER, "moved", wish.provider, follows, told,
                    [follows, wish.provider],
                )  # fmt: skip

    def _about(
        self, matter: Matter, card: Card, kind: str, cause: str, provider: str, follows: str,
        particulars: Mapping[str, object], parts: Iterable[str],
    ) -> Order:  # fmt: skip
        """An order about a card that there is; `parts` tell its key from the others' about it."""
        hsa_id = card.order.object
        return Order(
            key=self._key(hsa_id, kind, matter.kind, cause, *parts), kind=kind,
            recipient=self.rules.recipient, provider=provider, object=hsa_id, subject=matter.kind,
            cause=cause, level=card.order.level, follows=follows,
            protected=matter.protected or card.order.protected, state="ordered",
            particulars=particulars,
        )  # fmt: skip

    def _key(self, hsa_id: str, *parts: str) -> str:
        return self.numbers.of(_SYSTEM, hsa_id.casefold(), *parts)


def _takes(order: Order) -> tuple[Holding, ...]:
    """Who loses a card: not the one who has never had it, or has another by now."""
    takes = order.kind == REVOCATION and order.cause not in ("uncollected", "replaced")
    return (("person", order.object),) if takes else ()


def _is_explained(order: Order, matter: Matter) -> bool:
    """Whether a date in a record explains a revocation: the loss or return of a card is one."""
    return order.cause != "left" or matter.is_end_recent


# --- HSA comes first -----------------------------------------------------------------------------


def _waits_for(gate: Gate, matter: Matter) -> str | None:
    """Why a card for the person waits, or None.

    Who has a card was in HSA by then: what follows it does not wait for what fails there now.
    """
    known = matter.known
    fault = gate.fault({employment.provider for employment in known.person.current})
    if fault and (known.hsa_id is None or matter.cause in _FRESH):
        return fault
    return gate.absence(known)


def _waiting(matters: Iterable[Matter], gate: Gate) -> dict[str, tuple[str, ...]]:
    """How many cards wait, and why, by provider. Whom HSA cannot tell is a finding instead."""
    reasons: dict[tuple[str, bool], Counter[str]] = defaultdict(Counter)
    for matter in matters:
        is_told = matter.known.hsa_id is not None
        counts = is_told or gate.unread is not None
        reason = _waits_for(gate, matter) if matter.cause and counts else None
        if reason and matter.wish:
            reasons[matter.wish.provider, is_told][reason] += 1
    return waiting_in_words(reasons, "card")
