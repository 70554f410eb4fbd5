"""The calibration row: simulated machines, and the files of the published study."""

from __future__ import annotations

from pathlib import Path

import pytest
from benchmarks.calibration import measurements, published, rows, simulated


def study(folder: Path, name: str, watts: list[float], *, seconds: float = 3600.0) -> None:
    """Runs of an hour as the study writes them: wall = 1.2 x readings + 40 W."""
    runs = ["run_id,metrics.power_draw_total,metrics.running_time_total,params.architecture"]
    pictures = [",ocr,value,manual,val_diff,still_errors"]
    shown = 1.0
    for i, w in enumerate(watts):
        runs.append(f"r{i},{w * seconds},{seconds},NVIDIA GeForce RTX 4090")
        pictures.append(f"x/r{i}_capture_start.jpg,?,{shown:.6f},False,,False")
        shown += (1.2 * w + 40) / 1000
        pictures.append(f"x/r{i}_capture_stop.jpg,?,9.0,{shown:.6f},,False")
    runs.append("cpu,1000.0,10.0,13th Gen Intel")
    runs.append("blind,1000.0,10.0,NVIDIA GeForce RTX 4090")
    (folder / f"{name}.csv").write_text("\n".join(runs))
    (folder / f"{name}_image_analysis.csv").write_text("\n".join(pictures))


def test_a_calibration_halves_the_error_of_every_simulated_machine() -> None:
    """The same seed gives the same machines; each keeps under 7 % on loads it has not seen."""
    pairs = list(simulated(machines=30))
    assert pairs == list(simulated(machines=30))
    assert all(after < raw / 2 and after < 7 for raw, after in pairs)


def test_the_studys_files_are_read_as_they_are(tmp_path: Path) -> None:
    """Pictures give kWh, corrected by hand where needed; CPU runs and unread meters are left out."""
    study(tmp_path, "imagenet_120", [100, 150, 200])
    study(tmp_path, "ollama_900", [300, 350])
    fit, language = published(tmp_path)
    assert fit.line.gain == pytest.approx(1.2, rel=0.01)
    assert [p.readings_watts for p in language] == [300.0, 350.0]
    assert language[0].wall_watts == pytest.approx(400.0, rel=0.01)
    assert measurements(tmp_path)[1].samples[0] < 1.0


def test_a_folder_without_the_study_says_what_was_looked_for(tmp_path: Path) -> None:
    """Rather than a simulation in its place."""
    with pytest.raises(SystemExit, match="imagenet"):
        published(tmp_path)


def test_rows_name_their_unit_and_that_they_are_simulated() -> None:
    """A simulated figure never passes for a measured one."""
    found = rows()
    assert {r["unit"] for r in found} == {"%"}
    assert all("simulation" in r["note"] for r in found)
