"""carbontracker: logs of 2.4.7 and 1.2.5, as they wrote them."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.sources.text_world import FILES, TextWorld, notes_of, read
from wattmark.core.errors import EvidenceError, WattmarkError
from wattmark.core.given import Given
from wattmark.core.imported import Imported
from wattmark.core.known import Boundary, Grade, Method
from wattmark.core.run import Run
from wattmark.core.totals import facts_of
from wattmark.testing.source_suite import SourceSuite, SourceWorld

LOGS = FILES / "carbontracker"
TWO_GPUS = LOGS / "4101.17_2026-11-21T235241Z_carbontracker.log"
OUTPUT = LOGS / "4101.17_2026-11-21T235241Z_carbontracker_output.log"
OLD = LOGS / "one_mean_per_device_carbontracker.log"
SIMULATED = LOGS / "simulated_carbontracker.log"


class TestCarbontracker(SourceSuite):
    """The rules that every source keeps."""

    @pytest.fixture
    def world(self, tmp_path: Path) -> SourceWorld:
        lines = SIMULATED.read_text().splitlines()
        spoilt = lines[9].replace("0:00:01.20", "soon")
        return TextWorld(
            tmp_path / "x_carbontracker.log", "carbontracker", lines[:12], more=lines[12:], spoil=(10, spoilt)
        )


def run_of(path: Path, **settings: str) -> Run:
    (run,) = (r for p in read("carbontracker", path, **settings) for r in p.runs)
    return run


def log(tmp_path: Path, *lines: str, devices: str = "GPU with device(s) NVIDIA A100.") -> Path:
    path = tmp_path / "x_carbontracker.log"
    head = ("carbontracker version 2.4.7", f"The following components were found: {devices}")
    path.write_text("".join(f"2026-11-01 12:00:0{i} - {line}\n" for i, line in enumerate((*head, *lines))))
    return path


def epoch(tmp_path: Path, power: str, devices: str = "GPU with device(s) NVIDIA A100.") -> Path:
    component = devices.partition(" ")[0].lower()
    return log(
        tmp_path,
        "Epoch 1:",
        "Duration: 0:00:10.00",
        f"Average power usage (W) for {component}: {power}",
        devices=devices,
    )


def test_epochs_are_rows_of_mean_power_by_time() -> None:
    """250 W as the mean of two GPUs over 1.3 s are 650 J: carbontracker's own total has 325 J."""
    portions = read("carbontracker", TWO_GPUS)
    (run,) = (r for p in portions for r in p.runs)
    gpu = [r for r in run.energies if r.component == "gpu"]
    assert gpu[0].energy_joules == pytest.approx(650.0)
    assert gpu[1].energy_joules == pytest.approx(2 * 250.002 * 1.3)
    assert [w.name for w in run.windows] == ["epoch 1", "epoch 2"]
    assert run.environment == {"carbontracker": "2.4.7"}
    assert "one mean over 2 devices" in notes_of(portions)
    assert "multiplied by a PUE" not in notes_of(portions)


def test_no_pue_is_in_an_energy() -> None:
    """The log states power before any PUE, so nothing is undone and the boundary is the device."""
    assert {r.boundary for r in run_of(TWO_GPUS).energies} == {Boundary.DEVICE}
    assert run_of(TWO_GPUS).place.pue is None


def test_up_to_1_x_each_device_has_its_mean() -> None:
    """``[304.28 195.71]`` are two GPUs."""
    rows = run_of(OLD).energies
    assert [r.energy_joules for r in rows] == pytest.approx([304.28571429 * 1.31, 195.71428571 * 1.31])
    assert len({r.device_id for r in rows}) == 2


def test_a_cpu_without_rapl_is_half_its_tdp() -> None:
    """carbontracker takes TDP / 2 for it: a model."""
    row = next(r for r in run_of(TWO_GPUS).energies if r.component == "cpu")
    assert (row.method, row.grade) == (Method.MODELLED, Grade.D)


@pytest.mark.parametrize(
    ("devices", "power", "method", "duty"),
    [
        ("GPU with device(s) NVIDIA A100.", "201.37", Method.INTEGRATED_POWER, 0.25),
        ("CPU with device(s) cpu:0.", "61.234", Method.INTEGRATED_POWER, 0.5),
        ("CPU with device(s) CPU.", "4.21", Method.INTEGRATED_POWER, 0.25),
        ("GPU with device(s) GPU, ANE.", "4.21", Method.INTEGRATED_POWER, 0.25),
        ("GPU with device(s) Some Card.", "201.37", Method.MODELLED, 1.0),
        ("GPU with device(s) NVIDIA A100.", "200.0", Method.MODELLED, 1.0),
        ("CPU with device(s) Intel(R) Xeon(R) Gold 6226R CPU @ 2.90GHz.", "62.5", Method.MODELLED, 1.0),
    ],
)
def test_how_a_power_is_known(tmp_path: Path, devices: str, power: str, method: Method, duty: float) -> None:
    """NVML, RAPL and powermetrics are sensors; another name, and one round figure for ever, are a model."""
    (row,) = run_of(epoch(tmp_path, power, devices)).energies
    assert (row.method, row.sensor_duty) == (method, duty)
    assert row.energy_joules == pytest.approx(float(power) * 10 * (2 if "ANE" in devices else 1))


@pytest.mark.parametrize("power", ["0.0", "None", "nan", "-5.5", "99999.5"])
def test_no_power_is_a_gap(tmp_path: Path, power: str) -> None:
    """0 W stands for a counter that wrapped, None for an epoch that was too short."""
    (row,) = run_of(epoch(tmp_path, power)).energies
    assert (row.energy_joules, row.observed_seconds, len(row.gaps)) == (0.0, 0.0, 1)


def test_an_array_may_go_over_several_lines(tmp_path: Path) -> None:
    """numpy breaks the line after some devices, and the rest has no time before it."""
    names = ", ".join(f"NVIDIA H{i}" for i in range(3))
    path = log(
        tmp_path,
        "Epoch 1:",
        "Duration: 0:00:10.00",
        "Average power usage (W) for gpu: [1.5 2.5\n 3.25]",
        "Monitoring thread ended.",
        devices=f"GPU with device(s) {names}.",
    )
    assert [r.energy_joules for r in run_of(path).energies] == [15.0, 25.0, 32.5]


def test_epochs_never_lie_over_each_other() -> None:
    """Times are written to the second; rows of one device do not compete with each other."""
    windows = run_of(SIMULATED).windows
    ends = [w.t0_seconds + w.duration_seconds for w in windows]
    assert all(w.t0_seconds >= end - 1e-9 for end, w in zip(ends, windows[1:], strict=False))
    facts = facts_of([run_of(SIMULATED)], Given())
    assert facts.energy.value == pytest.approx(3 * 1.2 * 200)  # type: ignore[union-attr]


def test_a_longer_log_supersedes_a_shorter_one(tmp_path: Path) -> None:
    """The same record, with more epochs."""
    path = tmp_path / SIMULATED.name
    lines = SIMULATED.read_text().splitlines(keepends=True)
    path.write_text("".join(lines[:8]))
    before = run_of(path)
    path.write_text("".join(lines))
    after = run_of(path)
    assert before.record_id == after.record_id
    assert (before.seq, after.seq) == (1, 3)


def test_sessions_of_one_second_stay_apart(tmp_path: Path) -> None:
    """Eight ranks start together: the process in carbontracker's file name tells them apart."""
    other = tmp_path / TWO_GPUS.name.replace("4101", "4102")
    shutil.copy(TWO_GPUS, other)
    assert run_of(other).record_id != run_of(TWO_GPUS).record_id


def test_times_are_of_the_zone_that_is_named() -> None:
    """Local time in Paris is an hour before UTC's in winter."""
    utc, paris = run_of(TWO_GPUS), run_of(TWO_GPUS, time_zone="Europe/Paris")
    assert int(utc.started_at[11:13]) - int(paris.started_at[11:13]) == 1
    assert utc.record_id == paris.record_id
    assert "read as UTC" in notes_of(read("carbontracker", TWO_GPUS))


def test_what_is_stated_times_pue_is_a_statement() -> None:
    """kWh with a PUE in it, and grams: kept as carbontracker states them, the prediction left out."""
    run = run_of(OUTPUT)
    assert run.energies == ()
    assert [(s.quantity, s.value, s.unit) for s in run.statements] == [
        ("energy", pytest.approx(0.000354262509), "kWh"),
        ("emissions", pytest.approx(0.157646816353), "gCO2e"),
    ]
    assert "PUE" in (run.statements[0].basis or "")


def test_a_folder_holds_sessions(tmp_path: Path) -> None:
    """Logs, outputs and the log of errors lie together."""
    for path in (TWO_GPUS, OUTPUT):
        shutil.copy(path, tmp_path)
    (tmp_path / "4101.17_2026-11-21T235241Z_carbontracker_err.log").write_text("some warning\n")
    portions = read("carbontracker", tmp_path)
    assert sum(len(p.runs) for p in portions) == 2
    assert all(not p.bad for p in portions)


def test_another_log_is_refused(tmp_path: Path) -> None:
    """The error names the file and what was looked for."""
    path = tmp_path / "x_carbontracker.log"
    path.write_text("2026-11-01 12:00:00 - something else\n")
    with pytest.raises(EvidenceError, match="no line names its version"):
        read("carbontracker", path)
    output = tmp_path / "x_output.log"
    output.write_text("2026-11-01 12:00:00 - something else\n")
    with pytest.raises(EvidenceError, match="no actual consumption"):
        read("carbontracker", output)


LINES = st.sampled_from(
    [
        "Epoch 1:",
        "Duration: 0:00:01.20",
        "Duration: 999999:99:99.99",
        "Duration: x",
        "Average power usage (W) for gpu: [1. 2.",
        "3.]",
        "Average power usage (W) for gpu: 1e400",
        "Average power usage (W) for cpu: []",
        "carbontracker version 9",
        "The following components were found: GPU with device(s) .",
    ]
)


@given(st.lists(st.tuples(st.booleans(), LINES | st.text(max_size=30)), max_size=12))
def test_garbage_is_named_and_never_crashes(
    tmp_path_factory: pytest.TempPathFactory, lines: list[tuple[bool, str]]
) -> None:
    """Whatever stands in a log is taken, bad or ignored, or the log is refused."""
    path = tmp_path_factory.mktemp("ct") / "x_carbontracker.log"
    text = "".join(f"{'2026-11-01 12:00:00 - ' if stamped else ''}{line}\n" for stamped, line in lines)
    path.write_text("2026-11-01 12:00:00 - carbontracker version 2.4.7\n" + text.replace("\0", ""))
    try:
        portions: list[Imported] = read("carbontracker", path)
    except WattmarkError:
        return
    rows = sum(1 for _ in path.open(newline=""))
    assert sum(p.taken + len(p.bad) + p.ignored for p in portions) == rows
