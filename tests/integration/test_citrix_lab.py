# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab's Citrix site answers as docs/citrix-lab.md says, over verified TLS."""

from __future__ import annotations

import http.client
import json
import ssl
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import pytest

from ansible_collections.regionjh.halsoval.tests.certificates import authority
from ansible_collections.regionjh.halsoval.tests.citrix import (
    CUSTOMER,
    HALSOVAL,
    JSON,
    PASSWORD,
    USER,
    CitrixSite,
    Rest,
    basic,
    call,
    citrix_site,
    log_in,
)

GROUP = f"DeliveryGroups/{quote(HALSOVAL)}"
RULES = f"{GROUP}/AdvancedAccessPolicies"
ODATA = "/Citrix/Monitor/OData/v4/Data"
LATER = "2099-01-01T00:00:00Z"


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CitrixSite]:
    """The site that these tests share."""
    with citrix_site(tmp_path_factory.mktemp("citrix på prov")) as site:
        yield site


@pytest.fixture
def site(running: CitrixSite) -> Iterator[CitrixSite]:
    """The same; what a test left of rules, sessions, faults and settings is removed after it."""
    yield running
    running.lab("faults", "DELETE")
    running.lab(
        "settings", sdk_errors=False, missing_is_500=False, logoff_by_job=False,
        patch_answers_empty=False, token_seconds=3600, job_seconds=0.2, logoff_seconds=0.2,
    )  # fmt: skip
    rest = running.rest()
    for group in rest("GET", "DeliveryGroups").body["Items"]:
        path = f"DeliveryGroups/{group['Id']}/AdvancedAccessPolicies"
        for rule in rest("GET", path).body["Items"]:
            if not rule["IsBuiltIn"]:
                rest("DELETE", f"{path}/{rule['Id']}")
    for session in rest("GET", "Sessions", limit=1000).body["Items"]:
        running.lab("end", session=session["Id"])


@pytest.fixture
def rest(site: CitrixSite) -> Rest:
    return site.rest()


def allow(rest: Rest, name: str = "hv", *names: str, **fields: Any) -> dict[str, Any]:
    """A rule for the staff of a provider, on PC1 or these."""
    return rest.rule(
        Name=name, IncludedUserFilterEnabled=True, IncludedUsers=["REGION\\HV-1"],
        IncludedClientNameFilterEnabled=True, IncludedClientNames=list(names or ["PC1"]),
        AllowRdpAccess=False, AllowMachineRestart=False, **fields,
    )  # fmt: skip


def anna(site: CitrixSite, name: str = "PC1", **told: Any) -> dict[str, Any]:
    """Anna, of the provider's staff, tries to get in."""
    return dict(
        site.lab("connect", user="REGION\\anna", groups=["REGION\\HV-1"], client_name=name, **told)
    )


def until(holds: Callable[[], Any]) -> Any:
    """Ask again until it holds, for ten seconds at most."""
    ends = time.monotonic() + 10
    while not (found := holds()):
        assert time.monotonic() < ends
        time.sleep(0.05)
    return found


# --- TLS and who may call ------------------------------------------------------------------------


def test_a_certificate_of_another_ca_is_refused(site: CitrixSite, tmp_path: Path) -> None:
    where = urlsplit(site.uri)
    context = ssl.create_default_context(cafile=str(authority(tmp_path).pem))
    connection = http.client.HTTPSConnection(str(where.hostname), where.port, context=context)
    with pytest.raises(ssl.SSLCertVerificationError):
        connection.request("GET", "/cvad/manage/Me")


@pytest.mark.parametrize("user", [USER, USER.lower(), "svc-halsoval@ad.region.example"])
def test_a_token_is_for_name_and_password(site: CitrixSite, user: str) -> None:
    headers = {"Authorization": basic(user, PASSWORD)}
    reply = call(site.connection(), "POST", "/cvad/manage/Tokens", None, headers)
    assert reply.code == 200
    assert reply.body.keys() == {"Token", "Principal", "UserId", "CustomerId", "ExpiresAt"}
    assert isinstance(reply.body["ExpiresAt"], str)


@pytest.mark.parametrize(
    "authorization", [basic(USER, "wrong"), basic("x", PASSWORD), "", "Basic !"]
)
def test_a_token_is_refused_to_others(site: CitrixSite, authorization: str) -> None:
    headers = {"Authorization": authorization}
    assert call(site.connection(), "POST", "/cvad/manage/Tokens", None, headers).code == 401


@pytest.mark.parametrize("scheme", ["CWSAuth bearer=", "CWSAuth Bearer=", "CwsAuth Bearer="])
def test_the_scheme_is_compared_without_case(rest: Rest, scheme: str) -> None:
    token = rest.headers["Authorization"].partition("=")[2]
    headers = rest.headers | {"Authorization": scheme + token}
    assert call(rest.connection, "GET", "/cvad/manage/Me", None, headers).code == 200


def test_a_token_of_nobody_is_refused(rest: Rest) -> None:
    headers = rest.headers | {"Authorization": "CWSAuth bearer=nobody"}
    assert call(rest.connection, "GET", "/cvad/manage/Me", None, headers).code == 401


def test_a_token_expires(site: CitrixSite) -> None:
    site.lab("settings", token_seconds=0)
    rest = site.connection()
    headers = {"Authorization": basic(USER, PASSWORD)}
    token = call(rest, "POST", "/cvad/manage/Tokens", None, headers).body["Token"]
    headers = {"Authorization": f"CWSAuth bearer={token}", "Citrix-CustomerId": CUSTOMER}
    assert call(rest, "GET", "/cvad/manage/Me", None, headers).code == 401


def test_a_token_is_renewed_and_given_back(rest: Rest) -> None:
    renewed = rest("POST", "Tokens/$refresh")
    assert renewed.code == 200
    assert rest("GET", "Me").code == 401
    rest.headers["Authorization"] = f"CWSAuth bearer={renewed.body['Token']}"
    assert rest("GET", "Me").code == 200
    assert rest("DELETE", "Tokens").code == 204
    assert rest("GET", "Me").code == 401


def test_the_ids_must_be_there_and_right(rest: Rest) -> None:
    for name in ("Citrix-CustomerId", "Citrix-InstanceId"):
        left = {k: v for k, v in rest.headers.items() if k != name}
        assert call(rest.connection, "GET", "/cvad/manage/DeliveryGroups", None, left).code == 400
    left = {"Authorization": rest.headers["Authorization"]}
    assert call(rest.connection, "GET", "/cvad/manage/Me", None, left).code == 400
    other = rest.headers | {"Citrix-InstanceId": str(uuid.uuid4())}
    assert call(rest.connection, "GET", "/cvad/manage/DeliveryGroups", None, other).code == 403


def test_both_roots_answer_alike(rest: Rest) -> None:
    root, site_id = "/citrix/orchestration/api", rest.headers["Citrix-InstanceId"]
    own = {"Authorization": rest.headers["Authorization"]}
    assert call(rest.connection, "GET", f"{root}/me", None, own).body == rest("GET", "Me").body
    path = f"{root}/{CUSTOMER}/{site_id}/{GROUP}"
    assert call(rest.connection, "GET", path, None, own).body == rest("GET", GROUP).body
    other = f"{root}/{CUSTOMER}/{uuid.uuid4()}/{GROUP}"
    assert call(rest.connection, "GET", other, None, own).code == 403


def test_a_transaction_id_comes_back_or_is_made(rest: Rest) -> None:
    assert uuid.UUID(rest("GET", "Me").headers["Citrix-TransactionId"])
    own = rest.headers | {"Citrix-TransactionId": "mine"}
    reply = call(rest.connection, "GET", "/cvad/manage/nothing", None, own)
    assert (reply.code, reply.headers["Citrix-TransactionId"]) == (404, "mine")


def test_other_types_are_refused(rest: Rest) -> None:
    other = rest.headers | {"Accept": "text/xml"}
    assert call(rest.connection, "GET", "/cvad/manage/Me", None, other).code == 406
    other = rest.headers | {"Content-Type": "application/json"}
    path = "/cvad/manage/Sessions/$search"
    assert call(rest.connection, "POST", path, {}, other).code == 415
    assert JSON in rest("GET", "Me").headers["Content-Type"]


# --- errors --------------------------------------------------------------------------------------


def test_errors_have_one_shape_or_the_other(site: CitrixSite, rest: Rest) -> None:
    path = f"{RULES}/{uuid.uuid4()}"
    new = rest("GET", path)
    assert (new.code, new.body.keys()) == (404, {"type", "detail", "parameters"})
    assert new.body["type"].startswith("https://errors-api.cloud.com/")
    site.lab("settings", sdk_errors=True)
    old = rest("GET", path)
    assert old.code == 404
    assert old.body.keys() >= {"ErrorMessage", "SdkErrorId", "ErrorType", "ErrorDetails"}


def test_what_is_missing_may_be_500(site: CitrixSite, rest: Rest) -> None:
    site.lab("settings", missing_is_500=True)
    reply = rest("GET", f"{RULES}/{uuid.uuid4()}")
    assert (reply.code, reply.body["detail"]) == (500, "Object does not exist.")


# --- delivery groups -----------------------------------------------------------------------------


def test_a_group_is_found_by_id_name_and_folder(rest: Rest) -> None:
    group = rest("GET", GROUP).body
    assert group["Name"] == HALSOVAL
    assert rest("GET", f"DeliveryGroups/{group['Id']}").body == group
    path = quote("Region|Sjukhus|Klinik skrivbord", safe="")
    assert rest("GET", f"DeliveryGroups/{path}").body["Name"] == "Klinik skrivbord"
    for nobody in ("Klinik%20skrivbord", "nothing", str(uuid.uuid4())):
        assert rest("GET", f"DeliveryGroups/{nobody}").code == 404
        assert rest("GET", f"DeliveryGroups/{nobody}/AdvancedAccessPolicies").code == 404


def test_a_group_has_two_built_in_rules_that_stay(rest: Rest) -> None:
    rules = rest("GET", RULES).body["Items"]
    assert {rule["Name"]: rule["AllowedConnection"] for rule in rules} == {
        f"{HALSOVAL}_Direct": "NotViaAG",
        f"{HALSOVAL}_AG": "ViaAG",
    }
    for rule in rules:
        assert rest("DELETE", f"{RULES}/{rule['Id']}").code == 409
        assert rest("PATCH", f"{RULES}/{rule['Id']}", {"Name": "other"}).code == 400


def test_the_other_groups_built_in_rules_let_everybody_in(site: CitrixSite) -> None:
    group = "Region|Sjukhus|Klinik skrivbord"
    stranger = site.lab("connect", user="REGION\\eva", client_name="X", delivery_group=group)
    assert stranger["admitted"]
    assert stranger["rules"] == ["Klinik skrivbord_Direct"]


def test_the_simple_policy_is_null_unless_one_plain_rule_says_it_all(rest: Rest) -> None:
    assert rest("GET", GROUP).body["SimpleAccessPolicy"] is None
    plain = rest.rule(Name="plain", IncludedUserFilterEnabled=True, IncludedUsers=["REGION\\HV-1"])
    assert rest("GET", GROUP).body["SimpleAccessPolicy"]["IncludedUsers"] == plain["IncludedUsers"]
    rest("PATCH", f"{RULES}/{plain['Id']}", {"IncludedClientNames": ["PC1"]})
    assert rest("GET", GROUP).body["SimpleAccessPolicy"] is None


def test_a_list_of_rules_for_a_group_removes_those_that_it_leaves_out(rest: Rest) -> None:
    """As Terraform does: a run of it on our group deletes our rules."""
    ours, theirs = allow(rest), allow(rest, "theirs")
    rules = rest("GET", RULES).body["Items"]
    keep = [{"Id": r["Id"]} for r in rules if r["IsBuiltIn"] or r["Id"] == theirs["Id"]]
    assert rest("PATCH", GROUP, {"AdvancedAccessPolicy": keep}).code == 204
    assert rest("GET", f"{RULES}/{ours['Id']}").code == 404
    assert rest("GET", f"{RULES}/{theirs['Id']}").code == 200


# --- rules ---------------------------------------------------------------------------------------


def test_rdp_and_restart_are_on_unless_sent(rest: Rest) -> None:
    rule = rest.rule(Name="bare")
    assert rule["AllowRdpAccess"] is rule["AllowMachineRestart"] is rule["Enabled"] is True
    assert rule["IncludedUserFilterEnabled"] is False
    assert (rule["AllowedConnection"], rule["AllowedUsers"]) == ("Filtered", "Filtered")
    sent = rest.rule(Name="sent", AllowRdpAccess=False, AllowMachineRestart=False)
    assert sent["AllowRdpAccess"] is sent["AllowMachineRestart"] is False


@pytest.mark.parametrize(
    "meant", ["REGION\\HV-2", "region\\hv-2", "hv-2@ad.region.example", "S-1-5-21-1-2-3-1106"]
)
def test_users_go_in_as_strings_and_come_out_as_objects(
    site: CitrixSite, rest: Rest, meant: str
) -> None:
    known = {
        "SamName": "REGION\\HV-2", "PrincipalName": "hv-2@ad.region.example",
        "Sid": "S-1-5-21-1-2-3-1106",
    }  # fmt: skip
    site.lab("directory", identities=[known])
    rule = rest.rule(Name="hv", IncludedUsers=[meant])
    (user,) = rule["IncludedUsers"]
    assert {name: user[name] for name in known} == known
    assert user["IsGroup"] is True


def test_a_user_of_another_domain_is_refused(rest: Rest) -> None:
    reply = rest("POST", RULES, {"Name": "x", "IncludedUsers": ["ELSEWHERE\\x"]})
    assert (reply.code, reply.body["type"].rpartition("/")[2]) == (400, "UnknownUser")


def test_a_name_is_unique_in_the_site(rest: Rest) -> None:
    rule = allow(rest)
    other = "DeliveryGroups/Region|Sjukhus|Klinik%20skrivbord/AdvancedAccessPolicies"
    for path in (RULES, quote(other, safe="/%")):
        reply = rest("POST", path, {"Name": "HV"})
        assert (reply.code, reply.body["type"].rpartition("/")[2]) == (409, "DuplicateObject")
    second = allow(rest, "second")
    assert rest("PATCH", f"{RULES}/{second['Id']}", {"Name": "hv"}).code == 400
    assert rest("PATCH", f"{RULES}/{rule['Id']}", {"Name": "HV"}).code == 200


@pytest.mark.parametrize("empty", [False, True])
def test_a_patch_leaves_what_it_does_not_send_and_replaces_lists(
    site: CitrixSite, rest: Rest, empty: bool
) -> None:
    site.lab("settings", patch_answers_empty=empty)
    rule = allow(rest, "hv", "PC1", "PC2", AppProtectionKeyLoggingRequired=True)
    reply = rest("PATCH", f"{RULES}/{rule['Id']}", {"IncludedClientNames": ["PC3"]})
    wanted = {**rule, "IncludedClientNames": ["PC3"]}
    assert (reply.code, reply.body) == ((204, None) if empty else (200, wanted))
    assert rest("GET", f"{RULES}/{rule['Id']}").body == wanted


def test_a_rule_is_deleted_once(rest: Rest) -> None:
    rule = allow(rest)
    assert rest("DELETE", f"{RULES}/{rule['Id']}").code == 204
    assert rest("DELETE", f"{RULES}/{rule['Id']}").code == 404
    assert rest("PATCH", f"{RULES}/{rule['Id']}", {}).code == 404


def test_a_rule_is_found_in_its_own_group_only(rest: Rest) -> None:
    rule = allow(rest)
    other = quote("DeliveryGroups/Region|Sjukhus|Klinik skrivbord")
    assert rest("GET", f"{other}/AdvancedAccessPolicies/{rule['Id']}").code == 404


# --- who gets in ---------------------------------------------------------------------------------


def test_a_registered_client_of_the_right_group_gets_in(site: CitrixSite, rest: Rest) -> None:
    assert not anna(site)["admitted"]
    allow(rest)
    admitted = anna(site, "pc1")
    assert (admitted["admitted"], admitted["rules"]) == (True, ["hv"])
    assert admitted["rights"] == ["HDX"]


def test_an_unregistered_client_and_a_foreign_user_are_refused_without_a_trace(
    site: CitrixSite, rest: Rest
) -> None:
    allow(rest)
    rows = len(all_rows(site, "Connections"))
    assert anna(site, "PC2")["reasons"]["hv"] == "not included by client name"
    foreign = site.lab("connect", user="REGION\\eva", groups=["REGION\\HV-2"], client_name="PC1")
    assert foreign["reasons"]["hv"] == "not included by user"
    assert len(all_rows(site, "Connections")) == rows
    assert rest("GET", "Sessions").body["Items"] == []


def test_groups_of_a_person_may_be_told_beforehand(site: CitrixSite, rest: Rest) -> None:
    allow(rest)
    site.lab("directory", identities=[
        {"SamName": "REGION\\bo", "IsGroup": False, "MemberOf": ["REGION\\HV-1"]}
    ])  # fmt: skip
    assert site.lab("connect", user="REGION\\bo", client_name="PC1")["admitted"]


def test_a_browser_is_not_admitted_by_name_though_the_session_shows_it(
    site: CitrixSite, rest: Rest
) -> None:
    allow(rest)
    browser = anna(site, "PC1", launch="browser")
    assert not browser["admitted"]
    assert browser["seen_as"].startswith("WR_")
    rest.rule(Name="ip", IncludedClientIPFilterEnabled=True, IncludedClientIPs=["10.40.0.0/16"])
    admitted = anna(site, "PC1", launch="browser", client_address="10.40.37.5")
    assert admitted["rules"] == ["ip"]
    client = rest("GET", f"Sessions/{admitted['session']}").body["Client"]
    assert (client["Name"], client["ReceiverName"]) == ("PC1", admitted["seen_as"])


def test_a_client_name_is_cut_and_cleaned(site: CitrixSite, rest: Rest) -> None:
    allow(rest, "hv", "A-NAME-OF-TWENTY-CHA")
    admitted = anna(site, "a-name-of-twenty-characters-and-more")
    assert admitted["seen_as"] == "a-name-of-twenty-cha"
    assert anna(site, "test's.MacBook")["seen_as"] == "test_s_MacBook"


def test_a_gateway_and_rdp_are_told(site: CitrixSite, rest: Rest) -> None:
    tag = {"Farm": "gw", "Filter": "managed"}
    rest.rule(
        Name="gw", IncludedSmartAccessFilterEnabled=True, AllowedConnection="ViaAG",
        IncludedSmartAccessTags=[tag], AllowRdpAccess=False,
    )  # fmt: skip
    assert not anna(site)["admitted"]
    assert not anna(site, gateway={"tags": []})["admitted"]
    assert anna(site, gateway={"tags": [tag]})["admitted"]
    assert not anna(site, gateway={"tags": [tag]}, protocol="RDP")["admitted"]


def test_a_changed_rule_leaves_sessions_and_blocks_reconnecting(
    site: CitrixSite, rest: Rest
) -> None:
    rule = allow(rest)
    session = anna(site)["session"]
    site.lab("disconnect", session=session)
    assert site.lab("reconnect", session=session)["admitted"]
    site.lab("disconnect", session=session)
    rest("PATCH", f"{RULES}/{rule['Id']}", {"Enabled": False})
    assert rest("GET", f"Sessions/{session}").body["State"] == "Disconnected"
    assert not site.lab("reconnect", session=session)["admitted"]


# --- sessions ------------------------------------------------------------------------------------


def test_a_session_is_shown_as_documented(site: CitrixSite, rest: Rest) -> None:
    allow(rest)
    site.lab("clock", now="2020-11-16T14:01:04Z")
    admitted = anna(site, client_address="192.168.50.144", device_id="D1", hardware_id="55667788")
    site.lab("clock", now=f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime())}Z")
    (session,) = rest("GET", "Sessions").body["Items"]
    assert session["StartTime"] == "11/16/2020 2:01:04 PM"
    assert session["FormattedStartTime"] == "2020-11-16T14:01:04Z"
    assert session["Id"] == admitted["session"]
    assert session["User"]["SamName"] == "REGION\\anna"
    assert session["Machine"]["DeliveryGroup"]["Name"] == HALSOVAL
    assert {n: session["Client"][n] for n in ("Name", "IPAddress", "DeviceId", "HardwareId")} == {
        "Name": "PC1", "IPAddress": "192.168.50.144", "DeviceId": "D1", "HardwareId": "55667788"
    }  # fmt: skip
    assert session["Connection"]["Protocol"] == "Hdx"
    assert rest("GET", "SessionsV2").body["Items"] == [session]
    trimmed = rest("GET", f"Sessions/{session['Id']}", fields="Id,State")
    assert trimmed.body == {"Id": session["Id"], "State": "Active"}


def test_search_finds_by_client_name_and_counts(site: CitrixSite, rest: Rest) -> None:
    allow(rest, "hv", "PC1", "PC2", "PC10")
    for name in ("PC1", "PC2", "PC10"):
        anna(site, name)

    def found(operator: str, value: str, **more: Any) -> list[str]:
        item = {"Property": "ClientName", "Operator": operator, "Value": value}
        reply = rest("POST", "Sessions/$search", {"SearchFilters": [item], **more})
        assert reply.body["TotalItems"] == len(reply.body["Items"])
        return [session["Client"]["Name"] for session in reply.body["Items"]]

    assert found("Equals", "pc1") == ["PC1"]
    by_name = {"SortCriteria": {"Property": "ClientName", "SortDirection": "Descending"}}
    assert found("StartsWith", "PC1", **by_name) == ["PC10", "PC1"]
    assert set(found("Like", "*C1*")) == {"PC1", "PC10"}
    assert set(found("NotEquals", "PC1")) == {"PC2", "PC10"}
    assert rest("GET", "Sessions").body["TotalItems"] is None


def test_search_does_not_apply_keys_of_another_case(site: CitrixSite, rest: Rest) -> None:
    allow(rest)
    anna(site)
    item = {"Property": "ClientName", "Operator": "Equals", "Value": "PC2"}
    assert rest("POST", "Sessions/$search", {"SearchFilters": [item]}).body["Items"] == []
    assert len(rest("POST", "Sessions/$search", {"searchFilters": [item]}).body["Items"]) == 1


@pytest.mark.parametrize("name", ["DeviceId", "HardwareId", "ReceiverName"])
def test_search_knows_no_device(rest: Rest, name: str) -> None:
    item = {"Property": name, "Operator": "Equals", "Value": "x"}
    assert rest("POST", "Sessions/$search", {"SearchFilters": [item]}).code == 400


def test_lists_come_in_pages(site: CitrixSite, rest: Rest) -> None:
    allow(rest)
    sessions = {anna(site)["session"] for _number in range(5)}
    found, token = [], ""
    while token is not None:
        query = {"limit": 2} | ({"continuationToken": token} if token else {})
        page = rest("GET", "Sessions", **query).body
        found.append([session["Id"] for session in page["Items"]])
        token = page["ContinuationToken"]
    assert [len(page) for page in found] == [2, 2, 1]
    assert {session for page in found for session in page} == sessions
    assert rest("POST", "Sessions/$search", {}, limit=2, skip=4).body["TotalItems"] == 5
    assert rest("GET", "Sessions", limit=1001).code == 400
    assert rest("GET", "Sessions", continuationToken="x").code == 400


def test_a_session_is_gone_a_while_after_logoff(site: CitrixSite, rest: Rest) -> None:
    allow(rest)
    site.lab("settings", logoff_seconds=1)
    session = anna(site)["session"]
    assert rest("POST", f"Sessions/{session}/$logoff").code == 204
    assert rest("GET", f"Sessions/{session}").body["LogoffInProgress"] is True
    until(lambda: rest("GET", f"Sessions/{session}").code == 404)
    (row,) = all_rows(site, "Sessions", f"SessionKey eq {session}")
    assert row["EndDate"]
    assert row["ConnectionState"] == 3
    assert rest("POST", f"Sessions/{session}/$logoff").code == 404


def test_logoff_may_be_a_job(site: CitrixSite, rest: Rest) -> None:
    allow(rest)
    site.lab("settings", logoff_by_job=True)
    session = anna(site)["session"]
    reply = rest("POST", f"Sessions/{session}/$logoff")
    assert (reply.code, reply.body) == (202, None)
    job = followed(rest, reply.headers["Location"])
    assert (job["Type"], job["Status"]) == ("LogoffSessions", "Complete")
    assert job["Parameters"] == [{"Name": "Id", "Value": session}]
    until(lambda: rest("GET", f"Sessions/{session}").code == 404)


def test_a_session_is_disconnected_and_stays(site: CitrixSite, rest: Rest) -> None:
    allow(rest)
    session = anna(site)["session"]
    assert rest("POST", f"Sessions/{session}/$disconnect").code == 204
    assert rest("GET", f"Sessions/{session}").body["State"] == "Disconnected"
    (row,) = all_rows(site, "Sessions", f"SessionKey eq {session}")
    assert (row["ConnectionState"], row["CurrentConnectionId"]) == (2, None)


# --- jobs and batches ----------------------------------------------------------------------------


def followed(rest: Rest, location: str) -> dict[str, Any]:
    """A job when it has ended."""
    path = urlsplit(location).path.removeprefix("/cvad/manage/")
    return dict(
        until(
            lambda: (
                (job := rest("GET", path).body)["Status"] not in ("NotStarted", "InProgress")
                and job
            )
        )
    )


def test_writes_are_jobs_if_asked(rest: Rest) -> None:
    created = rest("POST", RULES, {"Name": "later"}, **{"async": "true"})
    assert (created.code, created.body) == (202, None)
    job = followed(rest, created.headers["Location"])
    assert (job["Type"], job["Status"]) == ("CreateAdvancedAccessPolicy", "Complete")
    result = rest("GET", f"Jobs/{job['Id']}/Results")
    assert result.code == 303
    path = urlsplit(result.headers["Location"]).path.removeprefix("/cvad/manage/")
    assert rest("GET", path).body["Name"] == "later"
    patched = rest("PATCH", path, {"Enabled": False}, **{"async": "true"})
    assert followed(rest, patched.headers["Location"])["Status"] == "Complete"
    assert rest("GET", path).body["Enabled"] is False
    deleted = rest("DELETE", path, **{"async": "true"})
    assert followed(rest, deleted.headers["Location"])["Status"] == "Complete"
    assert rest("GET", path).code == 404


@pytest.mark.parametrize(
    ("status", "is_done"),
    [("CompleteWithWarning", True), ("NonTerminatingError", True), ("Failed", False)],
)
def test_a_job_may_end_otherwise(site: CitrixSite, rest: Rest, status: str, is_done: bool) -> None:
    site.lab("faults", faults=[{"kind": "job", "status": status}])
    created = rest("POST", RULES, {"Name": "warned"}, **{"async": "true"})
    job = followed(rest, created.headers["Location"])
    assert job["Status"] == status
    assert job["ErrorString"]
    names = [rule["Name"] for rule in rest("GET", RULES).body["Items"]]
    assert ("warned" in names) is is_done


def test_a_job_fails_with_the_reason(rest: Rest) -> None:
    allow(rest)
    created = rest("POST", RULES, {"Name": "hv"}, **{"async": "true"})
    job = followed(rest, created.headers["Location"])
    assert job["Status"] == "Failed"
    assert "exists" in job["ErrorString"]


def test_a_running_job_is_cancelled_not_deleted(site: CitrixSite, rest: Rest) -> None:
    site.lab("faults", faults=[{"kind": "job", "status": "InProgress"}])
    created = rest("POST", RULES, {"Name": "never"}, **{"async": "true"})
    path = urlsplit(created.headers["Location"]).path.removeprefix("/cvad/manage/")
    assert rest("DELETE", path).code == 409
    assert rest("POST", f"{path}/$cancel").body["Status"] == "Canceled"
    assert rest("POST", f"{path}/$cancel").code == 409
    assert path.rpartition("/")[2] in [job["Id"] for job in rest("GET", "Jobs").body["Items"]]
    assert rest("DELETE", path).code == 204
    assert rest("GET", path).code == 404
    assert rest("GET", f"{path}/Results").code == 404


def test_a_job_is_gone_48_hours_after_it_ended(site: CitrixSite, rest: Rest) -> None:
    created = rest("POST", RULES, {"Name": "old"}, **{"async": "true"})
    job = followed(rest, created.headers["Location"])
    then = time.gmtime(time.time() + 49 * 3600)
    site.lab("clock", now=f"{time.strftime('%Y-%m-%dT%H:%M:%S', then)}Z")
    later = site.rest()
    assert later("GET", f"Jobs/{job['Id']}").code == 404
    assert rest("GET", "Me").code == 401  # the token is older than an hour too
    site.lab("clock", now=f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime())}Z")


def batch(*items: dict[str, Any]) -> dict[str, Any]:
    return {"Items": list(items)}


def test_a_batch_does_all_and_answers_in_any_order(rest: Rest) -> None:
    token = rest.headers["Authorization"].partition("=")[2]
    prefix = f"{CUSTOMER}/{rest.headers['Citrix-InstanceId']}"
    items = [
        {
            "Reference": f"r{number}", "Method": "POST",
            "RelativeUrl": f"{['', 'v1/'][number % 2]}{prefix}/{RULES}",
            "Headers": [{"Name": "Authorization", "Value": f"Bearer {token}"}],
            "Body": json.dumps({"Name": f"rule {number}"}),
        }
        for number in range(20)
    ]  # fmt: skip
    items.append({"Reference": "get", "RelativeUrl": f"/{GROUP}"})
    items.append({"Reference": "none", "RelativeUrl": f"/{RULES}/{uuid.uuid4()}"})
    reply = rest("POST", "$batch", batch(*items))
    done = {item["Reference"]: item for item in reply.body["Items"]}
    assert [item["Reference"] for item in reply.body["Items"]] != [i["Reference"] for i in items]
    assert done.keys() == {item["Reference"] for item in items}
    assert json.loads(done["r3"]["Body"])["Name"] == "rule 3"
    assert (done["r3"]["Code"], done["get"]["Code"], done["none"]["Code"]) == (200, 200, 404)


def test_a_batch_may_be_a_job_and_its_items_too(rest: Rest) -> None:
    item = {
        "Reference": "one", "Method": "POST", "RelativeUrl": f"{RULES}?async=true",
        "Body": json.dumps({"Name": "in a batch"}),
    }  # fmt: skip
    reply = rest("POST", "$batch", batch(item), **{"async": "true"})
    job = followed(rest, reply.headers["Location"])
    assert (job["Type"], job["Status"]) == ("Batch", "Complete")
    (done,) = rest("GET", f"Jobs/{job['Id']}/Results").body["Items"]
    assert (done["Code"], done["Body"]) == (202, None)
    (location,) = [h["Value"] for h in done["Headers"] if h["Name"] == "Location"]
    assert followed(rest, location)["Status"] == "Complete"


@pytest.mark.parametrize(
    "items",
    [
        [{"Reference": "a", "RelativeUrl": "x"}, {"Reference": "a", "RelativeUrl": "y"}],
        [{"Reference": "å", "RelativeUrl": "x"}],
        [{"Reference": "a" * 65, "RelativeUrl": "x"}],
        [{"Reference": "a"}],
        [{"Reference": "a", "RelativeUrl": "x", "Body": {"Name": "x"}}],
        "a",
    ],
)
def test_a_batch_that_is_none_is_refused(rest: Rest, items: Any) -> None:
    assert rest("POST", "$batch", {"Items": items}).code == 400


# --- Monitor -------------------------------------------------------------------------------------


def query(connection: http.client.HTTPSConnection, entity: str, **options: str) -> Any:
    """One page, or the error."""
    asked = "&".join(f"%24{name}={quote(value)}" for name, value in options.items())
    return call(connection, "GET", f"{ODATA}/{entity}?{asked}")


def all_rows(site: CitrixSite, entity: str, text: str = "") -> list[dict[str, Any]]:
    """All rows that a filter finds, page by page."""
    connection, found = site.monitor(), []
    reply = query(connection, entity, **({"filter": text} if text else {}))
    while True:
        assert reply.code == 200, reply.body
        found += reply.body["value"]
        if "@odata.nextLink" not in reply.body:
            return found
        following = urlsplit(reply.body["@odata.nextLink"])
        reply = call(connection, "GET", f"{following.path}?{following.query}")


@pytest.mark.parametrize("protocol", ["NTLM", "Negotiate"])
def test_monitor_wants_ntlm(site: CitrixSite, protocol: str) -> None:
    connection = site.monitor(protocol)
    reply = query(connection, "Users")  # the connection is known
    assert (reply.code, reply.headers["OData-Version"]) == (200, "4.0")
    assert reply.headers["Content-Type"] == "application/json; odata.metadata=minimal"


def test_monitor_refuses_basic_tokens_and_nobody(site: CitrixSite, rest: Rest) -> None:
    for authorization in (basic(USER, PASSWORD), rest.headers["Authorization"], ""):
        headers = {"Authorization": authorization} if authorization else {}
        reply = call(site.connection(), "GET", f"{ODATA}/Users", None, headers)
        assert reply.code == 401
        assert reply.headers.get_all("WWW-Authenticate") == ["NTLM", "Negotiate"]


def test_monitor_refuses_a_wrong_password_and_another_user(site: CitrixSite) -> None:
    assert log_in(site.connection(), "NTLM", "wrong").code == 401
    assert log_in(site.connection(), "NTLM", PASSWORD, "REGION\\other").code == 401


def test_one_connection_is_one_login(site: CitrixSite) -> None:
    site.monitor()
    assert query(site.connection(), "Users").code == 401


def test_each_connect_and_reconnect_is_a_row(site: CitrixSite, rest: Rest) -> None:
    allow(rest, "hv", "PC1", "PC2")
    session = anna(site)["session"]
    site.lab("reconnect", session=session, client_name="PC2")
    rows = all_rows(site, "Connections", f"SessionKey eq {session}")
    assert [(row["ClientName"], row["IsReconnect"]) for row in rows] == [
        ("PC1", False), ("PC2", True)
    ]  # fmt: skip
    assert "DeviceId" not in rows[0]
    assert rows[0]["DisconnectDate"]
    assert rows[1]["DisconnectDate"] is None


def test_a_row_changes_after_it_was_read(site: CitrixSite, rest: Rest) -> None:
    allow(rest)
    connection = anna(site)["connection"]
    (before,) = all_rows(site, "Connections", f"Id eq {connection}")
    site.lab("disconnect", session=before["SessionKey"])
    (after,) = all_rows(site, "Connections", f"ModifiedDate gt {before['ModifiedDate']}")
    assert after["Id"] == connection
    assert after["BrokeringDate"] == before["BrokeringDate"]


def test_sessions_users_and_machines_hang_together(site: CitrixSite, rest: Rest) -> None:
    allow(rest)
    connection = anna(site)["connection"]
    reply = query(
        site.monitor(), "Connections", filter=f"Id eq {connection}", select="Id,ClientName",
        expand="Session($select=SessionType,ConnectionState;$expand=User($select=UserName,Domain),Machine)",
    )  # fmt: skip
    (row,) = reply.body["value"]
    assert row.keys() == {"Id", "ClientName", "Session"}
    assert row["Session"]["User"] == {"UserName": "anna", "Domain": "REGION"}
    assert (row["Session"]["SessionType"], row["Session"]["ConnectionState"]) == (0, 5)
    assert row["Session"]["Machine"]["Name"].startswith("REGION\\CTX")
    (session,) = query(
        site.monitor(), "Sessions", filter="User/UserName eq 'anna' and EndDate eq null",
        expand="Connections($select=Id),CurrentConnection($select=ClientName)",
    ).body["value"]  # fmt: skip
    assert session["Connections"] == [{"Id": connection}]
    assert session["CurrentConnection"] == {"ClientName": "PC1"}


def test_rows_come_by_the_hundred(site: CitrixSite) -> None:
    rows = [{"Id": 10_000 + n, "ClientName": f"P{n}"} for n in range(250)]
    site.lab("rows", Connections=[{**row, "ModifiedDate": LATER} for row in rows])
    found = f"ModifiedDate ge {LATER}"
    first = query(site.monitor(), "Connections", filter=found, count="true").body
    assert (len(first["value"]), first["@odata.count"]) == (100, 250)
    assert [row["ClientName"] for row in all_rows(site, "Connections", found)] == [
        row["ClientName"] for row in rows
    ]
    few = query(site.monitor(), "Connections", filter=found, orderby="Id desc", top="2", skip="1")
    assert [row["ClientName"] for row in few.body["value"]] == ["P248", "P247"]
    assert "@odata.nextLink" not in few.body
    many = query(site.monitor(), "Connections", filter=found, top="101").body
    following = urlsplit(many["@odata.nextLink"])
    rest = call(site.monitor(), "GET", f"{following.path}?{following.query}").body
    assert len(rest["value"]) == 1
    assert "@odata.nextLink" not in rest


def test_rows_without_a_date_are_not_after_one(site: CitrixSite) -> None:
    rows = [{"Id": number, "CreatedDate": LATER} for number in (20_001, 20_002)]
    site.lab("rows", Connections=[{**rows[0], "BrokeringDate": LATER}, rows[1]])
    assert [r["Id"] for r in all_rows(site, "Connections", f"BrokeringDate ge {LATER}")] == [20_001]
    both = all_rows(site, "Connections", f"CreatedDate ge {LATER} and Id gt 20000")
    assert [row["Id"] for row in both] == [20_001, 20_002]


@pytest.mark.parametrize(
    "options",
    [
        {"filter": "Nothing eq 1"},
        {"filter": "Id like 1"},
        {"filter": "BrokeringDate ge datetime'2026-01-01T00:00:00'"},
        {"select": "DeviceId"},
        {"expand": "Nothing"},
        {"expand": "Session($filter=Id eq 1)"},
        {"orderby": "Id up"},
        {"top": "-1"},
        {"search": "x"},
    ],
)
def test_a_query_that_is_not_understood_is_refused(
    site: CitrixSite, options: dict[str, str]
) -> None:
    reply = query(site.monitor(), "Connections", **options)
    assert reply.code == 400
    assert reply.body["error"]["message"]


def test_an_unknown_entity_is_not_found(site: CitrixSite) -> None:
    assert query(site.monitor(), "Everything").code == 404


# --- faults --------------------------------------------------------------------------------------


def test_a_401_ends_the_token(site: CitrixSite, rest: Rest) -> None:
    fault = {"kind": "status", "code": 401, "path": "/DeliveryGroups", "after": 1}
    site.lab("faults", faults=[fault])
    codes = [rest("GET", "DeliveryGroups").code for _number in range(3)]
    assert codes == [200, 401, 401]
    assert site.rest()("GET", "DeliveryGroups").code == 200


@pytest.mark.parametrize("again", [None, 7])
def test_429_comes_with_retry_after_or_without(
    site: CitrixSite, rest: Rest, again: int | None
) -> None:
    connection = site.monitor()
    site.lab("faults", faults=[{"kind": "status", "code": 429, "retry_after": again, "times": 2}])
    for reply in (rest("GET", "Sessions"), query(connection, "Users")):
        assert reply.code == 429
        assert reply.headers["Retry-After"] == (None if again is None else "7")
    assert rest("GET", "Sessions").code == 200
    assert query(connection, "Users").code == 200


def test_500_strikes_items_of_a_batch_too(site: CitrixSite, rest: Rest) -> None:
    site.lab("faults", faults=[{"kind": "status", "code": 500, "path": "Policies"}])
    items = [{"Reference": name, "RelativeUrl": f"/{RULES}"} for name in ("a", "b")]
    codes = [item["Code"] for item in rest("POST", "$batch", batch(*items)).body["Items"]]
    assert sorted(codes) == [200, 500]


def test_a_fault_is_for_its_calls_only_and_says_how_often_it_struck(
    site: CitrixSite, rest: Rest
) -> None:
    site.lab("faults", faults=[{"kind": "status", "code": 503, "method": "POST", "times": None}])
    assert rest("GET", "Sessions").code == 200
    assert [rest("POST", "Sessions/$search", {}).code for _number in range(2)] == [503, 503]
    (fault,) = site.lab("faults", "GET")["faults"]
    assert fault["struck"] == 2
    site.lab("faults", "DELETE")
    assert rest("POST", "Sessions/$search", {}).code == 200


def test_a_page_is_cut(site: CitrixSite, rest: Rest) -> None:
    connection = site.monitor()
    site.lab("faults", faults=[{"kind": "cut", "times": 2}])
    with pytest.raises((http.client.IncompleteRead, ConnectionError, ssl.SSLError)):
        rest("GET", "DeliveryGroups")
    with pytest.raises((http.client.IncompleteRead, ConnectionError, ssl.SSLError)):
        query(connection, "Machines")


def test_a_reply_is_lost_after_the_write(site: CitrixSite, rest: Rest) -> None:
    site.lab("faults", faults=[{"kind": "lost_reply", "method": "POST"}])
    with pytest.raises((http.client.RemoteDisconnected, ConnectionError, ssl.SSLError)):
        allow(rest)
    again = site.rest()
    assert "hv" in [rule["Name"] for rule in again("GET", RULES).body["Items"]]
    assert again("POST", RULES, {"Name": "hv"}).code == 409


def test_an_answer_is_slow(site: CitrixSite, rest: Rest) -> None:
    site.lab("faults", faults=[{"kind": "slow", "seconds": 0.5}])
    began = time.monotonic()
    assert rest("GET", "Sessions").code == 200
    assert time.monotonic() - began >= 0.5


def test_a_continuation_repeats(site: CitrixSite, rest: Rest) -> None:
    rows = [{"Id": 30_000 + n, "CreatedDate": LATER} for n in range(150)]
    site.lab("rows", Connections=rows)
    connection = site.monitor()
    site.lab("faults", faults=[{"kind": "repeat", "times": None}])
    page = query(connection, "Connections", filter="Id ge 30000")
    following = urlsplit(page.body["@odata.nextLink"])
    again = call(connection, "GET", f"{following.path}?{following.query}").body
    assert again["value"] == page.body["value"]
    assert again["@odata.nextLink"] == page.body["@odata.nextLink"]
    rules = rest("GET", RULES, limit=1).body
    query_again = {"limit": 1, "continuationToken": rules["ContinuationToken"]}
    assert rest("GET", RULES, **query_again).body == rules


def test_a_page_is_short_without_a_word(site: CitrixSite, rest: Rest) -> None:
    connection = site.monitor()
    site.lab("faults", faults=[{"kind": "short_page", "times": None}])
    page = query(connection, "Machines", count="true").body
    assert len(page["value"]) < page["@odata.count"]
    assert "@odata.nextLink" not in page
    rules = rest("GET", RULES).body
    assert (len(rules["Items"]), rules["ContinuationToken"]) == (1, None)


def test_an_account_may_see_nothing(site: CitrixSite, rest: Rest) -> None:
    connection = site.monitor()
    site.lab("faults", faults=[{"kind": "blind", "times": None, "path": "Monitor|Sessions"}])
    assert query(connection, "Machines").body["value"] == []
    assert query(connection, "Connections").body["value"] == []
    assert rest("GET", "Sessions").body["Items"] == []
    assert rest("GET", RULES).body["Items"]


def test_a_logoff_never_ends(site: CitrixSite, rest: Rest) -> None:
    allow(rest)
    site.lab("settings", logoff_seconds=0)
    site.lab("faults", faults=[{"kind": "endless_logoff"}])
    session = anna(site)["session"]
    rest("POST", f"Sessions/{session}/$logoff")
    time.sleep(0.3)
    assert rest("GET", f"Sessions/{session}").body["LogoffInProgress"] is True


# --- the lab's own door --------------------------------------------------------------------------


def test_the_lab_wants_its_password(site: CitrixSite) -> None:
    for authorization in (basic("lab", "wrong"), basic(USER, PASSWORD), ""):
        headers = {"Authorization": authorization}
        reply = call(site.connection(), "POST", "/lab/connect", {}, headers)
        assert reply.code == 401


@pytest.mark.parametrize(
    ("verb", "told"),
    [
        ("connect", {}),
        ("connect", {"user": "REGION\\a", "launch": "telnet"}),
        ("connect", {"user": "REGION\\a", "protocol": "VNC"}),
        ("connect", {"user": "REGION\\a", "client_address": "here"}),
        ("faults", {"faults": [{"kind": "flood"}]}),
        ("faults", {}),
        ("settings", {"speed": 1}),
        ("clock", {"now": "noon"}),
        ("clock", {"now": "2026-03-02T08:00:00"}),
        ("rows", {"Everything": []}),
        ("rows", {"Users": [{"Upn": "x"}]}),
        ("directory", {"identities": [{}]}),
    ],
)
def test_what_the_lab_cannot_do_is_refused(
    site: CitrixSite, verb: str, told: dict[str, Any]
) -> None:
    headers = {"Authorization": basic("lab", site.lab_password)}
    reply = call(site.connection(), "POST", f"/lab/{verb}", told, headers)
    assert reply.code == 400
    assert reply.body["detail"]


def test_what_happened_is_kept_when_the_site_is_killed(tmp_path: Path) -> None:
    with citrix_site(tmp_path) as site:
        rule = allow(site.rest())
        session = anna(site)["session"]
        site.lab("settings", sdk_errors=True)
        assert site.process
        site.process.kill()
        site.process.wait()
    with citrix_site(tmp_path) as site:
        rest = site.rest()
        assert rest("GET", f"{RULES}/{rule['Id']}").body == rule
        assert rest("GET", f"Sessions/{session}").body["State"] == "Active"
        assert len(all_rows(site, "Connections")) == 1
        assert site.lab("settings", "GET")["sdk_errors"] is True
        assert anna(site)["connection"] == 2
        files = [path for path in tmp_path.iterdir() if "state" in path.name]
        assert [path.stat().st_mode & 0o777 for path in files] == [0o600] * len(files)
