# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The access policy rules of a delivery group as a system of the pipe, and their sessions.

The site has no optimistic locking: a rule is read, compared, written whole and read back. Where
clients leave a rule, their sessions are logged off as part of the same write. So that a run that
is killed between the two does not forget them, they stand in the rule's excluded clients until
their sessions are gone: an exclude vetoes its rule, and whoever leaves that list is logged off,
too. Nothing else puts clients there.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from typing import Any

from ..engine import matching
from ..engine.journal import Unsettled
from ..engine.plan import Entry, Operation, Values
from ..records.words import some_of
from .citrix_rest import CitrixRest, Missing, Refused, Settings, SiteError, part
from .https import BACK_OFF, HttpError, Transient, rest

__all__ = ["CitrixSite", "Settings", "SiteError"]

# The fields of a rule that are written, all of them every time: what the defaults are depends on
# the site's version, and some let in (RDP and restart by the REST specification of 2023).
FLAGS = (
    "Enabled", "AllowHdxAccess", "AllowRdpAccess", "AllowMachineRestart",
    "IncludedUserFilterEnabled", "ExcludedUserFilterEnabled",
    "IncludedClientNameFilterEnabled", "ExcludedClientNameFilterEnabled",
    "IncludedClientIPFilterEnabled", "ExcludedClientIPFilterEnabled",
    "IncludedSmartAccessFilterEnabled", "ExcludedSmartAccessFilterEnabled",
)  # fmt: skip
LISTS = (
    "IncludedUsers", "ExcludedUsers", "IncludedClientNames", "ExcludedClientNames",
    "IncludedClientIPs", "ExcludedClientIPs",
)  # fmt: skip
TEXTS = ("Description", "AllowedConnection", "AllowedUsers")
# What is read besides, to tell who gets in by a rule.
_ALSO_READ = ("IncludedSmartAccessTags", "ExcludedSmartAccessTags")

# (the clients that a rule lets in, their filter, those that have just left it, that one's filter)
_CLIENTS = (
    ("IncludedClientNames", "IncludedClientNameFilterEnabled",
     "ExcludedClientNames", "ExcludedClientNameFilterEnabled"),
    ("IncludedClientIPs", "IncludedClientIPFilterEnabled",
     "ExcludedClientIPs", "ExcludedClientIPFilterEnabled"),
)  # fmt: skip

# How long to wait for sessions to end, and how often to look, in seconds. Windows saves a profile.
LOGOFF_SECONDS = 120.0
_LOOKS = (0.2, 0.5, 1.0, 2.0, 5.0)

_CHANGED = "somebody else changed the rule at the same time; run again"


@dataclass(frozen=True)
class _Write:
    """A rule as it is to be, and the clients that leave it: folded names and addresses."""

    id: str
    then: Mapping[str, Values]
    leaving: frozenset[str]

    @property
    def first(self) -> Mapping[str, Values]:
        """The rule as it is until the sessions of those who leave are gone."""
        values = dict(self.then)
        for included, _filter, excluded, flag in _CLIENTS:
            is_address = included == "IncludedClientIPs"
            theirs = {c for c in self.leaving if _is_address(c) is is_address}
            if theirs:
                values[excluded] = tuple(sorted({*values[excluded], *theirs}))
                values[flag] = ("true",)
        return values


@dataclass
class CitrixSite:
    """The rules of one delivery group: `read` and `apply`. `read` raises SiteError.

    `left` says by provider whose sessions a run could not end; `told` is what else people should
    know, in sentences.
    """

    settings: Settings
    delivery_group: str
    patience: float = LOGOFF_SECONDS
    left: dict[str, str] = field(default_factory=dict)
    told: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._rest = CitrixRest(self.settings)
        self._group_id = ""
        self._rules: dict[str, Entry] = {}

    @property
    def name(self) -> str:
        """What the site is called in messages and locks."""
        return self._rest.uri

    @property
    def rules(self) -> tuple[Entry, ...]:
        """The group's rules as they were read last."""
        return tuple(self._rules.values())

    def read(self) -> tuple[Entry, ...]:
        """Every rule of the delivery group, complete, or an error."""
        self._look()
        if not self._rules:
            raise SiteError(
                f"the delivery group {self.delivery_group} shows no access policy rule, and even a "
                "new one has two: give the account the right to see them, or set up the group's "
                "access in Citrix Studio first"
            )
        return self.rules

    def group_id(self) -> str:
        """The delivery group's id."""
        if not self._group_id:
            self._group_id = self._found()
        return self._group_id

    def sessions(self) -> Iterator[Mapping[str, Any]]:
        """The delivery group's live sessions as the site has them, complete, or an error."""
        group = self.group_id().casefold()
        for session in self._rest.pages("/Sessions"):
            if str(_tells_group(session) or group).casefold() == group:
                yield session

    def apply(self, operations: Sequence[Operation]) -> dict[Operation, str]:
        """Write rules, and end the sessions of the clients that leave them; what failed, and why.

        A write that failed or whose answer was lost is read back: it was done, or it is sent again
        where the site was busy or away.
        """
        try:
            self._look()
        except HttpError as error:
            return dict.fromkeys(operations, f"not written: {error}")
        failed: dict[Operation, str] = {}
        writes = {}
        for operation in operations:
            write = self._write(operation)
            if isinstance(write, str):
                failed[operation] = write
            else:
                writes[operation] = write
        failed |= self._written({op: write.first for op, write in writes.items()})
        leaving = {o: w for o, w in writes.items() if w.leaving and o not in failed}
        self._take_leave(leaving)
        return failed

    # --- rules -----------------------------------------------------------------------------------

    @property
    def _path(self) -> str:
        return f"/DeliveryGroups/{part(self.group_id())}/AdvancedAccessPolicies"

    def _look(self) -> None:
        """Read the rules."""
        self._rules = {entry.address: entry for entry in map(self._entry, self._pages())}

    def _found(self) -> str:
        try:
            group = self._rest.get(f"/DeliveryGroups/{part(self.delivery_group)}")
        except Missing as error:
            raise SiteError(
                f"there is no delivery group {self.delivery_group}, or {self.settings.user} may "
                f"not see it. {error}"
            ) from error
        return str((group or {}).get("Id") or self.delivery_group)

    def _pages(self) -> list[Any]:
        return list(self._rest.pages(self._path))

    def _entry(self, rule: Mapping[str, Any]) -> Entry:
        values = {name: ("true",) * bool(rule.get(name)) for name in (*FLAGS, "IsBuiltIn")}
        values |= {name: _texts(rule.get(name)) for name in (*LISTS, *_ALSO_READ)}
        values |= {name: _texts([rule.get(name)]) for name in TEXTS}
        name = str(rule.get("Name") or "")
        dn = f"{matching.rdn(('CN', name))},{matching.rdn(('CN', self.delivery_group))}"
        return Entry(dn, values, str(rule.get("Id") or ""))

    def _write(self, operation: Operation) -> _Write | str:
        """What an operation comes to, or why it cannot be done."""
        rule = self._rules.get(operation.address)
        if rule is None and operation.action != "add":
            return _CHANGED
        attributes = rule.attributes if rule else {}
        held = {name: attributes.get(name, ()) for name in (*FLAGS, *LISTS, *TEXTS)}
        then = dict(held)
        for change in operation.changes:
            if _folded(held[change.attribute]) != _folded(change.before):
                return _CHANGED
            gone = _folded(change.delete)
            kept = (v for v in held[change.attribute] if v.casefold() not in gone)
            then[change.attribute] = (*kept, *change.add)
        return _Write(operation.address, then, _leaving(held, then))

    def _written(self, wanted: Mapping[Operation, Mapping[str, Values]]) -> dict[Operation, str]:
        """Bring rules to what is wanted; returns what failed, and why."""
        pending, failed = dict(wanted), dict[Operation, str]()
        for pause in (*BACK_OFF, None):
            asked = 0.0
            reasons: dict[Operation, str] = {}
            again: set[Operation] = set()
            for operation, values in pending.items():
                try:
                    self._send(operation, values)
                    reasons[operation] = "the site says that it is done, and the rule is as before"
                except Transient as error:
                    reasons[operation], asked = str(error), max(asked, error.after)
                    again.add(operation)
                except HttpError as error:
                    reasons[operation] = str(error)
            undone = self._undone(pending, failed)
            if pause is None:
                again = set()
            failed.update({o: reasons[o] for o in undone if o not in again})
            pending = {o: pending[o] for o in undone if o in again}
            if not pending:
                break
            rest(pause or 0, asked)
        return failed

    def _send(self, operation: Operation, values: Mapping[str, Values]) -> None:
        body = _body(values)
        if operation.action == "add":
            body["Name"] = _name(operation.dn)
            warning = self._rest.write("POST", self._path, body)
        else:
            path = f"{self._path}/{part(operation.address)}"
            warning = self._rest.write("PATCH", path, body)
        if warning:
            self.told.append(f"{operation.id} was written, and {warning}")

    def _undone(
        self, wanted: Mapping[Operation, Mapping[str, Values]], failed: dict[Operation, str]
    ) -> list[Operation]:
        """Read back: those that were not done. What cannot be read is unsettled."""
        if not wanted:
            return []
        try:
            self._look()
        except HttpError as error:
            reason = Unsettled(f"perhaps written, which the next run finds out: {error}")
            failed.update(dict.fromkeys(wanted, reason))
            return []
        return [
            operation for operation, values in wanted.items() if not self._is(operation, values)
        ]

    def _is(self, operation: Operation, values: Mapping[str, Values]) -> bool:
        rule = self._rules.get(operation.address)
        if operation.action == "add":
            rule = next((r for r in self.rules if _name(r.dn) == _name(operation.dn)), None)
        return rule is not None and all(
            _folded(rule.attributes[name]) == _folded(values[name]) for name in values
        )

    # --- sessions --------------------------------------------------------------------------------

    def _take_leave(self, writes: Mapping[Operation, _Write]) -> None:
        """End the sessions of clients that leave, and then let go of the clients."""
        if not writes:
            return
        left = self._logged_off(writes)
        free = {operation: w.then for operation, w in writes.items() if not left.get(operation)}
        # Left in the list of the excluded they do no harm, and the next run takes them out.
        unfreed = self._written(free)
        for operation, why in {**{o: w for o, w in left.items() if w}, **unfreed}.items():
            for provider in operation.providers:
                self.left[provider] = why

    def _logged_off(self, writes: Mapping[Operation, _Write]) -> dict[Operation, str]:
        """Log off whoever works at a client that no rule names any more; says who is left."""
        admitted = _admitted(self.rules)
        gone = {operation: write.leaving - admitted for operation, write in writes.items()}
        for operation, write in writes.items():
            if shared := sorted(write.leaving & admitted):
                self.told.append(
                    f"{some_of(shared)} left the rule {operation.id}, and another rule lets it in: "
                    "whose session there it is cannot be told, so none was logged off"
                )
        wanted = frozenset().union(*gone.values())
        try:
            sessions = self._sessions(wanted, admitted) if wanted else {}
            still = self._ended(sessions)
        except HttpError as error:
            return {o: f"sessions may be left: {error}" for o, clients in gone.items() if clients}
        return {operation: _left(still, clients) for operation, clients in gone.items()}

    def _sessions(
        self, clients: AbstractSet[str], admitted: AbstractSet[str]
    ) -> dict[str, frozenset[str]]:
        """The sessions of clients, by id, with what each client is called.

        Behind an address several may sit: of those a client that a rule names keeps its session.
        All are read: `$search` does not know the name that StoreFront passed on, which is the one
        that a rule sees, and takes a filter that is misspelled for none.
        One that does not tell its delivery group may be another's.
        """
        called = {str(one["Id"]): _called(one) for one in self.sessions() if _tells_group(one)}
        return {
            session: names
            for session, names in called.items()
            if names & clients
            and (names.isdisjoint(admitted) or not all(map(_is_address, names & clients)))
        }

    def _ended(self, sessions: Mapping[str, frozenset[str]]) -> dict[str, frozenset[str]]:
        """Log sessions off and look until they are gone; returns those that are not.

        The site answers once it has begun, and never tells what came of it on the machine.
        """
        still = dict(sessions)
        for session in sessions:
            try:
                self._rest.again("POST", f"/Sessions/{part(session)}/$logoff")
            except Missing:
                del still[session]
            except Refused as error:  # it may be ending: whether it goes is seen below
                self.told.append(f"a session was not logged off at once: {error}")
        deadline = time.monotonic() + self.patience
        looks = iter(_LOOKS)
        while still := {s: called for s, called in still.items() if self._is_there(s)}:
            if time.monotonic() > deadline:
                break
            time.sleep(next(looks, _LOOKS[-1]))
        return still

    def _is_there(self, session: str) -> bool:
        try:
            self._rest.get(f"/Sessions/{part(session)}")
        except Missing:
            return False
        return True


# --- fields ---------------------------------------------------------------------------------------


def _texts(values: Any) -> Values:
    """Values of a list: texts, users, and tags of a gateway."""
    return tuple(filter(None, map(_text, values or ())))


def _text(value: Any) -> str:
    """Users come as objects, and go as texts: DOMAIN\\name, or the SID of one without."""
    if not isinstance(value, Mapping):
        return "" if value is None else str(value)
    if "Farm" in value or "Filter" in value:
        return f"{value.get('Farm') or ''}:{value.get('Filter') or ''}"
    return str(value.get("SamName") or value.get("Sid") or value.get("PrincipalName") or "?")


def _body(values: Mapping[str, Values]) -> dict[str, Any]:
    """A rule as it is written. Fields that a newer site has are left out, and so left alone."""
    return {
        **{name: bool(values[name]) for name in FLAGS},
        **{name: list(values[name]) for name in LISTS},
        **{name: values[name][0] for name in TEXTS if values[name]},
    }


def _name(dn: str) -> str:
    return matching.split_dn(dn)[0][0][1]


def _folded(values: Iterable[str]) -> frozenset[str]:
    return frozenset(value.casefold() for value in values)


# --- clients --------------------------------------------------------------------------------------


def _leaving(held: Mapping[str, Values], then: Mapping[str, Values]) -> frozenset[str]:
    """The clients that a rule no longer lets in, and those that have not been logged off yet."""
    before, after = _let_in(held), _let_in(then)
    marked = (held[excluded] for _i, _f, excluded, _g in _CLIENTS)
    left = (then[excluded] for _i, _f, excluded, _g in _CLIENTS)
    # Whom the rule names again has not left.
    again = _union(marked) - _union(left) - after
    # A rule that somebody disabled has ended no session, so who leaves its list may have one still.
    return (before - after) | (_named(held) - _named(then)) | again


def _let_in(rule: Mapping[str, Values]) -> frozenset[str]:
    return _named(rule) if rule.get("Enabled") else frozenset()


def _named(rule: Mapping[str, Values]) -> frozenset[str]:
    return _union(rule.get(included, ()) for included, flag, *_x in _CLIENTS if rule.get(flag))


def _union(lists: Iterable[Values]) -> frozenset[str]:
    return frozenset().union(*map(_folded, lists))


def _admitted(rules: Iterable[Entry]) -> frozenset[str]:
    """The clients that enabled rules name."""
    return frozenset().union(*(_let_in(rule.attributes) for rule in rules))


def _tells_group(session: Mapping[str, Any]) -> str:
    """The id of a session's delivery group, "" where it tells none."""
    group = (session.get("Machine") or {}).get("DeliveryGroup") or {}
    return str(group.get("Id") or "")


def _called(session: Mapping[str, Any]) -> frozenset[str]:
    """What a session's client is called: by itself, and by what StoreFront passed on."""
    client = session.get("Client") or {}
    names = ("Name", "ReceiverName", "IPAddress", "ReceiverIPAddress")
    return _folded(str(client[name]) for name in names if client.get(name))


def _left(still: Mapping[str, frozenset[str]], clients: frozenset[str]) -> str:
    theirs = [called & clients for called in still.values() if called & clients]
    names = sorted(frozenset().union(*theirs))
    if not names:
        return ""
    return (
        f"session_left: {len(theirs)} sessions of {some_of(names)} were told to log off and are "
        "not gone; the next run tries again"
    )


def _is_address(client: str) -> bool:
    # A client name holds no point (annex: none of the characters that Citrix refuses).
    return "." in client
