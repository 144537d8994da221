# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from ansible_collections.regionjh.halsoval.plugins.modules import register_check
from ansible_collections.regionjh.halsoval.plugins.plugin_utils import system_action


class ActionModule(system_action.ActionModule):
    """Runs the module of the same name."""

    _main = staticmethod(register_check.main)
