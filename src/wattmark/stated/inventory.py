"""``devices.csv``: the hardware that somebody bought, one line for devices of one kind bought together.

The columns are told in docs/methodology/embodied.md. Everything is read strictly: a slip of the pen is a
ConfigError that names the file, the line and the column.
"""

from __future__ import annotations

import difflib
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import tzinfo

from wattmark import tables
from wattmark.core.embodied import Footprint, find_footprint, footprint_from
from wattmark.core.errors import ConfigError, UsageError
from wattmark.core.inventory import (
    COMPONENTS,
    EVERYTHING,
    HOURS_PER_YEAR,
    MACHINE,
    NEW,
    OWNED,
    OWNERSHIPS,
    REFURBISHED,
    REMAINING,
    Asset,
    checked,
)
from wattmark.core.units import GRAMS_PER_KG
from wattmark.fields import ISO_DAY
from wattmark.hashing import id_of_name
from wattmark.stated.csv_rows import csv_rows, micros

REQUIRED = ("name", "component", "purchased", "lifespan_years")
COLUMNS = (
    *REQUIRED,
    "host",
    "device_id",
    "model",
    "total_kg",
    "gb",
    "quantity",
    "contains",
    "in_service_from",
    "in_service_until",
    "refurbished",
    "previous_years",
    "refurbishing_kg",
    "ownership",
    "mode",
    "utilisation",
    "reserved_share",
    "site",
    "source",
    "relative_error",
)
MODES = ("reserved", "utilised")
MOST_YEARS = 100.0
ASSUMED_ERROR = 0.5
"""Half width at 95 % of a total that somebody states without one: independent figures of one accelerator lie
that far apart (data/embodied.csv, H100)."""


def shipped_footprints() -> list[Footprint]:
    """Every row of the shipped table of embodied carbon. Raises ConfigError when it was altered."""
    return [footprint_from(row) for row in tables.rows("embodied")]


def parse_inventory(data: bytes, file: str, zone: tzinfo, table: Sequence[Footprint]) -> tuple[Asset, ...]:
    """The lines of an inventory, none of them counted twice; days begin at midnight in ``zone``.

    Raises ConfigError with file, line and column.
    """
    try:
        return checked(_asset(line, zone, table) for line in _lines(data, file))
    except ConfigError:
        raise
    except UsageError as error:
        raise ConfigError(file, "", str(error)) from None


@dataclass(frozen=True, slots=True)
class _Line:
    """One line, column by column."""

    file: str
    number: int
    cells: Mapping[str, str]

    @property
    def place(self) -> str:
        return f"{self.file}:{self.number}"

    def text(self, column: str) -> str:
        return self.cells.get(column, "")

    def needed(self, column: str) -> str:
        if not self.text(column):
            raise self.wrong(column, "is empty")
        return self.text(column)

    def choice(self, column: str, allowed: Sequence[str], default: str) -> str:
        value = self.text(column) or default
        if value not in allowed:
            raise self.wrong(column, f"must be one of {', '.join(allowed)}, not {value!r:.40}")
        return value

    def number_of(self, column: str, least: float, most: float, default: float | None = None) -> float:
        told = self.text(column)
        if not told and default is not None:
            return default
        try:
            value = float(self.needed(column))
        except ValueError:
            raise self.wrong(column, f"must be a number, not {told!r:.40}") from None
        if not (math.isfinite(value) and least <= value <= most):
            raise self.wrong(column, f"must be from {least:g} to {most:g}, not {told!r:.40}")
        return value

    def day(self, column: str, zone: tzinfo) -> int:
        told = self.needed(column)
        if not ISO_DAY.fullmatch(told):
            raise self.wrong(column, f"must be a day such as 2026-01-31, not {told!r:.40}")
        try:
            return micros(told, zone)
        except ValueError:
            raise self.wrong(column, f"{told!r} is no day of the calendar from 1970 on") from None

    def wrong(self, column: str, problem: str) -> ConfigError:
        return ConfigError(self.file, f"line {self.number}, {column}", problem)


def _lines(data: bytes, file: str) -> Iterator[_Line]:
    header: list[str] | None = None
    for number, cells in csv_rows(data, file):
        if not any(cell.strip() for cell in cells) or cells[0].startswith("#"):
            continue
        if header is None:
            header = [cell.strip() for cell in cells]
            _check_header(header, file, number)
            continue
        if len(cells) != len(header):
            raise ConfigError(
                file, f"line {number}", f"has {len(cells)} cells, and the header has {len(header)}"
            )
        yield _Line(file, number, dict(zip(header, (cell.strip() for cell in cells), strict=True)))
    if header is None:
        raise ConfigError(
            file, "", f"is empty: its first line names the columns, {', '.join(REQUIRED)} at least"
        )


def _check_header(header: Sequence[str], file: str, number: int) -> None:
    for name in header:
        if name not in COLUMNS:
            close = difflib.get_close_matches(name, COLUMNS, n=1)
            meant = f"did you mean {close[0]!r}?" if close else f"known: {', '.join(COLUMNS)}"
            raise ConfigError(file, f"line {number}, {name}", f"unknown column; {meant}")
        if header.count(name) > 1:
            raise ConfigError(file, f"line {number}, {name}", "is there twice")
    lacking = [name for name in REQUIRED if name not in header]
    if lacking:
        raise ConfigError(file, f"line {number}", f"lacks the columns {', '.join(lacking)}")


def _asset(line: _Line, zone: tzinfo, table: Sequence[Footprint]) -> Asset:
    component = line.choice("component", COMPONENTS, "")
    purchased = line.day("purchased", zone)
    start = line.day("in_service_from", zone) if line.text("in_service_from") else purchased
    until = line.day("in_service_until", zone) if line.text("in_service_until") else None
    if start < purchased:
        raise line.wrong("in_service_from", "lies before `purchased`: it cannot have served before")
    if until is not None and until <= start:
        raise line.wrong("in_service_until", "must lie after the day from which it serves")
    mode = line.choice("mode", MODES, MODES[0])
    footprint = _footprint(line, table)
    refurbished = line.choice("refurbished", REFURBISHED, NEW)
    return Asset(
        name=line.needed("name"),
        component=component,
        hosts=_hosts(line),
        device_id=_device_id(line),
        quantity=line.number_of("quantity", 1e-6, 1e9, 1.0),
        total_grams=_grams(line, footprint),
        added_grams=_only_refurbished(line, "refurbishing_kg", refurbished, 1e9) * GRAMS_PER_KG,
        relative_error=line.number_of(
            "relative_error", 0.0, 10.0, footprint.relative_error if footprint else ASSUMED_ERROR
        ),
        contains=_contains(line, component, footprint),
        purchased_us=purchased,
        start_us=start,
        lifespan_hours=line.number_of("lifespan_years", 0.01, MOST_YEARS) * HOURS_PER_YEAR,
        until_us=until,
        refurbished=refurbished,
        previous_hours=_previous(line, refurbished) * HOURS_PER_YEAR,
        ownership=_ownership(line),
        site=line.text("site"),
        mode=mode,
        utilisation=_utilisation(line, mode),
        reserved_share=line.number_of("reserved_share", 0.0, 1.0, 1.0),
        source=line.text("source") or (footprint.source if footprint else f"stated in {line.place}"),
        place=line.place,
    )


def _hosts(line: _Line) -> frozenset[str]:
    """The id as it stands, and the id of a machine of that name: run files keep no clear names."""
    host = line.text("host")
    if not host and not line.text("device_id"):
        raise line.wrong(
            "host", "is empty, and so is device_id: say which machine it is in, or which device it is"
        )
    return frozenset((host, id_of_name(host))) if host else frozenset()


def _device_id(line: _Line) -> str:
    told = line.text("device_id")
    if told and line.number_of("quantity", 1e-6, 1e9, 1.0) != 1.0:
        raise line.wrong("quantity", "must be 1 where a device_id names one device")
    return told


def _footprint(line: _Line, table: Sequence[Footprint]) -> Footprint | None:
    model = line.text("model")
    if bool(model) == bool(line.text("total_kg")):
        both = "both model and total_kg are there: leave one" if model else "is empty, and so is total_kg"
        raise line.wrong("model", f"{both}; `wattmark hardware embodied` lists the models")
    if not model:
        return None
    try:
        return find_footprint(table, model)
    except UsageError as error:
        raise line.wrong("model", str(error)) from None


def _grams(line: _Line, footprint: Footprint | None) -> float:
    per_gb = footprint is not None and footprint.unit == "GB"
    if per_gb != bool(line.text("gb")):
        problem = "is empty, and the model's figure is per GB" if per_gb else "is for figures per GB only"
        raise line.wrong("gb", problem)
    if footprint is None:
        return line.number_of("total_kg", 0.0, 1e9) * GRAMS_PER_KG
    return footprint.grams * (line.number_of("gb", 1e-6, 1e9) if per_gb else 1.0)


def _contains(line: _Line, component: str, footprint: Footprint | None) -> frozenset[str]:
    """What is in the figure, as the table or the line says; without either a machine holds everything."""
    told = frozenset(line.text("contains").split())
    if unknown := told - EVERYTHING:
        raise line.wrong(
            "contains", f"{', '.join(sorted(unknown))}: known are {', '.join(sorted(EVERYTHING))}"
        )
    if footprint is not None:
        if told and told != footprint.contains:
            raise line.wrong("contains", f"the model's figure holds {', '.join(sorted(footprint.contains))}")
        return footprint.contains
    return told or (EVERYTHING if component == MACHINE else frozenset({component}))


def _only_refurbished(line: _Line, column: str, refurbished: str, most: float) -> float:
    if line.text(column) and refurbished == NEW:
        raise line.wrong(column, "is for refurbished devices: say refurbished = cut-off or remaining")
    return line.number_of(column, 0.0, most, 0.0)


def _previous(line: _Line, refurbished: str) -> float:
    if refurbished == REMAINING:
        return line.number_of("previous_years", 0.01, MOST_YEARS)
    return _only_refurbished(line, "previous_years", refurbished, MOST_YEARS)


def _ownership(line: _Line) -> str:
    if line.text("ownership") == "cloud":
        raise line.wrong(
            "ownership",
            "a cloud's hardware is the provider's, and its making is in what the provider states: leave it "
            "out, or say leased, which is for the product view alone",
        )
    return line.choice("ownership", OWNERSHIPS, OWNED)


def _utilisation(line: _Line, mode: str) -> float | None:
    told = line.text("utilisation")
    if mode == MODES[0]:
        if told:
            raise line.wrong(
                "utilisation", "is for mode utilised: a device is charged in one mode, never both"
            )
        return None
    return line.number_of("utilisation", 0.001, 1.0)
