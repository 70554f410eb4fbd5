"""Rows of a model whose figure is known: 0.5 J per token, under a load that a test sets."""

from __future__ import annotations

import random

from wattmark.monitoring.detection.row import Row, Terms

TERMS = Terms("request_tokens", ("gpu device hardware_counter B",))
START = 1_767_571_200.0
"""2026-01-05 00:00 UTC, a Monday."""


def a_row(minute: int = 0, **changes: object) -> Row:
    """One minute: 100 requests, 10 000 input and 20 000 output tokens, 10 kJ."""
    fields: dict[str, object] = {
        "end": START + 60.0 * (minute + 1),
        "seconds": 60.0,
        "joules": 10_000.0,
        "requests": 100.0,
        "input_tokens": 10_000.0,
        "output_tokens": 20_000.0,
        "request_seconds": 600.0,
        "version": "1.0",
        "devices": ("gpu-0",),
        "terms": TERMS,
    }
    return Row(**{**fields, **changes})  # type: ignore[arg-type]


def steady(
    minutes: int, first: int = 0, factor: float = 1.0, noise: float = 0.01, **changes: object
) -> list[Row]:
    """Minutes of one cost under a load that wanders by a tenth either way, with a noise of 1 %."""
    chance = random.Random(first)
    found: list[Row] = []
    for minute in range(first, first + minutes):
        load = chance.uniform(0.9, 1.1)
        joules = 10_000.0 * load * factor * (1.0 + noise * chance.gauss(0.0, 1.0))
        amounts = {"requests": 100.0, "input_tokens": 10_000.0, "output_tokens": 20_000.0}
        loaded = {name: amount * load for name, amount in amounts.items()}
        found.append(a_row(minute, **{"joules": joules, **loaded, **changes}))
    return found
