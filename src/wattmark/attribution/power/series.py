"""The energy of one device over time, whatever told of it: counters and sampled power alike become this."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from wattmark.core.errors import UsageError
from wattmark.core.known import Boundary, Grade, Method

Longs = NDArray[np.int64]
Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]


def _no_watts() -> Floats:
    return np.empty(0, np.float64)


class Kind(StrEnum):
    """What was read: it says how sure the energy between two moments inside an interval is."""

    COUNTER = "counter"
    """A counter of energy, looked at: exact from look to look, spread evenly between them."""
    SAMPLED = "sampled"
    """Power, looked at: what it was between two looks is taken to lie on a straight line."""
    INTERVAL = "interval"
    """Energy (or mean power) of intervals, as somebody else added it up."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PowerSeries:
    """One device: n moments, the energy used until each, and which of the n - 1 stretches were observed.

    Moments are never assumed to be equally far apart. Raises UsageError for moments out of order, energy that
    falls, and columns of unlike length.
    """

    device_id: str
    component: str
    part_of: str | None = None
    """Id of the device whose energy already contains this one's."""
    host_id: str = ""
    source: str = ""
    """Which meter or importer told of it."""
    kind: Kind
    method: Method
    grade: Grade
    boundary: Boundary = Boundary.DEVICE
    errors: Mapping[str, float] = field(default_factory=dict)
    """Named error source -> relative half width at 95 %, common to all the energy."""
    sensor_duty: float = 1.0
    times_us: Longs
    """Microseconds since 1970, UTC; strictly rising."""
    joules: Floats
    """Observed energy from the first moment until each; 0 first, level in a gap."""
    observed: Flags
    """observed[i] is about the stretch from times_us[i] to times_us[i + 1]; False: a gap."""
    watts: Floats = field(default_factory=_no_watts)
    """Power at each moment, where power is what was looked at: it lies on a straight line between two looks,
    and joules are the area below. Empty: energy is spread evenly over each stretch."""
    notes: tuple[str, ...] = ()
    """What a reader must know: counter resets, samples that were left out."""

    def __post_init__(self) -> None:
        moments = len(self.times_us)
        if moments < 2 or len(self.joules) != moments or len(self.observed) != moments - 1:
            raise UsageError(
                f"{self.device_id}: a power series has at least two moments, the energy at each, and a flag "
                f"for each stretch between them; this one has {moments}, {len(self.joules)} and "
                f"{len(self.observed)}"
            )
        if len(self.watts) not in (0, moments):
            raise UsageError(f"{self.device_id}: power is told at {len(self.watts)} of {moments} moments")
        self._refuse(np.diff(self.times_us) <= 0, "is not after the one before it")
        if not np.isfinite(self.joules).all():
            raise UsageError(f"{self.device_id}: an energy is no finite number")
        steps = np.diff(self.joules)
        self._refuse(steps < 0, "has less energy than the one before it")
        self._refuse((steps != 0) & ~self.observed, "ends a gap in which energy was counted")

    def _refuse(self, wrong: Flags, problem: str) -> None:
        if wrong.any():
            raise UsageError(f"{self.device_id}: moment {int(wrong.argmax()) + 2} of the series {problem}")

    def noting(self, *said: str) -> PowerSeries:
        """The same with more notes."""
        return replace(self, notes=(*self.notes, *said)) if said else self

    @property
    def observed_seconds(self) -> float:
        """How much of its time was observed."""
        return float(np.diff(self.times_us)[self.observed].sum()) / 1e6

    @property
    def energy_joules(self) -> float:
        """All the energy that was observed."""
        return float(self.joules[-1] - self.joules[0])

    def between(self, start_us: int, end_us: int) -> PowerSeries | None:
        """The stretches that touch a range of time, whole; None when there is none."""
        first = max(0, int(np.searchsorted(self.times_us, start_us, "right")) - 1)
        last = min(len(self.times_us) - 1, int(np.searchsorted(self.times_us, end_us, "left")))
        if last <= first:
            return None
        kept = slice(first, last + 1)
        return PowerSeries(
            **{name: getattr(self, name) for name in _SAME},
            times_us=self.times_us[kept],
            joules=self.joules[kept] - self.joules[first],
            observed=self.observed[first:last],
            watts=self.watts[kept],
        )


_SAME = (
    "device_id",
    "component",
    "part_of",
    "host_id",
    "source",
    "kind",
    "method",
    "grade",
    "boundary",
    "errors",
    "sensor_duty",
    "notes",
)
