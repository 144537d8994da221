# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The access policy on the lab's Citrix site: who gets in is tried, whatever goes wrong."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.regionjh.halsoval.plugins.module_utils.desired.citrix.holdings import index
from ansible_collections.regionjh.halsoval.plugins.module_utils.desired.citrix.reading import table
from ansible_collections.regionjh.halsoval.plugins.module_utils.systems import (
    citrix_rest,
    citrix_site,
    https,
)
from ansible_collections.regionjh.halsoval.plugins.module_utils.systems.citrix_site import (
    CitrixSite,
    Settings,
)
from ansible_collections.regionjh.halsoval.plugins.module_utils.systems.https import HttpError
from ansible_collections.regionjh.halsoval.tests.certificates import authority
from ansible_collections.regionjh.halsoval.tests.citrix import (
    HALSOVAL,
    PASSWORD,
    USER,
)
from ansible_collections.regionjh.halsoval.tests.citrix import (
    CitrixSite as Lab,
)
from ansible_collections.regionjh.halsoval.tests.citrix import (
    citrix_site as lab_site,
)
from ansible_collections.regionjh.halsoval.tests.unit.builders import TODAY
from ansible_collections.regionjh.halsoval.tests.unit.citrix_in_memory import (
    LAYOUT,
    Citrix,
    pc,
    provider,
    share,
)

YESTERDAY, AFTER = TODAY - dt.timedelta(days=1), dt.date(2026, 4, 1)
RULES = "/AdvancedAccessPolicies"
ALFA = provider("alfa", pc("PC-1"), pc("PC-2"))


# A delivery group whose built-in rules are as Citrix makes them.
OPEN_GROUP = "Region|Sjukhus|Klinik skrivbord"


@dataclass(frozen=True)
class Site:
    """The lab's site, and how a run reaches it."""

    lab_site: Lab

    @property
    def settings(self) -> Settings:
        return Settings(self.lab_site.uri, USER, PASSWORD, str(self.lab_site.ca), timeout=5)

    def lab(self, verb: str, method: str = "POST", **told: Any) -> Any:
        return self.lab_site.lab(verb, method, **told)

    def fault(self, kind: str, **told: Any) -> None:
        self.lab("faults", faults=[{"kind": kind, **told}])

    def connect(self, user: str, client: str, group: str = HALSOVAL, **told: Any) -> Any:
        """Somebody's attempt to get in."""
        asked = {"client_name": client, "client_address": "10.9.9.9", **told}
        return self.lab("connect", user=user, delivery_group=group, **asked)


@pytest.fixture(scope="module")
def a_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with lab_site(tmp_path_factory.mktemp("citrix")) as lab:
        people = [
            {"SamName": f"REGION\\sk{p}", "IsGroup": False, "MemberOf": [f"REGION\\Halsoval-{p}"]}
            for p in ("alfa", "beta")
        ]
        people.append({"SamName": "REGION\\anyone", "IsGroup": False})
        lab.lab("directory", identities=people)
        yield Site(lab)


@pytest.fixture
def site(a_site: Site, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    """The site without rules of ours, sessions and faults, and nobody waits long."""
    monkeypatch.setattr(https, "BACK_OFF", (0.01, 0.02, 0.05))
    monkeypatch.setattr(citrix_site, "BACK_OFF", (0.01, 0.02, 0.05))
    monkeypatch.setattr(citrix_rest, "_JOB_PAUSES", (0.02, 0.1))
    yield a_site
    a_site.lab("faults", "DELETE")
    a_site.lab("settings", logoff_by_job=False, missing_is_500=False, sdk_errors=False,
               patch_answers_empty=False, logoff_seconds=0.0)  # fmt: skip
    for session in system(a_site)._rest.pages("/Sessions"):
        a_site.lab("end", session=session["Id"])
    cleaned = system(a_site)
    for rule in cleaned.read():
        if not rule.attributes["IsBuiltIn"]:
            cleaned._rest.write("DELETE", f"{cleaned._path}/{rule.address}")


def system(site: Site, group: str = HALSOVAL, **settings: Any) -> CitrixSite:
    return CitrixSite(replace(site.settings, **settings), group, patience=2.0)


def staff(site: Site, provider: str, client: str, **more: Any) -> bool:
    """Whether a provider's nurse gets in from a client."""
    asked = site.connect(f"REGION\\sk{provider}", client, **more)
    return bool(asked["admitted"])


def opened(site: Site, provider: str, client: str, **more: Any) -> str:
    """A session, by its id."""
    asked = site.connect(f"REGION\\sk{provider}", client, **more)
    assert asked["admitted"], asked
    return str(asked["session"])


def sessions(site: Site) -> set[str]:
    return {str(one["Id"]) for one in system(site)._rest.pages("/Sessions")}


# --- who gets in ----------------------------------------------------------------------------------


def test_registered_workstations_let_their_own_staff_in(site: Site) -> None:
    beta = provider("beta", pc("PC-3"))
    citrix = Citrix(system(site))
    assert not citrix.run(ALFA, beta)["alfa"]["failed"]
    assert staff(site, "alfa", "PC-1")
    assert not staff(site, "alfa", "PC-9"), "an unregistered client with a valid user"
    assert not staff(site, "alfa", "PC-3"), "another provider's"
    assert not staff(site, "beta", "PC-1"), "a foreign user"
    assert not staff(site, "alfa", "PC-1", launch="browser"), "StoreFront makes a name up"
    assert not staff(site, "alfa", "PC-1", protocol="RDP")
    again = Citrix(system(site)).run(ALFA, beta)
    assert not again["alfa"]["changed"]
    assert not again["beta"]["changed"]


def test_a_shared_workstation_lets_others_in_for_its_days_alone(site: Site) -> None:
    owner = provider("alfa", pc("PC-1"), pc("PC-2"), shared=[share("beta", of=["PC-1"])])
    citrix = Citrix(system(site))
    for day, is_in in ((YESTERDAY, False), (TODAY, True), (AFTER, False)):
        assert not citrix.run(owner, provider("beta", pc("PC-3")), as_of=day)["beta"]["failed"]
        assert staff(site, "beta", "PC-1") is is_in
        assert not staff(site, "beta", "PC-2")


def test_a_browser_gets_in_by_address(site: Site) -> None:
    Citrix(system(site)).run(provider("alfa", pc("PC-1"), pc("PC-2", ip="10.1.2.3")))
    assert staff(site, "alfa", "HTML-1", launch="html5", client_address="10.1.2.3")
    assert not staff(site, "alfa", "HTML-1", launch="html5", client_address="10.1.2.4")


@pytest.mark.parametrize("by_job", [False, True], ids=["at once", "by job"])
@pytest.mark.parametrize("missing_is_500", [False, True], ids=["404", "500"])
def test_a_deregistered_workstation_is_logged_off_and_refused(
    site: Site, by_job: bool, missing_is_500: bool
) -> None:
    site.lab("settings", logoff_by_job=by_job, missing_is_500=missing_is_500, logoff_seconds=0.3)
    citrix = Citrix(system(site))
    citrix.run(ALFA, as_of=YESTERDAY)
    gone, stays = opened(site, "alfa", "PC-1"), opened(site, "alfa", "PC-2")
    ended = provider("alfa", pc("PC-1", to=str(YESTERDAY)), pc("PC-2"))
    assert citrix.run(ended, check=True)["alfa"]["changed"]
    assert {gone, stays} <= sessions(site), "in check mode nobody is logged off"
    assert not citrix.run(ended)["alfa"]["failed"]
    assert gone not in sessions(site)
    assert stays in sessions(site)
    assert not staff(site, "alfa", "PC-1")
    rule = table(index(system(site).read(), LAYOUT))[0]
    assert rule["clients"] == "names PC-2"


def test_all_are_logged_off_when_a_provider_ends(site: Site) -> None:
    citrix = Citrix(system(site))
    beta = provider("beta", pc("PC-3"))
    citrix.run(ALFA, beta, as_of=YESTERDAY)
    theirs = {opened(site, "alfa", "PC-1"), opened(site, "alfa", "PC-2")}
    other = opened(site, "beta", "PC-3")
    citrix.run(provider("alfa", pc("PC-1"), pc("PC-2"), phase="ended"), beta)
    assert sessions(site) & {*theirs, other} == {other}


def test_a_session_that_stays_is_told_and_tried_again(site: Site) -> None:
    citrix = Citrix(system(site))
    citrix.run(ALFA, as_of=YESTERDAY)
    session = opened(site, "alfa", "PC-1")
    ended = provider("alfa", pc("PC-1", to=str(YESTERDAY)), pc("PC-2"))
    site.fault("endless_logoff")
    citrix.run(ended)
    assert "session_left" in citrix.system.left["alfa"]  # type: ignore[attr-defined]
    assert not staff(site, "alfa", "PC-1")
    site.lab("end", session=session)
    again = Citrix(system(site))
    assert again.run(ended)["alfa"]["changed"]
    assert ("alfa", "session_left", "Halsoval-alfa") in again.findings
    assert session not in sessions(site)
    last = Citrix(system(site))
    assert not last.run(ended)["alfa"]["changed"]
    assert not last.findings


def test_a_shared_workstation_that_leaves_one_rule_keeps_the_owners_session(site: Site) -> None:
    owner = provider("alfa", pc("PC-1"), pc("PC-2"), shared=[share("beta", of=["PC-1"])])
    citrix = Citrix(system(site))
    citrix.run(owner, provider("beta", pc("PC-3")))
    session = opened(site, "alfa", "PC-1")
    citrix.run(owner, provider("beta", pc("PC-3")), as_of=AFTER)
    assert session in sessions(site)
    assert "pc-1 left the rule Halsoval-beta" in citrix.system.told[0]  # type: ignore[attr-defined]


# --- whatever goes wrong --------------------------------------------------------------------------


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "status", "code": 401, "path": RULES},
        {"kind": "status", "code": 429, "path": RULES, "retry_after": 1},
        {"kind": "status", "code": 500, "path": RULES},
        {"kind": "status", "code": 503, "path": "/Tokens"},
        {"kind": "status", "code": 500, "path": "/Me"},
        {"kind": "cut", "path": RULES},
        {"kind": "status", "code": 401, "path": RULES, "method": "POST"},
        {"kind": "status", "code": 429, "path": RULES, "method": "POST"},
        {"kind": "status", "code": 500, "path": RULES, "method": "POST"},
        {"kind": "lost_reply", "path": RULES, "method": "POST"},
        {"kind": "cut", "path": RULES, "method": "POST"},
        {"kind": "slow", "seconds": 8, "path": RULES, "method": "POST"},
        {"kind": "slow", "seconds": 8, "path": RULES, "method": "GET"},
    ],
    ids=lambda f: "-".join(str(f.get(k, "")) for k in ("kind", "code", "path", "method")),
)
@pytest.mark.parametrize("sdk", [False, True], ids=["", "sdk"])
def test_a_passing_fault_is_got_over(site: Site, fault: dict[str, Any], sdk: bool) -> None:
    if fault["kind"] == "slow" and sdk:
        pytest.skip("says nothing")
    site.lab("settings", sdk_errors=sdk)
    site.fault(**fault)
    result = Citrix(system(site, timeout=2)).run(ALFA)["alfa"]
    assert not result["failed"], result["msg"]
    assert [f["struck"] for f in faults(site)] == [1]
    assert staff(site, "alfa", "PC-1")
    assert len([r for r in system(site).read() if "Halsoval" in r.dn]) == 1


def faults(site: Site) -> list[dict[str, Any]]:
    told = site.lab("faults", "GET")
    return list(told["faults"] if isinstance(told, dict) else told)


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ({"kind": "status", "code": 401, "path": RULES}, "refuses the token"),
        ({"kind": "status", "code": 403, "path": RULES}, "no right to do this"),
        ({"kind": "status", "code": 500, "path": RULES}, "code 500"),
        ({"kind": "status", "code": 429, "path": RULES}, "code 429"),
        ({"kind": "cut", "path": RULES}, "cut off"),
        ({"kind": "repeat", "path": RULES}, "never end"),
        ({"kind": "blind", "path": RULES}, "shows no access policy rule"),
        ({"kind": "status", "code": 401, "path": "/Tokens"}, "refuses to log"),
        ({"kind": "status", "code": 404, "path": "/DeliveryGroups/"}, "there is no delivery group"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_lasting_fault_is_one_clear_error_and_nothing_is_written(
    site: Site, fault: dict[str, Any], words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if fault["kind"] == "repeat":  # two pages
        monkeypatch.setattr(citrix_rest, "_PAGE_SIZE", 1)
    site.fault(**fault, times=None)
    with pytest.raises(HttpError, match=words) as caught:
        Citrix(system(site)).run(ALFA)
    assert PASSWORD not in str(caught.value)
    assert "bearer" not in str(caught.value).casefold()
    if "code" in fault and fault["code"] != 404:
        assert "Transaction " in str(caught.value)
    site.lab("faults", "DELETE")
    assert not [r for r in system(site).read() if "Halsoval" in r.dn]


@pytest.mark.parametrize("code", [400, 403, 409])
def test_a_refused_write_is_told_with_its_transaction(site: Site, code: int) -> None:
    site.fault("status", code=code, path=RULES, method="POST", times=None)
    result = Citrix(system(site)).run(ALFA)["alfa"]
    assert f"code {code}" in result["msg"]
    assert "Transaction " in result["msg"]


@pytest.mark.parametrize("status", ["Failed", "Canceled", "NonTerminatingError"])
def test_a_job_that_fails_is_told(site: Site, status: str) -> None:
    site.lab("settings", logoff_by_job=True)
    site.fault("job", status=status)
    citrix = Citrix(system(site))
    citrix.run(ALFA, as_of=YESTERDAY)
    session = opened(site, "alfa", "PC-1")
    citrix.run(provider("alfa", pc("PC-1", to=str(YESTERDAY)), pc("PC-2")))
    of_site: CitrixSite = citrix.system  # type: ignore[assignment]
    (told,) = of_site.told
    assert f"its job ended as {status}: The job ended as {status}" in told
    assert "Transaction " in told
    is_left = status != "NonTerminatingError"
    assert (session in sessions(site)) is is_left
    assert ("session_left" in of_site.left.get("alfa", "")) is is_left


def test_a_warning_of_a_job_is_told_and_is_no_failure(site: Site) -> None:
    site.fault("job", status="CompleteWithWarning")
    rest = system(site)
    rest.read()
    told = rest._rest.write("POST", f"{rest._path}?async=true", {"Name": "X"})
    assert "its job ended as CompleteWithWarning" in told
    assert "X" in str(rest.read())


def test_a_job_that_never_ends_is_not_taken_for_done(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(citrix_rest, "_JOB_SECONDS", 0.3)
    site.fault("job", status="InProgress")
    rest = system(site)
    rest.read()
    with pytest.raises(https.Transient, match="has not ended"):
        rest._rest.write("POST", f"{rest._path}?async=true", {"Name": "X"})


def test_a_patch_that_answers_nothing_is_read_back(site: Site) -> None:
    site.lab("settings", patch_answers_empty=True)
    citrix = Citrix(system(site))
    citrix.run(ALFA)
    assert not citrix.run(provider("alfa", pc("PC-1"), pc("PC-2"), pc("PC-5")))["alfa"]["failed"]
    assert staff(site, "alfa", "PC-5")


def test_pages_are_read_to_the_last(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(citrix_rest, "_PAGE_SIZE", 1)
    Citrix(system(site)).run(ALFA, provider("beta", pc("PC-3")))
    assert len(system(site).read()) == 4


def test_an_unknown_certificate_and_a_wrong_password_are_told(site: Site, tmp_path: Path) -> None:
    other = authority(tmp_path)
    with pytest.raises(HttpError, match=r"cannot be verified: its CA is not the one in"):
        system(site, ca_path=str(other.pem)).read()
    with pytest.raises(HttpError, match=r"refuses to log REGION\\svc-halsoval in"):
        system(site, password="wrong").read()
    with pytest.raises(HttpError, match="there is no delivery group Nowhere"):
        system(site, "Nowhere").read()


def test_a_token_is_renewed_before_it_expires(site: Site) -> None:
    reader = system(site)
    reader.read()
    first = reader._rest._token
    reader._rest._expires = 0.0
    reader.read()
    assert reader._rest._token != first


class Killed(BaseException):
    """The run ends here."""


class Dying(CitrixSite):
    """The run ends at one of its requests, before the site has it or once it is carried out."""

    def let(self, requests: int, is_carried_out: bool) -> Dying:
        send, left = self._rest._https.send, iter(range(requests))

        def dying(*arguments: Any, **more: Any) -> https.Reply:
            if next(left, None) is None:
                if is_carried_out:
                    send(*arguments, **more)
                raise Killed
            return send(*arguments, **more)

        self._rest._https.send = dying  # type: ignore[method-assign]
        return self


@pytest.mark.parametrize("is_carried_out", [False, True])
def test_a_run_that_is_killed_converges(site: Site, is_carried_out: bool) -> None:
    """Wherever a run ends, the next one logs off whoever must be, and then nothing is left."""
    ended = provider("alfa", pc("PC-1", to=str(YESTERDAY)), pc("PC-2"))
    killed = 0
    for requests in range(4, 40):
        before = Citrix(system(site))
        before.run(ALFA, as_of=YESTERDAY)
        session = opened(site, "alfa", "PC-1")
        before.system = Dying(site.settings, HALSOVAL, 2.0).let(requests, is_carried_out)
        try:
            before.run(ended)
        except Killed:
            killed += 1
        else:
            break
        Citrix(system(site)).run(ended)
        assert session not in sessions(site), requests
        last = Citrix(system(site))
        assert not last.run(ended)["alfa"]["changed"]
        assert not last.findings
    assert 8 <= killed < 36


def test_a_new_rule_is_there_once_whenever_a_run_is_killed(site: Site) -> None:
    for requests in range(4, 8):
        for is_carried_out in (False, True):
            id = f"p{requests}{'x' if is_carried_out else 'y'}"
            citrix = Citrix(Dying(site.settings, HALSOVAL).let(requests, is_carried_out))
            with suppress(Killed):
                citrix.run(provider(id, pc("PC-1")))
            assert not Citrix(system(site)).run(provider(id, pc("PC-1")))[id]["failed"]
            names = [rule.dn for rule in system(site).read()]
            assert len([name for name in names if name.startswith(f"CN=Halsoval-{id},")]) == 1


# --- rules of others ------------------------------------------------------------------------------


def test_built_in_rules_that_let_everybody_in_are_told(site: Site) -> None:
    rules = system(site, OPEN_GROUP).read()
    layout = replace(LAYOUT, delivery_group=OPEN_GROUP)
    rows = {row["rule"]: row for row in table(index(rules, layout))}
    assert {name: row["open"] for name, row in rows.items()} == {
        "Klinik skrivbord_AG": True,
        "Klinik skrivbord_Direct": True,
    }
    assert site.connect("REGION\\anyone", "PC-99", OPEN_GROUP)["admitted"]
    assert rows["Klinik skrivbord_Direct"]["users"] == "everybody who has logged on"


def test_disabled_built_in_rules_are_not(site: Site) -> None:
    citrix = Citrix(system(site))
    citrix.run(ALFA)
    assert not [f for f in citrix.findings if f[1] == "open_rule"]
