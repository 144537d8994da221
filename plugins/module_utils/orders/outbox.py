# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The outbox: orders leave as a batch for each recipient and run, as JSON and as CSV.

Both files are a pure function of the batch, so whoever writes them again writes the same. The
JSON's schema is docs/schema/order-batch.schema.json; the CSV has headings in Swedish for those who
carry the orders out by hand.
"""

from __future__ import annotations

import csv
import datetime as dt
import io
import os
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..engine.orders import PROTECTED_FOLDER, RECIPIENT, Order, as_text, folder_of
from . import files
from .cells import harmless

SCHEMA = "order-batch.schema.json"
# What a batch's file is called: see orders/book.py.
_BATCH_FILE = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2}(?:-[A-Z2-7]{4}){4})\.(?:json|csv)")


class OutboxError(Exception):
    """A batch could not be written. The text can be shown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """Orders that leave together: of one system and run, to one recipient.

    `as_of` is the day they leave; `protected` ones are orders about protected people alone.
    """

    id: str
    system: str
    recipient: str
    run: str
    as_of: dt.date
    protected: bool = False


class Outbox:
    """A directory with a folder for each recipient, and another for protected people's orders."""

    def __init__(self, directory: Path, protected_directory: Path | None = None) -> None:
        self._directory = directory
        self._protected = protected_directory or directory / PROTECTED_FOLDER

    def deliver(self, batch: Batch, orders: Iterable[Order], is_hidden: bool = False) -> None:
        """Write the batch's files; files that hold the same already are success.

        One that `is_hidden` names somebody who became protected after it was made: whole, it goes
        where protected people's orders do, unless it has been delivered already. Raises
        OutboxError, also where a file holds anything else: nothing is overwritten.
        """
        if not RECIPIENT.fullmatch(batch.recipient):
            raise OutboxError(f"batch {batch.id}: the recipient's name is no name of a folder")
        ordered = sorted(orders, key=lambda order: order.key)
        content = {"json": as_json(batch, ordered), "csv": as_csv(batch, ordered)}
        try:
            base = self._base(batch, content, is_hidden)
            with files.folder(base):  # refused as a symbolic link, as the folder below it is
                for path, text in _files(base, batch, content).items():
                    files.write_once(path, text)
        except (files.FileError, OSError) as error:
            raise OutboxError(str(error)) from None

    def _base(self, batch: Batch, content: Mapping[str, bytes], is_hidden: bool) -> Path:
        """Where the batch goes, or went: what a run began in one place is not written to another.

        But for a part of it that lies open, and names somebody who is hidden now.
        """
        if batch.protected:
            return self._protected
        hidden = _files(self._protected, batch, content)
        if any(_lies(path, text) for path, text in hidden.items()):
            return self._protected
        is_out = all(_lies(*one) for one in _files(self._directory, batch, content).items())
        return self._protected if is_hidden and not is_out else self._directory

    def hide(self, batch: Batch) -> None:
        """Move what still lies open of a batch to where protected people's orders do.

        Raises OutboxError.
        """
        place = folder_of(batch.recipient)
        try:
            for ending in ("json", "csv"):
                path = self._directory / place / f"{batch.id}.{ending}"
                if os.path.lexists(path):
                    content = files.read(path, os.lstat(path).st_size)
                    files.write_once(self._protected / place / path.name, content)
                    files.remove(path)
        except (files.FileError, OSError) as error:
            raise OutboxError(f"batch {batch.id}: {error}") from None

    def open_batches(self) -> frozenset[str]:
        """The ids of the batches that lie open, not with those of protected people's orders."""
        return _batches_in(self._directory)

    def batches(self) -> frozenset[str]:
        """The ids of the batches that lie there, as their recipients have left them."""
        return _batches_in(self._directory).union(_batches_in(self._protected))


def _batches_in(base: Path) -> frozenset[str]:
    """The ids of the batches in a directory with a folder for each recipient."""
    names = (path.name for path in base.glob("*/*"))
    return frozenset(match[1] for match in map(_BATCH_FILE.fullmatch, names) if match)


def _files(base: Path, batch: Batch, content: Mapping[str, bytes]) -> dict[Path, bytes]:
    """What the batch's files hold, by their paths below a directory."""
    folder = base / folder_of(batch.recipient)
    return {folder / f"{batch.id}.{ending}": text for ending, text in content.items()}


def _lies(path: Path, content: bytes) -> bool:
    """Whether there is a file that holds the content. No folder is made to look."""
    try:
        return path.is_file() and files.read(path, len(content)) == content
    except files.NotTaken:
        return False


# --- JSON ----------------------------------------------------------------------------------------


def as_json(batch: Batch, orders: Sequence[Order]) -> bytes:
    """The batch as JSON in UTF-8, an order a line."""
    head = {
        "schema": SCHEMA,
        "batch": batch.id,
        "system": batch.system,
        "recipient": batch.recipient,
        "created": batch.as_of.isoformat(),
        "run": batch.run,
    }
    lines = ",\n".join(as_text(_line(order) | {"details": order.particulars}) for order in orders)
    return f'{as_text(head)[:-1]}, "orders": [\n{lines}\n]}}\n'.encode()


def _line(order: Order) -> dict[str, Any]:
    """What the recipient learns of an order beside its particulars."""
    return {
        "order": order.key,
        "kind": order.kind,
        "subject": order.subject,
        "level": order.level or None,
        "cause": order.cause,
        "provider": order.provider,
        "object": order.object,
        "due": order.due.isoformat() if order.due else None,
        "follows": order.follows or None,
    }


# --- CSV -----------------------------------------------------------------------------------------

# A heading, and where its value stands: the first that there is of these particulars, or of the
# order's own fields, which are written with a dot.
_Columns = tuple[tuple[str, tuple[str, ...]], ...]

_REST = "Övrigt"

_CARDS: _Columns = (
    ("Beställningsnummer", (".order",)),
    ("Ärende", (".kind",)),
    ("Korttyp", ("card_kind", ".subject")),
    ("Tillitsnivå", ("loa", ".level")),
    ("Personnummer", ("personal_number",)),
    ("Nummertyp", ("number_kind",)),
    ("HSA-id", ("hsa_id", ".object")),
    ("Förnamn", ("given_name",)),
    ("Mellannamn", ("middle_name",)),
    ("Efternamn", ("surname",)),
    ("Vårdgivare", ("provider_name", ".provider")),
    ("Enhet", ("unit",)),
    ("Kortkontor", ("office",)),
    ("Foto", ("photo",)),
    ("Antal id-administratörer", ("id_administrators",)),
    ("KUR", ("kur",)),
    ("Leverans", ("delivery",)),
    ("Beställare", ("ordered_by",)),
    ("Första dag", ("first_day",)),
    ("Sista dag", ("last_day",)),
    ("Senast", (".due",)),
    ("Orsak", ("reason", ".cause")),
    ("Ersätter", ("replaces",)),
    ("Kortets beställning", ("card_order",)),
    ("Kortnummer", ("card_number",)),
    ("Övertar kortnummer", ("takes_over",)),
    ("Från vårdgivare", ("from_provider",)),
    ("Till vårdgivare", ("to_provider",)),
)

_SERVICES: _Columns = (
    ("Beställningsnummer", (".order",)),
    ("Ärende", (".kind", "act")),
    ("Tjänst", ("service_name", ".subject")),
    ("Avser", (".object",)),
    ("HSA-id", ("hsa_id",)),
    ("Förnamn", ("given_name",)),
    ("Mellannamn", ("middle_name",)),
    ("Efternamn", ("surname",)),
    ("Titel", ("title",)),
    ("E-post", ("mail",)),
    ("Vårdgivare", ("provider_name", ".provider")),
    ("Enhet", ("unit",)),
    ("Adress", ("address",)),
    ("Lokal kontakt", ("local_contact",)),
    ("Del", ("part",)),
    ("Utrustning", ("equipment",)),
    ("Modell", ("model",)),
    ("Antal", ("count",)),
    ("Nummer", ("number",)),
    ("Första dag", ("first_day",)),
    ("Senast", (".due", "day")),
    ("Orsak", ("reason",)),
    ("Följer på", (".follows",)),
)

# The words that people read, where a heading's value is one of these.
_WORDS: dict[str, dict[str, str]] = {
    "Ärende": {
        "card": "Kort",
        "revocation": "Kortspärr",
        "takeover": "Övertag av kort",
        "join": "Ny användare",
        "change": "Ändring",
        "leave": "Avslut av användare",
        "guest": "Gästinbjudan",
        "guest_end": "Avslut av gäst",
        "membership": "Medlemskap",
        "membership_end": "Avslut av medlemskap",
        "connection": "Anslutning",
        "agreement": "Avtal",
        "availability": "Tillgänglighetsfråga",
        "extension": "Anknytning",
        "attendant": "Telefonisttjänst",
        "equipment": "Telefoniutrustning",
        "terminate": "Uppsägning",
        "consultation": "Samråd",
    },
    "Korttyp": {
        "ordinary": "Ordinarie kort",
        "reserve": "Reservkort",
        "mobile": "Mobilt SITHS",
    },
    "Nummertyp": {
        "personnummer": "Personnummer",
        "samordningsnummer": "Samordningsnummer",
    },
    "Leverans": {
        "registered_address": "Folkbokföringsadressen",
        "tax_agency_forwarding": "Skatteverkets förmedling",
    },
    "Utrustning": {
        "printer": "Skrivare",
        "scanner": "Skanner",
        "card_reader": "Kortläsare",
        "other": "Övrigt",
    },
    "Orsak": {
        "first": "Första kortet",
        "again": "På nytt",
        "renewal": "Förnyelse",
        "lost": "Förlorat",
        "returned": "Återlämnat",
        "anew": "Nytt har begärts",
        "upgrade": "Högre tillitsnivå",
        "takeover": "Övertag",
        "left": "Har slutat",
        "uncollected": "Ej hämtat",
        "replaced": "Ersatt",
        "moved": "Byte av vårdgivare",
        "start_moved": "Ändrad första dag",
        "end_moved": "Ändrad sista dag",
        "end_withdrawn": "Uppsägningen tas tillbaka",
    },
}


def as_csv(batch: Batch, orders: Iterable[Order]) -> bytes:
    """The batch as CSV: semicolons and a byte order mark, as Swedish spreadsheets expect."""
    columns = _CARDS if batch.system == "siths" else _SERVICES
    known = {source for _heading, sources in columns for source in sources}
    text = io.StringIO()
    writer = csv.writer(text, delimiter=";", lineterminator="\r\n")
    writer.writerow([*(heading for heading, _sources in columns), _REST])
    writer.writerows(_row(order, columns, known) for order in orders)
    return text.getvalue().encode("utf-8-sig")


def _row(order: Order, columns: _Columns, known: Collection[str]) -> list[str]:
    fields = {f".{name}": value for name, value in _line(order).items()}
    told = (fields | dict(order.particulars)).items()
    said = {name: _text(value) for name, value in told if value not in (None, "")}
    cells = []
    for heading, sources in columns:
        cell = next((said[source] for source in sources if source in said), "")
        cells.append(_WORDS[heading].get(cell, cell) if heading in _WORDS else cell)
    others = sorted(name for name in order.particulars if name not in known)
    cells.append(", ".join(f"{name}={said.get(name, '')}" for name in others))
    return [harmless(cell) for cell in cells]


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "Ja" if value else "Nej"
    if isinstance(value, list):
        return ", ".join(_text(each) for each in value)
    if isinstance(value, Mapping):
        return as_text(value)
    return str(value)
