# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The night as metrics for Prometheus' node exporter: counts, and nothing that names anybody.

Text format 0.0.4. No series has a time stamp: the node exporter drops a file in which one has.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import get_args

from ..records.lifecycle import Phase
from .found import Night, State

Labels = tuple[tuple[str, str], ...]


def as_metrics(night: Night, finished: dt.datetime) -> str:
    """The content of the text file; `finished` is when the night ended."""
    seconds = str(int(finished.timestamp()))
    phases = Counter(night.phases.values())
    found = Counter((one.name, one.severity) for one in night.found)
    lines = [
        *_metric(
            "halsoval_night_finished_timestamp_seconds",
            "When the last night ended, in Unix time. Alert where it is old.",
            {(): seconds},
        ),
        *_metric(
            "halsoval_providers",
            "Providers by phase, of valid records.",
            {(("phase", phase),): str(phases[phase]) for phase in get_args(Phase)},
        ),
        *_metric(
            "halsoval_invalid_records",
            "Records that are not valid.",
            {(): str(len(night.invalid))},
        ),
        *_of_systems(night),
        *_metric(
            "halsoval_findings",
            "Findings by name and severity.",
            {
                (("name", name), ("severity", severity)): str(number)
                for (name, severity), number in sorted(found.items())
            },
        ),
    ]
    return "\n".join([*lines, ""])


def _of_systems(night: Night) -> Iterator[str]:
    yield from _metric(
        "halsoval_system_checked",
        "Whether a system was checked for all providers: 1 for the state it is in.",
        {
            (("state", state), ("system", system.system)): str(int(system.state == state))
            for system in night.systems
            for state in get_args(State)
        },
    )
    yield from _metric(
        "halsoval_changes",
        "Changes that the night made, by system.",
        {(("system", system.system),): str(system.changes) for system in night.systems},
    )


def _metric(name: str, meaning: str, values: Mapping[Labels, str]) -> Iterator[str]:
    if values:
        yield f"# HELP {name} {meaning}"
        yield f"# TYPE {name} gauge"
        yield from (f"{name}{_labelled(labels)} {value}" for labels, value in values.items())


def _labelled(labels: Iterable[tuple[str, str]]) -> str:
    texts = [f'{name}="{_escaped(value)}"' for name, value in labels]
    return "{" + ",".join(texts) + "}" if texts else ""


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"')
