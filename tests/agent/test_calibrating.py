"""This machine's calibration, applied while the agent reads it: a node of 160 W that reads 100 W."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.agent.node import Powercap, request_line, running
from tests.agent.ticking import joules, request, ticking
from tests.builders import a_row, a_run
from tests.calibrations import a_calibration
from wattmark.agent.book import Book, BookSettings
from wattmark.agent.calibrating import calibration_for
from wattmark.agent.entries import Told
from wattmark.agent.journal import Journal
from wattmark.agent.restoring import restore
from wattmark.agent.timeline import Timeline
from wattmark.core.calibration import Calibration, Point, fit_points
from wattmark.core.known import Boundary, Grade, Method
from wattmark.core.readings import Device
from wattmark.core.run import Host, SourceId
from wattmark.core.serving.evidence import Origin, samples_of
from wattmark.core.units import Power
from wattmark.exporters.agent_families import families
from wattmark.exporters.agent_state import AgentState, OwnCost
from wattmark.exporters.agent_text import Format, render
from wattmark.measure.calibrations import calibrated, save

CPU = "cpu:node/package-0"
NODE = Host(id="node", fingerprint="f" * 16, boot_id="b" * 16)
PACKAGE = Device(
    id=CPU,
    component="cpu",
    source="rapl",
    method=Method.HARDWARE_COUNTER,
    grade=Grade.B,
    max_power=Power(1000.0),
    relative_error=0.05,
)


def made(**changes: Any) -> Calibration:
    """wall = 1.1 x package + 50 W, of this machine, young and sound."""
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    told = {"host_id": "node", "inputs": {CPU: Method.HARDWARE_COUNTER}, "created_at": now}
    return a_calibration(**{**told, **changes})


def chosen(folder: Path, kept: Calibration, *devices: Device) -> tuple[Calibration | None, str]:
    """What an agent takes of a calibration that is kept, and what it says."""
    save(folder, kept)
    said: list[str] = []
    found = calibration_for(folder, NODE, devices or (PACKAGE,), said.append)
    return found, "; ".join(said)


def test_a_hundred_watts_that_are_read_are_a_node_of_a_hundred_and_sixty(tmp_path: Path) -> None:
    """A minute: 6,000 J of the package, and 0.1 x 6,000 J + 50 W x 60 s = 3,600 J as the rest of the node."""
    node = ticking(tmp_path, calibration=made())
    node.pass_seconds(75)
    (window,) = node.agent.windows
    assert joules(node.agent, ["cpu"]) == pytest.approx(6000.0)
    assert joules(node.agent, ["rest_of_node"]) == pytest.approx(3600.0)
    rest = next(use for use in window.devices if use.component == "rest_of_node")
    assert (rest.source, rest.boundary, rest.grade) == ("calibration", Boundary.NODE, Grade.A)
    assert rest.observed_seconds == pytest.approx(60.0)
    assert node.said == []


def test_metrics_and_ledger_have_the_node(tmp_path: Path) -> None:
    """All three say 9,600 J; the sums of devices, not a package beside a node that holds it."""
    node = ticking(tmp_path, calibration=made())
    node.agent._keep(Told([request(10.0, 20.0)], []))
    node.pass_seconds(75)
    state = AgentState(totals=node.agent.totals, own=OwnCost(version="0", cpu_seconds=0.0))
    text = render(families(state), Format.TEXT).decode()
    told = [line for line in text.splitlines() if line.startswith("wattmark_energy_joules_total{")]
    assert sum(float(line.split()[-1]) for line in told) == pytest.approx(9600.0)
    samples = samples_of(node.agent.windows, Origin(source=SourceId(name="agent", version="0")))
    whole = sum(sum(s.energy_uj) for s in samples if s.stream.unit == "J" and s.stream.scope.value == "whole")
    assert whole == pytest.approx(9600e6)
    charged = [f for f in families(state) if f.row.name == "wattmark_inference_energy_joules"]
    assert charged  # the model that ran is charged the package and its part of the rest
    values = [value for _, value in charged[0].points if isinstance(value, float)]
    assert sum(values) == pytest.approx(9600.0)


def test_a_recording_of_the_same_minute_says_the_same(tmp_path: Path) -> None:
    """`wattmark measure` puts 6,000 J over a minute through the same line when it ends."""
    save(tmp_path, made())
    row = a_row(device_id=CPU, duration_seconds=60.0, observed_seconds=60.0, energy_joules=6000.0)
    run = calibrated(a_run(host=NODE, duration_seconds=60.0, energies=(row,)), tmp_path, datetime.now(UTC))
    (whole,) = [r for r in run.energies if r.calibration_id]
    assert whole.energy_joules == pytest.approx(9600.0)
    assert (whole.grade, whole.boundary) == (Grade.A, Boundary.NODE)


def test_the_journal_gives_the_same_again(tmp_path: Path) -> None:
    """What is kept are readings: the line is applied to them when they are read back."""
    node = ticking(tmp_path, calibration=made())
    node.pass_seconds(55)
    node.agent.journal.close()
    journal = Journal(tmp_path / "state")
    settings = BookSettings(host_id="node", boot="b" * 16, calibration=made())

    def book(timeline: Timeline, done_us: int) -> Book:
        return Book(node.agent.book.devices, settings, timeline, done_us)

    found = restore(journal.replay(), journal.state, "b" * 16, node.agent.book.now_us, book)
    assert found.book is not None
    windows = found.book.finish().windows
    assert sum(use.energy_joules for w in windows for use in w.devices) == pytest.approx(160.0 * 55)


def test_it_is_said_that_a_calibration_is_applied(tmp_path: Path) -> None:
    """And that no grade is lifted, where that is so."""
    found, said = chosen(tmp_path, made())
    assert found is not None
    assert said == "calibrated by cal-1: what it adds to the readings is rest_of_node"
    found, said = chosen(tmp_path, made(drifted="160 W at the wall, 150 W foretold"))
    assert found is not None
    assert "has drifted (160 W at the wall, 150 W foretold): calibrate again" in said
    assert said.endswith("no grade is lifted")


def test_an_old_calibration_is_used_with_a_warning(tmp_path: Path) -> None:
    """Fans and dust age, as a recording says too."""
    found, said = chosen(tmp_path, made(created_at="2020-01-01T00:00:00Z"))
    assert found is not None
    assert "days old: check it with `wattmark calibrate --check`" in said


def test_without_a_calibration_nothing_is_said(tmp_path: Path) -> None:
    """Most machines have none."""
    said: list[str] = []
    assert calibration_for(tmp_path / "none", NODE, (PACKAGE,), said.append) is None
    assert said == []


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"inputs": {"gpu": Method.HARDWARE_COUNTER}}, "which is not read now"),
        ({"inputs": {CPU: Method.INTEGRATED_POWER}}, "which is read by hardware_counter now"),
        (
            {"fit": fit_points([Point(readings_watts=r, wall_watts=0.8 * r + 10) for r in (20, 60, 100)])},
            "a rest below zero cannot be told moment by moment",
        ),
    ],
)
def test_what_cannot_be_applied_leaves_the_readings_and_says_so(
    tmp_path: Path, changes: dict[str, Any], reason: str
) -> None:
    """Another device, another way to read it, a line that streams cannot follow."""
    found, said = chosen(tmp_path, made(**changes))
    assert found is None
    assert said.startswith("not calibrated: ")
    assert reason in said


def test_a_machine_that_changed_is_not_calibrated_and_is_told(tmp_path: Path) -> None:
    """Its hardware is another than when it was calibrated."""
    said: list[str] = []
    save(tmp_path, made())
    assert calibration_for(tmp_path, replace(NODE, fingerprint="9" * 16), (PACKAGE,), said.append) is None
    assert "before this machine's hardware or meters changed" in said[0]


def test_a_broken_file_is_said(tmp_path: Path) -> None:
    """The agent runs on, with readings as they are."""
    (tmp_path / f"{NODE.fingerprint}.json").write_text("{}")
    said: list[str] = []
    assert calibration_for(tmp_path, NODE, (PACKAGE,), said.append) is None
    assert "not calibrated:" in said[0]


@pytest.mark.slow
def test_a_real_agent_takes_the_calibration_that_is_kept(tmp_path: Path) -> None:
    """In the live document the rest is 0.1 x the package + 50 W over what was observed."""
    counter = Powercap(tmp_path / "powercap")
    save(tmp_path / "home" / "calibrations", made())
    with running(tmp_path, "ledger=") as agent:
        found: dict[str, Any] = {}
        for number in range(600):  # a minute at most, until a window is over
            counter.use(10_000_000)
            agent.post([request_line(number)])
            time.sleep(0.1)
            found = json.loads(agent.get("/v1/live")[1])
            if {device["component"] for device in found["devices"]} >= {"cpu", "rest_of_node"}:
                break
    devices = {device["component"]: device for device in found["devices"]}
    package, rest = devices["cpu"], devices["rest_of_node"]
    assert any("calibrated by cal-1" in line for line in agent.said)
    assert rest["source"] == "calibration"
    watts = package["power_watts"]
    assert rest["power_watts"] == pytest.approx(0.1 * watts + 50.0, rel=0.02)
