# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What must hold after every run, from the words of the contract and of docs/ alone.

The judge takes nothing from the product but what it wrote and said: it reads the records of the
history, the entries of the directories and the orders, and counts losses by itself. What it knows
of earlier runs it has written down itself; where the ledger is lost or an older one is put back, it
forgets with it, as far as the docs say that the ledger is what remembers.
"""

from __future__ import annotations

import datetime as dt
import re
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.regionjh.halsoval.plugins.module_utils.engine.plan import Entry
from ansible_collections.regionjh.halsoval.plugins.module_utils.records.holds import Hold
from ansible_collections.regionjh.halsoval.tests.long.books import Books, Job, Provider, Row
from ansible_collections.regionjh.halsoval.tests.long.region import Outcome, Region
from ansible_collections.regionjh.halsoval.tests.unit.builders import JOURNAL, NPO

WEEK = dt.timedelta(days=7)
MONTH = dt.timedelta(days=31)
LEAD = dt.timedelta(days=56)
NPO_ROLE = "npo;lasare"
JOURNAL_GROUP = "App-Journal"
_ID = re.compile(r"SE2321000214-[A-Z0-9]+")
_REVEALS = "no record says any more"
_HASH = re.compile(r"halsoval_expected_plan=([0-9a-f]{16})")

# What somebody has: ("member", provider, unit, purpose), ("role", value), ("enabled",),
# ("group", name), ("card",), ("user", provider, service).
Item = tuple[str, ...]
Access = tuple[str, Item]  # of an HSA-id
OF_AD = ("enabled", "group")
# The states in which a card is out, or on its way.
_OUT = ("wanted", "ordered", "sent", "active")


@dataclass(frozen=True)
class Given:
    """An assignment that gave access when a provider's last run was done."""

    number: str
    provider: str
    unit: str
    purpose: str
    first: dt.date
    last: dt.date | None
    systems: tuple[str, ...]


@dataclass(frozen=True)
class Stay:
    """An assignment with its row and provider."""

    provider: Provider
    row: Row
    job: Job

    @property
    def last(self) -> dt.date | None:
        """The last day that the agreement, the unit or the assignment names."""
        closes = dict(self.provider.closes).get(self.job.unit)
        return min((d for d in (self.provider.ends, closes, self.job.last) if d), default=None)

    @property
    def site_last(self) -> dt.date | None:
        closes = dict(self.provider.closes).get(self.job.unit)
        return min((d for d in (self.provider.ends, closes) if d), default=None)

    @property
    def away_since(self) -> dt.date | None:
        """The first day of the suspension."""
        return self.job.away[0] if self.job.away else None

    def is_away(self, day: dt.date) -> bool:
        """Whether the day lies in the suspension."""
        away = self.job.away
        return away is not None and away[0] <= day and (away[1] is None or day <= away[1])

    def in_operation(self, day: dt.date) -> bool:
        """Whether the provider is in operation or wind-down."""
        p = self.provider
        return p.connected and p.starts <= day and (p.ends is None or day <= p.ends)


@dataclass
class Known:
    """What the ledger is to remember, as the judge has seen it happen.

    `given` and `days` are by system and provider; `days` are those of the providers' last runs.
    `pairs` are numbers that a row has called one person's; `linked` are those of them, with the
    provider, that a run took at their word: the others wait, or a row has taken them back.
    `rows` are the numbers that a row with access may have had, by provider and `ref`.
    `hidden` are the numbers of those who are protected until a person confirms otherwise, by
    system: that is remembered, and the systems themselves tell it.
    """

    given: dict[tuple[str, str], set[Given]] = field(default_factory=dict)
    days: dict[tuple[str, str], dt.date] = field(default_factory=dict)
    lost: list[tuple[str, dt.date, str, str]] = field(default_factory=list)
    pairs: set[frozenset[str]] = field(default_factory=set)
    linked: set[tuple[str, str, str]] = field(default_factory=set)
    rows: dict[tuple[str, str], set[str]] = field(default_factory=dict)
    hidden: dict[str, set[str]] = field(default_factory=lambda: {"HSA": set(), "AD": set()})


class Judge:
    """Watches a region through a history."""

    def __init__(self, region: Region) -> None:
        self.region = region
        self.known = Known()
        self.owner: dict[str, str] = {}  # HSA-id → a number of whose it is
        self.unseen: set[str] = set()  # the HSA-ids that HSA alone tells, not the ledger
        self.accounts: dict[str, str] = {}  # an account's address → a number of whose it is
        self.words: dict[str, set[str]] = defaultdict(set)  # number → all that rows called them
        self.offers: dict[str, Offer] = {}

    # --- before and after a run ------------------------------------------------------------------

    def before(self, books: Books, day: dt.date) -> Before:
        """What there is before a run, to compare."""
        for provider in books.readable:
            for row in provider.rows:
                self.words[row.number] |= row.words
                self.known.pairs.update(frozenset((row.number, n)) for n in row.previous)
                self.known.linked -= {
                    link
                    for link in self.known.linked
                    if link[:2] == (provider.id, row.number) and link[2] not in row.previous
                }
        self._forget_deleted_entries()
        self._forget_deleted_accounts()
        expired = frozenset(
            _first(entry, "employeeNumber") for entry in self._accounts() if _expired(entry, day)
        )
        entries, sizes = self._entries_by_number(), self._sizes()
        return Before(self._held(day), expired, entries, self._archived(), sizes, books, day)

    def after(self, before: Before, outcome: Outcome) -> None:
        """Judge a run."""
        now = _Case(self, before, outcome)
        now.nobody_is_shared_or_doubled()
        now.no_protected_name_left()
        now.nobody_gained_what_no_record_gives()
        now.nobody_gained_by_anothers_row()
        now.nobody_lost_what_nothing_explains()
        if not outcome.asked.check:
            now.nobody_is_archived_too_early()
            now.nobody_keeps_what_has_ended()
            now.no_system_shows_who_is_protected()
            now.intents_are_closed()
            self._note(now)

    def forget(self, known: Known) -> None:
        """An older ledger has been put back, or none."""
        numbers = {_first(e, "hsaIdentity"): _first(e, NUMBER) for e in self._people()}
        for entry in self._accounts():
            number, had = (
                numbers.get(_first(entry, "employeeNumber")),
                self.accounts.get(entry.address),
            )
            if number and had and number in self.same(had):
                self.accounts[entry.address] = number
        self.owner |= numbers
        self.known = deepcopy(known)
        there = {_first(e, "hsaIdentity") for e in self.region.ad.hsa.entries()}
        kept = there | self.region.ad._taken
        self.owner = {i: n for i, n in self.owner.items() if i in kept}
        self.unseen = there - self.region.ad._taken
        self.offers = {}
        for system, number, _hsa_id in self.seen_hidden():
            self.known.hidden[system].add(number)

    def _forget_deleted_entries(self) -> None:
        """Nobody knows what somebody deleted before the first run with this ledger."""
        there = {_first(e, "hsaIdentity") for e in self.region.ad.hsa.entries()}
        for hsa_id in self.unseen - there:
            self.owner.pop(hsa_id, None)

    def _forget_deleted_accounts(self) -> None:
        """Who is confirmed in HSA is hidden in AD by the account alone, and somebody deleted it."""
        shown = {number for system, number, _hsa_id in self.seen_hidden() if system == "AD"}
        hidden = shown | self.known.hidden["HSA"]
        self.known.hidden["AD"] = {n for n in self.known.hidden["AD"] if self.same(n) & hidden}

    def _note(self, now: _Case) -> None:
        now.remember()
        if "HSA" in now.outcome.results:
            self.unseen = set()
        for entry in self._people():
            hsa_id = _first(entry, "hsaIdentity")
            # What a run wrote that was killed, none has seen: deleted by hand, it may come back.
            if not now.outcome.killed or hsa_id in self.region.ad._taken:
                self.owner[hsa_id] = _first(entry, NUMBER)
        for entry in self._accounts():
            number = self.owner.get(_first(entry, "employeeNumber"))
            if number:
                self.accounts.setdefault(entry.address, number)
        now.note_who_is_hidden()
        now.note_who_is_linked()
        now.note_whose_rows_are()
        self.offers = dict(now.offers())

    # --- what the systems hold -------------------------------------------------------------------

    def _people(self) -> Iterator[Entry]:
        return (e for e in self.region.ad.hsa.entries() if NUMBER in e.attributes)

    def _accounts(self) -> Iterator[Entry]:
        for entry in self.region.ad.directory.entries():
            if entry.attributes.get("employeeNumber"):
                yield entry

    def _archived(self) -> frozenset[str]:
        return frozenset(
            _first(entry, "hsaIdentity")
            for entry in self._people()
            if "hsaArchivedObject" in entry.attributes["objectClass"]
        )

    def _entries_by_number(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = defaultdict(list)
        for entry in self._people():
            found[_first(entry, NUMBER)].append(_first(entry, "hsaIdentity"))
        return found

    def _held(self, day: dt.date) -> frozenset[Access]:
        return frozenset((*self._in_hsa(), *self._in_ad(day)))

    def _in_hsa(self) -> Iterator[Access]:
        for entry in self.region.ad.hsa.entries():
            for key in entry.attributes.get("halsovalKey", ()):
                if key.startswith("commission/"):
                    _kind, provider, unit, _digest = key.split("/")
                    item = ("member", provider, unit, _first(entry, "hsaCommissionPurpose"))
                    for member in entry.attributes.get("hsaCommissionMember", ()):
                        yield member, item
            for role in entry.attributes.get("hsaSystemRole", ()):
                yield _first(entry, "hsaIdentity"), ("role", role)

    def _in_ad(self, day: dt.date) -> Iterator[Access]:
        ids: dict[str, str] = {}
        for entry in self._accounts():
            ids[entry.dn] = _first(entry, "employeeNumber")
            if "ENABLED" in entry.attributes["userAccountControl"] and not _expired(entry, day):
                yield ids[entry.dn], ("enabled",)
        for entry in self.region.ad.directory.entries():
            for member in entry.attributes.get("member", ()):
                if member in ids:
                    name = _first(entry, "CN")
                    is_journal = name == self.region.journal_group
                    yield ids[member], ("group", JOURNAL_GROUP if is_journal else name)

    def _sizes(self) -> dict[tuple[str, str], set[str]]:
        """The objects of each provider in each system, at most."""
        found: dict[tuple[str, str], set[str]] = defaultdict(set)
        for entry in self.region.ad.hsa.entries():
            for key in entry.attributes.get("halsovalKey", ()):
                kind, provider, *_rest = key.split("/")
                if kind in ("person", "unit"):
                    found["HSA", provider].add(_first(entry, "hsaIdentity"))
                found["HSA", provider].update(entry.attributes.get("hsaCommissionMember", ()))
        for entry in self._accounts():
            for key in entry.attributes.get("extensionName", ()):
                if key.startswith("halsoval:person/"):
                    name = key.removeprefix("halsoval:person/")
                    found["AD", name].add(_first(entry, "employeeNumber"))
        for title, book in self.region.books.items():
            for order in book.orders.values():
                found[title, order.provider].add(order.object)
        return found

    def seen_hidden(self) -> Iterator[tuple[str, str, str]]:
        """(system, number, HSA-id) of those whom a system hides."""
        for entry in self._people():
            if "hsaConfidentialPerson" in entry.attributes["objectClass"]:
                yield "HSA", _first(entry, NUMBER), _first(entry, "hsaIdentity")
        for entry in self._accounts():
            hsa_id = _first(entry, "employeeNumber")
            if hsa_id in self.owner and entry.first("displayName") == "Skyddad person":
                yield "AD", self.owner[hsa_id], hsa_id

    # --- who is who ------------------------------------------------------------------------------

    def same(self, number: str) -> frozenset[str]:
        """All numbers that records have called the same person's."""
        return _joined(number, self.known.pairs)


NUMBER = "personalIdentityNumber"


@dataclass(frozen=True)
class Before:
    """What there was before a run."""

    held: frozenset[Access]
    expired: frozenset[str]
    entries: Mapping[str, list[str]]
    archived: frozenset[str]
    sizes: Mapping[tuple[str, str], set[str]]
    books: Books
    day: dt.date


@dataclass(frozen=True)
class Offer:
    """What a message offered to confirm: by whom it was said, and whom it showed."""

    system: str
    provider: str
    shown: frozenset[str]
    reveals: frozenset[str]
    is_whole: bool


class _Case:
    """One run, and what the records say on its day."""

    def __init__(self, judge: Judge, before: Before, outcome: Outcome) -> None:
        self.judge, self.before, self.outcome = judge, before, outcome
        self.day, self.books, self.asked = before.day, before.books, outcome.asked
        self.held = judge._held(self.day)
        self.holds: tuple[Hold, ...] = judge.region.ad.hsa.holds
        self.stays = [Stay(p, r, j) for p, r in self.books.rows() for j in r.jobs]
        self.confirmed = [o for h, o in judge.offers.items() if h in self.asked.expected]
        self.ids_of: dict[str, set[str]] = defaultdict(set)
        for number, ids in judge._entries_by_number().items():
            self.ids_of[number] |= set(ids)
        for hsa_id, number in judge.owner.items():
            self.ids_of[number].add(hsa_id)

    # --- leaving ---------------------------------------------------------------------------------

    def nobody_is_archived_too_early(self) -> None:
        """Every card is over first, a date has ended all, and no row gives anything later."""
        now = self.judge._archived()
        orders = self.judge.region.books["siths"].orders.values()
        out = {o.object for o in orders if o.kind == "card" and o.state in _OUT}
        numbers = {i: n for n, ids in self.ids_of.items() for i in ids}
        for hsa_id in now - self.before.archived:
            assert hsa_id not in out, "archived, and a card is out"
            stays = self._stays_of(numbers[hsa_id])
            assert stays, "archived, and no record says why"
            for stay in stays:
                assert stay.last is not None, "archived, and a row has no end"
                assert stay.last < self.day, "archived, and a row goes on"
        has_access = {hsa_id for hsa_id, item in self.held if item[0] == "member"}
        done = not any(r["failed"] for rs in self.outcome.results.values() for r in rs.values())
        is_whole = done and not (self.outcome.killed or self.asked.providers or self.asked.expected)
        assert not (is_whole and now & has_access), "archived, and a member"

    # --- (c) identities --------------------------------------------------------------------------

    def nobody_is_shared_or_doubled(self) -> None:
        entries = list(self.judge._people())
        _each_once(e.first("hsaIdentity") for e in self.judge.region.ad.hsa.entries())
        _each_once(e.first(NUMBER) for e in entries)
        _each_once(e.first("employeeNumber") for e in self.judge._accounts())
        _each_once(e.first("sAMAccountName") for e in self.judge._accounts())
        shown = self._confirmed_ids("HSA")
        for entry in entries:
            hsa_id, number = _first(entry, "hsaIdentity"), _first(entry, NUMBER)
            owner = self.judge.owner.get(hsa_id, number)
            assert number in self.judge.same(owner) or hsa_id in shown, f"{hsa_id} changed hands"
        # Who takes back that a number was another's says that these are two people.
        for numbers in {self._surely_same(_first(e, NUMBER)) for e in entries}:
            now = sum(_first(e, NUMBER) in numbers for e in entries)
            was = sum(len(self.before.entries.get(number, ())) for number in numbers)
            assert now <= max(1, was), "somebody got a second entry"
        self._no_account_changes_hands()

    def _no_account_changes_hands(self) -> None:
        owners = {_first(e, "hsaIdentity"): _first(e, NUMBER) for e in self.judge._people()}
        shown = self._confirmed_ids("AD")
        for entry in self.judge._accounts():
            hsa_id = _first(entry, "employeeNumber")
            had, has = self.judge.accounts.get(entry.address), owners.get(hsa_id)
            if had and has and "ENABLED" in entry.attributes["userAccountControl"]:
                is_same = has in self.judge.same(had) or hsa_id in shown
                assert is_same, f"the account of {hsa_id} changed hands"

    # --- (b) protected people --------------------------------------------------------------------

    def no_protected_name_left(self) -> None:
        hidden = {
            "HSA": self._secrets("HSA"), "AD": self._secrets("AD"),
            "siths": self._secrets("HSA"), "services": self._secrets("HSA"),
        }  # fmt: skip
        for system, operation in self.outcome.written:
            told = [operation.dn, operation.new_rdn]
            told += [value for change in operation.changes for value in change.add]
            _assert_untold(hidden[system], " ".join(told), f"written to {system}")
        for system, results in self.outcome.results.items():
            _assert_untold(hidden[system], str(results), f"told by {system}")

    def _secrets(self, system: str) -> set[str]:
        """The words that nothing may tell: of those who are hidden, and of nobody else's."""
        protected = {n for n in self._protected() for n in self._surely_same(n)}
        revealed = self._revealed(system)
        theirs = {n for n, ids in self.ids_of.items() if ids & revealed}
        shielded = {
            same
            for number in self.judge.known.hidden[system]
            for same in self._surely_same(number)
            if not self.judge.same(number) & theirs
        }
        secret = {w for n in protected | shielded for w in self.judge.words[n]}
        open_rows = [r for _p, r in self.books.rows() if r.number not in protected | shielded]
        return secret - {word for row in open_rows for word in row.words}

    def _protected(self) -> set[str]:
        return {n for _p, row in self.books.rows() if row.protected for n in row.numbers}

    def no_system_shows_who_is_protected(self) -> None:
        """Names that were told before are gone, but where a plan was refused or waits."""
        if not self._is_whole or self.asked.unread:
            return
        secret = self._secrets("HSA")
        shown = [("HSA", e, _first(e, NUMBER)) for e in self.judge._people()]
        for entry in self.judge._accounts():
            shown.append(("AD", entry, self.judge.owner.get(_first(entry, "employeeNumber"), "")))
        for system, entry, number in shown:
            numbers = self._surely_same(number)
            theirs = [stay for stay in self.stays if numbers & set(stay.row.numbers)]
            failed = any(self._result(system, stay.provider.id)["failed"] for stay in theirs)
            if not failed and any(stay.row.protected for stay in theirs):
                told = " ".join(value for values in entry.attributes.values() for value in values)
                words = {w for n in numbers for w in self.judge.words[n]}
                _assert_untold(words & secret, told, f"still in {system}")

    def note_who_is_hidden(self) -> None:
        """Who was hidden stays so until a person has confirmed, by the hash, that they are not."""
        hidden = list(self.judge.seen_hidden())
        for system, theirs in self.judge.known.hidden.items():
            still = {hsa_id for name, _number, hsa_id in hidden if name == system}
            theirs |= {number for name, number, _hsa_id in hidden if name == system}
            for hsa_id in self._revealed(system) - still:
                theirs -= self.judge.same(self.judge.owner.get(hsa_id, ""))

    def note_who_is_linked(self) -> None:
        """Where nothing waits for a person, the numbers that rows call one person's are so."""
        for name, own in self.outcome.results.get("HSA", {}).items():
            waits = own["failed"] or "linked_numbers" in str(own.get("findings"))
            if not waits and not self.outcome.killed:
                theirs = [row for provider, row in self.books.rows() if provider.id == name]
                self.judge.known.linked |= {(name, r.number, n) for r in theirs for n in r.previous}

    def _surely_same(self, number: str) -> frozenset[str]:
        """The numbers of a person by the records of today, and by what runs took at its word."""
        said = {frozenset((r.number, n)) for _p, r in self.books.rows() for n in r.previous}
        said |= {frozenset(link[1:]) for link in self.judge.known.linked}
        return _joined(number, said)

    def _revealed(self, system: str) -> set[str]:
        return {i for o in self.confirmed if o.system == system for i in o.reveals}

    # --- (e) access ------------------------------------------------------------------------------

    def nobody_gained_what_no_record_gives(self) -> None:
        for hsa_id, item in self.held - self.before.held:
            number = self.judge.owner.get(hsa_id) or self._number_in_hsa(hsa_id)
            assert number, f"{hsa_id} is nobody's and got {item}"
            assert item in self._entitled(number, hsa_id), f"{hsa_id} got {item}"
        for system, operation in self.outcome.written:
            if system == "services" and operation.action == "add" and operation.kind == "join":
                self._assert_may_join(operation)

    def nobody_gained_by_anothers_row(self) -> None:
        """Who stands in a row that was another number's waits for a person's word."""
        if self.asked.expected or "HSA" not in self.outcome.results:
            return
        entries = self.judge._entries_by_number()
        gained = {hsa_id for hsa_id, _item in self.held - self.before.held}
        for provider, row in self.books.rows():
            had = self.judge.known.rows.get((provider.id, row.ref))
            if had is None or had & self.judge.same(row.number) or not self._has_access(row):
                continue
            theirs = set(entries.get(row.number, ()))
            was = any(self.before.entries.get(n) for n in self.judge.same(row.number))
            assert was or not theirs, f"{theirs} entered for a row that was another's"
            assert not theirs & gained, f"{theirs & gained} got what was in another's row"

    def _has_access(self, row: Row) -> bool:
        stays = [stay for stay in self.stays if stay.row is row]
        return any(self._gives(s, i) for s in stays for i in self._some_id(row.number))

    def note_whose_rows_are(self) -> None:
        """Where nothing failed, or a person has confirmed something, rows are whose they say."""
        results = {} if self.outcome.killed else self.outcome.results.get("HSA", {})
        before, self.judge.known.rows = self.judge.known.rows, {}
        now = {(p.id, row.ref): row for p, row in self.books.rows()}
        for place in before.keys() | now.keys():
            had, row = before.get(place, set()), now.get(place)
            own = results.get(place[0])
            if own and row and self._has_access(row):
                had = had | ({row.number} if self.asked.expected or not own["failed"] else set())
            elif own:
                had = set()
            if had:
                self.judge.known.rows[place] = had

    def _assert_may_join(self, operation: Any) -> None:
        said = {c.attribute: c.add[0] for c in operation.changes if c.add}
        hsa_id = said["object"]
        number = self.judge.owner.get(hsa_id) or self._number_in_hsa(hsa_id)
        theirs = self._stays_of(number) if number else []
        assert any(
            stay.provider.id == said["provider"]
            and said["subject"] in stay.job.systems
            and stay.job.first <= self.day + LEAD
            and self._may_come(stay, hsa_id)
            for stay in theirs
        ), f"{hsa_id} becomes a user of {said['subject']}"

    def _may_come(self, stay: Stay, hsa_id: str) -> bool:
        is_over = stay.last is not None and stay.last < self.day
        return not self._is_held(hsa_id, stay.provider.id) and (
            not (is_over or stay.is_away(self.day)) or self._is_granted(stay, hsa_id)
        )

    def _entitled(self, number: str, hsa_id: str) -> set[Item]:
        """All that the records, holds and grants give somebody on the day."""
        given: set[Item] = set()
        for stay in self._stays_of(number):
            if not self._gives(stay, hsa_id):
                continue
            given.add(("member", stay.provider.id, stay.job.unit, stay.job.purpose))
            if NPO in stay.job.systems:
                given.add(("role", NPO_ROLE))
            if JOURNAL in stay.job.systems:
                given |= {
                    ("enabled",), ("group", JOURNAL_GROUP),
                    ("group", f"Halsoval-{stay.provider.id}"),
                }  # fmt: skip
        return given

    def _gives(self, stay: Stay, hsa_id: str) -> bool:
        if self._is_held(hsa_id, stay.provider.id) or not stay.in_operation(self.day):
            return False
        if self._is_granted(stay, hsa_id):
            return True
        last, job = stay.last, stay.job
        has_begun = job.first <= self.day and (last is None or self.day <= last)
        return has_begun and not stay.is_away(self.day)

    def _is_held(self, hsa_id: str, provider: str) -> bool:
        return any(
            h.kind == "hold" and h.object in (hsa_id, provider) and _in_force(h, self.day)
            for h in self.holds
        )

    def _is_granted(self, stay: Stay, hsa_id: str) -> bool:
        """A grant stands for a wrong date of an assignment, and for nothing else."""
        site, last = stay.site_last, stay.last
        if not stay.in_operation(self.day) or (site is not None and site < self.day):
            return False
        if stay.job.first > self.day + LEAD:
            return False
        return any(
            h.kind == "grant"
            and h.object == hsa_id
            and _in_force(h, self.day)
            and (last is None or last >= self.day or h.since - last <= MONTH)
            for h in self.holds
        )

    @property
    def _is_whole(self) -> bool:
        """Whether it is an ordinary run over all providers, which came to its end."""
        asked = self.asked
        is_some = self.outcome.killed or asked.expected or asked.providers
        return not (is_some or asked.no_ad)

    def nobody_keeps_what_has_ended(self) -> None:
        """Whoever still has something that no record gives them waits for a person's word."""
        asked = self.asked
        if not self._is_whole:
            return
        out = self.books.invalid | self.books.gone
        listed = {n for _provider, row in self.books.rows() for n in (row.number, *row.previous)}
        seen = {id for n, id in self.judge.region.ad._memory.items() if n in listed}
        for hsa_id, item in self.held:
            number = self.judge.owner.get(hsa_id) or self._number_in_hsa(hsa_id)
            # Without HSA nobody knows whose an account is but by what an earlier run saw there.
            if number is None or (asked.unread and hsa_id not in seen):
                continue
            if item[0] not in OF_AD and asked.unread:
                continue
            if item in self._entitled(number, hsa_id) or self._may_be_kept(item, hsa_id, out):
                continue
            is_waiting = self.unexplained(number, hsa_id, item, sure=True)
            assert is_waiting, f"{hsa_id} keeps {item}"
            # Without HSA nobody knows whether a row names the owner of an account.
            assert asked.unread or self._is_told(hsa_id, item), (
                f"{hsa_id} keeps {item}, and nobody is told"
            )

    def _may_be_kept(self, item: Item, hsa_id: str, out: Collection[str]) -> bool:
        """Whether a record that cannot be read, or is away, may give it (docs: what vanishes)."""
        if item[0] == "member":
            return item[1] in out
        if item[0] == "role" and self._is_told_to_merge(hsa_id):
            return True
        # Who is in no record that can be read may be in one that cannot: AD leaves the account.
        number = self.judge.owner.get(hsa_id)
        is_named = bool(number and self._stays_of(number))
        if is_named and item[0] == "group" and item[1].startswith("Halsoval-"):
            return item[1].removeprefix("Halsoval-") in out
        return bool(self._keys(hsa_id) & set(out))

    def _is_told_to_merge(self, hsa_id: str) -> bool:
        """Whether a person has several entries, and is told: system roles stay (docs: merge)."""
        number = self._number_in_hsa(hsa_id)
        theirs = self.judge.same(number) if number else frozenset()
        entries = [e for e in self.judge._people() if _first(e, NUMBER) in theirs]
        results = self.outcome.results.get("HSA", {}).values()
        told = " ".join(error for own in results for error in own["errors"])
        return len(entries) > 1 and any(
            hsa_id in ids for ids in re.findall(r"several entries for one person \((.*?)\)", told)
        )

    def _keys(self, hsa_id: str) -> set[str]:
        """The providers that have somebody, by the keys in HSA and AD."""
        found: set[str] = set()
        for entry in self.judge._people():
            if _first(entry, "hsaIdentity") == hsa_id:
                found |= {k.removeprefix("person/") for k in entry.attributes["halsovalKey"]}
        for entry in self.judge._accounts():
            if _first(entry, "employeeNumber") == hsa_id:
                keys = entry.attributes.get("extensionName", ())
                theirs = (k for k in keys if k.startswith("halsoval:person/"))
                found |= {k.removeprefix("halsoval:person/") for k in theirs}
        return found

    def _is_told(self, hsa_id: str, item: Item) -> bool:
        system = "AD" if item[0] in OF_AD else "HSA"
        results = self.outcome.results.get(system, {})
        return any(own["failed"] for own in results.values())

    # --- (a) losses ------------------------------------------------------------------------------

    def nobody_lost_what_nothing_explains(self) -> None:
        blamed: dict[str, set[tuple[str, str]]] = defaultdict(set)
        for hsa_id, item in self.before.held - self.held:
            system = "AD" if item[0] in OF_AD else "HSA"
            # Accounts that have expired need no reason.
            if system == "HSA" or hsa_id not in self.before.expired:
                self._blame(blamed, system, hsa_id, item)
        for system, operation in self.outcome.written:
            said = {c.attribute: c.add[0] for c in operation.changes if c.add}
            if operation.action != "add":
                continue
            if operation.kind == "revocation" and said["cause"] == "left":
                self._blame(blamed, system, said["object"], ("card",))
            elif operation.kind == "leave":
                item = ("user", said["provider"], said["subject"])
                self._blame(blamed, system, said["object"], item)
        for system, losses in blamed.items():
            self._count(system, losses)

    def _blame(
        self, blamed: dict[str, set[tuple[str, str]]], system: str, hsa_id: str, item: Item
    ) -> None:
        number = self.judge.owner.get(hsa_id) or self._number_in_hsa(hsa_id)
        if hsa_id in self._confirmed_ids(system):
            return
        providers = self.unexplained(number, hsa_id, item, system) if number else {""}
        if providers:
            is_ordinary = not self.asked.expected
            assert is_ordinary, f"{hsa_id} lost {item}, and another plan was confirmed"
            # Somebody deleted the entry, and the ledger was lost: the person is another one now.
            is_there = self._number_in_hsa(hsa_id) is not None
            if number and is_there and item in self._entitled(number, hsa_id):
                raise AssertionError(f"{hsa_id} lost {item}, which the records give")
            blamed[system] |= {(provider, hsa_id) for provider in providers}

    def _count(self, system: str, losses: Iterable[tuple[str, str]]) -> None:
        """At most a fifth of each provider (1 may always, more than 10 never) in seven days."""
        self.judge.known.lost += [(system, self.day, p, hsa_id) for p, hsa_id in losses]
        recent = defaultdict(set)
        for theirs, day, provider, hsa_id in self.judge.known.lost:
            if theirs == system and self.day - WEEK < day <= self.day:
                recent[provider].add(hsa_id)
        everybody: set[str] = set()
        for provider, gone in recent.items():
            all_of_them = self.before.sizes.get((system, provider), set()) | gone
            everybody |= gone
            most = min(10, max(1, len(all_of_them) // 5))
            assert len(gone) <= most, f"{system}: {len(gone)} of {provider} lost, {most} may"
        total = set().union(*(s for (name, _p), s in self.before.sizes.items() if name == system))
        most = max(10, len(total) // 50)
        assert len(everybody) <= most, f"{system}: {len(everybody)} lost, {most} may"

    def unexplained(
        self, number: str, hsa_id: str, item: Item, system: str = "", sure: bool = False
    ) -> set[str]:
        """The providers whose records say by no date why somebody has lost something.

        Where the row is gone, an end that was known, or that of its unit, may explain it, or not:
        not where it is to be `sure`.
        """
        system = system or ("AD" if item[0] in OF_AD else "HSA")
        gives = _giver(item)
        numbers = self.judge.same(number)
        had = [
            g
            for (name, _provider), all_given in self.judge.known.given.items()
            if name == system
            for g in all_given
            if g.number in numbers and gives(g.provider, g.unit, g.purpose, g.systems)
        ]
        stays = self._stays_of(number)
        keys = self._keys(hsa_id)
        is_held = all(self._is_held(hsa_id, provider) for provider in keys)
        if keys and is_held and not stays and not sure:
            return set()  # nothing but the keys tells at whom a hold is, where all rows are gone
        if had:
            return {
                g.provider for g in had if not self._accounts_for(system, g, stays, hsa_id, sure)
            }
        theirs = [
            s for s in stays if gives(s.provider.id, s.job.unit, s.job.purpose, s.job.systems)
        ]
        if any(self._is_over(system, stay, hsa_id, sure) for stay in theirs):
            return set()
        named = {item[1]} if len(item) > 2 else {s.provider.id for s in theirs}
        # What nobody remembers came from those at whom they were something before the run.
        gave = self._was_at(hsa_id, item) if item[0] in (*OF_AD, "role") else set()
        blamed = gave or named or self._keys(hsa_id)
        if blamed and all(self._is_held(hsa_id, provider) for provider in blamed):
            return set()
        unit = item[2] if item[0] == "member" else ""
        # Who is not listed any more goes by the end of the unit or the provider.
        if blamed and not sure and all(self._site_explains(system, p, unit) for p in blamed):
            return set()
        return blamed or {""}

    def _was_at(self, hsa_id: str, item: Item) -> set[str]:
        """The providers whose own group somebody's account was in, or whose commission they had."""
        theirs = [held for who, held in self.before.held if who == hsa_id]
        if item[0] == "role":
            return {held[1] for held in theirs if held[0] == "member"}
        is_own = item[0] == "group" and item[1].startswith("Halsoval-")
        groups = [item[1]] if is_own else [held[1] for held in theirs if held[0] == "group"]
        return {g.removeprefix("Halsoval-") for g in groups if g.startswith("Halsoval-")}

    def _site_explains(self, system: str, provider: str, unit: str) -> bool:
        """Whether a unit or its provider has an end that explains what nobody's row tells of."""
        last = self._site_last(provider, unit)
        last_run = self.judge.known.days.get((system, provider))
        if last is None or last >= self.day:
            return False
        return _is_no_surprise(last, last_run) if last_run else self.day - last <= MONTH

    def _accounts_for(
        self, system: str, g: Given, stays: Iterable[Stay], hsa_id: str, sure: bool
    ) -> bool:
        """Whether just this assignment has an end, a suspension or a hold now."""
        site = self._site_last(g.provider, g.unit)
        last_run = self.judge.known.days[system, g.provider]
        ends = [g.last, site if _is_no_surprise(site, last_run) else None]
        # Where the row is gone, a guard may ask all the same.
        was_known = not sure and any(day < self.day for day in ends if day)
        if was_known or self._is_held(hsa_id, g.provider):
            return True
        for stay in stays:
            job = stay.job
            if (stay.provider.id, job.unit, job.purpose, job.first) != (
                g.provider, g.unit, g.purpose, g.first
            ):  # fmt: skip
                continue
            if stay.is_away(self.day) and _is_no_surprise(stay.away_since, last_run):
                return True
            last = stay.last
            if last is not None and last < self.day and _is_no_surprise(last, last_run):
                return True
            # A grant that has ended may have been all that gave it, or not.
            if not sure and self._had_a_grant(hsa_id):
                return True
        return False

    def _site_last(self, name: str, unit: str) -> dt.date | None:
        """The last day of a unit and its provider."""
        provider = self.books.providers[name]
        if provider not in self.books.readable:
            return None
        days = (provider.ends, dict(provider.closes).get(unit))
        return min((day for day in days if day), default=None)

    def _is_over(self, system: str, stay: Stay, hsa_id: str, sure: bool) -> bool:
        """Whether the record says that it is over, where no run remembers it.

        The end of a unit may tell of an assignment that had ended long before, or not.
        What was to begin after the end has given nothing that could be over.
        """
        last, away = stay.last, stay.away_since
        return (
            self._is_held(hsa_id, stay.provider.id)
            or (away is not None and stay.is_away(self.day) and self.day - away <= MONTH)
            or (last is not None and stay.job.first <= last < self.day and self.day - last <= MONTH)
            or (not sure and self._site_explains(system, stay.provider.id, stay.job.unit))
            or self._had_a_grant(hsa_id)
        )

    def _had_a_grant(self, hsa_id: str) -> bool:
        """Whether a grant ended not long ago."""
        return any(
            h.kind == "grant" and h.object == hsa_id and not _in_force(h, self.day)
            and h.since <= self.day and self.day - _last(h) <= MONTH
            for h in self.holds
        )  # fmt: skip

    # --- what the next run must know -------------------------------------------------------------

    def remember(self) -> None:
        """What is in effect, person by person; a run that was killed knows what it came to."""
        out = self.books.invalid | self.books.gone
        for system, results in self.outcome.results.items():
            for provider in results.keys() - out:
                self._remember(system, provider)

    def _remember(self, system: str, provider: str) -> None:
        place, known = (system, provider), self.judge.known
        if "not among the expected plans" in self._result(system, provider)["msg"]:
            return  # nobody is told who waits
        kept = {
            g for g in known.given.get(place, set()) if self._is_left(system, provider, g.number)
        }
        for stay in self.stays:
            number = stay.row.number
            if stay.provider.id == provider and not self._is_left(system, provider, number):
                kept |= {
                    self._given(stay, i) for i in self._some_id(number) if self._gives(stay, i)
                }
        known.given[place] = kept
        waits = any("nobody can call back" in e for e in self._result(system, provider)["errors"])
        if place not in known.days or not waits:
            known.days[place] = self.day

    def _given(self, stay: Stay, hsa_id: str) -> Given:
        job, last = stay.job, stay.last
        if self._is_granted(stay, hsa_id):
            last = max(_last(h) for h in self.holds if h.object == hsa_id and h.kind == "grant")
        return Given(
            stay.row.number, stay.provider.id, job.unit, job.purpose, job.first, last, job.systems
        )

    def _is_left(self, system: str, provider: str, number: str) -> bool:
        """Whether somebody is as before, not as the records wish: it failed, or waits."""
        own, ids = self._result(system, provider), self._some_id(number)
        asks = [e for e in own["withheld"] if e.startswith("withheld until a person confirms")]
        # Whose name alone waits has what the records give.
        if ids & {i for e in asks for i in re.findall(rf"({_ID.pattern}): (?!{_REVEALS})", e)}:
            return True
        wished = {item for i in ids for item in self._entitled(number, i)}
        if system not in ("HSA", "AD"):
            return bool(own["errors"] or self.asked.expected) and not wished
        has = {item for i, item in self.held if i in ids}
        if ids & self._closed_by_hand():
            has.add(("enabled",))
        return any(_is_of(system, provider, item) for item in has ^ wished)

    def _closed_by_hand(self) -> set[str]:
        """The HSA-ids of accounts that a person has disabled: the records wish nothing else."""
        return {
            _first(entry, "employeeNumber")
            for entry in self.judge._accounts()
            if "ENABLED" not in entry.attributes["userAccountControl"]
            and "halsoval:disabled" not in entry.attributes.get("extensionName", ())
        }

    def _result(self, system: str, provider: str) -> dict[str, Any]:
        return self.outcome.results[system][provider]

    def _some_id(self, number: str) -> set[str]:
        """The HSA-ids of somebody; who has none yet is under no hold or grant by one."""
        return self.ids_of_same(number) or {""}

    def ids_of_same(self, number: str) -> set[str]:
        """The HSA-ids that somebody has or had."""
        return {i for n in self.judge.same(number) for i in self.ids_of.get(n, ())}

    def intents_are_closed(self) -> None:
        journal = self.judge.region.journal
        for system in () if self.outcome.killed else self.outcome.results:
            assert not journal.unfinished(system), "an intent stays open"

    def offers(self) -> Iterator[tuple[str, Offer]]:
        """What the messages of the run offer to confirm."""
        for system, results in self.outcome.results.items():
            for provider, own in results.items():
                for error in own["errors"]:
                    found = _HASH.search(error)
                    if found:
                        yield found[1], self._offer(system, provider, error, own)

    def _offer(self, system: str, provider: str, error: str, own: Mapping[str, Any]) -> Offer:
        is_whole = not error.startswith("withheld")
        diff = own["diff"]["before"] + own["diff"]["after"] if is_whole else ""
        shown = frozenset(_ids(error + diff))
        said = re.findall(rf"({_ID.pattern}): {_REVEALS}", error)
        return Offer(system, provider, shown, shown if is_whole else frozenset(said), is_whole)

    # --- who is who ------------------------------------------------------------------------------

    def _confirmed_ids(self, system: str) -> set[str]:
        return {i for o in self.confirmed if o.system == system for i in o.shown}

    def _number_in_hsa(self, hsa_id: str) -> str | None:
        return next(
            (_first(e, NUMBER) for e in self.judge._people() if e.first("hsaIdentity") == hsa_id),
            None,
        )

    def _stays_of(self, number: str) -> list[Stay]:
        numbers = self.judge.same(number)
        return [stay for stay in self.stays if numbers & set(stay.row.numbers)]


def _joined(number: str, pairs: Collection[frozenset[str]]) -> frozenset[str]:
    """All numbers that pairs join with a number."""
    numbers = {number}
    while more := {n for pair in pairs if pair & numbers for n in pair} - numbers:
        numbers |= more
    return frozenset(numbers)


def _giver(item: Item) -> Callable[[str, str, str, tuple[str, ...]], bool]:
    """Whether an assignment of (provider, unit, purpose, systems) gives an item."""
    kind, rest = item[0], item[1:]
    if kind == "member":
        return lambda p, u, purpose, _systems: (p, u, purpose) == rest
    if kind == "role":
        return lambda _p, _u, _purpose, systems: NPO in systems
    if kind == "card":
        return lambda _p, _u, _purpose, _systems: True
    if kind == "user":
        return lambda p, _u, _purpose, systems: p == rest[0] and rest[1] in systems
    if kind == "group" and rest[0].startswith("Halsoval-"):
        name = rest[0].removeprefix("Halsoval-")
        return lambda p, _u, _purpose, systems: p == name and JOURNAL in systems
    return lambda _p, _u, _purpose, systems: JOURNAL in systems


def _is_of(system: str, provider: str, item: Item) -> bool:
    """Whether it is something in a system that a provider answers for, alone or with others."""
    if (item[0] in OF_AD) is not (system == "AD"):
        return False
    if item[0] == "member":
        return item[1] == provider
    return item[0] != "group" or item[1] in (JOURNAL_GROUP, f"Halsoval-{provider}")


def _is_no_surprise(day: dt.date | None, last_run: dt.date) -> bool:
    """Whether a day lies no more than a week before the last run: it may be entered so late."""
    return day is not None and day >= last_run - WEEK


def _first(entry: Entry, name: str) -> str:
    return entry.attributes[name][0]


def _expired(entry: Entry, day: dt.date) -> bool:
    """Whether AD itself lets nobody in by the account on the day."""
    expires = entry.first("accountExpires") or "never"
    if "T" not in expires:
        return False
    # 24:00 in Stockholm is 22:00 or 23:00 in UTC.
    return dt.datetime.strptime(expires, "%Y-%m-%dT%H:%M:%SZ").date() < day


def _in_force(hold: Hold, day: dt.date) -> bool:
    return hold.since <= day and day <= _last(hold)


def _last(hold: Hold) -> dt.date:
    days = [hold.until, hold.lifted - dt.timedelta(days=1) if hold.lifted else None]
    return min((day for day in days if day), default=dt.date.max)


def _ids(text: str) -> list[str]:
    return _ID.findall(text)


def _each_once(values: Iterable[str | None]) -> None:
    found = [value.casefold() for value in values if value]
    assert len(found) == len(set(found)), "two people share an id or an account"


def _assert_untold(words: Iterable[str], text: str, where: str) -> None:
    told = [word for word in words if word in text]
    assert not told, f"{told} {where}"
