"""Names of pods and containers, from what a kubelet leaves on its own node.

Source: kubernetes, pkg/kubelet/kuberuntime/helpers.go and legacy.go (names of log folders and links).
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from wattmark.core.serving.cgroup_path import Names, PodName

_LINK = re.compile(r"(?P<pod>[^_]+)_(?P<namespace>[^_]+)_(?P<container>.+)-(?P<id>[0-9a-f]{64})\.log")


def names_of_logs(pods: Iterable[str], containers: Iterable[str]) -> Names:
    """From the folders of ``/var/log/pods`` (``<namespace>_<pod>_<uid>``) and the links of
    ``/var/log/containers`` (``<pod>_<namespace>_<container>-<id>.log``). Other names are passed over.
    """
    named: dict[str, PodName] = {}
    for folder in pods:
        parts = folder.split("_")
        if len(parts) == 3 and all(parts):
            named[parts[2]] = PodName(parts[0], parts[1])
    found: dict[str, str] = {}
    for link in containers:
        match = _LINK.fullmatch(link)
        if match:
            found[match["id"]] = match["container"]
    return Names(named, found)
