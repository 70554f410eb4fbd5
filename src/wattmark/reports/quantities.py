"""Numbers with units as people read them: three significant digits, SI prefixes, grouped counts."""

from __future__ import annotations

import math

THIN = "\u202f"
"""Narrow no-break space between groups of three digits (ISO 80000-1, 7.3.1)."""

_SI = ((1e-9, "n"), (1e-6, "µ"), (1e-3, "m"), (1.0, ""), (1e3, "k"), (1e6, "M"), (1e9, "G"), (1e12, "T"))
_BIG = (*_SI[3:], (1e15, "P"), (1e18, "E"))
_LADDERS: dict[str, tuple[tuple[float, str], ...]] = {
    "J": tuple((f, p + "J") for f, p in _SI),
    "W": tuple((f, p + "W") for f, p in _SI),
    "Wh": tuple((f, p + "Wh") for f, p in _SI),
    "kWh": tuple((f / 1e3, p + "Wh") for f, p in _SI),
    "gCO2e": (*((f, p + "gCO2e") for f, p in _SI[:5]), (1e6, "tCO2e"), (1e9, "ktCO2e")),
    "s": ((1e-9, "ns"), (1e-6, "µs"), (1e-3, "ms"), (1.0, "s")),
    "FLOP": tuple((f, p + "FLOP") for f, p in _BIG),
    "FLOP/s": tuple((f, p + "FLOP/s") for f, p in _BIG),
    "B": tuple((f, p + "B") for f, p in _BIG),
}
"""Unit -> (size of the prefixed unit in it, name). kWh steps down to Wh and mWh."""
_COUNTS = {"inferences", "requests", "input_tokens", "output_tokens", "samples", "images", "rows", "attempts"}


def scale_of(value: float, unit: str) -> tuple[float, str]:
    """(divisor, unit as shown) that brings a value to between 1 and 1000 where a prefix exists.

    A compound unit (``gCO2e/inference``, ``J per query``) takes the prefix on its first part.
    """
    head, rest = _split(unit)
    ladder = _LADDERS.get(unit) or _LADDERS.get(head)
    if unit in _LADDERS:
        rest = ""
    if ladder is None or not math.isfinite(value) or value == 0:
        return 1.0, unit
    rounded = abs(float(f"{value:.2e}"))
    fitting = [step for step in ladder if rounded >= step[0] * (1 - 1e-12)]
    divisor, name = fitting[-1] if fitting else ladder[0]
    return divisor, name + rest


def number(value: float, digits: int = 3) -> str:
    """A plain number with three significant digits; large ones grouped, extreme ones in powers of ten."""
    if not math.isfinite(value):
        return "∞" if value > 0 else ("-∞" if value < 0 else "not a number")
    if value == 0:
        return "0"
    rounded = float(f"{value:.{digits - 1}e}")
    magnitude = math.floor(math.log10(abs(rounded)))
    if -4 <= magnitude < 7:
        return f"{rounded:,.{max(0, digits - 1 - magnitude)}f}".replace(",", THIN)
    return f"{value:.{digits - 1}e}".replace("e+0", "e").replace("e-0", "e-").replace("e+", "e")


def count(value: float) -> str:
    """A count, all its digits, in groups of three."""
    if value == int(value) and abs(value) < 1e15:
        return f"{int(value):,}".replace(",", THIN)
    return number(value)


def quantity(value: float, unit: str, digits: int = 3) -> str:
    """A value with its unit: ``1.23 kJ``, ``0.420 gCO2e/inference`` becomes ``420 mgCO2e/inference``."""
    if unit in _COUNTS:
        return f"{count(value)} {unit}"
    divisor, shown = scale_of(value, unit)
    told = number(value / divisor, digits)
    return f"{told} {shown}" if shown not in ("", "1") else told


def percent(share: float) -> str:
    """A share as a percentage; never rounded up to 100 nor down to 0 when it is neither."""
    value = share * 100
    if 99.5 <= value < 100:
        return f"{math.floor(value * 10) / 10:.1f} %"
    if 0 < abs(value) < 0.1:
        return "< 0.1 %"
    return f"{value:.1f} %" if abs(value) < 1 and value != 0 else f"{value:.0f} %"


def multiple(times: float) -> str:
    """How many times something: ``1.44``; ``< 0.01``, never a power of ten, for next to nothing."""
    return "< 0.01" if 0 < times < 0.01 else number(times)


def duration(seconds: float) -> str:
    """A duration: ``420 ms``, ``12.3 s``, ``4 min 05 s``, ``3 h 12 min``."""
    if seconds < 59.95:
        return quantity(seconds, "s")
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest:02d} s"
    hours, minutes = divmod(round(seconds / 60), 60)
    return f"{hours} h {minutes:02d} min"


def _split(unit: str) -> tuple[str, str]:
    cuts = [i for i in (unit.find("/"), unit.find(" per ")) if i > 0]
    return (unit[: min(cuts)], unit[min(cuts) :]) if cuts else (unit, "")
