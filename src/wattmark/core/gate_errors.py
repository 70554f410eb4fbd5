"""How often a gate is wrong, or cannot tell: by running the gate itself on made-up repeats.

No formula stands in for the gate: repeats are drawn around a true change with a known noise, the gate judges
them, and what it says is counted. Noise is log-normal, because energies scale. What meters share cancels, and
what they do not share is in every repeat as it is in the one that was given as an example.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from wattmark.core.compare import centre
from wattmark.core.errors import UsageError
from wattmark.core.facts import Facts
from wattmark.core.figure import Figure, Missing
from wattmark.core.governance.level import Level
from wattmark.core.governance.scope import Scope
from wattmark.core.kpis.kpi import Better, Kpi
from wattmark.core.policy import Limit, Policy
from wattmark.core.repeats import Repeat
from wattmark.core.stats import spread
from wattmark.core.verdict import Ruling, at_stage, gate

PROBE = 1.001
"""So much more energy shows how strongly a KPI follows it."""
CERTAIN = 1.959963984540054
"""Half width of a 95 % interval in standard deviations of the normal distribution."""


class Dice(Protocol):
    """Gives normally distributed numbers; ``random.Random(seed)`` is one."""

    def gauss(self, mu: float, sigma: float, /) -> float: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """What is tried: how many runs, how much they differ, what is true."""

    runs: int
    baseline_runs: int
    noise: float
    """Standard deviation of the logarithms of the KPI between repeats: 0.02 is 2 %."""
    change: float
    """True change for the worse, a share: against the baseline, or against the bound of an absolute limit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rates:
    """How often the gate said what."""

    trial: Trial
    trials: int
    passed: int
    failed: int
    undecided: int
    allowed: float
    """The change from which on it should fail: the limit, or 0 for an absolute one."""

    def share(self, count: int) -> float:
        """Of all trials."""
        return count / self.trials

    @property
    def wrong(self) -> float:
        """Share of trials in which the gate said the opposite of what is true; undecided is not wrong."""
        bad = self.trial.change > self.allowed
        return self.share(self.passed if bad else self.failed)

    def interval(self, count: int) -> tuple[float, float]:
        """95 % interval of a share of so many trials (Wilson 1927, JASA 22:209)."""
        n, p, z = self.trials, count / self.trials, CERTAIN
        middle, half = p + z * z / (2 * n), z * math.sqrt(p * (1 - p) / n + (z / (2 * n)) ** 2)
        return (middle - half) / (1 + z * z / n), (middle + half) / (1 + z * z / n)


def gate_errors(
    limit: Limit, catalog: Mapping[str, Kpi], example: Repeat, trial: Trial, dice: Dice, trials: int
) -> Rates:
    """Judge a limit so many times on repeats like the example, whichever runs it is for.

    Raises UsageError where that makes no sense.
    """
    kpi = catalog[limit.kpi].told_as(limit.statistic)
    follows = elasticity(kpi, limit, example)
    level = 1.0 if limit.relative else _to_bound(kpi, limit, example) ** (1.0 / follows)
    worse = 1.0 + trial.change if kpi.better is Better.LOWER else 1.0 - trial.change
    if worse <= 0.0:
        raise UsageError(f"a fall of {trial.change:.0%} leaves nothing: try a smaller one")
    moved, sd = level * worse ** (1.0 / follows), trial.noise / abs(follows)
    counts = dict.fromkeys(Ruling, 0)
    meant = replace(limit, level=Level.ERROR, scope=Scope(), workload_class=())
    policy = Policy(limits=(meant,))

    def drawn(runs: int, factor: float) -> list[Repeat]:
        return [scaled(example, factor * math.exp(dice.gauss(0.0, sd))) for _ in range(runs)]

    for _ in range(trials):
        baseline = drawn(trial.baseline_runs, 1.0) if limit.relative else []
        (finding,) = gate(policy, drawn(trial.runs, moved), catalog, baseline).findings
        counts[finding.ruling] += 1
    return Rates(
        trial=trial,
        trials=trials,
        passed=counts[Ruling.PASS],
        failed=counts[Ruling.VIOLATION],
        undecided=counts[Ruling.UNDECIDED],
        allowed=limit.bound if limit.relative else 0.0,
    )


def noise_of(limit: Limit, kpi: Kpi, repeats: Sequence[Repeat]) -> float:
    """How much the KPI differs between repeats: the standard deviation of its logarithms.

    Raises UsageError where two figures above zero are not there.
    """
    figures = _figures(limit, kpi, repeats)
    if len(figures) < 2:
        raise UsageError("the noise between runs shows in two or more of them: give more runs, or --noise")
    return spread([math.log(figure.value) for figure in figures]).sd


def noise_known_to(runs: int) -> float | None:
    """Standard deviation of a standard deviation that so many runs tell, as a share of it.

    0.76 of two runs, 0.52 of three, 0.24 of ten (JCGM 100:2008, table E.1). None: fewer than two.
    """
    if runs < 2:
        return None
    expected = math.sqrt(2.0 / (runs - 1)) * math.exp(math.lgamma(runs / 2) - math.lgamma((runs - 1) / 2))
    return math.sqrt(1.0 / expected**2 - 1.0)


def elasticity(kpi: Kpi, limit: Limit, example: Repeat) -> float:
    """By how many per cent the KPI moves with one per cent more energy. Raises UsageError for none."""
    before = _figures(limit, kpi, [example])[0]
    after = _figures(limit, kpi, [scaled(example, PROBE)])[0]
    found = math.log(after.value / before.value) / math.log(PROBE)
    if abs(found) < 1e-6:
        raise UsageError(f"{kpi.id} does not follow energy: there is nothing to simulate")
    return found


def scaled(repeat: Repeat, factor: float) -> Repeat:
    """The same repeat with so many times the energy, at both ends of its gaps too."""
    facts = _scaled(repeat.facts, factor)
    if repeat.complete:
        return replace(repeat, facts=facts, least=facts, most=facts, block=None)
    ends = _scaled(repeat.least, factor), _scaled(repeat.most, factor)
    return replace(repeat, facts=facts, least=ends[0], most=ends[1], block=None)


def _scaled(facts: Facts, factor: float) -> Facts:
    def times(parts: Mapping[str, Figure]) -> dict[str, Figure]:
        return {name: part.scaled(factor, part.unit) for name, part in parts.items()}

    energy = facts.energy
    return replace(
        facts,
        energy=energy if isinstance(energy, Missing) else energy.scaled(factor, energy.unit),
        energy_by_stage=times(facts.energy_by_stage),
        energy_by_component=times(facts.energy_by_component),
    )


def _to_bound(kpi: Kpi, limit: Limit, example: Repeat) -> float:
    if limit.allowed <= 0.0:
        raise UsageError("a bound of zero or below leaves nothing to simulate around")
    return limit.allowed / centre(_figures(limit, kpi, [example])).value


def _figures(limit: Limit, kpi: Kpi, repeats: Sequence[Repeat]) -> list[Figure]:
    found = []
    for repeat in repeats:
        answer = kpi.answer(at_stage(repeat.facts, limit.stage) if limit.stage else repeat.facts)
        if not isinstance(answer, Figure) or answer.value <= 0.0:
            raise UsageError(f"{kpi.id} of these runs is not a number above zero: {answer}")
        found.append(answer)
    return found
