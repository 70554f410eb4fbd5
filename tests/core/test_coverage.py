"""core.coverage: what should be there and is not."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wattmark.core.coverage import (
    HOUR_US,
    KINDS,
    LIFE,
    Coverage,
    Expected,
    HostSeen,
    Lack,
    PlaceSeen,
    StageSeen,
    coverage_of,
)


def seen(model: str = "ranker", stage: str = "training", uj: int = 100, **changes: object) -> StageSeen:
    """A stage of which everything was measured at grade B."""
    fields = {
        "by_grade": {"B": uj},
        "by_method": {"hardware_counter": uj},
        "observed_us": HOUR_US,
        "units": ("inferences",),
    } | changes
    return StageSeen(model=model, stage=stage, **fields)  # type: ignore[arg-type]


def found(*stages: StageSeen, **changes: object) -> Coverage:
    """The coverage of these stages, nothing else being known or expected but training."""
    fields = {"hosts": (), "places": (), "expected": Expected(stages=("training",))} | changes
    return coverage_of(stages, **fields)  # type: ignore[arg-type]


def lacks(coverage: Coverage) -> list[tuple[str, str]]:
    """Kind and place of each."""
    return [(lack.kind, lack.where) for lack in coverage.lacks]


def test_a_model_that_was_trained_and_never_served_lacks_a_stage() -> None:
    """Three of four stages are not there: one in four was measured."""
    told = found(seen(), expected=Expected())
    assert lacks(told) == [
        ("stage", "model=ranker, stage=data_preparation"),
        ("stage", "model=ranker, stage=evaluation"),
        ("stage", "model=ranker, stage=inference"),
    ]
    assert told.models == {"ranker": dict.fromkeys(LIFE, False) | {"training": True}}
    assert told.stage_share == 0.25
    assert "(measured: training)" in told.lacks[0].what


def test_what_does_not_exist_is_not_missed() -> None:
    """A model that somebody else trained has no training here."""
    expected = Expected(stages=("training", "inference"), without=frozenset({("ranker", "training")}))
    told = found(seen(stage="inference"), expected=expected)
    assert told.lacks == ()
    assert told.stage_share == 1.0


def test_fine_tuning_is_training() -> None:
    """A model that was only tuned here was trained here."""
    assert found(seen(stage="fine_tuning")).lacks == ()


def test_a_stage_of_which_only_the_energy_of_others_is_known_was_not_measured() -> None:
    """Energy without a stage tells of none; it is named with its share: 100 of 200."""
    told = found(seen(), seen(stage="", uj=100))
    assert lacks(told) == [("stage", "stage=(not stated)")]
    assert told.lacks[0].share == 0.5
    assert "(measured: nothing)" in found(seen(stage="tests")).lacks[0].what


def test_models_that_should_be_there_are_missed() -> None:
    """And energy that belongs to no model is named: 5 of 100."""
    expected = Expected(stages=("training",), models=("ranker", "bidder"))
    told = found(seen(uj=95), seen("", "", uj=5), expected=expected)
    assert lacks(told) == [("model", "model=(not stated)"), ("model", "model=bidder")]
    assert told.models["bidder"] == {"training": False}
    assert lacks(found(seen(uj=96), seen("", "", uj=4))) == []


def test_machines_that_should_be_there_are_missed() -> None:
    """By the ids under which totals know them."""
    host = HostSeen(host="a", seen_us=HOUR_US, asked_us=HOUR_US)
    told = found(seen(), hosts=(host,), expected=Expected(stages=(), hosts=("a", "b")))
    assert lacks(told) == [("host", "host=b")]
    assert told.host_share == 1.0


def test_hours_that_nobody_watched_are_counted() -> None:
    """6 of 24 hours were watched: 18 h are not known, three quarters."""
    host = HostSeen(host="a", seen_us=6 * HOUR_US, asked_us=24 * HOUR_US)
    told = found(seen(), hosts=(host,))
    (only,) = told.lacks
    assert (only.kind, only.share, only.hours) == ("hours", 0.75, 18.0)
    assert told.host_share == 0.25
    assert "25%" in only.what


def test_a_machine_known_from_a_bill_alone_has_no_hour() -> None:
    """Its energy is known, and when it was used is not."""
    host = HostSeen(host="a", seen_us=0, asked_us=HOUR_US, whole_periods_uj=9)
    assert "as from a bill" in found(seen(), hosts=(host,)).lacks[0].what


def test_machines_without_any_time_are_no_share() -> None:
    """Nothing was asked of them: there is nothing to divide by."""
    host = HostSeen(host="a", seen_us=0, asked_us=0)
    told = found(hosts=(host,), expected=Expected(stages=()))
    assert (host.share, told.host_share, told.measured_share, told.stage_share) == (0.0, None, None, None)
    assert told.lacks == ()


def test_energy_without_factors_is_named_by_its_place() -> None:
    """60 of 100 met no intensity in a zone, 40 no PUE at a site."""
    places = (
        PlaceSeen(zone="XYZ", energy_uj=60, without_factor_uj=60),
        PlaceSeen(zone="FRA", site="lyon", energy_uj=40, without_pue_uj=40),
        PlaceSeen(zone="", energy_uj=0),
    )
    told = found(seen(), places=places)
    assert lacks(told) == [("intensity", "zone=XYZ"), ("pue", "zone=FRA, site=lyon")]
    assert [lack.share for lack in told.lacks] == [0.6, 0.4]
    nowhere = PlaceSeen(zone="", energy_uj=1, without_factor_uj=1)
    assert lacks(found(seen(), places=(nowhere,))) == [("intensity", "zone=(not stated)")]


@pytest.mark.parametrize(
    ("changes", "kind", "share"),
    [
        ({"device_only_uj": 50}, "boundary", 0.5),
        ({"gap_us": HOUR_US}, "gap", 0.5),
        ({"rank_coverage": 0.75}, "ranks", 0.25),
        ({"by_grade": {"B": 90, "D": 10}}, "estimated", 0.1),
    ],
)
def test_what_is_not_known_in_full_is_named(changes: dict[str, object], kind: str, share: float) -> None:
    """With how much of it is concerned."""
    (only,) = found(seen(**changes)).lacks
    assert (only.kind, only.share) == (kind, share)


def test_a_mix_of_measured_and_modelled_is_named() -> None:
    """Half measured, half modelled: whoever moves from one to the other sees a change that is none."""
    both = {"by_grade": {"B": 50, "D": 50}, "by_method": {"hardware_counter": 50, "modelled": 50}}
    told = found(seen(**both))
    assert [lack.kind for lack in told.lacks] == ["estimated", "mixed"]
    assert "hardware_counter 50%, modelled 50%" in told.lacks[1].what
    measured = {"by_method": {"hardware_counter": 50, "bmc": 50}}
    assert found(seen(**measured)).lacks == ()


def test_serving_without_a_count_has_no_figure_per_request() -> None:
    """Training needs none."""
    expected = Expected(stages=())
    assert lacks(found(seen(stage="inference", units=()), expected=expected)) == [
        ("work", "model=ranker, stage=inference")
    ]
    assert found(seen(units=()), expected=expected).lacks == ()


def test_nothing_used_is_nothing_weak() -> None:
    """A stage of no energy has no share of anything."""
    assert found(seen(uj=0, by_grade={})).lacks == ()


def test_what_others_found_stands_in_its_place() -> None:
    """The gravest kind first, whoever found it."""
    other = Lack(kind="statement", where="region=x", what="billed, not measured", fix="measure it")
    told = found(seen(gap_us=HOUR_US), others=(other,))
    assert [lack.kind for lack in told.lacks] == ["gap", "statement"]


SOME = st.integers(min_value=0, max_value=1000)


@given(
    st.lists(st.tuples(st.sampled_from(["a", "b", ""]), st.sampled_from([*LIFE, ""]), SOME, SOME), max_size=8)
)
def test_taking_evidence_away_never_makes_coverage_better(
    rows: list[tuple[str, str, int, int]],
) -> None:
    """Of models that should be there, fewer stages are never a larger share of them."""
    expected = Expected(models=("a", "b"))
    stages = [seen(m, s, grade_b, by_grade={"B": grade_b, "D": d}) for m, s, grade_b, d in rows]
    whole = coverage_of(stages, (), (), expected).stage_share
    for at in range(len(stages)):
        less = coverage_of(stages[:at] + stages[at + 1 :], (), (), expected).stage_share
        assert less is not None
        assert whole is not None
        assert less <= whole


def test_every_kind_of_lack_is_ordered() -> None:
    """Each of them can be sorted among the others."""
    every = [Lack(kind=kind, where="x", what="y", fix="z", share=0.1) for kind in reversed(KINDS)]
    assert [lack.kind for lack in coverage_of((), (), (), Expected(), every).lacks] == list(KINDS)
    bare = replace(every[0], share=None)
    assert coverage_of((), (), (), Expected(), [bare]).lacks == (bare,)
