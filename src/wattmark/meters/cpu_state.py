"""How the CPUs of a Linux machine are beside their energy: temperature, thermal throttling, clock.

Sources, all of the Linux kernel: drivers/thermal/intel/therm_throt.c (counters of thermal events per core and
package, Intel only), Documentation/hwmon/coretemp.rst and k10temp.rst (sensors),
Documentation/driver-api/thermal/sysfs-api.rst (zones). Temperatures are in thousandths of a degree.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from wattmark.core.bench.evidence import StateLook

ROOT = Path("/")
SENSORS = ("coretemp", "k10temp", "zenpower", "cpu_thermal")
"""Drivers of hwmon that read CPUs: Intel, AMD, AMD out of tree, boards with ARM."""
ZONES = ("x86_pkg_temp", "cpu")
"""How types of thermal zones begin that are CPUs'."""


def _unknown() -> float | None:
    return None


class CpuStates:
    """One look tells of all CPUs together: hottest, mean clock, throttling since the look before."""

    def __init__(
        self,
        device_ids: Sequence[str] = ("cpu",),
        root: Path = ROOT,
        others_share: Callable[[], float | None] = _unknown,
    ) -> None:
        """``device_ids``: under which the same is told, e.g. those of two packages.

        ``others_share``: of the busy CPU time since it was asked last, what was not the benchmark's.
        """
        self._device_ids = tuple(device_ids)
        self._others_share = others_share
        cpus = sorted((root / "sys/devices/system/cpu").glob("cpu[0-9]*"))
        self._throttle_counts = list(_throttle_files(cpus))
        self._clocks = [c for cpu in cpus if (c := cpu / "cpufreq" / "scaling_cur_freq").is_file()]
        self._temperatures = _sensor_files(root) or _zone_files(root)
        self._before = self._events()

    def states(self) -> Sequence[StateLook]:
        """One look; ``at_us`` is 0."""
        events = self._events()
        before, self._before = self._before, events
        known = events is not None and before is not None
        rose = events is not None and before is not None and events > before
        temperatures = _numbers(self._temperatures)
        clocks = _numbers(self._clocks)
        share = self._others_share()
        return [
            StateLook(
                device_id=device_id,
                at_us=0,
                celsius=max(temperatures) / 1000 if temperatures else None,
                throttled=("thermal",) if rose else (),
                throttle_known=known,
                clock_megahertz=sum(clocks) / len(clocks) / 1000 if clocks else None,
                others_cpu_share=share,
            )
            for device_id in self._device_ids
        ]

    def _events(self) -> int | None:
        """Thermal events so far; None where not every counter that was there can be read."""
        found = _numbers(self._throttle_counts)
        return sum(found) if found and len(found) == len(self._throttle_counts) else None


def _throttle_files(cpus: Iterable[Path]) -> Iterable[Path]:
    """The counters of each core and each package once: CPUs that share one show the same number."""
    seen: set[tuple[str, ...]] = set()
    for cpu in cpus:
        package = _text(cpu / "topology" / "physical_package_id")
        core = _text(cpu / "topology" / "core_id")
        for whose, name in (((package,), "package"), ((package, core), "core")):
            file = cpu / "thermal_throttle" / f"{name}_throttle_count"
            if whose not in seen and file.is_file():
                seen.add(whose)
                yield file


def _sensor_files(root: Path) -> list[Path]:
    chips = [c for c in sorted((root / "sys/class/hwmon").glob("hwmon*")) if _text(c / "name") in SENSORS]
    return [file for chip in chips for file in sorted(chip.glob("temp*_input"))]


def _zone_files(root: Path) -> list[Path]:
    zones = sorted((root / "sys/class/thermal").glob("thermal_zone*"))
    return [zone / "temp" for zone in zones if _text(zone / "type").startswith(ZONES)]


def _numbers(files: Iterable[Path]) -> list[int]:
    """What those files hold that can be read."""
    return [int(text) for file in files if (text := _text(file)).lstrip("-").isdigit()]


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError):
        return ""
