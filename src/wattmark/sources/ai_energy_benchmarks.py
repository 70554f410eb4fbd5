"""ai_energy_benchmarks (NeuralWatt), which AI Energy Score 2 runs: its CSV, or its result as JSON.

A result states GPU energy as *the* energy, so that a machine without a GPU used 0 Wh with success; a tracker
that failed gives zeros, too. Neither is an energy. ``carbon_intensity_g_per_kwh`` is CodeCarbon's
``emissions_rate`` (kg/s) under another name, and is not read. From the source text of 0.0.7, and from what it
wrote here.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
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
    Statement,
    Status,
    Work,
    workload_of,
)
from wattmark.core.sound import first_fault
from wattmark.core.standins import UNNAMED
from wattmark.core.units import JOULES_PER_KWH
from wattmark.hashing import sha256
from wattmark.ports import Source
from wattmark.sources.bench_labels import bench_labels
from wattmark.sources.catalog import Asked, Inputs
from wattmark.sources.identity import host_of, import_id
from wattmark.sources.json_input import documents_of
from wattmark.sources.lines import files_of, number_of, table_of
from wattmark.sources.moments import moment_us, written, zone_of
from wattmark.sources.portions import Notes, Portion
from wattmark.sources.stated import errors_of, place_of, subject_of

NAME = "ai-energy-benchmarks"
TOOL = "ai_energy_benchmarks"
OPTIONS: Mapping[str, str] = {
    "date": "When it was run, e.g. 2025-12-01: the JSON states no time, the CSV does.",
    "cpu_method": "How CodeCarbon got the CPU's energy: rapl (grade B) or model (grade D) [model].",
    "gpu": "What the GPU calls itself, e.g. `NVIDIA H100 80GB HBM3`: results do not say.",
    "version": "Version of ai_energy_benchmarks, e.g. 0.0.7: results do not say.",
    "task": "Task that was run [text_generation].",
}
METHOD = "CodeCarbon in machine mode: GPU by NVML's energy counter, CPU by RAPL or a model, RAM by a constant"
PARTS = {"gpu": "gpu_energy_kwh", "cpu": "cpu_energy_kwh", "dram": "ram_energy_kwh"}
NEEDED = ("config_model", "summary_total_prompts", "energy_total_energy_kwh")
AGREE = 0.01
NO_GPU = "no GPU was read: what it states as `energy` is 0 Wh, which is no result of the model"
US = 1_000_000

Flat = Mapping[str, Any]
"""A result with its keys joined, as the CSV has them: ``energy_gpu_energy_kwh``."""


def open_source(inputs: Inputs, asked: Asked) -> Source:
    """A source on results: CSV files, JSON files, or folders of ``*.csv``."""
    methods = {"rapl": Method.HARDWARE_COUNTER, "model": Method.MODELLED}
    method = asked.settings.get("cpu_method", "model")
    if method not in methods:
        raise UsageError(f"cpu_method is {' or '.join(methods)}, not {method!r}")
    date = asked.settings.get("date")
    date_us = moment_us(date, zone_of(None)) if date is not None else None
    if date is not None and date_us is None:
        raise UsageError(f"date is a day like 2025-12-01, not {date!r}")
    return AiEnergyBenchmarks(tuple(files_of(inputs, "**/*.csv")), asked, methods[method], date_us)


class AiEnergyBenchmarks:
    """Reads each result as a run."""

    def __init__(
        self, files: tuple[Path, ...], asked: Asked, cpu_method: Method, date_us: int | None
    ) -> None:
        self._files = files
        self._asked = asked
        self._methods = {"gpu": Method.HARDWARE_COUNTER, "cpu": cpu_method, "dram": Method.MODELLED}
        self._date_us = date_us
        self._zone: tzinfo = zone_of(None)

    def read(self) -> Iterator[Imported]:
        """The results of each file, one portion per file."""
        notes = Notes()
        if self._asked.host is None:
            notes.add("results name no machine, so each counts as one of its own: --host changes it")
        seen: set[tuple[str, int]] = set()
        for path in self._files:
            portion = Portion()
            for place, flat, reason in _results(path):
                try:
                    if flat is None:
                        raise ValueError(reason)
                    run = self._run(place, flat, notes)
                except ValueError as error:
                    portion.refuse(place, str(error))
                    continue
                portion.take(run, seen)
            yield portion.brought()
        yield Portion().brought(notes)

    def _run(self, place: str, flat: Flat, notes: Notes) -> Run:
        if problem := _text(flat, "energy_error"):
            raise ValueError(f"its tracker failed, so that its zeros are no energies: {problem:.120}")
        seconds = _amount(flat, "energy_duration_seconds")
        end_us = moment_us(_text(flat, "timestamp"), self._zone)
        if end_us is None and self._date_us is None:
            raise ValueError("states no time: say -o date=2025-12-01")
        start_us = self._date_us if end_us is None else end_us - round(seconds * US)
        assert start_us is not None, "one of both is there"
        record_id = import_id(NAME, "", _native(flat))
        host = host_of(self._asked.host or record_id)
        subject = subject_of(
            self._asked,
            model=_model(flat),
            stage=self._asked.subject.stage or "inference",
            task=self._asked.settings.get("task", "text_generation"),
            labels=self._labels(flat),
        )
        rows = tuple(self._rows(flat, host, seconds, workload_of(subject, record_id)))
        if not any(row.component == "gpu" for row in rows):
            notes.add(NO_GPU, place)
        run = Run(
            record_id=record_id,
            status=Status.CLOSED,
            started_at=written(start_us),
            duration_seconds=seconds,
            host=Host(id=host, fingerprint=NAME),
            subject=subject,
            energies=rows,
            statements=tuple(_statements(flat)),
            work=tuple(_work(flat, seconds)),
            place=place_of(self._asked),
            not_seen=(NotSeen(what="rest of the node", reason="CodeCarbon states CPU, GPU and memory only"),),
            environment={"codecarbon": version}
            if (version := _text(flat, "metrics_metadata_version"))
            else {},
        )
        if (fault := first_fault(run)) is not None:
            raise ValueError(f"{fault[1]} (at {fault[0]})")
        return run

    def _labels(self, flat: Flat) -> dict[str, str]:
        settings = self._asked.settings
        version = settings.get("version", "")
        kind = _text(flat, "backend_info_torch_dtype")
        backend = _text(flat, "config_backend")
        gpus = [g for g in _text(flat, "config_device_ids").split(",") if g]
        gpu = settings.get("gpu", "")
        return bench_labels(
            settings.get("task", "text_generation"),
            origin=f"{TOOL} {version}".strip(),
            method=METHOD,
            device_class=f"{len(gpus) or 1} x {gpu}" if gpu else None,
            batch_policy="batch 1" if backend == "pytorch" else None,
            precision=kind if kind not in ("", "auto") else None,
            protocol=f"{TOOL} {version}".strip(),
            dataset=_dataset(flat),
            device=_text(flat, "backend_info_device"),
            served_by=backend,
            warm_up="0",
        )

    def _rows(self, flat: Flat, host: str, seconds: float, workload: str) -> Iterator[EnergyRow]:
        parts = {part: _amount(flat, f"energy_{key}") for part, key in PARTS.items()}
        total = _amount(flat, "energy_total_energy_kwh")
        added = sum(parts.values())
        if total <= 0:
            raise ValueError(
                "total_energy_kwh is 0: nothing was measured, which is not the same as no energy"
            )
        if abs(added - total) > AGREE * max(total, added):
            raise ValueError(f"total_energy_kwh is {total:g}, and its parts add up to {added:g}")
        gpu_there = _text(flat, "backend_info_device") not in ("cpu", "mps")
        for component, kwh in parts.items():
            if component == "gpu" and not kwh and not gpu_there:
                continue
            method = self._methods[component]
            reason = f"CodeCarbon states 0 J for a {component} that is there"
            gap = GapSpan(t0_seconds=0.0, duration_seconds=seconds, reason=reason)
            yield EnergyRow(
                device_id=f"{component}:{host}/{UNNAMED}",
                component=component,
                t0_seconds=0.0,
                duration_seconds=seconds,
                energy_joules=kwh * JOULES_PER_KWH,
                observed_seconds=seconds if kwh else 0.0,
                method=method,
                boundary=Boundary.DEVICE,
                grade=GRADE_OF_METHOD[method],
                errors=errors_of(method, f"codecarbon:{host}:{component}", workload=workload),
                source=SourceId(name=NAME, version=self._asked.settings.get("version", "")),
                gaps=() if kwh else (gap,),
            )


def _results(path: Path) -> Iterator[tuple[str, Flat | None, str]]:
    """Place and content of each result. Raises EvidenceError for a file of something else."""
    if path.suffix.lower() == ".csv":
        yield from _rows_of(path)
        return
    for place, document, reason in documents_of(path):
        flat = _flat(document) if document is not None else None
        if flat is not None and not all(key in flat for key in NEEDED):
            raise EvidenceError(
                place, "is no result of ai_energy_benchmarks: expected config, summary and energy"
            )
        yield place, flat, reason


def _rows_of(path: Path) -> Iterator[tuple[str, Flat | None, str]]:
    header: list[str] = []
    for line, cells in table_of(path):
        if not header:
            header = cells
            if not all(key in header for key in NEEDED):
                raise EvidenceError(
                    str(path), f"is no CSV of ai_energy_benchmarks: expected columns {', '.join(NEEDED)}"
                )
        elif len(cells) != len(header):
            # Rows are appended under the first header, though models with more GPUs have more columns.
            yield f"{path}:{line}", None, f"has {len(cells)} cells where the header names {len(header)}"
        else:
            yield f"{path}:{line}", dict(zip(header, cells, strict=True)), ""
    if not header:
        raise EvidenceError(str(path), "is empty: expected a header of columns")


def _flat(document: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in document.items():
        name = f"{prefix}{key}"
        if isinstance(value, dict):
            found.update(_flat(value, f"{name}_"))
        else:
            found[name] = ",".join(map(str, value)) if isinstance(value, list) else value
    return found


def _text(flat: Flat, key: str) -> str:
    value = flat.get(key)
    return "" if value is None else str(value).strip()


def _amount(flat: Flat, key: str) -> float:
    """A number that must be there, and cannot be negative."""
    value = number_of(_text(flat, key))
    if value is None or value < 0:
        raise ValueError(f"{key} is {_text(flat, key)!r:.40}, not an amount")
    return value


def _native(flat: Flat) -> str:
    """What tells results apart; a JSON and the CSV of one run have the same."""
    kept = {k: _text(flat, k) for k in sorted(flat) if k.startswith(("config_", "summary_", "energy_"))}
    return sha256(json.dumps(kept, sort_keys=True).encode()).hexdigest()


def _model(flat: Flat) -> str:
    name = _text(flat, "config_model")
    local = name.startswith(("/", ".", "~")) or name.count("/") > 1
    return name.rpartition("/")[2] if local else name


def _dataset(flat: Flat) -> str | None:
    name = _text(flat, "config_dataset")
    local = name.startswith(("/", ".", "~")) or name.count("/") != 1
    return None if local else f"published: {name}"


def _work(flat: Flat, seconds: float) -> Iterator[Work]:
    """Prompts that were answered, and their tokens; failed ones beside."""
    counts = {
        "inferences": ("summary_successful_prompts", _amount(flat, "summary_failed_prompts")),
        "input_tokens": ("summary_total_prompt_tokens", 0.0),
        "output_tokens": ("summary_total_completion_tokens", 0.0),
    }
    for unit, (key, failed) in counts.items():
        yield Work(unit=unit, count=_amount(flat, key), failed=failed, duration_seconds=seconds)


def _statements(flat: Flat) -> Iterator[Statement]:
    """Emissions as CodeCarbon states them; `carbon_intensity_g_per_kwh` holds kg/s, so it is left."""
    kilograms = number_of(_text(flat, "energy_emissions_kg_co2eq"))
    if kilograms is not None and kilograms > 0:
        version = _text(flat, "metrics_metadata_version")
        yield Statement(
            quantity="emissions",
            value=kilograms,
            unit="kgCO2e",
            accounting="location",
            provider_model_version=f"codecarbon {version}".strip(),
        )
