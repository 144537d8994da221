# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What becomes of a server's replies: entries whole or not at all, and errors in words.

The replies are real messages of RFC 4511, encoded by ldap3's definitions. No server sends them.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import ldap3
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ldap3.protocol.convert import build_controls_list
from ldap3.protocol.rfc2696 import paged_search_control
from ldap3.protocol.rfc4511 import LDAPMessage, MessageID, ProtocolOp, ResultCode
from ldap3.protocol.rfc4511 import SearchResultDone as Done
from ldap3.protocol.rfc4511 import SearchResultEntry as Found
from pyasn1.codec.ber.encoder import encode

from ansible_collections.regionjh.halsoval.plugins.module_utils.desired.ad.layout import schema
from ansible_collections.regionjh.halsoval.plugins.module_utils.engine.plan import (
    Attribute,
    Change,
    Entry,
    Operation,
    Values,
)
from ansible_collections.regionjh.halsoval.plugins.module_utils.systems import directory as room
from ansible_collections.regionjh.halsoval.plugins.module_utils.systems.directory import (
    Directory,
    DirectoryError,
    IncompleteRead,
    Search,
    Settings,
)
from ansible_collections.regionjh.halsoval.tests.unit.ad_in_memory import AD_LAYOUT
from ansible_collections.regionjh.halsoval.tests.unit.builders import number

SCHEMA = {attribute.name: attribute for attribute in schema(AD_LAYOUT)}
SETTINGS = Settings("ldaps://dc.example", "CN=svc", "secret")
DN = "CN=App-Journal,DC=example"
GUID = uuid.UUID("00112233-4455-6677-8899-aabbccddeeff")
GROUPS = Search("DC=example", "(objectClass=group)", ("member", "sAMAccountName"))

Reply = tuple[str, Any]


def entry(dn: str = DN, **attributes: Sequence[str | bytes]) -> Reply:
    """A SearchResultEntry."""
    found = Found()
    found["object"] = dn.encode()
    for position, (name, values) in enumerate(attributes.items()):
        held = found["attributes"][position]
        held["type"] = name.encode()
        for place, value in enumerate(values):
            held["vals"][place] = value.encode() if isinstance(value, str) else value
    return "searchResEntry", found


def part(first: int, last: int | None, names: Iterable[str], dn: str = DN) -> Reply:
    """An entry with a part of its members."""
    found = Found()
    found["object"] = dn.encode()
    held = found["attributes"][0]
    held["type"] = f"member;range={first}-{'*' if last is None else last}".encode()
    for place, name in enumerate(names):
        held["vals"][place] = name.encode()
    return "searchResEntry", found


def done(code: int = 0, cookie: bytes | None = None) -> Reply:
    """A SearchResultDone; with a cookie it ends a page (RFC 2696)."""
    result = Done()
    result["resultCode"] = ResultCode(code)
    result["matchedDN"] = b""
    result["diagnosticMessage"] = b""
    return "searchResDone", (result, cookie)


class Server:
    """Stands where ldap3's connection does: answers each request with the next of its answers."""

    def __init__(self, *answers: Sequence[Reply]) -> None:
        self.requests: list[Any] = []
        self._answers = list(answers)
        self._pending: list[bytes] = []
        real = ldap3.Connection(ldap3.Server("dc.example", get_info=ldap3.NONE))
        self.decode_response_fast = real.strategy.decode_response_fast

    @property
    def strategy(self) -> Server:
        return self

    def send(self, _kind: str, request: Any, controls: Any) -> None:
        asked = [bytes(name).decode() for name in request["attributes"]]
        self.requests.append((bytes(request["baseObject"]).decode(), asked, controls))
        for kind, content in self._answers.pop(0):
            content, cookie = content if isinstance(content, tuple) else (content, None)
            whole = LDAPMessage()
            whole["messageID"] = MessageID(len(self.requests))
            whole["protocolOp"] = ProtocolOp().setComponentByName(kind, content)
            if cookie is not None:
                whole["controls"] = build_controls_list([paged_search_control(False, 0, cookie)])
            self._pending.append(bytes(encode(whole)))

    def receiving(self) -> list[bytes]:
        received, self._pending = self._pending, []
        return received


def searched(
    *answers: Sequence[Reply], search: Search = GROUPS, active: bool = True
) -> tuple[list[Entry], Server]:
    """What one page of a search gives, and what the server was asked."""
    form = Directory(SETTINGS, [search], SCHEMA, active)._form
    server = Server(*answers)
    entries, _cookie = room._searched(server, search, form, None)
    return entries, server


# --- entries -------------------------------------------------------------------------------------


def test_an_entry_has_canonical_names_and_an_address_that_it_keeps() -> None:
    found = entry(MEMBER=["CN=a"], samaccountname=["App-Journal"], objectGUID=[GUID.bytes_le])
    ((one,), _server) = searched([found, done()])
    assert one == Entry(
        DN, {"member": ("CN=a",), "sAMAccountName": ("App-Journal",)}, f"<GUID={GUID}>"
    )


def test_in_another_directory_entries_have_no_address() -> None:
    ((one,), server) = searched([entry(member=["CN=a"]), done()], active=False)
    assert one.address == ""
    ((_base, asked, controls),) = server.requests
    assert "objectGUID" not in asked
    assert room.DOMAIN_SCOPE not in str(controls)


def test_an_active_directory_is_asked_for_addresses_in_its_own_domain() -> None:
    _entries, server = searched([done()])
    ((_base, asked, controls),) = server.requests
    assert "objectGUID" in asked
    assert room.DOMAIN_SCOPE in str(controls)


def test_values_are_decoded_by_the_attributes_codec() -> None:
    found = entry(userAccountControl=["514"], accountExpires=["0"])
    ((one,), _server) = searched([found, done()])
    assert one.attributes == {
        "userAccountControl": ("NORMAL_ACCOUNT",), "accountExpires": ("never",)
    }  # fmt: skip


def test_a_search_of_a_base_that_is_not_there_finds_nothing() -> None:
    base = Search(DN, "(objectClass=group)", ("member",), "BASE")
    for code in (32, 10):
        assert searched([done(code)], search=base)[0] == []
        with pytest.raises(DirectoryError):
            searched([done(code)])


def test_a_search_of_a_base_is_not_paged() -> None:
    base = Search(DN, "(objectClass=group)", ("member",), "BASE")
    _entries, server = searched([done()], search=base)
    assert room.PAGED_RESULTS not in str(server.requests[0][2])
    _entries, server = searched([done()])
    assert room.PAGED_RESULTS in str(server.requests[0][2])


@pytest.mark.parametrize("code", [3, 4, 11])
def test_a_search_that_is_cut_short_is_no_read(code: int) -> None:
    with pytest.raises(IncompleteRead):
        searched([entry(member=["CN=a"]), done(code)])


# --- pages ---------------------------------------------------------------------------------------


def page(names: Iterable[str], cookie: bytes) -> list[Reply]:
    """A page with these groups."""
    return [*(entry(f"CN={name},DC=example", member=["CN=a"]) for name in names), done(0, cookie)]


def read(*answers: Sequence[Reply]) -> tuple[list[str], Server]:
    """The groups that all pages of a search give, and what the server was asked."""
    server = Server(*answers)
    entries = Directory(SETTINGS, [GROUPS], SCHEMA)._pages(server, GROUPS)
    return [e.dn.partition(",")[0].removeprefix("CN=") for e in entries], server


PAGES = st.lists(st.lists(st.integers(0, 999), max_size=3), min_size=1, max_size=9)


@settings(max_examples=100)
@given(PAGES, st.lists(st.sampled_from([b"same", b"a", b"b"]), min_size=9, max_size=9))
def test_pages_of_any_size_make_the_whole_whatever_the_cookies(
    sizes: list[list[int]], cookies: list[bytes]
) -> None:
    """Samba: one cookie for all pages, and empty ones where entries went away meanwhile."""
    names = [
        [f"g{place}-{n}" for n, _any in enumerate(members)] for place, members in enumerate(sizes)
    ]
    answers = [page(one, cookies[place]) for place, one in enumerate(names[:-1])]
    found, server = read(*answers, page(names[-1], b""))
    assert found == [name for one in names for name in one]
    assert len(server.requests) == len(names)


def test_a_page_of_what_is_known_already_is_no_end() -> None:
    """Somebody renamed a group to the name of one that the search has passed."""
    answers = [page(["a"], b"x"), page(["a"], b"x"), page([], b"x"), page(["b"], b"")]
    assert read(*answers)[0] == ["a", "a", "b"]


@pytest.mark.parametrize(
    "circle",
    [
        [page([], b"same")],
        [page(["a"], b"same")],
        [page([], b"a"), page([], b"b")],
        [page(["a", "b"], b"a"), page(["b"], b"b"), page([], b"c")],
    ],
    ids=["empty", "the same again", "two cookies", "three pages"],
)
def test_a_search_that_goes_round_in_circles_is_no_read(
    monkeypatch: pytest.MonkeyPatch, circle: list[list[Reply]]
) -> None:
    monkeypatch.setattr(room, "IDLE_PAGES", 20)
    with pytest.raises(IncompleteRead, match="21 pages in a row brought nothing new"):
        read(*circle * 30)


def test_a_search_with_new_cookies_and_nothing_else_ends_too(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(room, "IDLE_PAGES", 20)
    with pytest.raises(IncompleteRead):
        read(*[page([], str(n).encode()) for n in range(30)])


def test_a_page_that_is_cut_short_in_the_middle_is_no_read() -> None:
    for code in (3, 4, 11, 50, 80):
        with pytest.raises(DirectoryError):
            read(page(["a"], b"same"), page([], b"same"), [done(code)])


# --- ranges --------------------------------------------------------------------------------------


def members(first: int, last: int) -> list[str]:
    return [f"CN=m{n}" for n in range(first, last + 1)]


@settings(max_examples=60)
@given(st.lists(st.integers(1, 7), min_size=1, max_size=6))
def test_parts_of_any_size_make_the_whole(sizes: list[int]) -> None:
    starts = [sum(sizes[:place]) for place in range(len(sizes) + 1)]
    last = len(sizes) - 1
    parts = [
        [
            part(starts[n], None if n == last else starts[n + 1] - 1,
                 members(starts[n], starts[n + 1] - 1)),
            done(),
        ]
        for n in range(len(sizes))
    ]  # fmt: skip
    ((one,), server) = searched(*parts)
    assert one.attributes["member"] == tuple(members(0, starts[-1] - 1))
    assert [asked for _base, asked, _controls in server.requests[1:]] == [
        [f"member;range={start}-*"] for start in starts[1:-1]
    ]


def test_a_range_is_named_once_more_without_values() -> None:
    found = part(0, 1, members(0, 1))
    extra = found[1]["attributes"][1]
    extra["type"] = b"member"
    extra["vals"].clear()
    ((one,), _server) = searched([found, done()], [part(2, None, members(2, 2)), done()])
    assert one.attributes["member"] == tuple(members(0, 2))


def test_parts_are_asked_for_by_address_where_there_is_one() -> None:
    found = part(0, 0, members(0, 0))
    guid = found[1]["attributes"][1]
    guid["type"] = b"objectGUID"
    guid["vals"][0] = GUID.bytes_le
    _entries, server = searched([found, done()], [part(1, None, members(1, 1)), done()])
    assert server.requests[1][0] == f"<GUID={GUID}>"


def test_of_several_groups_each_gets_its_own_rest() -> None:
    names = [f"CN=g{n},DC=example" for n in range(3)]
    first = [part(0, 0, [f"CN={n}-0"], dn) for n, dn in enumerate(names)]
    rests = [[part(1, None, [f"CN={n}-1"], dn), done()] for n, dn in enumerate(names)]
    entries, _server = searched([*first, done()], *rests)
    assert [e.attributes["member"] for e in entries] == [
        (f"CN={n}-0", f"CN={n}-1") for n in range(3)
    ]  # fmt: skip


@pytest.mark.parametrize(
    "answers",
    [
        # Nothing more, though there should be.
        [[done()]],
        [[entry(), done()]],
        [[part(2, None, []), done()]],
        # Another part than was asked for.
        [[part(0, None, members(0, 3)), done()]],
        [[part(3, None, members(3, 3)), done()]],
        # Fewer values than the range says.
        [[part(2, 4, members(2, 3)), done()], [part(5, None, members(5, 5)), done()]],
        # A part that never ends.
        [[part(2, 3, members(2, 3)), done()], [part(2, 3, members(2, 3)), done()]],
        # The server's limits, or an error.
        [[part(2, None, members(2, 2)), done(4)]],
        [[part(2, None, members(2, 2)), done(50)]],
    ],
    ids=[
        "no entry", "no part", "empty part", "from the start", "a gap", "too few", "the same again",
        "size limit", "no right",
    ],
)  # fmt: skip
def test_a_range_that_stays_incomplete_is_no_read(answers: list[list[Reply]]) -> None:
    with pytest.raises(DirectoryError):
        searched([part(0, 1, members(0, 1)), done()], *answers)


def test_a_range_that_does_not_begin_at_the_first_value_is_no_read() -> None:
    with pytest.raises(IncompleteRead):
        searched([part(1, None, members(1, 3)), done()])


def test_a_part_without_its_range_is_not_taken_for_the_rest() -> None:
    # A server that does not know ranges sends everything again.
    found = [entry(member=members(0, 4)), done()]
    try:
        ((one,), _server) = searched([part(0, 1, members(0, 1)), done()], found)
    except IncompleteRead:
        return
    assert sorted(set(one.attributes["member"])) == members(0, 4)


def test_what_is_not_utf_8_comes_through() -> None:
    ((one,), _server) = searched([entry(sAMAccountName=[b"\xff\xfe"]), done()])
    assert one.attributes["sAMAccountName"] == (b"\xff\xfe".decode("utf-8", "surrogateescape"),)


# --- what is written -----------------------------------------------------------------------------


def stored(*changes: Change, schema: Mapping[str, Attribute] = SCHEMA) -> tuple[Change, ...]:
    """The changes as the directory is sent them."""
    operation = Operation(
        action="modify", key="k", kind="account", id="i", level=0, dn=DN, providers=frozenset(),
        changes=changes,
    )  # fmt: skip
    return Directory(SETTINGS, [GROUPS], schema)._stored(operation).changes


FLAGS = ("ENABLED", "NORMAL_ACCOUNT", "SMARTCARD_REQUIRED")


def test_a_changed_bit_is_sent_as_the_old_number_and_the_new_one() -> None:
    (sent,) = stored(Change("userAccountControl", FLAGS, ("ENABLED",), ()))
    assert (sent.delete, sent.add) == (("262656",), ("262658",))
    (sent,) = stored(Change("userAccountControl", FLAGS[1:], (), ("ENABLED",)))
    assert (sent.delete, sent.add) == (("262658",), ("262656",))
    (sent,) = stored(Change("userAccountControl", (), (), FLAGS))
    assert (sent.delete, sent.add) == ((), ("262656",))


def test_never_is_sent_as_the_number_that_is_held_or_nought() -> None:
    never = "never (9223372036854775807)"
    (sent,) = stored(Change("accountExpires", (never,), (never,), ("2026-07-02T00:00:00Z",)))
    assert sent.delete == ("9223372036854775807",)
    assert sent.add[0].startswith("1342")
    (sent,) = stored(Change("accountExpires", (), (), ("never",)))
    assert sent.add == ("0",)


def test_a_made_value_is_made_when_it_is_sent_and_anew_each_time() -> None:
    planned = Change("unicodePwd", (), (), ("made at random",))
    sent = {stored(planned)[0].add for _time in range(5)}
    assert len(sent) == 5
    assert ("made at random",) not in sent
    assert planned.add == ("made at random",)


def test_other_values_are_sent_as_they_are() -> None:
    change = Change("displayName", ("a",), ("a",), ("b",))
    assert stored(change) == (change,)
    assert stored(change, Change("userAccountControl", (), (), FLAGS))[0] is change


def test_what_cannot_be_read_back_is_held_to_be_written() -> None:
    directory = Directory(SETTINGS, [GROUPS], SCHEMA)
    assert directory._holds(Entry(DN, {}), Change("unicodePwd", (), (), ("made at random",)))
    flags: dict[str, Values] = {"userAccountControl": FLAGS}
    assert directory._holds(Entry(DN, flags), Change("userAccountControl", (), (), ("ENABLED",)))
    assert not directory._holds(Entry(DN, flags), Change("userAccountControl", (), FLAGS, ()))


# --- a reply that was lost -----------------------------------------------------------------------


def read_back(operation: Operation, *answers: Sequence[Reply]) -> str:
    """Whether an operation whose reply was lost was done, by what is read back."""
    directory = Directory(SETTINGS, [], {"ou": Attribute("ou", shown=True), "n": Attribute("n")})
    return directory._state(Server(*answers), operation)


def operation(action: Any, *changes: Change, new_rdn: str = "") -> Operation:
    """An operation on a unit."""
    return Operation(
        action=action, key="k", kind="unit", id="i", level=0, dn="ou=norra VÅRD,c=SE",
        providers=frozenset(), changes=changes, new_rdn=new_rdn,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("name", "state"),
    [
        ("ou=norra VÅRD,c=SE", "undone"),
        ("ou=Norra Vård,c=SE", "done"),
        ("OU=Norra V\\C3\\A5rd,c=SE", "done"),
        ("ou=NORRA vård,c=SE", "undone"),
    ],
)
def test_a_rename_to_another_spelling_is_done_when_the_name_is_spelled_so(
    name: str, state: str
) -> None:
    rename = operation("rename", new_rdn="ou=Norra Vård")
    assert read_back(rename, [entry(name), done()], [entry(name), done()]) == state


def test_a_rename_to_another_name_is_done_when_the_old_one_is_gone() -> None:
    rename = operation("rename", new_rdn="ou=Södra")
    old, new, none = [entry("ou=norra VÅRD,c=SE"), done()], [entry("ou=Södra"), done()], [done(32)]
    assert read_back(rename, old, none) == "undone"
    assert read_back(rename, none, new) == "done"
    assert read_back(rename, old, new) == "undone"
    assert read_back(rename, none, none) == "other"


@pytest.mark.parametrize(
    ("name", "held", "state"),
    [("ou", "Strauss", "done"), ("ou", "Strauß", "undone"), ("n", "Strauß", "undone")],
)
def test_a_corrected_spelling_is_done_when_it_is_read(name: str, held: str, state: str) -> None:
    change = operation("modify", Change(name, ("Strauß",), ("Strauß",), ("Strauss",)))
    assert read_back(change, [entry("ou=norra VÅRD,c=SE", **{name: [held]}), done()]) == state


# --- errors in words -----------------------------------------------------------------------------


def reason(code: int, message: str) -> str:
    """Why an operation failed."""
    operation = Operation(
        action="add", key="k", kind="account", id="i", level=0, dn=DN, providers=frozenset()
    )
    failed: dict[Operation, str] = {}
    busy: list[Operation] = []
    result = {"result": code, "description": "described", "message": message}
    room._sort_out(operation, result, failed, busy)
    assert busy == []
    return failed[operation]


@pytest.mark.parametrize(
    ("code", "message", "said"),
    [
        (50, "00002098: SecErr: DSID-03150F94, problem 4003", "no right"),
        (50, "00000005: SecErr", "no right"),
        (53, "0000052D: Constraint violation - check_password_restrictions", "password policy"),
        (19, "0000052d: SvcErr: DSID-031A124C", "password policy"),
        (19, "000021C7: AtrErr: DSID-03200BBA", "the name is taken"),
        (68, "00002071: UpdErr: DSID-031B0D5E, problem 6005 (ENTRY_EXISTS)", "the name is taken"),
        (68, "00000562: UpdErr", "somebody else changed"),
        (20, "00002083: AtrErr", "somebody else changed"),
        (16, "", "somebody else changed"),
        (68, "", "the name is taken"),
        (68, "samldb: name in use", "the name is taken"),
    ],
)
def test_an_error_code_of_windows_is_said_in_words(code: int, message: str, said: str) -> None:
    assert said in reason(code, message)


def test_an_unknown_error_is_said_in_the_servers_own_words() -> None:
    assert reason(53, "0000001F: odd") == "described: 0000001F: odd"
    assert reason(53, "") == "described"


def test_what_a_server_says_is_written_out_where_a_screen_would_obey_it() -> None:
    assert reason(53, "a\x1b[2Jb\u202ec\nd") == r"described: a\x1b[2Jb\u202ec\x0ad"


def test_no_error_tells_a_personal_number() -> None:
    assert number(1) not in reason(19, f"value {number(1)} is wrong")


@pytest.mark.parametrize("code", [51, 52])
def test_a_busy_server_is_asked_again(code: int) -> None:
    operation = Operation(
        action="add", key="k", kind="account", id="i", level=0, dn=DN, providers=frozenset()
    )
    failed: dict[Operation, str] = {}
    busy: list[Operation] = []
    room._sort_out(operation, {"result": code, "description": "", "message": ""}, failed, busy)
    assert (failed, busy) == ({}, [operation])
