"""Whose a control group is, from its path."""

from __future__ import annotations

import pytest

from wattmark.core.serving.cgroup_path import (
    SHORT,
    Names,
    Owner,
    PodName,
    Qos,
    final,
    owner_of,
    workload_of,
)
from wattmark.core.serving.workload import Workload, WorkloadKind

ID = "0123456789abcdef" * 4
UID = "ea8b9161-bee3-4bf6-a4e3-65fe256e3771"
BARS = UID.replace("-", "_")
STATIC = "d0d1d2d3d4d5d6d7d8d9dadbdcdddedf"


@pytest.mark.parametrize(
    ("path", "qos"),
    [
        (f"/kubepods/burstable/pod{UID}/{ID}", Qos.BURSTABLE),
        (f"/kubepods/pod{UID}/{ID}", Qos.GUARANTEED),
        (f"/kubepods/besteffort/pod{UID}/crio-{ID}", Qos.BEST_EFFORT),
        (
            f"/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod{BARS}.slice/cri-containerd-{ID}.scope",
            Qos.BURSTABLE,
        ),
        (f"/kubepods.slice/kubepods-pod{BARS}.slice/crio-{ID}.scope", Qos.GUARANTEED),
        (f"/kubepods.slice/kubepods-pod{BARS}.slice/docker-{ID}.scope", Qos.GUARANTEED),
        (
            f"/kubelet.slice/kubelet-kubepods.slice/kubelet-kubepods-pod{BARS}.slice/cri-containerd-{ID}.scope",
            Qos.GUARANTEED,
        ),
        (
            f"/system.slice/containerd.service/kubepods-besteffort-pod{BARS}.slice:cri-containerd:{ID}",
            Qos.BEST_EFFORT,
        ),
    ],
)
def test_a_container_of_a_pod_is_known_from_its_path(path: str, qos: Qos) -> None:
    """Both drivers of the kubelet and all three runtimes; the uid comes as the API writes it."""
    assert owner_of(path) == Owner(WorkloadKind.CONTAINER, ID, UID, qos)


@pytest.mark.parametrize(
    "path",
    [
        f"/docker/{ID}",
        f"/system.slice/docker-{ID}.scope",
        f"/machine.slice/libpod-{ID}.scope",
        f"/libpod_parent/libpod-{ID}",
        f"/system.slice/nerdctl-{ID}.scope",
        f"/default/{ID}",
    ],
)
def test_a_container_without_a_pod_is_known_too(path: str) -> None:
    """Docker, Podman and containerd on their own."""
    assert owner_of(path) == Owner(WorkloadKind.CONTAINER, ID)


def test_what_runs_inside_a_container_is_the_containers() -> None:
    """A systemd in a container, or CRI-O's inner group, is nobody else's."""
    assert owner_of(f"/docker/{ID}/system.slice/sshd.service") == Owner(WorkloadKind.CONTAINER, ID)
    assert owner_of(f"/kubepods/pod{UID}/crio-{ID}/container") == Owner(
        WorkloadKind.CONTAINER, ID, UID, Qos.GUARANTEED
    )


def test_a_pod_is_known_without_its_containers() -> None:
    """A static pod's uid is a hash without dashes."""
    assert owner_of(f"/kubepods/burstable/pod{UID}") == Owner(WorkloadKind.POD, UID, UID, Qos.BURSTABLE)
    assert owner_of(f"/kubepods.slice/kubepods-pod{STATIC}.slice") == Owner(
        WorkloadKind.POD, STATIC, STATIC, Qos.GUARANTEED
    )


@pytest.mark.parametrize(
    "path",
    [
        "/system.slice/slurmstepd.scope/job_4711/step_0/user/task_0",
        "/system.slice/node17_slurmstepd.scope/job_4711",
        "/slurm/uid_1000/job_4711/step_batch",
        "/slurm_node17/uid_1000/job_4711",
    ],
)
def test_a_slurm_job_holds_its_steps(path: str) -> None:
    """Both versions of Slurm's plugin; nothing below a job is anybody else's."""
    owner = owner_of(path)
    assert owner == Owner(WorkloadKind.SLURM_JOB, "4711")
    assert final(owner)


def test_services_are_told_apart_and_people_are_not() -> None:
    """A session's scope would tell who is logged in."""
    assert owner_of("/system.slice/sshd.service") == Owner(WorkloadKind.UNIT, "sshd.service")
    assert owner_of("/init.scope") == Owner(WorkloadKind.UNIT, "init.scope")
    people = owner_of("/user.slice/user-1000.slice/session-3.scope")
    assert people == Owner(WorkloadKind.UNIT, "user.slice")
    assert final(people)


def test_the_monitor_of_a_container_is_no_container() -> None:
    """Podman and CRI-O run one beside each."""
    assert owner_of(f"/machine.slice/libpod-conmon-{ID}.scope") == Owner(
        WorkloadKind.UNIT, f"libpod-conmon-{ID}.scope"
    )
    beside = owner_of(f"/kubepods/pod{UID}/crio-conmon-{ID}")
    assert beside == Owner(WorkloadKind.POD, UID, UID, Qos.GUARANTEED)


@pytest.mark.parametrize(
    "path", ["", "/", "/kubepods", "/kubepods.slice", "/system.slice", "/job_1", "/mine"]
)
def test_slices_and_unknown_groups_are_nobodys(path: str) -> None:
    """A folder called job_1 is a job only below Slurm's."""
    assert owner_of(path) is None


def test_an_lxc_guest_is_one_container() -> None:
    """Its own services are not the machine's."""
    guest = Owner(WorkloadKind.CONTAINER, "web")
    assert owner_of("/lxc.payload.web/system.slice/nginx.service") == guest


def test_names_are_shown_where_they_are_known_and_ids_elsewhere() -> None:
    """A pod's container has both, one of Docker's has none."""
    names = Names({UID: PodName("serving", "llama-0")}, {ID: "engine"})
    inside = Owner(WorkloadKind.CONTAINER, ID, UID, Qos.BURSTABLE)
    assert workload_of(inside, names) == Workload(
        kind=WorkloadKind.CONTAINER, name="engine", namespace="serving", pod="llama-0", container="engine"
    )
    assert workload_of(inside) == Workload(
        kind=WorkloadKind.CONTAINER, name=ID[:SHORT], pod=UID, container=ID[:SHORT]
    )
    assert workload_of(Owner(WorkloadKind.CONTAINER, ID)) == Workload(
        kind=WorkloadKind.CONTAINER, name=ID[:SHORT]
    )
    assert workload_of(Owner(WorkloadKind.POD, UID, UID), names) == Workload(
        kind=WorkloadKind.POD, name="llama-0", namespace="serving", pod="llama-0"
    )
    assert workload_of(Owner(WorkloadKind.SLURM_JOB, "7")) == Workload(kind=WorkloadKind.SLURM_JOB, name="7")
