"""Units as types: joules inside, other units at the edges."""

from __future__ import annotations

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
