"""The rows that a baseline is made from, kept small: a fortnight of minutes is a megabyte and a half."""

from __future__ import annotations

import math
from array import array
from collections.abc import Iterator

from wattmark.monitoring.detection.row import Row, Terms

NUMBERS = (
    "end",
    "seconds",
    "joules",
    "requests",
    "failed",
    "input_tokens",
    "output_tokens",
    "request_seconds",
    "company",
)


class History:
    """Rows as columns; what seldom changes (release, devices, terms) is kept once."""

    def __init__(self) -> None:
        self._columns = {name: array("d") for name in NUMBERS}
        self._which = array("L")
        self._said: dict[tuple[str, tuple[str, ...], Terms], int] = {}

    def __len__(self) -> int:
        return len(self._which)

    def append(self, row: Row) -> None:
        """Keep one more."""
        for name, column in self._columns.items():
            value = getattr(row, name)
            column.append(math.nan if value is None else value)
        said = (row.version, row.devices, row.terms)
        self._which.append(self._said.setdefault(said, len(self._said)))

    def __iter__(self) -> Iterator[Row]:
        said = list(self._said)
        for values, which in zip(zip(*self._columns.values(), strict=True), self._which, strict=True):
            version, devices, terms = said[which]
            known = {n: None if math.isnan(v) else v for n, v in zip(NUMBERS, values, strict=True)}
            yield Row(**known, version=version, devices=devices, terms=terms)  # type: ignore[arg-type]

    @property
    def start(self) -> float:
        """Of the first row; infinite when there is none."""
        return self._columns["end"][0] - self._columns["seconds"][0] if len(self) else math.inf

    @property
    def end(self) -> float:
        """Of the last row."""
        return self._columns["end"][-1] if len(self) else -math.inf

    def since(self, moment: float) -> History:
        """The rows that begin at this moment or later."""
        found = History()
        for row in self:
            if row.start >= moment:
                found.append(row)
        return found
