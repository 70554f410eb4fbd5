"""optimum-benchmark: reports that 0.6.0 wrote, and every way in which they can mislead."""

from __future__ import annotations

import copy
import json
import shutil
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.sources.text_world import FILES, read
from wattmark.core.bench.imported import result_of_run
from wattmark.core.bench.result import Result
from wattmark.core.errors import EvidenceError, UsageError
from wattmark.core.known import Grade
from wattmark.core.run import Run
from wattmark.ports import Source
from wattmark.sources.catalog import Asked, open_source
from wattmark.sources.optimum_report import report_of
from wattmark.testing.source_suite import SourceSuite, SourceWorld

WRITTEN = FILES / "optimum-benchmark"
NAME = "optimum-benchmark"
KWH = 3.6e6
LEFT_ASIDE = ("inference.json", "asked-nothing.json", "README.md")


def copied(folder: Path) -> Path:
    """The report with everything that lies beside it."""
    return Path(shutil.copytree(WRITTEN, folder, ignore=shutil.ignore_patterns(*LEFT_ASIDE)))


def changed(path: Path, *keys: str, to: Any) -> None:
    """Set a value of a JSON file."""
    document = json.loads(path.read_text())
    inner = document
    for key in keys[:-1]:
        inner = inner[key]
    inner[keys[-1]] = to
    path.write_text(json.dumps(document))


class OptimumWorld:
    """A folder of runs; each report is one row."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "runs"
        copied(self.folder / "first")
        self.rows = 1

    @property
    def report(self) -> Path:
        return self.folder / "first" / "benchmark_report.json"

    @property
    def named(self) -> str:
        return self.report.name if self.report.exists() else self.folder.name

    def open(self) -> Source:
        return open_source(NAME, [str(self.folder)], Asked())

    def grow(self) -> None:
        other = copied(self.folder / "second")
        changed(other / "benchmark_config.json", "backend", "model", to="another")
        self.rows += 1

    def move(self) -> None:
        self.folder = Path(shutil.move(self.folder, self.folder.parent / "elsewhere"))

    def damage(self) -> str:
        changed(self.report, "prefill", "energy", "cpu", to=-1)
        return self.report.name

    def garble(self) -> None:
        self.report.write_text("<html><body>Not found</body></html>\n")

    def remove(self) -> None:
        shutil.rmtree(self.folder)


class TestOptimumBenchmark(SourceSuite):
    """The rules that every source keeps."""

    @pytest.fixture
    def world(self, tmp_path: Path) -> SourceWorld:
        return OptimumWorld(tmp_path)


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


def test_preprocessing_and_generating_are_rated(tmp_path: Path) -> None:
    """As AI Energy Score adds them: preprocess + prefill + decode, where the last two are one pass."""
    report = json.loads((WRITTEN / "benchmark_report.json").read_text())
    kwh = sum(report[name]["energy"]["total"] for name in ("preprocess_dataset", "prefill", "decode"))
    found = result(copied(tmp_path / "run"))
    assert found.energy is not None
    assert found.energy.value == pytest.approx(kwh * KWH / 20)
    assert found.output_tokens_per_query == 10
    assert set(found.phases_joules) == {
        *("load_dataset", "preprocess_dataset", "load_model", "prefill", "generate"),
    }
    assert found.gpu_energy is None


def test_a_model_of_power_is_no_measurement(tmp_path: Path) -> None:
    """Without RAPL and GPU CodeCarbon multiplies time by watts: grade D, estimated, whatever it is called."""
    found = result(copied(tmp_path / "run"))
    assert found.energy is not None
    assert (found.energy.grade, found.key.evidence) == (Grade.D, "estimated")
    assert {"estimated", "no_evidence", "not_pinned", "too_few_repeats"} <= {
        r.code for r in found.validity.reasons
    }
    assert "warm_up_short" not in {r.code for r in found.validity.reasons}  # ten runs are its default


def test_what_was_asked_is_in_the_key(tmp_path: Path) -> None:
    """What is told, and nothing else: the folder of the prompts is nobody's business."""
    found = result(copied(tmp_path / "run"))
    key = found.key
    assert (key.task, key.batch_policy, key.precision) == ("text_generation", "batch 1", "float32")
    assert (key.tokens, key.dataset, key.boundary) == ("in<=model's out=10", "unknown", "device (cpu+dram)")
    assert (found.origin.tool, found.origin.version) == (NAME, "0.6.0")
    assert (found.model.id, found.model.served_by) == ("tiny-llama", "pytorch 2.13.0+cpu")


def test_times_are_those_of_codecarbon(tmp_path: Path) -> None:
    """It writes when each phase ended, and how long it took."""
    run = run_of(copied(tmp_path / "run"))
    told = json.loads((WRITTEN / "generate_codecarbon.json").read_text())
    assert run.windows[-1].duration_seconds == told["duration"]
    assert run.started_at.startswith("2026-11-22T09:52:25")
    assert run.environment["codecarbon"] == "3.3.2"


def test_without_them_the_date_must_be_said(tmp_path: Path) -> None:
    """Lengths are then those of the latencies."""
    folder = copied(tmp_path / "run")
    for path in folder.glob("*_codecarbon.json"):
        path.unlink()
    assert "states no time" in why(folder)
    run = run_of(folder, date="2026-11-22")
    assert run.started_at == "2026-11-22T00:00:00.000000Z"
    report = json.loads((WRITTEN / "benchmark_report.json").read_text())
    seconds = [report[name]["latency"]["total"] for name in ("prefill", "decode")]
    assert run.windows[-1].duration_seconds == pytest.approx(sum(seconds))
    for name in ("load_dataset", "preprocess_dataset", "load_model", "prefill", "decode"):
        changed(folder / "benchmark_report.json", name, "latency", to=None)
    notes = [n for p in read(NAME, folder, date="2026-11-22") for n in p.notes]
    assert any("some phases state no length" in n for n in notes)
    with pytest.raises(UsageError, match="date is a day like"):
        run_of(folder, date="yesterday")


def test_asking_nothing_is_no_result() -> None:
    """The default num_samples of -1 runs no query, and ends with success: 0.000 000 003 kWh."""
    assert "num_samples is -1: optimum-benchmark then asks nothing" in why(WRITTEN / "asked-nothing.json")


def test_windows_with_the_memory_tracker_are_refused(tmp_path: Path) -> None:
    """In energy_star all of them hold the start of its process; in inference those of loading do."""
    folder = copied(tmp_path / "run")
    changed(folder / "benchmark_config.json", "scenario", "memory", to=True)
    assert "memory and energy were tracked at once" in why(folder)
    other = tmp_path / "inference.json"
    shutil.copy(WRITTEN / "inference.json", other)
    changed(other, "config", "scenario", "memory", to=True)
    names = [w.name for w in run_of(other, date="2026-11-22").windows]
    assert names == ["prefill", "generate"]


def test_the_inference_scenario_states_means_of_one_call() -> None:
    """One call of a batch of two: its energy over two queries, its mean latency."""
    found = result(WRITTEN / "inference.json", date="2026-11-22")
    report = json.loads((WRITTEN / "inference.json").read_text())["report"]
    assert found.energy is not None
    assert found.energy.value == pytest.approx(report["generate"]["energy"]["total"] * KWH / 2)
    assert found.throughput == pytest.approx(2 / report["generate"]["latency"]["mean"])
    assert (found.key.batch_policy, found.output_tokens_per_query) == ("batch 2", 10)


def test_a_batch_that_nobody_states_is_not_taken_for_one(tmp_path: Path) -> None:
    """A call's energy is then of who knows how many queries; a whole run's is of its samples."""
    report = json.loads((WRITTEN / "inference.json").read_text())
    report["config"]["scenario"]["input_shapes"]["batch_size"] = None
    (tmp_path / "one.json").write_text(json.dumps(report))
    assert "states no batch size" in why(tmp_path / "one.json")
    folder = copied(tmp_path / "run")
    changed(folder / "benchmark_config.json", "scenario", "input_shapes", "batch_size", to=None)
    found = result(folder)
    assert (found.key.batch_policy, found.output_tokens_per_query) == ("unknown", 10)


def test_a_gpu_is_read_by_its_counter(tmp_path: Path) -> None:
    """Grade B; its share alone is told beside the whole."""
    folder = copied(tmp_path / "run")
    config = folder / "benchmark_config.json"
    changed(config, "backend", "device", to="cuda")
    changed(config, "backend", "device_ids", to="0,1")
    changed(config, "environment", "gpu", to=["NVIDIA H100 80GB HBM3", "NVIDIA H100 80GB HBM3"])
    report = json.loads((folder / "benchmark_report.json").read_text())
    for phase in report.values():
        phase["energy"] = {"unit": "kWh", "cpu": 0.0, "ram": 0.0, "gpu": 1e-6, "total": 1e-6}
    (folder / "benchmark_report.json").write_text(json.dumps(report))
    found = result(folder)
    assert found.gpu_energy is not None
    assert found.gpu_energy.value == pytest.approx(3 * 3.6 / 20)
    assert found.gpu_energy.grade is Grade.B
    assert found.key.device_class == "2 x NVIDIA H100 80GB HBM3"
    assert {g.reason for row in run_of(folder).energies for g in row.gaps} == {
        "CodeCarbon states 0 J for a cpu that is there",
        "CodeCarbon states 0 J for a dram that is there",
    }


def test_a_pue_is_divided_out(tmp_path: Path) -> None:
    """CodeCarbon multiplies by it while it measures."""
    folder = copied(tmp_path / "run")
    before = run_of(folder).energies[-1].energy_joules
    changed(folder / "generate_codecarbon.json", "pue", to=2.0)
    assert run_of(folder).energies[-1].energy_joules == pytest.approx(before / 2)


def test_rapl_lifts_the_cpu_where_it_is_said(tmp_path: Path) -> None:
    """The report does not tell; whoever ran it may."""
    grades = {r.component: r.grade for r in run_of(copied(tmp_path / "run"), cpu_method="rapl").energies}
    assert grades == {"cpu": Grade.B, "dram": Grade.D}
    with pytest.raises(UsageError, match="cpu_method is rapl or model"):
        run_of(tmp_path / "run", cpu_method="wall")


def test_random_weights_are_said(tmp_path: Path) -> None:
    """AI Energy Score's own configurations run nine of their tasks so."""
    folder = copied(tmp_path / "run")
    changed(folder / "benchmark_config.json", "backend", "no_weights", to=True)
    assert "random_weights" in {r.code for r in result(folder).validity.reasons}


@pytest.mark.parametrize(
    ("asked", "task"),
    [
        ("text2text-generation", "summarization"),
        ("feature-extraction", "sentence_similarity"),
        ("text-classification", "text_classification"),
        ("automatic-speech-recognition", "speech_recognition"),
        ("text-to-image", "image_generation"),
        ("fill-mask", "fill-mask"),
    ],
)
def test_tasks_have_our_names_where_we_have_one(tmp_path: Path, asked: str, task: str) -> None:
    """Others keep theirs."""
    folder = copied(tmp_path / "run")
    changed(folder / "benchmark_config.json", "backend", "task", to=asked)
    assert result(folder).task == task


def test_details_of_the_question_are_kept(tmp_path: Path) -> None:
    """A published dataset, a limit of the input, reasoning, quantisation; a local model by its last name."""
    folder = copied(tmp_path / "run")
    config = folder / "benchmark_config.json"
    changed(config, "scenario", "dataset_name", to="EnergyStarAI/text_generation")
    changed(config, "scenario", "max_length", to=512)
    changed(config, "scenario", "reasoning", to=True)
    changed(config, "backend", "quantization_scheme", to="bnb")
    changed(config, "backend", "model", to="/srv/models/private/one")
    found = result(folder)
    assert found.key.dataset == "published: EnergyStarAI/text_generation train"
    assert (found.key.tokens, found.task) == ("in<=512 out=10", "reasoning")
    assert (found.key.precision, found.model.id) == ("float32, bnb", "one")
    changed(config, "backend", "torch_dtype", to=None)
    assert result(folder).key.precision == "unknown"


BROKEN = [
    (("scenario", "name"), "training", "only energy_star and inference are read"),
    (("scenario", "energy"), False, "energy was not tracked"),
    (("scenario", "num_samples"), None, "num_samples is not told"),
]


@pytest.mark.parametrize(("keys", "value", "problem"), BROKEN)
def test_configurations_that_say_nothing_of_energy(
    tmp_path: Path, keys: tuple[str, ...], value: Any, problem: str
) -> None:
    """Each with its reason."""
    folder = copied(tmp_path / "run")
    changed(folder / "benchmark_config.json", *keys, to=value)
    assert problem in why(folder)


@pytest.mark.parametrize(
    ("keys", "value", "problem"),
    [
        (("decode", "energy", "ram"), -1.0, "parts add up to"),
        (("prefill", "energy", "unit"), "Wh", "energy in 'Wh', expected kWh"),
        (("prefill", "energy", "gpu"), None, "energy.gpu is None"),
        (("prefill", "energy", "total"), 1.0, "parts add up to"),
        (("decode", "energy"), None, "holds no energy of answering"),
    ],
)
def test_energies_that_cannot_be(tmp_path: Path, keys: tuple[str, ...], value: Any, problem: str) -> None:
    """Of each phase."""
    folder = copied(tmp_path / "run")
    changed(folder / "benchmark_report.json", *keys, to=value)
    assert problem in why(folder)


def test_generating_that_used_less_than_prefill_was_too_short(tmp_path: Path) -> None:
    """Decode is a difference of two passes, and noise can make it negative."""
    folder = copied(tmp_path / "run")
    less = {"unit": "kWh", "cpu": -1e-9, "ram": -2e-9, "gpu": 0.0, "total": -3e-9}
    changed(folder / "benchmark_report.json", "decode", "energy", to=less)
    assert "generating used less than prefill alone" in why(folder)


def test_what_is_beside_it_must_be_whole(tmp_path: Path) -> None:
    """A configuration that is missing or no object; a file of CodeCarbon without a time."""
    folder = copied(tmp_path / "run")
    changed(folder / "prefill_codecarbon.json", "timestamp", to="soon")
    assert "prefill_codecarbon.json states no time and duration" in why(folder)
    (folder / "benchmark_config.json").write_text("[]")
    with pytest.raises(EvidenceError, match="is no JSON object"):
        run_of(folder)
    (folder / "benchmark_config.json").unlink()
    with pytest.raises(EvidenceError, match=r"has no benchmark_config\.json beside it"):
        run_of(folder)


def test_a_folder_of_whole_files_is_read(tmp_path: Path) -> None:
    """Where there are no separate reports; the same run twice counts once."""
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        shutil.copy(WRITTEN / "inference.json", tmp_path / name / "benchmark.json")
    portions = read(NAME, tmp_path, date="2026-11-22")
    assert (sum(p.taken for p in portions), sum(p.ignored for p in portions)) == (1, 1)


@given(
    st.recursive(st.none() | st.booleans() | st.floats() | st.text(), lambda x: st.dictionaries(st.text(), x))
)
def test_any_report_is_taken_or_refused_with_a_reason(value: Any) -> None:
    """Never a crash: a ValueError names what cannot be."""
    report = json.loads((WRITTEN / "benchmark_report.json").read_text())
    config = json.loads((WRITTEN / "benchmark_config.json").read_text())
    for phase in report:
        broken = copy.deepcopy(report)
        broken[phase]["energy"] = value
        with suppress(ValueError):
            assert report_of(broken, config).queries == 20
