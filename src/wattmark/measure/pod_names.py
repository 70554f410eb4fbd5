"""Where the names of pods come from: the kubelet's log folders. No server is asked."""

from __future__ import annotations

import os
from pathlib import Path

from wattmark.core.serving.cgroup_path import Names
from wattmark.core.serving.pod_names import names_of_logs

LOGS = Path("/var/log")


def folder_names(logs: Path = LOGS) -> Names:
    """From the folders alone: no socket is opened, no file is read. Empty where there are none."""
    return names_of_logs(_entries(logs / "pods"), _entries(logs / "containers"))


def _entries(folder: Path) -> list[str]:
    try:
        return os.listdir(folder)
    except OSError:
        return []  # no Kubernetes here, or its logs are not shown to us: the ids are shown then
