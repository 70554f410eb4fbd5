"""Evidence held against the lock of a pipeline."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.builders import a_run
from wattmark.core.dvc import LockedPath, LockedStage, Match, checked, stage_of
from wattmark.core.run import Dataset, Run, Subject

DATA = LockedPath(path="data", md5="aa.dir")
MODEL = LockedPath(path="model", md5="bb")
TRAIN = LockedStage(name="train", deps=(DATA,), outs=(MODEL,))


def a_stage_run(
    md5: str | None, at: str = "2026-11-01T12:00:00Z", stage: str = "train", failed: bool = False
) -> Run:
    """A run of a stage on data of that hash."""
    return replace(
        a_run(),
        record_id=f"{stage} {at} {md5}",
        started_at=at,
        failed=failed,
        subject=Subject(labels={"dvc_stage": stage}),
        dataset=Dataset(name="corpus", dvc_md5=md5),
    )


def only(stage: LockedStage, *runs: Run) -> tuple[Match, str, str]:
    """Match, path and reason of the one stage."""
    (found,) = checked([stage], runs)
    return found.match, found.path, found.reason


def test_the_same_hash_is_the_same_data() -> None:
    """A dependency, or for a stage that prepares data an output."""
    assert only(TRAIN, a_stage_run("aa.dir")) == (Match.SAME, "data", "")
    assert only(TRAIN, a_stage_run("bb")) == (Match.SAME, "model", "")


def test_another_hash_is_other_data_and_both_are_named() -> None:
    """So that one sees which of them changed."""
    match, _, reason = only(TRAIN, a_stage_run("cccccccccc.dir"))
    assert match is Match.OTHER
    assert reason == "measured on corpus cccccccc, dvc.lock has data aa.dir"
    assert only(replace(TRAIN, deps=()), a_stage_run("c"))[2].endswith("has no dependency")


def test_the_newest_run_that_ended_well_counts() -> None:
    """A failed attempt on other data says nothing of what the stage gave; it counts as an attempt."""
    runs = (
        a_stage_run("old", "2026-11-01T12:00:00Z"),
        a_stage_run("aa.dir", "2026-11-02T12:00:00Z"),
        a_stage_run("new", "2026-11-03T12:00:00Z", failed=True),
    )
    (found,) = checked([TRAIN], runs)
    assert (found.match, found.attempts, found.measured_at) == (Match.SAME, 3, "2026-11-02T12:00:00Z")


@pytest.mark.parametrize("dataset", [None, Dataset(name="corpus")])
def test_a_run_without_the_hash_says_nothing(dataset: Dataset | None) -> None:
    """It passes for nothing."""
    run = replace(a_stage_run("x"), dataset=dataset)
    assert only(TRAIN, run)[0] is Match.NOT_STATED


def test_hashes_of_old_and_new_never_compare() -> None:
    """Even where they look alike: DVC 2 hashed other bytes."""
    stage = replace(TRAIN, deps=(replace(DATA, old=True),), outs=())
    assert only(stage, a_stage_run("aa.dir"))[0] is Match.OLD_HASH


def test_a_stage_that_nobody_measured_is_told_apart_from_one_that_only_failed() -> None:
    """Both are not measured, for different reasons."""
    assert only(TRAIN) == (Match.NOT_MEASURED, "", "no run carries its name")
    assert only(TRAIN, a_stage_run("aa.dir", failed=True))[2] == "all 1 attempts failed"


def test_a_stage_goes_by_its_name_inside_its_pipeline() -> None:
    """DVC calls it `sub/dvc.yaml:train` from outside."""
    assert stage_of(a_stage_run("aa", stage="sub/dvc.yaml:train")) == "train"
    assert stage_of(a_run()) == ""
