"""The choice of a model, what it costs to be wrong, and what better quality would cost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from typing import Any

from wattmark.core.bench.key import Key, differing
from wattmark.core.bench.result import Result, wh_per_1000
from wattmark.core.figure import Figure
from wattmark.core.stars.select import Candidate, Choice, Rival, Selection
from wattmark.reports.as_json import finite
from wattmark.reports.as_text import bulleted, table
from wattmark.reports.quantities import number

WH = 1000 / 3600
"""Joules per query -> Wh per 1,000 queries."""
MOST_LEFT_OUT = 12
NEVER = 1e-4
"""Below this probability nothing is to be wrong about."""


def select_body(selection: Selection, per_year: float | None) -> dict[str, Any]:
    """The document of schema ``wattmark.select``."""
    wanted = selection.wanted
    return {
        "asked": {
            "task": wanted.task,
            "min_quality": wanted.min_quality,
            "hardware": wanted.hardware,
            "max_latency_seconds": wanted.max_latency,
            "include_unrated": wanted.include_unrated,
            "queries_per_year": per_year,
        },
        "choices": [_choice(choice, per_year) for choice in selection.choices],
        "left_out": [
            {"model": result.model.id, "result": result.id, "reason": why}
            for result, why in selection.left_out
        ],
    }


def _choice(choice: Choice, per_year: float | None) -> dict[str, Any]:
    upgrade = choice.upgrade
    return {
        "key": choice.key.id,
        "key_fields": {f.name: getattr(choice.key, f.name) for f in fields(Key)},
        "chosen": _candidate(choice.chosen),
        "cannot_be_told_apart": [
            rival.candidate.result.model.id for rival in choice.rivals if not rival.told_apart
        ],
        "if_wrong": None if not choice.rivals else _if_wrong(choice, per_year),
        "rivals": [_rival(rival, per_year) for rival in choice.rivals],
        "better_quality": None
        if upgrade is None
        else {**_candidate(upgrade.candidate), "extra": _extra(upgrade.extra, per_year)},
    }


def _candidate(candidate: Candidate) -> dict[str, Any]:
    result = candidate.result
    energy = wh_per_1000(candidate.energy)
    quality, latency = result.quality, result.latency
    return {
        "model": result.model.id,
        "result": result.id,
        "wh_per_1000": energy.value,
        "wh_per_1000_interval_95": [finite(end) for end in energy.interval],
        "grade": energy.grade,
        "quality": None
        if quality is None
        else {
            "name": quality.name,
            "value": quality.value,
            "interval_95": None
            if quality.low is None or quality.high is None
            else [quality.low, quality.high],
        },
        "latency_p95_seconds": None if latency is None else latency.p95,
        "unrated": candidate.unrated,
        "unsure": candidate.unsure,
    }


def _rival(rival: Rival, per_year: float | None) -> dict[str, Any]:
    return {
        **_candidate(rival.candidate),
        "told_apart": rival.told_apart,
        "extra": _extra(rival.extra, per_year),
        "probability_better": rival.better,
        "expected_loss": _amount(rival.expected_loss, per_year),
        "worst_loss_95": _amount(rival.worst_loss, per_year),
        "shared_sources": _shared(rival),
    }


def _if_wrong(choice: Choice, per_year: float | None) -> dict[str, Any]:
    rival = _likeliest(choice)
    return {
        "rival": rival.candidate.result.model.id,
        "probability": rival.better,
        "expected": _amount(rival.expected_loss, per_year),
        "worst_95": _amount(max(r.worst_loss for r in choice.rivals), per_year),
    }


def _likeliest(choice: Choice) -> Rival:
    return max(choice.rivals, key=lambda rival: rival.better)


def _shared(rival: Rival) -> list[str]:
    """Errors that both have, so that they cancel in part or wholly."""
    return sorted(n for n in rival.candidate.energy.errors if n in rival.extra.errors and _both(rival, n))


def _both(rival: Rival, name: str) -> bool:
    return rival.extra.errors[name] != rival.candidate.energy.errors[name]


def _extra(extra: Figure, per_year: float | None) -> dict[str, Any]:
    half = extra.half_width
    return {
        **_amount(extra.value, per_year),
        "wh_per_1000_interval_95": [(extra.value - half) * WH, (extra.value + half) * WH],
    }


def _amount(joules: float, per_year: float | None) -> dict[str, Any]:
    return {
        "wh_per_1000": joules * WH,
        "kwh_per_year": None if per_year is None else joules * per_year / 3.6e6,
    }


def select_text(selection: Selection, per_year: float | None) -> str:
    """Each choice with its rivals, and what was left out."""
    parts = []
    if len(selection.choices) > 1:
        parts.append(
            f"{len(selection.choices)} comparability keys: a choice within each, none across "
            f"(they differ in {', '.join(_differing(selection.choices))})"
        )
    parts += [_told(choice, per_year) for choice in selection.choices]
    if not selection.choices:
        parts.append("no model is good enough")
    if selection.left_out:
        parts.append("left out:\n" + "\n".join(bulleted(_left_out(selection.left_out))))
    return "\n\n".join(parts)


def _differing(choices: Sequence[Choice]) -> list[str]:
    first = choices[0].key
    return list(dict.fromkeys(name for c in choices[1:] for name, _, _ in differing(first, c.key)))


def _told(choice: Choice, per_year: float | None) -> str:
    key = choice.key
    head = f"{choice.chosen.result.model.id}   [{key.device_class}, {key.batch_policy}, {key.precision}]"
    rows = [_cells(choice.chosen, None)] + [_cells(rival.candidate, rival) for rival in choice.rivals]
    told = table(("model", "Wh/1000", "95 %", "quality", "p95", "P(better)", ""), rows)
    return "\n".join([head, "", told, "", *bulleted(_said(choice, per_year))])


def _cells(candidate: Candidate, rival: Rival | None) -> list[str]:
    energy = wh_per_1000(candidate.energy)
    quality, latency = candidate.result.quality, candidate.result.latency
    remarks = [
        "simulated" if candidate.result.simulated else "",
        "unrated" if candidate.unrated else "",
        "quality unsure" if candidate.unsure else "",
        "" if rival is None or rival.told_apart else "cannot be told apart",
    ]
    return [
        candidate.result.model.id,
        number(energy.value),
        " to ".join(number(end) for end in energy.interval),
        "" if quality is None else f"{quality.value:.3g}",
        "" if latency is None else f"{latency.p95:.3g} s",
        "" if rival is None else _percent(rival.better),
        ", ".join(filter(None, remarks)),
    ]


def _said(choice: Choice, per_year: float | None) -> list[str]:
    said = []
    chosen = choice.chosen
    if chosen.unrated:
        said.append(f"the choice is unrated: {chosen.unrated}")
    if chosen.unsure:
        said.append(chosen.unsure)
    if not choice.rivals:
        said.append("nothing else is good enough, so there is nothing to be wrong about")
    else:
        said.append(_to_be_wrong(choice, per_year))
        shared = dict.fromkeys(name for each in choice.rivals for name in _shared(each))
        if shared:
            said.append(f"errors that are shared cancel as far as they are: {', '.join(shared)}")
    if choice.upgrade is not None:
        better, mine = choice.upgrade.candidate.result.quality, chosen.result.quality
        if better is not None and mine is not None:
            said.append(
                f"better quality: {choice.upgrade.candidate.result.model.id} has {better.name} "
                f"{better.value:.3g} instead of {mine.value:.3g}, for "
                f"{_words(choice.upgrade.extra.value, per_year)} more"
            )
    return said


def _to_be_wrong(choice: Choice, per_year: float | None) -> str:
    rival = _likeliest(choice)
    worst = max(r.worst_loss for r in choice.rivals)
    name = rival.candidate.result.model.id
    if rival.better < NEVER:
        return f"to be wrong: all others use more; the nearest, {name}, is better with less than 0.01 %"
    told = (
        f"to be wrong: {name} is better with a probability of {_percent(rival.better)}; that costs "
        f"{_words(rival.expected_loss, per_year)} on average"
    )
    return told + (f", {_words(worst, per_year)} at the far end of the 95 % interval" if worst else "")


def _words(joules: float, per_year: float | None) -> str:
    told = f"{number(joules * WH)} Wh per 1,000 queries"
    return told if per_year is None else f"{told} ({number(joules * per_year / 3.6e6)} kWh a year)"


def _percent(share: float) -> str:
    if 0.0 < share < 0.001:
        return "< 0.1 %"
    return f"{100 * share:.1f} %"


def _left_out(left_out: Sequence[tuple[Result, str]]) -> list[str]:
    said = [f"{result.model.id}: {why}" for result, why in left_out]
    if len(said) > MOST_LEFT_OUT:
        return [*said[:MOST_LEFT_OUT], f"and {len(said) - MOST_LEFT_OUT} more (--json lists all)"]
    return said
