"""How meters are set up from the settings."""

from __future__ import annotations

import math
import os
from pathlib import Path

import pytest

from tests.builders import a_run
from wattmark.config import Config, MeasureConfig
from wattmark.core.errors import MeterUnavailable, UsageError
from wattmark.core.known import Grade
from wattmark.core.readings import CounterReading
from wattmark.meters.catalog import METERS
from wattmark.wiring.meters import bmc_account, make_meter, open_meters, survey


@pytest.fixture
def netrc(tmp_path: Path) -> str:
    path = tmp_path / "netrc"
    path.write_text("machine bmc.example login reader password secret\n")
    os.chmod(path, 0o600)
    return str(path)


def test_the_account_of_a_bmc_belongs_to_its_host(netrc: str) -> None:
    """A project's settings cannot send it to another machine."""
    assert bmc_account("https://bmc.example:8443", netrc) == ("reader", "secret")
    assert bmc_account("https://evil.example", netrc) == ("", "")


def test_no_netrc_is_no_account(tmp_path: Path) -> None:
    """The BMC may answer without one."""
    assert bmc_account("https://bmc.example", str(tmp_path / "none")) == ("", "")


def test_a_netrc_that_cannot_be_understood_is_said(tmp_path: Path) -> None:
    """The reason names the file."""
    path = tmp_path / "netrc"
    path.write_text("machine\n  nonsense here\n")
    with pytest.raises(MeterUnavailable, match="netrc cannot be understood"):
        bmc_account("https://bmc.example", str(path))


def test_redfish_without_an_address_is_not_tried() -> None:
    """No connection is opened by itself."""
    with pytest.raises(MeterUnavailable, match="set redfish_url"):
        make_meter("redfish", "h", MeasureConfig())


# --- what is chosen, and why not the rest -------------------------------------------------------------


def test_this_machine_is_surveyed_with_every_reason() -> None:
    """Every meter of the catalog is there, chosen or with its reason; something reads the CPU."""
    found = survey()
    assert [c.meter for c in found.meters.choices] == list(METERS)
    assert all(c.reason for c in found.meters.choices)
    assert any(c.chosen for c in found.meters.choices)
    assert found.meters.not_seen[-1].what == "network and cooling"
    assert set(found.environment) == {"wattmark", "python", "implementation", "system", "kernel", "machine"}


def test_measuring_chooses_what_a_thorough_look_chooses() -> None:
    """A meter is only passed over where it would have failed."""
    quick, thorough = survey(thorough=False), survey()
    assert [c.meter for c in quick.meters.choices if c.chosen] == [
        c.meter for c in thorough.meters.choices if c.chosen
    ]
    assert quick.meters.devices == thorough.meters.devices
    assert quick.host == thorough.host


def test_a_process_is_surveyed_once() -> None:
    """The second track finds the meters open."""
    assert open_meters(Config()) is open_meters(Config())
    assert open_meters(Config(measure=MeasureConfig(calibration=False))) is not open_meters(Config())


def test_only_the_meters_that_were_named_are_used() -> None:
    """In their order; what they do not see is told."""
    found = survey(Config(measure=MeasureConfig(meters=("model",)))).meters
    assert [(c.meter, c.chosen) for c in found.choices] == [("model", True)]
    assert {d.source for d in found.devices} == {"model"}
    assert ("gpu", "no GPU meter was asked for") in [(n.what, n.reason) for n in found.not_seen]


@pytest.mark.skipif(any(Path("/sys/class/powercap").glob("intel-rapl:*")), reason="this machine has RAPL")
def test_a_named_meter_that_cannot_work_is_an_error_and_no_fallback() -> None:
    """With the meter's own reason."""
    with pytest.raises(UsageError, match="'rapl' was asked for and cannot work here: no intel-rapl zones"):
        survey(Config(measure=MeasureConfig(meters=("rapl",))))
    with pytest.raises(UsageError, match="there is no meter 'rappel'"):
        survey(Config(measure=MeasureConfig(meters=("rappel",))))


def test_nothing_that_reads_the_cpu_is_told() -> None:
    """An empty list of meters measures nothing and says so."""
    found = survey(Config(measure=MeasureConfig(meters=()))).meters
    assert [n.what for n in found.not_seen] == ["cpu", "gpu", "rest of node", "network and cooling"]
    assert found.devices == ()


def test_a_stated_rest_of_the_node_is_a_device_of_grade_d() -> None:
    """50 W are 50 J in a second, and the node is whole."""
    found = survey(Config(measure=MeasureConfig(meters=(), rest_of_node_watts=50.0))).meters
    (device,) = found.devices
    assert (device.component, device.grade) == ("rest_of_node", Grade.D)
    before, after = found.read()[device.id], found.read()[device.id]
    assert isinstance(before, CounterReading)
    assert isinstance(after, CounterReading)
    rounding = 4 * math.ulp(50.0 * after.at)
    used = after.total.joules - before.total.joules
    assert used == pytest.approx(50.0 * (after.at - before.at), rel=0, abs=rounding)
    assert "rest of node" not in [n.what for n in found.not_seen]
    found.close()


def test_a_stated_rest_is_never_added_to_a_modelled_one() -> None:
    """Beside a model of the whole node it is left aside, and said so; beside a CPU's it replaces the rest."""
    found = survey(Config(measure=MeasureConfig(meters=("model",), rest_of_node_watts=50.0))).meters
    rest = [d for d in found.devices if d.component == "rest_of_node"]
    if any(d.component == "node" for d in found.devices):
        assert rest == []
        assert found.choices[-1].reason.startswith("rest_of_node_watts is left aside")
    else:
        assert [d.source for d in rest] == ["stated"]


def test_calibrations_are_applied_only_where_they_are_wanted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a folder of calibrations, or with them switched off, a run stays as it is."""
    monkeypatch.setenv("WATTMARK_HOME", str(tmp_path / "none"))
    run = a_run()
    assert survey().finish(run) is run
    assert survey(Config(measure=MeasureConfig(calibration=False))).finish(run) is run
    (tmp_path / "none" / "calibrations").mkdir(parents=True)
    assert survey().finish(run).energies == run.energies
