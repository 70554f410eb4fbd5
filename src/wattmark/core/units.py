"""Units as types: joules inside, other units at the edges."""

from __future__ import annotations

import math
from dataclasses import dataclass

JOULES_PER_KWH = 3.6e6
JOULES_PER_WH = 3.6e3
BYTES_PER_TB = 1e12
GRAMS_PER_KG = 1e3


@dataclass(frozen=True, slots=True, order=True)
class Energy:
    """An amount of energy. Stored in joules; other units at the edges."""

    joules: float

    @classmethod
    def from_kwh(cls, kwh: float) -> Energy:
        """Energy from kilowatt-hours (1 kWh = 3.6 MJ)."""
        return cls(kwh * JOULES_PER_KWH)

    @property
    def kwh(self) -> float:
        """The same energy in kilowatt-hours."""
        return self.joules / JOULES_PER_KWH

    def __add__(self, other: Energy) -> Energy:
        return Energy(self.joules + other.joules)

    def __sub__(self, other: Energy) -> Energy:
        return Energy(self.joules - other.joules)

    def __mul__(self, factor: float) -> Energy:
        return Energy(self.joules * factor)

    __rmul__ = __mul__

    def over(self, seconds: float) -> Power:
        """Mean power when this energy is used in so many seconds."""
        return Power(self.joules / seconds)


@dataclass(frozen=True, slots=True, order=True)
class Power:
    """A rate of energy use. Stored in watts."""

    watts: float

    def __add__(self, other: Power) -> Power:
        return Power(self.watts + other.watts)

    def __mul__(self, factor: float) -> Power:
        return Power(self.watts * factor)

    __rmul__ = __mul__

    def during(self, seconds: float) -> Energy:
        """Energy used at this power in so many seconds."""
        return Energy(self.watts * seconds)


def singular(unit: str) -> str:
    """One of a counted unit, as a person writes it: ``output_tokens`` gives ``output token``."""
    words = unit.replace("_", " ")
    if words.endswith("ies"):
        return words[:-3] + "y"
    return words[:-1] if words.endswith("s") and not words.endswith("ss") else words


def short_of(share: float, needed: float) -> tuple[str, str]:
    """A share that is too small, and the one that it needs, in percent: never the same where they differ."""
    wanted = f"{100 * needed:g}%"
    told = next((t for n in (1, 2, 3, 4, 5, 6) if float((t := f"{100 * share:.{n}f}")) < 100 * needed), None)
    return (f"{told}%" if told is not None else f"just below {wanted}"), wanted


def digits_apart(bound: float, *values: float, least: int = 3) -> int:
    """Significant digits, so many at least, with which no value reads as a bound that it is not."""
    others = [v for v in values if not math.isclose(v, bound, rel_tol=1e-12)]
    found = (n for n in range(least, 14) if all(f"{v:.{n - 1}e}" != f"{bound:.{n - 1}e}" for v in others))
    return next(found, 14)
