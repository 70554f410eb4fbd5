"""The energy of CPU-side devices divided by CPU time."""

from __future__ import annotations

import math

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from wattmark.core.known import Grade, Method
from wattmark.core.serving.cpu_division import (
    HOST,
    UNDIVIDED,
    CpuStretch,
    WorkloadCpu,
    divided,
    joined,
)
from wattmark.core.serving.window import DeviceUse
from wattmark.core.serving.workload import Workload, WorkloadKind, WorkloadUse

A = Workload(kind=WorkloadKind.CONTAINER, name="a")
B = Workload(kind=WorkloadKind.CONTAINER, name="b")

seconds = st.floats(0.0, 1e7)
joules = st.floats(0.0, 1e9)


def a_use(joules: float = 100.0, component: str = "cpu", device_id: str = "cpu:h/package-0") -> DeviceUse:
    return DeviceUse(
        device_id=device_id,
        component=component,
        source="rapl",
        method=Method.HARDWARE_COUNTER,
        grade=Grade.B,
        errors={"rapl:gain": 0.05},
        energy_joules=joules,
        observed_seconds=10.0,
        idle_joules=0.0,
    )


def of(use: WorkloadUse) -> dict[Workload, tuple[float, float]]:
    return {s.workload: (s.busy_joules, s.idle_joules) for s in use.shares}


def test_busy_energy_goes_by_cpu_time_and_idle_energy_by_reservation() -> None:
    """100 J, 40 of 100 CPU seconds busy: a used 30 of them and keeps 25, so 30 J and a quarter of 60 J."""
    stretch = CpuStretch(40.0, 100.0, (WorkloadCpu(A, 30.0, 25.0), WorkloadCpu(B, 6.0)))
    use = divided("h", 0, 10, [a_use()], stretch)
    assert of(use) == {A: (30.0, 15.0), B: (6.0, 0.0), HOST: (4.0, 0.0)}
    assert use.devices[0].unallocated_joules == pytest.approx(45.0)
    assert use.devices[0].errors == {"rapl:gain": 0.05}


def test_reservations_of_more_than_there_is_are_cut_in_proportion() -> None:
    """Limits are often promised twice: two of 100 s on a machine of 100 s get half of the idle energy."""
    stretch = CpuStretch(0.0, 100.0, (WorkloadCpu(A, 0.0, 100.0), WorkloadCpu(B, 0.0, 100.0)))
    assert of(divided("h", 0, 10, [a_use()], stretch)) == {A: (0.0, 50.0), B: (0.0, 50.0)}


def test_groups_that_say_more_than_the_machine_are_believed_up_to_its_capacity() -> None:
    """Groups are clocked to the nanosecond and the machine in ticks: 60 s of groups in 50 s of ticks are
    60 s; of 200 s in 100 s each gets half.
    """
    told = CpuStretch(50.0, 100.0, (WorkloadCpu(A, 60.0),))
    assert of(divided("h", 0, 10, [a_use()], told)) == {A: (60.0, 0.0)}
    absurd = CpuStretch(50.0, 100.0, (WorkloadCpu(A, 150.0), WorkloadCpu(B, 50.0)))
    assert of(divided("h", 0, 10, [a_use()], absurd)) == {A: (75.0, 0.0), B: (25.0, 0.0)}


def test_what_cannot_be_divided_is_unallocated_and_said() -> None:
    """No stretch, or one in which no time passed: nobody is charged."""
    for stretch in (None, CpuStretch(0.0, 0.0)):
        use = divided("h", 0, 10, [a_use()], stretch)
        assert use.shares == ()
        assert use.devices[0].unallocated_joules == 100.0
        assert use.notes == (UNDIVIDED,)


def test_accelerators_are_not_divided_by_cpu_time() -> None:
    """A busy CPU says nothing of who used the GPU."""
    use = divided("h", 0, 10, [a_use(component="gpu", device_id="GPU-1")], CpuStretch(1.0, 2.0))
    assert (use.devices, use.shares, use.notes) == ((), (), ())


def test_stretches_add_up() -> None:
    """a in both, b in one: times add, notes stand once."""
    first = CpuStretch(1.0, 4.0, (WorkloadCpu(A, 1.0, 2.0),), 0.5, ("x",))
    second = CpuStretch(2.0, 4.0, (WorkloadCpu(A, 1.0, 2.0), WorkloadCpu(B, 1.0)), 0.5, ("x",))
    assert joined(first, second) == CpuStretch(
        3.0, 8.0, (WorkloadCpu(A, 2.0, 4.0), WorkloadCpu(B, 1.0)), 1.0, ("x",)
    )


@example(energies=[541.0], busy=0.0, capacity=1.1125369292536007e-308, times=[(8525845.0, 0.0)])
@given(
    energies=st.lists(joules, min_size=1, max_size=3),
    busy=seconds,
    capacity=seconds,
    times=st.lists(st.tuples(seconds, seconds), max_size=6),
)
def test_parts_make_up_their_device_and_none_is_below_nothing(
    energies: list[float], busy: float, capacity: float, times: list[tuple[float, float]]
) -> None:
    """Whatever the counters say, to 1e-9 of the device; WorkloadUse refuses anything else."""
    cpus = tuple(
        WorkloadCpu(Workload(kind=WorkloadKind.SLURM_JOB, name=str(i)), used, kept)
        for i, (used, kept) in enumerate(times)
    )
    uses = [a_use(joules=j, device_id=f"d{i}") for i, j in enumerate(energies)]
    use = divided("h", 0, 10, uses, CpuStretch(busy, capacity, cpus))
    for device, energy in zip(use.devices, energies, strict=True):
        mine = [s for s in use.shares if s.device_id == device.device_id]
        assert all(s.busy_joules >= 0 and s.idle_joules >= 0 for s in mine)
        parts = math.fsum(s.busy_joules + s.idle_joules for s in mine) + device.unallocated_joules
        assert math.isclose(parts, energy, rel_tol=1e-9, abs_tol=1e-9)
