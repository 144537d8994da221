# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a call of the site is, what it answers, and the two shapes of its errors."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

JSON = "application/json; charset=utf-8"


@dataclass(frozen=True)
class Call:
    """One HTTP request. `path` begins with a slash; names of `headers` are in lower case."""

    method: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""

    def json(self) -> Any:
        """The body, or a refusal (400) where it is no JSON."""
        try:
            return json.loads(self.body)
        except ValueError:
            raise Refusal(400, "InvalidParameter", "The body is not JSON.") from None

    def document(self) -> dict[str, Any]:
        """The body where it is an object, or a refusal (400)."""
        body = self.json()
        if not isinstance(body, dict):
            raise Refusal(400, "InvalidParameter", "The body is not a JSON object.")
        return body


@dataclass(frozen=True)
class Answer:
    """One HTTP response; no body where `body` is None."""

    code: int
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)

    def content(self) -> bytes:
        """The body as it travels."""
        return b"" if self.body is None else json.dumps(self.body, ensure_ascii=False).encode()


class Refusal(Exception):
    """The site refuses a call: HTTP status, the error's name, a sentence."""

    def __init__(self, code: int, error: str, detail: str, **headers: str) -> None:
        super().__init__(detail)
        self.code = code
        self.error = error
        self.detail = detail
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}

    def answer(self, sdk: bool) -> Answer:
        """As the newer models have it, or, with `sdk`, as those of 2023 (openapi.yaml)."""
        return Answer(self.code, self._old() if sdk else self._new(), self.headers)

    def _new(self) -> dict[str, Any]:
        return {
            "type": f"https://errors-api.cloud.com/orchestration/{self.error}",
            "detail": self.detail,
            "parameters": [],
        }

    def _old(self) -> dict[str, Any]:
        return {
            "ErrorMessage": self.detail,
            "SdkErrorId": f"Citrix.XDPowerShell.Status.{self.error},Citrix.Orchestration",
            "ErrorType": "SdkError",
            "ErrorDetails": None,
            "SupportLink": None,
            "ErrorReportXml": None,
            "ErrorReport": {"ReportId": str(uuid.uuid4())},
        }


def missing(what: str) -> Refusal:
    """Refuse what is not there."""
    return Refusal(404, "ObjectNotFound", f"{what} does not exist.")
