# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Write requests as LDAP messages (RFC 4511 section 4, in BER with definite lengths).

ldap3 builds each message from ASN.1 objects, which takes longer than the server needs to carry it
out: 0.6 ms for a person, against 0.02 ms here. A test holds the two encoders together.
"""

from __future__ import annotations

from collections.abc import Iterable

from ..engine.plan import Change, Operation

_BOOLEAN = {True: b"\x01\x01\xff", False: b"\x01\x01\x00"}
_INTEGER, _OCTET_STRING, _ENUMERATED, _SEQUENCE, _SET = 0x02, 0x04, 0x0A, 0x30, 0x31
_MODIFY, _ADD, _RENAME = 0x66, 0x68, 0x6C  # [APPLICATION 6], [APPLICATION 8], [APPLICATION 12]
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
    elif operation.action == "rename":
        deletes_old = _BOOLEAN[not operation.keeps_values]
        request = _tagged(_RENAME, dn + _string(operation.new_rdn) + deletes_old)
    else:
        changes = b"".join(map(_changes, operation.changes))
        request = _tagged(_MODIFY, dn + _tagged(_SEQUENCE, changes))
    return _tagged(_SEQUENCE, _tagged(_INTEGER, _number(number)) + request)


def _changes(change: Change) -> bytes:
    return b"".join(
        _tagged(_SEQUENCE, _tagged(_ENUMERATED, how) + _attribute(change.attribute, values))
        for how, values in ((_CHANGE_DELETE, change.delete), (_CHANGE_ADD, change.add))
        if values
    )


def _attribute(name: str, values: Iterable[str]) -> bytes:
    return _tagged(_SEQUENCE, _string(name) + _tagged(_SET, b"".join(map(_string, values))))


def _string(text: str) -> bytes:
    # What a server sent that is no UTF-8 goes back as it came.
    return _tagged(_OCTET_STRING, text.encode("utf-8", "surrogateescape"))


def _number(number: int) -> bytes:
    return number.to_bytes(number.bit_length() // 8 + 1, "big")


def _tagged(tag: int, content: bytes) -> bytes:
    length = len(content)
    if length < 0x80:
        return bytes((tag, length)) + content
    octets = length.to_bytes((length.bit_length() + 7) // 8, "big")
    return bytes((tag, 0x80 | len(octets))) + octets + content
