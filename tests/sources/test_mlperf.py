"""MLPerf power runs, in the shape of Inference v4.0."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.sources.text_world import FILES, notes_of, read
from wattmark.core.bench.imported import result_of_run
from wattmark.core.errors import EvidenceError, WattmarkError
from wattmark.core.known import Boundary, Grade, Method
from wattmark.core.run import Run
from wattmark.ports import Source
from wattmark.sources.catalog import Asked, open_source
from wattmark.sources.mlperf import task_of
from wattmark.testing.source_suite import SourceSuite, SourceWorld

SUBMISSION = FILES / "mlperf"
RUN = Path("H1x8_MaxQ/bert-99/Offline/performance/run_1")


class MlPerfWorld:
    """A submission: its power run, and a second one when it grows."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "results"
        shutil.copytree(SUBMISSION, self.folder)
        self.rows = 21

    @property
    def spl(self) -> Path:
        return self.folder / RUN / "spl.txt"

    @property
    def named(self) -> str:
        return "spl.txt" if self.spl.exists() else self.folder.name

    def open(self) -> Source:
        return open_source("mlperf", [str(self.folder)], Asked())

    def grow(self) -> None:
        other = self.folder / "H1x8_MaxQ" / "resnet50"
        shutil.copytree(self.folder / "H1x8_MaxQ" / "bert-99", other)
        for path in other.rglob("*.txt"):
            path.write_text(path.read_text().replace("02-09-2024", "02-10-2024"))
        self.rows += 21

    def move(self) -> None:
        self.folder = Path(shutil.move(self.folder, self.folder.parent / "elsewhere"))

    def damage(self) -> str:
        lines = self.spl.read_text().splitlines()
        lines[7] = lines[7].replace("Watts,5000.000000", "Watts,nan", 1)
        self.spl.write_text("\n".join(lines) + "\n")
        return "spl.txt:8"

    def garble(self) -> None:
        self.spl.write_text("<html><body>Not found</body></html>\n")

    def remove(self) -> None:
        shutil.rmtree(self.folder)


class TestMlPerf(SourceSuite):
    """The rules that every source keeps."""

    @pytest.fixture
    def world(self, tmp_path: Path) -> SourceWorld:
        return MlPerfWorld(tmp_path)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the submission that a test may change."""
    return Path(shutil.copytree(SUBMISSION, tmp_path / "results"))


def run_of(path: Path, **settings: str) -> Run:
    (run,) = (r for p in read("mlperf", path, **settings) for r in p.runs)
    return run


def change(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def test_energy_is_that_between_the_markers() -> None:
    """5000 W over the ten seconds of the run; the 2000 W before and after it are not its own."""
    run = run_of(SUBMISSION)
    (row,) = run.energies
    assert row.energy_joules == pytest.approx(50_000.0)
    assert (run.duration_seconds, row.observed_seconds) == (10.0, 10.0)
    assert run.started_at == "2024-02-09T08:24:05.349000Z"


def test_it_is_a_wall_meter_of_one_per_cent() -> None:
    """SPEC's PTDaemon refuses samples that are less sure; the plug is the node's."""
    (row,) = run_of(SUBMISSION).energies
    assert (row.method, row.grade, row.boundary) == (Method.WALL_METER, Grade.A, Boundary.NODE)
    assert list(row.errors.values()) == [0.01]
    assert row.source.version == "YokogawaWT330_multichannel"
    assert "SERIAL" not in repr(row)


def test_without_a_session_file_it_is_any_wall_meter(folder: Path) -> None:
    """2 %: nobody says which analyser it was."""
    shutil.rmtree(folder / RUN.parent / "power")
    (row,) = run_of(folder).energies
    assert list(row.errors.values()) == [0.02]


def test_loadgen_tells_what_was_done() -> None:
    """One query of 50 000 samples, valid; model and system are the folders of the submission."""
    run = run_of(SUBMISSION)
    assert [(w.unit, w.count) for w in run.work] == [("samples", 50_000.0)]
    assert run.outcome is not None
    assert run.outcome.reached is True
    assert run.subject.model == "bert-99"
    own = {k: v for k, v in run.subject.labels.items() if not k.startswith("wattmark.bench.")}
    assert own == {"mlperf_system": "H1x8_MaxQ", "mlperf_scenario": "Offline"}
    assert run.environment == {"loadgen": "4.0 @ 0ed5190e82"}


def test_an_edge_between_two_samples_counts_by_time(folder: Path) -> None:
    """The run begins half a second before the load: half of that interval of 3500 W on average."""
    change(folder / RUN / "mlperf_log_detail.txt", "08:24:05.349", "08:24:04.849")
    run = run_of(folder)
    assert run.energies[0].energy_joules == pytest.approx(50_000.0 + 3500 * 0.5)


def test_missing_samples_are_a_gap(folder: Path) -> None:
    """Three seconds without a line: 7 s are observed, 35 000 J, and the gap has its place."""
    spl = folder / RUN / "spl.txt"
    lines = spl.read_text().splitlines(keepends=True)
    spl.write_text("".join(lines[:9] + lines[11:]))
    (row,) = run_of(folder).energies
    assert row.energy_joules == pytest.approx(35_000.0)
    assert row.observed_seconds == pytest.approx(7.0)
    assert [(g.t0_seconds, g.duration_seconds) for g in row.gaps] == [(3.0, 3.0)]


def test_a_recording_that_began_late_has_a_gap_at_its_start(folder: Path) -> None:
    """The analyser missed the first two seconds."""
    spl = folder / RUN / "spl.txt"
    spl.write_text("".join(spl.read_text().splitlines(keepends=True)[7:]))
    (row,) = run_of(folder).energies
    assert (row.energy_joules, row.observed_seconds) == (pytest.approx(40_000.0), pytest.approx(8.0))
    assert [(g.t0_seconds, g.duration_seconds) for g in row.gaps] == [(0.0, 2.0)]


def test_local_times_of_old_rounds_are_moved_to_utc(folder: Path) -> None:
    """Before v1.1 the analyser wrote local time; server.json says how far that is from UTC."""
    change(folder / RUN / "spl.txt", "02-09-2024 08:", "02-09-2024 00:")
    portions = read("mlperf", folder)
    (run,) = (r for p in portions for r in p.runs)
    assert run.started_at == "2024-02-09T08:24:05.349000Z"
    assert run.energies[0].energy_joules == pytest.approx(50_000.0)
    assert "moved to UTC" in notes_of(portions)


def test_a_zone_can_be_named(folder: Path) -> None:
    """Where no session file tells it."""
    change(folder / RUN / "spl.txt", "02-09-2024 08:", "02-09-2024 00:")
    shutil.rmtree(folder / RUN.parent / "power")
    with pytest.raises(EvidenceError, match="holds nothing of the run"):
        read("mlperf", folder)
    run = run_of(folder, time_zone="America/Los_Angeles")
    assert run.energies[0].energy_joules == pytest.approx(50_000.0)


def test_markers_of_v07_are_text(folder: Path) -> None:
    """``POWER_BEGIN: "mode": ..., "time": ...``."""
    log = folder / RUN / "mlperf_log_detail.txt"
    log.write_text(
        '1 POWER_BEGIN:  : "mode": Performance, "time": 02-09-2024 08:24:05.349\n'
        '2 POWER_END:  : "mode": Performance, "time": 02-09-2024 08:24:15.349\n'
    )
    run = run_of(folder)
    assert run.energies[0].energy_joules == pytest.approx(50_000.0)
    assert (run.work, run.outcome) == ((), None)


def test_a_line_of_all_samples_does_not_stop_it(folder: Path) -> None:
    """LoadGen writes the list of its query samples into one line of megabytes."""
    log = folder / RUN / "mlperf_log_detail.txt"
    long = ':::MLLOG {"key": "loaded_qsl_set", "value": [' + ",".join(["123456"] * 300_000) + "]}\n"
    log.write_text(long + log.read_text())
    assert run_of(folder).energies[0].energy_joules == pytest.approx(50_000.0)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("Watts,5000.000000,Volts,239.320000", "Watts,-1.000000,Volts,239.320000"),
        ("Watts,5000.000000,Volts,239.320000", "Watts,0.000000,Volts,239.320000"),
        ("Watts,5000.000000,Volts,239.320000", "Watts,9000.000000,Volts,239.320000"),
        ("Time,02-09-2024 08:24:07.349", "Time,02-39-2024 08:24:07.349"),
        ("Time,02-09-2024 08:24:07.349", "Time,02-09-2024 08:24:06.349"),
    ],
)
def test_an_impossible_sample_is_bad(folder: Path, old: str, new: str) -> None:
    """No reading, 0 W, channels that contradict their sum, a clock that stands: none of them is power."""
    spl = folder / RUN / "spl.txt"
    lines = spl.read_text().splitlines(keepends=True)
    assert old in lines[7]
    lines[7] = lines[7].replace(old, new)
    spl.write_text("".join(lines))
    portions = read("mlperf", folder)
    assert [b.place for p in portions for b in p.bad] == [f"{spl}:8"]
    (row,) = (r for p in portions for run in p.runs for r in run.energies)
    assert row.energy_joules == pytest.approx(50_000.0)  # one sample of a second is bridged


def test_notices_of_ptdaemon_are_ignored_and_its_errors_named(folder: Path) -> None:
    """``Time,...,NOTICE`` is none of ours; ``Time,...,ERROR`` is a reading that failed."""
    spl = folder / RUN / "spl.txt"
    spl.write_text(
        "Time,02-09-2024 08:23:00.000,NOTICE,Analyzer identity response of 32 bytes\n"
        "Time,02-09-2024 08:23:01.000,ERROR,Bad volts reading nan from WT310\n" + spl.read_text() + " \n"
    )
    portions = read("mlperf", folder)
    assert [b.place for p in portions for b in p.bad] == [f"{spl}:2"]


def test_ranging_runs_are_left_out(folder: Path) -> None:
    """They only find the analyser's range."""
    shutil.copytree(folder / RUN, folder / RUN.parent / "ranging")
    portions = read("mlperf", folder)
    assert sum(len(p.runs) for p in portions) == 1
    assert "ranging run is left out" in notes_of(portions)


def test_a_power_log_needs_its_markers(folder: Path) -> None:
    """Without them nobody knows which part of the recording is the run."""
    log = folder / RUN / "mlperf_log_detail.txt"
    whole = log.read_text()
    log.unlink()
    with pytest.raises(EvidenceError, match=r"no mlperf_log_detail\.txt beside it"):
        read("mlperf", folder)
    log.write_text("".join(line for line in whole.splitlines(keepends=True) if "power_end" not in line))
    with pytest.raises(EvidenceError, match="has no power_end"):
        read("mlperf", folder)
    log.write_text(whole.replace("02-09-2024 08:24:05.349", "soon"))
    with pytest.raises(EvidenceError, match="power_begin states no time"):
        read("mlperf", folder)
    log.write_text(whole.replace("08:24:15.349", "08:24:01.349"))
    with pytest.raises(EvidenceError, match="does not come after"):
        read("mlperf", folder)


def test_a_broken_session_file_tells_nothing(folder: Path) -> None:
    """It is no reason to lose the run."""
    session = folder / RUN.parent / "power" / "server.json"
    for text in ("{", "[]", json.dumps({"timezone": 1e300, "ptd_messages": [{"cmd": "Uncertainty"}, 5]})):
        session.write_text(text)
        assert run_of(folder).energies[0].energy_joules == pytest.approx(50_000.0)


CELLS = st.sampled_from(["Time", "02-09-2024 08:24:09.349", "Watts", "5000", "nan", "Ch1", "-1", "ERROR", ""])


@given(st.lists(st.lists(CELLS | st.text(max_size=8), max_size=8), max_size=6))
def test_garbage_is_named_and_never_crashes(
    tmp_path_factory: pytest.TempPathFactory, rows: list[list[str]]
) -> None:
    """Whatever stands between the lines is bad or ignored."""
    folder = Path(shutil.copytree(SUBMISSION, tmp_path_factory.mktemp("mlperf") / "r"))
    spl = folder / RUN / "spl.txt"
    lines = spl.read_text().splitlines()
    middle = [",".join(row).replace("\n", " ").replace("\r", " ").replace("\0", "") for row in rows]
    spl.write_text("\n".join([*lines[:9], *middle, *lines[9:]]) + "\n", newline="\n")
    try:
        portions = read("mlperf", folder)
    except WattmarkError:
        return
    assert sum(p.taken + len(p.bad) + p.ignored for p in portions) == len(lines) + len(middle)


def test_it_is_a_benchmark_at_the_plug(folder: Path) -> None:
    """50 000 J of 50 000 questions: 1 J each at the node, grade A; what nobody tells is a reason."""
    (folder / "systems").mkdir()
    description = {
        "number_of_nodes": "1",
        "accelerators_per_node": 8,
        "accelerator_model_name": "NVIDIA H100-SXM-80GB",
        "host_processors_per_node": 2,
        "host_processor_model_name": "Example CPU",
    }
    results = folder / "results"
    shutil.move(folder / "H1x8_MaxQ", results / "H1x8_MaxQ")
    system = folder / "systems" / "H1x8_MaxQ.json"
    system.write_text(json.dumps(description))
    found = result_of_run(run_of(results))
    assert found is not None
    assert found.energy is not None
    assert (found.energy.value, found.energy.grade) == (pytest.approx(1.0), Grade.A)
    assert found.throughput == pytest.approx(5000.0)
    key = found.key
    assert (key.task, key.boundary, key.evidence) == ("question_answering", "node", "measured")
    assert (key.device_class, key.batch_policy) == ("8 x NVIDIA H100-SXM-80GB", "mlperf Offline")
    assert (key.protocol, key.dataset) == ("mlperf 4.0", "published: mlperf bert-99")
    codes = {r.code for r in found.validity.reasons}
    assert {"not_pinned", "quality_unknown", "idle_not_measured", "no_evidence"} <= codes
    assert not {"estimated", "no_energy"} & codes
    system.write_text(json.dumps({**description, "accelerators_per_node": "N/A"}))
    found = result_of_run(run_of(results))
    assert found is not None
    assert found.key.device_class == "2 x Example CPU"
    system.write_text("{}")
    found = result_of_run(run_of(results))
    assert found is not None
    assert found.key.device_class == "unknown"


def test_benchmarks_have_our_tasks_where_we_have_one() -> None:
    """Others keep their name."""
    assert [task_of(m) for m in ("llama2-70b-99.9", "stable-diffusion-xl", "3d-unet-99")] == [
        "text_generation",
        "image_generation",
        "mlperf 3d-unet-99",
    ]
