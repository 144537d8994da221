# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""NTLM over HTTP: who a connection is of, which is the way of [MS-NTHT]."""

from __future__ import annotations

import base64
import os
from dataclasses import dataclass, field

import spnego
import spnego.exceptions

SCHEMES = ("NTLM", "Negotiate")


def remember(domain: str, user: str, password: str) -> int:
    """Tell pyspnego the one account, in a file that has no name; its descriptor stays open."""
    descriptor = os.memfd_create("ntlm")
    os.write(descriptor, f"{domain}:{user}:{password}\n".encode())
    os.environ["NTLM_USER_FILE"] = f"/proc/self/fd/{descriptor}"
    return descriptor


@dataclass
class Handshake:
    """What one TCP connection has shown so far."""

    is_known: bool = False
    contexts: dict[str, spnego.ContextProxy] = field(default_factory=dict)

    def challenge(self, authorization: str) -> list[str] | None:
        """The values of WWW-Authenticate that ask on; None where the connection is known.

        Basic and everything else is asked for NTLM again.
        """
        scheme, _blank, token = authorization.partition(" ")
        if not authorization and self.is_known:
            return None
        name = {name.lower(): name for name in SCHEMES}.get(scheme.lower())
        if name is None:
            return list(SCHEMES)
        try:
            answer = self._step(name, base64.b64decode(token))
        except (spnego.exceptions.SpnegoError, ValueError):
            self.contexts.clear()
            return list(SCHEMES)
        if self.contexts[name].complete:
            self.is_known = True
            self.contexts.clear()
            return None
        return [f"{name} {base64.b64encode(answer or b'').decode()}"]

    def _step(self, name: str, token: bytes) -> bytes | None:
        if name not in self.contexts:
            self.is_known = False
            self.contexts[name] = spnego.server(protocol=name.lower())
        return self.contexts[name].step(token)
