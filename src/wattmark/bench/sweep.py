"""Runs a benchmark at many operating points, in random order, each into a bundle of its own.

The order is drawn with a seed, so that what drifts while a sweep goes on (heat, clocks, neighbours) does not
fall on one setting. A sweep that was stopped goes on: what has a finished bundle is not run again. What fails
is told, and the rest goes on.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from random import Random

from wattmark.bench.bundle.layout import MANIFEST, SUFFIX, Bundle
from wattmark.core.bench.evidence import Evidence
from wattmark.core.bench.operating import AXES, Point, Tried, latency_measure
from wattmark.core.errors import UsageError, WattmarkError, without_paths
from wattmark.hashing import sha256

PLAN = "sweep.json"
MOST_POINTS = 500
DTYPES = ("float32", "float16", "bfloat16", "float64")


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """How far a sweep is."""

    point: Point
    number: int
    """From 1, in the order in which they are run."""
    of: int
    state: str
    """``runs``, ``kept`` (it was finished before), ``done`` or ``failed: WHY``."""


def points_of(axes: Mapping[str, Sequence[str]]) -> tuple[Point, ...]:
    """The product of what is listed. Raises UsageError that names the option for what cannot be."""
    checked = {axis: _values(axis, values) for axis, values in axes.items() if values}
    if "rate" in checked and "concurrency" in checked:
        raise UsageError("--rate and --concurrency: requests begin at a rate or when others end, not both")
    count = math.prod(len(values) for values in checked.values())
    if count > MOST_POINTS:
        raise UsageError(f"the sweep would have {count} points; at most {MOST_POINTS} are run in one")
    return tuple(
        Point(settings=tuple(zip(checked, values, strict=True))) for values in product(*checked.values())
    )


def swept(axes: Mapping[str, Sequence[str]]) -> tuple[str, ...]:
    """The axes that have more than one value."""
    return tuple(axis for axis, values in axes.items() if len(values) > 1)


def in_random_order(points: Sequence[Point], seed: int) -> list[Point]:
    """The same order for the same points and seed."""
    found = list(points)
    Random(seed).shuffle(found)
    return found


def run_sweep(
    points: Sequence[Point],
    folder: Path,
    *,
    seed: int,
    definition: str,
    run: Callable[[Point, Path], Bundle],
    load: Callable[[Path], Bundle],
    told: Callable[[Told], None] = lambda told: None,
) -> list[Tried]:
    """Run all points that are not finished, and give what came of each, in the order of ``points``.

    ``definition`` is everything that all points share: a folder is gone on with only for the same one.
    ``run`` makes the bundle of one point. Raises UsageError where the folder holds another sweep.
    """
    _claim(folder, definition)
    found: dict[Point, Tried] = {}
    order = in_random_order(points, seed)
    for number, point in enumerate(order, 1):
        path = folder / f"{point.slug}{SUFFIX}"
        kept = (path / MANIFEST).exists()
        told(Told(point=point, number=number, of=len(order), state="kept" if kept else "runs"))
        try:
            bundle = load(path) if kept else run(point, path)
        except Exception as error:  # noqa: BLE001 - whatever one point raises is told; the others go on
            why = without_paths(error) if isinstance(error, WattmarkError | OSError) else type(error).__name__
            found[point] = Tried(point=point, failed=why)
            told(Told(point=point, number=number, of=len(order), state=f"failed: {why}"))
            continue
        found[point] = tried_from(point, bundle)
        if not kept:
            told(Told(point=point, number=number, of=len(order), state="done"))
    return [found[point] for point in points]


def tried_from(point: Point, bundle: Bundle) -> Tried:
    """What a bundle says of its point."""
    seconds = seconds_of(bundle.evidence)
    return Tried(
        point=point,
        result=bundle.result,
        latency=latency_measure(bundle.result, seconds),
        answered_by=_answered_by(bundle.evidence),
        bundle=bundle.path.name,
    )


def _answered_by(evidence: Evidence) -> str:
    model = evidence.model
    return f"{evidence.host.id} {model.served_by} {model.id}"


def seconds_of(evidence: Evidence) -> list[float]:
    """How long each query took that was answered in a repeat."""
    return [(q.end_us - q.start_us) / 1e6 for q in evidence.queries if q.repeat >= 0 and not q.failed]


def _values(axis: str, values: Sequence[str]) -> tuple[str, ...]:
    option = f"--{axis.replace('_', '-')}"
    if axis not in AXES:
        raise UsageError(f"{option}: a sweep goes over {', '.join(AXES)}")
    found = tuple(_value(option, axis, value.strip()) for value in values)
    if twice := [value for value in found if found.count(value) > 1]:
        raise UsageError(f"{option}: {twice[0]} is listed twice")
    return found


def _value(option: str, axis: str, value: str) -> str:
    """A value as it is written everywhere: ``08`` and ``8`` are one."""
    if axis in ("batch_size", "concurrency"):
        if not (value.isascii() and value.isdigit() and 0 < int(value) <= 1 << 20):
            raise UsageError(f"{option} {value!r:.40} is no whole number above 0")
        return str(int(value))
    if axis == "rate":
        try:
            rate = float(value)
        except ValueError:
            rate = math.nan
        if not 0 < rate < 1e6:
            raise UsageError(f"{option} {value!r:.40} is no number of requests per second")
        return f"{rate:g}"
    if axis == "dtype" and value not in DTYPES:
        raise UsageError(f"{option} {value!r:.40}: it is one of {', '.join(DTYPES)}")
    if not value:
        raise UsageError(f"{option} has an empty value")
    return value


def _claim(folder: Path, definition: str) -> None:
    """Make the folder this sweep's. Raises UsageError where it is another one's."""
    digest = sha256(definition.encode()).hexdigest()
    path = folder / PLAN
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if not path.exists():
            path.write_text(
                json.dumps({"schema": "wattmark.sweep_plan", "schema_version": 1, "definition": digest})
                + "\n"
            )
            return
        told = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UsageError(f"{path}: {without_paths(error)}") from None
    if not isinstance(told, dict) or told.get("definition") != digest:
        raise UsageError(
            f"{folder} holds a sweep of another model, task or profile: name another folder with --out"
        )
