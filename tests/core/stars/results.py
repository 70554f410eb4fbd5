"""Results made by hand for stars: 3.6 J a query is 1 Wh per 1,000 queries."""

from __future__ import annotations

from typing import Any

from wattmark.core.bench.key import Key
from wattmark.core.bench.pinned import ModelFacts
from wattmark.core.bench.result import Latency, Origin, QualityScore, Result
from wattmark.core.bench.validity import Reason, Status, validity_of
from wattmark.core.figure import Figure
from wattmark.core.known import Grade

H100 = "1 x NVIDIA H100 80GB HBM3"
GAIN = "nvml:GPU-1:gain"
INVALID = validity_of([Reason(code="quick", status=Status.INVALID, text="profile quick")])


def a_key(**changes: str) -> Key:
    """Text generation on one H100, measured."""
    stated = {
        "task": "text_generation",
        "dataset": "d" * 64,
        "tokens": "in<=512 out=10",
        "boundary": "device (gpu)",
        "device_class": H100,
        "batch_policy": "batch 1",
        "precision": "float16",
        "evidence": "measured",
        "protocol": "aies-2025-12",
    }
    return Key(**{**stated, **changes})


def joules(
    value: float, *, gain: float = 0.0, noise: float = 0.05, of: str = "", grade: Grade = Grade.B
) -> Figure:
    """Joules per query; ``gain`` is shared by all that one meter read, ``noise`` is a result's own."""
    errors = {GAIN: gain * value, f"noise:{of}": noise * value}
    return Figure(value, "J/query", errors={n: e for n, e in errors.items() if e}, grades={grade: value})


def a_result(name: str = "lab/one", spent: float = 3.6, **changes: Any) -> Result:
    """A valid result of profile aies with 5 % of noise, from a bundle."""
    figure = joules(
        spent,
        gain=changes.pop("gain", 0.0),
        noise=changes.pop("noise", 0.05),
        of=name,
        grade=changes.pop("grade", Grade.B),
    )
    key = changes.pop("key", None) or a_key()
    stated: dict[str, Any] = {
        "id": f"id-{name}",
        "task": key.task,
        "model": ModelFacts(id=name, model_class=changes.pop("model_class", "A")),
        "cohort": "2026-11",
        "date": "2026-11-20",
        "profile": "aies",
        "key": key,
        "energy": figure,
        "gpu_energy": figure,
        "validity": validity_of([]),
        "bundle_sha256": "b" * 64,
        "hardware": H100,
    }
    return Result(**{**stated, **changes})


def a_row(model: str, wh: str, *, stars: int | None = None, **changes: Any) -> Result:
    """A row of a published table, with its digits as they are written there."""
    stated = {"gpu_wh_per_1000": wh, **({"published_stars": str(stars)} if stars else {})}
    given: dict[str, Any] = {
        "cohort": "Dec 25",
        "profile": "",
        "stated": stated,
        "grade": Grade.E,
        "noise": 1.0,
        "origin": Origin(tool="table", published=True),
        "bundle_sha256": None,
        "validity": validity_of([Reason(code="no_evidence", status=Status.INVALID, text="published")]),
    }
    return a_result(model, float(wh) * 3.6, **{**given, **changes})


def quality(
    value: float, low: float | None = None, high: float | None = None, **changes: Any
) -> QualityScore:
    """An accuracy."""
    return QualityScore(name="accuracy", value=value, low=low, high=high, **changes)


def seconds(p95: float) -> Latency:
    """A latency of which only the 95th percentile matters."""
    return Latency(mean=p95 / 2, p50=p95 / 2, p95=p95)
