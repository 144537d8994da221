# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a region's Active Directory is laid out: OUs, groups, names, and how attributes compare."""

from __future__ import annotations

import datetime as dt
import re
import secrets
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field

from ...engine import matching
from ...engine.plan import Attribute, Codec, Values
from ...records.catalogue import SERVICES

# AD's limit for names of accounts that older systems know (MS-SAMR 3.1.1.6); its schema allows 256.
ACCOUNT_NAME_LENGTH = 20
# What AD refuses in a sAMAccountName.
FORBIDDEN_IN_NAMES = frozenset('"/\\[]:;|=,+*?<>@')
# rangeUpper of AD's schema, of the attributes that records fill.
LENGTHS = {
    "givenName": 64, "middleName": 64, "sn": 64, "displayName": 256, "title": 128, "mail": 256,
    "telephoneNumber": 64, "company": 64, "department": 64,
}  # fmt: skip

KEY = "halsoval:"
DISABLED_BY_US = KEY + "disabled"


@dataclass(frozen=True)
class Layout:
    """The layout. `groups` gives the DN of the group that opens a service, by the service's key.

    `account_name` is a format string over the fields serial (of the HSA-id), given and surname.
    `certificates` are the certificate mappings (altSecurityIdentities) by folded HSA-id; with None
    they are left alone, and so are those of people whom it does not name unless `are_all`.
    """

    base_dn: str
    account_ou: str
    quarantine_ou: str
    group_ou: str
    upn_suffix: str
    groups: Mapping[str, str] = field(default_factory=dict)
    account_name: str = "{serial}"
    group_prefix: str = "Halsoval-"
    key_attribute: str = "extensionName"
    protected_name: str = "Skyddad person"
    certificates: Mapping[str, Values] | None = None
    are_all: bool = True

    def __post_init__(self) -> None:
        """Raises ValueError with what was expected."""
        for service, dn in self.groups.items():
            if service not in AD_SERVICES:
                raise ValueError(f"expected in groups a service that AD groups open, not {service}")
            if not matching.split_dn(dn):
                raise ValueError(f"expected the DN of a group for the service {service}")
        if not FORBIDDEN_IN_NAMES.isdisjoint(self.group_prefix):
            raise ValueError("expected a group_prefix that AD takes in a sAMAccountName")
        try:
            self.name_of("x1", "a", "b")
        except (ValueError, LookupError, AttributeError):
            raise ValueError(
                "expected account_name as a format string over {serial}, {given} and {surname}, "
                "for example {given:.3}{surname:.3}"
            ) from None

    def group_name(self, provider: str) -> str:
        """The name of a provider's group."""
        return self.group_prefix + provider

    def name_of(self, serial: str, given: str, surname: str) -> str:
        """The sAMAccountName that an account is to have while nobody else has it."""
        parts = {"given": _plain(given), "surname": _plain(surname), "serial": _plain(serial)}
        name = _plain(self.account_name.format(**parts)) or parts["serial"]
        return name[:ACCOUNT_NAME_LENGTH]


def name_form(text: str) -> str:
    """The form that names share of which a domain takes one: case and accents do not matter.

    A domain controller of Windows compares so (KB938447), Samba does not.
    """
    letters = unicodedata.normalize("NFKD", text.casefold())
    return "".join(letter for letter in letters if not unicodedata.combining(letter))


# The services that membership of a group opens.
AD_SERVICES = frozenset(
    key for key, service in SERVICES.items() if service.provisioning == "ad_group"
)


def searches(layout: Layout) -> tuple[tuple[str | Values, ...], ...]:
    """What to read: all names in the domain, our accounts and groups, and the services' groups."""
    names = ("sAMAccountName", "userPrincipalName", "employeeNumber")
    account = tuple(a.name for a in attributes(layout) if a.name not in ("member", "unicodePwd"))
    group = (*names, "objectClass", layout.key_attribute, "member")
    user = "(&(objectClass=user)(sAMAccountName=*))"
    return (
        (layout.base_dn, "(sAMAccountName=*)", (*names, layout.key_attribute)),
        (layout.account_ou, user, account),
        (layout.quarantine_ou, user, account),
        (layout.group_ou, "(objectClass=group)", group),
        *((dn, "(objectClass=group)", group, "BASE") for dn in sorted(set(layout.groups.values()))),
    )


def attributes(layout: Layout, named: Callable[[str], str] = str) -> tuple[Attribute, ...]:
    """Every attribute that is read and written; `named` gives the HSA-id of a group's member."""
    return (
        Attribute("objectClass"),
        Attribute("sAMAccountName"),
        Attribute("userPrincipalName"),
        Attribute("employeeNumber"),
        Attribute(layout.key_attribute, matching.exact),
        Attribute("userAccountControl", matching.exact, grants="person", codec=_FLAGS),
        Attribute("accountExpires", _moment, codec=_EXPIRY),
        Attribute("unicodePwd", secret=True, made=_random_password),
        # One card is as good as another to log in with.
        Attribute("altSecurityIdentities", grants="person", any_grants=True),
        Attribute("groupType", matching.exact),
        Attribute("member", matching.distinguished_name, grants="value", refers=True, named=named),
        Attribute("telephoneNumber", matching.telephone),
        *(Attribute(name) for name in LENGTHS if name != "telephoneNumber"),
    )


# --- userAccountControl --------------------------------------------------------------------------

ENABLED, NORMAL, SMARTCARD = "ENABLED", "NORMAL_ACCOUNT", "SMARTCARD_REQUIRED"

_DISABLED_BIT = 0x2
# MS-ADTS 2.2.16. A bit without a name stands for itself.
_BITS = {
    0x10: "LOCKOUT",
    0x20: "PASSWD_NOTREQD",
    0x40: "PASSWD_CANT_CHANGE",
    0x80: "ENCRYPTED_TEXT_PASSWORD_ALLOWED",
    0x200: NORMAL,
    0x10000: "DONT_EXPIRE_PASSWD",
    0x40000: SMARTCARD,
    0x80000: "TRUSTED_FOR_DELEGATION",
    0x100000: "NOT_DELEGATED",
    0x200000: "USE_DES_KEY_ONLY",
    0x400000: "DONT_REQUIRE_PREAUTH",
    0x800000: "PASSWORD_EXPIRED",
    0x1000000: "TRUSTED_TO_AUTHENTICATE_FOR_DELEGATION",
}
_NAMES = {name: bit for bit, name in _BITS.items()}


def _flags(values: Values) -> Values:
    """The bits by name. ENABLED stands for the absence of its bit: losing it is a loss."""
    number = int(values[0]) & 0xFFFFFFFF  # AD's integers have a sign
    bits = [1 << place for place in range(number.bit_length()) if number & 1 << place]
    enabled = () if number & _DISABLED_BIT else (ENABLED,)
    named = (_BITS.get(bit, str(bit)) for bit in bits if bit != _DISABLED_BIT)
    return (*enabled, *named) or ("0",)


def _number(flags: Values) -> Values:
    if not flags:
        return ()
    bits = (_NAMES.get(flag) or int(flag) for flag in flags if flag != ENABLED)
    number = sum(bits) + (0 if ENABLED in flags else _DISABLED_BIT)
    return (str(number - (1 << 32) if number >> 31 else number),)


_FLAGS = Codec(_flags, _number)


# --- accountExpires ------------------------------------------------------------------------------

NEVER = "never"

_EPOCH = dt.datetime(1601, 1, 1, tzinfo=dt.UTC)
_SECOND = 10_000_000  # 100 ns
_ISO = "%Y-%m-%dT%H:%M:%SZ"


def moment(when: dt.datetime) -> str:
    """A moment as this attribute shows it, in UTC."""
    return when.astimezone(dt.UTC).strftime(_ISO)


def _shown(ticks: str) -> str:
    if ticks == "0":
        return NEVER
    if ticks == "9223372036854775807":
        return f"{NEVER} ({ticks})"
    seconds, rest = divmod(int(ticks), _SECOND)
    try:
        return ticks if rest or seconds < 0 else moment(_EPOCH + dt.timedelta(seconds=seconds))
    except OverflowError:
        return ticks


def _ticks(shown: str) -> str:
    if shown == NEVER:
        return "0"
    if shown.startswith(NEVER):
        return shown.removeprefix(NEVER).strip(" ()")
    if "T" not in shown:
        return shown
    when = dt.datetime.strptime(shown, _ISO).replace(tzinfo=dt.UTC)
    return str(int((when - _EPOCH).total_seconds()) * _SECOND)


def _moment(shown: str) -> str:
    """0 and the largest number both mean never (MS-ADA1 2.1)."""
    return NEVER if shown.startswith(NEVER) else shown


_EXPIRY = Codec(
    lambda values: tuple(map(_shown, values)), lambda values: tuple(map(_ticks, values))
)


# --- the others ----------------------------------------------------------------------------------


def _random_password() -> str:
    """A password that nobody knows, quoted and in UTF-16-LE (MS-ADTS 3.1.1.3.1.5.1).

    Its end answers every rule on kinds of characters. The rest is digits, since AD refuses one
    that holds a part of the person's name (MS-SAMR 3.1.1.7.2).
    """
    return f'"{secrets.randbelow(10**112):0112}Aa1-"'.encode("utf-16-le").decode("ascii")


def _plain(text: str) -> str:
    """The letters a-z and digits of a text, without accents."""
    return re.sub("[^a-z0-9]", "", name_form(text))


def certificate_mappings(
    certificates: Iterable[Mapping[str, str]] | None,
) -> dict[str, Values] | None:
    """The strong mappings of people's certificates to their accounts, by folded HSA-id (KB5014754).

    A certificate is given by `hsa_id` and either `issuer` and `serial`, the issuer's DN as RFC 4514
    has it and the serial number in hexadecimal digits, or `ski`, its subject key identifier in
    hexadecimal digits. Raises ValueError.
    """
    if certificates is None:
        return None
    owners: dict[str, str] = {}
    for certificate in certificates:
        owner, mapping = certificate["hsa_id"].casefold(), _mapping(certificate)
        if owners.setdefault(mapping, owner) != owner:
            raise ValueError("expected of each certificate one owner, not several")
    mappings: dict[str, Values] = {}
    for mapping, owner in owners.items():
        mappings[owner] = (*mappings.get(owner, ()), mapping)
    return mappings


def mappings_by_person(
    certificates: Mapping[str, Iterable[Mapping[str, str]]],
) -> dict[str, Values]:
    """The same of certificates by HSA-id, as receipts told them; () for who has none any more.

    A certificate of several people, or one that cannot be mapped, lets nobody in, and keeps nobody
    else out.
    """
    mappings: dict[str, dict[str, str]] = {hsa_id.casefold(): {} for hsa_id in certificates}
    for hsa_id, theirs in certificates.items():
        for certificate in theirs:
            with suppress(ValueError):
                mapping = _mapping(certificate)
                mappings[hsa_id.casefold()][matching.case_ignore(mapping)] = mapping
    owners = Counter(form for theirs in mappings.values() for form in theirs)
    return {
        owner: tuple(mapping for form, mapping in theirs.items() if owners[form] == 1)
        for owner, theirs in mappings.items()
    }


def _mapping(certificate: Mapping[str, str]) -> str:
    issuer, serial, ski = (certificate.get(name) or "" for name in ("issuer", "serial", "ski"))
    if ski and not issuer and not serial:
        return f"X509:<SKI>{_octets(ski).hex()}"
    if not ski and issuer and serial:
        names = reversed(matching.split_dn(issuer))
        # AD has the issuer from the root on, and the serial number's octets in reverse.
        dn = ",".join(f"{kind}={matching.escape(value)}" for rdn in names for kind, value in rdn)
        return f"X509:<I>{dn}<SR>{_octets(serial)[::-1].hex().upper()}"
    raise ValueError("expected of each certificate issuer and serial, or ski")


def _octets(digits: str) -> bytes:
    plain = re.sub("[: ]", "", digits)
    if not re.fullmatch("([0-9A-Fa-f]{2})+", plain):
        raise ValueError("expected hexadecimal digits in a certificate's serial or ski")
    return bytes.fromhex(plain)
