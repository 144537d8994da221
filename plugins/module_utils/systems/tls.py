# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""TLS to a directory, verified by Python's ssl module alone; and in words why it was not.

ldap3 2.9.1 leaves the chain to ssl and compares the name itself: by ssl.match_hostname, which
Python dropped in 3.12, and there by a copy of it that knows no IP addresses. Here ssl does both.
"""

from __future__ import annotations

import ssl
from ipaddress import ip_address
from typing import Any

try:
    from ldap3 import Tls
except ImportError:  # ansible-test imports this file without it

    class Tls:  # type: ignore[no-redef]
        """Nobody connects without ldap3."""


# What OpenSSL found (x509_vfy.h, X509_V_ERR_*), in words for whoever set `ca_path` or the address.
_NOT_YET_VALID, _EXPIRED, _SELF_SIGNED = 9, 10, 18
_UNKNOWN_CA = (2, 7, 19, 20, 21)
_OTHER_NAME, _OTHER_ADDRESS = 62, 64

# What OpenSSL makes of octets that are no TLS, by octets and version.
_NO_TLS = ("WRONG_VERSION_NUMBER", "PACKET_LENGTH_TOO_LONG", "RECORD_LAYER_FAILURE")


class VerifiedTls(Tls):
    """Stands where ldap3's own does, for one connection, which may try several addresses.

    Where none will do, `refusal` says why one was not trusted, and `interruption` how one broke off
    the handshake.
    """

    def __init__(self, context: ssl.SSLContext, host: str, ca_path: str | None) -> None:
        super().__init__(validate=ssl.CERT_REQUIRED)
        self._context, self._host, self._ca_path = context, host, ca_path
        self.refusal = ""
        self.interruption = ""

    def wrap_socket(self, connection: Any, do_handshake: bool = False) -> None:
        """Give the connection a socket whose peer is who it should be, or raise."""
        try:
            connection.socket = self._context.wrap_socket(
                connection.socket, server_hostname=self._host
            )
        except ssl.SSLCertVerificationError as error:
            why = distrust(error, self._host, self._ca_path)
            self.refusal = f"presents a certificate that cannot be verified: {why}"
            raise
        except (ssl.SSLEOFError, ssl.SSLSyscallError, ConnectionError):
            # What AD does that has no certificate, and slapd on its port without TLS.
            self.interruption = (
                "it closed the connection when TLS began, as a server does that has no TLS on this "
                "port (636 is usual), or no certificate"
            )
            raise
        except ssl.SSLError as error:
            self.refusal = _disagreement(error)
            raise
        self.refusal = self.interruption = ""  # of an address that was tried before


def verifying(ca_path: str | None) -> ssl.SSLContext:
    """What verifies chain and name, by the CA in a PEM file or those that the machine trusts.

    A name is one of the alternative names: a common name is text (RFC 9525 section 2). Raises
    OSError if the file holds no certificate.
    """
    context = ssl.create_default_context(cafile=ca_path)
    context.hostname_checks_common_name = False
    return context


def distrust(error: ssl.SSLCertVerificationError, host: str, ca_path: str | None) -> str:
    """Why a certificate is not trusted, in words."""
    code = error.verify_code
    if code == _EXPIRED:
        return "it has expired, or its CA has"
    if code == _NOT_YET_VALID:
        return "it is not valid yet, or this machine's clock is slow"
    if code in (_OTHER_NAME, _OTHER_ADDRESS):
        return f"it is not for {_called(host)}"
    known = f"the one in {ca_path}" if ca_path else "one that this machine trusts (see ca_path)"
    if code == _SELF_SIGNED:
        return f"it is signed by itself, not by {known}"
    if code in _UNKNOWN_CA:
        return f"its CA is not {known}"
    return error.verify_message


def _called(host: str) -> str:
    try:
        return f"the IP address {ip_address(host)}"
    except ValueError:
        return f"the name {host}"


def _disagreement(error: ssl.SSLError) -> str:
    reason = error.reason or str(error)
    if reason in _NO_TLS:
        return "does not answer with TLS on this port (636 is usual)"
    return f"and this machine do not agree on TLS: {reason}"
