# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options of every module that uses the ledger: orders, holds, and what is noted of writes."""

from __future__ import annotations


class ModuleDocFragment:
    """Documentation of runs.ledger.LEDGER_ARGUMENTS."""

    DOCUMENTATION = r"""
options:
  as_of:
    description:
      - The day to bring about, V(YYYY-MM-DD) in Europe/Stockholm.
      - The action sets it to the day of the inventory, unless it is given.
    type: str
    required: true
  ledger_url:
    description:
      - The ledger, where several controllers share one, as
        V(postgresql://user:password@host/database). Keep it in a vault or a lookup.
      - The server's certificate is verified, C(sslmode=verify-full), unless the URL has another
        C(sslmode), or the server is a socket or the loopback of the controller.
      - Without it the ledger is the SQLite file V(ledger.sqlite3) in O(state_directory).
    type: str
  state_directory:
    description:
      - Directory on the controller, for its user alone; one of another user, or that others may
        write to, is refused. It holds the ledger, unless O(ledger_url)
        names another, then the locks that keep two runs from writing to a system at a time, and
        V(ledger.key), which the ledger's rows are sealed with.
    type: path
    default: ~/.ansible/halsoval
  started_by:
    description:
      - Who started the run, as an automation platform knows it, for the audit log. A code of at
        most 64 letters, digits, C(_), C(.), C(@) and C(-), without a personal number.
      - It stands beside the user of the process and the host, and never instead of them.
    type: str
  run:
    description: The run's id. The action sets it, do not give it yourself.
    type: str
    required: true
  by_clock:
    description:
      - Whether O(as_of) is today by the controller's clock, and nobody's word. Then a run more
        than 31 days after the last one, or more than 7 before it, fails before it does anything.
      - The action sets it, do not give it yourself.
    type: bool
    default: false
  confidential:
    description:
      - A memory file with the options that may be in no argument and on no disk, such as passwords.
      - The action sets it, do not give it yourself. What is given elsewhere is empty then.
    type: path
requirements:
  - SQLAlchemy >= 2
  - psycopg >= 3.2, where the ledger is in PostgreSQL
"""
