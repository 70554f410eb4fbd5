"""A source of bills: reads rows, makes lines of them, and gives the records of each delivery."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice

from wattmark.core.imported import Imported
from wattmark.core.run import SourceId
from wattmark.sources.bill_line import BillLine
from wattmark.sources.bill_runs import Delivery
from wattmark.sources.bill_settings import BillSettings
from wattmark.sources.bill_tables import Row
from wattmark.sources.portions import ROWS, Notes, Portion

NO_LOAD = (
    "nobody stated how busy the machines were: half busy is taken, and the error holds all from idle to full "
    "(-o utilisation=0.35, or a CSV)"
)


CUT = "has more or fewer cells than the first line names: is the file cut off?"


def line_of(row: Row | None, make: Callable[[Row], BillLine | None]) -> Callable[[], BillLine | None]:
    """Makes a line of a row when it is asked to; a row that does not fit its header is a bad one."""

    def line() -> BillLine | None:
        if row is None:
            raise ValueError(CUT)
        return make(row)

    return line


@dataclass(frozen=True, slots=True)
class Told:
    """One row of a bill as an importer hands it on."""

    place: str
    delivery: str
    """What tells the deliveries of one import apart: rows of one are added up."""
    line: Callable[[], BillLine | None]
    """Makes the line: None for a row that is none of ours. Raises ValueError for one that cannot be."""


@dataclass(frozen=True, slots=True)
class BillSource:
    """All rows of a bill; nothing is known of a machine's day before the last of them."""

    source: SourceId
    settings: BillSettings
    rows: Callable[[], Iterable[Told]]
    notes: tuple[str, ...] = ()

    def read(self) -> Iterator[Imported]:
        """The records of every delivery, portion by portion."""
        portion, deliveries = Portion(), dict[str, Delivery]()
        for told in self.rows():
            try:
                line = told.line()
                if line is None:
                    portion.ignored += 1
                    continue
                delivery = deliveries.get(told.delivery)
                if delivery is None:
                    delivery = deliveries[told.delivery] = Delivery(self.source, self.settings)
                reason = delivery.add(line)
            except ValueError as error:
                portion.refuse(told.place, str(error))
                continue
            if reason is None:
                portion.taken += 1
            else:
                portion.refuse(told.place, reason)
        runs = (run for _, delivery in sorted(deliveries.items()) for run in delivery.runs())
        while batch := list(islice(runs, ROWS)):
            portion.runs = batch
            yield portion.brought()
            portion = Portion()
        yield portion.brought(self._said(deliveries.values()))

    def _said(self, deliveries: Iterable[Delivery]) -> Notes:
        notes = Notes()
        for remark in self.notes:
            notes.add(remark)
        missed: dict[str, float] = {}
        several: set[str] = set()
        energy = False
        for delivery in deliveries:
            energy = energy or bool(delivery.energy)
            several |= delivery.pooled
            for what, hours in delivery.unconverted.items():
                missed[what] = missed.get(what, 0.0) + hours
        if energy and not self.settings.stated:
            notes.add(NO_LOAD)
        if missed:
            each = ", ".join(f"{what} ({hours:g} h)" for what, hours in sorted(missed.items()))
            notes.add(f"{sum(missed.values()):g} hours are not converted to energy: {each}")
        if several:
            notes.add(f"resources that are several machines count in the pool of their type: {_few(several)}")
        return notes


def _few(names: set[str]) -> str:
    shown = sorted(names)
    return ", ".join(shown[:6]) + (f" and {len(shown) - 6} more" if len(shown) > 6 else "")
