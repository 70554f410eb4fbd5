"""``wattmark calibrate`` as a user runs it."""

from __future__ import annotations

import json
import os
import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

import wattmark
from tests.builders import HOST, a_row, a_run
from tests.calibrations import CPU, a_calibration
from wattmark.cli.calibrate import Wanted, command, measure_points
from wattmark.core.calibrated import inputs_of, without_calibration
from wattmark.core.calibration import Calibration
from wattmark.core.errors import EvidenceError, RefusedError, UsageError
from wattmark.core.figure import Figure
from wattmark.core.known import Method
from wattmark.core.plain import plain
from wattmark.core.run import GapSpan, Run, Series
from wattmark.measure import calibrations
from wattmark.measure.load import busy
from wattmark.measure.processes import ProcessTree

SECONDS = 400


def watts(t: int) -> float:
    """What the CPU draws in second t: idle, loaded, half loaded."""
    return (20.0, 120.0, 60.0, 20.0, 90.0, 30.0, 110.0, 40.0)[(t // 37) % 8]


def a_recorded_run() -> Run:
    """A run of 400 s with a series point each second."""
    joules = [0.0]
    for t in range(SECONDS):
        joules.append(joules[-1] + watts(t))
    series = Series(
        device_id=CPU,
        component="cpu",
        t_seconds=tuple(float(t) for t in range(SECONDS + 1)),
        energy_joules=tuple(joules),
    )
    row = a_row(energy_joules=joules[-1], duration_seconds=float(SECONDS), observed_seconds=float(SECONDS))
    return a_run(duration_seconds=float(SECONDS), energies=(row,), series=(series,))


@pytest.fixture
def recorded(tmp_path: Path) -> tuple[str, str]:
    """The run file, and the CSV of a meter whose clock is 6 s ahead: wall = 1.2 x readings + 40 W."""
    run_file, meter = tmp_path / "a.run.json", tmp_path / "meter.csv"
    run_file.write_text(json.dumps(plain(a_recorded_run())))
    lines = ["time,power_w"]
    lines += [f"{t + 6 + 0.5},{1.2 * watts(t) + 40:.1f}" for t in range(SECONDS)]
    meter.write_text("\n".join(lines))
    return str(run_file), str(meter)


def run(tmp_path: Path, *arguments: str) -> Result:
    """Run the verb with calibrations of its own."""
    runner = CliRunner(env={"WATTMARK_HOME": str(tmp_path / "home")})
    return runner.invoke(command, arguments, catch_exceptions=False, standalone_mode=False)


def test_a_recording_gives_the_line_and_keeps_it(tmp_path: Path, recorded: tuple[str, str]) -> None:
    """Gain 1.2 and offset 40 W come back within 3 %, the clocks' difference within a second."""
    told = json.loads(run(tmp_path, "--wall", recorded[1], "--run", recorded[0], "--json").output)
    assert (told["schema"], told["schema_version"]) == ("wattmark.calibration", 1)
    assert told["fit"]["line"]["gain"] == pytest.approx(1.2, rel=0.03)
    assert told["fit"]["line"]["offset_watts"] == pytest.approx(40, rel=0.1)
    assert told["fit"]["lag_seconds"] == pytest.approx(6, abs=1)
    assert told["lifts_grade"]
    kept = calibrations.read(Path(told["file"]))
    assert kept.inputs == {CPU: Method.HARDWARE_COUNTER}


def test_the_text_says_what_was_found_and_how_sure(tmp_path: Path, recorded: tuple[str, str]) -> None:
    """Gain, offset, error before and after, on unseen time, and the grade."""
    told = run(tmp_path, "--wall", recorded[1], "--run", recorded[0]).output
    for words in ("x readings", "before", "last-third", "lifted by one", "kept in"):
        assert words in told


def test_a_dry_run_keeps_nothing(tmp_path: Path, recorded: tuple[str, str]) -> None:
    """There is no folder afterwards."""
    run(tmp_path, "--wall", recorded[1], "--run", recorded[0], "--dry-run")
    assert not (tmp_path / "home").exists()


def test_a_check_says_whether_it_still_holds(tmp_path: Path, recorded: tuple[str, str]) -> None:
    """The same recording holds (0); one from a machine with 30 W more has drifted (1), and that is kept."""
    run(tmp_path, "--wall", recorded[1], "--run", recorded[0])
    holds = run(tmp_path, "--wall", recorded[1], "--run", recorded[0], "--check")
    assert (holds.return_value, "holds" in holds.output) == (0, True)
    meter = tmp_path / "later.csv"
    meter.write_text(
        "time,power_w\n" + "\n".join(f"{t + 0.5},{1.2 * watts(t) + 70:.1f}" for t in range(SECONDS))
    )
    drifted = run(tmp_path, "--wall", str(meter), "--run", recorded[0], "--check")
    assert (drifted.return_value, "has drifted" in drifted.output) == (1, True)
    (path,) = (tmp_path / "home/calibrations").iterdir()
    assert calibrations.read(path).drifted is not None


def test_a_check_without_a_calibration_is_refused(tmp_path: Path, recorded: tuple[str, str]) -> None:
    """There is nothing to hold the points against."""
    with pytest.raises(RefusedError, match="nothing to check"):
        run(tmp_path, "--wall", recorded[1], "--run", recorded[0], "--check")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((), "give steady points"),
        (("--point", "idle=4", "--wall", "x.csv"), "give steady points"),
        (("--wall", "x.csv"), "needs --run"),
        (("--point", "idle=x"), "is not NAME=WATTS"),
        (("--point", "load:x=4"), "is not NAME=WATTS"),
        (("--point", "idle=0"), "above 0 W"),
        (("--point", "idle=4"), "one point cannot tell gain from offset"),
        (("--point", "idle"), "nobody can be asked"),
        (("--point", "idle=4", "--duration", "0"), "more than 0"),
    ],
)
def test_what_cannot_be_meant_is_refused(tmp_path: Path, arguments: tuple[str, ...], words: str) -> None:
    """Before anything is measured."""
    with pytest.raises(UsageError, match=words):
        run(tmp_path, *arguments)


def test_a_missing_run_file_is_named(tmp_path: Path) -> None:
    """With its path."""
    with pytest.raises(EvidenceError, match="none"):
        run(tmp_path, "--wall", "x.csv", "--run", str(tmp_path / "none.run.json"))


def test_show_and_remove_without_a_calibration(tmp_path: Path) -> None:
    """Both say so with exit code 1."""
    assert run(tmp_path, "show").return_value == 1
    assert run(tmp_path, "remove").return_value == 1


def test_steady_points_pair_our_readings_with_the_wall() -> None:
    """9 W read at idle, 90 W under load: 59.9 W and 149 W at the wall are gain 1.1, offset 50 W."""
    measured = {"idle": a_run(), "load": a_run(energies=(a_row(energy_joules=900.0),))}
    host, inputs, points = measure_points(
        [Wanted("idle", 59.9, 0), Wanted("load", 149.0, 0)], lambda p: measured[p.name], 0.1
    )
    assert host == HOST
    assert inputs == {CPU: Method.HARDWARE_COUNTER}
    assert [(p.readings_watts, p.wall_watts) for p in points] == [(9.0, 59.9), (90.0, 149.0)]


def test_devices_that_change_between_points_are_refused() -> None:
    """The GPU was read at idle only: the points do not belong together."""
    gpu = a_row(device_id="GPU-1", component="gpu")
    measured = {"idle": a_run(energies=(a_row(), gpu)), "load": a_run()}
    with pytest.raises(RefusedError, match="GPU-1"):
        measure_points([Wanted("idle", 60.0, 0), Wanted("load", 90.0, 0)], lambda p: measured[p.name], 0.0)


def test_a_device_that_was_not_observed_throughout_is_refused() -> None:
    """Half a point is no point, and the gap's reason is told."""
    gap = GapSpan(t0_seconds=0.0, duration_seconds=5.0, reason="driver gone")
    run_ = a_run(energies=(a_row(observed_seconds=5.0, gaps=(gap,)),))
    with pytest.raises(RefusedError, match="driver gone"):
        measure_points([Wanted("idle", 60.0, 0)], lambda _p: run_, 0.0)
    with pytest.raises(RefusedError, match="no device"):
        measure_points([Wanted("idle", 60.0, 0)], lambda _p: a_run(energies=()), 0.0)


def test_a_calibrated_run_is_taken_apart_before_it_is_fitted() -> None:
    """The calibrated row is no reading; what it was made of is."""
    from wattmark.core.calibrated import apply_to_run

    run_ = a_recorded_run()
    calibrated = apply_to_run(a_calibration(), run_)
    assert inputs_of(without_calibration(calibrated)) == inputs_of(run_)
    assert without_calibration(calibrated).series == run_.series


def test_an_assumed_rest_of_the_node_is_no_reading() -> None:
    """The fit takes its place."""
    rest = a_row(device_id="rest", component="rest_of_node", method=Method.MODELLED)
    assert inputs_of(replace(a_run(), energies=(a_row(), rest))) == {CPU: Method.HARDWARE_COUNTER}


def test_the_load_computes_and_ends_with_its_block() -> None:
    """What it used is charged to this process once it was waited for, so it has ended."""
    before, tree = os.times(), ProcessTree(with_self=False)
    others = tree.cpu_seconds()
    with busy(1):
        while tree.cpu_seconds() - others < 0.2:
            time.sleep(0.01)
    after = os.times()
    used = after.children_user + after.children_system - before.children_user - before.children_system
    assert used > 0.1


@pytest.fixture
def calibrated_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Calibration:
    """A calibration of the machine that runs this test, for whatever its meters read."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("WATTMARK_HOME", str(tmp_path / "home"))
    with wattmark.track() as track:
        pass
    made = a_calibration(
        host_id=track.run.host.id,
        host_fingerprint=track.run.host.fingerprint,
        created_at=calibrations.stamp(datetime.now(UTC)),
        inputs=inputs_of(track.run),
    )
    calibrations.save(tmp_path / "home" / "calibrations", made)
    return made


def test_a_run_here_carries_the_calibrated_node(calibrated_here: Calibration) -> None:
    """Every run afterwards: the node's row holds the readings' energy, and the total is the node's.

    A busy machine may be late for the first reading: that moment was used as the rest was, on average.
    """
    with wattmark.track(stage="training") as track:
        time.sleep(0.3)
    nodes = [r for r in track.run.energies if r.calibration_id == calibrated_here.id and r.party is None]
    assert nodes
    assert all(r.raw_energy_joules is not None and r.energy_joules > r.raw_energy_joules for r in nodes)
    total = track.facts().energy
    assert isinstance(total, Figure)
    used = sum(n.energy_joules * n.duration_seconds / n.observed_seconds for n in nodes)
    assert total.value == pytest.approx(used)
    assert total.terms["boundary"] == "node"


def test_a_setting_switches_it_off(calibrated_here: Calibration, tmp_path: Path) -> None:
    """The readings alone, as they are."""
    (tmp_path / "wattmark.toml").write_text("[measure]\ncalibration = false\n")
    with wattmark.track() as track:
        pass
    assert [r for r in track.run.energies if r.calibration_id == calibrated_here.id] == []


def test_show_and_remove(calibrated_here: Calibration, tmp_path: Path) -> None:
    """It is shown as text and JSON, then forgotten."""
    assert calibrated_here.id in run(tmp_path, "show").output
    assert json.loads(run(tmp_path, "show", "--json").output)["id"] == calibrated_here.id
    assert run(tmp_path, "remove").return_value == 0
    assert run(tmp_path, "show").return_value == 1


def test_a_check_by_one_measured_point(calibrated_here: Calibration, tmp_path: Path) -> None:
    """A wall power of 1 MW is not what the line foretells: drifted, exit code 1, and show says so."""
    told = run(tmp_path, "--check", "--point", "idle=1000000", "--duration", "3", "--settle", "0", "-y")
    assert told.return_value == 1
    assert "has drifted" in told.output
    shown = run(tmp_path, "show")
    assert "drifted" in shown.output
    assert json.loads(run(tmp_path, "show", "--json").stdout)["lifts_grade"] is False


def test_a_folder_that_cannot_be_written_is_said_before_measuring(
    tmp_path: Path, recorded: tuple[str, str]
) -> None:
    """A file stands in the way; minutes of measuring would be lost."""
    (tmp_path / "home").write_text("not a folder")
    with pytest.raises(UsageError, match="name a folder with WATTMARK_HOME"):
        run(tmp_path, "--wall", recorded[1], "--run", recorded[0])


@pytest.mark.slow
def test_points_are_measured_on_this_machine(tmp_path: Path) -> None:
    """Idle and full load with whatever meter works here."""
    arguments = [
        "--point",
        "idle=45",
        "--point",
        "load=120",
        "--duration",
        "3",
        "--settle",
        "1",
        "-y",
        "--json",
    ]
    try:
        told = json.loads(run(tmp_path, *arguments).stdout)
    except RefusedError as error:
        pytest.skip(f"the machine is too busy to tell idle from load: {error}")
    assert told["fit"]["hold_out"] is None
    assert not told["lifts_grade"]
    shown = run(tmp_path, "show")
    assert told["id"] in shown.output
    assert run(tmp_path, "remove").return_value == 0
