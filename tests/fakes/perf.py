"""A stand-in for perf_event_open, and the folder in /sys that describes the power PMU."""

from __future__ import annotations

from pathlib import Path

CONFIG = {"energy-cores": 1, "energy-pkg": 2, "energy-ram": 3, "energy-gpu": 4, "energy-psys": 5}
SCALE = 2.0**-32
"""Joules per count: the kernel's fixed scale of the power PMU (2.3283064365386962890625e-10)."""


def power_pmu(
    root: Path,
    events: tuple[str, ...] = ("energy-pkg", "energy-ram"),
    *,
    packages: tuple[tuple[int, int], ...],
) -> Path:
    """A /sys with a power PMU; ``packages`` gives (package, die) of processors 0, 1, ..."""
    pmu = root / "bus/event_source/devices/power"
    (pmu / "events").mkdir(parents=True)
    (pmu / "type").write_text("30\n")
    (pmu / "cpumask").write_text(",".join(str(n) for n in range(len(packages))) + "\n")
    for name in events:
        (pmu / "events" / name).write_text(f"event=0x{CONFIG[name]:02x}\n")
        (pmu / "events" / f"{name}.unit").write_text("Joules\n")
        (pmu / "events" / f"{name}.scale").write_text("2.3283064365386962890625e-10\n")
    for processor, (package, die) in enumerate(packages):
        topology = root / f"devices/system/cpu/cpu{processor}/topology"
        topology.mkdir(parents=True)
        (topology / "physical_package_id").write_text(f"{package}\n")
        (topology / "die_id").write_text(f"{die}\n")
    return root


class FakePerf:
    """Counts per (config, processor), in joules; refuses and breaks when told to."""

    def __init__(self) -> None:
        self.joules: dict[tuple[int, int], float] = {}
        self.refused: dict[tuple[int, int], OSError] = {}
        self.broken: set[tuple[int, int]] = set()
        self.open_fds: dict[int, tuple[int, int]] = {}
        self._next = 100

    def open(self, pmu_type: int, config: int, cpu: int) -> int:
        assert pmu_type == 30
        key = (config, cpu)
        if key in self.refused:
            raise self.refused[key]
        self.joules.setdefault(key, 0.0)
        self._next += 1
        self.open_fds[self._next] = key
        return self._next

    def read(self, fd: int) -> int:
        key = self.open_fds[fd]
        if key in self.broken:
            raise OSError(5, "Input/output error")
        return round(self.joules[key] / SCALE)

    def close(self, fd: int) -> None:
        del self.open_fds[fd]
