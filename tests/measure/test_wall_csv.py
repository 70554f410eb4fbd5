"""Wall meters write many kinds of CSV."""

from __future__ import annotations

from pathlib import Path

import pytest

from wattmark.core.errors import EvidenceError
from wattmark.core.wall_series import WallSample
from wattmark.measure.wall_csv import read_wall_csv

START = "2026-11-01T12:00:00.000000Z"
EPOCH = 1_793_534_400  # the same moment


def wall(tmp_path: Path, text: str) -> Path:
    """A meter's file."""
    path = tmp_path / "meter.csv"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    "text",
    [
        "timestamp,power_w\n2026-11-01T12:00:05Z,80\n2026-11-01T12:00:06Z,81.5\n",
        "Time;Power factor;Power [kW]\n2026-11-01 12:00:05+00:00;1;0,080\n2026-11-01 12:00:06Z;1;0,0815\n",
        f"\ufefftime\tapparent\tpower (mW)\n{EPOCH + 5}\t9\t80000\n{EPOCH + 6}\t9\t81500\n",
        f"time_ms,Watts\n{(EPOCH + 5) * 1000},80\n{(EPOCH + 6) * 1000},81.5\n",
        "elapsed,power\n5,80\n6,81.5\n",
        "Zeit,Leistung W\n2026-11-01T13:00:05+01:00,80\n2026-11-01T13:00:06+01:00,81.5\n",
    ],
)
def test_times_and_watts_come_out_the_same(tmp_path: Path, text: str) -> None:
    """ISO or epoch times, kW, mW or W, decimal comma, byte order mark: 80 W at 5 s, 81.5 W at 6 s."""
    recording = read_wall_csv(wall(tmp_path, text), START)
    assert [(s.at, pytest.approx(s.watts)) for s in recording.samples] == [(5.0, 80.0), (6.0, 81.5)]


def test_lines_without_a_value_are_left_out_never_zero(tmp_path: Path) -> None:
    """Empty, n/a, negative and infinite values are skipped and counted."""
    text = "time,power\n1,80\n2,\n3,n/a\n4,-5\n5,inf\nyesterday,80\n,80\n"
    recording = read_wall_csv(wall(tmp_path, text), START)
    assert recording.samples == (WallSample(1.0, 80.0),)
    assert recording.skipped == 6


def test_columns_and_unit_can_be_named(tmp_path: Path) -> None:
    """What is named wins over what would be found."""
    text = "time,power,t2,p2\n1,5,2,0.08\n"
    recording = read_wall_csv(wall(tmp_path, text), START, time_column="t2", power_column="p2", unit="kW")
    assert recording.samples == (WallSample(2.0, 80.0),)
    assert recording.unit == "kW"


def test_a_time_without_a_zone_is_local_and_says_so(tmp_path: Path) -> None:
    """The reader must know, because a wrong zone is the usual mistake."""
    recording = read_wall_csv(wall(tmp_path, "time,power\n2026-11-01T12:00:05,80\n"), START)
    assert "local time" in recording.notes[0]


@pytest.mark.parametrize(
    ("text", "options", "words"),
    [
        ("a,b\n1,2\n", {}, "--time-column"),
        ("time,b\n1,2\n", {}, "--power-column"),
        ("time,power\n1,2\n", {"power_column": "watts"}, "it has time, power"),
        ("time,power\n1,2\n", {"unit": "VA"}, "not a unit of power"),
        ("time,power\nx,y\n", {}, "name other columns"),
        ("nothing here\n", {}, "no header"),
    ],
)
def test_a_file_that_is_not_understood_says_what_to_name(
    tmp_path: Path, text: str, options: dict[str, str], words: str
) -> None:
    """The reason and the way out."""
    with pytest.raises(EvidenceError, match=words):
        read_wall_csv(wall(tmp_path, text), START, **options)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    """Is named."""
    with pytest.raises(EvidenceError, match="cannot be read"):
        read_wall_csv(tmp_path / "none.csv", START)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ('time,power\n1,"' + "x" * 200_000 + '"\n', "is not a CSV file after line 1"),
        ('time,"' + "x" * 200_000 + '"\n1,2\n', "is not a CSV file"),
        ("time,power,power\n1,2,3\n", "has 2 columns named 'power'"),
    ],
)
def test_a_file_that_is_no_table_is_refused(tmp_path: Path, content: str, says: str) -> None:
    """And no column is chosen among those of one name."""
    path = tmp_path / "wall.csv"
    path.write_text(content)
    with pytest.raises(EvidenceError, match=says):
        read_wall_csv(path, START)


@pytest.mark.parametrize(
    "line",
    ["nan,5", "inf,5", "-1e300,5", "0001-01-01T00:00:00,5", "9999-12-31T23:59:59,5", "1,nan", "1,1e308"],
)
def test_a_line_that_cannot_be_is_left_out(tmp_path: Path, line: str) -> None:
    """It is counted as skipped; the others stay."""
    path = tmp_path / "wall.csv"
    path.write_text(f"time,power\n{line}\n2,7\n")
    recording = read_wall_csv(path, START)
    assert [(s.at, s.watts) for s in recording.samples] == [(2.0, 7.0)]
    assert recording.skipped == 1
