"""A rating: stars with their interval, or the reason why there are none."""

from __future__ import annotations

from dataclasses import dataclass

from wattmark.core.bench.validity import Validity

MOST_CODES = 4
"""So many reasons are named; the result itself has them all."""


def against(validity: Validity) -> str:
    """Why a result is not valid, in short and the worst first: ``invalid: quick, simulated and 3 more``."""
    worst = [reason.code for reason in validity.reasons if reason.status is validity.status]
    codes = list(dict.fromkeys([*worst, *(reason.code for reason in validity.reasons)]))
    more = f" and {len(codes) - MOST_CODES} more" if len(codes) > MOST_CODES else ""
    return f"{validity.status}: {', '.join(codes[:MOST_CODES])}{more}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rating:
    """What one row of results earned."""

    task: str
    model: str
    model_class: str | None = None
    cohort: str = ""
    mode: str
    """``aies`` or ``anchored``."""
    stars: int | None = None
    """1 to 5; with an interval over several the worst, which gates use. None: unrated."""
    reason: str = ""
    """Why there are none, e.g. ``unrated: no spread``."""
    interval: tuple[int, int] | None = None
    """Worst and best stars that the 95 % interval of the energy allows; None where no interval is known."""
    index: float | None = None
    """E / E_ref, anchored mode."""
    wh_per_1000: float | None = None
    energy_interval: tuple[float, float] | None = None
    """95 %, in Wh per 1,000 queries."""
    thresholds: str = ""
    """Id of the threshold file, anchored mode."""
    key: str = ""
    """Id of the comparability key."""
    evidence: str = ""
    """``valid``, ``recomputed, evidence not checked`` ..."""

    @property
    def shown(self) -> str:
        """As people read it: ``4``, ``3-4``, ``unrated``."""
        if self.stars is None:
            return "unrated"
        if self.interval is None or self.interval[0] == self.interval[1]:
            return str(self.stars)
        return f"{self.interval[0]}-{self.interval[1]}"
