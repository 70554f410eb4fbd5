"""Runs of MLflow as evidence: the GPU power of its system metrics, quality, and attempts that failed.

MLflow (``mlflow.enable_system_metrics_logging``, 2.8 and newer) looks every ten seconds and keeps, among
others, ``system/gpu_0_power_usage_watts``, ``system/gpu_0_utilization_percentage`` and
``system/cpu_utilization_percentage``. Power is integrated between looks. How busy a CPU is tells no energy:
it is kept as utilisation, and the CPU is listed as not seen.
"""

from __future__ import annotations

import math
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from wattmark.core.errors import EvidenceError, UsageError
from wattmark.core.imported import Imported
from wattmark.core.known import GRADE_OF_METHOD, Boundary, Method
from wattmark.core.run import (
    EnergyRow,
    GapSpan,
    Host,
    NotSeen,
    Quality,
    Run,
    Series,
    SourceId,
    Statement,
    Status,
    Subject,
    Utilisation,
)
from wattmark.core.sound import first_fault
from wattmark.core.standins import UNNAMED
from wattmark.ports import Source
from wattmark.sources.catalog import Asked, Inputs
from wattmark.sources.identity import host_of, import_id
from wattmark.sources.mlflow_api import Api, open_api
from wattmark.sources.mlflow_power import Looks, gaps_of, looks_of, means_of_windows, number
from wattmark.sources.moments import written
from wattmark.sources.portions import Notes, Portion
from wattmark.sources.stated import errors_of, place_of, subject_of

NAME = "mlflow"
OPTIONS: Mapping[str, str] = {
    "experiment": "Names or ids of experiments, separated by commas [all].",
    "filter": "Which runs, in MLflow's own words, e.g. tags.team = 'search' [all].",
    "quality": "Metrics that say how good a result is, e.g. accuracy,wer:lower [those with a usual name].",
    "solution": "What makes runs attempts at one solution: experiment, or tag:NAME [nothing].",
    "gpus": "UUIDs of the GPUs in MLflow's order, separated by commas: without them nothing joins these GPUs "
    "to those that other meters saw.",
}
POWER = re.compile(r"system/(?:(?P<node>.+)/)?gpu_(?P<gpu>\d+)_power_usage_watts")
BUSY = re.compile(r"system/(?:.+/)?gpu_\d+_utilization_percentage")
CPU_BUSY = "system/cpu_utilization_percentage"
RECORD_ID = "wattmark.record_id"
PARENT = "mlflow.parentRunId"
DUTY = 0.25
"""MLflow names no card: the least share of time in which a sensor looks (A100, H100: arXiv 2312.02741)."""
MOST_WATTS = 2000.0
"""No GPU of 2026 draws more."""
STATES = {
    "RUNNING": Status.OPEN,
    "SCHEDULED": Status.OPEN,
    "FINISHED": Status.CLOSED,
    "FAILED": Status.CLOSED,
    "KILLED": Status.INTERRUPTED,
}
USUAL: Mapping[str, bool] = {
    **dict.fromkeys(("accuracy", "acc", "f1", "f1_score", "auc", "roc_auc", "precision", "recall"), True),
    **dict.fromkeys(("bleu", "rougel", "r2", "r2_score", "map"), True),
    **dict.fromkeys(("loss", "mse", "rmse", "mae", "wer", "perplexity"), False),
}
"""Names that say which way is better, also after a prefix: ``val_accuracy``, ``eval/loss``."""
CODECARBON = ("emissions", "energy_consumed", "duration")
"""Fields of CodeCarbon's EmissionsData that stand together where its results were logged as metrics."""
SOURCE = SourceId(name=NAME)
CPU = NotSeen(what="CPU, DRAM and rest of the node", reason="MLflow logs how busy a CPU is, not its power")
US = 1000
"""Microseconds in one of MLflow's milliseconds."""


def open_source(inputs: Inputs, asked: Asked) -> Source:
    """A source on tracking servers, by their addresses. Raises UsageError for a setting that cannot be."""
    return MlflowRuns([open_api(uri, os.environ) for uri in inputs], reading_of(asked))


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """How the runs of an import are to be understood."""

    asked: Asked
    experiments: tuple[str, ...]
    chosen: str
    quality: Mapping[str, bool] | None
    """Metric -> whether higher is better; None: those with a usual name."""
    solution: str
    uuids: tuple[str, ...]


def reading_of(asked: Asked) -> Reading:
    """The settings. Raises UsageError for one that cannot be meant."""
    settings = asked.settings
    solution = settings.get("solution", "")
    if solution not in ("", "experiment") and not (solution.startswith("tag:") and solution[4:]):
        raise UsageError(f"solution is experiment or tag:NAME, not {solution!r}")
    uuids = _words(settings.get("gpus", ""))
    if len(set(uuids)) != len(uuids):
        raise UsageError("gpus names a GPU twice")
    quality = None
    if "quality" in settings:
        quality = {}
        for word in _words(settings["quality"]):
            name, sign, way = word.rpartition(":")
            if sign and way not in ("lower", "higher"):
                name, way = word, "higher"
            quality[name or word] = way != "lower"
    return Reading(
        asked=asked,
        experiments=_words(settings.get("experiment", "")),
        chosen=settings.get("filter", ""),
        quality=quality,
        solution=solution,
        uuids=uuids,
    )


class MlflowRuns:
    """Reads the runs of tracking servers, one after the other."""

    def __init__(self, apis: list[Api], reading: Reading) -> None:
        self._apis = apis
        self._reading = reading

    def read(self) -> Iterator[Imported]:
        """Every run, in portions."""
        notes, seen = Notes(), set[tuple[str, int]]()
        for api in self._apis:
            for experiment_id, name in self._experiments(api):
                portion = Portion()
                for found in api.runs([experiment_id], self._reading.chosen):
                    self._take(api, found, name, portion, notes, seen)
                yield portion.brought()
        yield Portion().brought(notes)

    def _experiments(self, api: Api) -> list[tuple[str, str]]:
        """Id and name of those that are asked for. Raises EvidenceError for one that is not there."""
        there = [(str(e.get("experiment_id", "")), str(e.get("name", ""))) for e in api.experiments()]
        wanted = self._reading.experiments
        for word in wanted:
            if not any(word in pair for pair in there):
                known = ", ".join(name for _, name in there[:20]) or "none"
                raise EvidenceError(api.url, f"has no experiment {word!r}; it has {known}")
        return sorted(pair for pair in there if not wanted or set(pair) & set(wanted))

    def _take(
        self,
        api: Api,
        found: Any,
        experiment: str,
        portion: Portion,
        notes: Notes,
        seen: set[tuple[str, int]],
    ) -> None:
        place = f"{api.url} run {_run_id(found) or '?'}"
        try:
            told = Told.of(found)
            if RECORD_ID in told.tags:
                portion.ignored += 1
                notes.add("wattmark measured it: its run file is among the artifacts of the run", place)
                return
            run = _run(told, _histories(api, told), experiment, self._reading, notes, place)
        except ValueError as error:
            portion.refuse(place, str(error))
            return
        portion.take(run, seen)


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """A run as the API tells it."""

    run_id: str
    status: str
    start_ms: int
    end_ms: int | None
    metrics: Mapping[str, float | None]
    """The last value of each; None for one that is no number."""
    tags: Mapping[str, str]

    @classmethod
    def of(cls, found: Any) -> Told:
        """Raises ValueError for what is no run."""
        info, data = (found.get(k) if isinstance(found, dict) else None for k in ("info", "data"))
        if not isinstance(info, dict) or not _run_id(found):
            raise ValueError("has no run_id: is it a run of MLflow?")
        data = data if isinstance(data, dict) else {}
        start, end = info.get("start_time"), info.get("end_time")
        if not isinstance(start, int) or start <= 0:
            raise ValueError(f"start_time {start!r:.40} is not milliseconds since 1970")
        if str(info.get("status")) not in STATES:
            raise ValueError(f"status {info.get('status')!r:.40} is none of {', '.join(STATES)}")
        return cls(
            run_id=_run_id(found),
            status=str(info["status"]),
            start_ms=start,
            end_ms=end if isinstance(end, int) and end >= start else None,
            metrics={m["key"]: number(m.get("value")) for m in _rows(data, "metrics")},
            tags={t["key"]: str(t.get("value", "")) for t in _rows(data, "tags")},
        )


def _histories(api: Api, told: Told) -> dict[str, Looks]:
    """The looks of each system metric that we can use, by its name. Raises ValueError for what is none."""
    wanted = [
        m for m in sorted(told.metrics) if POWER.fullmatch(m) or BUSY.fullmatch(m) or m == CPU_BUSY
    ]  # fmt: skip
    return {name: looks_of(name, api.history(told.run_id, name), told.start_ms) for name in wanted}


def _run(
    told: Told, histories: Mapping[str, Looks], experiment: str, reading: Reading, notes: Notes, place: str
) -> Run:
    ends = [looks.seconds[-1] for looks in histories.values() if looks.seconds]
    last = max(ends, default=0.0)
    duration = last if told.end_ms is None else (told.end_ms - told.start_ms) / 1000
    status = STATES[told.status]
    host = host_of(reading.asked.host or f"mlflow run {told.tags.get(PARENT, told.run_id)}")
    if reading.asked.host is None:
        notes.add("MLflow names no machine, so each run counts as on one of its own: --host changes it")
    rows = _rows_of_power(histories, duration, host, reading)
    for gap in (gap for row, _ in rows for gap in row.gaps):
        notes.add(f"a gap, not 0: {gap.reason}", place)
    if not rows:
        notes.add("no power was logged: the run counts as an attempt, and its energy is not known", place)
    parent = told.tags.get(PARENT)
    run = Run(
        record_id=import_id(NAME, "", told.run_id),
        # A run that goes on has a later version with every look; its end comes after all of them.
        seq=2 * round(duration * 1000) + (status is not Status.OPEN),
        status=status,
        started_at=written(told.start_ms * US),
        duration_seconds=duration,
        failed=told.status == "FAILED",
        solution_id=_solution(told, experiment, reading.solution),
        parent=import_id(NAME, "", parent) if parent else None,
        host=Host(id=host, fingerprint=NAME),
        subject=_subject(told, experiment, reading),
        energies=tuple(row for row, _ in rows),
        series=tuple(series for _, series in rows),
        statements=tuple(_statements(told, duration)),
        quality=tuple(_qualities(told, reading.quality)),
        place=place_of(reading.asked, utilisation=tuple(_utilisations(histories))),
        not_seen=(CPU,) if rows else (NotSeen(what="GPU", reason="MLflow logged no power of one"), CPU),
    )
    if (fault := first_fault(run)) is not None:
        raise ValueError(f"{fault[1]} (at {fault[0]})")
    return run


def _rows_of_power(
    histories: Mapping[str, Looks], duration: float, host: str, reading: Reading
) -> list[tuple[EnergyRow, Series]]:
    """A row, and its course, for each GPU whose power was logged."""
    named = [(name, match) for name in histories if (match := POWER.fullmatch(name)) is not None]
    named.sort(key=lambda pair: (pair[1]["node"] or "", int(pair[1]["gpu"])))
    if reading.uuids and len(reading.uuids) != len(named):
        raise ValueError(f"gpus names {len(reading.uuids)} GPUs, MLflow logged the power of {len(named)}")
    found = []
    for index, (name, match) in enumerate(named):
        machine = host_of(match["node"]) if match["node"] else host
        device = reading.uuids[index] if reading.uuids else f"gpu:{machine}/{UNNAMED}-{match['gpu']}"
        found.append(_row(device, histories[name], duration))
    return found


def _row(device: str, looks: Looks, duration: float) -> tuple[EnergyRow, Series]:
    method = Method.INTEGRATED_POWER
    joules, observed, course = looks.within(duration).integrated(MOST_WATTS)
    row = EnergyRow(
        device_id=device,
        component="gpu",
        t0_seconds=0.0,
        duration_seconds=duration,
        energy_joules=joules,
        observed_seconds=math.fsum(t1 - t0 for t0, t1 in observed),
        method=method,
        boundary=Boundary.DEVICE,
        grade=GRADE_OF_METHOD[method],
        errors=errors_of(method, f"{NAME}:{device}", duty=DUTY),
        sensor_duty=DUTY,
        source=SOURCE,
        gaps=tuple(
            GapSpan(t0_seconds=t0, duration_seconds=t1 - t0, reason=reason)
            for t0, t1, reason in gaps_of(observed, duration)
        ),
        max_watts=MOST_WATTS,
    )
    times, energies = zip(*course, strict=True) if course else ((), ())
    return row, Series(device_id=device, component="gpu", t_seconds=times, energy_joules=energies)


def _utilisations(histories: Mapping[str, Looks]) -> Iterator[Utilisation]:
    """How busy GPUs and the CPU were; of several GPUs their mean."""
    busy = [looks for name, looks in histories.items() if BUSY.fullmatch(name)]
    for component, found in (("gpu", busy), ("cpu", [h for n, h in histories.items() if n == CPU_BUSY])):
        values = [value for looks in found for value in looks.values if value is not None]
        if values and all(0.0 <= value <= 100.0 for value in values):
            yield Utilisation(
                component=component,
                signal=f"{component}_busy_time",
                mean=math.fsum(values) / len(values) / 100.0,
                windows_300s=means_of_windows(found),
                provisioned_devices=float(len(found)),
            )


def _qualities(told: Told, wanted: Mapping[str, bool] | None) -> Iterator[Quality]:
    for name, value in sorted(told.metrics.items()):
        if value is None or name.startswith(("system/", "wattmark")):
            continue
        if wanted is not None:
            if name in wanted:
                yield Quality(name=name, value=value, higher_is_better=wanted[name])
            continue
        usual = next((u for u in USUAL if re.fullmatch(rf"(?:.*[_/.\- ])?{u}", name.lower())), None)
        if usual is not None:
            yield Quality(name=name, value=value, higher_is_better=USUAL[usual])


def _statements(told: Told, duration: float) -> Iterator[Statement]:
    """CodeCarbon's results among the metrics, as they are stated: how they came about is not said there."""
    start = told.start_ms * US
    period = f"{written(start)}/{written(start + round(duration * 1e6))}"
    for name in sorted(told.metrics):
        prefix = name.removesuffix(CODECARBON[0])
        if prefix == name or not all(prefix + field in told.metrics for field in CODECARBON):
            continue
        for quantity, field, unit in (
            ("emissions", "emissions", "kgCO2e"),
            ("energy", "energy_consumed", "kWh"),
        ):
            value = told.metrics[prefix + field]
            if value is not None and value >= 0:
                yield Statement(
                    quantity=quantity,
                    value=value,
                    unit=unit,
                    accounting="location" if quantity == "emissions" else None,
                    period=period,
                    provider_model_version="codecarbon",
                )


def _subject(told: Told, experiment: str, reading: Reading) -> Subject:
    """Nothing of ``mlflow.user`` and ``mlflow.source.name``: they name people and paths."""
    return subject_of(
        reading.asked, labels={"mlflow.run_id": told.run_id, "mlflow.experiment": experiment or "Default"}
    )


def _solution(told: Told, experiment: str, by: str) -> str | None:
    if by == "experiment":
        return f"mlflow {experiment}"
    return told.tags.get(by.removeprefix("tag:")) if by else None


def _run_id(found: Any) -> str:
    info = found.get("info") if isinstance(found, dict) else None
    value = info.get("run_id") if isinstance(info, dict) else None
    return value if isinstance(value, str) else ""


def _rows(data: Mapping[str, Any], key: str) -> list[dict[str, Any]]:
    found = data.get(key) or []
    return [row for row in found if isinstance(row, dict) and isinstance(row.get("key"), str)]


def _words(text: str) -> tuple[str, ...]:
    return tuple(word.strip() for word in text.split(",") if word.strip())
