"""Which operating points are worth considering: only intervals may rule one out."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wattmark.core.bench.key import UNKNOWN, Key
from wattmark.core.bench.pareto import (
    Contender,
    Keyed,
    Measure,
    Option,
    Place,
    dominates,
    plots,
    quantile_measure,
    standings,
    suggest,
    surely_less,
)
from wattmark.core.figure import Figure


def joules(value: float, half: float = 0.0, gain: float = 0.0) -> Figure:
    errors = {"noise:" + str(value): half, "meter:gain": value * gain}
    return Figure(value, "J/query", errors={k: v for k, v in errors.items() if v})


def seconds(value: float, half: float = 0.0) -> Measure:
    return Measure(value=value, low=value - half, high=value + half)


def good(value: float, half: float = 0.0) -> Measure:
    return Measure(value=value, low=value - half, high=value + half, higher_is_better=True)


def option(name: str, energy: Figure, beside: Measure) -> Option:
    return Option(name=name, energy=energy, beside=beside)


def places(*options: Option) -> dict[str, Place]:
    return {s.name: s.place for s in standings(options)}


def test_less_energy_and_less_time_is_the_better_choice() -> None:
    """10 J in 1 s beats 20 J in 2 s; 30 J in 0.5 s buys time with energy and stays."""
    assert places(
        option("a", joules(10), seconds(1)),
        option("b", joules(20), seconds(2)),
        option("c", joules(30), seconds(0.5)),
    ) == {"a": Place.FRONT, "b": Place.DOMINATED, "c": Place.FRONT}


def test_where_intervals_meet_a_point_stays() -> None:
    """10 +- 6 J and 14 +- 6 J cannot be told apart, nor can 1.0 +- 0.3 s and 1.1 +- 0.3 s."""
    energy = places(option("a", joules(10, 6), seconds(1)), option("b", joules(14, 6), seconds(2)))
    time = places(option("a", joules(10), seconds(1, 0.3)), option("b", joules(20), seconds(1.1, 0.3)))
    assert energy == time == {"a": Place.FRONT, "b": Place.OPEN}


def test_it_is_said_which_points_dominate() -> None:
    standing = standings([option("a", joules(10), seconds(1)), option("b", joules(20), seconds(2))])
    assert [s.by for s in standing] == [(), ("a",)]


def test_what_two_points_owe_to_one_meter_cancels() -> None:
    """A meter that is 20 % off is off for both: 10 J is less than 11 J all the same."""
    assert surely_less(joules(10, gain=0.2), joules(11, gain=0.2))
    assert not surely_less(joules(10, 2), joules(11, 2))
    assert not surely_less(joules(11), joules(10))


def test_nothing_is_less_than_zero_by_a_ratio() -> None:
    """Without energy there is no ratio: then the intervals themselves are held against each other."""
    assert surely_less(joules(0), joules(1))
    assert not surely_less(joules(1), joules(0))


def test_the_same_quality_is_no_worse() -> None:
    """The same answers at half the energy: the interval of the quality does not matter then."""
    same = good(0.5, 0.1)
    assert dominates(option("a", joules(10), same), option("b", joules(20), same))
    assert not dominates(option("a", joules(10), good(0.49, 0.1)), option("b", joules(20), same))


def test_the_same_energy_with_more_quality_dominates() -> None:
    assert dominates(option("a", joules(10), good(0.9)), option("b", joules(10), good(0.5)))
    assert not dominates(option("a", joules(10, 1), good(0.9)), option("b", joules(10.5, 1), good(0.5)))


def test_an_end_that_is_not_known_makes_nothing_sure() -> None:
    """No interval is no exact value."""
    bare = Measure(value=1.0)
    assert not bare.surely_better(seconds(2))
    assert not seconds(0.5).surely_better(bare)
    assert places(option("a", joules(10), bare), option("b", joules(20), seconds(2))) == {
        "a": Place.FRONT,
        "b": Place.OPEN,
    }


def test_equal_points_do_not_dominate_each_other() -> None:
    twice = places(option("a", joules(10), seconds(1)), option("b", joules(10), seconds(1)))
    assert twice == {"a": Place.FRONT, "b": Place.FRONT}


amounts = st.floats(0.1, 100.0)
some_options = st.lists(
    st.tuples(amounts, st.floats(0, 0.5), amounts, st.floats(0, 0.5)), min_size=1, max_size=8
).map(
    lambda rows: [
        option(str(i), joules(e, e * de), seconds(t, t * dt)) for i, (e, de, t, dt) in enumerate(rows)
    ]
)


@given(some_options)
def test_there_is_always_a_front_and_dominance_has_no_circles(options: list[Option]) -> None:
    """Some point is on the front; who dominates has no more energy by value; nobody dominates back."""
    found = standings(options)
    assert any(s.place is Place.FRONT for s in found)
    by_name = {o.name: o for o in options}
    for standing in found:
        mine = by_name[standing.name]
        for other in standing.by:
            assert by_name[other].energy.value <= mine.energy.value
            assert not (standing.place is Place.DOMINATED and dominates(mine, by_name[other]))


@given(some_options, st.floats(1.0, 5.0))
def test_wider_intervals_rule_out_no_more(options: list[Option], times: float) -> None:
    """What is dominated under wide intervals is dominated under narrow ones."""
    wide = [
        replace(
            o,
            energy=replace(o.energy, errors={k: e * times for k, e in o.energy.errors.items()}),
            beside=seconds(o.beside.value, (o.beside.high - o.beside.value) * times),  # type: ignore[operator]
        )
        for o in options
    ]
    narrow = places(*options)
    for name, place in places(*wide).items():
        if place is Place.DOMINATED and all(o.energy.relative <= 0.3 for o in wide):
            assert narrow[name] is Place.DOMINATED


def test_a_quantile_has_an_interval_from_the_order_of_the_values() -> None:
    """Of 1 to 1000 the 95 % quantile is 950; 1.96 sqrt(1000 x 0.95 x 0.05) is 13.5 ranks."""
    found = quantile_measure([float(i) for i in range(1, 1001)], 0.95)
    assert found == Measure(value=950.0, low=936.0, high=965.0)


def test_a_quantile_of_few_values_has_no_upper_end() -> None:
    """The largest of 20 may well lie below the true quantile."""
    found = quantile_measure([float(i) for i in range(1, 21)], 0.95)
    assert found == Measure(value=19.0, low=17.0, high=None)
    assert quantile_measure([3.0], 0.95) == Measure(value=3.0, low=None, high=None)
    assert quantile_measure([], 0.95) is None


KEY = Key(
    task="text_generation",
    dataset="d",
    tokens="out=10",
    boundary="node",
    device_class="1 x X",
    batch_policy="batch 1",
    precision="float32",
    evidence="measured",
    protocol="wattmark-1",
)


def test_only_what_was_swept_may_differ_within_a_plot() -> None:
    """Another batch size is the sweep; another boundary is another plot, and the field is named."""
    keys = [
        Keyed("a", KEY),
        Keyed("b", replace(KEY, batch_policy="batch 8")),
        Keyed("c", replace(KEY, batch_policy="batch 8", boundary="device (gpu)")),
        Keyed("d", replace(KEY, boundary="device (gpu)")),
    ]
    first, second = plots(keys, ["batch_policy"])
    assert (first.names, first.apart) == (("a", "b"), ())
    assert second.names == ("c", "d")
    assert second.apart == (("boundary", "node", "device (gpu)"),)


def test_what_is_unknown_stands_alone_unless_one_server_answered() -> None:
    """Nobody knows the precision of a server, but it is one and the same."""
    unknown = replace(KEY, device_class=UNKNOWN)

    def parted(*by: str) -> list[tuple[str, ...]]:
        keys = [Keyed(name, unknown, server) for name, server in zip("ab", by, strict=True)]
        return [p.names for p in plots(keys, ["batch_policy"])]

    assert parted("", "") == parted("one", "other") == [("a",), ("b",)]
    assert parted("one", "one") == [("a", "b")]


CONTENDERS = [
    Contender(name="slow", energy=joules(10), latency=seconds(2, 0.1), quality=good(0.8, 0.05)),
    Contender(name="edge", energy=joules(12), latency=seconds(0.98, 0.1), quality=good(0.8, 0.05)),
    Contender(name="fast", energy=joules(20, 1), latency=seconds(0.5, 0.1), quality=good(0.8, 0.05)),
    Contender(name="near", energy=joules(20.5, 1), latency=seconds(0.4, 0.1), quality=good(0.8, 0.05)),
    Contender(name="bare", energy=joules(1)),
]


def test_the_least_energy_that_surely_keeps_the_limits_is_suggested() -> None:
    """Below 1 s only the last two stay for sure; they cannot be told apart."""
    found = suggest(CONTENDERS, 1.0, None)
    assert found is not None
    assert (found.name, found.sure, found.ties) == ("fast", True, ("near",))


def test_without_limits_the_least_energy_wins() -> None:
    found = suggest(CONTENDERS[:2], None, None)
    assert found is not None
    assert (found.name, found.ties) == ("slow", ())


@pytest.mark.parametrize(("quality", "name", "sure"), [(0.7, "slow", True), (0.79, "slow", False)])
def test_limits_kept_by_value_alone_are_not_sure(quality: float, name: str, sure: bool) -> None:
    """0.8 +- 0.05 is surely above 0.7, and above 0.79 by its value."""
    found = suggest(CONTENDERS, None, quality)
    assert found is not None
    assert (found.name, found.sure) == (name, sure)


def test_where_nothing_keeps_the_limits_nothing_is_suggested() -> None:
    assert suggest(CONTENDERS, 0.1, None) is None
    assert suggest(CONTENDERS, None, 0.99) is None
    assert suggest([], None, None) is None
