# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who receives the orders of services, and who contracts with whom: what is configuration."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, get_args

from ...engine.orders import check_recipient
from ...records.catalogue import SERVICES, Recipient

# Recipients beside those that the catalogue names: the owner of the region's own accounts, and who
# signs for the region.
ACCOUNT_OWNER, REGIONS_OFFICE = "kontoforvaltning", "halsovalskansliet"
_RECIPIENTS = {*get_args(Recipient), ACCOUNT_OWNER, REGIONS_OFFICE} - {"provider"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """Names of recipients, when things are due, and the parties of the ACE contract.

    `recipients` gives a recipient of the catalogue, or one of the two above, another name than its
    own. What no record names a day for is due within `due_days`. Annex 4.2 has the provider's
    agreement about ACE with the supplier, 4.4 via the region.
    """

    recipients: Mapping[str, str] = field(default_factory=dict)
    due_days: int = 14
    ace_contract: Literal["supplier", "region"] = "supplier"

    def __post_init__(self) -> None:
        """Raises ValueError with what was expected."""
        for key, name in self.recipients.items():
            if key not in _RECIPIENTS:
                raise ValueError(f"expected in recipients one of {', '.join(sorted(_RECIPIENTS))}")
            check_recipient(name)

    def recipient(self, key: str, provider: str) -> str:
        """The recipient's name; a provider's own administrators are provider:<id>."""
        return f"provider:{provider}" if key == "provider" else self.recipients.get(key, key)

    def recipient_of(self, service: str, provider: str) -> str:
        """Whom the catalogue names for a service. Raises ValueError where it names nobody."""
        key = SERVICES[service].recipient
        if key is None:
            raise ValueError(f"nobody carries out orders of {service}")
        return self.recipient(key, provider)
