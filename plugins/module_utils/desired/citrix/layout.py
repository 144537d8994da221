# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a region's access policy rules are named, and how their fields compare."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ...engine import matching
from ...engine.plan import Attribute

# What a rule goes by: the names of clients, or their addresses.
Kind = Literal["names", "addresses"]
KINDS: tuple[Kind, ...] = ("names", "addresses")

# The list and the filter of each kind, and the list and filter of those that have just left.
INCLUDED: dict[Kind, str] = {"names": "IncludedClientNames", "addresses": "IncludedClientIPs"}
EXCLUDED: dict[Kind, str] = {"names": "ExcludedClientNames", "addresses": "ExcludedClientIPs"}
INCLUDES: dict[Kind, str] = {
    "names": "IncludedClientNameFilterEnabled",
    "addresses": "IncludedClientIPFilterEnabled",
}
EXCLUDES: dict[Kind, str] = {
    "names": "ExcludedClientNameFilterEnabled",
    "addresses": "ExcludedClientIPFilterEnabled",
}

KEY = "halsoval:"
DISABLED_BY_US = KEY + "disabled"

# Flags that our rules never have, besides those of the clients and of the excluded.
_NEVER = (
    "AllowRdpAccess", "AllowMachineRestart", "ExcludedUserFilterEnabled",
    "IncludedSmartAccessFilterEnabled", "ExcludedSmartAccessFilterEnabled",
)  # fmt: skip
_LONGEST_PREFIX = 24


@dataclass(frozen=True)
class Layout:
    """`domain` and `group_prefix` name the AD group of a provider, `rule_prefix` its rules."""

    delivery_group: str
    domain: str
    group_prefix: str = "Halsoval-"
    rule_prefix: str = "Halsoval-"

    def __post_init__(self) -> None:
        """Raises ValueError with what was expected."""
        prefix = self.rule_prefix
        if not prefix or len(prefix) > _LONGEST_PREFIX or any(map(str.isspace, prefix)):
            raise ValueError(
                f"expected rule_prefix of 1 to {_LONGEST_PREFIX} characters without blanks"
            )
        if not self.domain or not set('\\/@". ').isdisjoint(self.domain):
            raise ValueError("expected domain as the NetBIOS name of the domain, such as REGION")
        if not self.delivery_group.strip():
            raise ValueError("expected delivery_group, the name or id of a delivery group")

    def rule_name(self, provider: str, kind: Kind) -> str:
        """The name of a provider's rule. No provider's id holds an underscore."""
        return f"{self.rule_prefix}{provider}{'_addresses' if kind == 'addresses' else ''}"

    def group(self, provider: str) -> str:
        """The AD group of a provider's staff, as Citrix names it."""
        return f"{self.domain}\\{self.group_prefix}{provider}"


def key(provider: str, kind: Kind) -> str:
    """Our key in a rule's description."""
    return f"{KEY}{kind}/{provider}"


def description(provider: str, kind: Kind, is_disabled: bool) -> str:
    """What a rule's description says; whether it was us who disabled it stands there, too."""
    mark = f" {DISABLED_BY_US}" if is_disabled else ""
    return f"{key(provider, kind)}{mark} Kept by regionjh.halsoval, changes are undone"


def schema() -> tuple[Attribute, ...]:
    """Every field that is compared. A client that goes from a rule is a workstation's loss."""
    return (
        Attribute("Description", matching.exact),
        Attribute("Enabled", matching.exact, grants="entry"),
        Attribute("AllowHdxAccess", matching.exact),
        Attribute("AllowedConnection"),
        Attribute("AllowedUsers"),
        Attribute("IncludedUserFilterEnabled", matching.exact),
        # Another domain or prefix than yesterday's would lock the whole staff out.
        Attribute("IncludedUsers", grants="entry"),
        *(Attribute(INCLUDED[kind], grants="value", names="workstation") for kind in KINDS),
        *(Attribute(EXCLUDED[kind]) for kind in KINDS),
        *(Attribute(INCLUDES[kind], matching.exact) for kind in KINDS),
        *(Attribute(EXCLUDES[kind], matching.exact) for kind in KINDS),
        *(Attribute(name, matching.exact) for name in _NEVER),
    )


def never() -> dict[str, tuple[str, ...]]:
    """The flags that our rules never have."""
    return dict.fromkeys(_NEVER, ())
