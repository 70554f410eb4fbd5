"""What the columns of somebody's own table mean.

A key names a column; what begins with ``=`` is a constant. Units are never guessed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import tzinfo

from wattmark.core.known import Boundary, Grade, Method
from wattmark.core.units import JOULES_PER_KWH

KEYS: Mapping[str, str] = {
    "mapping": "TOML file with the keys below; -o goes before it.",
    "records": "runs (one per row) or samples (they need a ledger) [samples with `time`, else runs].",
    "time": "Column of the moment of a look at a meter: for power and counter.",
    "start": "Column of where a row's stretch of time begins.",
    "end": "Column of where it ends.",
    "duration": "Column of how long it is.",
    "every": "Seconds that each row's stretch lasts, where no column says it.",
    "time_format": "iso, s, ms, us or ns since 1970, or a layout like %d.%m.%Y %H:%M [iso].",
    "time_zone": "Zone of times that name none, e.g. Europe/Paris [UTC].",
    "duration_unit": "s, ms, min or h [s].",
    "power": "Column of power; with several: power.cpu=..., power.outlet-3=... per component or device.",
    "power.*": "Column of power of one component or device.",
    "power_unit": "W, mW or kW.",
    "counter": "Column of an energy counter that only rises; several as with power.",
    "counter.*": "Column of the counter of one component or device.",
    "energy": "Column of the energy of the row's stretch; several as with power.",
    "energy.*": "Column of the energy of one component or device.",
    "energy_unit": "J, mJ, uJ, kJ, MJ, Wh, kWh or MWh.",
    "device": "Column of the device's name, or =name.",
    "component": "Column of its kind, or one of =cpu, =gpu, =dram, =network, =storage, =node, ... [=node].",
    "host": "Column of the machine's name; --host where all rows are one machine's.",
    "id": "Column of what is a row's own in this table: a job number, a UUID.",
    "tag.*": "Column of a tag, e.g. tag.team=cost_center.",
    "label.*": "Column of a free label.",
    "work.*": "Column that counts work, e.g. work.inferences=requests; runs only.",
    "method": "wall_meter, bmc, hardware_counter, integrated_power, modelled or declared [declared].",
    "grade": "Grade, to lower the method's: it is never raised.",
    "accuracy": "The meter's stated error at 95 %, e.g. 0.01; bmc needs 0.05 or better for grade A.",
    "boundary": "device, node or facility [node for =node, else device].",
    "attribution_rule": "The energies are shares of a machine, attributed by this rule.",
    "max_watts": "Most power of the device: more is nonsense.",
    "delimiter": "What stands between cells [,], or tab.",
    "decimal": "The decimal sign, . or , [.].",
}
JOULES = {
    "J": 1.0,
    "mJ": 1e-3,
    "uJ": 1e-6,
    "kJ": 1e3,
    "MJ": 1e6,
    "Wh": 3600.0,
    "kWh": JOULES_PER_KWH,
    "MWh": JOULES_PER_KWH * 1e3,
}
WATTS = {"W": 1.0, "mW": 1e-3, "kW": 1e3}
SECONDS = {"s": 1.0, "ms": 1e-3, "min": 60.0, "h": 3600.0}
COMPONENTS = ("cpu", "gpu", "dram", "network", "storage", "rest_of_node", "node", "module")
QUANTITIES = ("power", "counter", "energy")
STATED_ACCURACY = 0.05
"""Grade A asks a BMC for a stated accuracy of 5 % (kpis.md, Grades); so do we of a meter that states one."""
EPOCHS = ("s", "ms", "us", "ns")


@dataclass(frozen=True, slots=True)
class Cell:
    """Where a value comes from: a column, or always the same."""

    column: str | None
    constant: str = ""

    def of(self, row: Mapping[str, str]) -> str:
        """The value in a row."""
        return row[self.column] if self.column is not None else self.constant


@dataclass(frozen=True, slots=True)
class Value:
    """A column of energy or power, and whose it is."""

    column: str
    device: str
    """Its name; empty: the row's own device."""
    component: str
    """Empty: the row's own component."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """The meaning of a table."""

    where: str
    """Where it was declared, for errors."""
    samples: bool
    quantity: str
    values: tuple[Value, ...]
    factor: float
    """From the column's unit to watts or joules."""
    time: str | None
    start: str | None
    end: str | None
    duration: str | None
    every_seconds: float | None
    time_format: str
    zone: tzinfo
    zone_named: bool
    duration_factor: float
    device: Cell
    component: Cell
    host: Cell | None
    id: Cell | None
    tags: Mapping[str, Cell]
    labels: Mapping[str, Cell]
    work: Mapping[str, Cell]
    method: Method
    grade: Grade
    boundary: Boundary
    accuracy: float | None
    rule: str | None
    max_watts: float | None
    delimiter: str
    decimal: str

    @property
    def columns(self) -> dict[str, str]:
        """Every column that is needed, and the key that names it."""
        cells = {
            "device": self.device,
            "component": self.component,
            "host": self.host,
            "id": self.id,
            **{f"tag.{k}": c for k, c in self.tags.items()},
            **{f"label.{k}": c for k, c in self.labels.items()},
            **{f"work.{k}": c for k, c in self.work.items()},
        }
        times = {"time": self.time, "start": self.start, "end": self.end, "duration": self.duration}
        found = {c: key for key, c in times.items() if c is not None}
        found |= {v.column: self.quantity for v in self.values}
        return found | {c.column: key for key, c in cells.items() if c is not None and c.column is not None}
