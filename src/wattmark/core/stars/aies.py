"""Stars as AI Energy Score gives them: five bands of equal width between the least and the most energy.

A group is task x model class x cohort; only text generation and reasoning have classes. With E = Wh of the
GPUs per 1,000 queries and w = (Emax - Emin) / 5 over the group, stars = 5 - min(4, floor((E - Emin) / w)):
the most has 1 star, the least 5 (recovered from the published rows; AI Energy Score, FAQ and leaderboard,
2025, https://huggingface.github.io/AIEnergyScore/). Everything is reckoned in exact fractions of the decimals
that are written: binary floats put rows that lie on an edge into the wrong band.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from fractions import Fraction

from wattmark.core.bench.key import Key
from wattmark.core.bench.result import Result, wh_per_1000
from wattmark.core.bench.task import task_named
from wattmark.core.bench.validity import Status
from wattmark.core.figure import Figure
from wattmark.core.known import Grade
from wattmark.core.stars.rating import Rating, against

MODE = "aies"
RECOMPUTED = "recomputed, evidence not checked"
BANDS = 5
COHORT = 5
"""Fewer different models of our own give no relative rating (kpis.md, Stars)."""
HARDWARE = re.compile(r"(\d+) x .*\bH100\b.*", re.IGNORECASE)
"""The reference hardware is one H100 with 80 GB; class C runs on several (AI Energy Score, index.md)."""
OTHER_H100 = re.compile(r"NVL|94 ?GB|96 ?GB|64 ?GB", re.IGNORECASE)
"""H100s with other memory. What NVML calls ``H100 PCIe`` and ``H100 80GB HBM3`` has 80 GB."""


@dataclass(frozen=True, slots=True)
class Group:
    """Rows that are rated against each other."""

    task: str
    """Id of the task, or the name that the table gives it."""
    model_class: str | None
    """None where the task has no classes, or none is stated."""
    cohort: str
    published: bool
    """Figures that somebody published are never mixed with evidence."""
    key: Key
    """With the number of devices left out: class C runs on several."""


@dataclass(frozen=True, slots=True)
class Reproduced:
    """How many published stars the formula gives again."""

    stated: int
    """Rows that state stars."""
    same: int
    differing: tuple[tuple[int, int, int | None], ...]
    """Index of the row, the published stars, ours."""


def stars_of(energy: Fraction, least: Fraction, most: Fraction) -> int:
    """The formula. Raises ZeroDivisionError where there is no spread."""
    return BANDS - min(BANDS - 1, math.floor(BANDS * (energy - least) / (most - least)))


def group_of(result: Result) -> Group:
    """What a result is rated against."""
    task = task_named(result.task)
    classed = task is not None and task.classes
    return Group(
        task=task.id if task is not None else _folded(result.task),
        model_class=result.model.model_class if classed else None,
        cohort=_folded(result.cohort),
        published=result.origin.published,
        key=replace(result.key, device_class=re.sub(r"^\d+ x ", "", result.key.device_class)),
    )


def groups_of(results: Sequence[Result]) -> dict[Group, list[int]]:
    """Every group with the places of its rows, in their order."""
    found: dict[Group, list[int]] = {}
    for index, result in enumerate(results):
        found.setdefault(group_of(result), []).append(index)
    return found


def exact_wh(result: Result) -> Fraction | None:
    """Wh of the GPUs per 1,000 queries, by the digits that were written where there are any."""
    written = result.stated.get("gpu_wh_per_1000")
    if written is not None:
        return Fraction(Decimal(written))
    if result.gpu_energy is None:
        return None
    return Fraction(Decimal(repr(result.gpu_energy.value))) * Fraction(1000, 3600)


def rate_aies(results: Sequence[Result]) -> list[Rating]:
    """A rating for each result, in their order; published rows by the formula alone, our own by kpis.md."""
    found: list[Rating | None] = [None] * len(results)
    for group, places in groups_of(results).items():
        refused = {place: _refusal(results[place], group) for place in places}
        rated = [place for place in places if not refused[place]]
        lacking = _too_few(results, rated) if not group.published else ""
        energies = {place: energy for place in rated if (energy := exact_wh(results[place])) is not None}
        least, most = min(energies.values(), default=Fraction()), max(energies.values(), default=Fraction())
        spans = _intervals(results, rated)
        for place in places:
            reason = refused[place] or lacking or ("no spread" if least == most else "")
            blank = _blank(results[place])
            if reason:
                found[place] = replace(blank, reason=f"unrated: {reason}")
            else:
                stars = stars_of(energies[place], least, most)
                span = None if group.published else _with(spans[place], stars)
                found[place] = replace(blank, stars=stars if span is None else span[0], interval=span)
    return [rating for rating in found if rating is not None]


def reproduced(results: Sequence[Result], ratings: Sequence[Rating]) -> Reproduced:
    """Sets published stars beside ours."""
    stated = [
        (index, int(result.stated["published_stars"]), rating.stars)
        for index, (result, rating) in enumerate(zip(results, ratings, strict=True))
        if "published_stars" in result.stated
    ]
    differing = tuple(row for row in stated if row[1] != row[2])
    return Reproduced(len(stated), len(stated) - len(differing), differing)


def _blank(result: Result) -> Rating:
    energy = None if result.gpu_energy is None else wh_per_1000(result.gpu_energy)
    published = result.origin.published
    written = result.stated.get("gpu_wh_per_1000")
    return Rating(
        task=result.task,
        model=result.model.id,
        model_class=result.model.model_class,
        cohort=result.cohort,
        mode=MODE,
        wh_per_1000=float(written) if written is not None else None if energy is None else energy.value,
        energy_interval=None if energy is None or published else energy.interval,
        key=result.key.id,
        evidence=RECOMPUTED if published else str(result.validity.status),
    )


def _refusal(result: Result, group: Group) -> str:
    """Why a row earns no stars whatever the others are; empty for none. Over a table the formula decides."""
    if group.published:
        return "" if exact_wh(result) is not None else "no energy of the GPUs is stated"
    if result.profile != MODE:
        return f"profile `{result.profile or 'unknown'}`: this mode rates results of the profile `aies`"
    if result.validity.status is not Status.VALID:
        return against(result.validity)
    if result.gpu_energy is None:
        return "no energy of the GPUs is known"
    if (grade := result.gpu_energy.grade) is None or not grade.at_least(Grade.C):
        return f"grade {grade or 'unknown'}: stars need evidence of grade A to C"
    return _other_hardware(result, group)


def _other_hardware(result: Result, group: Group) -> str:
    device = result.key.device_class
    match = HARDWARE.fullmatch(device)
    if match is None or " + " in device or OTHER_H100.search(device):
        return f"hardware differs: {device}, the rating is of H100 80GB"
    if match[1] != "1" and group.model_class != "C":
        return f"hardware differs: {device}, only class C runs on more than one"
    return ""


def _too_few(results: Sequence[Result], rated: Sequence[int]) -> str:
    models = {results[place].model.id for place in rated}
    if len(models) >= COHORT:
        return ""
    return f"a relative rating needs a cohort of {COHORT} models, this one has {len(models)}"


def _intervals(results: Sequence[Result], rated: Sequence[int]) -> Mapping[int, tuple[int, int]]:
    """Worst and best stars that the uncertainties of a group allow; errors that all rows share cancel.

    Bands depend on ratios alone, so a gain that all share moves none. What remains of each row moves freely
    within its own 95 % interval: wider than need be, never narrower.
    """
    figures = {place: gpu for place in rated if (gpu := results[place].gpu_energy) is not None}
    ends = _own_ends(figures)
    lows = sorted((low, place) for place, (low, _) in ends.items())
    highs = sorted((high, place) for place, (_, high) in ends.items())
    found = {}
    for place, (low, high) in ends.items():
        worst = _position(high, *_span_of_others(lows, place))
        best = _position(low, *_span_of_others(highs, place))
        found[place] = (_stars_at(worst), _stars_at(best))
    return found


def _span_of_others(ordered: Sequence[tuple[float, int]], place: int) -> tuple[float, float]:
    """Least and most of all but one; of one alone its own."""
    first = ordered[1 if len(ordered) > 1 and ordered[0][1] == place else 0]
    last = ordered[-2 if len(ordered) > 1 and ordered[-1][1] == place else -1]
    return first[0], last[0]


def _stars_at(position: float) -> int:
    return BANDS - min(BANDS - 1, math.floor(BANDS * position))


def _position(energy: float, least: float, most: float) -> float:
    """Where an energy lies between the least and the most of a group that it belongs to, from 0 to 1."""
    least, most = min(least, energy), max(most, energy)
    return 0.0 if most == least else (energy - least) / (most - least)


def _own_ends(figures: Mapping[int, Figure]) -> dict[int, tuple[float, float]]:
    """Both ends of each energy by what it does not share with all others."""
    relative = {
        place: {name: error / figure.value for name, error in figure.errors.items()}
        for place, figure in figures.items()
    }
    shared = {}
    for name in set.intersection(*(set(errors) for errors in relative.values())) if relative else ():
        parts = sorted((errors[name] for errors in relative.values()), key=abs)
        if all(part * parts[0] > 0 for part in parts):
            shared[name] = parts[0]
    found = {}
    for place, figure in figures.items():
        left = {n: (e - shared.get(n, 0.0)) * figure.value for n, e in relative[place].items()}
        found[place] = replace(figure, errors=left, ends=None).interval
    return found


def _with(span: tuple[int, int], stars: int) -> tuple[int, int]:
    return min(span[0], stars), max(span[1], stars)


def _folded(text: str) -> str:
    return " ".join(text.casefold().split())
