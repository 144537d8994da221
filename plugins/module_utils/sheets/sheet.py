# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A sheet that the office works with, as text for a terminal and as a page for print."""

from __future__ import annotations

from dataclasses import dataclass

try:
    from jinja2 import Environment

    HAS_JINJA2 = True
except ImportError:  # ansible-test imports this file without it
    HAS_JINJA2 = False

# One file that needs no other, and prints on one or two pages. Everything in it is escaped.
_PAGE = """\
<!DOCTYPE html>
<html lang="sv">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>{{ sheet.title }}</title>
<style>
body { font: 11pt/1.4 sans-serif; margin: 2em auto; max-width: 45em; }
h1 { font-size: 1.5em; }
h2 { border-bottom: 1px solid; font-size: 1.15em; }
li { break-inside: avoid; }
</style>
</head>
<body>
<h1>{{ sheet.title }}</h1>
{%- for line in sheet.about %}
<p>{{ line }}</p>
{%- endfor %}
{%- for section in sheet.sections %}
<h2>{{ section.heading }}</h2>
{%- if section.lines %}
<ul>
{%- for line in section.lines %}
<li>{{ line }}</li>
{%- endfor %}
</ul>
{%- else %}
<p>{{ section.empty }}</p>
{%- endif %}
{%- endfor %}
</body>
</html>
"""


@dataclass(frozen=True)
class Section:
    """Lines below a heading, or what is said where there are none."""

    heading: str
    lines: tuple[str, ...]
    empty: str


@dataclass(frozen=True)
class Sheet:
    """A title, lines about what the sheet is of, and sections. All in Swedish, without markup."""

    title: str
    about: tuple[str, ...]
    sections: tuple[Section, ...]


def as_text(sheet: Sheet) -> list[str]:
    """The sheet by lines."""
    lines = [sheet.title, *sheet.about]
    for section in sheet.sections:
        found = [f"  - {line}" for line in section.lines]
        lines += ["", section.heading, *(found or [f"  {section.empty}"])]
    return lines


def as_html(sheet: Sheet) -> str:
    """The sheet as a page of HTML that needs no other file and runs nothing."""
    page = Environment(autoescape=True, keep_trailing_newline=True).from_string(_PAGE)
    return page.render(sheet=sheet)
