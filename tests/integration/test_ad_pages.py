# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pages of a real domain controller while entries go away, or come, between them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from ansible_collections.regionjh.halsoval.plugins.module_utils.systems import directory as room
from ansible_collections.regionjh.halsoval.plugins.module_utils.systems.directory import (
    Directory,
    Search,
    Settings,
)
from ansible_collections.regionjh.halsoval.tests.integration.domain import (
    domain,
    empty_domain,
)
from ansible_collections.regionjh.halsoval.tests.lab import Domain, Lab

COUNT = 20
PAGE = 4


@pytest.fixture
def ad(region: Lab, monkeypatch: pytest.MonkeyPatch) -> Iterator[Domain]:
    """A domain with twenty groups of ours, which is read in five pages."""
    empty_domain(region)
    found = domain(region)
    with found.admin() as admin:
        for number in range(COUNT):
            admin.add(dn(found, number), "group", {"sAMAccountName": f"sida{number:02}"})
    monkeypatch.setattr(room, "PAGE_SIZE", PAGE)
    yield found
    empty_domain(region)


def dn(ad: Domain, number: int) -> str:
    return f"CN=sida{number:02},{ad.group_ou}"


def read(ad: Domain, monkeypatch: pytest.MonkeyPatch, between: Callable[[], None]) -> list[Any]:
    """The pages of a read, where something happens after the first one."""
    pages: list[Any] = []

    def searched(*arguments: Any) -> Any:
        page = whole(*arguments)
        pages.append(page)
        if len(pages) == 1:
            between()
        return page

    whole = room._searched
    monkeypatch.setattr(room, "_searched", searched)
    settings = Settings(ad.uri, ad.service_dn, ad.service_password, str(ad.ca))
    search = Search(ad.group_ou, "(objectClass=group)", ("sAMAccountName",))
    entries = Directory(settings, [search], {}, active_directory=True).read()
    assert [entry for entries, _cookie in pages for entry in entries] == list(entries)
    return pages


def dns(pages: list[Any]) -> set[str]:
    """What is on the pages."""
    return {entry.dn for entries, _cookie in pages for entry in entries}


@pytest.mark.parametrize("gone", [PAGE, 2 * PAGE, COUNT - PAGE])
def test_a_read_goes_on_past_pages_whose_entries_went_away(
    ad: Domain, monkeypatch: pytest.MonkeyPatch, gone: int
) -> None:
    """All that is there from the first page to the last is read, whatever is deleted meanwhile."""
    deleted: list[str] = []

    def delete() -> None:
        with ad.admin() as admin:
            admin.search(ad.group_ou, "(objectClass=group)", attributes=["1.1"])
            # In the order in which the pages will come.
            deleted.extend(entry["dn"] for entry in admin.response[PAGE : PAGE + gone])
            for name in deleted:
                admin.delete(name)

    pages = read(ad, monkeypatch, delete)
    assert len(deleted) == gone
    assert dns(pages) >= {dn(ad, number) for number in range(COUNT)} - set(deleted)
    assert any(not entries for entries, _cookie in pages[:-1])  # else this proves nothing


def test_a_read_ends_while_entries_come(ad: Domain, monkeypatch: pytest.MonkeyPatch) -> None:
    def add() -> None:
        with ad.admin() as admin:
            for number in range(COUNT, COUNT + PAGE):
                admin.add(dn(ad, number), "group", {"sAMAccountName": f"sida{number:02}"})

    pages = read(ad, monkeypatch, add)
    assert dns(pages) >= {dn(ad, number) for number in range(COUNT)}
