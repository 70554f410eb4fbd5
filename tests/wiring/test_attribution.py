"""Logs and power as they are named, divided."""

import json
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("pyarrow", reason="samples of power need the extra `attribute`")

from wattmark.attribution.result import RequestEnergies
from wattmark.core.errors import UsageError
from wattmark.wiring.attribution import Asked, Outcome, attributed, options_of, placements_of

START = 1_790_000_000
DEVICES = ("gpu:0", "gpu:1", "cpu:h/package-0")


def a_log(path: Path, *requests: tuple[float, float, str]) -> Path:
    """Start, end and model of each; 10 tokens a second."""
    lines = [
        {
            "model": model,
            "start": START + start,
            "end": START + end,
            "output_tokens": round(10 * (end - start)),
        }
        for start, end, model in requests
    ]
    path.write_text("".join(json.dumps({**line, "input_tokens": 0}) + "\n" for line in lines))
    return path


def some_power(path: Path, watts: float = 100.0, seconds: int = 20, device: str = "gpu:0") -> Path:
    rows = [f"{START + t},{device},{watts}" for t in range(seconds + 1)]
    path.write_text("\n".join(["time,device,watts", *rows]) + "\n")
    return path


def divided(tmp_path: Path, **said: Any) -> tuple[Outcome, list[RequestEnergies], list[int]]:
    """What comes of a log of two requests of two models, and of what is said beside."""
    log = a_log(tmp_path / "requests.jsonl", (0, 10, "chat"), (5, 15, "code"))
    told: dict[str, Any] = {"requests": [log], "power": [str(some_power(tmp_path / "power.csv"))], **said}
    parts: list[RequestEnergies] = []
    counted: list[int] = []
    return attributed(Asked(**told), parts.append, counted.append), parts, counted


def test_a_log_and_samples_become_joules(tmp_path: Path) -> None:
    """100 W: 5 s alone and 5 s in two for each."""
    outcome, (requests,), counted = divided(tmp_path)
    assert requests.joules.tolist() == pytest.approx([750, 750])
    assert counted == [2]
    assert outcome.total.conservation_error < 1e-12
    assert outcome.tallies[0].taken == 2


def test_several_logs_are_read_side_by_side(tmp_path: Path) -> None:
    """Two gateways in front of one device, each with a log of the same time."""
    one = a_log(tmp_path / "one.jsonl", (0, 10, "chat"))
    other = a_log(tmp_path / "other.jsonl", (5, 15, "chat"))
    outcome, (requests,), _ = divided(tmp_path, requests=[one, other], slack_us=0)
    assert sorted(requests.joules.tolist()) == pytest.approx([750, 750])
    assert outcome.total.late == 0


def test_only_the_devices_that_are_meant_count(tmp_path: Path) -> None:
    """By name or pattern, or because a model is placed on them; a wrong name is told the right ones."""
    power = [str(some_power(tmp_path / f"{d}.csv", device=f"gpu:{d}")) for d in (0, 1)]
    for said in ({"devices": ["gpu:1"]}, {"devices": ["*1"]}, {"place": {"chat": ["gpu:1"]}}):
        outcome, _, _ = divided(tmp_path, power=power, **said)
        assert [use.device_id for use in outcome.total.window.devices] == ["gpu:1"]
    with pytest.raises(UsageError, match="no device is named 'gpu:7'; there are: gpu:0, gpu:1"):
        divided(tmp_path, power=power, devices=["gpu:7"])


def test_settings_go_where_they_are_known() -> None:
    """A zone is for both; what both know goes to the logs, unless it says power."""
    logs, power = options_of(
        {
            "column.start": "t",
            "column.watts": "P",
            "zone": "UTC",
            "device": "gpu:0",
            "power.column.start": "b",
        }
    )
    assert logs == {"column.start": "t", "zone": "UTC"}
    assert power == {"column.watts": "P", "device": "gpu:0", "zone": "UTC", "column.start": "b"}


def test_a_model_alone_on_its_devices_reserves_them() -> None:
    """Two on one device reserve what is said, and otherwise nothing."""
    places = placements_of({"a": ["gpu:*"], "b": ["gpu:1"], "c": ["cpu:h/package-0"]}, {"b": 0.3}, DEVICES)
    assert [(p.model, p.devices, p.reserved) for p in places] == [
        ("a", ("gpu:0", "gpu:1"), 0.0),
        ("b", ("gpu:1",), 0.3),
        ("c", ("cpu:h/package-0",), 1.0),
    ]


def test_a_reservation_without_places_is_of_all_devices() -> None:
    """A model that is placed nowhere, beside others that are, reserves nothing that anybody knows of."""
    (place,) = placements_of({}, {"a": 0.5}, DEVICES)
    assert (place.model, place.devices, place.reserved) == ("a", DEVICES, 0.5)
    assert placements_of({}, {}, DEVICES) == ()
    with pytest.raises(UsageError, match="--reserved b: say with --place where it runs"):
        placements_of({"a": ["gpu:0"]}, {"b": 0.5}, DEVICES)
