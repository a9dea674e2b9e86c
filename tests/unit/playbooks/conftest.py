"""Ansible finds our module utilities by a search path of its own: here they get the same name by the same means."""

from __future__ import annotations

from pathlib import Path

import ansible.module_utils

ansible.module_utils.__path__.append(str(Path(__file__).resolve().parents[3] / "playbooks" / "module_utils"))
