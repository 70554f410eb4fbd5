"""Names of pods and containers, from what a kubelet leaves or says on its own node.

Sources: kubernetes, pkg/kubelet/kuberuntime/helpers.go and legacy.go (names of log folders and links);
Kubernetes API, v1 PodList, as the kubelet's ``/pods`` gives it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from wattmark.core.serving.cgroup_path import Names, PodName

_LINK = re.compile(r"(?P<pod>[^_]+)_(?P<namespace>[^_]+)_(?P<container>.+)-(?P<id>[0-9a-f]{64})\.log")
CONFIG_HASH = "kubernetes.io/config.hash"
"""Of a static pod: the uid under which its groups and log folders go, the API's being another one."""


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
    return Names(named, found, {})


def names_of_pods(document: Any) -> Names:
    """From a PodList: names, ids and CPU requests alone. What is not as documented is passed over."""
    pods: dict[str, PodName] = {}
    containers: dict[str, str] = {}
    requests: dict[str, float] = {}
    for pod in _list(document, "items"):
        meta = _map(pod, "metadata")
        name, namespace = meta.get("name"), meta.get("namespace")
        if not isinstance(name, str) or not isinstance(namespace, str):
            continue
        for uid in (meta.get("uid"), _map(meta, "annotations").get(CONFIG_HASH)):
            if isinstance(uid, str) and uid:
                pods[uid] = PodName(namespace, name)
        asked = dict(_requests(pod))
        for container, identity in _containers(pod):
            containers[identity] = container
            if container in asked:
                requests[identity] = asked[container]
    return Names(pods, containers, requests)


def merged(first: Names, second: Names) -> Names:
    """Both; where they differ, the second."""
    return Names(
        {**first.pods, **second.pods},
        {**first.containers, **second.containers},
        {**first.requests, **second.requests},
    )


_SUFFIXES = {"n": 1e-9, "u": 1e-6, "m": 1e-3, "": 1.0, "k": 1e3}


def cores_of(quantity: object) -> float | None:
    """Cores of a quantity such as ``500m``, ``2`` or ``0.5`` (Kubernetes API, Quantity); None for another."""
    match = re.fullmatch(r"(\d+(?:\.\d*)?|\.\d+)([numk]?)", str(quantity).strip())
    return float(match[1]) * _SUFFIXES[match[2]] if match else None


def _requests(pod: Mapping[str, Any]) -> Iterator[tuple[str, float]]:
    spec = _map(pod, "spec")
    for kind in ("containers", "initContainers"):
        for container in _list(spec, kind):
            cores = cores_of(_map(_map(container, "resources"), "requests").get("cpu"))
            if cores is not None and isinstance(container.get("name"), str):
                yield container["name"], cores


def _containers(pod: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    status = _map(pod, "status")
    for kind in ("containerStatuses", "initContainerStatuses", "ephemeralContainerStatuses"):
        for container in _list(status, kind):
            name, identity = container.get("name"), container.get("containerID")
            if isinstance(name, str) and isinstance(identity, str) and "://" in identity:
                yield name, identity.partition("://")[2]


def _map(held: Any, key: str) -> Mapping[str, Any]:
    found = held.get(key) if isinstance(held, Mapping) else None
    return found if isinstance(found, Mapping) else {}


def _list(held: Any, key: str) -> list[Mapping[str, Any]]:
    found = held.get(key) if isinstance(held, Mapping) else None
    return [item for item in found if isinstance(item, Mapping)] if isinstance(found, list) else []
