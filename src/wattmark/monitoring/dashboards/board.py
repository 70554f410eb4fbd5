"""A dashboard as plain data: rows of panels, each with its queries. Nothing here needs Grafana's packages."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

COLUMNS = 24
"""Of Grafana's grid."""


class Kind(StrEnum):
    """What a panel looks like."""

    LINES = "timeseries"
    NUMBER = "stat"
    TABLE = "table"


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """One query of a panel."""

    expr: str
    legend: str = ""
    dashed: bool = False
    """Something to hold the others against: a baseline, a limit."""
    fill_to: str = ""
    """Legend of another query: the space between the two is filled, as a band."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """One panel. Wide and high in cells of the grid."""

    title: str
    what: str
    """What it shows and how it is known: the description that opens beside the title."""
    queries: Sequence[Query]
    unit: str
    """Grafana's id of a unit: ``watt``, ``joule``, ``percentunit``, ..."""
    kind: Kind = Kind.LINES
    width: int = 12
    height: int = 8
    stacked: bool = False
    warn: float | None = None
    """From here on it is drawn in red."""
    repeat: str = ""
    """Variable for each value of which the panel is shown once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """Panels under one heading."""

    title: str
    panels: Sequence[Panel]


@dataclass(frozen=True, slots=True, kw_only=True)
class Variable:
    """A choice at the top: values of a label of a series. All of them unless some are chosen."""

    name: str
    label: str
    series: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """Events on the time axis: while the query has a result."""

    name: str
    expr: str
    title: str
    colour: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Board:
    """One dashboard."""

    uid: str
    title: str
    what: str
    rows: Sequence[Row]
    variables: Sequence[Variable] = ()
    marks: Sequence[Mark] = ()
    span: str = "now-6h"


@dataclass(frozen=True, slots=True)
class Placed:
    """Where a panel stands on the grid."""

    panel: Panel
    x: int
    y: int


def placed(board: Board) -> Iterator[Placed | tuple[Row, int]]:
    """Headings with their line, and panels from left to right below; a line is as high as its highest."""
    y = 0
    for row in board.rows:
        yield row, y
        y, x, line = y + 1, 0, 0
        for panel in row.panels:
            if x + panel.width > COLUMNS:
                y, x, line = y + line, 0, 0
            yield Placed(panel, x, y)
            x, line = x + panel.width, max(line, panel.height)
        y += line


def number(title: str, expr: str, unit: str, what: str, *, warn: float | None = None) -> Panel:
    """A small panel with one figure as it stands."""
    return Panel(
        title=title,
        what=what,
        queries=[Query(expr=expr)],
        unit=unit,
        kind=Kind.NUMBER,
        width=6,
        height=4,
        warn=warn,
    )


def lines(title: str, unit: str, what: str, *queries: Query, stacked: bool = False, width: int = 12) -> Panel:
    """A plot over time."""
    return Panel(title=title, what=what, queries=queries, unit=unit, stacked=stacked, width=width)


def table(title: str, unit: str, what: str, expr: str, *, width: int = 12) -> Panel:
    """Rows of labels with their values as they stand."""
    return Panel(title=title, what=what, queries=[Query(expr=expr)], unit=unit, kind=Kind.TABLE, width=width)
