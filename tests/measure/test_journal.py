"""What is logged: whole entries or none, windows that nest, limits that keep a run file small."""

from __future__ import annotations

import math
from typing import Any

import pytest

from wattmark.core.errors import UsageError
from wattmark.core.run import Dataset, Work
from wattmark.measure.journal import MOST_KINDS, MOST_NOTES, Journal, amount


def journal(most: int = 10, *declared: Work) -> Journal:
    return Journal(100.0, most, declared)


def test_work_of_one_unit_and_window_adds_up() -> None:
    """Two entries of 10 inferences are one of 20; another window keeps its own."""
    j = journal()
    window = j.begin("epoch", None, None, 101.0)
    j.log(work={"inferences": 10}, now=102.0)
    j.log(work={"inferences": 10}, failed={"inferences": 1}, now=103.0)
    j.log(work={"inferences": 5}, window=window, now=104.0)
    assert [(w.count, w.failed, w.window, w.t0_seconds) for w in j.work] == [
        (20.0, 1.0, None, 2.0),
        (5.0, 0.0, window, 4.0),
    ]


def test_declared_work_stays_apart_from_counted() -> None:
    """Somebody's statement is never mixed with a count."""
    j = journal(10, Work(unit="inferences", count=100.0, declared=True))
    j.log(work={"inferences": 98})
    assert [(w.count, w.declared) for w in j.work] == [(100.0, True), (98.0, False)]


def test_precision_belongs_to_flop_only() -> None:
    """FLOP of two precisions stay apart, samples have none."""
    j = journal()
    j.log(work={"flop": 1e9, "samples": 1}, precision="fp16")
    j.log(work={"flop": 1e9}, precision="fp32")
    assert {(w.unit, w.precision) for w in j.work} == {("flop", "fp16"), ("samples", None), ("flop", "fp32")}


def test_the_last_quality_of_a_name_counts() -> None:
    """An epoch's accuracy replaces that of the epoch before."""
    j = journal()
    j.log(quality={"accuracy": 0.5, "val_loss": 2.0})
    j.log(quality={"accuracy": 0.9})
    assert [(q.name, q.value, q.higher_is_better) for q in j.quality] == [
        ("val_loss", 2.0, False),
        ("accuracy", 0.9, True),
    ]


def test_the_direction_of_a_quality_can_be_said() -> None:
    """A name does not decide against the caller."""
    j = journal()
    j.log(quality={"error_free": 0.9}, higher_is_better=True)
    assert j.quality[0].higher_is_better


@pytest.mark.parametrize(
    ("entry", "says"),
    [
        ({"work": {"inferences": -1}}, "an amount of work is not negative"),
        ({"work": {"inferences": math.inf}}, "inferences is inf, which is not a finite number"),
        ({"failed": {"inferences": "many"}}, "inferences is 'many', which is not a number"),
        ({"quality": {"loss": math.nan}}, "loss is nan, which is not a finite number"),
        ({"quality": {"loss": 10**400}}, "which is not a number"),
        ({"progress": None, "work": {"x": None}}, "which is not a number"),
        ({"progress": math.nan}, "progress is nan"),
    ],
)
def test_an_impossible_value_leaves_nothing_behind(entry: dict[str, Any], says: str) -> None:
    """Whole or not at all: the good half of a bad entry is not kept."""
    j = journal()
    with pytest.raises(UsageError, match=says):
        j.log(**{"work": {"good": 1}, "dataset": Dataset(name="d"), **entry})
    assert (j.work, j.quality, j.dataset, j.progress) == ((), [], None, None)


def test_a_declared_amount_is_checked_too() -> None:
    """NaN inferences are no work."""
    with pytest.raises(UsageError, match="inferences"):
        journal(10, Work(unit="inferences", count=math.nan))
    assert amount("samples", "3") == 3.0


def test_progress_stays_between_nothing_and_all() -> None:
    """110 % is done."""
    j = journal()
    j.log(progress=1.1)
    assert j.progress == 1.0
    j.log(dataset=Dataset(name="d"))
    assert j.dataset == Dataset(name="d")


# --- windows ----------------------------------------------------------------------------------------


def test_windows_nest_and_keep_their_times() -> None:
    """A window inside another names it; an open one stands as it is."""
    j = journal()
    outer = j.begin("training", "training", None, 101.0)
    inner = j.begin("epoch 1", None, outer, 102.0)
    j.end(inner, 104.0)
    told = [(w.name, w.parent, w.t0_seconds, w.duration_seconds) for w in j.kept_windows(106.0)]
    assert told == [("training", None, 1.0, 5.0), ("epoch 1", outer, 2.0, 2.0)]


def test_a_window_ends_once() -> None:
    """Ending it again, or one that never was, changes nothing."""
    j = journal()
    window = j.begin("a", None, None, 101.0)
    j.end(window, 102.0)
    j.end(window, 105.0)
    j.end(77, 105.0)
    assert [w.duration_seconds for w in j.kept_windows(110.0)] == [1.0]


def test_a_parent_that_is_over_is_no_parent() -> None:
    """A window begun after its parent's end stands alone."""
    j = journal()
    outer = j.begin("a", None, None, 101.0)
    j.end(outer, 102.0)
    j.begin("b", None, outer, 103.0)
    assert [w.parent for w in j.kept_windows(104.0)] == [None, None]


def test_windows_beyond_the_limit_are_counted() -> None:
    """Of five windows two are kept, and a remark tells of the other three."""
    j = journal(2)
    for i in range(5):
        j.end(j.begin(f"step {i}", None, None, 101.0 + i), 101.5 + i)
    assert [w.name for w in j.kept_windows(110.0)] == ["step 0", "step 1"]
    assert j.remarks() == ("3 windows after the first 2 were not kept one by one",)


def test_a_window_open_at_the_limit_is_kept_to_its_end() -> None:
    """The training window around a thousand steps still has its end."""
    j = journal(2)
    outer = j.begin("training", "training", None, 101.0)
    for i in range(5):
        j.end(j.begin(f"step {i}", None, outer, 102.0 + i), 102.5 + i)
    assert j.is_kept(outer)
    j.end(outer, 110.0)
    assert [w.name for w in j.kept_windows(120.0)] == ["training", "step 0"]
    assert j.kept_windows(120.0)[0].duration_seconds == 9.0


def test_another_stage_is_kept_beyond_the_limit() -> None:
    """Later training steps make the last kept one longer; inference after them is a window of its own."""
    j = journal(2)
    for i in range(5):
        j.end(j.begin(f"step {i}", "training", None, 101.0 + i), 101.5 + i)
    assert not j.keeps(None, None)
    stage = j.begin("inference", "inference", None, 110.0)
    assert j.is_kept(stage)
    assert not j.keeps("inference", stage)
    told = [(w.stage, w.t0_seconds, w.duration_seconds) for w in j.kept_windows(111.0)]
    assert told == [("training", 1.0, 0.5), ("training", 2.0, 3.5), ("inference", 10.0, 1.0)]


def test_even_other_stages_have_a_limit() -> None:
    """Ten thousand requests, each its own stage, do not fill the disk."""
    j = journal(3)
    for i in range(100):
        j.end(j.begin("request", f"stage {i}", None, 101.0), 102.0)
    assert len(j.kept_windows(103.0)) == 6


def test_children_of_a_window_that_is_not_kept_belong_to_the_one_around_it() -> None:
    """No window names a parent that is not there."""
    j = journal(1)
    outer = j.begin("training", "training", None, 101.0)
    step = j.begin("step", None, outer, 102.0)
    j.begin("evaluation", "evaluation", step, 103.0)
    assert [(w.name, w.parent) for w in j.kept_windows(104.0)] == [("training", None), ("evaluation", outer)]


def test_work_of_a_window_that_is_not_kept_is_the_runs() -> None:
    """The count is not lost with the window."""
    j = journal(0)
    window = j.begin("step", None, None, 101.0)
    j.log(work={"samples": 3}, window=window)
    assert [(w.count, w.window) for w in j.work] == [(3.0, None)]


# --- remarks ----------------------------------------------------------------------------------------


def test_remarks_do_not_fill_the_file() -> None:
    """The same remark once, a hundred of them at most, and how many more there were."""
    j = journal()
    for i in range(MOST_NOTES + 20):
        j.note(f"remark {i}")
        j.note("remark 0")
    assert len(j.notes) == MOST_NOTES
    assert j.remarks()[-1] == f"{20 + MOST_NOTES + 20} more remarks, or the same again, were left out"


# --- a run file stays small and readable -------------------------------------------------------------


def test_sums_that_are_beyond_all_reason_are_refused() -> None:
    """They would become infinite, and no run file could be written."""
    taken = journal()
    taken.log(work={"x": 1e36})
    with pytest.raises(UsageError, match="too large to be real"):
        taken.log(work={"x": 1e36})
    with pytest.raises(UsageError, match="too large to be real"):
        taken.log(quality={"q": 1e308})
    with pytest.raises(UsageError, match="too small to be real"):
        taken.log(work={"y": 5e-324})
    assert [w.count for w in taken.work] == [1e36]


@pytest.mark.parametrize("what", ["work", "quality"])
def test_names_are_limited_in_number_and_length(what: str) -> None:
    """A name per item would fill memory and file."""
    taken = journal()
    for number in range(MOST_KINDS):
        taken.log(**{what: {f"name {number}": 1.0}})
    with pytest.raises(UsageError, match="more than 1000"):
        taken.log(**{what: {"one more": 1.0}})
    taken.log(**{what: {"name 5": 2.0}})
    with pytest.raises(UsageError, match="longer than 200"):
        taken.log(**{what: {"n" * 201: 1.0}})


def test_a_windows_name_is_cut() -> None:
    """A prompt as a name would fill the file."""
    taken = journal()
    taken.begin("n" * 100_000, None, None, 1.0)
    assert len(taken.kept_windows(2.0)[0].name) == 200
