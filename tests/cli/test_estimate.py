"""``wattmark estimate`` as a user runs it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.builders import a_row, a_run
from tests.cli.running import kept, verb
from wattmark.cli.estimate import command
from wattmark.core.errors import EvidenceError, NotComparable, UsageError
from wattmark.core.run import Work

H100 = ("--hardware", "h100-sxm", "--mfu", "0.4")


@pytest.fixture(autouse=True)
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No configuration of this machine is in force."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("WATTMARK_CONFIG", raising=False)


@pytest.fixture
def pilot(tmp_path: Path) -> Path:
    """90 J for 10 samples, at device boundary."""
    return kept(tmp_path, a_run(work=(Work(unit="samples", count=10),)), "pilot")


def told(*arguments: object) -> Any:
    return json.loads(verb(command, *arguments, "--json").output)


def test_flop_on_an_h100() -> None:
    """3e20 FLOP / (989.4e12 FLOP/s x 0.4) x 700 W are 147 kWh, 210.6 device hours, grade D."""
    made = told("--flop", "3e20", *H100, "--intensity", "100", "--price", "0.30")
    assert made["schema"] == "wattmark.estimate"
    assert made["energy"]["value"] / 3.6e6 == pytest.approx(147.4, rel=1e-3)
    assert made["energy"]["grade"] == "D"
    assert made["carbon"]["value"] == pytest.approx(14_740, rel=1e-3)
    assert made["cost"]["value"] == pytest.approx(44.2, rel=1e-3)
    assert made["device_hours"] == pytest.approx(210.6, rel=1e-3)
    assert made["facility_energy"] is None


def test_the_text_names_assumptions_and_what_is_missing() -> None:
    """No place, no price: said, not zero."""
    text = verb(command, "--flop", "3e20", *H100, "--rest-watts", "575", "--pue", "1.2").output
    assert "at the site 322 kWh" in text
    assert "missing: grid intensity" in text
    assert "MFU 0.4" in text
    assert "never passes for a measurement" in text


def test_a_pilot_by_work_and_by_fraction(pilot: Path) -> None:
    """10 of 1000 samples, or a hundredth: 9000 J."""
    assert told("--pilot", pilot, "--scale", "samples=1000")["energy"]["value"] == pytest.approx(9000)
    assert told("--pilot", pilot, "--fraction", "0.01")["energy"]["value"] == pytest.approx(9000)


def test_an_estimate_is_stored_and_meets_its_actual(tmp_path: Path, pilot: Path) -> None:
    """9000 J were expected, 9900 J used: 110 %, inside the interval."""
    plan = tmp_path / "plan.json"
    assert "Stored in" in verb(command, "--pilot", pilot, "--fraction", "0.01", "--out", plan).output
    actual = kept(tmp_path, a_run(energies=(a_row(energy_joules=9900.0, max_watts=2000.0),)), "actual")
    seen = told("--from", plan, "--actual", actual)["actual"]
    assert seen["ratio"]["value"] == pytest.approx(1.1)
    assert seen["inside_interval"] is True
    assert (
        "110 % of the estimate, inside the interval"
        in verb(command, "--from", plan, "--actual", actual).output
    )


def test_another_boundary_is_refused(pilot: Path) -> None:
    """An estimate of the node and a run of the device."""
    arguments = ("--flop", "3e20", *H100, "--rest-watts", "575", "--actual", pilot)
    with pytest.raises(NotComparable, match="boundary"):
        verb(command, *arguments)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((), "say what to estimate from"),
        (("--flop", "1e20"), "--hardware ID and --mfu"),
        (("--flop", "1e20", "--hardware", "nvidia-p4", "--mfu", "0.3"), "not published"),
        (("--pilot", "PILOT"), "--scale UNIT=COUNT or --fraction"),
        (("--pilot", "PILOT", "--scale", "tokens=5"), "it logged samples"),
        (("--pilot", "PILOT", "--scale", "samples=many"), "is not UNIT=COUNT"),
        (("--pilot", "PILOT", "--scale", "samples=0"), "above 0"),
    ],
)
def test_what_is_lacking_is_asked_for(pilot: Path, arguments: tuple[str, ...], words: str) -> None:
    """Each message says what to give."""
    with pytest.raises(UsageError, match=words):
        verb(command, *(pilot if a == "PILOT" else a for a in arguments))


def test_a_run_without_energy_is_no_pilot_and_no_actual(tmp_path: Path, pilot: Path) -> None:
    """Nothing to scale, nothing to set beside."""
    empty = kept(tmp_path, a_run(energies=()), "empty")
    with pytest.raises(UsageError, match="pilot holds no energy"):
        verb(command, "--pilot", empty, "--fraction", "0.5")
    with pytest.raises(UsageError, match="actual run holds no energy"):
        verb(command, "--pilot", pilot, "--fraction", "0.5", "--actual", empty)


def test_a_file_that_is_no_estimate_is_refused(pilot: Path) -> None:
    """A run file has another shape."""
    with pytest.raises(EvidenceError, match="not a stored estimate"):
        verb(command, "--from", pilot)


def test_a_stored_estimate_is_not_stored_again(tmp_path: Path, pilot: Path) -> None:
    """It would lose its assumptions."""
    plan = tmp_path / "plan.json"
    verb(command, "--pilot", pilot, "--fraction", "0.5", "--out", plan)
    with pytest.raises(UsageError, match="stored already"):
        verb(command, "--from", plan, "--out", plan)


def test_estimate_and_actual_stand_in_one_unit(pilot: Path) -> None:
    """Both in Wh: joules beside watt-hours could not be compared at a glance."""
    verb(command, "--pilot", pilot, "--fraction", "0.5", "--out", "plan.json")
    text = verb(command, "--from", "plan.json", "--actual", pilot).output
    assert "estimated   50.0 mWh" in text
    assert "actual      25.0 mWh" in text


def test_only_what_is_lacking_is_asked_for() -> None:
    """The device was named; the MFU was not."""
    with pytest.raises(UsageError, match=r"needs --mfu, achieved over peak \(0 to 1\)$"):
        verb(command, "--flop", "3e20", "--hardware", "h100-sxm")
