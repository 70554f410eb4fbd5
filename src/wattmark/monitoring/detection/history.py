"""The rows that a baseline is made from, kept small: a fortnight of minutes is a megabyte and a half."""

from __future__ import annotations

import math
from array import array
from collections.abc import Iterator, Mapping
from typing import Any

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

    def as_dict(self) -> dict[str, Any]:
        """Ready for JSON, as columns."""
        said = [(v, list(d), t.rule, list(t.known)) for v, d, t in self._said]
        columns = {
            name: [None if math.isnan(value) else value for value in column]
            for name, column in self._columns.items()
        }
        return {"columns": columns, "which": list(self._which), "said": said}

    @classmethod
    def from_dict(cls, found: Mapping[str, Any]) -> History:
        """Read what ``as_dict`` gave. Raises KeyError, TypeError or ValueError for anything else."""
        history = cls()
        for name, column in history._columns.items():
            column.extend(math.nan if value is None else value for value in found["columns"][name])
        history._which.extend(found["which"])
        if len({len(history._which), *map(len, history._columns.values())}) > 1:
            raise ValueError("columns of different lengths")
        for index, (version, devices, rule, known) in enumerate(found["said"]):
            history._said[version, tuple(devices), Terms(rule, tuple(known))] = index
        if len(history) and max(history._which) >= len(history._said):
            raise ValueError("rows of a release that is not there")
        return history

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
