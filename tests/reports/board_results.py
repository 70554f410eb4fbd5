"""Results made by hand for boards and labels: 36 J a query is 10 Wh per 1,000."""

from __future__ import annotations

from typing import Any

from wattmark.core.bench.key import Key
from wattmark.core.bench.pinned import ModelFacts
from wattmark.core.bench.result import Latency, Origin, QualityScore, RepeatFigure, Result
from wattmark.core.bench.validity import Reason, Status, Validity
from wattmark.core.figure import Figure
from wattmark.core.known import Grade
from wattmark.core.stars.rating import Rating

VALID = Validity(status=Status.VALID)
INVALID = Validity(
    status=Status.INVALID,
    reasons=(Reason(code="quick", status=Status.INVALID, text="profile quick is for tries"),),
)
PUBLISHED = Validity(
    status=Status.PROVISIONAL,
    reasons=(Reason(code="no_evidence", status=Status.PROVISIONAL, text="published without evidence"),),
)
H100 = "1 x NVIDIA H100 80GB HBM3"


def a_key(**changes: Any) -> Key:
    """Text generation on one H100, measured."""
    stated: dict[str, Any] = {
        "task": "text_generation",
        "dataset": "d" * 64,
        "tokens": "in<=512 out=10",
        "boundary": "device (gpu)",
        "device_class": H100,
        "batch_policy": "batch 1",
        "precision": "float16",
        "evidence": "measured",
        "protocol": "wattmark-1",
    }
    return Key(**{**stated, **changes})


def joules(value: float, half: float, grade: Grade = Grade.B) -> Figure:
    """Joules per query with the half width of its interval."""
    return Figure(value, "J", errors={"meter:gain": half} if half else {}, grades={grade: value})


def a_result(
    model: str = "lab/one", energy: float | None = 36.0, half: float = 1.8, **changes: Any
) -> Result:
    """36 J per query, give or take 5 %: 10 Wh per 1,000 queries, valid, from a bundle."""
    key = changes.pop("key", None) or a_key()
    grade = changes.pop("grade", Grade.B)
    figure = None if energy is None else joules(energy, half, grade)
    counts = range(3) if energy is not None else ()
    stated: dict[str, Any] = {
        "id": f"id-{model}",
        "task": key.task,
        "model": ModelFacts(
            id=model, parameters=124_000_000, model_class="A", served_by="transformers 5.23.0"
        ),
        "cohort": "2026-11",
        "date": "2026-11-20",
        "profile": "standard",
        "key": key,
        "energy": figure,
        "per_output": None if figure is None else figure.scaled(0.1, "J/output_token"),
        "output_unit": "output_tokens",
        "gpu_energy": figure,
        "quality": QualityScore(name="rouge_l", value=0.42, low=0.40, high=0.44, queries=100),
        "latency": Latency(mean=0.11, p50=0.1, p95=0.2),
        "throughput": 9.1,
        "repeats": tuple(
            RepeatFigure(repeat=i, joules_per_query=figure.value, queries=100, seconds=61.0)
            for i in counts
            if figure is not None
        ),
        "repeat_cv": 0.012,
        "hardware": H100,
        "validity": VALID,
        "origin": Origin(tool="wattmark", version="0.1.0", source="one.wattmark"),
        "bundle_sha256": "b" * 64,
    }
    return Result(**{**stated, **changes})


def a_published(model: str = "lab/told", energy: float = 30.0, **changes: Any) -> Result:
    """Somebody's figure without evidence: grade E, no interval, no quality."""
    stated: dict[str, Any] = {
        "key": a_key(dataset="published: mlenergy", evidence="estimated", precision="bfloat16"),
        "grade": Grade.E,
        "validity": PUBLISHED,
        "origin": Origin(
            tool="ml.energy", version="v3", source="https://ml.energy/leaderboard", published=True
        ),
        "bundle_sha256": None,
        "quality": None,
        "latency": None,
        "repeats": (),
        "repeat_cv": None,
        "gpu_energy": None,
    }
    return a_result(model, energy, 0.0, **{**stated, **changes})


def a_rating(result: Result, **changes: Any) -> Rating:
    """Three stars, perhaps four."""
    stated: dict[str, Any] = {
        "task": result.task,
        "model": result.model.id,
        "model_class": result.model.model_class,
        "cohort": result.cohort,
        "mode": "anchored",
        "stars": 3,
        "interval": (3, 4),
        "index": 1.02,
        "wh_per_1000": 10.0,
        "energy_interval": (9.5, 10.5),
        "thresholds": "2026-11",
        "key": result.key.id,
        "evidence": "valid",
    }
    return Rating(**{**stated, **changes})


def unrated(result: Result, reason: str) -> Rating:
    """No stars, and why."""
    return a_rating(result, stars=None, interval=None, index=None, thresholds="", reason=reason)
