"""Points become intervals: each once, whatever order and however many deliveries they come in."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.proto.metrics.v1 import metrics_pb2 as m

from tests.sources.otlp_messages import (
    GPU,
    SECOND,
    T0,
    Request,
    counter,
    gauge,
    histogram,
    number,
    pairs,
    request,
    requests,
)
from wattmark.core.sound import fault_of_samples
from wattmark.core.telemetry import Samples
from wattmark.ledger.batches import encode
from wattmark.sources.catalog import Asked
from wattmark.sources.otlp_decode import Decoder
from wattmark.sources.otlp_intake import FUTURE_NS, Intake, Points
from wattmark.sources.otlp_names import WANTED, Naming
from wattmark.sources.otlp_state import MOST_COVERED, REMEMBERED_US, Paired, State
from wattmark.sources.otlp_streams import gathered, pair

J = 1_000_000
US = 1_000_000
GAP = 120 * US
TOKENS = "gen_ai.client.inference.usage.output_tokens"

Row = tuple[float, float, float, bool]
"""Start and end in seconds after T0, joules or units, and whether it was observed."""


class Receiver:
    """Takes requests one after the other and remembers what an importer or a listener would."""

    def __init__(self, **naming: object) -> None:
        self._decoder = Decoder(WANTED)
        self._intake = Intake(Naming(asked=Asked(), **naming))  # type: ignore[arg-type]
        self.state = State()
        self.last = Paired()

    def points(self, message: Request, now_ns: int | None = None) -> Points:
        return self._intake.take(self._decoder.decode(message.SerializeToString()), now_ns)

    def __call__(self, *metrics: m.Metric, scope: str = "agent") -> list[Row]:
        """One delivery of these metrics; the intervals that it gives."""
        self.last = pair(gathered([self.points(request(*metrics, scope=scope))]), self.state, GAP)
        return rows_of(self.last.samples)


def rows_of(samples: Sequence[Samples]) -> list[Row]:
    """All intervals of all streams."""
    rows: list[Row] = []
    for part in samples:
        assert fault_of_samples(part) is None
        amounts = [e / J for e in part.energy_uj] if part.energy_uj else list(part.count)
        seen = part.observed or [True] * len(part)
        for start, end, amount, observed in zip(part.start_us, part.end_us, amounts, seen, strict=True):
            rows.append((start / US - T0 / SECOND, end / US - T0 / SECOND, amount, observed))
    return rows


def energy(*looks: tuple[float, float | None], start: float = 0.0, temporality: int = 2) -> m.Metric:
    """A counter of a GPU: moments and totals in J."""
    return counter("hw.energy", [number(v, t, GPU, start) for t, v in looks], temporality=temporality)


def tokens(*looks: tuple[float, int], start: float = 0.0, temporality: int = 2) -> m.Metric:
    """A counter of output tokens."""
    points = [number(v, t, {}, start) for t, v in looks]
    return counter(TOKENS, points, "{token}", temporality)


def delta(*parts: tuple[float, float, float]) -> m.Metric:
    """Energy of stretches: start, end, J."""
    points = [number(v, end, GPU, start) for start, end, v in parts]
    return counter("hw.energy", points, temporality=1)


def tokens_of(*parts: tuple[float, float, int]) -> m.Metric:
    """Tokens of stretches."""
    return counter(TOKENS, [number(v, end, {}, start) for start, end, v in parts], "{token}", 1)


def test_power_is_integrated_from_one_request_to_the_next() -> None:
    """100 W and 200 W ten seconds apart: 1500 J, by the trapezoidal rule."""
    take = Receiver()
    assert take(gauge("hw.power", [number(100.0, 10)])) == []
    assert take(gauge("hw.power", [number(200.0, 20)])) == [(10, 20, 1500, True)]


def test_power_that_was_not_recorded_is_a_gap_on_both_sides() -> None:
    """The flag says that there was no value; nothing is known around it."""
    take = Receiver()
    take(gauge("hw.power", [number(100.0, 10)]))
    rows = take(gauge("hw.power", [number(None, 20), number(100.0, 30), number(100.0, 40)]))
    assert rows == [(10, 20, 0, False), (20, 30, 0, False), (30, 40, 1000, True)]
    assert take(gauge("hw.power", [number(100.0, 50)])) == [(40, 50, 1000, True)]


def test_power_in_milliwatts_without_its_unit_is_not_possible() -> None:
    """300 000 "W" of a GPU are a gap, not 300 kJ a second."""
    take = Receiver()
    assert take(gauge("hw.power", [number(300_000.0, 1), number(300_000.0, 2)])) == [(1, 2, 0, False)]


@pytest.mark.parametrize(("unit", "value"), [("kW", 0.1), ("mW", 100_000.0), ("W", 100.0), ("", 100.0)])
def test_power_in_other_units(unit: str, value: float) -> None:
    """Units are converted; none means W, as the convention has it."""
    rows = Receiver()(gauge("hw.power", [number(value, 1), number(value, 2)], unit))
    assert rows == [(1, 2, pytest.approx(100), True)]


@pytest.mark.parametrize(("unit", "joules"), [("J", 1.0), ("kJ", 1e3), ("W.h", 3600.0), ("kW.h", 3.6e6)])
def test_energy_in_other_units(unit: str, joules: float) -> None:
    """A thousandth of the unit between two looks, half an hour apart."""
    points = [number(1.0, 0, GPU), number(1.001, 1800, GPU)]
    assert Receiver()(counter("hw.energy", points, unit)) == [(0, 1800, pytest.approx(joules / 1000), True)]


def test_a_silence_of_a_sensor_is_a_gap() -> None:
    """Longer than the longest gap: nothing is known of the power in between."""
    take = Receiver()
    take(gauge("hw.power", [number(100.0, 0)]))
    assert take(gauge("hw.power", [number(100.0, 121)])) == [(0, 121, 0, False)]
    assert take.last.gaps == {"no sample for 121 s": 1}


def test_a_counter_that_states_its_start_has_seen_the_silence() -> None:
    """Its difference is the energy, however long nobody looked."""
    take = Receiver()
    take(energy((10, 500.0)))
    assert take(energy((3610, 360_500.0))) == [(10, 3610, 360_000, True)]


def test_a_counter_without_a_start_may_have_begun_anew_unseen() -> None:
    """So a silence of it is a gap."""
    take = Receiver()
    points = [number(1.0, 0, start=None), number(2.0, 10, start=None), number(90.0, 500, start=None)]
    rows = take(counter("hw.energy", points))
    assert rows == [(0, 10, 1, True), (10, 500, 0, False)]


def test_the_first_look_at_a_counter_that_an_exporter_passes_on_is_a_gap() -> None:
    """What a processor has used since boot was not used since the exporter began."""
    assert Receiver()(energy((10, 9_000_000.0), (20, 9_001_000.0))) == [
        (0, 10, 0, False),
        (10, 20, 1000, True),
    ]


def test_a_counter_of_our_own_counts_from_its_start() -> None:
    """The scope says whose it is; so does the receiver's setting for others."""
    assert Receiver()(energy((10, 500.0)), scope="wattmark") == [(0, 10, 500, True)]
    assert Receiver(from_start=True)(energy((10, 500.0))) == [(0, 10, 500, True)]
    assert Receiver(from_start=True)(energy((10, 500_000.0))) == [(0, 10, 0, False)], "50 kW of a GPU"


def test_a_counter_that_began_long_ago_is_not_counted_from_there() -> None:
    """Somebody else may have: only what is seen counts."""
    assert Receiver(from_start=True)(energy((500, 500.0))) == []
    assert Receiver()(tokens((500, 70))) == []


def test_a_counter_that_began_anew_leaves_a_gap() -> None:
    """Between the last look at the old one and the first at the new one nothing is known."""
    take = Receiver()
    take(energy((10, 500.0)))
    assert take(energy((30, 40.0), (40, 140.0), start=25)) == [(10, 30, 0, False), (30, 40, 100, True)]
    assert take.last.gaps == {"the counter began anew": 1}


def test_a_counter_of_our_own_that_began_anew_counts_from_its_new_start() -> None:
    """Only the time between the two runs of it is a gap."""
    take = Receiver(from_start=True)
    take(energy((10, 500.0)))
    assert take(energy((30, 40.0), start=25)) == [(10, 25, 0, False), (25, 30, 40, True)]


def test_a_counter_that_went_backwards_is_a_gap() -> None:
    """With the same start time: a wrap that nobody announced."""
    take = Receiver()
    take(energy((10, 500.0)))
    assert take(energy((20, 100.0), (30, 200.0))) == [(10, 20, 0, False), (20, 30, 100, True)]


def test_a_counter_that_was_not_recorded_is_a_gap_on_both_sides() -> None:
    """A staleness marker within a series, also across requests."""
    take = Receiver()
    rows = take(energy((10, 500.0), (20, None)))
    assert rows == [(0, 10, 0, False), (10, 20, 0, False)]
    assert take(energy((30, 600.0), (40, 700.0))) == [(20, 30, 0, False), (40 - 10, 40, 100, True)]


def test_two_senders_of_one_series_are_told_apart_by_their_start() -> None:
    """The older one's points are left out, with what to do about it."""
    take = Receiver()
    take(energy((10, 500.0), start=5))
    assert take(energy((20, 7.0), start=1)) == []
    assert "service.instance.id" in next(iter(take.last.late))
    take = Receiver()
    take(tokens((10, 5), start=5))
    assert take(tokens((20, 7), start=1)) == []
    assert "service.instance.id" in next(iter(take.last.late))


def test_portions_of_energy_are_intervals_of_their_own() -> None:
    """Delta temporality; the first is a gap, because a counter that is passed on reports all it holds."""
    take = Receiver()
    assert take(delta((0, 10, 9e9), (10, 20, 100.0))) == [(0, 10, 0, False), (10, 20, 100, True)]
    assert take(delta((25, 30, 50.0))) == [(20, 25, 0, False), (25, 30, 50, True)]
    assert take(delta((30, 40, -1.0), (40, 50, 1e9))) == [(30, 40, 0, False), (40, 50, 0, False)]


def test_a_portion_that_was_not_recorded_is_a_gap() -> None:
    """For energy; work of which nothing is known is no row."""
    take = Receiver(from_start=True)
    points = [number(None, 10, GPU, 0), number(5.0, 20, GPU, 10)]
    assert take(counter("hw.energy", points, temporality=1)) == [(0, 10, 0, False), (10, 20, 5, True)]
    assert take(counter(TOKENS, [number(None, 10, {}, 0)], "{token}", 1)) == []


def test_portions_may_come_in_any_order() -> None:
    """A request that was tried again arrives after later ones: nothing of it is lost."""
    take = Receiver()
    assert take(tokens_of((0, 10, 1))) == [(0, 10, 1, True)]
    assert take(tokens_of((20, 30, 4))) == [(20, 30, 4, True)]
    assert take(tokens_of((10, 20, 2))) == [(10, 20, 2, True)]
    assert take.state.kept[next(iter(take.state.kept))].covered == [
        (T0 // 1000, T0 // 1000 + 30 * US),
    ]


def test_a_portion_that_was_there_counts_once() -> None:
    """The same request twice; and one that overlaps with what is there in part is left out."""
    take = Receiver()
    take(tokens_of((0, 10, 5)))
    assert take(tokens_of((0, 10, 5))) == []
    assert take.last.repeated == 1
    assert take(tokens_of((5, 15, 5))) == []
    assert "overlaps" in next(iter(take.last.late))


def test_only_so_many_stretches_are_remembered() -> None:
    """The oldest two become one: a portion between them would come too late and is not counted twice."""
    take = Receiver()
    for index in range(MOST_COVERED + 10):
        take(tokens_of((20 * index, 20 * index + 10, 1)))
    (kept,) = take.state.kept.values()
    assert len(kept.covered) == MOST_COVERED
    assert take(tokens_of((10, 20, 1))) == []


def test_work_counts_from_the_start_of_its_counter() -> None:
    """It was zero then; what lies between two points was done, however far apart they are."""
    take = Receiver()
    assert take(tokens((10, 7))) == [(0, 10, 7, True)]
    assert take(tokens((20, 7))) == [], "nothing was done"
    assert take(tokens((5000, 17))) == [(20, 5000, 10, True)]


def test_work_that_began_anew_counts_from_the_new_start() -> None:
    """A process was started again."""
    take = Receiver()
    take(tokens((10, 7)))
    assert take(tokens((30, 3), start=25)) == [(25, 30, 3, True)]
    assert take(tokens((50, 4), start=28)) == [(30, 50, 4, True)], "not before the last point"


def test_work_that_went_backwards_is_not_counted() -> None:
    """Without a new start time nobody knows what happened."""
    take = Receiver()
    take(tokens((10, 7)))
    assert take(tokens((20, 3), (30, 5))) == [(20, 30, 2, True)]
    assert take.last.gaps == {"a count of work went backwards": 1}


def test_work_that_is_no_number_is_left_out() -> None:
    """The next point counts from the last one that was."""
    take = Receiver()
    point = number(float("nan"), 20, {}, 0.0)
    take(tokens((10, 7)))
    assert take(counter(TOKENS, [point], "{token}")) == []
    assert take(tokens((30, 9))) == [(10, 30, 2, True)]


def test_tokens_of_a_histogram_are_its_sum_and_requests_its_count() -> None:
    """gen_ai.client.token.usage and gen_ai.server.request.duration; failures are counted apart."""
    usage = histogram("gen_ai.client.token.usage", 30, 12.0, 3, {"gen_ai.token.type": "input"})
    duration = histogram("gen_ai.server.request.duration", 30, 1.5, 4, {}, unit="s")
    failed = histogram("gen_ai.server.request.duration", 30, 0.5, 2, {"error.type": "500"}, unit="s")
    take = Receiver()
    assert take(usage, duration, failed) == [(0, 30, 12, True), (0, 30, 4, True), (0, 30, 2, True)]
    assert [s.stream.unit for s in take.last.samples] == ["input_tokens", "requests", "failed_requests"]


def test_the_older_histogram_is_not_counted_beside_the_newer_counters() -> None:
    """A sender of both says the same tokens twice; another sender's histogram is counted."""
    take = Receiver()
    usage = histogram("gen_ai.client.token.usage", 30, 12.0, 3, {"gen_ai.token.type": "output"})
    assert take(usage, tokens((30, 12))) == [(0, 30, 12, True)]
    assert take.last.repeated == 1
    later = histogram("gen_ai.client.token.usage", 60, 20.0, 5, {"gen_ai.token.type": "output"})
    assert take(later) == [], "also when it comes alone"
    alone = request(later, resource={"service.name": "other"})
    assert rows_of(pair(gathered([take.points(alone)]), take.state, GAP).samples) == [(0, 60, 20, True)]


def test_cached_and_reasoning_tokens_are_units_of_their_own() -> None:
    """They are parts of the others and must never be added to them."""
    names = ("cache_read.input_tokens", "cache_write.input_tokens", "reasoning.output_tokens")
    metrics = [counter(f"gen_ai.client.inference.usage.{n}", [number(5, 10, {})], "{token}") for n in names]
    take = Receiver()
    take(*metrics)
    assert [s.stream.unit for s in take.last.samples] == [
        "cache_read_input_tokens",
        "cache_write_input_tokens",
        "reasoning_output_tokens",
    ]


def test_series_that_differ_in_an_attribute_that_is_not_kept_are_two() -> None:
    """Two processes of one service: each has its own counter, and their work adds up."""
    take = Receiver()
    for process, count in (("a", 5), ("b", 7)):
        message = request(tokens((10, count)), resource={"service.name": "s", "service.instance.id": process})
        assert rows_of(pair(gathered([take.points(message)]), take.state, GAP).samples) == [
            (0, 10, count, True)
        ]


def test_a_series_that_was_silent_for_a_day_is_forgotten() -> None:
    """What is remembered does not grow for ever."""
    take = Receiver()
    take(tokens((10, 5)))
    take(gauge("hw.power", [number(1.0, 30 + REMEMBERED_US / US)]))
    assert [k.time_us for k in take.state.kept.values()] == [T0 // 1000 + 30 * US + REMEMBERED_US]


def test_points_of_the_future_are_refused() -> None:
    """They would make everything that follows come too late."""
    take = Receiver()
    message = request(gauge("hw.power", [number(1.0, 0), number(1.0, 7200)]))
    points = take.points(message, T0)
    assert len(points) == 1
    assert points.refused == {"hw.power lies in the future: check the sender's clock": 1}
    assert len(take.points(message, T0 + 7200 * SECOND - FUTURE_NS)) == 2


@given(
    st.lists(st.tuples(st.integers(1, 60), st.integers(0, 10_000), st.booleans()), min_size=2, max_size=25),
    st.data(),
)
def test_how_points_are_divided_into_deliveries_changes_nothing(
    steps: list[tuple[int, int, bool]], data: st.DataObject
) -> None:
    """All at once or in portions, each perhaps delivered twice: the same intervals, and no others."""
    at, total, start = 0.0, 0.0, 0.0
    looks: list[m.NumberDataPoint] = []
    powers: list[m.NumberDataPoint] = []
    work: list[m.NumberDataPoint] = []
    for step, rise, anew in steps:
        start, total = (at + 0.5, 0.0) if anew else (start, total)
        at += step
        total += rise
        looks.append(number(total, at, GPU, start))
        powers.append(number(float(rise % 900), at, {"hw.id": "c", "hw.type": "cpu"}))
        work.append(number(int(total), at, {}, start))

    def metrics(a: int, b: int) -> list[m.Metric]:
        return [
            counter("hw.energy", looks[a:b]),
            gauge("hw.power", powers[a:b]),
            counter(TOKENS, work[a:b], "{token}"),
        ]

    whole = sorted(Receiver()(*metrics(0, len(steps))))
    cuts = sorted({0, len(steps), *data.draw(st.lists(st.integers(0, len(steps)), max_size=5))})
    take = Receiver()
    parts: list[Row] = []
    for a, b in pairwise(cuts):
        for _ in range(data.draw(st.integers(1, 2))):
            parts += take(*metrics(a, b))
    assert sorted(parts) == whole
    ends: dict[str, float] = {}
    for part in samples_of(metrics(0, len(steps))):
        for first, past in zip(part.start_us, part.end_us, strict=True):
            assert ends.get(part.stream.instance, 0) <= first
            ends[part.stream.instance] = past


def samples_of(metrics: list[m.Metric]) -> Sequence[Samples]:
    """The samples of one delivery."""
    take = Receiver()
    take(*metrics)
    return take.last.samples


@st.composite
def anything(draw: st.DrawFn) -> Request:
    """Metrics that are ours, with points that say anything at all."""
    message = draw(requests())
    for outer in message.resource_metrics:
        outer.resource.attributes.extend(pairs({"host.name": "node1"}))
        for inner in outer.scope_metrics:
            for metric in inner.metrics:
                metric.name = draw(st.sampled_from(sorted(WANTED)))
                metric.unit = draw(st.sampled_from(["J", "W", "{token}", "kW.h", ""]))
                kind = metric.WhichOneof("data")
                for point in getattr(metric, kind).data_points if kind else ():
                    told = {"hw.id": "x", "hw.type": "cpu", "gen_ai.token.type": "input"}
                    point.attributes.extend(pairs(told))
                    if draw(st.booleans()):
                        point.start_time_unix_nano = T0 + draw(st.integers(0, 200 * SECOND))
                        point.time_unix_nano = T0 + draw(st.integers(0, 200 * SECOND))
    return message


@given(st.lists(anything(), max_size=3), st.booleans())
def test_nothing_that_can_be_sent_gives_samples_that_a_ledger_refuses(
    messages: list[Request], from_start: bool
) -> None:
    """Whatever its numbers and times: intervals have a length, amounts are possible, gaps hold nothing."""
    take = Receiver(from_start=from_start)
    for message in messages:
        points = take.points(message)
        found = pair(gathered([points]), take.state, GAP)
        assert found.taken + found.repeated + found.late.total() == len(points)
        samples = [part for part in found.samples if len(part)]
        rows_of(samples)
        if samples:
            encode(samples)
