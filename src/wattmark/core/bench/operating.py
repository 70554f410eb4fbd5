"""Operating points of one model: what was tried, which may be held against which, and which one to use."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from dataclasses import fields as dataclass_fields

from wattmark.core.bench.key import UNKNOWN, Key
from wattmark.core.bench.pareto import (
    Contender,
    Keyed,
    Measure,
    Option,
    Standing,
    Suggestion,
    plots,
    quantile_measure,
    standings,
    suggest,
)
from wattmark.core.bench.result import Result
from wattmark.core.figure import Figure

AXES: Mapping[str, tuple[str, ...]] = {
    # what can be swept -> the fields of the key that it changes
    "batch_size": ("batch_policy",),
    "concurrency": ("batch_policy",),
    "rate": ("batch_policy",),
    "dtype": ("precision",),
    "device": ("device_class", "power_limit"),
}
SHARE = 0.95
"""Latency stands as its 95 % quantile."""
PER = ("query", "output")
LATENCY, QUALITY = "latency", "quality"


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """One combination of settings."""

    settings: tuple[tuple[str, str], ...]
    """Axis and value, in the order in which they were listed."""

    @property
    def name(self) -> str:
        """As people read it: ``concurrency 8, float16``."""
        said = (v if k in ("dtype", "device") else f"{k.replace('_', ' ')} {v}" for k, v in self.settings)
        return ", ".join(said) or "as pinned"

    @property
    def slug(self) -> str:
        """As a file is named: ``concurrency-8_dtype-float16``."""
        return "_".join(f"{k.replace('_', '-')}-{v.replace(':', '-')}" for k, v in self.settings) or "only"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """What came of one point."""

    point: Point
    result: Result | None = None
    latency: Measure | None = None
    """Seconds, the 95 % quantile."""
    failed: str = ""
    """Why there is no result; empty where there is one."""
    answered_by: str = ""
    """The machine and the server that answered; empty where that is not known."""
    bundle: str = ""
    """Name of its bundle, without a folder."""

    def energy(self, per: str) -> Figure | None:
        """Joules per query, or per output unit."""
        if self.result is None:
            return None
        return self.result.energy if per == "query" else self.result.per_output

    @property
    def quality(self) -> Measure | None:
        """How good the answers were, with the interval as far as it is known."""
        told = None if self.result is None else self.result.quality
        if told is None:
            return None
        better = told.higher_is_better
        return Measure(value=told.value, low=told.low, high=told.high, higher_is_better=better)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plane:
    """Energy against one other thing, for points that may be held against each other."""

    beside: str
    """``latency`` or ``quality``."""
    options: tuple[Option, ...]
    standings: tuple[Standing, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Points whose keys differ only in what was swept."""

    names: tuple[str, ...]
    apart: tuple[tuple[str, str | None, str | None], ...] = ()
    """Why they are not with the first group: field, value there, value here."""
    unknown: tuple[str, ...] = ()
    """Fields that nobody knows, and that are the same here because one server answered."""
    planes: tuple[Plane, ...]
    suggestion: Suggestion | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Sweep:
    """Everything that a sweep says."""

    task: str
    model: str
    per: str
    """``query`` or ``output``."""
    unit: str
    """Of the energy."""
    quality_name: str
    tried: tuple[Tried, ...]
    groups: tuple[Group, ...]
    max_latency: float | None = None
    min_quality: float | None = None


def latency_measure(result: Result, seconds: Sequence[float]) -> Measure | None:
    """The latency of a result, with an interval where these seconds of its queries give the same quantile."""
    if result.latency is None:
        return None
    found = quantile_measure(seconds, SHARE)
    if found is not None and found.value == result.latency.p95:
        return found
    return Measure(value=result.latency.p95)


def weigh(
    tried: Sequence[Tried],
    swept: Sequence[str],
    *,
    task: str,
    model: str,
    per: str = "query",
    max_latency: float | None = None,
    min_quality: float | None = None,
) -> Sweep:
    """Hold what was tried against each other. ``swept`` names the axes that have several values."""
    fields = sorted({field for axis in swept for field in AXES[axis]})
    known = [(t, e) for t in tried if (e := t.energy(per)) is not None and t.result is not None]
    keys = [Keyed(t.point.name, t.result.key, t.answered_by) for t, _ in known if t.result is not None]
    groups = []
    for plot in plots(keys, fields):
        inside = [(t, e) for t, e in known if t.point.name in plot.names]
        groups.append(
            Group(
                names=plot.names,
                apart=plot.apart,
                unknown=_unknown([k for k in keys if k.name in plot.names]),
                planes=tuple(p for p in (_plane(LATENCY, inside), _plane(QUALITY, inside)) if p),
                suggestion=suggest(
                    [
                        Contender(name=t.point.name, energy=e, latency=t.latency, quality=t.quality)
                        for t, e in inside
                    ],
                    max_latency,
                    min_quality,
                ),
            )
        )
    results = [t.result for t in tried if t.result is not None]
    return Sweep(
        task=task,
        model=model,
        per=per,
        unit=next((e.unit for _, e in known), ""),
        quality_name=next((r.quality.name for r in results if r.quality is not None), "quality"),
        tried=tuple(tried),
        groups=tuple(groups),
        max_latency=max_latency,
        min_quality=min_quality,
    )


def _unknown(keys: Sequence[Keyed]) -> tuple[str, ...]:
    names = (f.name for f in dataclass_fields(Key))
    return tuple(n for n in names if len(keys) > 1 and all(getattr(k.key, n) == UNKNOWN for k in keys))


def _plane(beside: str, known: Sequence[tuple[Tried, Figure]]) -> Plane | None:
    """One plane; None where nothing is known beside the energy."""
    options = []
    for tried, energy in known:
        measure = tried.latency if beside == LATENCY else tried.quality
        if measure is not None:
            options.append(Option(name=tried.point.name, energy=energy, beside=measure))
    if not options:
        return None
    return Plane(beside=beside, options=tuple(options), standings=standings(options))
