"""Records as plain dictionaries: what is None, empty or default is left out, and comes back on reading."""

from __future__ import annotations

import json

import msgspec

from tests.builders import a_row, a_run
from wattmark.core.known import Boundary
from wattmark.core.plain import plain
from wattmark.core.run import Dataset, GapSpan, Place, Run, Status, Subject


def test_defaults_are_left_out() -> None:
    """A data set that only has a name is only a name."""
    assert plain(Dataset(name="digits")) == {"name": "digits"}
    assert plain(Dataset()) == {}


def test_zero_and_false_are_values() -> None:
    """Rows: 0 is told, for it is not the default."""
    assert plain(Dataset(rows=0)) == {"rows": 0}


def test_what_says_how_to_read_the_file_is_always_there() -> None:
    """Schema, version, seq and status, defaults or not."""
    told = plain(a_run(status=Status.OPEN))
    assert (told["schema"], told["schema_version"], told["seq"], told["status"]) == (
        "wattmark.run",
        1,
        0,
        "open",
    )


def test_enums_tuples_and_nested_records_become_plain() -> None:
    """Down to strings, numbers, lists and dictionaries."""
    row = a_row(boundary=Boundary.NODE, gaps=(GapSpan(t0_seconds=1.0, duration_seconds=2.0, reason="busy"),))
    told = plain(row)
    assert told["boundary"] == "node"
    assert told["gaps"] == [{"t0_seconds": 1.0, "duration_seconds": 2.0, "reason": "busy"}]
    assert plain({1: (Boundary.NODE,)}) == {"1": ["node"]}
    assert plain(Run) is Run


def test_a_run_comes_back_as_it_was() -> None:
    """Through JSON and the reader's validation."""
    run = a_run(
        subject=Subject(model="m", labels={"a": "b"}),
        place=Place(pue=1.0, country="FRA"),
        energies=(a_row(), a_row(t0_seconds=10.0)),
    )
    assert msgspec.json.decode(json.dumps(plain(run)), type=Run) == run
