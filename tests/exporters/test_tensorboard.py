"""TensorBoard: what the event files hold is read back by TensorBoard's own EventAccumulator."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.exporters.tracked_runs import a_tracked_run
from wattmark.config import Config, PlaceConfig
from wattmark.core.errors import UsageError
from wattmark.core.run import Status
from wattmark.core.tracked import Conclusion
from wattmark.exporters.tensorboard import SUMMARY, TensorBoard
from wattmark.measure.spool import document_of
from wattmark.wiring.trackers import teach

pytest.importorskip("tensorboard")
GRID = Config(place=PlaceConfig(intensity_g_per_kwh=400.0))


def read_back(folder: Path) -> Any:
    """The one run below the folder, as TensorBoard loads it."""
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    (run,) = folder.iterdir()
    found = EventAccumulator(str(run), size_guidance={"tensors": 0})
    found.Reload()
    return found


def scalars(found: Any, tag: str) -> Any:
    from tensorboard.util.tensor_util import make_ndarray

    return [(e.step, float(make_ndarray(e.tensor_proto))) for e in found.Tensors(tag)]


def followed(folder: Path, config: Config) -> Any:
    """Show a run at 4 s and at its end, conclude it, and read it back."""
    tracker, run = TensorBoard(str(folder), 3600.0), a_tracked_run()
    teach(tracker, config)
    tracker.show(replace(run, duration_seconds=4.0, status=Status.OPEN))
    tracker.show(replace(run, status=Status.OPEN))
    assert tracker.conclude(run, document_of(run)) is None
    return read_back(folder)


def test_scalars_lie_over_elapsed_seconds(tmp_path: Path) -> None:
    """Steps are whole seconds, and the last of them is told again as the end's figure."""
    found = followed(tmp_path, Config())
    assert scalars(found, "wattmark/energy_joules") == [(4, 90.0), (10, 90.0), (10, 90.0)]
    assert scalars(found, "wattmark/power_watts") == [(4, 12.0), (10, 12.0)]


def test_carbon_is_there_where_the_grid_is_known(tmp_path: Path) -> None:
    """90 J x 400 g/kWh / 3.6e6 = 0.01 g; without a grid there is no such scalar."""
    tag = "wattmark/carbon_gco2e"
    assert scalars(followed(tmp_path / "a", GRID), tag)[-1] == (10, pytest.approx(0.01))
    assert tag not in followed(tmp_path / "b", Config()).Tags()["tensors"]


def test_kpis_come_with_their_interval_and_what_is_missing_as_text(tmp_path: Path) -> None:
    """Never as a scalar of 0."""
    found = followed(tmp_path, Config())
    tags = found.Tags()["tensors"]
    assert scalars(found, "wattmark/energy_to_solution") == [(10, pytest.approx(2.5e-5))]
    assert {"wattmark/energy_to_solution.low", "wattmark/energy_to_solution.high"} <= set(tags)
    assert "wattmark/carbon_to_solution" not in tags
    (event,) = found.Tensors(SUMMARY)
    text = event.tensor_proto.string_val[0].decode()
    assert "`wattmark/energy_to_solution.grade`: B" in text
    assert "`wattmark/carbon_to_solution.missing`: missing: grid intensity" in text


def test_a_ratio_has_no_unit(tmp_path: Path) -> None:
    """Not `1.2 1`."""
    (event,) = followed(tmp_path, Config(place=PlaceConfig(pue=1.2))).Tensors(SUMMARY)
    assert "| Power Usage Effectiveness | 1.2 |" in event.tensor_proto.string_val[0].decode()


def test_hparams_stand_beside_the_energy(tmp_path: Path) -> None:
    """The tags are hyperparameters, and energy is the first metric."""
    from tensorboard.plugins.hparams.metadata import (
        EXPERIMENT_TAG,
        SESSION_START_INFO_TAG,
        parse_experiment_plugin_data,
        parse_session_start_info_plugin_data,
    )

    metadata = followed(tmp_path, Config()).SummaryMetadata
    experiment = parse_experiment_plugin_data(metadata(EXPERIMENT_TAG).plugin_data.content)
    assert experiment.metric_infos[0].name.tag == "wattmark/energy_joules"
    session = parse_session_start_info_plugin_data(metadata(SESSION_START_INFO_TAG).plugin_data.content)
    assert session.hparams["model"].string_value == "sorter"


def test_training_and_inference_of_one_version_are_two_runs(tmp_path: Path) -> None:
    """Published later they have one title; each keeps its own figures, and told again it is the same run."""
    told = Conclusion(title="sorter 2.0", record_ids=("aaaaaaaa-1",), numbers={"wattmark/x": 1.0}, words={})
    for conclusion in (told, replace(told, record_ids=("bbbbbbbb-2", "cccccccc-3")), told):
        TensorBoard(str(tmp_path), 3600.0).publish(conclusion)
    assert sorted(folder.name for folder in tmp_path.iterdir()) == [
        "wattmark-sorter-2.0-aaaaaaaa",
        "wattmark-sorter-2.0-bbbbbbbb",
    ]


def test_energy_keeps_double_precision(tmp_path: Path) -> None:
    """16 777 217 J is the first whole number that a float32 loses."""
    run = a_tracked_run()
    row = replace(run.energies[0], energy_joules=16_777_217.0)
    tracker = TensorBoard(str(tmp_path), 3600.0)
    tracker.show(replace(run, energies=(row,)))
    tracker.close()
    assert scalars(read_back(tmp_path), "wattmark/energy_joules") == [(10, 16_777_217.0)]


def test_neither_tensorflow_nor_torch_is_imported(tmp_path: Path) -> None:
    """The package `tensorboard` alone writes the files."""
    code = (
        "import sys\n"
        "from tests.exporters.tracked_runs import a_tracked_run\n"
        "from wattmark.exporters.tensorboard import open_export\n"
        f"t = open_export({str(tmp_path)!r}, 1.0); t.show(a_tracked_run()); t.close()\n"
        "assert not {'torch', 'tensorflow'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_file_is_no_folder(tmp_path: Path) -> None:
    """Refused before anything is measured."""
    (tmp_path / "x").write_text("")
    with pytest.raises(UsageError, match="is a file"):
        TensorBoard(str(tmp_path / "x"), 1.0)
