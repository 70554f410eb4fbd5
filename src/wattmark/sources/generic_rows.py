"""Rows of a declared layout as stretches of time, amounts, devices, and runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from wattmark.core.known import Scope
from wattmark.core.run import (
    EnergyRow,
    Host,
    Run,
    SourceId,
    Status,
    Subject,
    Work,
    workload_of,
)
from wattmark.core.sound import first_fault
from wattmark.core.telemetry import Stream
from wattmark.hashing import sha256
from wattmark.sources.catalog import Asked
from wattmark.sources.generic_layout import COMPONENTS, EPOCHS, Cell, Layout, Value
from wattmark.sources.identity import host_of, import_id
from wattmark.sources.lines import number_of
from wattmark.sources.moments import LEAST_YEAR, MOST_YEAR, moment_us, written
from wattmark.sources.stated import errors_of, place_of, subject_of

NAME = "generic"
US = 1_000_000
US_PER = {"s": US, "ms": 1000, "us": 1, "ns": 0.001}
LEAST_US, MOST_US = ((year - 1970) * 31_556_952 * US for year in (LEAST_YEAR, MOST_YEAR))

Row = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Device:
    """What used the energy of one cell."""

    id: str
    component: str
    host_id: str


def moment_of(text: str, layout: Layout) -> int:
    """A time in a cell. Raises ValueError when it is none."""
    if layout.time_format not in EPOCHS:
        at = moment_us(text, layout.zone, None if layout.time_format == "iso" else layout.time_format)
    else:
        at = _since_1970(text, US_PER[layout.time_format])
    if at is None:
        raise ValueError(f"{text[:40]!r} is not a time of the format {layout.time_format}")
    return at


def _since_1970(text: str, us_per: float) -> int | None:
    number = number_of(text)
    if number is None:
        return None
    at = int(text) * us_per if text.isdecimal() else number * us_per
    return round(at) if LEAST_US <= at < MOST_US else None


def stretch_of(row: Row, layout: Layout) -> tuple[int, int]:
    """Start and end of a row's stretch of time. Raises ValueError when it has no length."""
    start = moment_of(row[layout.start], layout) if layout.start else None
    end = moment_of(row[layout.end], layout) if layout.end else None
    lasted = layout.every_seconds
    if layout.duration:
        lasted = amount_of(row[layout.duration], layout) * layout.duration_factor
    if start is None:
        start = (end or 0) - round((lasted or 0.0) * US)
    if end is None:
        end = start + round((lasted or 0.0) * US)
    if end <= start:
        raise ValueError(f"its stretch of time from {written(start)} to {written(end)} has no length")
    if start < 0:
        raise ValueError("it would have begun before 1970")
    return start, end


def amount_of(text: str, layout: Layout) -> float:
    """A number that is not negative. Raises ValueError for anything else."""
    value = number_of(plain_number(text, layout))
    if value is None:
        raise ValueError(f"{text[:40]!r} is not a number" if text else "a number is missing")
    if value < 0:
        raise ValueError(f"{value:g} is negative")
    return value


def plain_number(text: str, layout: Layout) -> str:
    """A number as Python writes it."""
    return text.replace(".", "").replace(",", ".") if layout.decimal == "," else text


def device_of(row: Row, value: Value, layout: Layout, host_id: str) -> Device:
    """The device of one value of a row. Raises ValueError for an unknown component."""
    component = value.component or layout.component.of(row)
    if component not in COMPONENTS:
        raise ValueError(f"{component!r} is no component: one of {', '.join(COMPONENTS)}")
    name = value.device or layout.device.of(row)
    if name.startswith(("GPU-", "MIG-")):  # a UUID is the same in every source
        return Device(name, component, host_id)
    if component == "node":
        return Device(f"node:{host_id}/{name}" if name else f"node:{host_id}", component, host_id)
    return Device(f"{component}:{host_id}/{name or NAME}", component, host_id)


def subject_in(row: Row, layout: Layout, asked: Asked) -> Subject:
    """The tags that a row states."""
    stated = {name: cell.of(row) for name, cell in layout.tags.items()}
    labels = {name: text for name, cell in layout.labels.items() if (text := cell.of(row))}
    return subject_of(asked, labels=labels, **stated)


def stream_of(row: Row, device: Device, layout: Layout, asked: Asked) -> Stream:
    """The stream of one device of a table of looks or stretches."""
    subject = subject_in(row, layout, asked)
    return Stream(
        source=SourceId(name=NAME),
        host_id=device.host_id,
        device_id=device.id,
        component=device.component,
        method=layout.method,
        boundary=layout.boundary,
        grade=layout.grade,
        errors=_errors(layout, device.id, workload_of(subject, device.id)),
        scope=Scope.SHARE if layout.rule else Scope.WHOLE,
        attribution_rule=layout.rule,
        subject=subject,
        place=place_of(asked),
        max_watts=layout.max_watts,
    )


def run_of(row: Row, layout: Layout, asked: Asked) -> Run:
    """The run that a row states. Raises ValueError for what cannot be."""
    start, end = stretch_of(row, layout)
    seconds = (end - start) / US
    host_name = text_of(layout.host, row) or asked.host or ""
    own = text_of(layout.id, row)
    key = own or "\x1f".join((host_name, *_whose(row, layout), str(start), str(end)))
    record_id = import_id(NAME, "", key)
    host_id = host_of(host_name or f"{NAME} {key}")
    subject = subject_in(row, layout, asked)
    workload = workload_of(subject, record_id)
    rows = tuple(_energy(row, v, layout, host_id, seconds, workload) for v in layout.values if row[v.column])
    if not rows:
        raise ValueError(f"there is nothing in {', '.join(v.column for v in layout.values)}")
    run = Run(
        record_id=record_id,
        seq=round(seconds * 1000) if own else 0,
        status=Status.CLOSED,
        started_at=written(start),
        duration_seconds=seconds,
        host=Host(id=host_id, fingerprint=f"{NAME}-{sha256(host_id.encode()).hexdigest()[:16]}"),
        subject=subject,
        energies=rows,
        work=tuple(
            Work(unit=unit, count=amount_of(cell.of(row), layout), declared=True)
            for unit, cell in layout.work.items()
            if cell.of(row)
        ),
        place=place_of(asked),
    )
    if (fault := first_fault(run)) is not None:
        raise ValueError(f"{fault[1]} (at {fault[0]})")
    return run


def _energy(row: Row, value: Value, layout: Layout, host_id: str, seconds: float, workload: str) -> EnergyRow:
    device = device_of(row, value, layout, host_id)
    return EnergyRow(
        device_id=device.id,
        component=device.component,
        t0_seconds=0.0,
        duration_seconds=seconds,
        energy_joules=joules_of(row[value.column], layout, seconds),
        observed_seconds=seconds,
        method=layout.method,
        boundary=layout.boundary,
        grade=layout.grade,
        errors=_errors(layout, device.id, workload),
        scope=Scope.SHARE if layout.rule else Scope.WHOLE,
        party="own" if layout.rule else None,
        attribution_rule=layout.rule,
        source=SourceId(name=NAME),
        max_watts=layout.max_watts,
    )


def joules_of(text: str, layout: Layout, seconds: float) -> float:
    """Joules of a stretch: stated, or its mean power times its length. Raises ValueError."""
    amount = amount_of(text, layout) * layout.factor
    joules = amount * seconds if layout.quantity == "power" else amount
    if layout.max_watts is not None and joules > layout.max_watts * seconds:
        raise ValueError(f"{joules / seconds:g} W is more than the {layout.max_watts:g} W that are possible")
    return joules


def _whose(row: Row, layout: Layout) -> tuple[str, str]:
    return layout.device.of(row), layout.component.of(row)


def text_of(cell: Cell | None, row: Row) -> str:
    """The text of a cell that may not be declared; empty then."""
    return cell.of(row).strip() if cell is not None else ""


def _errors(layout: Layout, device_id: str, workload: str) -> dict[str, float]:
    name = f"{NAME}:{device_id}"
    if layout.accuracy is not None:
        return {f"{name}:gain": layout.accuracy}
    return errors_of(layout.method, name, workload=workload)
