"""What changed since the last good state, and how much of the change each part explains.

The effect of the load is taken from the baseline: each covariate's part is the mean over all orders in which
they may change (L. S. Shapley, A value for n-person games, 1953), so that the parts add up to what the
baseline says of the whole. Logarithms become joules by the logarithmic mean (LMDI, as in core.causes), and
what is left, ``rest``, is what the same load costs more than before: release, batching, hardware.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import reduce
from itertools import permutations

from wattmark.core.causes import log_mean
from wattmark.monitoring.detection.baseline import Baseline
from wattmark.monitoring.detection.features import COVARIATES, covariates, figure
from wattmark.monitoring.detection.finding import Cause
from wattmark.monitoring.detection.row import Row

NOTABLE = 0.05
"""A part of the load or the batch is named when it changed by this much."""


def together(rows: Sequence[Row]) -> Row:
    """Several rows as one."""
    return reduce(Row.joined, rows)


def causes(
    before: Sequence[Row], after: Sequence[Row], baseline: Baseline
) -> tuple[tuple[Cause, ...], float | None]:
    """What changed from some rows to later ones, and what of the change the load leaves unexplained."""
    if not before or not after:
        return (), None
    one, two = together(before), together(after)
    figures = figure(one, baseline.metric), figure(two, baseline.metric)
    if figures[0] is None or figures[1] is None:
        return (), None
    scale = log_mean(figures[1], figures[0])
    parts = _effects(covariates(one), covariates(two), baseline, two.end)
    rest = math.log(figures[1] / figures[0]) - sum(parts)
    return (*_other(one, two, before), *_load(one, two, parts, scale)), rest * scale


def _effects(
    one: tuple[float, ...], two: tuple[float, ...], baseline: Baseline, end: float
) -> tuple[float, ...]:
    parts = [0.0] * len(one)
    orders = list(permutations(range(len(one))))
    for order in orders:
        now = list(one)
        at = baseline.at(tuple(now), end)
        for which in order:
            now[which] = two[which]
            then = baseline.at(tuple(now), end)
            parts[which] += (then - at) / len(orders)
            at = then
    return tuple(parts)


def _load(one: Row, two: Row, parts: tuple[float, ...], scale: float) -> list[Cause]:
    amounts = [
        (one.requests / one.seconds, two.requests / two.seconds),
        _per_request(one.input_tokens, one, two.input_tokens, two),
        _per_request(one.output_tokens, one, two.output_tokens, two),
        (one.company / one.seconds, two.company / two.seconds),
    ]
    return [
        Cause(what=what, before=pair[0], after=pair[1], joules=part * scale)
        for what, pair, part in zip(COVARIATES, amounts, parts, strict=True)
        if pair is not None and (_changed(*pair) or abs(part) >= NOTABLE)
    ]


def _other(one: Row, two: Row, before: Sequence[Row]) -> list[Cause]:
    found: list[Cause] = []
    first = before[0]  # what came shortly before the rise began came with it: beginnings are not exact
    if two.version != first.version:
        found.append(Cause(what="release", before=first.version, after=two.version))
    if two.devices != first.devices:
        found.append(Cause(what="hardware", before=", ".join(first.devices), after=", ".join(two.devices)))
    if one.request_seconds is not None and two.request_seconds is not None:
        batch = one.request_seconds / one.seconds, two.request_seconds / two.seconds
        if _changed(*batch):
            found.append(Cause(what="batch", before=batch[0], after=batch[1]))
    failed = one.failed / max(one.requests, 1.0), two.failed / max(two.requests, 1.0)
    if abs(failed[1] - failed[0]) >= NOTABLE:
        found.append(Cause(what="failed_share", before=failed[0], after=failed[1]))
    return found


def _per_request(one: float | None, first: Row, two: float | None, second: Row) -> tuple[float, float] | None:
    if one is None or two is None:
        return None
    return one / max(first.requests - first.failed, 0.5), two / max(second.requests - second.failed, 0.5)


def _changed(before: float, after: float) -> bool:
    if before <= 0.0 or after <= 0.0:
        return before != after
    return abs(math.log(after / before)) >= NOTABLE
