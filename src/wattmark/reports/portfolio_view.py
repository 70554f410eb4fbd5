"""What a report of a portfolio shows: one frozen value that every form of it is made from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

from wattmark.core.errors import NotComparable
from wattmark.core.figure import Figure, Missing
from wattmark.core.frozen import Drift, Frozen, Held, held_against
from wattmark.core.portfolio import TITLES, Inventory, Line
from wattmark.core.targets import Progress, Standing
from wattmark.reports.quantities import number, percent, quantity, scale_of

SPLITS: Mapping[str, str] = {"team": "By team", "model": "By model", "stage": "By stage", "site": "By site"}
"""Keys by which energy and carbon are split, and how the tables are called."""
SPLIT_LINES = ("energy", "scope2_location", "scope2_market", "scope31")
MARKS: Mapping[Standing, str] = {
    Standing.ON_TRACK: "yes",
    Standing.AT_RISK: "warn",
    Standing.MISSED: "bad",
    Standing.NOT_ENOUGH: "warn",
    Standing.NOT_BEGUN: "no",
}
NEVER_ADDED = (
    "Figures of different accounting, basis or inventory are never added: there is no grand total. The two "
    "figures of Scope 2 are two methods for the same electricity, and the two of Scope 3.1 are two estimates "
    "of the same service."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class PortfolioView:
    """Everything that a report of a portfolio shows. Rendering it reads no clock, file or network."""

    ledger: str
    version: int
    period: str
    first: date
    after: date
    """The first day that is no longer in it."""
    until: date
    """The first day that is not counted yet."""
    inventory: Inventory
    baseline: Frozen | None = None
    drifts: tuple[Drift, ...] = ()
    """How far the baseline's own period has moved since it was frozen."""
    splits: Mapping[str, tuple[tuple[str, tuple[Line, ...]], ...]] = field(default_factory=dict)
    """Key -> (value, lines of SPLIT_LINES)."""
    months: tuple[tuple[str, tuple[Line, ...]], ...] = ()
    """Month -> lines of SPLIT_LINES."""
    targets: tuple[Progress, ...] = ()
    tables: Mapping[str, str] = field(default_factory=dict)
    coverage: tuple[tuple[str, str], ...] = ()
    """What is not measured, and what to do about it."""
    reconciliation: tuple[tuple[str, ...], ...] = ()
    """Rows of our carbon beside the providers'; the first one names the columns."""
    problems: tuple[str, ...] = ()
    """Parts of the report that could not be made, and why."""
    generated_at: str = ""
    wattmark_version: str = ""

    @property
    def days(self) -> int:
        """Days that are counted."""
        return max(0, (min(self.until, self.after) - self.first).days)

    @property
    def title(self) -> str:
        """Ledger and period."""
        return f"{self.ledger}, {self.period}"

    @property
    def span(self) -> str:
        """First and last day, and how much of the period that is."""
        whole = (self.after - self.first).days
        part = "" if self.days >= whole else f", {self.days} of {whole} days so far"
        return f"{self.first} to {self.after} (not in it any more){part}"


def value_words(line: Line) -> str:
    """The figure of a line; a lack says what is lacking."""
    if isinstance(line.figure, Missing):
        return f"missing: {line.figure.field}"
    figure = shown(line.figure)
    return quantity(figure.value, figure.unit)


def shown(figure: Figure) -> Figure:
    """Energy in kWh, as inventories count it; everything else as it is."""
    return figure.scaled(1 / 3.6e6, "kWh") if figure.unit == "J" else figure


def interval_words(figure: Figure) -> str:
    """The 95 % interval in the unit of the value; empty for an exact figure."""
    figure = shown(figure)
    if figure.half_width == 0:
        return ""
    low, high = figure.interval
    divisor, unit = scale_of(figure.value, figure.unit)
    return f"{number(low / divisor)} to {number(high / divisor)} {unit}"


def line_cells(line: Line) -> tuple[str, str, str, str, str]:
    """Value, interval, grade, coverage and estimated share."""
    if isinstance(line.figure, Missing):
        return value_words(line), "", "", "", ""
    grade = line.figure.grade.value if line.figure.grade else ""
    return (
        value_words(line),
        interval_words(line.figure),
        grade,
        percent(line.coverage),
        percent(line.estimated),
    )


NOT_HELD = {"periods of equal length": "not compared: other length", "a change": "none there (0)"}
"""Why a figure is not held against a baseline that has one, in the words of a cell."""


def held_words(view: PortfolioView, line: Line) -> str:
    """The change against the baseline, or why there is none."""
    if view.baseline is None or isinstance(line.figure, Missing):
        return ""
    try:
        held = held_against(line, view.inventory.asked, view.days, view.baseline)
    except NotComparable as refusal:
        return f"refused: {'; '.join(name for name, _, _ in refusal.differing)}"
    if isinstance(held, Missing):
        return NOT_HELD.get(held.field, "no figure there")
    return change_words(held)


def change_words(held: Held) -> str:
    """``-8.0 % (-10.2 to -5.8)``."""
    per = " per day" if held.per_day else ""
    return f"{held.change:+.1%}{per} ({held.low:+.1%} to {held.high:+.1%})"


def limit_words(progress: Progress) -> str:
    """The limit of a target in its unit."""
    if isinstance(progress.limit, Missing):
        return f"missing: {progress.limit.field}"
    return amount_words(progress.limit, progress.target.unit)


def amount_words(value: float, unit: str) -> str:
    """An amount in the unit of a target; joules as kWh."""
    head, slash, rest = unit.partition("/")
    if head == "J":
        return quantity(value / 3.6e6, f"kWh{slash}{rest}")
    return quantity(value, unit)


def so_far_words(progress: Progress) -> str:
    """What it is so far."""
    if isinstance(progress.so_far, Missing):
        return f"missing: {progress.so_far.field}"
    return amount_words(progress.so_far.value, progress.target.unit)


def projected_words(progress: Progress) -> str:
    """What it will come to, with the interval."""
    told = progress.projected
    if told is None:
        return ""
    unit = progress.target.unit
    low, high = amount_words(told.low, unit), amount_words(told.high, unit)
    return f"{amount_words(told.value, unit)} ({low} to {high})"


def missing_lines(view: PortfolioView) -> list[tuple[str, str, str]]:
    """(line, what is missing, what to do) of every line without a figure."""
    return [
        (line.title, line.figure.field, line.figure.hint)
        for line in view.inventory.lines
        if isinstance(line.figure, Missing)
    ]


def notes_of(view: PortfolioView) -> list[tuple[str, str]]:
    """(line, what is to be said beside its figure), each note once."""
    found = []
    for line in view.inventory.lines:
        if isinstance(line.figure, Figure):
            found += [(line.title, note) for note in line.figure.notes]
        if not line.primary:
            other = "shown beside the estimate that stands for Scope 3.1, and never added to it"
            found.append((line.title, other))
    return list(dict.fromkeys(found))


def title_of(line: str) -> str:
    """What a line is called."""
    return TITLES[line]
