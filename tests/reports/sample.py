"""A run as it really looks: 60 s, four devices, three stages, one gap. Its numbers are smooth, not round."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from tests.builders import HOST
from wattmark.core.carbon import Intensity, Pue
from wattmark.core.facts import Facts
from wattmark.core.given import Given
from wattmark.core.known import Boundary, Grade, Method
from wattmark.core.kpis import CATALOG
from wattmark.core.policy import Limit
from wattmark.core.rubric import Rubric, Weighted
from wattmark.core.run import (
    EnergyRow,
    GapSpan,
    MeterChoice,
    NotSeen,
    OutcomeGoal,
    Overhead,
    Quality,
    Run,
    Series,
    SourceId,
    Status,
    Subject,
    Window,
    Work,
)
from wattmark.core.score import score
from wattmark.core.totals import facts_of
from wattmark.core.verdict import Finding, Ruling, Verdict
from wattmark.reports.sections import answers_of
from wattmark.reports.view import Baseline, ReportData, SourceFile

STAGES = (("data_preparation", 0.0, 12.0), ("training", 12.0, 48.0), ("inference", 48.0, 60.0))
GAP = GapSpan(t0_seconds=30.0, duration_seconds=4.0, reason="the driver was reloaded")
GIVEN = Given(
    pue=Pue(value=1.2, relative_error=0.03),
    intensity=Intensity(grams_per_kwh=56.0, zone="FRA", source="Ember", year=2025, relative_error=0.1),
)
RUBRIC = Rubric(
    id="sample",
    version="1",
    kpis=(
        Weighted(kpi="energy_to_solution", weight=0.5),
        Weighted(kpi="carbon_per_inference_operational", weight=0.3),
        Weighted(kpi="inference_watts_per_query", weight=0.2),
    ),
)


def a_real_run(scale: float = 1.0, **changes: Any) -> Run:
    """Cpu, dram, gpu and a modelled rest of node; the GPU was not seen for 4 s of its training."""
    devices = (
        (f"cpu:{HOST.id}/package-0", "cpu", "rapl", _cpu, Method.HARDWARE_COUNTER, Grade.B, 0.05),
        (f"dram:{HOST.id}/package-0", "dram", "rapl", _dram, Method.HARDWARE_COUNTER, Grade.B, 0.05),
        ("GPU-5f1c", "gpu", "nvml", _gpu, Method.HARDWARE_COUNTER, Grade.B, 0.05),
        (f"node:{HOST.id}/rest", "rest_of_node", "model", _rest, Method.MODELLED, Grade.D, 0.5),
    )
    rows: list[EnergyRow] = []
    series: list[Series] = []
    for device_id, component, source, power, method, grade, error in devices:
        gap = GAP if component == "gpu" else None
        times, energies = _cumulative(lambda t, p=power: scale * p(t), gap)
        series.append(
            Series(device_id=device_id, component=component, t_seconds=times, energy_joules=energies)
        )
        for _, t0, t1 in STAGES:
            inside = gap is not None and t0 <= gap.t0_seconds < t1
            rows.append(
                EnergyRow(
                    device_id=device_id,
                    component=component,
                    t0_seconds=t0,
                    duration_seconds=t1 - t0,
                    energy_joules=energies[times.index(t1)] - energies[times.index(t0)],
                    observed_seconds=t1 - t0 - (GAP.duration_seconds if inside else 0.0),
                    method=method,
                    boundary=Boundary.DEVICE,
                    grade=grade,
                    errors={f"{source}:{HOST.id}:gain": error},
                    source=SourceId(name=source, version="1"),
                    gaps=(GAP,) if inside else (),
                    idle_watts=25.0 if component == "gpu" else None,
                    max_watts=350.0,
                )
            )
    fields: dict[str, Any] = {
        "record_id": "3f6d1c8e-0000-4000-8000-00000000000a",
        "status": Status.CLOSED,
        "started_at": "2026-11-01T12:00:00.000000Z",
        "started_monotonic_seconds": 1000.0,
        "duration_seconds": 60.0,
        "host": HOST,
        "subject": Subject(model="digits-mlp", model_version="2", task="image-classification", team="vision"),
        "windows": tuple(
            Window(id=i + 1, name=name, stage=name, t0_seconds=t0, duration_seconds=t1 - t0)
            for i, (name, t0, t1) in enumerate(STAGES)
        ),
        "energies": tuple(rows),
        "series": tuple(series),
        "work": (Work(unit="inferences", count=12_500),),
        "quality": (Quality(name="accuracy", value=0.968),),
        "outcome": OutcomeGoal(condition="accuracy>=0.95", reached=True),
        "overhead": Overhead(cpu_seconds=0.021, workload_cpu_seconds=71.0, reads=61),
        "not_seen": (
            NotSeen(what="network switches", reason="no meter reaches them"),
            NotSeen(what="cooling of the room", reason="give the site's PUE to include it"),
        ),
        "meters": (
            MeterChoice(meter="rapl", chosen=True, reason="package and dram counters are readable"),
            MeterChoice(meter="nvml", chosen=True, reason="1 GPU with an energy counter"),
            MeterChoice(
                meter="ipmi", chosen=False, reason="/dev/ipmi0 is not readable: sudo chmod g+r /dev/ipmi0"
            ),
            MeterChoice(meter="model", chosen=True, reason="the rest of the node has no sensor"),
        ),
        "notes": ("the wall clock stepped by 0.4 s; durations are not affected",),
        "environment": {"wattmark": "0.1.0", "python": "3.12.1", "kernel": "6.8.0"},
    }
    return Run(**{**fields, **changes})


def a_report(**changes: Any) -> ReportData:
    """That run beside a baseline that used 1.6 times as much, scored, and passed by a gate."""
    run = a_real_run()
    before = a_real_run(
        1.6, record_id="9b1a77d0-0000-4000-8000-00000000000b", started_at="2026-10-20T09:30:00Z"
    )
    facts, earlier = facts_of([run], GIVEN), facts_of([before], GIVEN)
    answers = answers_of(facts)
    fields: dict[str, Any] = {
        "title": "digits-mlp 2",
        "runs": (run,),
        "facts": facts,
        "answers": answers,
        "score": score(facts, earlier, RUBRIC, CATALOG),
        "baseline": Baseline(facts=earlier, answers=answers_of(earlier), runs=(before,)),
        "verdict": Verdict(
            policy="wattmark-policy.toml",
            findings=(
                Finding(
                    limit=Limit(kpi="energy_to_solution", max=0.005),
                    ruling=Ruling.PASS,
                    value=answers["energy_to_solution"],
                    interval=(0.00337, 0.00424),
                ),
                Finding(
                    limit=Limit(
                        kpi="carbon_per_inference_operational",
                        max_increase=0.05,
                    ),
                    ruling=Ruling.PASS,
                    value=answers["carbon_per_inference_operational"],
                    interval=(-0.41, -0.34),
                ),
            ),
        ),
        "files": (SourceFile(name="20261101-3f6d1c8e.run.json", sha256="ab" * 32, record_id=run.record_id),),
        "generated_at": "2026-11-02T08:00:00Z",
        "wattmark_version": "0.1.0",
    }
    return ReportData(**{**fields, **changes})


def a_bare_report() -> ReportData:
    """A run in which no meter gave a reading: nothing is known, and nothing may read as zero."""
    run = a_real_run(
        energies=(), series=(), work=(), quality=(), outcome=None, windows=(), status=Status.INTERRUPTED
    )
    facts: Facts = facts_of([run], Given())
    return ReportData(title="digits-mlp 2", runs=(run,), facts=facts, answers=answers_of(facts))


def _cumulative(
    power: Callable[[float], float], gap: GapSpan | None
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """One point a second; the counter's rise during the gap was never seen."""
    times, energies = [0.0], [0.0]
    for second in range(60):
        seen = gap is None or not gap.t0_seconds <= second < gap.t0_seconds + gap.duration_seconds
        times.append(float(second + 1))
        energies.append(energies[-1] + (power(second + 0.5) if seen else 0.0))
    return tuple(times), tuple(energies)


def _cpu(t: float) -> float:
    return 62 + 6 * math.sin(t) if t < 12 else 34 + 4 * math.sin(t * 1.7) if t < 48 else 45 + 5 * math.sin(t)


def _dram(t: float) -> float:
    return 6 + math.sin(t / 3)


def _gpu(t: float) -> float:
    return 27 + math.sin(t) if t < 12 else 215 + 22 * math.sin(t * 0.9) if t < 48 else 120 + 10 * math.sin(t)


def _rest(t: float) -> float:
    return 22.0
