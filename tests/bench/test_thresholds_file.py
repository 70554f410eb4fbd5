"""Threshold files: written once, sealed, read strictly."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.core.stars.results import a_key
from wattmark.bench.thresholds_file import (
    read_thresholds,
    seal_of,
    shipped,
    thresholds_from,
    thresholds_text,
    write_thresholds,
)
from wattmark.core.errors import ConfigError, UsageError
from wattmark.core.stars.thresholds import Change, Entry, Member, QualityFloor, Thresholds

MEMBERS = tuple(
    Member(model=f"lab/m{i}", energy_joules=10.0 * 2**i, bundle_sha256="b" * 64, result_id=f"r{i}")
    for i in range(5)
)
HOUSE = Thresholds(
    id="house",
    version=2,
    effective="2026-11-22",
    title='our "own"',
    changelog=(
        Change(version=1, date="2026-01-01", text="first"),
        Change(version=2, date="2026-11-22", text="more"),
    ),
    entries=(
        Entry(key=a_key(), members=MEMBERS, since=1),
        Entry(
            key=a_key(precision="float32, int8"),
            members=MEMBERS,
            since=2,
            quality_floor=QualityFloor(name="wer", value=0.1, higher_is_better=False),
        ),
    ),
)


def resealed(text: str) -> bytes:
    """An edit by somebody who knows how the seal is made."""
    old = text.split('sha256 = "')[1][:64]
    return text.replace(old, seal_of(text), 1).encode()


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    """Every field; the seal comes with it."""
    path = tmp_path / "house.toml"
    write_thresholds(HOUSE, path)
    found = read_thresholds(path)
    assert replace(found, sha256="") == HOUSE
    assert found.sha256 == seal_of(path.read_text())
    assert thresholds_from(path.read_bytes().replace(b"\n", b"\r\n"), "house.toml") == found


@given(st.data())
def test_any_edit_shows(data: st.DataObject) -> None:
    """One character changed, added or taken away, wherever: refused."""
    text = thresholds_text(HOUSE)
    at = data.draw(st.integers(0, len(text) - 1))
    edited = data.draw(
        st.sampled_from(
            [text[:at] + text[at + 1 :], text[:at] + "7" + text[at:], text[:at] + "x" + text[at + 1 :]]
        )
    )
    if edited != text:
        with pytest.raises(ConfigError):
            thresholds_from(edited.encode(), "house.toml")


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1), st.floats(1e-20, 1e20))
def test_names_and_numbers_of_any_kind_come_back(name: str, joules: float) -> None:
    """Quotes, line ends, delete characters, other scripts; numbers to the last bit."""
    members = (*MEMBERS[1:], Member(model=name + "!", energy_joules=joules))
    kept = replace(HOUSE, entries=(Entry(key=a_key(device_class=name + "!"), members=members),))
    assert thresholds_from(thresholds_text(kept).encode(), "x").entries == kept.entries


def test_an_edit_says_what_to_do() -> None:
    """References change by a new version alone."""
    with pytest.raises(ConfigError, match=r"house\.toml: sha256: was altered.*stars recalibrate"):
        thresholds_from(thresholds_text(HOUSE).replace("20.0", "21.0").encode(), "house.toml")


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ('rule = "anchored-1"', 'rule = "anchored-9"', "rule: is 'anchored-9'"),
        ("e_ref_joules = 40.0", "e_ref_joules = 41.0", r"entry 1\.e_ref_joules: is 41, the median .* is 40"),
        ("e_ref_joules = 40.0", "e_ref_joules = nan", "e_ref_joules: is nan"),
        ("cohort_size = 5", "cohort_size = 6", r"entry 1\.cohort_size: is 6, listed are 5"),
        ("energy_joules = 10.0", "energy_joules = 11.0", r"entry 1\.members_sha256"),
        ("energy_joules = 10.0", "energy_joules = -1.0", "-1 J of lab/m0 cannot be"),
        ('model = "lab/m0"', 'model = "lab/m1"', "a cohort of 5 models, here are 4"),
        ('effective = "2026-11-22"', 'effective = "soon"', "effective: 'soon' is no date"),
        ("version = 2", 'version = "2"', "is no threshold file: Expected `int`"),
        ("version = 2", "version = 0", "counts from 1"),
        ('id = "house"', 'id = "house"\nmore = 1', "unknown field `more`"),
        ('batch_policy = "batch 1"', 'batch_policy = "unknown"', "unknown fields fits nothing"),
    ],
)
def test_a_sealed_lie_is_refused_too(old: str, new: str, problem: str) -> None:
    """What a file says of its members must follow from them."""
    text = thresholds_text(HOUSE).replace(old, new, 1)
    with pytest.raises(ConfigError, match=problem):
        thresholds_from(resealed(text), "house.toml")


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"\xff", "is not UTF-8"),
        (b"= 3", "is not valid TOML"),
        (b'id = "x"', "is no threshold file"),
        (b"#" * ((1 << 24) + 1), "larger than 16 MiB"),
    ],
)
def test_what_is_no_threshold_file_is_refused(content: bytes, problem: str) -> None:
    """With its name."""
    with pytest.raises(ConfigError, match=problem):
        thresholds_from(content, "house.toml")


def test_a_file_that_is_not_there_says_so(tmp_path: Path) -> None:
    """With the system's words."""
    with pytest.raises(ConfigError, match="cannot be read: No such file"):
        read_thresholds(tmp_path / "none.toml")


def test_a_version_is_never_written_over(tmp_path: Path) -> None:
    """Nor into a folder that is not there; nor what no file may hold."""
    path = tmp_path / "house.toml"
    write_thresholds(HOUSE, path)
    with pytest.raises(UsageError, match="a version never changes"):
        write_thresholds(HOUSE, path)
    with pytest.raises(UsageError, match="cannot be written"):
        write_thresholds(HOUSE, tmp_path / "none" / "house.toml")
    with pytest.raises(UsageError, match="counts from 1"):
        write_thresholds(replace(HOUSE, version=0), tmp_path / "zero.toml")
    assert not (tmp_path / "zero.toml").exists()


def test_what_comes_with_wattmark_claims_no_reference_that_was_not_measured() -> None:
    """It is empty, sealed and says why."""
    found = shipped()
    assert found.entries == ()
    assert "No references yet" in found.changelog[0].text
