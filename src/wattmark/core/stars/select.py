"""The most efficient model that is good enough, and what it costs to be wrong about it.

Only results with one comparability key stand against each other. Two of them differ by a figure whose named
errors were subtracted source by source: what a shared meter errs by cancels as far as it is shared.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import NormalDist

from wattmark.core.bench.derived import NOISE
from wattmark.core.bench.key import UNKNOWN, Key, differing
from wattmark.core.bench.profile import PROFILES
from wattmark.core.bench.result import QualityScore, Result
from wattmark.core.bench.stopping import first_stage
from wattmark.core.figure import GAP_PREFIX, Figure
from wattmark.core.stars.anchored import rateable
from wattmark.core.stats import t_cdf, t_quantile

_NORMAL = NormalDist()
TWO_SIDED_95 = _NORMAL.inv_cdf(0.975)
NORMAL_FROM = 1e4
"""So many degrees of freedom are as good as none too few."""
LEAST_FREEDOM = 2.0
"""With fewer, what choosing wrongly costs has no mean."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What is asked of a model."""

    task: str
    min_quality: float | None = None
    """Least value of the task's quality, or the most where less is better."""
    hardware: str = ""
    """Part of the device class, e.g. ``H100``."""
    max_latency: float | None = None
    """Seconds per query that 95 of 100 must stay below."""
    include_unrated: bool = False
    """Also what is not valid or not measured; never what nobody knows the terms of."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A result that is good enough."""

    result: Result
    energy: Figure
    """Joules per unit of its key."""
    unrated: str = ""
    """Why it would earn no stars; only with ``include_unrated``."""
    unsure: str = ""
    """Why its quality may fall short; empty where it does not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rival:
    """A candidate beside the chosen one. Energies in joules per unit."""

    candidate: Candidate
    extra: Figure
    """What it uses more than the chosen one, with the errors that they do not share."""
    better: float
    """Probability that it really uses less."""
    expected_loss: float
    """Mean of what choosing wrongly costs: the extra energy where it is better, 0 where it is not."""
    worst_loss: float
    """What choosing wrongly costs at the far end of the 95 % interval; 0 where the two can be told apart."""

    @property
    def told_apart(self) -> bool:
        """Whether the interval of the difference leaves out 0."""
        return self.extra.value > self.extra.half_width


@dataclass(frozen=True, slots=True, kw_only=True)
class Upgrade:
    """The next better quality, and what it costs."""

    candidate: Candidate
    extra: Figure


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """The choice among results of one key."""

    key: Key
    chosen: Candidate
    rivals: tuple[Rival, ...] = ()
    """All the others, the least energy first."""
    upgrade: Upgrade | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """A choice for each key, and who was left out and why."""

    wanted: Wanted
    choices: tuple[Choice, ...]
    left_out: tuple[tuple[Result, str], ...]


def select(results: Sequence[Result], wanted: Wanted) -> Selection:
    """Choose among these results. No choice where none is good enough: ``left_out`` says why."""
    left_out: list[tuple[Result, str]] = []
    groups: dict[Key, list[Candidate]] = {}
    for result in _latest(results, left_out):
        if why := _unfit(result, wanted):
            left_out.append((result, why))
            continue
        energy = rateable(result)
        if isinstance(energy, Figure):
            candidate = Candidate(result=result, energy=energy)
        elif wanted.include_unrated and result.energy is not None and result.energy.half_width > 0.0:
            candidate = Candidate(result=result, energy=result.energy, unrated=energy)
        else:
            left_out.append((result, f"unrated: {energy}"))
            continue
        groups.setdefault(result.key, []).append(candidate)
    choices = []
    for key, candidates in groups.items():
        good: list[Candidate] = []
        for candidate in candidates:
            short, unsure = _short(candidate.result, wanted.min_quality)
            if short:
                left_out.append((candidate.result, short))
            else:
                good.append(_marked(candidate, unsure))
        if good:
            choices.append(_choice(key, good, candidates))
    return Selection(wanted=wanted, choices=tuple(choices), left_out=tuple(left_out))


def difference(other: Figure, chosen: Figure) -> Figure:
    """What the other uses more; errors of one source subtract with their signs, all others stay."""
    names = dict.fromkeys((*other.errors, *chosen.errors))
    errors = {n: other.errors.get(n, 0.0) - chosen.errors.get(n, 0.0) for n in names}
    return Figure(value=other.value - chosen.value, unit=chosen.unit, errors=errors, terms=chosen.terms)


def _latest(results: Sequence[Result], left_out: list[tuple[Result, str]]) -> list[Result]:
    """One result of each model and key: the latest."""
    latest: dict[tuple[Key, str, str], Result] = {}
    for result in sorted(results, key=lambda r: (r.date, r.id)):
        latest[_model(result)] = result
    older = [result for result in results if latest[_model(result)] is not result]
    left_out.extend((result, "a later result of the same model is there") for result in older)
    return [result for result in results if latest[_model(result)] is result]


def _model(result: Result) -> tuple[Key, str, str]:
    return result.key, result.model.id, result.model.version


def _unfit(result: Result, wanted: Wanted) -> str:
    """Why a result is no candidate, its quality aside."""
    if result.task != wanted.task:
        return f"task {result.task}"
    device = f"{result.key.device_class} {result.hardware}"
    if wanted.hardware and wanted.hardware.casefold() not in device.casefold():
        return f"hardware {result.key.device_class}"
    if unknown := [name for name, mine, _ in differing(result.key, result.key) if mine == UNKNOWN]:
        return f"not known: {', '.join(unknown)}"
    if wanted.max_latency is None:
        return ""
    if result.latency is None:
        return "latency is not known"
    if result.latency.p95 > wanted.max_latency:
        return f"latency {result.latency.p95:g} s (95 of 100), at most {wanted.max_latency:g} s is asked for"
    return ""


def _short(result: Result, least: float | None) -> tuple[str, str]:
    """Why the quality falls short, and why it only may; both empty where it does not."""
    if least is None:
        return "", ""
    score = result.quality
    if score is None:
        return "quality is not known", ""
    if result.model.random_weights:
        return "its weights are random: its quality means nothing", ""
    asked = f"{'at least' if score.higher_is_better else 'at most'} {least:g} is asked for"
    if not _reaches(score, score.value, least):
        return f"{score.name} {score.value:g}, {asked}", ""
    end = score.low if score.higher_is_better else score.high
    if end is not None and not _reaches(score, end, least):
        return "", f"{score.name} {score.value:g} may be {end:g}, {asked}"
    return "", ""


def _reaches(score: QualityScore, value: float, least: float) -> bool:
    return value >= least if score.higher_is_better else value <= least


def _marked(candidate: Candidate, unsure: str) -> Candidate:
    return Candidate(
        result=candidate.result, energy=candidate.energy, unrated=candidate.unrated, unsure=unsure
    )


def _choice(key: Key, good: Sequence[Candidate], all_of_key: Sequence[Candidate]) -> Choice:
    ordered = sorted(good, key=lambda c: (c.energy.value, c.result.model.id))
    chosen = ordered[0]
    return Choice(
        key=key,
        chosen=chosen,
        rivals=tuple(_rival(other, chosen) for other in ordered[1:]),
        upgrade=_upgrade(chosen, all_of_key),
    )


def _rival(other: Candidate, chosen: Candidate) -> Rival:
    extra = difference(other.energy, chosen.energy)
    if extra.half_width == 0.0:  # all that either errs by is shared
        even = 0.5 if extra.value == 0.0 else 0.0
        return Rival(candidate=other, extra=extra, better=even, expected_loss=0.0, worst_loss=0.0)
    sd, df = _deviation(extra, {f"{NOISE}{c.result.id}": _freedom(c.result) for c in (other, chosen)})
    z = extra.value / sd
    better = t_cdf(-z, df) if df < NORMAL_FROM else _NORMAL.cdf(-z)
    beyond = _t_density(z, df) * (df + z * z) / (df - 1) if df < NORMAL_FROM else _NORMAL.pdf(z)
    return Rival(
        candidate=other,
        extra=extra,
        better=better,
        expected_loss=max(0.0, sd * beyond - extra.value * better),
        worst_loss=max(0.0, extra.half_width - extra.value),
    )


def _freedom(result: Result) -> int:
    """Degrees of freedom of its noise: the repeats of the first stage, which told it, less one."""
    profile = PROFILES.get(result.profile)
    told = len(result.repeats)
    return max(1, (min(told, first_stage(profile)) if profile is not None else told) - 1)


def _deviation(extra: Figure, freedom: Mapping[str, int]) -> tuple[float, float]:
    """Standard deviation of a difference, and its degrees of freedom.

    A half width of noise is a deviation times Student's t of few repeats, of anything else times the normal's
    1.96; together they have Satterthwaite's degrees of freedom (1946, Biometrics Bulletin 2:110).
    """
    squares, spread = 0.0, 0.0
    bounds = math.fsum(abs(e) for name, e in extra.errors.items() if name.startswith(GAP_PREFIX))
    for name, error in extra.errors.items():
        if name.startswith(GAP_PREFIX):
            continue
        told = freedom.get(name)
        deviation = abs(error) / (TWO_SIDED_95 if told is None else t_quantile(0.975, told))
        squares += deviation**2
        spread += 0.0 if told is None else deviation**4 / told
    df = max(LEAST_FREEDOM, squares**2 / spread) if spread > 0.0 else math.inf
    return math.sqrt(squares) + bounds / TWO_SIDED_95, df


def _t_density(t: float, df: float) -> float:
    """Student's t density."""
    log = math.lgamma((df + 1) / 2) - math.lgamma(df / 2) - 0.5 * math.log(df * math.pi)
    return math.exp(log - (df + 1) / 2 * math.log1p(t * t / df))


def _upgrade(chosen: Candidate, others: Sequence[Candidate]) -> Upgrade | None:
    """The least energy for a quality that is better; None where no quality is, or none is known."""
    mine = chosen.result.quality
    if mine is None:
        return None
    better = [
        other
        for other in others
        if (score := other.result.quality) is not None
        and not other.result.model.random_weights
        and score.name == mine.name
        and _reaches(mine, score.value, mine.value)
        and score.value != mine.value
    ]
    if not better:
        return None
    least = min(better, key=lambda c: c.energy.value)
    return Upgrade(candidate=least, extra=difference(least.energy, chosen.energy))
