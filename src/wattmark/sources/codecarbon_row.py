"""One row of CodeCarbon as a run: what it states, how that is known, and what it does not say.

A row states energies in kWh, worked out from sensors or from a model without saying which, multiplied by
the PUE that was set (since 2.2.3: ``energy *= pue`` while measuring), and emissions in kg CO2e. Its
timestamp is the end, in local time without a zone. Read from the source text of versions 1.0 to 3.3.2.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, tzinfo

from wattmark.core.known import GRADE_OF_METHOD, Boundary, Method, Scope
from wattmark.core.run import (
    EnergyRow,
    GapSpan,
    Hardware,
    Host,
    NotSeen,
    Place,
    Run,
    SourceId,
    Statement,
    Status,
    Subject,
    Utilisation,
    Window,
    workload_of,
)
from wattmark.core.sound import first_fault
from wattmark.core.standins import UNNAMED
from wattmark.core.units import JOULES_PER_KWH
from wattmark.hashing import sha256
from wattmark.sources.catalog import Asked
from wattmark.sources.identity import host_of, import_id
from wattmark.sources.lines import number_of
from wattmark.sources.moments import moment_us, written
from wattmark.sources.stated import errors_of, place_of, subject_of

NAME = "codecarbon"
PARTS = {"cpu": "cpu_energy", "gpu": "gpu_energy", "dram": "ram_energy"}
DEFAULT_PROJECT = "codecarbon"
"""What CodeCarbon calls a project that nobody has named."""
PROCESS_RULE = "codecarbon_process"
"""Process mode: modelled from the CPU load and the memory of one process."""
NO_MACHINE = (
    "the file names no machine, so each run counts as one of its own: runs that shared a machine at the "
    "same time are counted twice, unless --host names it"
)
AGREE = 0.01
"""A total that is further than this from the sum of its parts is contradicted by them."""
US = 1_000_000
STAMP_SECONDS = 1.5
"""Timestamps are whole seconds: neighbouring tasks whose edges differ by less follow one another."""
WITH_TASKS = 10**13
"""More than the milliseconds of any run: what tells the tasks of a run goes before what does not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """How rows are to be understood."""

    zone: tzinfo
    cpu_method: Method
    pue: float | None
    """What energies were multiplied by where the row does not say; None: nobody knows, so none is divided."""
    asked: Asked
    host_id: str | None = None
    """The machine, already as an id."""


def run_of(row: Mapping[str, str], reading: Reading) -> tuple[Run, tuple[str, ...]]:
    """The run that one row states, and what a reader should know. Raises ValueError for an impossible row."""
    asked = reading.asked
    end_us = moment_us(row["timestamp"], reading.zone)
    if end_us is None:
        raise ValueError(f"timestamp {row['timestamp']!r} is not a time")
    duration = _amount(row, "duration")
    native = _native_key(row)
    record_id = import_id(NAME, "", native)
    notes: list[str] = []
    if reading.host_id is None and asked.host is None:
        notes.append(NO_MACHINE)
    host = reading.host_id or host_of(asked.host or f"codecarbon run {native}")
    subject = _subject(row, asked)
    start_us = end_us - round(duration * US)
    if start_us < 0:
        raise ValueError(f"duration {duration:g} s would have begun before 1970")
    pue = _pue(row, reading, notes)
    energies = _energies(row, reading, host, duration, pue, workload_of(subject, record_id))
    run = Run(
        record_id=record_id,
        seq=round(duration * 1000),  # rows of one run state what it used until then: the longest wins
        status=Status.CLOSED,
        started_at=written(start_us),
        duration_seconds=duration,
        host=Host(id=host, fingerprint=_fingerprint(row)),
        subject=subject,
        energies=energies,
        statements=tuple(_statements(row, start_us, end_us)),
        place=_place(row, asked, pue if "pue" in row or reading.pue else None),
        not_seen=(NotSeen(what="rest of the node", reason="CodeCarbon states CPU, GPU and memory only"),),
        environment={
            name: row[key]
            for name, key in {
                "codecarbon": "codecarbon_version",
                "python": "python_version",
                "os": "os",
            }.items()
            if row.get(key)
        },
    )
    if (fault := first_fault(run)) is not None:
        raise ValueError(f"{fault[1]} (at {fault[0]})")
    return run, tuple(notes)


def joined(tasks: Sequence[tuple[str, Run]], *, pue_known: bool) -> Run:
    """One run of its tasks, each with its name, as windows one after the other.

    What was made with the PUE known supersedes what was not. Both go before the same run's row in
    ``emissions.csv``, which states their sum with the duration of the last task alone (seen in 2.3.1,
    2.8.4 and 3.3.2).
    """
    ordered = sorted(tasks, key=lambda t: (t[1].started_at, t[0]))
    first = ordered[0][1]
    start = datetime.fromisoformat(first.started_at)
    end = 0.0
    windows: list[Window] = []
    rows: list[EnergyRow] = []
    for name, run in ordered:
        said = (datetime.fromisoformat(run.started_at) - start).total_seconds()
        t0 = end if abs(said - end) <= STAMP_SECONDS else max(said, 0.0)
        window = Window(id=len(windows), name=name, t0_seconds=t0, duration_seconds=run.duration_seconds)
        windows.append(window)
        rows.extend(replace(row, t0_seconds=t0, gaps=_moved(row.gaps, t0)) for row in run.energies)
        end = max(end, t0 + run.duration_seconds)
    return replace(
        first,
        seq=WITH_TASKS + 2 * round(end * 1000) + pue_known,
        duration_seconds=end,
        windows=tuple(windows),
        energies=tuple(rows),
        statements=tuple(s for _, run in ordered for s in run.statements),
    )


def _moved(gaps: tuple[GapSpan, ...], by_seconds: float) -> tuple[GapSpan, ...]:
    return tuple(replace(gap, t0_seconds=gap.t0_seconds + by_seconds) for gap in gaps)


def _native_key(row: Mapping[str, str]) -> str:
    native = row.get("run_id") or row.get("experiment_id") or ""
    if native:
        return native  # 1.x gives each run an experiment_id; since 2.8 that is the same for many
    text = "\x1f".join(f"{k}={v}" for k, v in sorted(row.items()))
    return sha256(text.encode()).hexdigest()  # no version leaves both out; an edited file may


def _subject(row: Mapping[str, str], asked: Asked) -> Subject:
    project = row.get("project_name", "")
    cloud = row.get("on_cloud") == "Y"
    return subject_of(
        asked,
        project=project if project != DEFAULT_PROJECT else None,
        region=row.get("cloud_region") if cloud else row.get("region"),
        labels={"cloud_provider": row["cloud_provider"]} if cloud and row.get("cloud_provider") else {},
    )


def _pue(row: Mapping[str, str], reading: Reading, notes: list[str]) -> float:
    """What the energies were multiplied by."""
    if "pue" in row:
        pue = _amount(row, "pue") if row["pue"] else 1.0
        if pue < 1:
            raise ValueError(f"pue {pue:g} is less than 1")
        if pue > 1:
            notes.append(
                f"CodeCarbon multiplied energies by a PUE of {pue:g}: divided out, and kept beside them"
            )
        return pue
    return reading.pue or 1.0


def _energies(
    row: Mapping[str, str], reading: Reading, host: str, duration: float, pue: float, workload: str
) -> tuple[EnergyRow, ...]:
    total = _amount(row, "energy_consumed")
    if "cpu_energy" not in row:  # 1.x states the sum of CPU, GPU and memory alone
        return (_whole_row(row, host, duration, total * JOULES_PER_KWH / pue, workload),)
    parts = {component: _amount(row, column) for component, column in PARTS.items()}
    if abs(sum(parts.values()) - total) > AGREE * max(total, sum(parts.values())):
        raise ValueError(
            f"energy_consumed is {total:g} kWh, and its parts add up to {sum(parts.values()):g} kWh"
        )
    there = {
        "cpu": True,
        "gpu": bool(parts["gpu"] or number_of(row.get("gpu_count"))),
        "dram": bool(parts["dram"] or number_of(row.get("ram_total_size"))),
    }
    return tuple(
        _row(row, reading, host, component, duration, kwh * JOULES_PER_KWH / pue, workload)
        for component, kwh in parts.items()
        if there[component]
    )


def _row(
    row: Mapping[str, str],
    reading: Reading,
    host: str,
    component: str,
    duration: float,
    joules: float,
    workload: str,
) -> EnergyRow:
    method = {"cpu": reading.cpu_method, "gpu": Method.HARDWARE_COUNTER, "dram": Method.MODELLED}[component]
    process = row.get("tracking_mode") == "process" and component != "gpu"
    silent = joules == 0 and duration > 0
    reason = f"CodeCarbon states 0 J for a {component} that is there"
    return EnergyRow(
        device_id=f"{component}:{host}/{UNNAMED}",
        component=component,
        t0_seconds=0.0,
        duration_seconds=duration,
        energy_joules=joules,
        observed_seconds=0.0 if silent else duration,
        method=method,
        boundary=Boundary.DEVICE,
        grade=GRADE_OF_METHOD[method],
        errors=errors_of(method, f"codecarbon:{host}:{component}", workload=workload),
        scope=Scope.SHARE if process else Scope.WHOLE,
        party="own" if process else None,
        attribution_rule=PROCESS_RULE if process else None,
        source=_source(row),
        gaps=(GapSpan(t0_seconds=0.0, duration_seconds=duration, reason=reason),) if silent else (),
        note={"cpu": "", "gpu": row.get("gpu_model", ""), "dram": "a constant per module or gigabyte"}[
            component
        ],
    )


def _whole_row(row: Mapping[str, str], host: str, duration: float, joules: float, workload: str) -> EnergyRow:
    silent = joules == 0 and duration > 0
    gap = GapSpan(t0_seconds=0.0, duration_seconds=duration, reason="CodeCarbon states 0 J")
    return EnergyRow(
        device_id=f"module:{host}/codecarbon",
        component="module",
        t0_seconds=0.0,
        duration_seconds=duration,
        energy_joules=joules,
        observed_seconds=0.0 if silent else duration,
        method=Method.MODELLED,
        boundary=Boundary.DEVICE,
        grade=GRADE_OF_METHOD[Method.MODELLED],
        errors=errors_of(Method.MODELLED, f"codecarbon:{host}:module", workload=workload),
        source=_source(row),
        gaps=(gap,) if silent else (),
        note="CPU, GPU and memory in one figure",
    )


def _source(row: Mapping[str, str]) -> SourceId:
    return SourceId(name=NAME, version=row.get("codecarbon_version", ""))


def _statements(row: Mapping[str, str], start_us: int, end_us: int) -> Iterator[Statement]:
    stated = {"emissions": ("emissions", "kgCO2e"), "water_consumed": ("water", "L")}
    for column, (quantity, unit) in stated.items():
        if row.get(column):
            yield Statement(
                quantity=quantity,
                value=_amount(row, column),
                unit=unit,
                accounting="location" if quantity == "emissions" else None,
                period=f"{written(start_us)}/{written(end_us)}",
                provider_model_version=f"codecarbon {row.get('codecarbon_version', '')}".strip(),
            )


def _place(row: Mapping[str, str], asked: Asked, pue: float | None) -> Place:
    kinds = []
    if row.get("cpu_model"):  # cpu_count counts threads, not processors
        kinds.append(Hardware(component="cpu", name=row["cpu_model"]))
    if row.get("gpu_model"):
        count = number_of(row.get("gpu_count")) or 1.0
        kinds.append(Hardware(component="gpu", name=row["gpu_model"], count=count))
    return place_of(
        asked,
        country=row.get("country_iso_code"),
        pue=pue,
        pue_kind="declared" if pue is not None else None,
        hardware=tuple(kinds) or None,
        utilisation=tuple(_utilisation(row)) or None,
    )


def _utilisation(row: Mapping[str, str]) -> Iterator[Utilisation]:
    """Since 3.3: 0 stands for not looked at, too, and is left out."""
    signals = {"cpu": "cpu_busy_time", "gpu": "nvml_busy_time"}
    for component, signal in signals.items():
        percent = number_of(row.get(f"{component}_utilization_percent"))
        if percent and percent <= 100 and row.get("tracking_mode") != "process":
            devices = number_of(row.get("gpu_count")) if component == "gpu" else 1.0
            yield Utilisation(
                component=component, signal=signal, mean=percent / 100, provisioned_devices=devices or 1.0
            )


def _fingerprint(row: Mapping[str, str]) -> str:
    parts = (
        row.get(k, "") for k in ("os", "cpu_count", "cpu_model", "gpu_count", "gpu_model", "ram_total_size")
    )
    return f"codecarbon-{sha256('|'.join(parts).encode()).hexdigest()[:16]}"


def _amount(row: Mapping[str, str], column: str) -> float:
    text = row.get(column, "")
    value = number_of(text)
    if value is None:
        raise ValueError(f"{column} is empty" if not text else f"{column} {text!r} is not a number")
    if value < 0:
        raise ValueError(f"{column} {value:g} is negative")
    return value
