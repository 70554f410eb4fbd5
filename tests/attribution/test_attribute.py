"""``wattmark.attribute``: arrays in, joules out."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.attribution.exact_power import a_series
from wattmark import attribute
from wattmark.attribution.arrays import columns_of, placements_of, series_of
from wattmark.attribution.columns import joined, of
from wattmark.attribution.logs.catalog import open_requests
from wattmark.core.errors import UsageError
from wattmark.core.figure import Figure, Missing
from wattmark.core.serving.dividing import Piece
from wattmark.core.serving.request import Placement, Request, Service
from wattmark.wiring.power import open_power

GPU = {"gpu:0": {"time": [0.0, 10.0], "watts": [100.0, 100.0]}}
TWO: dict[str, Any] = {
    "start": [2.0, 0.0],
    "end": [8.0, 4.0],
    "input_tokens": [0, 0],
    "output_tokens": [180, 40],
    "model": ["code", "chat"],
}
"""Chat from 0 to 4 s by 10 tokens/s, code from 2 to 8 s by 30."""


def test_each_request_has_its_joules_in_the_order_given() -> None:
    """100 W: code 150 + 400 J, chat 200 + 50 J."""
    made = attribute(TWO, GPU)
    assert made.requests.joules.tolist() == pytest.approx([550, 250])
    assert made.requests.ordinal.tolist() == [1, 0]
    assert made.total.conservation_error < 1e-12


def test_rules_are_named_in_words() -> None:
    """Equally: 100 + 400 and 200 + 100 J."""
    assert attribute(TWO, GPU, rule="equal").requests.joules.tolist() == pytest.approx([500, 300])
    assert attribute({**TWO, "weight": [1, 3]}, GPU, rule="weight").requests.joules.tolist() == pytest.approx(
        [450, 350]
    )
    with pytest.raises(UsageError, match="no rule 'fair'; known: tokens, equal, weight"):
        attribute(TWO, GPU, rule="fair")


def test_figures_say_how_they_are_known() -> None:
    """Code: 550 J per request, 550 / 180 J per token, by a sampled sensor."""
    made = attribute(TWO, GPU, since_us=0, until_us=10_000_000, place={"code": ["gpu:0"]})
    (chat, code) = made.figures()
    assert isinstance(chat.energy.attributed, Missing)
    used, idle = code.joules_per_request.attributed, code.idle
    assert isinstance(used, Figure)
    assert isinstance(idle, Figure)
    assert (used.value, used.grade, used.unit) == (pytest.approx(600), "C", "J/request")
    assert idle.value == pytest.approx(400)
    assert made.devices[0].unallocated_joules == 0
    with pytest.raises(UsageError, match="not grouped by 'user', but by model"):
        made.figures(["user"])


def test_requests_and_power_may_be_what_the_readers_give() -> None:
    """Columns and series go in as they are, placements too."""
    requests = of([Request(service=Service(model="chat"), start_us=0, end_us=5)])
    power = [a_series([Piece(0, 10, 10.0)])]
    made = attribute(requests, power, place=[Placement(devices=("gpu:0",))])
    assert made.requests.joules.tolist() == [5.0]


def test_times_may_be_dates_seconds_or_microseconds() -> None:
    """All mean the same; what is not known stays not known."""
    dates = np.array(["1970-01-01T00:00:01", "NaT"], "datetime64[ms]")
    read = columns_of({"start_us": [0, 0], "end": [1.5, 2.0], "first_token": dates})
    assert read.end_us.tolist() == [1_500_000, 2_000_000]
    assert read.first_token_us.tolist() == [1_000_000, -1]
    assert columns_of({"start": [0.0], "end": [1.0], "first_token": [np.nan]}).first_token_us.tolist() == [-1]


def test_services_are_told_apart_by_all_their_names() -> None:
    """Two models of two tenants, one of them twice."""
    read = columns_of(
        {
            "start": [0, 0, 0],
            "end": [1, 1, 1],
            "model": ["a", "b", "a"],
            "tenant": ["x", "x", "x"],
        }
    )
    assert [read.services[i] for i in read.service] == [
        Service(model="a", tenant="x"),
        Service(model="b", tenant="x"),
        Service(model="a", tenant="x"),
    ]


@pytest.mark.parametrize(
    ("wrong", "problem"),
    [
        ({"prompt": ["?"]}, "no column 'prompt'"),
        ({"weight": [0.5]}, "weight are whole numbers, not float64"),
        ({"output_tokens": np.array([1.0])}, "output_tokens are whole numbers"),
        ({"model": ["a", "b"]}, "model has 2 rows, and start has 1"),
        ({"end": None}, "need the columns start and end"),
    ],
)
def test_what_does_not_fit_is_refused(wrong: dict[str, Any], problem: str) -> None:
    """With the name of the column. Weights in floats would turn idle energy into work."""
    given = {"start": [0.0], "end": [1.0], **wrong}
    with pytest.raises(UsageError, match=problem):
        columns_of({name: column for name, column in given.items() if column is not None})


def test_a_file_is_no_column() -> None:
    """Whoever names one is told how it is read."""
    with pytest.raises(UsageError, match=r"^requests.jsonl: give columns; .*open_requests"):
        attribute("requests.jsonl", {})  # type: ignore[arg-type]


def test_a_log_is_read_as_the_page_says(tmp_path: Path) -> None:
    """50 J: half a second of 100 W."""
    (tmp_path / "r.jsonl").write_text('{"model":"m","start":1790000000,"end":1790000000.5}\n')
    (tmp_path / "p.csv").write_text("time,watts\n1790000000,100\n1790000001,100\n")
    requests = joined(list(open_requests(tmp_path / "r.jsonl")))
    made = attribute(requests, open_power(str(tmp_path / "p.csv")))
    assert made.requests.joules.tolist() == [50.0]


def test_a_counter_is_power_too() -> None:
    """From any start; a gap is a flag between two times."""
    series = series_of(
        "gpu:0", {"time_us": [0, 5, 9], "joules": [100.0, 130.0, 130.0], "observed": [True, False]}
    )
    assert series.joules.tolist() == [0, 30, 30]
    assert (series.kind, series.component, series.grade) == ("counter", "gpu", "B")


def test_a_gap_between_samples_holds_no_energy() -> None:
    """Watts on both sides say nothing of what was between."""
    told = {"time": [0, 1, 2], "watts": [10.0, 10.0, 10.0], "observed": [True, False]}
    assert series_of("gpu:0", told).joules.tolist() == [0, 10, 10]


@pytest.mark.parametrize(
    ("wrong", "problem"),
    [
        ({"volts": [1]}, "gpu:0: power has no column 'volts'"),
        ({"joules": [1.0, 2.0]}, "gpu:0: power is told by time and either watts or joules"),
        ({"watts": [1.0, -2.0]}, "gpu:0: watts are one number from 0 on"),
        ({"watts": [1.0]}, "gpu:0: watts are one number from 0 on"),
    ],
)
def test_power_that_does_not_fit_is_refused(wrong: dict[str, Any], problem: str) -> None:
    """With the name of the device."""
    with pytest.raises(UsageError, match=problem):
        series_of("gpu:0", {"time": [0, 1], "watts": [1.0, 1.0], **wrong})


def test_a_model_alone_on_its_devices_reserves_them() -> None:
    """Two on one device reserve nothing of it until somebody says so."""
    places = placements_of({"a": ["gpu:0"], "b": ["gpu:1", "gpu:2"], "c": ["gpu:2"]})
    assert [(p.model, p.reserved) for p in places] == [("a", 1.0), ("b", 0.0), ("c", 0.0)]
