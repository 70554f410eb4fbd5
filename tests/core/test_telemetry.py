"""Streams and their samples."""

from __future__ import annotations

import pytest

from wattmark.core.errors import UsageError
from wattmark.core.imported import BadRow, Imported
from wattmark.core.run import SourceId
from wattmark.core.sound import MOST_UJ, MOST_US, fault_of_samples
from wattmark.core.telemetry import Samples, Stream

ENERGY = Stream(source=SourceId(name="t"), host_id="h", device_id="gpu:h/0", component="gpu")
TOKENS = Stream(source=SourceId(name="t"), host_id="h", unit="output_tokens")


def test_samples_have_the_length_of_their_columns() -> None:
    """Energy for joules, counts for work; nothing is a good length, too."""
    assert len(Samples(stream=ENERGY, start_us=[0, 1], end_us=[1, 2], energy_uj=[5, 5])) == 2
    assert len(Samples(stream=TOKENS, start_us=[0], end_us=[1], count=[3.0], observed=[True])) == 1
    assert len(Samples(stream=ENERGY, start_us=[], end_us=[])) == 0


@pytest.mark.parametrize(
    "columns",
    [
        {"start_us": [0], "end_us": [1], "energy_uj": []},
        {"start_us": [0], "end_us": [1], "count": [1.0]},
        {"start_us": [0], "end_us": [1, 2], "energy_uj": [1]},
        {"start_us": [0], "end_us": [1], "energy_uj": [1], "observed": [True, False]},
    ],
)
def test_columns_of_different_lengths_are_refused(columns: dict[str, list[int]]) -> None:
    """A shifted column would give every number to another moment."""
    with pytest.raises(UsageError, match="one length"):
        Samples(stream=ENERGY, **columns)


def test_good_samples_have_no_fault() -> None:
    """A gap that holds nothing, an interval of energy, and work."""
    samples = Samples(stream=ENERGY, start_us=[0, 5], end_us=[5, 9], energy_uj=[0, 7], observed=[False, True])
    assert fault_of_samples(samples) is None
    assert fault_of_samples(Samples(stream=TOKENS, start_us=[0], end_us=[1], count=[0.5])) is None


@pytest.mark.parametrize(
    ("start", "end", "energy", "seen", "problem"),
    [
        (5, 5, 1, True, "no interval"),
        (5, 4, 1, True, "no interval"),
        (-1, 4, 1, True, "no interval"),
        (0, MOST_US + 1, 1, True, "no interval"),
        (0, 1, -1, True, "cannot be"),
        (0, 1, MOST_UJ + 1, True, "cannot be"),
        (0, 1, 1, False, "is a gap and holds energy"),
    ],
)
def test_what_cannot_be_is_found(start: int, end: int, energy: int, seen: bool, problem: str) -> None:
    """With the position of the interval."""
    samples = Samples(
        stream=ENERGY, start_us=[0, start], end_us=[1, end], energy_uj=[1, energy], observed=[True, seen]
    )
    fault = fault_of_samples(samples)
    assert fault is not None
    assert fault[0] == "row 1"
    assert problem in fault[1]


def test_work_that_is_not_a_number_is_found() -> None:
    """Its unit is named."""
    fault = fault_of_samples(Samples(stream=TOKENS, start_us=[0], end_us=[1], count=[float("nan")]))
    assert fault == ("row 0", "nan output_tokens cannot be")


def test_energy_belongs_to_a_device() -> None:
    """A stream of energy without a device could not be counted once."""
    nobody = Stream(source=SourceId(name="t"), host_id="h")
    assert fault_of_samples(Samples(stream=nobody, start_us=[], end_us=[])) == (
        "stream.device_id",
        "is empty",
    )


def test_an_empty_import_says_nothing() -> None:
    """Portions may hold anything or nothing; a bad row has a place and a reason."""
    assert Imported() == Imported(runs=(), samples=(), taken=0, bad=(), ignored=0, notes=())
    assert BadRow("a.csv:3", "is empty").place == "a.csv:3"
