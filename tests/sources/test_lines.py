"""Text tables, times and what is stated, as every source reads them."""

from __future__ import annotations

import gzip
from datetime import UTC
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from wattmark.core.errors import EvidenceError, UsageError
from wattmark.core.known import Method
from wattmark.core.run import Place, Subject
from wattmark.sources.catalog import Asked
from wattmark.sources.identity import host_of, import_id
from wattmark.sources.lines import MOST_LINE, files_of, lines_of, number_of, table_of
from wattmark.sources.moments import moment_us, written, zone_of
from wattmark.sources.stated import errors_of, place_of, subject_of


def test_lines_are_numbered_and_lose_their_ends(tmp_path: Path) -> None:
    """Of any system, with or without a byte order mark, packed or not."""
    (tmp_path / "a.csv").write_bytes(b"\xef\xbb\xbfone\r\ntwo\n\nfour")
    (tmp_path / "a.csv.gz").write_bytes(gzip.compress(b"one\ntwo\n\nfour\n"))
    expected = [(1, "one"), (2, "two"), (3, ""), (4, "four")]
    assert list(lines_of(tmp_path / "a.csv")) == expected
    assert list(lines_of(tmp_path / "a.csv.gz")) == expected


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"a\n\xff\xfe\n", "is not UTF-8 text"),
        (b"a\nb\0c\n", "x.csv:2: is no text"),
        (b"a" * MOST_LINE, "x.csv:1: is no text"),
    ],
)
def test_what_is_no_text_is_named(tmp_path: Path, content: bytes, problem: str) -> None:
    """With the line where that shows."""
    (tmp_path / "x.csv").write_bytes(content)
    with pytest.raises(EvidenceError, match=problem):
        list(lines_of(tmp_path / "x.csv"))


def test_a_torn_archive_is_named(tmp_path: Path) -> None:
    """It ends too early, or is none."""
    (tmp_path / "torn.gz").write_bytes(gzip.compress(b"one\n" * 1000)[:-10])
    (tmp_path / "none.gz").write_bytes(b"plain text")
    for name in ("torn.gz", "none.gz"):
        with pytest.raises(EvidenceError, match=f"{name}: cannot be unpacked"):
            list(lines_of(tmp_path / name))


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    """What the system says is passed on."""
    with pytest.raises(EvidenceError, match="cannot be read"):
        list(lines_of(tmp_path))


def test_files_are_named_or_lie_in_a_folder(tmp_path: Path) -> None:
    """In the order of their names; neither a missing file nor an empty folder is passed over."""
    for name in ("b.csv", "a.csv", "c.txt"):
        (tmp_path / name).touch()
    (tmp_path / "d.csv").mkdir()
    assert [p.name for p in files_of([str(tmp_path)], "*.csv")] == ["a.csv", "b.csv"]
    assert [p.name for p in files_of([str(tmp_path / "c.txt")], "*.csv")] == ["c.txt"]
    with pytest.raises(EvidenceError, match=r"holds no \*\.log"):
        files_of([str(tmp_path)], "*.log")
    with pytest.raises(EvidenceError, match="is not there"):
        files_of([str(tmp_path / "gone")], "*.csv")


def test_tables_know_the_line_of_each_row(tmp_path: Path) -> None:
    """Also after a cell of several lines; empty lines are left out, cells are stripped."""
    (tmp_path / "t.csv").write_text('a, b\n\n1, "x\ny"\n ,\n2, z\n')
    assert list(table_of(tmp_path / "t.csv")) == [(1, ["a", "b"]), (3, ["1", "x\ny"]), (6, ["2", "z"])]


def test_a_cell_without_end_is_named(tmp_path: Path) -> None:
    """A quote that is never closed would swallow the rest of the file."""
    (tmp_path / "t.csv").write_text('a,b\n1,"' + "x" * 200_000 + "\n")
    with pytest.raises(EvidenceError, match="is not a CSV file"):
        list(table_of(tmp_path / "t.csv"))


NUMBERS = {"1.5": 1.5, "1e3": 1000.0, "": None, "nan": None, "inf": None, "a": None, None: None}


@pytest.mark.parametrize(("text", "value"), NUMBERS.items())
def test_numbers_are_finite(text: str | None, value: float | None) -> None:
    """Whatever else stands in a cell is none."""
    assert number_of(text) == value


def test_times_are_microseconds() -> None:
    """A second after midnight, with and without a zone; the written form leads back."""
    paris = ZoneInfo("Europe/Paris")
    assert moment_us("2026-07-01T00:00:01Z", paris) == 1_782_864_001_000_000
    assert moment_us("2026-07-01 02:00:01", paris) == 1_782_864_001_000_000
    assert moment_us("01/07/2026", UTC, "%d/%m/%Y") == 1_782_864_000_000_000
    assert written(1_782_864_001_000_000) == "2026-07-01T00:00:01.000000Z"
    assert moment_us("soon", UTC) is None
    assert moment_us("1970-01-01", UTC) is None


def test_zones_go_by_their_names() -> None:
    """None is UTC; `local` is another one on each machine, and a slip is told."""
    assert zone_of(None) is zone_of("utc") is UTC
    assert zone_of("Europe/Paris") == ZoneInfo("Europe/Paris")
    for name in ("local", "Europe/Pari", "../etc/passwd", ""):
        with pytest.raises(UsageError):
            zone_of(name)


def test_what_the_input_states_goes_before() -> None:
    """Empty is not stated; labels of both are kept."""
    asked = Asked(
        subject=Subject(team="a", model="m", labels={"x": "1", "y": "1"}), place=Place(country="FRA")
    )
    subject = subject_of(asked, team="b", model="", stage=None, labels={"x": "2"})
    assert (subject.team, subject.model, subject.stage) == ("b", "m", None)
    assert dict(subject.labels) == {"x": "2", "y": "1"}
    assert place_of(asked, country="", pue=1.2) == Place(country="FRA", pue=1.2)


def test_errors_follow_the_method() -> None:
    """A sensor that looks seldom is less certain; a model depends on the load."""
    assert errors_of(Method.HARDWARE_COUNTER, "m") == {"m:gain": 0.05}
    assert errors_of(Method.INTEGRATED_POWER, "m") == {"m:gain": 0.10}
    assert errors_of(Method.INTEGRATED_POWER, "m", duty=0.25) == {"m:gain": 0.25}
    assert set(errors_of(Method.MODELLED, "m", workload="w")) == {"m:gain", "m:load:w"}


def test_ids_tell_nothing_and_stay() -> None:
    """The same name in any case is the same machine; a machine's own id passes through."""
    assert host_of(" Node-7 ") == host_of("node-7") != host_of("node-8")
    assert "node" not in host_of("node-7")
    assert host_of("id:abc") == "abc"
    assert import_id("s", "i", "k") == import_id("s", "i", "k")
    assert len({import_id("s", "i", "k"), import_id("s", "ik", ""), import_id("si", "", "k")}) == 3
