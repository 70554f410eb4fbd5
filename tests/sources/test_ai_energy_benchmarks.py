"""ai_energy_benchmarks: what 0.0.7 wrote, and that 0 Wh with success is no result."""

from __future__ import annotations

import csv
import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.sources.text_world import FILES, TextWorld, notes_of, read
from wattmark.core.bench.imported import result_of_run
from wattmark.core.bench.result import Result
from wattmark.core.errors import EvidenceError, UsageError
from wattmark.core.known import Grade
from wattmark.core.run import Run
from wattmark.testing.source_suite import SourceSuite, SourceWorld

WRITTEN = FILES / "ai-energy-benchmarks"
NAME = "ai-energy-benchmarks"
KWH = 3.6e6
LINES = (WRITTEN / "results.csv").read_text().splitlines()


class TestAiEnergyBenchmarks(SourceSuite):
    """The rules that every source keeps."""

    @pytest.fixture
    def world(self, tmp_path: Path) -> SourceWorld:
        again = LINES[1].replace("tiny,pytorch,tiny-llama", "tiny,pytorch,another")
        broken = LINES[1].replace("0.11064597299991874", "soon")
        return TextWorld(tmp_path / "results.csv", NAME, LINES, more=[again], spoil=(2, broken), headers=1)


def written(path: Path, **changes: Any) -> Path:
    """The CSV with other cells."""
    with open(WRITTEN / "results.csv", newline="", encoding="utf-8") as file:
        (row,) = csv.DictReader(file)
    row.update({k: str(v) for k, v in changes.items()})
    file_path = path / "results.csv"
    with open(file_path, "w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, row.keys())
        writer.writeheader()
        writer.writerow(row)
    return file_path


def run_of(path: Path, **settings: str) -> Run:
    (run,) = (r for p in read(NAME, path, **settings) for r in p.runs)
    return run


def result(path: Path, **settings: str) -> Result:
    found = result_of_run(run_of(path, **settings))
    assert found is not None
    return found


def why(path: Path, **settings: str) -> str:
    (bad,) = (b for p in read(NAME, path, **settings) for b in p.bad)
    return bad.reason


def test_without_a_gpu_its_zero_is_not_taken() -> None:
    """It states `energy_wh: 0` and success; what was modelled of CPU and memory stands as that: grade D."""
    found = result(WRITTEN / "results.csv", version="0.0.7")
    stated = json.loads((WRITTEN / "results.json").read_text())["energy"]
    assert stated["energy_wh"] == 0.0
    assert found.energy is not None
    assert found.energy.value == pytest.approx(stated["total_energy_kwh"] * KWH / 10)
    assert (found.energy.grade, found.key.boundary) == (Grade.D, "device (cpu+dram)")
    assert found.gpu_energy is None
    assert "which is no result of the model" in notes_of(read(NAME, WRITTEN / "results.csv"))


def test_the_json_is_the_same_run() -> None:
    """It states no time, so that somebody has to."""
    assert "states no time" in why(WRITTEN / "results.json")
    one, other = (
        run_of(WRITTEN / "results.csv"),
        run_of(WRITTEN / "results.json", date="2026-11-22"),
    )
    assert one.record_id == other.record_id
    assert one.started_at == "2026-11-22T09:59:06.285690Z"
    assert other.started_at == "2026-11-22T00:00:00.000000Z"


def test_what_was_done_is_told() -> None:
    """Ten prompts, 200 tokens in, 100 out; nothing of warm-up, of repeats, of the quality."""
    found = result(WRITTEN / "results.csv", version="0.0.7")
    assert (found.input_tokens_per_query, found.output_tokens_per_query) == (20, 10)
    assert (found.origin.tool, found.origin.version) == ("ai_energy_benchmarks", "0.0.7")
    assert found.model.id == "tiny-llama"
    reasons = {r.code: r.text for r in found.validity.reasons}
    assert {"no_evidence", "not_pinned", "warm_up_short", "quality_unknown", "estimated"} <= set(reasons)
    assert "dataset, tokens, precision" in reasons["not_pinned"]


def test_emissions_are_a_statement_and_the_false_intensity_is_left() -> None:
    """`carbon_intensity_g_per_kwh` is CodeCarbon's emissions_rate, kg/s: 3e-08."""
    (statement,) = run_of(WRITTEN / "results.csv").statements
    assert (statement.quantity, statement.unit, statement.value) == (
        "emissions",
        "kgCO2e",
        2.9187046357594895e-09,
    )


def test_a_gpu_is_a_counter(tmp_path: Path) -> None:
    """1 Wh of the GPU over ten prompts: 360 J each, grade B; whoever ran it says which GPU it was."""
    path = written(
        tmp_path,
        energy_gpu_energy_kwh=0.001,
        energy_total_energy_kwh=0.001,
        energy_cpu_energy_kwh=0,
        energy_ram_energy_kwh=0,
        backend_info_device="cuda",
        backend_info_torch_dtype="bfloat16",
        config_dataset="AIEnergyScore/text_generation",
        config_device_ids="0,1",
        config_model="/models/mine/gpt",
    )
    found = result(path, gpu="NVIDIA H100 80GB HBM3", task="reasoning")
    assert found.gpu_energy is not None
    assert (found.gpu_energy.value, found.gpu_energy.grade) == (pytest.approx(360.0), Grade.B)
    key = found.key
    assert (key.device_class, key.precision) == ("2 x NVIDIA H100 80GB HBM3", "bfloat16")
    assert (key.dataset, key.task) == ("published: AIEnergyScore/text_generation", "reasoning")
    assert found.model.id == "gpt"


def test_a_gpu_that_is_there_and_states_nothing_is_a_gap(tmp_path: Path) -> None:
    """0 J of a GPU that answered is a failed reading."""
    run = run_of(written(tmp_path, backend_info_device="cuda"))
    (row,) = (r for r in run.energies if r.component == "gpu")
    assert (row.energy_joules, row.observed_seconds, len(row.gaps)) == (0.0, 0.0, 1)


def test_failed_prompts_are_told(tmp_path: Path) -> None:
    """Their energy counts, their answers do not."""
    found = result(written(tmp_path, summary_successful_prompts=8, summary_failed_prompts=2))
    assert "2 of 10 queries failed" in {r.text for r in found.validity.reasons}


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"energy_total_energy_kwh": 0}, "0: nothing was measured"),
        ({"energy_total_energy_kwh": 1}, "its parts add up to"),
        ({"energy_cpu_energy_kwh": -1}, "not an amount"),
        ({"energy_duration_seconds": ""}, "energy_duration_seconds is ''"),
        ({"summary_successful_prompts": "some"}, "summary_successful_prompts is 'some'"),
    ],
)
def test_rows_that_cannot_be(tmp_path: Path, changes: dict[str, Any], problem: str) -> None:
    """Each with its reason."""
    assert problem in why(written(tmp_path, **changes))


def test_a_failed_tracker_gives_no_energy(tmp_path: Path) -> None:
    """It writes zeros and the error; the zeros are not taken."""
    document = json.loads((WRITTEN / "results.json").read_text())
    document["energy"]["error"] = "Tracker not started or codecarbon not installed"
    (tmp_path / "r.json").write_text(json.dumps(document))
    assert "its tracker failed" in why(tmp_path / "r.json", date="2026-11-22")


def test_rows_under_a_header_of_another_run_are_bad(tmp_path: Path) -> None:
    """The CSV is appended to under its first header, though another run may have other columns."""
    path = tmp_path / "results.csv"
    path.write_text("\n".join([*LINES, LINES[1] + ",1"]) + "\n")
    (bad,) = (b for p in read(NAME, path) for b in p.bad)
    assert (bad.place.rpartition(":")[2], "cells where the header names" in bad.reason) == ("3", True)


def test_files_of_something_else_are_refused(tmp_path: Path) -> None:
    """JSON and CSV that are none; settings that cannot be."""
    (tmp_path / "a.json").write_text('{"energy": 1}')
    with pytest.raises(EvidenceError, match="is no result of ai_energy_benchmarks"):
        read(NAME, tmp_path / "a.json")
    (tmp_path / "b.csv").write_text("a,b\n1,2\n")
    with pytest.raises(EvidenceError, match=r"is no CSV of ai_energy_benchmarks"):
        read(NAME, tmp_path / "b.csv")
    (tmp_path / "c.csv").write_text("")
    with pytest.raises(EvidenceError, match="is empty"):
        read(NAME, tmp_path / "c.csv")
    shutil.copy(WRITTEN / "results.csv", tmp_path / "d.csv")
    with pytest.raises(UsageError, match="cpu_method"):
        read(NAME, tmp_path / "d.csv", cpu_method="wall")
    with pytest.raises(UsageError, match="date is a day"):
        read(NAME, tmp_path / "d.csv", date="soon")
