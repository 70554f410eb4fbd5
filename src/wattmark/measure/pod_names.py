"""Where the names of pods come from: the kubelet's log folders, and the kubelet itself if it is asked for."""

from __future__ import annotations

import json
import os
import ssl
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path

from wattmark.core.serving.cgroup_path import NO_NAMES, Names
from wattmark.core.serving.pod_names import merged, names_of_logs, names_of_pods

LOGS = Path("/var/log")
TIMEOUT_SECONDS = 2.0
MOST_BYTES = 64 << 20
"""A node runs 110 pods by default; their list is below 3 MB. More than this is no list of pods."""


def folder_names(logs: Path = LOGS) -> Names:
    """From the folders alone: no socket is opened, no file is read. Empty where there are none."""
    return names_of_logs(_entries(logs / "pods"), _entries(logs / "containers"))


def _entries(folder: Path) -> list[str]:
    try:
        return os.listdir(folder)
    except OSError:
        return []  # no Kubernetes here, or its logs are not shown to us: the ids are shown then


class KubeletNames:
    """Asks the kubelet of this node for its pods, and remembers the last answer when it gives none.

    ``url`` is its own address, such as ``http://127.0.0.1:10255`` (read-only) or ``https://127.0.0.1:10250``
    with a token of a service account that may get ``nodes/proxy``.
    """

    def __init__(
        self, url: str, token_file: Path | None = None, ca_file: Path | None = None, logs: Path = LOGS
    ) -> None:
        self._url = url.rstrip("/") + "/pods"
        self._token_file = token_file
        self._ca_file = ca_file
        self._logs = logs
        self._last = NO_NAMES
        self.problem: str | None = None
        """Why the last answer could not be had; None when it could."""

    def __call__(self) -> Names:
        """What is known now; the folders alone where the kubelet does not answer."""
        try:
            self._last, self.problem = names_of_pods(self._pods()), None
        except (OSError, ValueError) as error:  # urllib's errors are OSErrors, broken JSON a ValueError
            self.problem = f"{self._url}: {error}"
        return merged(folder_names(self._logs), self._last)

    def _pods(self) -> object:
        request = urllib.request.Request(self._url, headers={"Accept": "application/json"})
        if self._token_file is not None:
            token = self._token_file.read_text(encoding="ascii").strip()
            request.add_header("Authorization", f"Bearer {token}")
        context = None
        if self._url.startswith("https:"):
            context = ssl.create_default_context(cafile=self._ca_file and str(self._ca_file))
        with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS, context=context) as answer:
            body = answer.read(MOST_BYTES + 1)
        if len(body) > MOST_BYTES:
            raise ValueError("the answer is too long for a list of pods")
        return json.loads(body)


def names_by(
    kubelet: str | None, token_file: Path | None = None, ca_file: Path | None = None
) -> Callable[[], Names]:
    """Names from the kubelet at this address, or from the log folders where none is given."""
    return folder_names if not kubelet else KubeletNames(kubelet, token_file, ca_file)
