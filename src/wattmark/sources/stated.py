"""What the input states of itself beside what whoever imports says: the input goes before."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Any

from wattmark import tables
from wattmark.core.known import Method, model_errors
from wattmark.core.run import Place, Subject
from wattmark.sources.catalog import Asked

LOW_DUTY = 0.5
"""A sensor that looks less than half of the time misses more (kpis.md, Uncertainty)."""


def subject_of(asked: Asked, **stated: Any) -> Subject:
    """The tags: what the input states, else what was asked for; labels of both, the input's before.

    Empty strings and None count as not stated.
    """
    labels = {**asked.subject.labels, **(stated.pop("labels", None) or {})}
    return replace(asked.subject, labels=labels, **{k: v for k, v in stated.items() if v})


def place_of(asked: Asked, **stated: Any) -> Place:
    """The place: what the input states, else what was asked for. None counts as not stated."""
    return replace(asked.place, **{k: v for k, v in stated.items() if v is not None and v != ""})


def errors_of(method: Method, name: str, *, workload: str = "", duty: float = 1.0) -> dict[str, float]:
    """The usual error of a method at 95 %, as named sources: ``name`` tells which meter it is.

    From the bundled table of uncertainties, where each row has its source. A model's error has a part that
    depends on the load, so ``workload`` says which load that is.
    """
    if method is Method.MODELLED:
        return model_errors(name, _usual()[method.value], workload)
    low = method is Method.INTEGRATED_POWER and duty < LOW_DUTY
    return {f"{name}:gain": _usual()["integrated_power_low_duty" if low else method.value]}


@cache
def _usual() -> dict[str, float]:
    return {row["method"]: float(row["relative_95"]) for row in tables.rows("uncertainty")}
