# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Our encoder of write requests says what ldap3's says."""

from __future__ import annotations

from dataclasses import replace

import ldap3
from hypothesis import given
from hypothesis import strategies as st
from ldap3.operation.add import add_operation
from ldap3.operation.delete import delete_operation
from ldap3.operation.modify import modify_operation
from ldap3.operation.modifyDn import modify_dn_operation
from ldap3.protocol.rfc4511 import (
    LDAPMessage,
    MessageID,
    ProtocolOp,
    SearchResultDone,
    SearchResultEntry,
)
from pyasn1.codec.ber.encoder import encode

from ansible_collections.regionjh.halsoval.plugins.module_utils.engine.plan import Change, Operation
from ansible_collections.regionjh.halsoval.plugins.module_utils.systems.ldap_message import (
    found_entry,
    message,
)

_number = st.integers(1, 2**31 - 1)
_text = st.text(st.characters(exclude_categories=["Cs"]), max_size=300)
_values = st.lists(_text, min_size=1, max_size=5).map(tuple)
_attributes = st.dictionaries(
    st.sampled_from(["cn", "sn", "hsaIdentity", "title"]), _values, min_size=1
)


def operation(
    action: str, dn: str, *changes: Change, new_rdn: str = "", address: str = ""
) -> Operation:
    return Operation(
        action=action, key="k", kind="person", id="i", level=0, dn=dn, providers=frozenset(),
        changes=changes, new_rdn=new_rdn, address=address,
    )  # type: ignore[arg-type]  # fmt: skip


def by_ldap3(number: int, kind: str, request: object) -> bytes:
    whole = LDAPMessage()
    whole["messageID"] = MessageID(number)
    whole["protocolOp"] = ProtocolOp().setComponentByName(kind, request)
    return bytes(encode(whole))


@given(_number, _text, _attributes)
def test_an_add_is_encoded_as_ldap3_does(
    number: int, dn: str, attributes: dict[str, tuple[str, ...]]
) -> None:
    changes = [Change(name, (), (), values) for name, values in attributes.items()]
    expected = by_ldap3(number, "addRequest", add_operation(dn, attributes, True))
    assert message(number, operation("add", dn, *changes)) == expected


@given(_number, _text, _attributes, _attributes)
def test_a_modify_is_encoded_as_ldap3_does(
    number: int, dn: str, old: dict[str, tuple[str, ...]], new: dict[str, tuple[str, ...]]
) -> None:
    changes = [Change(n, (), old.get(n, ()), new.get(n, ())) for n in (old | new)]
    asked = {
        change.attribute: [
            (how, values)
            for how, values in (
                (ldap3.MODIFY_DELETE, change.delete),
                (ldap3.MODIFY_ADD, change.add),
            )
            if values
        ]
        for change in changes
    }
    expected = by_ldap3(number, "modifyRequest", modify_operation(dn, asked, True))
    assert message(number, operation("modify", dn, *changes)) == expected


@given(_number, _text, _text, st.booleans())
def test_a_rename_is_encoded_as_ldap3_does(number: int, dn: str, new_rdn: str, keeps: bool) -> None:
    expected = by_ldap3(number, "modDNRequest", modify_dn_operation(dn, new_rdn, not keeps))
    rename = replace(operation("rename", dn, new_rdn=new_rdn), keeps_values=keeps)
    # deleteoldrdn is the last octet. RFC 4511 section 5.1 wants TRUE as FF; ldap3 sends 01.
    assert message(number, rename) == expected[:-1] + (b"\x00" if keeps else b"\xff")


@given(_number, st.sampled_from(("cn=a", "cn=å+ou=b", "CN=x\\, y")), _text)
def test_a_move_is_encoded_as_ldap3_does(number: int, rdn: str, new_parent: str) -> None:
    dn, parent = f"{rdn},ou=old,c=SE", new_parent or "c=SE"
    expected = by_ldap3(number, "modDNRequest", modify_dn_operation(dn, rdn, True, parent))
    move = replace(operation("move", dn), new_parent=parent)
    # deleteoldrdn stands before newSuperior, which is as long as what remains.
    assert message(number, move) == _true_as_ff(expected, parent)


def _true_as_ff(octets: bytes, parent: str) -> bytes:
    """The same with the TRUE of deleteoldrdn as RFC 4511 section 5.1 wants it."""
    at = octets.rindex(b"\x01\x01\x01", 0, len(octets) - len(parent.encode()))
    return octets[: at + 2] + b"\xff" + octets[at + 3 :]


@given(_number, _text)
def test_a_deletion_is_encoded_as_ldap3_does(number: int, dn: str) -> None:
    expected = by_ldap3(number, "delRequest", delete_operation(dn))
    assert message(number, operation("delete", dn)) == expected
    guid = "<GUID=00112233-4455-6677-8899-aabbccddeeff>"
    assert message(number, operation("delete", dn, address=guid)) == message(
        number, operation("delete", guid)
    )


def test_octets_that_are_no_utf_8_go_back_as_they_came() -> None:
    odd = b"\xff\xfe".decode("utf-8", "surrogateescape")
    assert b"\x04\x02\xff\xfe" in message(
        1, operation("modify", "cn=x", Change("cn", (), (odd,), ()))
    )


@given(_number, _text)
def test_an_entry_with_an_address_is_called_by_it(number: int, dn: str) -> None:
    guid = "<GUID=00112233-4455-6677-8899-aabbccddeeff>"
    change = Change("cn", (), (), ("a",))
    for action, new_rdn in (("modify", ""), ("rename", "cn=b")):
        sent = message(number, operation(action, dn, change, new_rdn=new_rdn, address=guid))
        assert sent == message(number, operation(action, guid, change, new_rdn=new_rdn))


_octets = st.lists(st.binary(max_size=300), max_size=4)


@given(_number, _text, st.dictionaries(st.sampled_from(["cn", "sn", "title"]), _octets))
def test_a_found_entry_is_read_as_ldap3_encodes_it(
    number: int, dn: str, attributes: dict[str, list[bytes]]
) -> None:
    found = SearchResultEntry()
    found["object"] = dn.encode()
    found["attributes"].clear()
    for position, (name, values) in enumerate(attributes.items()):
        found["attributes"][position]["type"] = name.encode()
        found["attributes"][position]["vals"].clear()
        found["attributes"][position]["vals"].extend(values)
    expected = [(name.encode(), sorted(values)) for name, values in attributes.items()]
    told = found_entry(by_ldap3(number, "searchResEntry", found))
    assert told is not None
    assert (told[0], [(kind, sorted(values)) for kind, values in told[1]]) == (
        dn.encode(),
        expected,
    )


def test_no_other_message_is_a_found_entry() -> None:
    done = SearchResultDone()
    done["resultCode"], done["matchedDN"], done["diagnosticMessage"] = 0, b"", b""
    assert found_entry(by_ldap3(7, "searchResDone", done)) is None
