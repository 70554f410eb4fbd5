"""One simulated machine: its identity, its clocks, and how its jobs write down what they saw."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from wattmark.core.known import Boundary, Grade, Method, Scope
from wattmark.core.run import (
    EnergyRow,
    GapSpan,
    Hardware,
    Host,
    Overhead,
    Place,
    Run,
    SourceId,
    Status,
    Subject,
    Work,
)
from wattmark.core.telemetry import Stream
from wattmark.hashing import sha256
from wattmark.testing.fleet.plan import SECOND, Workload

BOOTED_BEFORE_US = 1_000_000 * SECOND
"""How long before the simulation every machine was started."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """A host: where it is, what is in it, and what its wall clock shows."""

    id: str
    zone: str
    gpus: int
    start_us: int
    steps: list[tuple[int, int]] = field(default_factory=list)
    """From when on its wall clock is wrong, and by how much, in microseconds."""

    @property
    def cpu(self) -> str:
        """The id of its CPU package."""
        return f"cpu:{self.id}/package-0"

    @property
    def node(self) -> str:
        """The id of the whole machine."""
        return f"node:{self.id}"

    def gpu(self, index: int) -> str:
        """The id of one of its GPUs."""
        return f"GPU-{self.id}-{index}"

    def wall(self, at_us: int) -> str:
        """What its wall clock shows at a moment."""
        shown = at_us + sum(by for since, by in self.steps if at_us >= since)
        moment = datetime.fromtimestamp(shown // SECOND, UTC).replace(microsecond=shown % SECOND)
        return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")

    def monotonic(self, at_us: int) -> float:
        """What its monotonic clock shows, in seconds; it never steps."""
        return (at_us - self.start_us + BOOTED_BEFORE_US) / SECOND


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """Watts of every device over some time; whole numbers."""

    start_us: int
    end_us: int
    watts: dict[str, int]
    gap: tuple[int, int] | None = None
    """When the devices of ``blind`` could not be read, if they could not."""
    blind: tuple[str, ...] = ()
    own: dict[str, int] = field(default_factory=dict)
    """Watts of a device that are the job's own, where it knows its share."""

    def cut(self, start_us: int, end_us: int) -> Stretch | None:
        """The part between two moments; None when there is none. Only for stretches without a gap."""
        left, right = max(start_us, self.start_us), min(end_us, self.end_us)
        return replace(self, start_us=left, end_us=right) if left < right else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """How a job's run is identified."""

    name: str
    status: Status = Status.CLOSED
    seq: int = 1
    solution: str | None = None
    parent: str | None = None
    rank: int | None = None
    world_size: int | None = None
    counted: float = 0.0
    """Units of work done."""
    grade: Grade = Grade.B


def run_of(machine: Machine, load: Workload, stretches: Sequence[Stretch], written: Written) -> Run:
    """The run file of a job that saw these stretches, which follow one another."""
    start, end = stretches[0].start_us, stretches[-1].end_us
    seconds = (end - start) / SECOND
    return Run(
        record_id=_uuid(written.name),
        seq=written.seq,
        status=written.status,
        started_at=machine.wall(start),
        started_monotonic_seconds=machine.monotonic(start),
        duration_seconds=seconds,
        failed=written.status is Status.INTERRUPTED,
        solution_id=written.solution,
        parent=written.parent,
        rank=written.rank,
        world_size=written.world_size,
        host=Host(id=machine.id, fingerprint=f"{machine.id}-1", boot_id=f"{machine.id}-boot"),
        subject=Subject(team=load.team, model=load.model, stage=load.stage, zone=machine.zone),
        energies=tuple(row for s in stretches for row in _rows(machine, s, start, written.grade)),
        work=(Work(unit=load.unit, count=written.counted, duration_seconds=seconds),)
        if written.counted
        else (),
        place=Place(
            country=machine.zone,
            site="simulated",
            hardware=(Hardware(component="gpu", name="simulated 700 W", count=machine.gpus),)
            if machine.gpus
            else (Hardware(component="cpu", name="simulated 250 W"),),
        ),
        overhead=Overhead(cpu_seconds=0.0003 * seconds, workload_cpu_seconds=4.0 * seconds),
        environment={"wattmark": "simulated"},
    )


def _rows(machine: Machine, stretch: Stretch, run_start: int, grade: Grade) -> list[EnergyRow]:
    rows = []
    for device, watts in stretch.watts.items():
        whole = _row(machine, stretch, run_start, device, watts, grade)
        rows.append(whole)
        if device in stretch.own:
            own = stretch.own[device]
            rows.append(_share(whole, own, "own"))
            rows.append(_share(whole, watts - own, "idle"))
    return rows


def _row(
    machine: Machine, stretch: Stretch, run_start: int, device: str, watts: int, grade: Grade
) -> EnergyRow:
    lasted = stretch.end_us - stretch.start_us
    gap = stretch.gap if device in stretch.blind else None
    observed = lasted - (gap[1] - gap[0] if gap else 0)
    is_node = device == machine.node
    meter = "redfish" if is_node else "nvml" if device.startswith("GPU") else "rapl"
    return EnergyRow(
        device_id=device,
        component="node" if is_node else "gpu" if device.startswith("GPU") else "cpu",
        t0_seconds=(stretch.start_us - run_start) / SECOND,
        duration_seconds=lasted / SECOND,
        energy_joules=watts * observed / SECOND,
        observed_seconds=observed / SECOND,
        method=Method.BMC if is_node else Method.HARDWARE_COUNTER,
        boundary=Boundary.NODE if is_node else Boundary.DEVICE,
        grade=Grade.C if is_node and grade is Grade.B else grade,
        errors={f"{meter}:{device}:gain": 0.05},
        source=SourceId(name=meter, version="simulated"),
        gaps=(
            GapSpan(
                t0_seconds=(gap[0] - run_start) / SECOND,
                duration_seconds=(gap[1] - gap[0]) / SECOND,
                reason="simulated",
            ),
        )
        if gap
        else (),
        idle_watts=40.0,
        max_watts=10_000.0 if is_node else 700.0,
    )


def _share(whole: EnergyRow, watts: int, party: str) -> EnergyRow:
    return replace(
        whole,
        energy_joules=watts * whole.duration_seconds,
        scope=Scope.SHARE,
        party=party,
        attribution_rule="cpu_time",
        max_watts=None,
    )


def exporter_stream(
    machine: Machine,
    device: str,
    *,
    subject: Subject | None = None,
    share: bool = False,
) -> Stream:
    """What an exporter says of one device, or of one subject's share of it."""
    gpu = device.startswith("GPU")
    name = "dcgm-exporter" if gpu else "kepler"
    return Stream(
        source=SourceId(name=name, version="simulated"),
        instance="simulated",
        host_id=machine.id,
        device_id=device,
        component="gpu" if gpu else "cpu",
        method=Method.INTEGRATED_POWER if gpu else Method.HARDWARE_COUNTER,
        grade=Grade.C if gpu else Grade.B,
        errors={f"{name}:{device}:gain": 0.10 if gpu else 0.05},
        scope=Scope.SHARE if share else Scope.WHOLE,
        attribution_rule="kepler_cpu_time" if share else None,
        subject=subject or Subject(zone=machine.zone),
        place=Place(country=machine.zone, site="simulated"),
        idle_watts=40.0,
        max_watts=700.0,
    )


def _uuid(name: str) -> str:
    digits = sha256(name.encode()).hexdigest()
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-8{digits[17:20]}-{digits[20:32]}"
