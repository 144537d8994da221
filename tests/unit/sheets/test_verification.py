# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The final-verification sheet: what it says, as text and as a page."""

from __future__ import annotations

from html.parser import HTMLParser

from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.regionjh.halsoval.plugins.module_utils.sheets.sheet import (
    Section,
    Sheet,
    as_html,
    as_text,
)
from ansible_collections.regionjh.halsoval.plugins.module_utils.sheets.verification import (
    verification_sheet,
)
from ansible_collections.regionjh.halsoval.tests.unit.builders import (
    TODAY,
    number,
    person,
    record,
    workstation,
)

VERIFIED = {
    "date": "2025-12-10",
    "outcome": "approved",
    "musts": [{"code": "M-1", "resolved": "2025-12-12"}, {"code": "M-2"}],
    "recommendations": ["R-1"],
}


class _Page(HTMLParser):
    """The texts and the tags of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.texts: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def lines(sheet: Sheet) -> dict[str, tuple[str, ...]]:
    in_order, recommendations, musts = sheet.sections
    return {
        "in order": in_order.lines, "recommendations": recommendations.lines, "musts": musts.lines
    }  # fmt: skip


def test_a_sheet_says_what_is_in_order_what_ought_and_what_must_be_done() -> None:
    alfa = record(final_verification=VERIFIED, agreement={"operation_start": "2026-04-01"})

    sheet = verification_sheet(alfa, TODAY)

    assert sheet.title == "Slutverifiering: Alfa vård AB"
    assert "Läget 2026-03-02: etablering" in sheet.about
    assert "Driftstart hindras av 2 måsten" in sheet.about
    assert lines(sheet) == {
        "in order": (
            "Kontraktet undertecknat (bilaga 2, 3.8): 2025-10-01",
            "Anslutningsavtalet undertecknat (bilaga 2, 2.5): 2025-10-01",
            "Anslutningen till Sjunet i bruk (bilaga 2, 2.4): 2025-12-01",
            "Självdeklarationen granskad (bilaga 2, 3.7): 2025-12-01",
            "Arbetsplatsernas intyg om antivirus och uppdateringar granskade (bilaga 2, 3.4):"
            " 2025-12-05",
            "Introduktionsutbildning genomförd (bilaga 2, 3.6): 2025-12-08",
            "Slutverifieringen godkänd (bilaga 2, 3.9): 2025-12-10",
            "Åtgärden M-1 klar (bilaga 2, 3.9): 2025-12-12",
            "Slutligt avtal undertecknat (bilaga 2, 3.9): 2025-12-15",
        ),
        "recommendations": ("R-1",),
        "musts": (
            "Åtgärden M-2 klar (bilaga 2, 3.9)",
            "Första driftdagen (bilaga 2, 3.9): 2026-04-01",
        ),
    }


def test_a_provider_in_operation_has_no_musts_left() -> None:
    sheet = verification_sheet(record(), TODAY)

    assert "Inget hindrar driftstart" in sheet.about
    assert as_text(sheet)[-2:] == ["Måsten: ska vara klara före driftstart", "  Inga kvar."]


def test_workstations_without_attestation_are_named_until_the_region_has_reviewed_them() -> None:
    unattested = {"workstations": [workstation("PC-1"), workstation("PC-2", attested=None)]}

    missing = verification_sheet(record(attestations_reviewed=None, **unattested), TODAY)
    reviewed = verification_sheet(record(**unattested), TODAY)

    assert lines(missing)["musts"][1:] == ("Arbetsplatsen PC-2 utan intyg (bilaga 2, 3.4)",)
    assert lines(reviewed)["musts"] == ()


def test_a_sheet_names_no_person() -> None:
    alfa = record(
        people=[person(1, given_name="Sigrid", surname="Hjortronmyr", protected=True)],
        name="Sigrid Hjortronmyrs mottagning",
        contacts={"signatories": [{"name": "Tyra Korp"}]},
        final_verification={**VERIFIED, "recommendations": [f"R-{number(1)}"]},
    )
    sheet = verification_sheet(alfa, TODAY)

    for text in ("\n".join(as_text(sheet)), as_html(sheet)):
        assert "Slutverifiering: alfa" in text
        for hidden in ("Hjortronmyr", "Tyra", number(1)):
            assert hidden not in text


def test_a_page_needs_no_other_file_and_has_all_lines() -> None:
    sheet = verification_sheet(record(final_verification=VERIFIED), TODAY)

    page = _Page(as_html(sheet))

    assert {"script", "link", "img", "iframe"}.isdisjoint(page.tags)
    for section in sheet.sections:
        assert set(section.lines) <= set(page.texts)


@given(st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1))
def test_whatever_a_record_says_is_text_on_the_page(said: str) -> None:
    markup = f"<script>{said}</script>{{{{ 7 * 7 }}}}&amp;"
    sheet = Sheet(markup, (markup,), (Section(markup, (markup,), markup),))
    plain = Sheet("x", ("x",), (Section("x", ("x",), "x"),))

    page = _Page(as_html(sheet))

    assert page.tags == _Page(as_html(plain)).tags
    assert "".join(page.texts).count("{{ 7 * 7 }}&amp;") == 5
