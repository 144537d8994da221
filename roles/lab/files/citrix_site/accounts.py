# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who may sign in, and the tokens of those who have."""

from __future__ import annotations

import base64
import datetime as dt
import re
import secrets
from dataclasses import dataclass, field

from .answers import Refusal
from .site import CUSTOMER, Site, made_id
from .store import Row, stamp


@dataclass(frozen=True)
class Account:
    """Who may sign in. `name` is DOMAIN\\user."""

    name: str
    principal: str
    password: str = field(repr=False)

    @property
    def id(self) -> str:
        return made_id("account", self.name)


class Tokens:
    """In memory: a site that was restarted knows none."""

    def __init__(self, site: Site, account: Account) -> None:
        self.site = site
        self.account = account
        self.expiry: dict[str, dt.datetime] = {}

    def log_in(self, authorization: str) -> Row:
        """A new token for name and password of HTTP Basic, or a refusal (401)."""
        scheme, _blank, encoded = authorization.partition(" ")
        try:
            name, _colon, password = base64.b64decode(encoded).decode().partition(":")
        except ValueError:
            name = password = ""
        known = (self.account.name.casefold(), self.account.principal.casefold())
        right = secrets.compare_digest(password.encode(), self.account.password.encode())
        if scheme.lower() != "basic" or name.casefold() not in known or not right:
            raise Refusal(401, "Unauthorized", "User name or password is wrong.")
        return self._issued()

    def renew(self, authorization: str) -> Row:
        """A new token for an old one, which ends; or a refusal (401)."""
        self.signed_in(authorization)
        self.forget(authorization)
        return self._issued()

    def _issued(self) -> Row:
        token, lifetime = secrets.token_urlsafe(48), self.site.setting("token_seconds")
        self.expiry[token] = self.site.clock.now() + dt.timedelta(seconds=lifetime)
        return {
            "Token": token, "Principal": self.account.name, "UserId": self.account.id,
            "CustomerId": CUSTOMER, "ExpiresAt": stamp(self.expiry[token]),
        }  # fmt: skip

    def signed_in(self, authorization: str, schemes: tuple[str, ...] = ("cwsauth",)) -> str:
        """The id of the user whose token this is, or a refusal (401)."""
        scheme = authorization.partition(" ")[0].lower()
        expires = self.expiry.get(_token(authorization))
        if scheme not in schemes or expires is None or expires <= self.site.clock.now():
            raise Refusal(401, "Unauthorized", "The token is missing, unknown or expired.")
        return self.account.id

    def expires(self, authorization: str) -> str:
        """When a token that holds ends."""
        return stamp(self.expiry[_token(authorization)])

    def forget(self, authorization: str) -> None:
        """End a token, if it is one."""
        self.expiry.pop(_token(authorization), None)


def _token(authorization: str) -> str:
    """The token of `CWSAuth bearer=…` in any case, or of `Bearer …`."""
    found = re.fullmatch(r"(?:cwsauth\s+bearer=|bearer\s+)(\S+)", authorization, re.IGNORECASE)
    return found[1] if found else ""
