"""What a label says, as data: schema ``wattmark.label``. The same from the same result, always."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from wattmark.core.bench.result import Result, wh_per_1000
from wattmark.core.figure import Figure
from wattmark.core.known import SIMULATED
from wattmark.core.stars.rating import Rating
from wattmark.reports.as_json import finite
from wattmark.reports.leaderboard_json import amount, key_json, stars_json, validity_json
from wattmark.reports.leaderboard_rows import task_title

SCHEMA = "label"
SCHEMA_VERSION = 1
_MONTHS = ("January", "February", "March", "April", "May", "June", "July", "August", "September",
           "October", "November", "December")  # fmt: skip


def label_body(result: Result, rating: Rating, *, link: str = "", version: str = "") -> dict[str, Any]:
    """Every field of a label. What is not known is null; without stars ``stars_reason`` says why."""
    provider, model = named(result.model.id)
    energy = rated_energy(result, rating.mode)
    return {
        "provider": provider or None,
        "model": model,
        "model_id": result.model.id,
        "model_version": result.model.version or None,
        "model_class": result.model.model_class,
        "random_weights": result.model.random_weights,
        "scored": scored(result),
        "date": result.date or None,
        "task": result.task,
        "task_title": task_title(result.task),
        "hardware": result.hardware or result.key.device_class,
        "wh_per_1000_queries": None if energy is None else amount(wh_per_1000(energy)),
        "joules_per_query": amount(energy),
        "joules_per_output": amount(result.per_output),
        "output_unit": result.output_unit,
        **stars_json(rating),
        "grade": grade(result, energy),
        "boundary": result.key.boundary if energy is result.energy else "device (gpu)",
        "coverage": None if energy is None else finite(energy.coverage),
        "quality": None
        if result.quality is None
        else {
            "name": result.quality.name,
            "value": result.quality.value,
            "interval_95": [result.quality.low, result.quality.high],
            "higher_is_better": result.quality.higher_is_better,
        },
        "validity": validity_json(result),
        "profile": result.profile or None,
        "key_id": result.key.id,
        "key": key_json(result),
        "origin": {
            "tool": result.origin.tool,
            "version": result.origin.version or None,
            "published": result.origin.published,
            "source": result.origin.source or None,
        },
        "result_id": result.id,
        "bundle_sha256": result.bundle_sha256,
        "link": link or None,
        "made_by": f"wattmark {version}".strip(),
    }


def rated_energy(result: Result, mode: str) -> Figure | None:
    """What stars are given for: in mode ``aies`` the energy of the GPUs, where it is known."""
    if mode == "aies" and result.gpu_energy is not None:
        return result.gpu_energy
    return result.energy


def named(model: str) -> tuple[str, str]:
    """Provider and model of ``provider/model``; no provider where none is stated."""
    provider, slash, name = model.partition("/")
    return (provider, name) if slash and provider and name else ("", model)


def scored(result: Result) -> str | None:
    """Month and year of the test, as the original label has it; else the cohort's name."""
    try:
        day = date.fromisoformat(result.date[:10])
    except ValueError:
        return result.cohort or None
    return f"{_MONTHS[day.month - 1]} {day.year}"


def grade(result: Result, energy: Figure | None) -> str | None:
    """A to E; published figures are declared, whatever they say of themselves."""
    if energy is None:
        return None
    if result.origin.published:
        return "E"
    return energy.grade.value if energy.grade is not None else None


def is_simulated(energy: Mapping[str, Any] | None) -> bool:
    """Whether an amount of a label is one that nobody measured."""
    return energy is not None and energy.get("evidence") == SIMULATED


def stars_words(body: Mapping[str, Any]) -> str:
    """``4 of 5 stars``, ``3 to 4 of 5 stars``, ``unrated: why``."""
    if body["stars"] is None:
        reason = str(body["stars_reason"] or "no reason is stated").removeprefix("unrated: ")
        return f"unrated: {reason}"
    worst, best = span(body)
    return f"{f'{worst} to {best}' if worst != best else worst} of 5 stars"


def span(body: Mapping[str, Any]) -> tuple[int, int]:
    """Worst and best stars; only for what is rated."""
    worst, best = body["stars_interval"] or (body["stars"], body["stars"])
    return int(worst), int(best)
