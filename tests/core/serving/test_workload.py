"""Energy of workloads: it adds up, in a window and over all of them."""

from __future__ import annotations

import pytest

from wattmark.core.errors import UsageError
from wattmark.core.known import Boundary, Grade, Method
from wattmark.core.serving.workload import (
    QUIET_US,
    Workload,
    WorkloadDevice,
    WorkloadKind,
    WorkloadShare,
    WorkloadTotals,
    WorkloadUse,
)

A = Workload(kind=WorkloadKind.CONTAINER, name="a")
B = Workload(kind=WorkloadKind.CONTAINER, name="b")


def a_use(*shares: WorkloadShare, start_us: int = 0, joules: float = 10.0, left: float = 0.0) -> WorkloadUse:
    device = WorkloadDevice(
        device_id="cpu",
        component="cpu",
        source="rapl",
        method=Method.HARDWARE_COUNTER,
        grade=Grade.B,
        energy_joules=joules,
        observed_seconds=60.0,
        unallocated_joules=left,
    )
    return WorkloadUse(
        host_id="h", start_us=start_us, end_us=start_us + 60_000_000, devices=(device,), shares=shares
    )


def share(workload: Workload, busy: float, idle: float = 0.0, device: str = "cpu") -> WorkloadShare:
    return WorkloadShare(workload=workload, device_id=device, busy_joules=busy, idle_joules=idle)


def test_shares_that_do_not_make_up_their_device_are_refused() -> None:
    """9 J of 10 J: one joule would be lost unseen."""
    with pytest.raises(UsageError, match="do not make up 10 J"):
        a_use(share(A, 9.0))


def test_a_share_of_a_device_that_is_not_there_is_refused() -> None:
    """It would count nowhere."""
    with pytest.raises(UsageError, match="does not hold: gpu"):
        a_use(share(A, 10.0), share(A, 1.0, device="gpu"))


def test_a_stretch_ends_after_it_starts() -> None:
    """Nothing is used in no time."""
    with pytest.raises(UsageError, match="must end"):
        WorkloadUse(host_id="h", start_us=5, end_us=5, devices=())


def test_totals_add_stretches_and_keep_what_nobody_reserved() -> None:
    """5 + 6 J busy, 1 J idle, 4 + 4 J unallocated."""
    totals = WorkloadTotals()
    totals.fold(a_use(share(A, 5.0, 1.0), left=4.0))
    totals.fold(a_use(share(A, 6.0), left=4.0, start_us=60_000_000))
    ((key, held),) = totals.joules.items()
    assert (key.workload, key.component, key.boundary, key.grade) == (A, "cpu", Boundary.DEVICE, Grade.B)
    assert (held.busy, held.idle) == (11.0, 1.0)
    assert list(totals.unallocated.values()) == [8.0]


def test_series_of_what_is_gone_for_an_hour_end() -> None:
    """Pods come and go; the ledger keeps what they used."""
    totals = WorkloadTotals()
    totals.fold(a_use(share(A, 10.0)))
    totals.fold(a_use(share(B, 10.0), start_us=QUIET_US))
    assert {key.workload for key in totals.joules} == {A, B}
    totals.fold(a_use(share(B, 10.0), start_us=QUIET_US + 120_000_000))
    assert {key.workload for key in totals.joules} == {B}


def test_workloads_beyond_the_limit_are_shown_together() -> None:
    """Nothing is lost: what is not shown by name is shown as other."""
    totals = WorkloadTotals(most=1)
    totals.fold(a_use(share(A, 4.0), share(B, 6.0)))
    shown = {key.workload.name: held.busy for key, held in totals.joules.items()}
    assert shown == {"a": 4.0, "other": 6.0}
