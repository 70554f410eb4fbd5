"""What whoever imports a bill says of it: the machines' load and names, when the bill was written."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC
from pathlib import Path

from wattmark import tables
from wattmark.core.errors import EvidenceError, UsageError
from wattmark.core.instances import UNKNOWN_LOAD, Instances, instances_of
from wattmark.sources.catalog import Asked
from wattmark.sources.lines import lines_of, number_of
from wattmark.sources.moments import moment_us

OPTIONS: Mapping[str, str] = {
    "utilisation": "Mean load of the machines, 0 to 1 [0.5], or a CSV with columns resource or "
    "instance_type, cpu, gpu.",
    "gpu_utilisation": "Mean load of accelerators, 0 to 1 [as utilisation].",
    "utilisation_error": "How far the load may be off, 0 to 1 [0.5: all that is possible; 0.1 for a CSV].",
    "instances": "CSV with types that the table of instances lacks, in its columns; they go before.",
    "hosts": "CSV with columns resource, host: names by which other sources know the machines.",
    "delivered": "When the provider wrote the bill, e.g. 2026-06-05T00:00:00Z: a later delivery replaces an "
    "earlier one [the last moment that it covers].",
}
MEASURED_LOAD_ERROR = 0.1
"""Half width (95 %) of a load that somebody measured and put in a file: our allowance."""


@dataclass(frozen=True, slots=True)
class Load:
    """How busy machines were, as somebody states it."""

    cpu: float
    gpu: float
    half_width: float
    name: str
    """Name of the error: one for all that rest on the same statement."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BillSettings:
    """Settings of an import of bills, read."""

    asked: Asked
    instances: Instances
    load: Load
    loads: Mapping[str, Load] = field(default_factory=dict)
    """Resource or instance type -> its own load."""
    hosts: Mapping[str, str] = field(default_factory=dict)
    delivered_seconds: int | None = None
    stated: bool = False
    """Whether anybody stated a load."""

    def load_of(self, resource: str, instance_type: str) -> Load:
        """The load of a machine: its own, its type's, else that of all."""
        return self.loads.get(resource) or self.loads.get(instance_type) or self.load


def bill_settings(asked: Asked) -> BillSettings:
    """The settings of an import. Raises UsageError and EvidenceError for what cannot be."""
    given = asked.settings
    text = given.get("utilisation", "0.5")
    cpu = _share(text, "utilisation") if number_of(text) is not None else None
    mean = 0.5 if cpu is None else cpu
    gpu = _share(given["gpu_utilisation"], "gpu_utilisation") if "gpu_utilisation" in given else mean
    error = _share(given["utilisation_error"], "utilisation_error") if "utilisation_error" in given else None
    wide = UNKNOWN_LOAD if error is None else error
    delivered = None
    if "delivered" in given:
        moment = moment_us(given["delivered"], UTC)
        if moment is None:
            raise UsageError(f"-o delivered={given['delivered']} is no time like 2026-06-05T00:00:00Z")
        delivered = moment // 1_000_000
    return BillSettings(
        asked=asked,
        instances=_instances(given.get("instances")),
        load=Load(mean, gpu, wide, "bill:utilisation"),
        loads={} if cpu is not None else _loads(Path(text), mean, error),
        hosts=hosts_of(given["hosts"]) if "hosts" in given else {},
        delivered_seconds=delivered,
        stated="utilisation" in given,
    )


COLUMNS = (
    "provider",
    "type",
    "vcpus",
    "memory_gb",
    "memory_gb_per_vcpu",
    "gpus",
    "gpu",
    "architecture",
    "threads_per_vcpu",
    "note",
)
"""What a row of the table of instances holds beside its source."""
FIGURES = ("vcpus", "memory_gb", "memory_gb_per_vcpu", "gpus", "threads_per_vcpu")


def _instances(file: str | None) -> Instances:
    """The bundled table, behind the types of a file."""
    processors = tables.rows("instance_processors")
    known = {row["architecture"] for row in processors}
    own = []
    for place, cells in _rows(Path(file), ("type",), ("architecture",)) if file is not None else ():
        row = {name: cells.get(name, "") for name in COLUMNS}
        row["threads_per_vcpu"] = row["threads_per_vcpu"] or "1"
        wrong = [name for name in FIGURES if row[name] and (number_of(row[name]) or 0) <= 0]
        if wrong:
            raise EvidenceError(place, f"{wrong[0]} {row[wrong[0]]!r} is no number above 0")
        if not row["provider"] or not row["type"] or not (row["vcpus"] or "{" in row["type"]):
            raise EvidenceError(place, "a type needs provider, type and vcpus")
        if row["architecture"] not in known:
            raise EvidenceError(
                place, f"architecture {row['architecture']!r} is not known: {', '.join(sorted(known))}"
            )
        own.append(row)
    return instances_of([*own, *tables.rows("instances")], processors, tables.rows("hardware"))


def _loads(path: Path, mean: float, error: float | None) -> dict[str, Load]:
    found: dict[str, Load] = {}
    wide = MEASURED_LOAD_ERROR if error is None else error
    for place, row in _rows(path, ("resource", "instance_type"), ("cpu", "gpu")):
        key = row.get("resource") or row.get("instance_type")
        if not key:
            raise EvidenceError(place, "names no resource and no instance_type")
        cpu = _share(row["cpu"], f"{place}: cpu") if row.get("cpu") else mean
        gpu = _share(row["gpu"], f"{place}: gpu") if row.get("gpu") else cpu
        found[key] = Load(cpu, gpu, wide, f"bill:utilisation:{key}")
    return found


def hosts_of(file: str) -> dict[str, str]:
    """Resource -> the name by which other sources know the machine. Raises EvidenceError."""
    rows = _rows(Path(file), ("resource",), ("host",))
    return {row["resource"]: row["host"] for _, row in rows if row.get("resource") and row.get("host")}


def _rows(path: Path, keys: tuple[str, ...], values: tuple[str, ...]) -> list[tuple[str, dict[str, str]]]:
    """Rows of a small table with one of the keys and one of the values among its columns."""
    if not path.is_file():
        raise EvidenceError(
            str(path), f"is not there: a CSV with {' or '.join(keys)}, and {', '.join(values)}"
        )
    lines = list(lines_of(path))
    header, *cells = list(csv.reader(line for _, line in lines)) or [[]]
    names = [name.strip() for name in header]
    for wanted in (keys, values):
        if not set(wanted) & set(names):
            raise EvidenceError(
                f"{path}:1", f"has no column {' or '.join(wanted)}; it has {', '.join(names)}"
            )
    return [
        (f"{path}:{number}", dict(zip(names, (c.strip() for c in row), strict=False)))
        for number, row in enumerate(cells, start=2)
        if row
    ]


def _share(text: str, what: str) -> float:
    value = number_of(text)
    if value is None or not 0 <= value <= 1:
        raise UsageError(f"{what} is a share from 0 to 1, not {text!r}: 50 % is 0.5")
    return value
