# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Write requests, and found entries, as LDAP messages (RFC 4511 section 4).

In BER with definite lengths (section 5.1). ldap3 builds each message from ASN.1 objects, which
takes longer than the server needs to carry it out: 0.6 ms for a person, against 0.02 ms here. Its
faster decoder takes most of the time of a read. Tests hold the two of each together.
"""

from __future__ import annotations

from collections.abc import Iterable

from ..engine import matching
from ..engine.plan import Change, Operation

_BOOLEAN = {True: b"\x01\x01\xff", False: b"\x01\x01\x00"}
_INTEGER, _OCTET_STRING, _ENUMERATED, _SEQUENCE, _SET = 0x02, 0x04, 0x0A, 0x30, 0x31
_MODIFY, _ADD, _RENAME = 0x66, 0x68, 0x6C  # [APPLICATION 6], [APPLICATION 8], [APPLICATION 12]
_DELETE, _NEW_SUPERIOR = 0x4A, 0x80  # [APPLICATION 10] LDAPDN, [0] LDAPDN
_FOUND = 0x64  # [APPLICATION 4]
_CHANGE_ADD, _CHANGE_DELETE = b"\x00", b"\x01"


def message(number: int, operation: Operation) -> bytes:
    """The LDAPMessage with this messageID that carries out the operation.

    Old values are deleted by value, so that the server refuses where they changed meanwhile. An
    entry that has an address is called by it, since somebody may move it meanwhile.
    """
    dn = _string(operation.address or operation.dn)
    if operation.action == "add":
        added = b"".join(_attribute(change.attribute, change.add) for change in operation.changes)
        request = _tagged(_ADD, dn + _tagged(_SEQUENCE, added))
    elif operation.action in ("rename", "move"):
        deletes_old = _BOOLEAN[not operation.keeps_values]
        is_move = operation.action == "move"
        rdn = matching.first_rdn(operation.dn) if is_move else operation.new_rdn
        above = _string(operation.new_parent, _NEW_SUPERIOR) if is_move else b""
        request = _tagged(_RENAME, dn + _string(rdn) + deletes_old + above)
    elif operation.action == "delete":
        request = _string(operation.address or operation.dn, _DELETE)
    else:
        changes = b"".join(map(_changes, operation.changes))
        request = _tagged(_MODIFY, dn + _tagged(_SEQUENCE, changes))
    return _tagged(_SEQUENCE, _tagged(_INTEGER, _number(number)) + request)


# Name, and values by attribute, in octets.
Found = tuple[bytes, list[tuple[bytes, tuple[bytes, ...]]]]


def found_entry(octets: bytes) -> Found | None:
    """What a SearchResultEntry says; None of another message, IndexError of a broken one."""
    at, _end = _content(octets, 0)
    _start, at = _content(octets, at)  # past the messageID
    if octets[at] != _FOUND:
        return None
    start, _end = _content(octets, at)
    start, at = _content(octets, start)
    name, attributes = octets[start:at], []
    at, end = _content(octets, at)
    while at < end:
        start, at = _content(octets, at)
        start, following = _content(octets, start)
        kind, values = octets[start:following], []
        following, last = _content(octets, following)
        while following < last:
            start, following = _content(octets, following)
            values.append(octets[start:following])
        attributes.append((kind, tuple(values)))
    return name, attributes


def _content(octets: bytes, at: int) -> tuple[int, int]:
    """Where the content of the element at a place begins and ends."""
    length = octets[at + 1]
    if length < 0x80:
        return at + 2, at + 2 + length
    start = at + 2 + (length & 0x7F)
    return start, start + int.from_bytes(octets[at + 2 : start], "big")


def _changes(change: Change) -> bytes:
    return b"".join(
        _tagged(_SEQUENCE, _tagged(_ENUMERATED, how) + _attribute(change.attribute, values))
        for how, values in ((_CHANGE_DELETE, change.delete), (_CHANGE_ADD, change.add))
        if values
    )


def _attribute(name: str, values: Iterable[str]) -> bytes:
    return _tagged(_SEQUENCE, _string(name) + _tagged(_SET, b"".join(map(_string, values))))


def _string(text: str, tag: int = _OCTET_STRING) -> bytes:
    # What a server sent that is no UTF-8 goes back as it came.
    return _tagged(tag, text.encode("utf-8", "surrogateescape"))


def _number(number: int) -> bytes:
    return number.to_bytes(number.bit_length() // 8 + 1, "big")


def _tagged(tag: int, content: bytes) -> bytes:
    length = len(content)
    if length < 0x80:
        return bytes((tag, length)) + content
    octets = length.to_bytes((length.bit_length() + 7) // 8, "big")
    return bytes((tag, 0x80 | len(octets))) + octets + content
