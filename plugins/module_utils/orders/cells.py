# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Cells of CSV that people open in a spreadsheet, which carries out what begins as a formula."""

from __future__ import annotations

import re
from codecs import BOM_UTF16_BE, BOM_UTF16_LE

# What a formula may begin with, in one program or another.
_FORMULAS = frozenset("=+-@\t\r\n")
# Where a cell may begin, whatever a program takes for the end of the one before.
_START = r'((?:^|[;,|\t\r\n])[\s"]*)'
_RISKY = re.compile(_START + "(?=[=+@-])")
_HARMLESS = re.compile(_START + "'(?=[=+@-])")


def harmless(cell: str) -> str:
    """The cell as a text: a formula has an apostrophe before it."""
    return f"'{cell}" if cell[:1] in _FORMULAS else cell


def harmless_text(text: str) -> str:
    """Lines of CSV in which every formula has an apostrophe before it.

    Their quotes stay as they are, and may be wrong.
    """
    return _RISKY.sub(r"\1'", text)


def plain(cell: str) -> str:
    """A cell as it stood in what `harmless_text` was given."""
    return _HARMLESS.sub(r"\1", cell)


def harmless_file(content: bytes) -> bytes:
    """A file of CSV, in whatever encoding, as `harmless_text`."""
    is_wide = content[:2] in (BOM_UTF16_BE, BOM_UTF16_LE)
    codec = "utf-16" if is_wide else "utf-8-sig"
    try:
        text = content.decode(codec)
    except UnicodeDecodeError:
        codec = "latin-1"  # there is nothing that it does not take
        text = content.decode(codec)
    return harmless_text(text).encode(codec)
