"""In which form a facility's or IT meter states energy: power, a counter, or the energy of each interval."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from wattmark.core.errors import UsageError
from wattmark.core.pue_series import MeterSeries, Sample, from_counter, from_intervals, from_power
from wattmark.core.units import JOULES_PER_KWH

POWER, COUNTER, INTERVAL = "power", "counter", "interval"
KILOWATTS: Mapping[str, float] = {"W": 1e-3, "kW": 1.0, "MW": 1e3}
KILOWATT_HOURS: Mapping[str, float] = {"Wh": 1e-3, "kWh": 1.0, "MWh": 1e3, "J": 1 / JOULES_PER_KWH}
"""Unit -> how many kW or kWh one of it is. MW is megawatts here: no building draws milliwatts."""


@dataclass(frozen=True, slots=True)
class Form:
    """What the values of a meter are."""

    kind: str
    """power, counter or interval."""
    unit: str

    @property
    def factor(self) -> float:
        """To kW or kWh."""
        return KILOWATTS[self.unit] if self.kind == POWER else KILOWATT_HOURS[self.unit]

    def __str__(self) -> str:
        return self.unit if self.kind == POWER else f"{self.unit}-{self.kind}"

    def read(self, samples: Sequence[Sample], name: str, reading: Reading) -> MeterSeries:
        """The energy behind values as they were written. Raises RefusedError for impossible ones."""
        scaled = [(at, value * self.factor) for at, value in samples]
        if self.kind == POWER:
            return from_power(scaled, name, reading.reach_us)
        if self.kind == COUNTER:
            return from_counter(scaled, name)
        return from_intervals(scaled, name, reading.lasted_us, at_end=reading.at_end)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """How times are meant; None is what is usual between two of them."""

    reach_us: int | None = None
    """Power: two values farther apart have a gap between them; None: three times the usual distance."""
    lasted_us: int | None = None
    """Intervals: how long each is."""
    at_end: bool = False
    """Intervals: the time is that of their end."""


FORMS: Mapping[str, Form] = {
    str(form): form
    for form in (
        *(Form(POWER, unit) for unit in KILOWATTS),
        *(Form(kind, unit) for kind in (COUNTER, INTERVAL) for unit in KILOWATT_HOURS),
    )
}


def form_of(said: str | None, name: str, option: str) -> Form:
    """The form that was said, or that a name of a column or metric tells without doubt. Raises UsageError."""
    if said is not None:
        return FORMS[said]
    words = [word for word in re.split(r"[^A-Za-z]+", name) if word]
    unit = next((u for w in words for u in KILOWATTS if w.lower() == u.lower() and w != "mW"), None)
    if "watts" in name.lower().split("_"):
        unit = "W"
    if unit is not None:
        return Form(POWER, unit)
    if re.search(r"joules_total\b", name):
        return Form(COUNTER, "J")
    energy = next((u for w in words for u in KILOWATT_HOURS if w.lower() == u.lower() and u != "J"), "kWh")
    raise UsageError(
        f"{name!r} does not tell what its values are: say {option} {energy}-counter for a meter that counts "
        f"up, {energy}-interval for the energy of each interval, or kW for power"
    )
