"""How many repeats are enough: decided from the first few, so that the interval keeps its promise.

Going on until an interval looks narrow stops more often where the repeats seen so far happen to lie close
together: such an interval covers the truth less often than 95 %. Stein's procedure (Stein 1945, Annals of
Mathematical Statistics 16:243, https://doi.org/10.1214/aoms/1177731088) takes the spread of a first
stage of fixed size, fixes the number of repeats with it, and never looks at the spread again: given that
spread, the mean of all repeats is normal whatever their number, and spread and mean are independent, so that
t with the first stage's degrees of freedom is exact. On logarithms, because energies scale.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from wattmark.core.bench.profile import Profile
from wattmark.core.stats import spread, t_quantile


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How many repeats there are to be in all, and why so many."""

    repeats: int
    why: str
    short: bool = False
    """True where more would be needed for the precision asked for."""


def needs_more(energies: Sequence[float], profile: Profile, spent_seconds: float) -> Plan:
    """The repeats in all, from the energies per query so far and the seconds spent on the benchmark.

    Another repeat begins while there are fewer than ``repeats``. ``energies`` must be positive; those of the
    first stage decide, so that the answer no longer changes after it, the budget apart.
    """
    first, done = first_stage(profile), len(energies)
    if done and spent_seconds >= profile.budget_seconds:
        why = f"the budget of {profile.budget_seconds:g} s is spent"
        return Plan(repeats=done, why=why, short=done < first or _wanted(energies, profile) > done)
    if done < first:
        return Plan(repeats=first, why=f"the first {first} repeats tell the noise")
    wanted = _wanted(energies, profile)
    asked = f"the 95 % interval shall be within {profile.precision:.3g} of the mean"
    if wanted > profile.max_repeats:
        why = f"{asked}: that needs {_number(wanted)} repeats, and {profile.max_repeats} are the most"
        return Plan(repeats=max(done, profile.max_repeats), why=why, short=True)
    return Plan(repeats=max(first, int(wanted)), why=asked)


def first_stage(profile: Profile) -> int:
    """Repeats whose spread decides; two at least, or nothing is known of noise."""
    return max(2, profile.min_repeats)


def relative_half_width(energies: Sequence[float], first: int) -> float | None:
    """Half of the 95 % interval of the mean as a share of it; None for a single repeat or none.

    t x s / sqrt(n) on logarithms: s and the degrees of freedom are those of the ``first`` repeats, n is the
    number of all.
    """
    if len(energies) < 2:
        return None
    stage = spread([math.log(e) for e in energies[:first]])
    return t_quantile(0.975, stage.n - 1) * stage.sd / math.sqrt(len(energies))


def _wanted(energies: Sequence[float], profile: Profile) -> float:
    """Stein's number: (t s / d)^2 rounded up, d the half width on the scale of logarithms."""
    stage = spread([math.log(e) for e in energies[: first_stage(profile)]])
    if profile.precision <= 0.0:
        return math.inf if stage.sd > 0.0 else stage.n
    ratio = t_quantile(0.975, stage.n - 1) * stage.sd / math.log1p(profile.precision)
    return max(stage.n, math.ceil(ratio * ratio))


def _number(repeats: float) -> str:
    return f"{repeats:.0f}" if math.isfinite(repeats) else "no number of"
