"""Measured PUE in a ledger: CSV files under ``pue/``, one a site, which totals meet interval by interval."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Protocol

from wattmark.core.errors import ConfigError
from wattmark.core.pue_series import PueInterval, PueSeries
from wattmark.core.site import SitePue
from wattmark.ledger.onewriter import one_writer
from wattmark.ledger.store import Entry
from wattmark.stated.pue_csv import AGAIN, parse_pue_csv, pue_csv

FOLDER = "pue/"


class PueStore(Protocol):
    """What this needs of a store."""

    url: str

    def names(self, prefix: str) -> Iterator[Entry]:
        """The files below a folder."""
        ...

    def read(self, name: str) -> bytes:
        """A whole file. Raises FileNotFoundError when it is not there."""
        ...

    def replace(self, name: str, data: bytes) -> None:
        """Make a file, or put another in its place."""
        ...

    def put_new(self, name: str, data: bytes) -> bool:
        """Make a file; False when there is one of this name."""
        ...

    def delete(self, name: str) -> None:
        """Remove a file."""
        ...


def measured_series(store: PueStore) -> tuple[PueSeries, ...]:
    """The series of every file. Raises ConfigError that names the file and the line."""
    names = sorted(entry.name for entry in store.names(FOLDER) if entry.name.endswith(".csv"))
    found = [series for name in names for series in _read(store, name)]
    _apart(store, found)
    return tuple(found)


def measured_pues(store: PueStore) -> tuple[SitePue, ...]:
    """The PUE of every interval that tells one; of each site in order of time. Raises ConfigError."""
    return in_order(pue for series in measured_series(store) for pue in series.site_pues())


def in_order(pues: Iterable[SitePue]) -> tuple[SitePue, ...]:
    """By site and time."""
    return tuple(sorted(pues, key=lambda p: (p.site, p.start_us or 0)))


def add_measured(store: PueStore, series: PueSeries) -> tuple[str, int]:
    """Keep a series in the ledger; says the file, and how many intervals it holds now.

    Intervals of the same time are replaced, whole.
    """
    name = f"{FOLDER}{re.sub(r'[^A-Za-z0-9._-]', '_', series.site)}.csv"
    with one_writer(store, name):
        try:
            kept = _read(store, name)
        except FileNotFoundError:
            kept = ()
        spans = [(i.start_us, i.end_us) for i in series.intervals]
        older = [
            replace(one, intervals=tuple(i for i in one.intervals if not _touches(i, spans)))
            if one.site == series.site
            else one  # of a site whose name makes the same file
            for one in kept
        ]
        pieces = [replace(one, intervals=(i,)) for one in (*older, series) for i in one.intervals]
        pieces.sort(key=lambda one: one.intervals[0].start_us)
        store.replace(name, pue_csv(pieces).encode())
    return name, sum(one.site == series.site for one in pieces)


def _read(store: PueStore, name: str) -> tuple[PueSeries, ...]:
    return parse_pue_csv(store.read(name), f"{store.url}/{name}")


def _touches(interval: PueInterval, spans: Sequence[tuple[int, int]]) -> bool:
    """Whether one of the spans, in order, meets it."""
    at = bisect_right(spans, interval.start_us, key=lambda span: span[1])
    return at < len(spans) and spans[at][0] < interval.end_us


def _apart(store: PueStore, found: Sequence[PueSeries]) -> None:
    """Two files of one site would leave the choice to chance."""
    every = sorted((s.site, i.start_us, i.end_us) for s in found for i in s.intervals)
    for (site, _, end), (other, start, _) in pairwise(every):
        if site == other and start < end:
            problem = f"site {site!r} is measured twice at one time, in two files: keep one. {AGAIN}"
            raise ConfigError(f"{store.url}/{FOLDER}", "", problem)
