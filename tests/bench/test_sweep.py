"""Sweeps: the product of what is listed, in an order of chance, gone on with after a stop."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.bench.bundle.samples import head
from tests.reports.board_results import a_result
from wattmark.bench.bundle.layout import MANIFEST, Bundle, Manifest
from wattmark.bench.sweep import MOST_POINTS, Told, in_random_order, points_of, run_sweep, swept
from wattmark.core.bench.operating import Point, Tried
from wattmark.core.errors import EvidenceError, UsageError

AXES = {"batch_size": ["1", "2"], "dtype": ["float32", "bfloat16"]}


class Runs:
    """Makes bundles that say nothing; fails where it is told to."""

    def __init__(self, *failing: str) -> None:
        self.failing = failing
        self.ran: list[str] = []

    def run(self, point: Point, path: Path) -> Bundle:
        self.ran.append(point.slug)
        if point.slug in self.failing:
            raise EvidenceError("the model", "ran out of memory")
        path.mkdir(parents=True)
        (path / MANIFEST).write_text("{}")
        return self.load(path)

    def load(self, path: Path) -> Bundle:
        manifest = Manifest(evidence_id="1", protocol="wattmark-1", wattmark="0.1", files=())
        return Bundle(
            path=path,
            manifest=manifest,
            manifest_sha256="m" * 64,
            evidence=head(),
            result=a_result(latency=None),
            files={},
        )

    def sweep(self, folder: Path, definition: str = "one", seed: int = 1) -> tuple[list[Tried], list[Told]]:
        told: list[Told] = []
        found = run_sweep(
            points_of(AXES),
            folder,
            seed=seed,
            definition=definition,
            run=self.run,
            load=self.load,
            told=told.append,
        )
        return found, told


def test_points_are_the_product_of_what_is_listed() -> None:
    assert [p.slug for p in points_of(AXES)] == [
        "batch-size-1_dtype-float32",
        "batch-size-1_dtype-bfloat16",
        "batch-size-2_dtype-float32",
        "batch-size-2_dtype-bfloat16",
    ]
    assert [p.slug for p in points_of({})] == ["only"]
    assert swept({**AXES, "device": ["cpu"]}) == ("batch_size", "dtype")


@pytest.mark.parametrize(
    ("axis", "value", "problem"),
    [
        ("batch_size", "0", "--batch-size '0' is no whole number above 0"),
        ("batch_size", "two", "--batch-size 'two' is no whole number"),
        ("concurrency", "-4", "--concurrency '-4' is no whole number"),
        ("rate", "nan", "--rate 'nan' is no number of requests per second"),
        ("rate", "x", "--rate 'x' is no number of requests"),
        ("dtype", "float33", "--dtype 'float33': it is one of float32"),
        ("device", " ", "--device has an empty value"),
        ("colour", "red", "--colour: a sweep goes over batch_size"),
    ],
)
def test_a_value_that_cannot_be_is_refused_by_its_option(axis: str, value: str, problem: str) -> None:
    with pytest.raises(UsageError, match=problem):
        points_of({axis: [value]})


def test_a_value_counts_once_however_it_is_written() -> None:
    with pytest.raises(UsageError, match="--batch-size: 8 is listed twice"):
        points_of({"batch_size": ["8", "08"]})


def test_rate_and_concurrency_exclude_each_other() -> None:
    with pytest.raises(UsageError, match="not both"):
        points_of({"rate": ["1"], "concurrency": ["1"]})


def test_too_many_points_are_refused() -> None:
    many = [str(n) for n in range(1, MOST_POINTS + 2)]
    with pytest.raises(UsageError, match=f"would have {MOST_POINTS + 1} points"):
        points_of({"batch_size": many})


@given(st.integers(0, 1000))
def test_the_order_is_one_of_chance_and_the_same_for_the_same_seed(seed: int) -> None:
    points = points_of(AXES)
    order = in_random_order(points, seed)
    assert order == in_random_order(points, seed)
    assert sorted(p.slug for p in order) == sorted(p.slug for p in points)


def test_orders_differ_between_seeds() -> None:
    assert len({tuple(p.slug for p in in_random_order(points_of(AXES), seed)) for seed in range(20)}) > 5


def test_every_point_is_run_once_and_told_in_the_order_of_the_list(tmp_path: Path) -> None:
    """They run in the seed's order; what comes back is in the order in which they were listed."""
    runs = Runs()
    found, told = runs.sweep(tmp_path / "out")
    assert runs.ran == [p.slug for p in in_random_order(points_of(AXES), 1)]
    assert [t.point for t in found] == list(points_of(AXES))
    assert [t.state for t in told] == ["runs", "done"] * 4
    assert [t.number for t in told[::2]] == [1, 2, 3, 4]
    assert found[0].bundle == "batch-size-1_dtype-float32.wattmark"


def test_a_failed_point_is_told_and_the_rest_goes_on(tmp_path: Path) -> None:
    runs = Runs("batch-size-2_dtype-float32")
    found, told = runs.sweep(tmp_path)
    assert [t.failed for t in found] == ["", "", "ran out of memory", ""]
    assert "failed: ran out of memory" in [t.state for t in told]


def test_what_is_finished_is_not_run_again(tmp_path: Path) -> None:
    """The point that failed is run again; the three others are kept."""
    Runs("batch-size-2_dtype-float32").sweep(tmp_path)
    again = Runs()
    found, told = again.sweep(tmp_path)
    assert again.ran == ["batch-size-2_dtype-float32"]
    assert all(not t.failed for t in found)
    assert [t.state for t in told].count("kept") == 3


def test_a_folder_of_another_sweep_is_left_alone(tmp_path: Path) -> None:
    Runs().sweep(tmp_path)
    other = Runs()
    with pytest.raises(UsageError, match="holds a sweep of another model"):
        other.sweep(tmp_path, definition="two")
    assert other.ran == []


def test_a_plan_that_cannot_be_read_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "sweep.json").write_text("{")
    with pytest.raises(UsageError, match=r"sweep\.json"):
        Runs().sweep(tmp_path)


def test_an_interruption_ends_the_sweep(tmp_path: Path) -> None:
    """What was finished stays finished."""

    class Stopped(Runs):
        def run(self, point: Point, path: Path) -> Bundle:
            if len(self.ran) == 2:
                raise KeyboardInterrupt
            return super().run(point, path)

    with pytest.raises(KeyboardInterrupt):
        Stopped().sweep(tmp_path)
    again = Runs()
    again.sweep(tmp_path)
    assert len(again.ran) == 2
