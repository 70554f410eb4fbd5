"""The meter of last resort: a model from activity and tables, always grade D.

For machines without a sensor (virtual machines, laptops without rights, other systems). Power of
the CPU is linear in its busy time, so that the parts add up to the whole:

    P = idle + (max - idle) x busy threads / threads

with watts per thread from a sourced CPU table. Two kinds of row, never mixed:

* ``server_wall`` and ``system_wall`` watts were measured at the wall of whole machines, so they are
  one figure at node boundary, without accelerators; of the memory only what exceeds the measured
  machines' is added.
* ``package_tdp`` rows give a thermal design power: the CPU alone, to which installed memory (watts
  per GB) and the rest of the node (a share of both: fans, board, disks, power supply) are added.
"""

from __future__ import annotations

import os
import platform
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from wattmark import tables
from wattmark.core.errors import MeterUnavailable
from wattmark.core.known import Boundary, Grade, Method
from wattmark.core.readings import CounterReading, Device, Gap, Reading
from wattmark.core.units import Energy, Power
from wattmark.meters.clock import boot_clock
from wattmark.meters.machine import PROC, busy_clock, installed_memory_gb

HEADROOM = 1.3
"""A reading above so many times the stated maximum is nonsense (reference bounds of collectors)."""


class CpuRow(NamedTuple):
    """Watts per hardware thread of one CPU, with where they come from."""

    name: str
    idle_watts_per_thread: float
    max_watts_per_thread: float
    source: str
    wall: bool
    """True when the watts are those of whole machines at the wall, false for the package alone."""
    memory_gb_per_thread: float = 0.0
    """Memory that the measured machines had, per thread; already in the watts."""


class NodeModel(NamedTuple):
    """The other constants of the model."""

    dram_watts_per_gb: float
    rest_share: float
    idle_share_of_tdp: float
    busy_share_of_tdp: float


class ModelMeter:
    """Energy of a machine computed from /proc and tables; accelerators are never in it."""

    name = "model"

    def __init__(
        self,
        *,
        host_id: str = "localhost",
        proc: Path = PROC,
        clock: Callable[[], float] = boot_clock,
        cpu: CpuRow | None = None,
        constants: NodeModel | None = None,
        threads: int | None = None,
    ) -> None:
        self._machine_busy = busy_clock(proc)
        self._clock = clock
        self._closed = False
        self._constants = constants or node_model()
        self._cpu = cpu or cpu_row(cpu_name(proc), self._constants)
        self._threads = threads or os.cpu_count() or 1
        self._tick = os.sysconf("SC_CLK_TCK") if hasattr(os, "sysconf") else 100
        self._memory_gb = installed_memory_gb(proc)
        try:
            self._machine_busy()
        except (OSError, ValueError) as error:
            raise MeterUnavailable(f"the CPU time of this machine cannot be read: {error}") from None
        self._parts = tuple(self._describe(host_id))

    @property
    def devices(self) -> tuple[Device, ...]:
        """One node, or CPU, memory and rest of node, by the kind of row that was found."""
        return tuple(part.device for part in self._parts)

    def read(self) -> Mapping[str, Reading]:
        """Modelled energy since boot, by device."""
        if self._closed:
            return {part.device.id: Gap("the meter is closed") for part in self._parts}
        try:
            busy = self._machine_busy()
        except (OSError, ValueError, IndexError) as error:
            gap = Gap(f"CPU time cannot be read: {error}")
            return {part.device.id: gap for part in self._parts}
        now = self._clock()
        return {
            part.device.id: CounterReading(
                Energy(part.idle_watts * now + part.watts_per_busy_thread * busy), now
            )
            for part in self._parts
        }

    def close(self) -> None:
        """Nothing is held open; reading after this gives gaps."""
        self._closed = True

    def _describe(self, host_id: str) -> Iterator[_Part]:
        cpu, k = self._cpu, self._constants
        idle = cpu.idle_watts_per_thread * self._threads
        per_busy = cpu.max_watts_per_thread - cpu.idle_watts_per_thread
        span = f"{cpu.idle_watts_per_thread:.3g} to {cpu.max_watts_per_thread:.3g} W per thread, {cpu.source}"
        if cpu.wall:
            extra = max(0.0, (self._memory_gb or 0.0) - cpu.memory_gb_per_thread * self._threads)
            memory = extra * k.dram_watts_per_gb if cpu.memory_gb_per_thread else 0.0
            yield self._part("node", f"node:{host_id}/model", idle + memory, per_busy, f"{cpu.name}: {span}")
            return
        memory = (self._memory_gb or 0.0) * k.dram_watts_per_gb
        yield self._part("cpu", f"cpu:{host_id}/model", idle, per_busy, f"{cpu.name}: {span}")
        if self._memory_gb is not None:  # unknown memory is not seen, rather than zero
            yield self._part(
                "dram", f"dram:{host_id}/model", memory, 0.0, f"{k.dram_watts_per_gb:g} W per GB installed"
            )
        yield self._part(
            "rest_of_node",
            f"rest_of_node:{host_id}/model",
            k.rest_share * (idle + memory),
            k.rest_share * per_busy,
            f"{k.rest_share:.0%} of CPU and memory",
        )

    def _part(self, component: str, device_id: str, idle: float, per_busy: float, note: str) -> _Part:
        most = idle + per_busy * self._threads
        device = Device(
            id=device_id,
            component=component,
            name=self._cpu.name if component in ("cpu", "node") else "",
            source=self.name,
            method=Method.MODELLED,
            grade=Grade.D,
            boundary=Boundary.NODE if component == "node" else Boundary.DEVICE,
            max_power=Power(max(most, 1e-3) * HEADROOM),
            idle_power=Power(idle),
            update_seconds=1 / self._tick,
            relative_error=default_error(Method.MODELLED),
            note=note,
        )
        return _Part(device, idle, per_busy)


class _Part(NamedTuple):
    device: Device
    idle_watts: float
    watts_per_busy_thread: float


def default_error(method: Method) -> float:
    """Uncertainty at 95 % of a method, from the bundled editable table."""
    for row in tables.rows("uncertainty"):
        if row["method"] == method.value:
            return float(row["relative_95"])
    raise MeterUnavailable(f"data/uncertainty.csv has no row for {method.value}")


def node_model() -> NodeModel:
    """The bundled constants of the model of last resort."""
    values = {row["constant"]: float(row["value"]) for row in tables.rows("model")}
    return NodeModel(
        dram_watts_per_gb=values["dram_watts_per_gb"],
        rest_share=values["rest_of_node_share"],
        idle_share_of_tdp=values["idle_share_of_tdp"],
        busy_share_of_tdp=values["busy_share_of_tdp"],
    )


def cpu_name(proc: Path = PROC) -> str:
    """The CPU's model name as the kernel prints it; the architecture when it prints none."""
    try:
        with open(proc / "cpuinfo", encoding="utf-8", errors="replace") as file:
            for line in file:
                key, _, value = line.partition(":")
                if key.strip() in ("model name", "Model", "cpu model"):
                    return value.strip()
    except OSError:
        pass  # not Linux: the platform module knows
    # Elsewhere platform.processor() would start a program (uname -p) inside the program that is measured.
    processor = platform.processor() if sys.platform == "win32" else ""
    return processor or platform.machine() or "unknown"


def cpu_row(name: str, constants: NodeModel) -> CpuRow:
    """The first row of the CPU table whose pattern is in the model name."""
    small = name.lower()
    for row in tables.rows("cpus"):
        # A pattern costs more to compile than the whole table to read: few names try more than one or two.
        if not any(text in small for text in row["contains"].split("|")):
            continue
        if re.search(row["pattern"], name, re.IGNORECASE) is None:
            continue
        if row["watts_basis"] != "package_tdp":
            per_chip, threads = row["memory_gb_per_chip_included"], row["threads"]
            return CpuRow(
                name=row["name"],
                idle_watts_per_thread=float(row["idle_watts_per_thread"]),
                max_watts_per_thread=float(row["max_watts_per_thread"]),
                source=row["source_title"],
                wall=True,
                memory_gb_per_thread=float(per_chip) / int(threads) if per_chip and threads else 0.0,
            )
        tdp = float(row["tdp_watts"]) / int(row["threads"])
        return CpuRow(
            name=row["name"],
            idle_watts_per_thread=tdp * constants.idle_share_of_tdp,
            max_watts_per_thread=tdp * constants.busy_share_of_tdp,
            source=f"{row['source_title']} (TDP)",
            wall=False,
        )
    raise MeterUnavailable(f"the CPU table has no row for {name!r}, not even a general one")
