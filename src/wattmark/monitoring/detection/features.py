"""What a figure depends on without the model being to blame: how many requests come, and how long they are.

Only what comes from outside is in here. The batch size, the time that devices are busy and how many requests
fail are what a release or a setting may have changed: they are named as causes and never adjusted away.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from wattmark.monitoring.detection.row import Row

PER_TOKEN = "joules_per_output_token"
PER_REQUEST = "joules_per_request"
COVARIATES = ("requests_per_second", "input_tokens_per_request", "output_tokens_per_request", "company")
"""``company``: tokens of the other models on the same devices for each token of this one."""


def figure(row: Row, metric: str) -> float | None:
    """The watched figure, per token or per request that succeeded; None where there is nothing to divide."""
    amount = row.output_tokens if metric == PER_TOKEN else row.requests - row.failed
    return row.joules / amount if amount and row.joules > 0.0 else None


def covariates(row: Row) -> tuple[float, float, float, float]:
    """Logarithms of COVARIATES; 0 for tokens that nobody counted."""
    count = max(row.requests - row.failed, 0.5)  # a request that was turned away has no tokens
    read = 0.0 if row.input_tokens is None else math.log1p(row.input_tokens / count)
    written = 0.0 if row.output_tokens is None else math.log1p(row.output_tokens / count)
    own = max((row.input_tokens or 0.0) + (row.output_tokens or 0.0), 1.0)
    return math.log(max(row.requests, 0.5) / row.seconds), read, written, math.log1p(row.company / own)


def features(x: Sequence[float], centre: Sequence[float], end: float, seasonal: bool) -> list[float]:
    """The terms of the model of log figure: smooth in log rate, and in the rest as the rate bends it."""
    rate, read, written, company = (value - middle for value, middle in zip(x, centre, strict=True))
    found = [1.0, rate, rate * rate, rate**3]
    found += [read, read * read, written, written * written, rate * read, rate * written]
    found += [company, company * company]
    if seasonal:
        angle = 2.0 * math.pi * (end % 86_400.0) / 86_400.0
        found += [math.sin(angle), math.cos(angle)]
    return found
