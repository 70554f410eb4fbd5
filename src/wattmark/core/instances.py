"""What a rented machine draws at a load, from published facts about its type: an estimate, never a reading.

Power lies on a straight line between idle and full load::

    watts(u) = idle + u x (full - idle)

Processor, board, fans and power supply come from SPECpower_ssj2008 results of servers with the same
generation of processor, per hardware thread, as Cloud Carbon Footprint averages them; accelerators from
their rated power. The two are kept apart, because better evidence may come for one of them alone.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

MEMORY_WATTS_PER_GB = 0.392
"""Mean of what two makers of DRAM state, 0.4083 and 0.375 W/GB; Cloud Carbon Footprint, Methodology,
"Memory", https://www.cloudcarbonfootprint.org/docs/methodology (MEMORY_COEFFICIENT, commit 0656d55)."""
MEMORY_GB_PER_THREAD = 2.0
"""Memory that the watts per thread hold already: the servers of SPECpower carry 1.4 to 2.2 GB per thread
(GB/Chip of ccf-coefficients @b0032d9, divided by the threads of the chips in our table ``cpus``)."""
ACCELERATOR_IDLE_SHARE = 0.12
"""Idle over rated power: 46 of 400 W for an A100, 35 of 300 W for a V100, 8 of 70 W for a T4 (Cloud Carbon
Footprint, ComputeProcessorTypes.ts, commit 0656d55)."""
ACCELERATOR_ERROR = 0.5
"""Allowance (95 %) for rated power x busy time: mean error -27 % on GPUs, worst -67 %, over 318 published
runs (Fischer, arXiv 2509.22092; our table ``uncertainty``, row modelled)."""
UNKNOWN_LOAD = 0.5
"""Half width (95 %) of a load that nobody measured, around one half: all that is possible."""
_SIZES = {"medium": 1, "large": 2, "xlarge": 4}
_SIZE = re.compile(r"(?:metal-)?(\d+)xl(?:arge)?")
MB_PER_GB = 1024.0


@dataclass(frozen=True, slots=True)
class Watts:
    """The line between idle and full load."""

    idle: float
    full: float

    def at(self, utilisation: float) -> float:
        """Watts at a load from 0 to 1. Raises ValueError for any other."""
        if not 0 <= utilisation <= 1:
            raise ValueError(f"utilisation {utilisation:g} is not from 0 to 1")
        return self.idle + utilisation * (self.full - self.idle)

    def load_error(self, utilisation: float, half_width: float) -> float:
        """Relative half width of the watts that comes from not knowing the load better than this."""
        least = self.at(max(0.0, utilisation - half_width))
        most = self.at(min(1.0, utilisation + half_width))
        likely = self.at(utilisation)
        return max(most - likely, likely - least) / likely if likely else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Processor:
    """A generation of processors, in servers."""

    architecture: str
    watts_per_thread: Watts
    relative_error: float
    """Half width at 95 % for one provider's server beside the mean."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InstanceType:
    """One type of machine, as its provider describes it."""

    provider: str
    name: str
    vcpus: float
    memory_gb: float
    gpus: int
    gpu: str
    """Id in the hardware table; empty where there is none."""
    processor: Processor
    threads_per_vcpu: float
    gpu_watts: float | None
    """Rated power of one accelerator; None where none is published."""
    note: str = ""

    @property
    def node(self) -> Watts:
        """The machine without its accelerators, at the wall."""
        threads = self.vcpus * self.threads_per_vcpu
        more = max(0.0, self.memory_gb - threads * MEMORY_GB_PER_THREAD) * MEMORY_WATTS_PER_GB
        each = self.processor.watts_per_thread
        return Watts(threads * each.idle + more, threads * each.full + more)

    @property
    def accelerators(self) -> Watts | None:
        """All accelerators together; None where there is none."""
        if not self.gpus or self.gpu_watts is None:
            return None
        return accelerator_watts(self.gpu_watts, self.gpus)


@dataclass(frozen=True, slots=True)
class Unconverted:
    """A type whose hours give no energy, and why."""

    name: str
    reason: str


def accelerator_watts(rated_watts: float, count: float = 1.0) -> Watts:
    """So many accelerators of this rated power, from idle to fully busy."""
    return Watts(ACCELERATOR_IDLE_SHARE * rated_watts * count, rated_watts * count)


@dataclass(frozen=True, slots=True)
class Instances:
    """The table of types: exact names first, then patterns in the order of the table."""

    exact: Mapping[tuple[str, str], Mapping[str, str]]
    patterns: Sequence[tuple[str, re.Pattern[str], Mapping[str, str]]]
    processors: Mapping[str, Processor]
    rated_watts: Mapping[str, float | None]
    """Id of an accelerator -> its rated power; None where it is not published."""

    def find(self, provider: str, name: str) -> InstanceType | Unconverted:
        """The type of this name, or why its hours cannot be converted. Never a default."""
        plain = _plain(provider, name)
        row = self.exact.get((provider, plain))
        vcpus = _number(row["vcpus"]) if row is not None else None
        memory = _number(row["memory_gb"]) if row is not None else None
        if row is None:
            row, vcpus, memory = self._by_pattern(provider, plain)
        if row is None or vcpus is None:
            return Unconverted(name, f"the table of instances does not know the {provider} type {name!r}")
        per_vcpu = _number(row["memory_gb_per_vcpu"])
        if memory is None and per_vcpu is not None:
            memory = vcpus * per_vcpu
        if memory is None:
            return Unconverted(name, f"the table of instances states no memory of {name}")
        gpus = int(row["gpus"] or 0)
        rated = self.rated_watts.get(row["gpu"])
        if gpus and rated is None:
            return Unconverted(
                name, f"the power of {row['gpu']}, which {name} has {gpus} of, is not published"
            )
        return InstanceType(
            provider=provider,
            name=name,
            vcpus=vcpus,
            memory_gb=memory,
            gpus=gpus,
            gpu=row["gpu"],
            processor=self.processors[row["architecture"]],
            threads_per_vcpu=float(row["threads_per_vcpu"]),
            gpu_watts=rated,
            note=row["note"],
        )

    def _by_pattern(
        self, provider: str, name: str
    ) -> tuple[Mapping[str, str] | None, float | None, float | None]:
        for whose, pattern, row in self.patterns:
            found = pattern.fullmatch(name) if whose == provider else None
            if found is None:
                continue
            told = found.groupdict()
            vcpus = _vcpus_of(told["size"]) if "size" in told else _number(told["vcpus"])
            memory = _number(told.get("memory_mb") or "")
            if vcpus:
                return row, vcpus, None if memory is None else memory / MB_PER_GB
        return None, None, None


def instances_of(
    rows: Iterable[Mapping[str, str]],
    processors: Iterable[Mapping[str, str]],
    hardware: Iterable[Mapping[str, str]],
) -> Instances:
    """The table from the rows of ``instances``, ``instance_processors`` and ``hardware``; of two rows for one
    type the first one counts."""
    exact: dict[tuple[str, str], Mapping[str, str]] = {}
    patterns: list[tuple[str, re.Pattern[str], Mapping[str, str]]] = []
    for row in rows:
        if "{" in row["type"]:
            patterns.append((row["provider"], _pattern(row["type"]), row))
        else:
            exact.setdefault((row["provider"], row["type"].lower()), row)
    return Instances(
        exact,
        tuple(patterns),
        {row["architecture"]: _processor(row) for row in processors},
        {row["id"]: _number(row["tdp_watts"]) for row in hardware},
    )


def together(*relative: float) -> float:
    """Independent relative errors as one."""
    return math.sqrt(sum(each * each for each in relative))


def _processor(row: Mapping[str, str]) -> Processor:
    return Processor(
        architecture=row["architecture"],
        watts_per_thread=Watts(float(row["idle_watts_per_thread"]), float(row["full_watts_per_thread"])),
        relative_error=float(row["relative_95"]),
    )


def _plain(provider: str, name: str) -> str:
    """The name as the table has it: services put their own before the type, and local disks do not count."""
    plain = name.strip().lower().replace(" ", "_")
    if provider == "aws":
        plain = re.sub(r"^(ml|db|cache)\.", "", plain)
        plain = re.sub(r"(?<=\dxl)$", "arge", plain) if ".metal" not in plain else plain
    if provider == "google":
        plain = re.sub(r"(-lssd|-ext)$", "", plain)
    if provider == "azure" and not plain.startswith("standard_"):
        plain = f"standard_{plain}"
    return plain


def _pattern(text: str) -> re.Pattern[str]:
    parts = re.split(r"\{(size|vcpus|memory_mb)\}", text.lower())
    made = [
        re.escape(part) if n % 2 == 0 else f"(?P<{part}>{'[a-z0-9-]+' if part == 'size' else '[0-9]+'})"
        for n, part in enumerate(parts)
    ]
    return re.compile("".join(made))


def _vcpus_of(size: str) -> float | None:
    """``large`` 2, ``xlarge`` 4, ``16xlarge`` and ``metal-16xl`` 64; None for any other size."""
    if size in _SIZES:
        return float(_SIZES[size])
    found = _SIZE.fullmatch(size)
    return 4.0 * int(found[1]) if found else None


def _number(text: str) -> float | None:
    return float(text) if text else None
