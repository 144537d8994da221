# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The REST API that manages the site, under both of its roots.

`/cvad/manage/…` with the customer's and the site's ids in headers (the specification), and
`/citrix/orchestration/api/{customer}/{site}/…` (what Citrix's own Go client calls).
Status codes: openapi.yaml of citrix/citrix-daas-rest-go at 042322d; docs/citrix-lab.md.
"""

from __future__ import annotations

import base64
import random
import re
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from . import jobs, sessions
from .accounts import Account, Tokens
from .answers import JSON, Answer, Call, Refusal, missing
from .policies import DEFAULTS, IDENTITIES, Rule, checked
from .searches import matches, ordered
from .site import CUSTOMER, SITE_ID, SITE_NAME, Site
from .store import Row

ROOTS = ("/cvad/manage/", "/citrix/orchestration/api/")
PAGE, LONGEST_PAGE = 250, 1000
Handler = Callable[["Request"], Answer]


@dataclass(frozen=True)
class Request:
    """A call whose root is off its path. `names` are what the route leaves open."""

    call: Call
    root: str
    user: str
    names: tuple[str, ...] = ()

    def location(self, path: str) -> str:
        return f"https://{self.call.headers.get('host', 'localhost')}{self.root}{path}"


class Orchestration:
    """Answers calls."""

    def __init__(self, site: Site, account: Account) -> None:
        self.site = site
        self.account = account
        self.tokens = Tokens(site, account)

    # --- the door ---

    def answer(self, call: Call) -> Answer:
        """The answer to a call, refusals included; each has its transaction id."""
        transaction = call.headers.get("citrix-transactionid") or str(uuid.uuid4())
        try:
            answer = self._answer(call)
        except Refusal as refusal:
            answer = self._refused(refusal)
        return replace(answer, headers={**answer.headers, "Citrix-TransactionId": transaction})

    def _refused(self, refusal: Refusal) -> Answer:
        if refusal.code == 404 and self.site.setting("missing_is_500"):
            refusal = Refusal(500, refusal.error, "Object does not exist.")
        return refusal.answer(self.site.setting("sdk_errors"))

    def _answer(self, call: Call) -> Answer:
        _check_types(call)
        root = next(root for root in ROOTS if call.path.lower().startswith(root))
        segments = [unquote(name) for name in call.path[len(root) :].split("/") if name]
        first, *rest = [*(name.lower() for name in segments), ""]
        if first == "tokens":
            return self._tokens(call, rest[:-1])
        if first == "me" and call.method == "GET":
            return self._me(call, root)
        ids, segments, prefix = self._ids(root, call, segments)
        user = self.tokens.signed_in(call.headers.get("authorization", ""))
        self._strike(call)
        if ids != (CUSTOMER.lower(), SITE_ID):
            raise Refusal(403, "AccessDenied", "No such customer or site for this user.")
        return self.routed(Request(call, root + prefix, user), segments)

    def _ids(
        self, root: str, call: Call, segments: list[str]
    ) -> tuple[tuple[str, str], list[str], str]:
        """Customer and site; the path without them; what of the path they took."""
        if root == ROOTS[1]:
            customer, site, *rest = [*segments, "", ""] if len(segments) < 2 else segments
            return (customer.lower(), site.lower()), rest, f"{customer}/{site}/"
        ids = _wanted(call, "citrix-customerid"), _wanted(call, "citrix-instanceid")
        return ids, segments, ""

    def _strike(self, call: Call) -> None:
        """Refuse as a fault tells. A 401 ends the token, so that only a new one helps."""
        fault = self.site.faults.strike("status", call.method, call.path)
        if fault is None:
            return
        if fault["code"] == 401:
            self.tokens.forget(call.headers.get("authorization", ""))
        again = fault.get("retry_after")
        headers = {} if again is None else {"Retry_After": str(again)}
        raise Refusal(fault["code"], "LabFault", "A fault that was asked for.", **headers)

    # --- who calls ---

    def _tokens(self, call: Call, rest: Sequence[str]) -> Answer:
        authorization = call.headers.get("authorization", "")
        if call.method == "POST" and not rest:
            self._strike(call)
            return Answer(200, self.tokens.log_in(authorization))
        if call.method == "POST" and rest == ["$refresh"]:
            return Answer(200, self.tokens.renew(authorization))
        if call.method == "DELETE" and not rest:
            self.tokens.signed_in(authorization)
            self.tokens.forget(authorization)
            return Answer(204)
        raise Refusal(404, "NotFound", f"There is no {call.method} {call.path}.")

    def _me(self, call: Call, root: str) -> Answer:
        if root == ROOTS[0]:
            _wanted(call, "citrix-customerid")
        user = self.tokens.signed_in(call.headers.get("authorization", ""))
        self._strike(call)
        expires = self.tokens.expires(call.headers["authorization"])
        site = {"Id": SITE_ID, "Name": SITE_NAME}
        return Answer(
            200,
            {
                "UserId": user, "DisplayName": self.account.name, "ExpiryTime": expires,
                "RefreshExpirationTime": expires,
                "Customers": [{"Id": CUSTOMER, "Name": CUSTOMER, "Sites": [site]}],
            },
        )  # fmt: skip

    # --- where to ---

    def routed(self, request: Request, segments: Sequence[str]) -> Answer:
        """Find the handler of a path below the site."""
        for method, pattern, handler in self._routes():
            names = _open_names(pattern, segments)
            if names is not None and method == request.call.method:
                return handler(replace(request, names=names))
        raise Refusal(404, "NotFound", f"There is no {request.call.method} {request.call.path}.")

    def _routes(self) -> list[tuple[str, str, Handler]]:
        rules = "deliverygroups/*/advancedaccesspolicies"
        return [
            ("GET", "deliverygroups", self._list_groups),
            ("GET", "deliverygroups/*", self._get_group),
            ("PATCH", "deliverygroups/*", self._patch_group),
            ("GET", rules, self._list_rules),
            ("POST", rules, self._create_rule),
            ("GET", f"{rules}/*", self._get_rule),
            ("PATCH", f"{rules}/*", self._patch_rule),
            ("DELETE", f"{rules}/*", self._delete_rule),
            ("GET", "sessions", self._list_sessions),
            ("GET", "sessionsv2", self._list_sessions),
            ("POST", "sessions/$search", self._search_sessions),
            ("GET", "sessions/*", self._get_session),
            ("POST", "sessions/*/$logoff", self._log_off),
            ("POST", "sessions/*/$disconnect", self._disconnect),
            ("POST", "$batch", self._batch),
            ("GET", "jobs", self._list_jobs),
            ("GET", "jobs/*", self._get_job),
            ("DELETE", "jobs/*", self._delete_job),
            ("POST", "jobs/*/$cancel", self._cancel_job),
            ("GET", "jobs/*/results", self._job_results),
        ]

    def _maybe_job(
        self, request: Request, kind: str, parameters: Mapping[str, str], work: Callable[[], Answer]
    ) -> Answer:
        """Do the work, or, with `?async=true`, answer 202 and do it as a job."""
        if request.call.query.get("async", "").lower() != "true":
            return work()
        return self._job(request, kind, parameters, work)

    def _job(
        self, request: Request, kind: str, parameters: Mapping[str, str], work: Callable[[], Answer]
    ) -> Answer:
        job = jobs.start(self.site, request.user, kind, parameters, work)
        return Answer(202, None, {"Location": request.location(f"Jobs/{job['Id']}")})

    # --- delivery groups ---

    def _list_groups(self, request: Request) -> Answer:
        return self._page(request, [self._group(group) for group in self.site.groups])

    def _get_group(self, request: Request) -> Answer:
        group = self.site.group(request.names[0])
        rules = [shown_rule(rule) for rule in self.site.rules_of(group)]
        return Answer(200, _trimmed(request, {**self._group(group), "AdvancedAccessPolicy": rules}))

    def _group(self, group: Row) -> Row:
        rules = self.site.rules_of(group)
        return {
            "Id": group["Id"], "Name": group["Name"], "FullName": group["Name"],
            "AdminFolder": {"Name": group["Folder"]} if group["Folder"] else None,
            "Enabled": True, "InMaintenanceMode": False, "DeliveryType": "DesktopsOnly",
            "SessionSupport": "MultiSession", "SharingKind": "Shared",
            "SimpleAccessPolicy": _simple(rules),
        }  # fmt: skip

    def _patch_group(self, request: Request) -> Answer:
        """Only what Terraform does: the list of rules, whole. Those that it leaves out are gone."""
        group = self.site.group(request.names[0])
        wanted = request.call.document().get("AdvancedAccessPolicy")
        if not isinstance(wanted, list):
            raise Refusal(400, "NotSupported", "The lab patches AdvancedAccessPolicy alone.")
        keep = {str(rule.get("Id")).lower() for rule in wanted}
        for rule in self.site.rules_of(group):
            if rule["Id"] not in keep and not rule["IsBuiltIn"]:
                self.site.rules.remove(rule["Id"])
        for sent in wanted:
            rule_id = str(sent.get("Id")).lower()
            if self.site.rules.get(rule_id):
                self._changed_rule(rule_id, sent)
            else:
                self._added_rule(group, sent)
        return Answer(204)

    # --- rules ---

    def _list_rules(self, request: Request) -> Answer:
        rules = self.site.rules_of(self.site.group(request.names[0]))
        return self._page(request, [shown_rule(rule) for rule in rules])

    def _rule(self, request: Request) -> Rule:
        group = self.site.group(request.names[0])
        rule = self.site.rules.get(request.names[1].lower())
        if rule is None or rule["DeliveryGroup"] != group["Id"]:
            raise missing(f"Access policy '{request.names[1]}'")
        return rule

    def _get_rule(self, request: Request) -> Answer:
        return Answer(200, shown_rule(self._rule(request)))

    def _create_rule(self, request: Request) -> Answer:
        group, sent = self.site.group(request.names[0]), request.call.document()

        def work() -> Answer:
            return Answer(200, shown_rule(self._added_rule(group, sent)))

        told = {"Name": str(sent.get("Name"))}
        return self._maybe_job(request, "CreateAdvancedAccessPolicy", told, work)

    def _added_rule(self, group: Row, sent: Mapping[str, Any]) -> Rule:
        fields = self._fields(sent)
        rule_id = str(uuid.uuid4())
        name = str(fields.get("Name") or f"{group['Name']}_{rule_id}")
        self._check_name(name, rule_id, 409)
        rule = {
            **DEFAULTS, **fields, "Name": name, "Id": rule_id, "Uid": self.site.next("rule") + 100,
            "DeliveryGroup": group["Id"], "IsBuiltIn": False,
        }  # fmt: skip
        self.site.rules.put(rule)
        return rule

    def _patch_rule(self, request: Request) -> Answer:
        rule_id, sent = self._rule(request)["Id"], request.call.document()

        def work() -> Answer:
            shown = shown_rule(self._changed_rule(rule_id, sent))
            return Answer(204) if self.site.setting("patch_answers_empty") else Answer(200, shown)

        return self._maybe_job(request, "UpdateAdvancedAccessPolicy", {"Id": rule_id}, work)

    def _changed_rule(self, rule_id: str, sent: Mapping[str, Any]) -> Rule:
        """What is not sent stays; lists are replaced whole."""
        rule, fields = self.site.rules.by_key[rule_id], self._fields(sent)
        name = str(fields.get("Name", rule["Name"]))
        if rule["IsBuiltIn"] and name != rule["Name"]:
            raise Refusal(400, "InvalidParameter", "A built-in rule cannot be renamed.")
        self._check_name(name, rule_id, 400)
        return self.site.rules.change(rule_id, **fields)

    def _fields(self, sent: Mapping[str, Any]) -> Rule:
        """What a request says: users in as strings, kept as those who are meant."""
        fields = checked({name: value for name, value in sent.items() if value is not None})
        for name in IDENTITIES:
            if name in fields:
                fields[name] = [self.site.identity(user) for user in fields[name]]
        return fields

    def _check_name(self, name: str, rule_id: str, code: int) -> None:
        for rule in self.site.rules:
            if rule["Name"].casefold() == name.casefold() and rule["Id"] != rule_id:
                raise Refusal(code, "DuplicateObject", f"A rule '{name}' exists in this site.")

    def _delete_rule(self, request: Request) -> Answer:
        rule = self._rule(request)
        if rule["IsBuiltIn"]:
            raise Refusal(409, "InvalidOperation", "A built-in rule cannot be removed.")

        def work() -> Answer:
            if self.site.rules.get(rule["Id"]):
                self.site.rules.remove(rule["Id"])
            return Answer(204)

        return self._maybe_job(request, "DeleteAdvancedAccessPolicy", {"Id": rule["Id"]}, work)

    # --- sessions ---

    def _shown_sessions(self) -> list[Row]:
        return [sessions.shown(self.site, session) for session in self.site.live]

    def _list_sessions(self, request: Request) -> Answer:
        def work() -> Answer:
            return self._page(request, self._shown_sessions())

        return self._maybe_job(request, "GetSessions", {}, work)

    def _search_sessions(self, request: Request) -> Answer:
        wanted = request.call.document()

        def work() -> Answer:
            found = [row for row in self._shown_sessions() if matches(wanted, row)]
            return self._page(request, ordered(wanted, found), with_total=True)

        matches(wanted, None)
        return self._maybe_job(request, "DoSessionSearch", {}, work)

    def _get_session(self, request: Request) -> Answer:
        session = sessions.live(self.site, request.names[0])
        return Answer(200, _trimmed(request, sessions.shown(self.site, session)))

    def _log_off(self, request: Request) -> Answer:
        session_id = sessions.live(self.site, request.names[0])["Id"]

        def work() -> Answer:
            if self.site.live.get(session_id):
                sessions.log_off(self.site, session_id)
            return Answer(204)

        if self.site.setting("logoff_by_job"):
            return self._job(request, "LogoffSessions", {"Id": session_id}, work)
        return self._maybe_job(request, "LogoffSessions", {"Id": session_id}, work)

    def _disconnect(self, request: Request) -> Answer:
        sessions.disconnect(self.site, request.names[0])
        return Answer(204)

    # --- jobs and batches ---

    def _list_jobs(self, request: Request) -> Answer:
        return self._page(request, [jobs.shown(j) for j in jobs.visible(self.site, request.user)])

    def _found_job(self, request: Request) -> Row:
        return jobs.find(self.site, request.user, request.names[0])

    def _get_job(self, request: Request) -> Answer:
        return Answer(200, jobs.shown(self._found_job(request)))

    def _delete_job(self, request: Request) -> Answer:
        jobs.remove(self.site, self._found_job(request))
        return Answer(204)

    def _cancel_job(self, request: Request) -> Answer:
        return Answer(200, jobs.shown(jobs.cancel(self.site, self._found_job(request))))

    def _job_results(self, request: Request) -> Answer:
        """What the call would have answered; for a new rule the way to it (303)."""
        job = self._found_job(request)
        if job["Result"] is None:
            raise missing(f"The result of job '{job['Id']}'")
        body = job["Result"]["Body"]
        if job["Type"] == "CreateAdvancedAccessPolicy":
            group = self.site.rules.by_key[body["Id"]]["DeliveryGroup"]
            path = f"DeliveryGroups/{group}/AdvancedAccessPolicies/{body['Id']}"
            return Answer(303, None, {"Location": request.location(path)})
        return Answer(200, body)

    def _batch(self, request: Request) -> Answer:
        """Its items, in no order, as they run in parallel on a real site."""
        items = _checked_items(request.call.document().get("Items"))

        def work() -> Answer:
            shuffled = random.sample(items, len(items))
            done = [self._item(request, item) for item in shuffled]
            return Answer(200, {"Items": random.sample(done, len(done))})

        return self._maybe_job(request, "Batch", {}, work)

    def _item(self, request: Request, item: Mapping[str, Any]) -> Row:
        """What one item comes to. It may say `Bearer`, and has the ids of the call around it."""
        url = urlsplit(item["RelativeUrl"])
        headers = {h["Name"].lower(): h["Value"] for h in item.get("Headers") or []}
        call = Call(
            (item.get("Method") or "GET").upper(), url.path, dict(parse_qsl(url.query)),
            {"content-type": JSON, **request.call.headers, **headers},
            (item.get("Body") or "").encode(),
        )  # fmt: skip
        try:
            self.tokens.signed_in(call.headers["authorization"], ("cwsauth", "bearer"))
            self._strike(call)
            answer = self.routed(replace(request, call=call), _below_site(url.path))
        except Refusal as refusal:
            answer = self._refused(refusal)
        return {
            "Reference": item["Reference"], "Code": answer.code,
            "Headers": [{"Name": n, "Value": v} for n, v in answer.headers.items()],
            "Body": answer.content().decode() or None,
        }  # fmt: skip

    # --- pages ---

    def _page(self, request: Request, rows: list[Row], *, with_total: bool = False) -> Answer:
        """One page of rows, and the token that leads on."""
        call = request.call
        if self.site.faults.strike("blind", call.method, call.path):
            rows = []
        limit = _natural(call, "limit", PAGE)
        if not 1 <= limit <= LONGEST_PAGE:
            raise Refusal(400, "InvalidParameter", f"limit is 1 to {LONGEST_PAGE}.")
        start = _start(call)
        page, following = rows[start : start + limit], start + limit
        token = _continuation(following) if following < len(rows) else None
        if token and self.site.faults.strike("repeat", call.method, call.path):
            token = _continuation(start)
        if self.site.faults.strike("short_page", call.method, call.path):
            page, token = page[: len(page) // 2], None
        return Answer(
            200,
            {
                "Items": [_trimmed(request, row) for row in page], "ContinuationToken": token,
                "TotalItems": len(rows) if with_total else None,
            },
        )  # fmt: skip


def shown_rule(rule: Rule) -> Row:
    """A rule as responses have it: users as objects."""
    fields = {name: rule[name] for name in ("Id", "Uid", *DEFAULTS)}
    users = {name: [sessions.shown_user(user) for user in rule[name]] for name in IDENTITIES}
    return {**fields, **users, "IsBuiltIn": rule["IsBuiltIn"], "IsBroken": False}


def _simple(rules: Sequence[Rule]) -> Row | None:
    """Null unless exactly one enabled rule, without client filters and excludes, says it all."""
    enabled = [rule for rule in rules if rule["Enabled"]]
    if len(enabled) != 1:
        return None
    (rule,) = enabled
    filters = [n for n in DEFAULTS if n.startswith(("Excluded", "IncludedClient"))]
    if any(rule[name] for name in filters):
        return None
    return {
        "AllowAnonymous": False, "IncludedUserFilterEnabled": rule["IncludedUserFilterEnabled"],
        "IncludedUsers": [sessions.shown_user(user) for user in rule["IncludedUsers"]],
        "ExcludedUserFilterEnabled": False, "ExcludedUsers": [],
    }  # fmt: skip


def _wanted(call: Call, header: str) -> str:
    """The value of a header in lower case, or a refusal (400)."""
    if header not in call.headers:
        raise Refusal(400, "MissingHeader", f"The header {header} is missing.")
    return call.headers[header].lower()


def _check_types(call: Call) -> None:
    """406 and 415."""
    accepted = call.headers.get("accept", "*/*").lower()
    if not any(kind in accepted for kind in ("application/json", "application/*", "*/*")):
        raise Refusal(406, "NotAcceptable", "The answer is application/json.")
    kind = call.headers.get("content-type", "").lower().replace(" ", "")
    if call.body and kind != JSON.replace(" ", ""):
        raise Refusal(415, "UnsupportedMediaType", f"The body must be {JSON}.")


def _open_names(pattern: str, segments: Sequence[str]) -> tuple[str, ...] | None:
    """What stands at the stars of a pattern, where a path fits it."""
    parts = pattern.split("/")
    if len(parts) != len(segments):
        return None
    if any(p not in ("*", s.lower()) for p, s in zip(parts, segments, strict=True)):
        return None
    return tuple(s for p, s in zip(parts, segments, strict=True) if p == "*")


def _below_site(path: str) -> list[str]:
    """The path of a batch's item without what clients prefix: version, customer and site."""
    segments = [unquote(name) for name in path.split("/") if name]
    lower = [name.lower() for name in segments]
    for prefix in (["v1", CUSTOMER.lower(), SITE_ID], [CUSTOMER.lower(), SITE_ID]):
        if lower[: len(prefix)] == prefix:
            return segments[len(prefix) :]
    return segments


def _checked_items(items: Any) -> list[Row]:
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        raise Refusal(400, "InvalidParameter", "Items is not a list of objects.")
    references = [str(item.get("Reference", "")) for item in items]
    if not all(re.fullmatch(r"[-_0-9a-zA-Z]{1,64}", name) for name in references):
        raise Refusal(400, "InvalidParameter", "A Reference is 1 to 64 of [-_0-9a-zA-Z].")
    if len(set(references)) < len(references):
        raise Refusal(400, "InvalidParameter", "Two items have one Reference.")
    for item in items:
        if not isinstance(item.get("RelativeUrl"), str):
            raise Refusal(400, "InvalidParameter", "An item has no RelativeUrl.")
        if not isinstance(item.get("Body") or "", str):
            raise Refusal(400, "InvalidParameter", "The Body of an item is JSON in a string.")
    return items


def _trimmed(request: Request, row: Row) -> Row:
    """The fields that `fields=A,B` asks for."""
    names = request.call.query.get("fields", "")
    return {n: v for n, v in row.items() if n in names.split(",")} if names else row


def _natural(call: Call, name: str, default: int) -> int:
    text = call.query.get(name, str(default))
    if not text.isdecimal():
        raise Refusal(400, "InvalidParameter", f"{name} is not a number: {text}")
    return int(text)


def _continuation(start: int) -> str:
    return base64.urlsafe_b64encode(f"from {start}".encode()).decode()


def _start(call: Call) -> int:
    token = call.query.get("continuationToken", "")
    if not token:
        return _natural(call, "skip", 0)
    try:
        return int(base64.urlsafe_b64decode(token).decode().removeprefix("from "))
    except ValueError:
        raise Refusal(400, "InvalidParameter", "Unknown continuationToken.") from None
