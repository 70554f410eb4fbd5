"""Parsed values of many rows, and the requests that they make: what a log's times mean."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from wattmark.attribution.columns import UNKNOWN, Flags, Ints, Longs, Names, RequestColumns
from wattmark.attribution.logs.layout import COUNTS, SAID, SPANS, STAMPS
from wattmark.attribution.logs.tally import Tally
from wattmark.attribution.logs.values import EARLIEST_US, LATEST_US, LONGEST_SPAN_US, MISSING
from wattmark.core.serving.request import Service

VALUES = (*STAMPS, *SPANS, *COUNTS, "failed", *SAID)
LEAST_ERROR = 400
"""HTTP: from this status on a request did not succeed (RFC 9110); 499 is nginx's for a client that left, and
0 is Envoy's for no answer at all."""


@dataclass(slots=True)
class Services:
    """Whose requests a log holds, each numbered once for all chunks."""

    numbers: dict[Service, int] = field(default_factory=dict)
    _by_names: dict[tuple[str, ...], int] = field(default_factory=dict)

    def number(self, names: tuple[str, str, str, str]) -> int:
        """The number of a service by its model, version, tenant and target."""
        found = self._by_names.get(names)
        if found is None:
            model, version, tenant, target = names
            service = Service(model=model, model_version=version, tenant=tenant, target=target)
            found = self._by_names[names] = self.numbers.setdefault(service, len(self.numbers))
        return found

    @property
    def all(self) -> tuple[Service, ...]:
        """All of them by number."""
        return tuple(self.numbers)


@dataclass(frozen=True, slots=True, kw_only=True)
class Parsed:
    """Values of rows, MISSING where a row does not tell one; columns that the log lacks are absent."""

    row: Longs
    values: Mapping[str, Longs]
    service: Ints
    request_id: Names

    def __len__(self) -> int:
        return len(self.row)

    def column(self, name: str) -> Longs:
        """One column, all MISSING when the log does not have it."""
        found = self.values.get(name)
        return np.full(len(self), MISSING, np.int64) if found is None else found


def requests_of(parsed: Parsed, services: Services, tally: Tally, tolerance_us: int = 0) -> RequestColumns:
    """The requests of rows; those that cannot be count as bad, those that reached no engine as ignored."""
    get = parsed.column
    reached = get("reached") != 0
    tally.ignored += int((~reached).sum())
    start, end, duration = get("start"), get("end"), get("duration")
    start = np.where(start == MISSING, _sum(end, duration, -1), start)
    end = np.where(end == MISSING, _sum(start, duration), end)
    refusal = _Refusal(reached)
    refusal.add((start == MISSING) | (end == MISSING), "does not say from when until when it lasted")
    arrival = start
    waited = _known(get("queue")) + _known(get("earlier"))
    start = start + waited
    refusal.add((waited > 0) & (start > end + tolerance_us), "waited longer than it lasted: is a unit wrong?")
    begun = np.minimum(start, end) if waited.any() else start
    worked = _sum(begun, get("work"))
    end = np.where((worked != MISSING) & (worked < end), worked, end)
    refusal.add(end < begun, "ends before it starts")
    refusal.add(end - begun > LONGEST_SPAN_US, "lasts more than a day: is a unit wrong?")
    refusal.add((begun < EARLIEST_US) | (end >= LATEST_US), "lies before 2001 or after 2100")
    first = _first_token(parsed, arrival, begun, end)
    outside = (first != MISSING) & ((first < begun - tolerance_us) | (first > end + tolerance_us))
    refusal.add(outside, "has its first token before its start or after its end")
    first = np.where(first == MISSING, UNKNOWN, np.clip(first, begun, np.maximum(begun, end)))
    given, cached = _or_unknown(get("input_tokens")), _known(get("cached_input_tokens"))
    refusal.add((given != UNKNOWN) & (cached > given), "has more cached input tokens than input tokens")
    status = get("status")
    failed = (
        (get("failed") == 1)
        | (get("error") == 1)
        | (get("aborted") == 1)
        | (get("completed") == 0)
        | (status >= LEAST_ERROR)
        | (status == 0)
    )
    for index in np.flatnonzero(refusal.refused):
        tally.refuse(int(parsed.row[index]), refusal.reason(int(index)))
    good = reached & ~refusal.refused
    kept = slice(None) if good.all() else good
    return RequestColumns(
        start_us=begun[kept],
        first_token_us=first[kept],
        end_us=end[kept],
        input_tokens=given[kept],
        cached_input_tokens=cached[kept],
        output_tokens=_or_unknown(get("output_tokens"))[kept],
        weight=_or_unknown(get("weight"))[kept],
        failed=failed[kept],
        service=parsed.service[kept],
        services=services.all,
        row=parsed.row[kept],
        request_id=parsed.request_id[kept] if len(parsed.request_id) else parsed.request_id,
    )


def _first_token(parsed: Parsed, arrival: Longs, begun: Longs, end: Longs) -> Longs:
    """When the first token came, by whatever tells it first."""
    first = parsed.column("first_token")
    for moment, name, sign in (
        (arrival, "to_first_token", 1),
        (begun, "to_first_byte", 1),
        (end, "decode", -1),
    ):
        if name in parsed.values:
            first = np.where(first == MISSING, _sum(moment, parsed.values[name], sign), first)
    return first


class _Refusal:
    """Which rows are refused, and why: the first reason found stays."""

    def __init__(self, looked_at: Flags) -> None:
        self.refused = np.zeros(len(looked_at), np.bool_)
        self._looked_at = looked_at
        self._reasons: list[tuple[Flags, str]] = []

    def add(self, wrong: Flags, reason: str) -> None:
        fresh = wrong & self._looked_at & ~self.refused
        if fresh.any():
            self._reasons.append((fresh, reason))
            self.refused |= fresh

    def reason(self, index: int) -> str:
        return next(reason for rows, reason in self._reasons if rows[index])


def _sum(one: Longs, other: Longs, sign: int = 1) -> Longs:
    """Their sum (or difference), MISSING where one of them is."""
    return np.where((one == MISSING) | (other == MISSING), MISSING, one + sign * other)


def _known(values: Longs) -> Longs:
    return np.where(values == MISSING, 0, values)


def _or_unknown(values: Longs) -> Longs:
    return np.where(values == MISSING, UNKNOWN, values)
