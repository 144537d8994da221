# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whom access policy rules let in: about_Broker_AccessPolicy, sentence by sentence."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.regionjh.halsoval.roles.lab.files.citrix_site.answers import Refusal
from ansible_collections.regionjh.halsoval.roles.lab.files.citrix_site.policies import (
    CONNECTIONS,
    DEFAULTS,
    Attempt,
    checked,
    judge,
    reason,
)

STAFF = {"Sid": "S-1-5-21-1-2-3-1105", "SamName": "REGION\\HV-1", "PrincipalName": None}
TAG = {"Farm": "gateway", "Filter": "managed"}
OTHER_TAG = {"Farm": "gateway", "Filter": "patched"}
ANNA = Attempt(who=frozenset({"region\\anna", "region\\hv-1"}), name="PC1", address="10.40.37.5")


def rule(name: str = "hv", **fields: Any) -> dict[str, Any]:
    """A rule as the site has it where a request says no more than this."""
    return {**DEFAULTS, "Name": name, **fields}


def by_user(**fields: Any) -> dict[str, Any]:
    return rule(IncludedUserFilterEnabled=True, IncludedUsers=[STAFF], **fields)


def through(*tags: dict[str, str]) -> Attempt:
    """Anna, through a gateway that found these tags."""
    found = frozenset((tag["Farm"], tag["Filter"]) for tag in tags)
    return Attempt(ANNA.who, ANNA.name, ANNA.address, tags=found)


def test_without_rules_nobody_gets_in() -> None:
    assert not judge([], ANNA).admitted


def test_a_rule_without_an_enabled_include_filter_admits_nobody() -> None:
    full = rule(IncludedUsers=[STAFF], IncludedClientNames=["PC1"], AllowedUsers="Any")
    assert reason(full, ANNA) == "no include filter is enabled"


def test_a_disabled_rule_admits_nobody() -> None:
    assert reason(by_user(), ANNA) == ""
    assert reason(by_user(Enabled=False), ANNA) == "disabled"


@pytest.mark.parametrize(
    ("filters", "why"),
    [
        ({"IncludedUserFilterEnabled": True}, "user"),
        ({"IncludedClientNameFilterEnabled": True}, "client name"),
        ({"IncludedClientIPFilterEnabled": True}, "client address"),
    ],
)
def test_an_enabled_filter_with_an_empty_list_admits_nobody(
    filters: dict[str, Any], why: str
) -> None:
    assert reason(rule(**filters), ANNA) == f"not included by {why}"


def test_all_enabled_include_filters_must_match() -> None:
    both = by_user(IncludedClientNameFilterEnabled=True, IncludedClientNames=["PC1"])
    assert reason(both, ANNA) == ""
    elsewhere = Attempt(ANNA.who, "PC2", ANNA.address)
    assert reason(both, elsewhere) == "not included by client name"
    stranger = Attempt(frozenset({"region\\eva"}), "PC1", ANNA.address)
    assert reason(both, stranger) == "not included by user"


def test_a_disabled_filter_is_ignored_whatever_its_list() -> None:
    assert reason(by_user(IncludedClientNames=["PC2"], ExcludedClientNames=["PC1"]), ANNA) == ""


def test_an_exclude_vetoes_its_rule_only() -> None:
    vetoed = by_user(ExcludedClientNameFilterEnabled=True, ExcludedClientNames=["pc1"])
    assert reason(vetoed, ANNA) == "excluded by client name"
    assert judge([vetoed, {**by_user(), "Name": "other"}], ANNA).by == ("other",)


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"ExcludedUserFilterEnabled": True, "ExcludedUsers": [STAFF]}, "user"),
        ({"ExcludedClientIPFilterEnabled": True, "ExcludedClientIPs": ["10.40.0.0/16"]},
         "client address"),
        ({"ExcludedSmartAccessFilterEnabled": True, "ExcludedSmartAccessTags": [TAG]}, "gateway"),
    ],
)  # fmt: skip
def test_each_exclude_vetoes(fields: dict[str, Any], why: str) -> None:
    assert reason(by_user(**fields), through(TAG)) == f"excluded by {why}"


def test_rights_of_matching_rules_are_united() -> None:
    plain = by_user(AllowRdpAccess=False, AllowMachineRestart=False)
    remote = {**by_user(AllowHdxAccess=False, AllowMachineRestart=False), "Name": "rdp"}
    assert judge([plain], ANNA).rights == ("HDX",)
    assert judge([plain, remote], ANNA).rights == ("HDX", "RDP")


def test_without_the_protocol_one_does_not_get_in_though_a_rule_matches() -> None:
    verdict = judge([by_user(AllowHdxAccess=False)], ANNA)
    assert (verdict.admitted, verdict.by) == (False, ("hv",))


def test_names_are_compared_without_case_and_whole() -> None:
    named = rule(IncludedClientNameFilterEnabled=True, IncludedClientNames=["pc1"])
    assert reason(named, ANNA) == ""
    assert reason(named, Attempt(ANNA.who, "PC11", ANNA.address))


@pytest.mark.parametrize("address", ["10.40.37.5", "10.40.0.0/16"])
def test_an_address_or_a_subnet_matches(address: str) -> None:
    there = rule(IncludedClientIPFilterEnabled=True, IncludedClientIPs=[address])
    assert reason(there, ANNA) == ""
    assert reason(there, Attempt(ANNA.who, ANNA.name, "10.41.37.5"))


@pytest.mark.parametrize(
    ("allowed", "direct", "without_tag", "with_tag"),
    [
        ("Filtered", True, False, True),
        ("NotViaAG", True, False, False),
        ("ViaAG", False, False, True),
        ("AnyViaAG", False, True, True),
    ],
)
def test_the_gateway_filter_goes_by_allowed_connection_and_tags(
    allowed: str, direct: bool, without_tag: bool, with_tag: bool
) -> None:
    filtered = rule(
        IncludedSmartAccessFilterEnabled=True,
        AllowedConnection=allowed,
        IncludedSmartAccessTags=[TAG],
    )
    matched = [not reason(filtered, attempt) for attempt in (ANNA, through(), through(TAG))]
    assert matched == [direct, without_tag, with_tag]


@pytest.mark.parametrize("allowed", ["Filtered", "ViaAG"])
def test_without_tags_any_gateway_matches(allowed: str) -> None:
    filtered = rule(IncludedSmartAccessFilterEnabled=True, AllowedConnection=allowed)
    assert reason(filtered, through()) == ""


def test_match_all_wants_every_tag() -> None:
    fields = {"IncludedSmartAccessTags": [TAG, OTHER_TAG], "AllowedConnection": "ViaAG"}
    some = rule(IncludedSmartAccessFilterEnabled=True, **fields)
    every = {**some, "IncludedSmartAccessFilterType": "MatchAll"}
    assert reason(some, through(TAG)) == ""
    assert reason(every, through(TAG)) == "not included by gateway"
    assert reason(every, through(TAG, OTHER_TAG)) == ""


def test_any_authenticated_user_is_everybody() -> None:
    assert reason(rule(IncludedUserFilterEnabled=True, AllowedUsers="AnyAuthenticated"), ANNA) == ""
    assert reason(rule(IncludedUserFilterEnabled=True, AllowedUsers="Any"), ANNA) == ""
    assert reason(rule(IncludedUserFilterEnabled=True, AllowedUsers="AnonymousOnly"), ANNA)


RULES = st.fixed_dictionaries(
    {
        **{
            name: st.booleans()
            for name in DEFAULTS
            if isinstance(DEFAULTS[name], bool) and name.startswith(("Incl", "Excl", "Allow", "En"))
        },
        "AllowedConnection": st.sampled_from(CONNECTIONS),
        "IncludedUsers": st.sampled_from([[], [STAFF]]),
        "IncludedClientNames": st.sampled_from([[], ["PC1"], ["PC2"]]),
        "ExcludedClientNames": st.sampled_from([[], ["PC1"], ["PC2"]]),
        "IncludedClientIPs": st.sampled_from([[], ["10.40.0.0/16"], ["10.41.0.0/16"]]),
    }
)


@given(st.lists(RULES, max_size=4), st.permutations(range(4)))
def test_the_order_of_rules_means_nothing_and_one_more_takes_nothing_away(
    drawn: list[dict[str, Any]], order: list[int]
) -> None:
    rules = [rule(str(number), **fields) for number, fields in enumerate(drawn)]
    shuffled = [rules[place] for place in order if place < len(rules)]
    verdict, other = judge(rules, ANNA), judge(shuffled, ANNA)
    assert (verdict.admitted, verdict.rights) == (other.admitted, other.rights)
    assert set(judge(rules[:-1], ANNA).rights) <= set(verdict.rights)


# --- what a request may say ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({"IncludedClientNames": ["PC*"]}, "UnsupportedWildcard"),
        ({"ExcludedClientNames": ["PC?"]}, "UnsupportedWildcard"),
        ({"IncludedClientIPs": ["10.0.0.1-10.0.0.9"]}, "InvalidIPAddress"),
        ({"IncludedClientIPs": ["10.0.*"]}, "InvalidIPAddress"),
        ({"AllowedConnection": "Direct"}, "InvalidParameter"),
        ({"Enabled": "yes"}, "InvalidParameter"),
        ({"IncludedUsers": "REGION\\HV-1"}, "InvalidParameter"),
        ({"IncludedUsers": [{"Sid": "S-1-5-21-1"}]}, "InvalidParameter"),
        ({"IncludedSmartAccessTags": [{"Farm": "x"}]}, "InvalidParameter"),
    ],
)
def test_a_value_that_rules_cannot_have_is_refused(fields: dict[str, Any], error: str) -> None:
    with pytest.raises(Refusal) as refused:
        checked(fields)
    assert (refused.value.code, refused.value.error) == (400, error)


def test_a_key_in_other_case_is_passed_over_without_a_word() -> None:
    assert checked({"includedClientNames": ["PC1"], "Enabled": True}) == {"Enabled": True}
