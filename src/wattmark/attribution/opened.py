"""Requests on their way through a sweep: what they weigh, and what they used so far."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from wattmark.attribution.columns import Flags, Longs, RequestColumns, joined
from wattmark.attribution.result import RequestEnergies
from wattmark.attribution.weighing import Stretches, estimated, weights
from wattmark.core.serving.request import Rule
from wattmark.core.serving.weights import Means

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Opened:
    """Requests that are not wholly divided; the arrays of joules and times are added to in place."""

    columns: RequestColumns
    ordinal: Longs
    """The how-manyeth of all requests each is, from 0."""
    phased: Flags
    middle_us: Longs
    first: Longs
    """Weights of the first part: one row per rule, one column per request."""
    second: Longs
    estimated: Flags
    late_us: Longs
    joules: Floats
    prefill: Floats
    decode: Floats
    observed_us: Longs
    passed_us: Longs
    """Inside what was divided, over all devices of each."""

    def __len__(self) -> int:
        return len(self.ordinal)

    def take(self, chosen: Flags) -> Opened:
        """Some of them."""
        arrays = {name: getattr(self, name)[..., chosen] for name in ARRAYS}
        return Opened(columns=self.columns[chosen], **arrays)

    def energies(self) -> RequestEnergies:
        """What they used, once they are over."""
        share = np.full(len(self), np.nan)
        np.divide(self.observed_us, self.passed_us, out=share, where=self.passed_us > 0)
        return RequestEnergies(
            columns=self.columns,
            ordinal=self.ordinal,
            joules=self.joules,
            prefill_joules=self.prefill,
            decode_joules=self.decode,
            observed_share=share,
            estimated=self.estimated,
            late_us=self.late_us,
        )


ARRAYS = tuple(f.name for f in fields(Opened) if f.name != "columns")


def opened(
    columns: RequestColumns, parts: Stretches, means: Means, rules: Sequence[Rule], ordinal: int
) -> Opened:
    """Requests that have used nothing yet; the first of them is the ``ordinal``-th of all."""
    n = len(columns)
    by_rule = [weights(columns, parts, means, rule) for rule in rules]
    return Opened(
        columns=columns,
        ordinal=np.arange(ordinal, ordinal + n),
        phased=parts.phased,
        middle_us=parts.middle_us,
        first=np.stack([first for first, _ in by_rule]),
        second=np.stack([second for _, second in by_rule]),
        estimated=estimated(columns, parts, rules[0]),
        late_us=np.zeros(n, np.int64),
        joules=np.zeros(n),
        prefill=np.zeros(n),
        decode=np.zeros(n),
        observed_us=np.zeros(n, np.int64),
        passed_us=np.zeros(n, np.int64),
    )


def together(parts: Sequence[Opened]) -> Opened:
    """Several as one, one after the other."""
    if len(parts) == 1:
        return parts[0]
    arrays = {name: np.concatenate([getattr(p, name) for p in parts], axis=-1) for name in ARRAYS}
    return Opened(columns=joined([part.columns for part in parts]), **arrays)


def split(some: Opened, chosen: Flags) -> tuple[Opened, Opened | None]:
    """Those that are chosen, and the others; None when there are none."""
    if chosen.all():
        return some, None
    return some.take(chosen), some.take(~chosen)
