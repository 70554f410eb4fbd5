"""BoAmps reports (Boavizta): what somebody declares about the energy of an AI task, in JSON.

A measure states kWh (``unit`` says another in reports up to 0.1), the tool that gave it and a duration, but
not which devices it covers; ``quality`` says how wrong the report may be: high 10 %, medium 25 %, low 50 %
(report_schema.json). So it is declared, grade E. Read from the schemas of Boavizta/BoAmps 0.1 to 1.1 and from
what CodeCarbon 3.3.2 writes.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import tzinfo
from pathlib import Path
from typing import Any

from wattmark import tables
from wattmark.core.errors import EvidenceError
from wattmark.core.imported import Imported
from wattmark.core.known import GRADE_OF_METHOD, Boundary, Method
from wattmark.core.run import (
    EnergyRow,
    Hardware,
    Host,
    NotSeen,
    Place,
    Quality,
    Run,
    SourceId,
    Status,
    Subject,
    Work,
)
from wattmark.core.sound import first_fault
from wattmark.core.units import JOULES_PER_KWH
from wattmark.hashing import sha256
from wattmark.ports import Source
from wattmark.sources.catalog import Asked, Inputs
from wattmark.sources.identity import host_of, import_id
from wattmark.sources.json_input import Document, documents_of, list_at, number_at, text_at
from wattmark.sources.lines import files_of
from wattmark.sources.moments import moment_us, written, zone_of
from wattmark.sources.portions import Notes, Portion
from wattmark.sources.stated import errors_of, place_of, subject_of

NAME = "boamps"
OPTIONS: Mapping[str, str] = {
    "time_zone": "Zone of the times, e.g. Europe/Paris [UTC]: reports state local time without it.",
}
JOULES_OF = {
    "": JOULES_PER_KWH,
    "kwh": JOULES_PER_KWH,
    "wh": JOULES_PER_KWH / 1e3,
    "mwh": JOULES_PER_KWH * 1e3,
    "gwh": JOULES_PER_KWH * 1e6,
    "j": 1.0,
    "joule": 1.0,
    "kj": 1e3,
    "kjoule": 1e3,
    "mj": 1e6,
    "mjoule": 1e6,
    "gjoule": 1e9,
    "tjoule": 1e12,
    "pjoule": 1e15,
}
"""Unit -> joules; ``mWh`` and ``mJ`` in small letters are read as the large units of the schema."""
QUALITY = {"high": 0.10, "medium": 0.25, "low": 0.50}
STAGES = {
    "finetuning": "fine_tuning",
    "preprocessing": "data_preparation",
    "datacreation": "data_preparation",
    "datapreprocessing": "data_preparation",
    "retraining": "training",
}
METERS = ("wattmeter", "watt meter", "powermeter", "power meter", "ipmi", "pdu", "smartplug", "smart plug")
"""Measuring methods that see the whole machine."""
US = 1_000_000
SECOND = 1.0
MOST_SECONDS = 3.2e9
"""A hundred years."""


def open_source(inputs: Inputs, asked: Asked) -> Source:
    """A source on reports, or on folders of ``*.json``."""
    return BoAmps(tuple(files_of(inputs, "*.json")), zone_of(asked.settings.get("time_zone")), asked)


class BoAmps:
    """Reads each report as a run with a row per measure: measures of one task compete, they do not add."""

    def __init__(self, files: tuple[Path, ...], zone: tzinfo, asked: Asked) -> None:
        self._files = files
        self._zone = zone
        self._asked = asked

    def read(self) -> Iterator[Imported]:
        """The reports, each one portion."""
        notes = Notes()
        if "time_zone" not in self._asked.settings:
            notes.add("times name no zone and are read as UTC: -o time_zone=Europe/Paris changes it")
        seen: set[tuple[str, int]] = set()
        for path in self._files:
            for place, document, reason in documents_of(path):
                if document is None or not list_at(document, "measures"):
                    why = reason if document is None else "has no `measures`"
                    raise EvidenceError(place, f"is not a BoAmps report: {why}")
                yield self._report(place, document, seen, notes)
        yield Portion().brought(notes)

    def _report(self, place: str, report: Document, seen: set[tuple[str, int]], notes: Notes) -> Imported:
        portion = Portion()
        good: dict[int, _Measure] = {}
        for index, entry in enumerate(list_at(report, "measures")):
            try:
                good[index] = _measure(entry, report, self._zone)
            except ValueError as error:
                portion.refuse(f"{place}:$.measures[{index}]", str(error))
        if not good:
            return portion.brought()
        try:
            run = self._run(report, list(good.values()), notes, place)
        except ValueError as error:
            for index in good:
                portion.refuse(f"{place}:$.measures[{index}]", f"the report cannot be: {error}")
            return portion.brought()
        repeated = (run.record_id, run.seq) in seen
        seen.add((run.record_id, run.seq))
        portion.ignored += len(good) * repeated
        portion.taken += len(good) * (not repeated)
        portion.runs.extend([] if repeated else [run])
        return portion.brought()

    def _run(self, report: Document, measures: list[_Measure], notes: Notes, place: str) -> Run:
        start_us = min(m.start_us for m in measures)
        end_us = max(m.start_us + round(m.seconds * US) for m in measures)
        duration = (end_us - start_us) / US
        native = text_at(report, "header", "reportId") or _content(report)
        record_id = import_id(NAME, "", native)
        host = host_of(self._asked.host or record_id)
        for measure in measures:
            for remark in measure.remarks:
                notes.add(remark, place)
        published = moment_us(text_at(report, "header", "reportDatetime"), self._zone)
        accuracy = number_at(report, "task", "measuredAccuracy")
        run = Run(
            record_id=record_id,
            seq=max(published // US, 0) if published is not None else 0,  # a corrective report comes later
            status=Status.CLOSED,
            started_at=written(start_us),
            duration_seconds=duration,
            host=Host(id=host, fingerprint=NAME),
            subject=_subject(report, self._asked),
            energies=tuple(_rows(measures, host, start_us, _errors(report, host))),
            work=tuple(_work(report, duration, notes, place)),
            quality=(Quality(name="accuracy", value=accuracy),) if accuracy is not None else (),
            place=_place(report, self._asked, notes, place),
            not_seen=(
                NotSeen(what="what the measure covers", reason="a BoAmps report does not name the devices"),
            ),
        )
        if (fault := first_fault(run)) is not None:
            raise ValueError(f"{fault[1]} (at {fault[0]})")
        return run


@dataclass(frozen=True, slots=True, kw_only=True)
class _Measure:
    tool: str
    version: str
    joules: float
    start_us: int
    seconds: float
    remarks: tuple[str, ...]

    @property
    def whole(self) -> bool:
        """True for a meter that sees the whole machine."""
        return any(word in self.tool.lower() for word in METERS)


def _content(report: Document) -> str:
    return sha256(json.dumps(report, sort_keys=True).encode()).hexdigest()


def _measure(entry: Any, report: Document, zone: tzinfo) -> _Measure:
    """One measure. Raises ValueError for one that cannot be."""
    remarks: list[str] = []
    amount = number_at(entry, "powerConsumption")
    unit = text_at(entry, "unit")
    if amount is None or amount < 0:
        raise ValueError("powerConsumption is not an amount of energy")
    if unit.lower() not in JOULES_OF:
        raise ValueError(f"unit {unit!r} is not one of energy that BoAmps names")
    if amount == 0:
        raise ValueError("powerConsumption is 0: nothing was measured, which is not the same as no energy")
    tool = text_at(entry, "measurementMethod")
    seconds = number_at(entry, "measurementDuration")
    if seconds is not None and not 0 <= seconds <= MOST_SECONDS:
        raise ValueError(f"measurementDuration {seconds:g} is not seconds of a measurement")
    if not seconds:
        remarks.append("states no measurementDuration: its energy stands at one second")
        seconds = SECOND
    if "codecarbon" in tool.lower():
        remarks.append("CodeCarbon's energy may hold a PUE that the report does not state")
    said = text_at(entry, "measurementDateTime")
    if said:
        start_us = moment_us(said, zone)
        if start_us is None:
            raise ValueError(f"measurementDateTime {said[:40]!r} is not a time")
        if "codecarbon" in tool.lower():  # it writes the time at which it stopped
            start_us -= round(seconds * US)
    else:
        published = moment_us(text_at(report, "header", "reportDatetime"), zone)
        if published is None:
            raise ValueError("states no measurementDateTime, and the header no reportDatetime")
        remarks.append("states no measurementDateTime: laid before the report's own time")
        start_us = published - round(seconds * US)
    return _Measure(
        tool=tool,
        version=text_at(entry, "version"),
        joules=amount * JOULES_OF[unit.lower()],
        start_us=start_us,
        seconds=seconds,
        remarks=tuple(remarks),
    )


def _errors(report: Document, host: str) -> dict[str, float]:
    """As wrong as the report's quality says; as any declared figure where it says nothing."""
    name = f"{NAME}:{host}"
    stated = QUALITY.get(text_at(report, "quality").lower())
    return {f"{name}:gain": stated} if stated is not None else errors_of(Method.DECLARED, name)


def _rows(
    measures: list[_Measure], host: str, start_us: int, errors: Mapping[str, float]
) -> Iterator[EnergyRow]:
    node = f"node:{host}/{NAME}"
    there = any(m.whole for m in measures)
    for measure in measures:
        yield EnergyRow(
            device_id=node if measure.whole else f"module:{host}/{NAME}",
            part_of=node if there and not measure.whole else None,
            component="node" if measure.whole else "module",
            t0_seconds=(measure.start_us - start_us) / US,
            duration_seconds=measure.seconds,
            energy_joules=measure.joules,
            observed_seconds=measure.seconds,
            method=Method.DECLARED,
            boundary=Boundary.NODE if measure.whole else Boundary.DEVICE,
            grade=GRADE_OF_METHOD[Method.DECLARED],
            errors=errors,
            source=SourceId(name=NAME, version=f"{measure.tool} {measure.version}".strip()),
        )


def _subject(report: Document, asked: Asked) -> Subject:
    stage = text_at(report, "task", "taskStage")
    algorithms = list_at(report, "task", "algorithms")
    first = algorithms[0] if algorithms else None
    return subject_of(
        asked,
        organisation=text_at(report, "header", "publisher", "name"),
        team=text_at(report, "header", "publisher", "division"),
        project=text_at(report, "header", "publisher", "projectName"),
        model=text_at(first, "foundationModelName") or text_at(first, "algorithmName"),
        stage=STAGES.get(stage.lower(), stage),
        task=text_at(report, "task", "taskFamily"),
        labels={
            label: text
            for label, text in {
                "cloud_provider": text_at(report, "infrastructure", "cloudProvider"),
                "cloud_instance": text_at(report, "infrastructure", "cloudInstance"),
                "quantization": text_at(first, "quantization"),
            }.items()
            if text
        },
    )


def _work(report: Document, duration: float, notes: Notes, place: str) -> Iterator[Work]:
    """Requests, and the tokens where they cannot be meant per request."""
    requests = number_at(report, "task", "nbRequest")
    if requests:
        yield Work(unit="requests", count=requests, duration_seconds=duration, declared=True)
    for dataset in list_at(report, "task", "dataset"):
        quantity = number_at(dataset, "dataQuantity")
        usage = text_at(dataset, "dataUsage")
        if quantity is None or text_at(dataset, "dataType") != "token" or usage not in ("input", "output"):
            continue
        if requests is not None and requests > 1:
            notes.add(
                "tokens are left out: BoAmps does not say whether they are per request or in all", place
            )
            continue
        yield Work(unit=f"{usage}_tokens", count=quantity, duration_seconds=duration, declared=True)


def _place(report: Document, asked: Asked, notes: Notes, place: str) -> Place:
    country = text_at(report, "environment", "country")
    code = _countries().get(country.casefold())
    if country and code is None:
        notes.add(f"country {country!r} is not known: --country gives its ISO 3166 code", place)
    kinds = []
    for part in list_at(report, "infrastructure", "components"):
        kind = text_at(part, "componentType").lower()
        words = (text_at(part, "manufacturer"), text_at(part, "family"), text_at(part, "series"))
        name = text_at(part, "componentName") or " ".join(filter(None, words))
        if kind and name:
            count = number_at(part, "nbComponent")
            kinds.append(Hardware(component=kind, name=name, count=count if count and count > 0 else 1.0))
    return place_of(asked, country=code, hardware=tuple(kinds) or None)


def _countries() -> Mapping[str, str]:
    """ISO 3166 alpha-3 codes by themselves and by the English name of the country."""
    rows = tables.rows("ember_yearly_country")
    return {r["name"].casefold(): r["iso3"] for r in rows} | {r["iso3"].casefold(): r["iso3"] for r in rows}
