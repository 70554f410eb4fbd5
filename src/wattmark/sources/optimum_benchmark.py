"""optimum-benchmark: ``benchmark_report.json`` with ``benchmark_config.json``, or ``benchmark.json``.

A report states no time. The ``*_codecarbon.json`` files that the tool leaves in its working folder do, with
the length of each phase; where none is beside the report, ``-o date=`` says when it was.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import tzinfo
from pathlib import Path
from typing import Any

from wattmark.core.errors import EvidenceError, UsageError
from wattmark.core.imported import Imported
from wattmark.core.known import GRADE_OF_METHOD, Boundary, Method
from wattmark.core.run import (
    EnergyRow,
    GapSpan,
    Host,
    NotSeen,
    Run,
    SourceId,
    Status,
    Window,
    Work,
    workload_of,
)
from wattmark.core.sound import first_fault
from wattmark.core.standins import UNNAMED
from wattmark.hashing import sha256
from wattmark.ports import Source
from wattmark.sources.catalog import Asked, Inputs
from wattmark.sources.identity import host_of, import_id
from wattmark.sources.json_input import documents_of, number_at, parsed, text_at
from wattmark.sources.lines import files_of, lines_of
from wattmark.sources.moments import moment_us, written, zone_of
from wattmark.sources.optimum_config import NAME, environment_told, hardware_told, subject_told
from wattmark.sources.optimum_report import BENCHMARK, RATED, Pass, Report, gpus_of, report_of
from wattmark.sources.portions import Notes, Portion
from wattmark.sources.stated import errors_of, place_of

OPTIONS: Mapping[str, str] = {
    "date": "When it was run, e.g. 2025-02-01, where no *_codecarbon.json beside the report tells it.",
    "cpu_method": "How CodeCarbon got the CPU's energy: rapl (grade B) or model (grade D) [model].",
    "time_zone": "Zone of the times in *_codecarbon.json, e.g. Europe/Paris [UTC].",
}
CONFIG = "benchmark_config.json"
WHOLE = "benchmark.json"
US = 1_000_000
SECOND = 1.0


def open_source(inputs: Inputs, asked: Asked) -> Source:
    """A source on reports, or on folders of them."""
    methods = {"rapl": Method.HARDWARE_COUNTER, "model": Method.MODELLED}
    method = asked.settings.get("cpu_method", "model")
    if method not in methods:
        raise UsageError(f"cpu_method is {' or '.join(methods)}, not {method!r}")
    zone = zone_of(asked.settings.get("time_zone"))
    date = asked.settings.get("date")
    date_us = moment_us(date, zone) if date is not None else None
    if date is not None and date_us is None:
        raise UsageError(f"date is a day like 2025-02-01, not {date!r}")
    return OptimumBenchmark(_files(inputs), asked, methods[method], zone, date_us)


def _files(inputs: Inputs) -> tuple[Path, ...]:
    """Reports of folders; where there are none, the files that hold report and configuration together."""
    found: list[Path] = []
    for text in inputs:
        try:
            found += files_of([text], "**/benchmark_report.json")
        except EvidenceError:
            found += files_of([text], f"**/{WHOLE}")
    return tuple(found)


@dataclass(frozen=True, slots=True)
class _Told:
    """What ``<phase>_codecarbon.json`` says."""

    start_us: int
    seconds: float
    pue: float
    version: str


class OptimumBenchmark:
    """Reads each report as a run with a window for each phase."""

    def __init__(
        self, files: tuple[Path, ...], asked: Asked, cpu_method: Method, zone: tzinfo, date_us: int | None
    ) -> None:
        self._files = files
        self._asked = asked
        self._methods = {
            "cpu": cpu_method,
            "gpu": Method.HARDWARE_COUNTER,
            "dram": Method.MODELLED,
        }
        self._zone = zone
        self._date_us = date_us

    def read(self) -> Iterator[Imported]:
        """The reports, each one portion."""
        notes = Notes()
        if self._asked.host is None:
            notes.add("reports name no machine, so each counts as one of its own: --host changes it")
        seen: set[tuple[str, int]] = set()
        for path in self._files:
            portion = Portion()
            documents = list(documents_of(path))
            report, config = _pair(path, documents[0][1] if len(documents) == 1 else None)
            try:
                run = self._run(path, report, config, notes)
            except ValueError as error:
                portion.refuse(str(path), str(error))
            else:
                portion.take(run, seen)
            yield portion.brought()
        yield Portion().brought(notes)

    def _run(self, path: Path, report: Mapping[str, Any], config: Mapping[str, Any], notes: Notes) -> Run:
        found = report_of(report, config)
        told = {p.name: self._told(path, p.name) for p in found.passes}
        known = [t for t in told.values() if t is not None]
        start_us = min((t.start_us for t in known), default=self._date_us)
        if start_us is None:
            raise ValueError(
                "states no time: put its *_codecarbon.json files beside it, or say -o date=2025-02-01"
            )
        record_id = import_id(NAME, "", _content(report, config))
        host = host_of(self._asked.host or record_id)
        subject = subject_told(found, self._asked)
        workload = workload_of(subject, record_id)
        windows: list[Window] = []
        rows: list[EnergyRow] = []
        t0 = 0.0
        for number, one in enumerate(found.passes, start=1):
            seconds = _length(one, told[one.name], found, path, notes)
            windows.append(
                Window(
                    id=number,
                    name=one.name,
                    stage=RATED if one.rated else BENCHMARK,
                    t0_seconds=t0,
                    duration_seconds=seconds,
                )
            )
            pue = next((t.pue for t in (told[one.name],) if t is not None), 1.0)
            rows += self._rows(one, (t0, seconds), host, found, pue, workload)
            t0 += seconds
        run = Run(
            record_id=record_id,
            status=Status.CLOSED,
            started_at=written(start_us),
            duration_seconds=t0,
            host=Host(id=host, fingerprint=NAME),
            subject=subject,
            windows=tuple(windows),
            energies=tuple(rows),
            work=tuple(_work(found, windows)),
            place=place_of(self._asked, hardware=hardware_told(config)),
            not_seen=(NotSeen(what="rest of the node", reason="CodeCarbon states CPU, GPU and memory only"),),
            environment=environment_told(config, known[0].version if known else ""),
        )
        if (fault := first_fault(run)) is not None:
            raise ValueError(f"{fault[1]} (at {fault[0]})")
        return run

    def _told(self, path: Path, name: str) -> _Told | None:
        beside = path.parent / f"{name}_codecarbon.json"
        if not beside.is_file():
            return None
        said = parsed("\n".join(line for _, line in lines_of(beside)))[0]
        seconds, end_us = number_at(said, "duration"), moment_us(text_at(said, "timestamp"), self._zone)
        if seconds is None or seconds < 0 or end_us is None:
            raise ValueError(f"{beside.name} states no time and duration")
        pue = number_at(said, "pue")
        return _Told(
            start_us=end_us - round(seconds * US),
            seconds=seconds,
            pue=pue if pue is not None and pue >= 1 else 1.0,
            version=text_at(said, "codecarbon_version"),
        )

    def _rows(
        self,
        one: Pass,
        span: tuple[float, float],
        host: str,
        found: Report,
        pue: float,
        workload: str,
    ) -> Iterator[EnergyRow]:
        """Energy of each component that is there; 0 J of one that is there was never read."""
        t0, seconds = span
        gpus = gpus_of(found.config)[1]
        for component, joules in one.joules.items():
            if component == "gpu" and not joules and not gpus:
                continue
            method = self._methods[component]
            silent = joules == 0
            reason = f"CodeCarbon states 0 J for a {component} that is there"
            gaps = (GapSpan(t0_seconds=t0, duration_seconds=seconds, reason=reason),) if silent else ()
            yield EnergyRow(
                device_id=f"{component}:{host}/{UNNAMED}",
                component=component,
                t0_seconds=t0,
                duration_seconds=seconds,
                energy_joules=joules / pue,
                observed_seconds=0.0 if silent else seconds,
                method=method,
                boundary=Boundary.DEVICE,
                grade=GRADE_OF_METHOD[method],
                errors=errors_of(method, f"codecarbon:{host}:{component}", workload=workload),
                source=SourceId(
                    name=NAME, version=text_at(found.config, "environment", "optimum_benchmark_version")
                ),
                gaps=gaps,
            )


def _pair(path: Path, document: Mapping[str, Any] | None) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """Report and configuration. Raises EvidenceError for what is neither."""
    if document is not None and isinstance(document.get("report"), dict):
        config = document.get("config")
        return document["report"], config if isinstance(config, dict) else {}
    phases = [v for v in (document or {}).values() if isinstance(v, dict) and "energy" in v]
    if document is None or not phases:
        raise EvidenceError(
            str(path), "is no report of optimum-benchmark: expected phases with `energy`, or `report`"
        )
    beside = path.parent / CONFIG
    if not beside.is_file():
        raise EvidenceError(str(path), f"has no {CONFIG} beside it, which says what was asked of which model")
    config = parsed("\n".join(line for _, line in lines_of(beside)))[0]
    if not isinstance(config, dict):
        raise EvidenceError(str(beside), "is no JSON object")
    return document, config


def _content(*documents: Mapping[str, Any]) -> str:
    return sha256(json.dumps(documents, sort_keys=True).encode()).hexdigest()


def _length(one: Pass, told: _Told | None, found: Report, path: Path, notes: Notes) -> float:
    """Seconds of a phase: of its energy window where that is told, else by its latency."""
    if told is not None and not found.means:
        return told.seconds
    if one.seconds is not None:
        return one.seconds
    notes.add("some phases state no length: their energy stands at one second", str(path))
    return SECOND


def _work(found: Report, windows: list[Window]) -> Iterator[Work]:
    """Queries of the pass that answers, the last one."""
    answering = windows[-1]
    done = {"inferences": found.queries, "output_tokens": found.output_tokens}
    for unit, count in done.items():
        if count is not None:
            yield Work(
                unit=unit,
                count=count,
                t0_seconds=answering.t0_seconds,
                duration_seconds=answering.duration_seconds,
                window=answering.id,
            )
