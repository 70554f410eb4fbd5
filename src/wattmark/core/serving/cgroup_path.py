"""Whose a control group is, from its path alone.

Sources of the names, read in the projects' own code in November 2026: kubelet, pkg/kubelet/cm
(``kubepods/burstable/pod<uid>``, ``kubepods-burstable-pod<uid with _>.slice``); containerd (``<id>``,
``cri-containerd-<id>.scope``, ``<slice>:cri-containerd:<id>``); CRI-O (``crio-<id>[.scope]``); Docker
(``docker/<id>``, ``docker-<id>.scope``); Podman (``libpod-<id>[.scope]``); Slurm, src/plugins/cgroup/v2
(``[<node>_]slurmstepd.scope/job_<id>``) and v1 (``slurm[_<node>]/uid_<uid>/job_<id>``).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from wattmark.core.serving.workload import Workload, WorkloadKind

_CONTAINER = re.compile(
    r"(?:.*:)?(?:(?P<runtime>cri-containerd|crio|docker|libpod|nerdctl)[-:])?(?P<id>[0-9a-f]{64})(?:\.scope)?"
)
_POD = re.compile(
    r"(?:[a-z0-9-]*-)?pod(?P<uid>[0-9a-f]{8}(?:[-_]?[0-9a-f]{4}){3}[-_]?[0-9a-f]{12})(?:\.slice)?"
)
_JOB = re.compile(r"job_(?P<id>\w+)")
_SLURM_PARENT = re.compile(r"(?:.+_)?slurmstepd\.scope|uid_\d+")
LXC = "lxc.payload."
SHORT = 12
"""Digits of a container's id that are shown where its name is not known, as Docker does."""


class Qos(StrEnum):
    """Quality-of-service class of a pod, as the kubelet's groups say it."""

    GUARANTEED = "guaranteed"
    BURSTABLE = "burstable"
    BEST_EFFORT = "besteffort"


@dataclass(frozen=True, slots=True)
class Owner:
    """Who a group belongs to. Two groups of one owner count as one."""

    kind: WorkloadKind
    name: str
    """Full id of a container, uid of a pod, number of a job, name of a unit."""
    pod_uid: str = ""
    qos: Qos | None = None


def owner_of(path: str) -> Owner | None:
    """Whose the group at this path below the root is; None when nobody's: a slice, or the root itself.

    A container's or job's own inner groups are the container's or job's.
    """
    parts = [part for part in path.split("/") if part]
    owner: Owner | None = None
    for index, part in enumerate(parts):
        before = owner
        owner = _next(before, parts[index - 1] if index else "", part, parts[:index])
        if owner is not None and final(owner):
            return owner
    return owner


def final(owner: Owner) -> bool:
    """Whether nothing below it belongs to anybody else, so that nobody need look there."""
    return owner.kind in (WorkloadKind.CONTAINER, WorkloadKind.SLURM_JOB) or owner.name == "user.slice"


def _next(owner: Owner | None, parent: str, part: str, above: list[str]) -> Owner | None:
    container = _CONTAINER.fullmatch(part)
    uid = owner.pod_uid if owner else ""
    qos = owner.qos if owner else None
    if container:
        inside = _POD.fullmatch(part.partition(":")[0]) if ":" in part else None
        uid = _uid(inside) if inside else uid
        return Owner(
            WorkloadKind.CONTAINER, container["id"], uid, qos or (_qos([*above, part]) if uid else None)
        )
    pod = _POD.fullmatch(part)
    if pod:
        return Owner(WorkloadKind.POD, _uid(pod), _uid(pod), _qos([*above, part]))
    job = _JOB.fullmatch(part)
    if job and _SLURM_PARENT.fullmatch(parent):
        return Owner(WorkloadKind.SLURM_JOB, job["id"])
    if part.startswith(LXC):
        return Owner(WorkloadKind.CONTAINER, part.removeprefix(LXC))
    if part == "user.slice" and not above:
        return Owner(WorkloadKind.UNIT, part)  # who is logged in is nobody's business
    if part.endswith((".service", ".scope")) and owner is None:
        return Owner(WorkloadKind.UNIT, part)
    return owner


def _uid(found: re.Match[str]) -> str:
    """The uid as the API writes it: to systemd ``-`` is a step down, so the kubelet writes ``_`` there."""
    return found["uid"].replace("_", "-")


def _qos(parts: list[str]) -> Qos:
    path = "/".join(parts)
    return next((qos for qos in (Qos.BURSTABLE, Qos.BEST_EFFORT) if qos.value in path), Qos.GUARANTEED)


@dataclass(frozen=True, slots=True)
class PodName:
    """How a pod is called."""

    namespace: str
    name: str


@dataclass(frozen=True, slots=True)
class Names:
    """What is known of the names of this machine's pods and containers."""

    pods: dict[str, PodName]
    """By uid."""
    containers: dict[str, str]
    """By full id."""


NO_NAMES = Names({}, {})


def workload_of(owner: Owner, names: Names = NO_NAMES) -> Workload:
    """The owner under the names that are known; ids where none is."""
    pod = names.pods.get(owner.pod_uid)
    namespace = pod.namespace if pod else ""
    pod_name = pod.name if pod else owner.pod_uid
    match owner.kind:
        case WorkloadKind.CONTAINER:
            name = names.containers.get(owner.name, owner.name[:SHORT])
            inside = name if owner.pod_uid else ""
            return Workload(kind=owner.kind, name=name, namespace=namespace, pod=pod_name, container=inside)
        case WorkloadKind.POD:
            return Workload(kind=owner.kind, name=pod_name, namespace=namespace, pod=pod_name)
        case _:
            return Workload(kind=owner.kind, name=owner.name)
