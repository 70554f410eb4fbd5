"""A table of the user's own: what goes in comes out as figures, or it is refused whole."""

from __future__ import annotations

import csv
import io
import tempfile
from http.client import BadStatusLine
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wattmark import tables
from wattmark.core.errors import ConfigError, UsageError
from wattmark.grid.bundled import intensities
from wattmark.grid.places import cloud_places
from wattmark.hashing import sha256
from wattmark.wiring.own_tables import (
    Description,
    content_of,
    every_table,
    own_names,
    table_named,
    take_in,
)

SAID = Description(version="9", source="s\n[x] # \\ \u2028", licence="l")
HEAD = ("zone", "name", "year", "gco2e_per_kwh", "basis", "note")


def text_of(rows: list[tuple[object, ...]]) -> bytes:
    """Rows as CSV."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerows([HEAD, *rows])
    return out.getvalue().encode()


YEARS = st.dictionaries(st.integers(1990, 2100), st.floats(0.01, 5000), min_size=1, max_size=6)


@given(years=YEARS, basis=st.sampled_from(["lifecycle", "direct"]))
def test_every_figure_that_goes_in_comes_out(years: dict[int, float], basis: str) -> None:
    """Value, year and basis, the newest first; the file byte for byte; whatever was said of it."""
    content = text_of([("GBR", "United Kingdom", year, grams, basis, "") for year, grams in years.items()])
    with tempfile.TemporaryDirectory() as folder:
        mine = Path(folder)
        told = take_in("grid/uk_desnz", content, SAID, mine)
        assert (told.rows, told.year, told.sha256) == (len(years), max(years), sha256(content).hexdigest())
        assert (mine / "grid/uk_desnz.csv").read_bytes() == content
        assert tables.meta("grid/uk_desnz", mine).source == SAID.source
        found = [i for i in intensities("GBR", mine) if "own table 9" in i.source]
        assert [(i.year, i.grams_per_kwh, i.basis) for i in found] == [
            (year, years[year], basis) for year in sorted(years, reverse=True)
        ]


@given(content=st.binary(max_size=200))
def test_any_bytes_are_a_table_or_refused_whole(content: bytes) -> None:
    """Nothing is kept of what cannot be used."""
    with tempfile.TemporaryDirectory() as folder:
        with pytest.raises(ConfigError, match=r"grid/egrid\.csv"):
            take_in("grid/egrid", content, SAID, Path(folder))
        assert list(Path(folder).iterdir()) == []


def test_the_shipped_cloud_regions_can_be_ones_own(tmp_path: Path) -> None:
    """The same regions, each naming the table."""
    shipped = (Path(str(tables.bundled())) / "cloud_regions.csv").read_bytes()
    told = take_in("cloud_regions", shipped, SAID, tmp_path)
    assert told.rows == len(cloud_places())
    assert [p.region for p in cloud_places(tmp_path)] == [p.region for p in cloud_places()]
    pues = [p.pue for p in cloud_places(tmp_path) if p.pue is not None]
    assert all(pue.source.endswith("own table 9") for pue in pues)


@pytest.mark.parametrize("name", own_names())
def test_every_shipped_table_could_be_taken_in(name: str, tmp_path: Path) -> None:
    """What is demanded of others holds for ours."""
    shipped = (Path(str(tables.bundled())) / f"{name}.csv").read_bytes()
    assert take_in(name, shipped, SAID, tmp_path, keep=False).problem == ""
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("said", ["egrid", "grid/egrid", "EGRID.csv", "google-regions", "google_regions"])
def test_a_table_is_meant_by_its_usual_names(said: str) -> None:
    """With or without folder and ending."""
    assert table_named(said) in own_names()


def test_what_cannot_be_written_is_said(tmp_path: Path) -> None:
    """A file stands where the folder would be."""
    (tmp_path / "grid").write_text("")
    with pytest.raises(UsageError, match="cannot be written"):
        take_in("grid/uk_desnz", text_of([("GBR", "UK", 2027, 1, "direct", "")]), SAID, tmp_path)


def test_what_is_no_such_table_by_size_is_refused() -> None:
    """Before any of it is read."""
    with pytest.raises(UsageError, match="larger than 32 MiB"):
        content_of("https://example.org/x.csv", lambda _: b"x" * (32 * 1024 * 1024 + 1))


def test_a_description_that_is_no_toml_is_told_and_not_raised(tmp_path: Path) -> None:
    """The others are listed all the same."""
    take_in("grid/uk_desnz", text_of([("GBR", "UK", 2027, 1, "direct", "")]), SAID, tmp_path)
    (tmp_path / "grid/uk_desnz.meta.toml").write_text("= nothing")
    (told,) = (t for t in every_table(tmp_path) if t.own)
    assert told.problem
    assert not any(t.problem for t in every_table(tmp_path) if not t.own)


def test_a_server_that_speaks_no_http_is_told() -> None:
    """Whatever it says instead."""

    def babble(_: str) -> bytes:
        raise BadStatusLine("SSH-2.0")

    with pytest.raises(UsageError, match=r"https://example.org/x.csv: cannot be read: SSH-2\.0"):
        content_of("https://example.org/x.csv", babble)
