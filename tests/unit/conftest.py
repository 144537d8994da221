# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Settings of the property tests."""

from __future__ import annotations

from hypothesis import HealthCheck, settings

# A shared machine is slow now and then: a deadline would fail by chance.
settings.register_profile(
    "halsoval", deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=True
)
settings.load_profile("halsoval")
