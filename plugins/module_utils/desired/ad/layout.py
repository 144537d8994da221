# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a region's Active Directory is laid out: OUs, groups, names, and how attributes compare."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from ...engine import matching
from ...engine.plan import Attribute, Values
from ...records.catalogue import SERVICES
from ...records.identifiers import utf16_length
from .codecs import EXPIRY, FLAGS, SID, moment_form, random_password

# AD's limit for names of accounts that older systems know (MS-SAMR 3.1.1.6); its schema allows 256.
ACCOUNT_NAME_LENGTH = 20
# rangeUpper of cn, and the longest id of a provider (records/model.py): what is left for a prefix.
_LONGEST_PREFIX = 64 - 40
# What AD refuses in a sAMAccountName.
FORBIDDEN_IN_NAMES = frozenset('"/\\[]:;|=,+*?<>@')
# rangeUpper of AD's schema, of the attributes that records fill: in UTF-16 code units. Texts of
# records are shorter (records/model.py), so what configuration adds is all that can be too long.
LENGTHS = {
    "givenName": 64, "middleName": 64, "sn": 64, "displayName": 256, "title": 128, "mail": 256,
    "telephoneNumber": 64, "company": 64, "department": 64,
}  # fmt: skip

# What others may have said of a person in an account before it was taken over: names and contact
# data of AD's own schema, as texts. A run only ever takes them away, from protected people.
OTHERS_SAID = (
    "initials", "personalTitle", "generationQualifier", "displayNamePrintable", "description",
    "info", "comment", "mobile", "otherMobile", "homePhone", "otherHomePhone", "otherTelephone",
    "pager", "otherPager", "ipPhone", "otherIpPhone", "facsimileTelephoneNumber",
    "otherFacsimileTelephoneNumber", "proxyAddresses", "otherMailbox", "url", "wWWHomePage",
    "physicalDeliveryOfficeName", "streetAddress", "street", "l", "postalCode", "postOfficeBox",
    "postalAddress", "homePostalAddress",
)  # fmt: skip

# What may make more of an account of ours than the records say (desired/ad/watched.py). It is read
# and never written.
WATCHED = (
    "adminCount", "primaryGroupID", "servicePrincipalName", "msDS-AllowedToDelegateTo",
    "msDS-KeyCredentialLink", "sIDHistory",
)  # fmt: skip

# What tells how long nobody has logged on (desired/ad/dormant.py). Likewise.
LOGONS = ("lastLogonTimestamp", "whenCreated")

KEY = "halsoval:"
DISABLED_BY_US = KEY + "disabled"
# Begins what says on which day an account came into quarantine.
QUARANTINED = KEY + "quarantined/"


@dataclass(frozen=True)
class Layout:
    """The layout. `groups` gives the DN of the group that opens a service, by the service's key.

    `account_name` is a format string over the fields serial (of the HSA-id), given and surname;
    `in_ascii` gives the Latin letters that stand for others, of which it is to lose none.
    `dormant_days` is for how long nobody may have logged on with an enabled account unnoticed,
    `grace_days` for how long an account stays in quarantine before it is deleted.
    `certificates` are the certificate mappings (altSecurityIdentities) by folded HSA-id; with None
    they are left alone, and so are those of people whom it does not name unless `are_all`.
    `known_certificates` are all that the ledger has ever known, those of cards that are over too.
    """

    base_dn: str
    account_ou: str
    quarantine_ou: str
    group_ou: str
    upn_suffix: str
    in_ascii: Callable[[str], str]
    groups: Mapping[str, str] = field(default_factory=dict)
    account_name: str = "{serial}"
    group_prefix: str = "Halsoval-"
    key_attribute: str = "extensionName"
    protected_name: str = "Skyddad person"
    dormant_days: int = 90
    grace_days: int = 90
    certificates: Mapping[str, Values] | None = None
    are_all: bool = True
    known_certificates: Mapping[str, Values] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Raises ValueError with what was expected."""
        for service, dn in self.groups.items():
            if service not in AD_SERVICES:
                raise ValueError(f"expected in groups a service that AD groups open, not {service}")
            if not matching.split_dn(dn):
                raise ValueError(f"expected the DN of a group for the service {service}")
        for option in ("dormant_days", "grace_days"):
            if getattr(self, option) < 1:
                raise ValueError(f"expected {option} of 1 or more")
        if not FORBIDDEN_IN_NAMES.isdisjoint(self.group_prefix):
            raise ValueError("expected a group_prefix that AD takes in a sAMAccountName")
        for option, most in (("group_prefix", _LONGEST_PREFIX), ("protected_name", LENGTHS["sn"])):
            if utf16_length(getattr(self, option)) > most:
                raise ValueError(
                    f"expected {option} of at most {most} characters: AD takes no more"
                )
        try:
            self.name_of("x1", "a", "b")
        except (ValueError, LookupError, AttributeError):
            raise ValueError(
                "expected account_name as a format string over {serial}, {given} and {surname}, "
                "for example {given:.3}{surname:.3}"
            ) from None

    @property
    def others_said(self) -> Values:
        """What tells of a person though no run writes it, but for the key attribute."""
        key = self.key_attribute.casefold()
        return tuple(name for name in OTHERS_SAID if name.casefold() != key)

    def group_name(self, provider: str) -> str:
        """The name of a provider's group."""
        return self.group_prefix + provider

    def name_of(self, serial: str, given: str, surname: str) -> str:
        """The sAMAccountName that an account is to have while nobody else has it."""
        given, surname, serial = map(self._plain, (given, surname, serial))
        name = self.account_name.format(given=given, surname=surname, serial=serial)
        return (self._plain(name) or serial)[:ACCOUNT_NAME_LENGTH]

    def _plain(self, text: str) -> str:
        """The letters a-z and digits that stand for a text."""
        return re.sub("[^a-z0-9]", "", self.in_ascii(text).casefold())


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
    """What to read: all names in the domain, all that lies in our OUs, and the services' groups.

    userAccountControl of all tells whether an account that was moved out of our OUs is enabled, and
    what is read of every group which of them are nested in one with rights over the domain.
    """
    names = ("sAMAccountName", "userPrincipalName", "employeeNumber")
    account = tuple(a.name for a in schema(layout) if a.name not in ("member", "unicodePwd"))
    account = (*account, *WATCHED, *LOGONS, "memberOf")
    any_group = (*names, "objectClass", layout.key_attribute, "objectSid", "adminCount", "memberOf")
    group = (*any_group, "member")
    user = "(&(objectClass=user)(sAMAccountName=*))"
    return (
        (
            layout.base_dn, "(sAMAccountName=*)",
            (*names, layout.key_attribute, "userAccountControl"),
        ),
        (layout.base_dn, "(objectClass=group)", any_group),
        (layout.account_ou, "(objectClass=*)", account),
        (layout.quarantine_ou, user, account),
        (layout.group_ou, "(objectClass=*)", group),
        *((dn, "(objectClass=group)", group, "BASE") for dn in sorted(set(layout.groups.values()))),
    )  # fmt: skip


def schema(layout: Layout, named: Callable[[str], str] = str) -> tuple[Attribute, ...]:
    """Every attribute that is read and written; `named` gives the HSA-id of a group's member."""
    return (
        Attribute("objectClass"),
        Attribute("sAMAccountName"),
        Attribute("userPrincipalName"),
        Attribute("employeeNumber"),
        Attribute(layout.key_attribute, matching.exact),
        Attribute("userAccountControl", matching.exact, grants="person", codec=FLAGS),
        Attribute("accountExpires", moment_form, codec=EXPIRY),
        Attribute("unicodePwd", secret=True, made=random_password),
        # One card is as good as another to log in with.
        Attribute("altSecurityIdentities", grants="person", any_grants=True),
        Attribute("groupType", matching.exact),
        Attribute("objectSid", codec=SID),
        Attribute("member", matching.distinguished_name, grants="value", refers=True, named=named),
        # What people read is corrected to the last letter.
        Attribute("telephoneNumber", matching.telephone, shown=True),
        *(Attribute(name, shown=True) for name in LENGTHS if name != "telephoneNumber"),
        *(Attribute(name) for name in layout.others_said),
    )
