# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Orders: work that a person carries out in a system without an interface.

An order's key is derived from whom or what it is about, its kind and its cause, and a secret of the
ledger, so whoever comes to the same order comes to the same key, and it is made once. In a plan an
order is an entry like any other: a new one is added, one that has not left yet is changed or
cancelled.
"""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import json
import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from ..records.memory import keyed_hash
from . import matching
from .guard import Holding
from .plan import Attribute, Entry, Values, Wanted

State = Literal["wanted", "ordered", "sent", "active", "done", "refused", "cancelled"]

# An order in one of these is on its way; in FULFILLED it has had its effect.
UNDER_WAY: frozenset[str] = frozenset({"wanted", "ordered", "sent"})
FULFILLED: frozenset[str] = frozenset({"active", "done"})
# One in these never has an effect.
VOID: frozenset[str] = frozenset({"refused", "cancelled"})

# The kinds of order that end what an order of services gave.
TAKES: frozenset[str] = frozenset({"leave", "guest_end", "membership_end", "terminate"})

# A recipient's name; a provider's own administrators are provider:<id>.
RECIPIENT = re.compile(r"\w[\w.-]*(:[\w.-]+)?")

# The folder of protected people's orders, below the outbox unless configured otherwise.
PROTECTED_FOLDER = "skyddade"
# The folders of an inbox that are no recipient's: what was taken in, what was not, and what waits
# until a person confirms it.
HANDLED, REJECTED, WAITING = "handled", "rejected", "waiting"
# The folder of an inbox where the answers of registers are left, which are about no order.
REGISTERS = "registers"
_OURS = frozenset({PROTECTED_FOLDER, HANDLED, REJECTED, WAITING, REGISTERS})

_BRANCH = "ou=orders"
# The one JSON of what orders and answers say: equal content is equal text.
as_text = json.JSONEncoder(ensure_ascii=False, sort_keys=True).encode


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """An order, as it is wanted or as the ledger holds it.

    `object` is the HSA-id of the person, or the id of the unit, extension or service, that it is
    about; `subject` is what is ordered of its kind: a card's kind, a service's key; `level` is a
    card's LoA. `follows` is the key of the order before it in the same matter, `needs` are the keys
    of orders that must be fulfilled before this one leaves. Only `particulars` and `answer` hold
    personal data: what the recipient needs to carry it out, and what came back.
    """

    key: str
    kind: str
    recipient: str
    provider: str
    object: str
    subject: str = ""
    cause: str = ""
    level: int = 0
    follows: str = ""
    needs: Values = ()
    due: dt.date | None = None
    protected: bool = False
    state: State = "wanted"
    particulars: Mapping[str, Any] = field(default_factory=dict)
    answer: Mapping[str, Any] = field(default_factory=dict)
    wanted_on: dt.date | None = None
    ordered_on: dt.date | None = None
    sent_on: dt.date | None = None
    active_on: dt.date | None = None
    closed_on: dt.date | None = None

    @property
    def is_under_way(self) -> bool:
        """Whether it is still to be carried out."""
        return self.state in UNDER_WAY

    @property
    def is_fulfilled(self) -> bool:
        """Whether it has had its effect."""
        return self.state in FULFILLED


def order_key(*parts: str) -> str:
    """The key of an order: four groups of four letters and digits 2-7, fit to be typed.

    `parts` say whom or what it is about, its kind and its cause; none of them is personal.
    """
    return _grouped(hashlib.sha256("\x1f".join(parts).encode()).digest())


@dataclass(frozen=True, slots=True)
class Numbers:
    """Gives orders their keys: by a secret of the ledger, so that only it can tell them.

    `made` are the keys that there are. An order of before there was a secret keeps its own, and
    without a secret, as in check mode of a ledger that is not there, no other can be told.
    """

    secret: str = field(default="", repr=False)
    made: Collection[str] = frozenset()

    def of(self, *parts: str) -> str:
        """The key of an order, as `order_key` has it."""
        known = order_key(*parts)
        if not self.secret or known in self.made:
            return known
        return _grouped(bytes.fromhex(keyed_hash(self.secret, "\x1f".join(("order", *parts)))))


def _grouped(digest: bytes) -> str:
    text = base64.b32encode(digest[:10]).decode()
    return "-".join(text[start : start + 4] for start in range(0, 16, 4))


# --- orders as entries of a plan ------------------------------------------------------------------

_DAYS = ("due", "wanted_on", "ordered_on", "sent_on", "active_on", "closed_on")
_SIDES = ("particulars", "answer")
# What an order is made with; its dates are the ledger's to set.
_MADE = ("kind", "recipient", "provider", "object", "subject", "cause", "follows")

ATTRIBUTES: tuple[Attribute, ...] = (
    *(
        Attribute(name, matching.exact)
        for name in (*_MADE, "level", "needs", "due", "protected", "state")
    ),
    Attribute("particulars", matching.exact, secret=True),
)


def entry(order: Order) -> Entry:
    """The order as the ledger gives it to a plan."""
    attributes = _attributes(order)
    for name in _DAYS[1:]:
        day = getattr(order, name)
        if day:
            attributes[name] = (day.isoformat(),)
    if order.answer:
        attributes["answer"] = (as_text(dict(order.answer)),)
    return Entry(_dn(order.key), attributes)


def of_entry(held: Entry) -> Order:
    """The order that `entry` was made of."""
    attributes = held.attributes
    first = {name: values[0] for name, values in attributes.items() if values}
    values: dict[str, Any] = {name: first.get(name, "") for name in (*_MADE, "state")}
    values |= {name: dt.date.fromisoformat(first[name]) for name in _DAYS if name in first}
    values |= {name: json.loads(first[name]) for name in _SIDES if name in first}
    return Order(
        key=key_of(held.dn),
        level=int(first.get("level", "0")),
        needs=attributes.get("needs", ()),
        protected="protected" in first,
        **values,
    )


def wanted(
    order: Order, held: Entry | None = None, takes: Iterable[Holding] = (),
    explained: bool = False, is_final: bool = False,
) -> Wanted:  # fmt: skip
    """The order as a plan wants it: a new one, or the state of one that is held.

    `takes` are those who lose something when it is carried out, `explained` says that a date in an
    approved record, or a hold, is the reason, `is_final` that nobody can call it back.
    """
    return Wanted(
        key=order.key,
        kind=order.kind,
        id=f"{order.object} {order.key}",
        level=0,
        parent=_BRANCH,
        rdns=() if held else (f"cn={order.key}",),
        attributes={"state": (order.state,)} if held else _attributes(order),
        providers=frozenset({order.provider}),
        held=held,
        confidential=order.protected,
        takes=frozenset(takes),
        explained=explained,
        is_final=is_final,
    )


def check_recipient(name: str) -> None:
    """Raises ValueError unless a recipient's name can be that of a folder in outbox and inbox."""
    if not RECIPIENT.fullmatch(name) or name in _OURS:
        raise ValueError(
            "expected of a recipient a name of letters, digits, _, . and -, and none of "
            f"{', '.join(sorted(_OURS))}"
        )


def folder_of(recipient: str) -> str:
    """The name of a recipient's folder in outbox and inbox."""
    return recipient.replace(":", "-")


def key_of(dn: str) -> str:
    """The key in an order's DN."""
    return dn.partition(",")[0].removeprefix("cn=")


def _dn(key: str) -> str:
    return f"cn={key},{_BRANCH}"


def _attributes(order: Order) -> dict[str, Values]:
    attributes: dict[str, Values] = {
        name: (value,) for name in _MADE if (value := getattr(order, name))
    }
    attributes["state"] = (order.state,)
    if order.level:
        attributes["level"] = (str(order.level),)
    if order.needs:
        attributes["needs"] = order.needs
    if order.due:
        attributes["due"] = (order.due.isoformat(),)
    if order.protected:
        attributes["protected"] = ("yes",)
    if order.particulars:
        attributes["particulars"] = (as_text(dict(order.particulars)),)
    return attributes
