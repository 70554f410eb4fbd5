"""What goes wrong with times in logs, and what is said of it."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.attribution.logs.reading import NOON, NOON_US, read, written
from wattmark.attribution.logs.values import Bad, scaled, stamp_parser, unit_of_stamp, written_us
from wattmark.core.errors import EvidenceError, UsageError


@given(st.integers(978_307_200, 4_102_444_799), st.sampled_from(["s", "ms", "us", "ns"]))
def test_the_unit_of_a_time_since_1970_can_always_be_told(seconds: int, unit: str) -> None:
    """From 2001 to 2100 the numbers of one unit are never those of another."""
    factor = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}[unit]
    assert unit_of_stamp(seconds * factor) == unit
    assert scaled(seconds * factor, unit) == seconds * 1_000_000


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
def test_any_unit_of_time_is_read_as_what_it_is(tmp_path: Path, unit: str) -> None:
    """Noon for two seconds, in each unit, without a word about it."""
    factor = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}[unit]
    found, _ = read(written(tmp_path / "log", [{"start": NOON * factor, "end": (NOON + 2) * factor}]))
    assert (found[0].start_us, found[0].end_us) == (NOON_US, NOON_US + 2_000_000)


def test_a_row_in_another_unit_than_the_rows_before_it_is_bad(tmp_path: Path) -> None:
    """A program that changed from seconds to milliseconds does not move its requests to the year 58 000."""
    rows = [{"start": NOON, "end": NOON + 1}] * 3 + [{"start": NOON * 1000, "end": NOON * 1000 + 1}]
    path = written(tmp_path / "log", rows)
    found, log = read(path)
    assert len(found) == 3
    assert log.tally.bad[0].place == f"{path}:4"
    assert "its unit is another" in log.tally.bad[0].reason


def test_times_that_count_from_the_start_of_a_program_are_refused(tmp_path: Path) -> None:
    """A monotonic clock meets no power."""
    path = written(tmp_path / "log", [{"start": 12.5, "end": 13.5}])
    with pytest.raises(UsageError, match="what they count from is not known"):
        read(path)


def test_a_local_time_without_its_zone_is_refused_and_read_with_it(tmp_path: Path) -> None:
    """13:00 in Paris is noon in UTC, in winter."""
    path = written(tmp_path / "log", [{"start": "2026-11-01T13:00:00", "end": "2026-11-01 13:00:01.5"}])
    with pytest.raises(UsageError, match="is a local time without its zone"):
        read(path)
    with pytest.raises(UsageError, match="is no time zone"):
        read(path, zone="Paris")
    found, _ = read(path, zone="Europe/Paris")
    assert (found[0].start_us, found[0].end_us) == (NOON_US, NOON_US + 1_500_000)


def test_a_zone_that_is_stated_goes_before_the_one_that_was_named(tmp_path: Path) -> None:
    """Z is UTC wherever the log was written."""
    path = written(tmp_path / "log", [{"start": "2026-11-01T12:00:00Z", "end": "2026-11-01T14:00:01+02:00"}])
    found, _ = read(path, zone="Asia/Tokyo")
    assert (found[0].start_us, found[0].end_us) == (NOON_US, NOON_US + 1_000_000)


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-01T12:00:00Z",
        "2026-11-01T12:00:00.000000999Z",
        "2026-11-01 13:00:00+01:00",
        "20261101T120000Z",
    ],
)
def test_ways_to_write_a_moment(text: str) -> None:
    """All of them noon; parts of a microsecond are cut off."""
    assert written_us(text, None) == NOON_US


def test_the_local_time_of_nginx_states_its_offset() -> None:
    """As $time_local."""
    assert written_us("01/Nov/2026:13:00:00 +0100", None) == NOON_US


@given(
    st.text(max_size=30) | st.integers() | st.floats() | st.booleans(), st.sampled_from(["iso", "s", "ns"])
)
def test_what_is_no_time_is_refused_without_repeating_it(value: object, unit: str) -> None:
    """A value may be a text or a secret: a refusal says what is wrong and not what stood there."""
    assert _refusal(value, unit) in {
        None,
        "is no number",
        "is no time of ISO 8601",
        "is no time of ISO 8601, as the others are",
        "is a local time without its zone: name it with `zone`",
        "lies before 2001 or after 2100: its unit is another, or its clock was not set",
    }


def _refusal(value: object, unit: str) -> str | None:
    try:
        stamp_parser(unit, None)(value)
    except Bad as error:
        return str(error)
    return None


def test_rows_that_cannot_be_are_bad_with_their_place_and_reason(tmp_path: Path) -> None:
    """Each of them in one way; good rows around them stay."""
    good = {"start": NOON, "end": NOON + 10}
    rows = [
        good,
        {"start": NOON, "end": NOON - 1},
        good | {"first_token": NOON + 11},
        {"start": NOON, "end": NOON + 86_401},
        {"start": NOON},
        good | {"input_tokens": 5, "cached_input_tokens": 6},
        good | {"output_tokens": -1},
        good | {"output_tokens": 1.5},
        *[good] * 8,
    ]
    path = written(tmp_path / "log", rows)
    found, log = read(path)
    assert len(found) == 9
    assert sorted((b.place.rpartition(":")[2], b.reason) for b in log.tally.bad) == [
        ("2", "ends before it starts"),
        ("3", "has its first token before its start or after its end"),
        ("4", "lasts more than a day: is a unit wrong?"),
        ("5", "does not say from when until when it lasted"),
        ("6", "has more cached input tokens than input tokens"),
        ("7", "output_tokens is no whole number from 0 on"),
        ("8", "output_tokens is no whole number from 0 on"),
    ]


def test_rounded_times_may_set_a_first_token_a_millisecond_outside(tmp_path: Path) -> None:
    """It is set to the end of the request, not refused."""
    found, _ = read(
        written(tmp_path / "log", [{"start": NOON, "end": NOON + 1, "first_token": NOON + 1.0005}])
    )
    assert found[0].first_token_us == NOON_US + 1_000_000


def test_waiting_is_no_work(tmp_path: Path) -> None:
    """3 s of waiting of 5 s: the work began 3 s after the arrival, the first token came 1 s later."""
    rows = [
        {"start": NOON, "end": NOON + 5, "queue_s": 3, "ttft_s": 4},
        {"start": NOON, "end": NOON + 5, "queue_s": 6, "ttft_s": 4},
        {"start": NOON, "end": NOON + 5},
    ]
    path = written(tmp_path / "log", rows)
    found, log = read(path, column__queue="queue_s", column__to_first_token="ttft_s")
    assert (found[0].start_us, found[0].first_token_us) == (NOON_US + 3_000_000, NOON_US + 4_000_000)
    assert log.tally.bad[0].reason == "waited longer than it lasted: is a unit wrong?"


def test_a_length_of_time_without_a_unit_is_refused(tmp_path: Path) -> None:
    """1500 may be seconds or milliseconds: nobody can tell."""
    path = written(tmp_path / "log", [{"start": NOON, "latency": 1500}])
    with pytest.raises(UsageError, match=r"latency does not say in which unit it is: say -o unit.duration=s"):
        read(path, "jsonl", column__duration="latency")
    found, _ = read(path, "jsonl", column__duration="latency", unit__duration="ms")
    assert found[0].end_us == NOON_US + 1_500_000
    with pytest.raises(UsageError, match="a length of time has a unit"):
        read(path, "jsonl", column__duration="latency", unit__duration="iso")
    with pytest.raises(UsageError, match="the units of times are"):
        read(path, "jsonl", column__duration="latency", unit__duration="hours")


def test_a_log_of_mostly_bad_rows_is_refused(tmp_path: Path) -> None:
    """Three of four rows: it is another log than was said."""
    rows: list[object] = [{"start": NOON, "end": NOON + 1}, "{", "{", "{"]
    path = written(tmp_path / "log", rows)  # type: ignore[arg-type]
    with pytest.raises(EvidenceError, match=r"3 of 4 rows are bad.*2: is no JSON"):
        read(path)
