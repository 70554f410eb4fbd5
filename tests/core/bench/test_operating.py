"""Operating points held against each other: in which plot, and which to use."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from tests.reports.board_results import a_key, a_result
from wattmark.core.bench.operating import AXES, Point, Sweep, Tried, latency_measure, weigh
from wattmark.core.bench.pareto import Measure, Place
from wattmark.core.bench.result import Latency


def point(concurrency: int = 1, dtype: str = "float16") -> Point:
    return Point(settings=(("concurrency", str(concurrency)), ("dtype", dtype)))


def tried(concurrency: int, joules: float, seconds: float, dtype: str = "float16", **changes: Any) -> Tried:
    key = a_key(batch_policy=f"concurrency {concurrency}", precision=dtype, **changes.pop("key", {}))
    result = a_result(energy=joules, half=joules / 100, key=key, **changes)
    return Tried(
        point=point(concurrency, dtype),
        result=result,
        latency=Measure(value=seconds, low=seconds * 0.99, high=seconds * 1.01),
    )


THREE = (tried(1, 40.0, 0.2), tried(8, 20.0, 0.5), tried(32, 25.0, 1.5))
"""Eight at a time uses half of what one by one does; thirty-two is slower and dearer than eight."""


def places(sweep: Sweep) -> dict[str, Place]:
    (group,) = sweep.groups
    latency = next(p for p in group.planes if p.beside == "latency")
    return {s.name: s.place for s in latency.standings}


def weighed(*some: Tried, **how: Any) -> Sweep:
    return weigh(some, ("concurrency", "dtype"), task="text_generation", model="lab/one", **how)


def test_a_point_is_named_as_people_and_files_name_it() -> None:
    one = Point(settings=(("batch_size", "8"), ("device", "cuda:1")))
    assert one.name == "batch size 8, cuda:1"
    assert one.slug == "batch-size-8_device-cuda-1"
    assert (Point(settings=()).name, Point(settings=()).slug) == ("as pinned", "only")


def test_the_front_is_what_nothing_beats_in_both() -> None:
    """Eight at a time beats thirty-two in energy and latency; one by one is the fastest."""
    assert list(places(weighed(*THREE)).values()) == [Place.FRONT, Place.FRONT, Place.DOMINATED]


def test_the_least_energy_within_the_limits_is_suggested() -> None:
    """Within 0.3 s only one by one is left; without a limit it is eight at a time."""
    within = weighed(*THREE, max_latency=0.3).groups[0].suggestion
    free = weighed(*THREE).groups[0].suggestion
    assert within is not None
    assert free is not None
    assert within.name == "concurrency 1, float16"
    assert free.name == "concurrency 8, float16"
    assert weighed(*THREE, min_quality=0.99).groups[0].suggestion is None


def test_energy_may_stand_per_output() -> None:
    """The results state a tenth of it per output token."""
    sweep = weighed(*THREE, per="output")
    assert sweep.unit == "J/output_token"
    assert sweep.groups[0].planes[0].options[0].energy.value == 4.0


def test_points_of_another_boundary_are_another_group() -> None:
    """The field that differs is named, with both of its values."""
    sweep = weighed(*THREE, tried(64, 1.0, 0.1, key={"boundary": "node"}))
    first, second = sweep.groups
    assert first.names == tuple(t.point.name for t in THREE)
    assert second.names == ("concurrency 64, float16",)
    assert second.apart == (("boundary", "device (gpu)", "node"),)


def test_what_nobody_knows_of_one_server_is_said() -> None:
    """Its precision is the same at both points; of two servers it may be another."""
    two = (tried(1, 40.0, 0.2, dtype="unknown"), tried(8, 20.0, 0.5, dtype="unknown"))
    same = [replace(t, answered_by="one server") for t in two]
    together = weigh(same, ("concurrency",), task="t", model="m")
    apart = weigh(two, ("concurrency",), task="t", model="m")
    assert [(len(g.names), g.unknown) for g in together.groups] == [(2, ("precision",))]
    assert [(len(g.names), g.unknown) for g in apart.groups] == [(1, ()), (1, ())]


def test_what_failed_or_has_no_energy_is_in_no_group() -> None:
    """It is told all the same."""
    failed = Tried(point=point(64), failed="out of memory")
    blind = replace(tried(128, 1.0, 1.0), result=a_result(energy=None))
    sweep = weighed(*THREE, failed, blind)
    assert len(sweep.tried) == 5
    assert [len(g.names) for g in sweep.groups] == [3]
    assert (failed.energy("query"), failed.quality) == (None, None)


def test_without_latency_or_quality_there_is_no_plane() -> None:
    bare = [replace(t, latency=None, result=replace(t.result, quality=None)) for t in THREE if t.result]
    sweep = weighed(*bare)
    assert sweep.groups[0].planes == ()
    assert sweep.quality_name == "quality"


def test_the_interval_of_a_latency_is_that_of_the_queries_it_was_made_from() -> None:
    """Where the seconds give another quantile they are not those of the result: no interval then."""
    seconds = [i / 1000 for i in range(1, 1001)]
    result = a_result(latency=Latency(mean=0.5, p50=0.5, p95=0.95))
    assert latency_measure(result, seconds) == Measure(value=0.95, low=0.936, high=0.965)
    assert latency_measure(result, [1.0, 2.0]) == Measure(value=0.95)
    assert latency_measure(replace(result, latency=None), seconds) is None


def test_every_axis_changes_a_field_of_the_key() -> None:
    assert all(hasattr(a_key(), field) for fields in AXES.values() for field in fields)
