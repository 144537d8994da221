# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Certificates that an answer holds whole: whose they are, and who has issued them."""

from __future__ import annotations

import base64
import datetime as dt
import json
from collections.abc import Sequence
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.regionjh.halsoval.plugins.module_utils.engine.orders import Order
from ansible_collections.regionjh.halsoval.plugins.module_utils.orders import issued, receipts
from ansible_collections.regionjh.halsoval.plugins.module_utils.orders.inbox import parse
from ansible_collections.regionjh.halsoval.plugins.module_utils.orders.receipts import (
    Report,
    Terms,
)
from ansible_collections.regionjh.halsoval.tests.certificates import Authority, authority
from ansible_collections.regionjh.halsoval.tests.unit.orders.order_builders import (
    ANNA,
    BO,
    Open,
    card,
    held,
    key,
    ordered,
    run,
)

DAY = dt.datetime.now(dt.UTC).date()
FIELDS = {"state": "active", "card_number": "1234", "valid_to": "2099-01-01"}


def certificate(
    ca: Authority, holders: Sequence[str] = (ANNA,), days: tuple[int, int] = (-1, 30)
) -> x509.Certificate:
    """A certificate of a card, from so many days after today to so many."""
    now = dt.datetime.now(dt.UTC)
    first, last = (now + dt.timedelta(days=day) for day in days)
    key = ec.generate_private_key(ec.SECP256R1()).public_key()
    names = [x509.NameAttribute(NameOID.SERIAL_NUMBER, holder) for holder in holders]
    return (
        x509.CertificateBuilder(ca.certificate.subject, x509.Name(names))
        .public_key(key)
        .serial_number(0x0A0B0C)
        .not_valid_before(first)
        .not_valid_after(last)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
        .sign(ca.key, hashes.SHA256())
    )


def pem(of: x509.Certificate) -> str:
    return of.public_bytes(Encoding.PEM).decode()


def told(opened: Open, inbox: Path, terms: Terms | None = None, **answer: str) -> Report:
    """What comes of an answer."""
    line = {"order": key("card"), "day": str(DAY), **FIELDS, **answer}
    (inbox / "ra_organisation/svar.json").write_text(json.dumps([line]))
    ledger = opened(run(DAY, "today"))
    return receipts.apply(ledger, inbox, terms or Terms())


def the_card(opened: Open, inbox: Path) -> Order:
    (order,) = held(opened(), inbox.parent / "outbox").values()
    return order


def trusting(*cas: Authority) -> Terms:
    """Those who may issue."""
    return Terms(vouching=issued.Authorities(tuple(ca.certificate for ca in cas)))


@pytest.fixture
def ca(tmp_path: Path) -> Authority:
    return authority(tmp_path, "Kort-CA")


@pytest.mark.parametrize("in_csv", [False, True])
def test_a_certificate_tells_issuer_number_and_key_by_itself(
    opened: Open, inbox: Path, ca: Authority, in_csv: bool
) -> None:
    ordered(opened, inbox, card())
    whole = certificate(ca)
    text = base64.b64encode(whole.public_bytes(Encoding.DER)).decode() if in_csv else pem(whole)
    assert told(opened, inbox, trusting(ca), certificate=text).rejected == ()
    ski = whole.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value.digest.hex()
    answer = the_card(opened, inbox).answer
    assert (answer["issuer"], answer["serial"]) == ("CN=Kort-CA", "0A0B0C")
    assert (answer["ski"], "certificate" in answer) == (ski.upper(), False)


def test_in_csv_it_stands_on_one_line(ca: Authority) -> None:
    body = base64.b64encode(certificate(ca).public_bytes(Encoding.DER)).decode()
    text = f"Beställningsnummer;Status;Datum;Certifikat\n{key('card')};skickad;{DAY};{body}\n"
    (line,) = parse("a.csv", text.encode()).lines
    assert (line.error, line.said and line.said.serial) == ("", "0A0B0C")


@pytest.mark.parametrize(
    ("holders", "is_taken"),
    [([ANNA], True), ([ANNA.lower()], True), ([BO], False), ([], False), ([ANNA, BO], False)],
)
@pytest.mark.parametrize("is_vouched", [True, False])
def test_a_certificate_is_of_whom_the_card_is_for(
    opened: Open, inbox: Path, ca: Authority, holders: list[str], is_taken: bool, is_vouched: bool
) -> None:
    ordered(opened, inbox, card())
    terms = trusting(ca) if is_vouched else Terms()
    report = told(opened, inbox, terms, certificate=pem(certificate(ca, holders)))
    reason = "certificate: expected one that names whom the card is for, by HSA-id"
    assert [each.reason for each in report.rejected] == [reason] * (not is_taken)
    assert the_card(opened, inbox).state == ("active" if is_taken else "ordered")


@pytest.mark.parametrize(
    ("fault", "is_taken"),
    [
        ("none", True),
        ("another CA of the name", False),
        ("expired", False),
        ("not begun", False),
        ("expired CA", False),
        ("issued by a card", False),
        ("text alone", False),
        ("no certificate", True),
    ],
)
def test_a_certificate_is_issued_by_one_of_those_who_may(
    opened: Open, inbox: Path, tmp_path: Path, fault: str, is_taken: bool
) -> None:
    ordered(opened, inbox, card())
    ca = authority(tmp_path, "Kort-CA", (-30, -1) if fault == "expired CA" else (-30, 30))
    (tmp_path / "other").mkdir()
    other = authority(tmp_path / "other", "Kort-CA")
    days = {"expired": (-30, -2), "not begun": (2, 30)}.get(fault, (-3, 30))
    whole = certificate(other if fault == "another CA of the name" else ca, days=days)
    terms = trusting(ca, authority(tmp_path, "Another"))
    if fault == "issued by a card":
        terms = Terms(vouching=issued.Authorities((whole,)))
    answer = {"certificate": pem(whole)}
    if fault == "text alone":
        answer = {"issuer": "CN=Kort-CA", "serial": "0A"}
    report = told(opened, inbox, terms, **({} if fault == "no certificate" else answer))
    assert [each.reason.partition(":")[0] for each in report.rejected] == (
        [] if is_taken else ["certificate"]
    )
    assert the_card(opened, inbox).state == ("active" if is_taken else "ordered")


@pytest.mark.parametrize(
    ("beside", "reason"),
    [
        ({"issuer": "cn=kort-ca", "serial": "00:0a:0b:0c"}, ""),
        ({"issuer": "CN=Other", "serial": "0a0b0c"}, "issuer: expected that of the certificate"),
        ({"issuer": "CN=Kort-CA", "serial": "0a0b0d"}, "serial: expected that of the certificate"),
        ({"ski": "AB"}, "ski: expected that of the certificate"),
    ],
)
def test_what_stands_beside_a_certificate_says_the_same(
    opened: Open, inbox: Path, ca: Authority, beside: dict[str, str], reason: str
) -> None:
    ordered(opened, inbox, card())
    report = told(opened, inbox, certificate=pem(certificate(ca)), **beside)
    assert [each.reason for each in report.rejected] == [reason] * bool(reason)


@given(st.text(max_size=40) | st.binary(max_size=40).map(lambda b: base64.b64encode(b).decode()))
def test_what_is_no_certificate_is_told_without_its_text(text: str) -> None:
    with pytest.raises(ValueError, match=r"^expected one X\.509 certificate, as PEM or base64$"):
        issued.read(text)


def test_two_certificates_are_not_one(ca: Authority) -> None:
    with pytest.raises(ValueError, match=r"expected one X\.509 certificate"):
        issued.read(pem(certificate(ca)) * 2)


def test_a_file_of_authorities_is_read_and_anything_else_is_an_error(
    tmp_path: Path, ca: Authority
) -> None:
    both = tmp_path / "both.pem"
    both.write_bytes(ca.pem.read_bytes() * 2)
    assert issued.authorities(both).certificates == (ca.certificate,) * 2
    for wrong in (tmp_path / "none.pem", tmp_path):
        with pytest.raises(ValueError, match="expected a file of certificates in PEM"):
            issued.authorities(wrong)
