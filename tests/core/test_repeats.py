"""Runs become repeats: one observation per solution."""

from __future__ import annotations

import pytest

from tests.builders import a_row, a_run
from tests.core.decisions import ENERGY
from wattmark.core.errors import UsageError
from wattmark.core.figure import Figure
from wattmark.core.given import Given
from wattmark.core.repeats import repeats_of
from wattmark.core.run import Hardware, Place, SourceId, Subject


def test_every_run_is_a_repeat_of_its_own() -> None:
    """Unless something ties it to another."""
    found = repeats_of([a_run(record_id="a"), a_run(record_id="b")], Given())
    assert [r.record_ids for r in found] == [("a",), ("b",)]
    assert all(r.complete and r.bounded for r in found)
    assert found[0].hosts == ("f" * 16,)


def test_runs_of_one_solution_are_one_observation() -> None:
    """Attempts and stages of a solution add up: two runs of 90 J at different times are 180 J."""
    runs = [
        a_run(record_id="a", solution_id="s", subject=Subject(stage="training")),
        a_run(
            record_id="b", solution_id="s", subject=Subject(stage="inference"), started_monotonic_seconds=2e3
        ),
    ]
    (one,) = repeats_of(runs, Given())
    assert isinstance(one.facts.energy, Figure)
    assert one.facts.energy.value == pytest.approx(180.0)
    assert one.record_ids == ("a", "b")


def test_ranks_of_one_job_are_one_observation() -> None:
    """They name the same parent."""
    runs = [a_run(record_id=f"r{i}", rank=i, world_size=2, parent="job") for i in range(2)]
    assert len(repeats_of(runs, Given())) == 1


def test_different_stages_are_no_repeats() -> None:
    """Training beside inference is refused unless they are said to belong together."""
    runs = [
        a_run(record_id="a", subject=Subject(stage="training")),
        a_run(record_id="b", subject=Subject(stage="inference"), started_monotonic_seconds=2e3),
    ]
    with pytest.raises(UsageError, match="different stages \\(inference, training\\)"):
        repeats_of(runs, Given())
    assert len(repeats_of(runs, Given(), as_one=True)) == 1


def test_no_runs_are_refused() -> None:
    """Nothing has no facts."""
    with pytest.raises(UsageError, match="no runs"):
        repeats_of([], Given())


def test_gaps_give_the_facts_two_ends() -> None:
    """8 of 10 s at 9 W, at most 100 W: 72 J, 90 J or 272 J."""
    run = a_run(energies=(a_row(energy_joules=72.0, observed_seconds=8.0),))
    (one,) = repeats_of([run], Given())
    values = [f.value * 3.6e6 for f in one.spans(ENERGY) if isinstance(f, Figure)]
    assert values == [pytest.approx(90.0), pytest.approx(72.0), pytest.approx(272.0)]
    assert not one.complete
    assert one.bounded


def test_a_whole_run_has_one_answer() -> None:
    """Both ends are the answer itself."""
    (one,) = repeats_of([a_run()], Given())
    first, least, most = one.spans(ENERGY)
    assert first is least is most


def test_a_gap_of_a_device_without_a_known_limit_is_not_bounded() -> None:
    """Nobody knows the most that it can have used."""
    run = a_run(energies=(a_row(energy_joules=72.0, observed_seconds=8.0, max_watts=None),))
    (one,) = repeats_of([run], Given())
    assert not one.bounded


def test_what_was_there_and_not_read_is_kept() -> None:
    """For the gate to refuse."""
    place = Place(hardware=(Hardware(component="gpu", name="G"),))
    (one,) = repeats_of([a_run(place=place)], Given())
    assert one.unread == ("gpu (G)",)


def test_a_block_is_a_label() -> None:
    """Runs of one block ran under the same conditions; two blocks in one solution are none."""
    monday = Subject(labels={"block": "monday"})
    tuesday = Subject(labels={"block": "tuesday"})
    assert repeats_of([a_run(subject=monday)], Given())[0].block == "monday"
    both = [
        a_run(record_id="a", subject=monday, solution_id="s"),
        a_run(record_id="b", subject=tuesday, solution_id="s", started_monotonic_seconds=2e3),
    ]
    assert repeats_of(both, Given())[0].block is None


def test_a_run_without_energy_is_a_repeat_without_energy() -> None:
    """Missing, with both ends the same."""
    (one,) = repeats_of([a_run(energies=())], Given())
    assert one.complete
    assert not isinstance(one.facts.energy, Figure)


def test_energy_of_a_simulated_meter_is_simulated_without_a_label_too() -> None:
    """Whatever the run says of itself."""
    made_up = a_run(energies=(a_row(source=SourceId(name="simulated", version="1")),))
    assert [one.simulated for one in repeats_of([made_up], Given())] == [True]
    assert [one.simulated for one in repeats_of([a_run()], Given())] == [False]
