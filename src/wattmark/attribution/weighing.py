"""What many requests weigh: the same whole numbers as core.serving.weights, a column at a time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np

from wattmark.attribution.columns import UNKNOWN, Flags, Longs, RequestColumns
from wattmark.core.serving.request import Phase, Rule, Service
from wattmark.core.serving.weights import HEAVIEST, MOST_WORK, PER_UNIT, SCALE, UNIT, Means, Weighing


@dataclass(frozen=True, slots=True, eq=False)
class Stretches:
    """The parts of many requests' time: one or two each, with the work of each (UNKNOWN: not told)."""

    phased: Flags
    """Two parts, of which the first is prefill and the second decode; otherwise one with all the work."""
    middle_us: Longs
    """Where the first part ends; the end of a request that has only one."""
    first_us: Longs
    """Lengths of the first parts; 0 in a request without length."""
    second_us: Longs
    first_work: Longs
    second_work: Longs


def stretches(columns: RequestColumns, weighing: Weighing) -> Stretches:
    """The parts of each request's time and the work in them."""
    start, first, end = columns.start_us, columns.first_token_us, columns.end_us
    phased = (first > start) & (first < end)
    middle = np.where(phased, first, end)
    uncached = columns.input_tokens - columns.cached_input_tokens
    read = np.where(columns.input_tokens == UNKNOWN, UNKNOWN, uncached * weighing.input_units)
    written = np.where(columns.output_tokens == UNKNOWN, UNKNOWN, columns.output_tokens * UNIT)
    whole = np.where((read == UNKNOWN) | (written == UNKNOWN), UNKNOWN, read + written)
    return Stretches(phased, middle, middle - start, end - middle, np.where(phased, read, whole), written)


def learn(columns: RequestColumns, parts: Stretches, means: Means) -> None:
    """Take in what the requests tell, for those that do not. Those that were turned away tell nothing."""
    worked = ~(columns.failed & (columns.input_tokens == 0) & (columns.output_tokens == 0))
    phased, lasting = parts.phased, parts.first_us > 0
    first_told, second_told = (parts.first_work != UNKNOWN) & worked, (parts.second_work != UNKNOWN) & worked
    both = phased & first_told & second_told
    whole_work, whole_us = parts.first_work + parts.second_work, parts.first_us + parts.second_us
    for phase, chosen, work, length_us in (
        (Phase.PREFILL, phased & first_told, parts.first_work, parts.first_us),
        (Phase.DECODE, phased & second_told, parts.second_work, parts.second_us),
        (Phase.WHOLE, ~phased & lasting & first_told, parts.first_work, parts.first_us),
        (Phase.WHOLE, both, whole_work, whole_us),
    ):
        works = _sums(columns, chosen, work)
        for service, done, passed in zip(
            columns.services, works, _sums(columns, chosen, length_us), strict=True
        ):
            if passed:
                means.learn(service, phase, done, passed)
    declaring = (columns.weight != UNKNOWN) & worked
    counts = _sums(columns, declaring, np.ones(len(columns), np.int64))
    for service, total, count in zip(
        columns.services, _sums(columns, declaring, columns.weight), counts, strict=True
    ):
        if count:
            means.learn_weight(service, total, count)


def weights(columns: RequestColumns, parts: Stretches, means: Means, rule: Rule) -> tuple[Longs, Longs]:
    """What each request weighs in its first part and in its second; 0 in parts that it does not have."""
    n = len(columns)
    if rule is Rule.EQUAL:
        first = np.full(n, SCALE, np.int64)
        return first, np.where(parts.phased, first, 0)
    if rule is Rule.WEIGHT:
        mean = _by_service(columns, means.weight_of)
        told = np.clip(np.minimum(columns.weight, HEAVIEST // SCALE) * SCALE, 1, HEAVIEST)
        first = np.where(columns.weight == UNKNOWN, mean, told)
        return first, np.where(parts.phased, first, 0)
    first = _rates(parts.first_work, parts.first_us)
    silent = parts.first_work == UNKNOWN
    for phase, chosen in ((Phase.PREFILL, silent & parts.phased), (Phase.WHOLE, silent & ~parts.phased)):
        if chosen.any():
            first[chosen] = _by_service(columns, partial(means.rate_of, phase=phase))[chosen]
    second = _rates(parts.second_work, parts.second_us)
    silent = parts.phased & (parts.second_work == UNKNOWN)
    if silent.any():
        second[silent] = _by_service(columns, partial(means.rate_of, phase=Phase.DECODE))[silent]
    return first, np.where(parts.phased, second, 0)


def estimated(columns: RequestColumns, parts: Stretches, rule: Rule) -> Flags:
    """Which requests leave out what the rule weighs them by, so that a mean stands in."""
    if rule is Rule.EQUAL:
        return np.zeros(len(columns), np.bool_)
    if rule is Rule.WEIGHT:
        silent: Flags = columns.weight == UNKNOWN
        return silent
    lasting = parts.first_us > 0
    first = lasting & (parts.first_work == UNKNOWN)
    either: Flags = first | (parts.phased & (parts.second_work == UNKNOWN))
    return either


def _rates(work: Longs, length_us: Longs) -> Longs:
    length = np.maximum(length_us, 1)
    rates = (np.minimum(work, MOST_WORK) * PER_UNIT + length // 2) // length
    bounded: Longs = np.clip(rates, 1, HEAVIEST)
    return bounded


def _by_service(columns: RequestColumns, weight_of: Callable[[Service], int]) -> Longs:
    known = [weight_of(service) for service in columns.services]
    return np.array(known, np.int64)[columns.service] if known else np.empty(0, np.int64)


def _sums(columns: RequestColumns, chosen: Flags, amounts: Longs) -> list[int]:
    """Sums by service, exact: each is split into halves that a float holds without rounding."""
    index, taken = columns.service[chosen], amounts[chosen]
    size = len(columns.services)
    low = np.bincount(index, taken & 0xFFFFFFFF, size)
    high = np.bincount(index, taken >> 32, size)
    return [(int(h) << 32) + int(low_) for h, low_ in zip(high, low, strict=True)]
