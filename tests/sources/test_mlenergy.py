"""The ML.ENERGY Leaderboard: v3 tables, v2 files and the v2 CSV; rows that contradict themselves are bad."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.sources.text_world import FILES, read
from wattmark.core.bench.imported import result_of_run
from wattmark.core.bench.result import Result
from wattmark.core.errors import EvidenceError, UsageError
from wattmark.core.known import Boundary, Grade, Method
from wattmark.core.run import Run
from wattmark.ports import Source
from wattmark.sources.catalog import Asked, open_source
from wattmark.sources.mlenergy_row import v2_of, v3_of
from wattmark.testing.source_suite import SourceSuite, SourceWorld

PUBLISHED = FILES / "mlenergy"
NAME = "mlenergy"
DATE = "2024-09-01"
CHAT = PUBLISHED / "tasks" / "lm-arena-chat.json"
ROW: dict[str, Any] = json.loads(CHAT.read_text())["configurations"][0]
PICTURE: dict[str, Any] = json.loads((PUBLISHED / "tasks/text-to-image.json").read_text())["configurations"][
    0
]
V2: dict[str, Any] = {
    "Model": "example/chat",
    "GPU": "NVIDIA H100 80GB HBM3",
    "TP": 2,
    "PP": 1,
    "Energy/req (J)": 100.0,
    "Token tput (tok/s)": 1000.0,
    "Avg Output Tokens": 200.0,
    "Max BS (reqs)": 64,
}


class MlEnergyWorld:
    """The published folder of v3: two tables, three rows."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "data"
        shutil.copytree(PUBLISHED, self.folder, ignore=shutil.ignore_patterns("data", "*.csv", "*.md"))
        self.rows = 3

    @property
    def chat(self) -> Path:
        return self.folder / "tasks" / CHAT.name

    @property
    def named(self) -> str:
        return self.chat.name if self.chat.exists() else self.folder.name

    def open(self) -> Source:
        return open_source(NAME, [str(self.folder)], Asked())

    def _change(self, **fields: Any) -> None:
        document = json.loads(self.chat.read_text())
        document["configurations"][1].update(fields)
        self.chat.write_text(json.dumps(document, indent=2))

    def grow(self) -> None:
        document = json.loads(self.chat.read_text())
        document["configurations"].append({**ROW, "max_num_seqs": 256})
        self.chat.write_text(json.dumps(document, indent=2))
        self.rows += 1

    def move(self) -> None:
        self.folder = Path(shutil.move(self.folder, self.folder.parent / "elsewhere"))

    def damage(self) -> str:
        self._change(energy_per_request_joules=90.0)
        return f"{self.chat.name}:$.configurations[1]"

    def garble(self) -> None:
        self.chat.write_text("<html><body>Not found</body></html>\n")

    def remove(self) -> None:
        shutil.rmtree(self.folder)


class TestMlEnergy(SourceSuite):
    """The rules that every source keeps."""

    @pytest.fixture
    def world(self, tmp_path: Path) -> SourceWorld:
        return MlEnergyWorld(tmp_path)


def runs(path: Path, **settings: str) -> list[Run]:
    return [r for p in read(NAME, path, **settings) for r in p.runs]


def results(path: Path, **settings: str) -> list[Result]:
    found = [result_of_run(r) for r in runs(path, **settings)]
    return [r for r in found if r is not None]


def test_a_request_of_v3_is_a_run() -> None:
    """0.5 J per token, 200 tokens: 100 J in 0.2 s at 500 W; concurrency 32 on one H100."""
    first = results(PUBLISHED / "tasks")[0]
    assert first.energy is not None
    assert first.per_output is not None
    assert (first.energy.value, first.per_output.value) == (100.0, 0.5)
    assert (first.task, first.model.id) == ("text_generation", "example/chat-8b")
    key = first.key
    assert (key.batch_policy, key.precision, key.device_class) == ("concurrency 32", "bfloat16", "1 x H100")
    assert (key.dataset, key.protocol) == ("published: lm-arena-chat", "ml.energy-v3")
    assert first.throughput == pytest.approx(5.0)
    run = runs(PUBLISHED / "tasks")[0]
    assert (run.duration_seconds, run.started_at) == (0.2, "2026-02-13T00:00:00.000000Z")


def test_published_figures_are_declared() -> None:
    """Measured there, by Zeus; here nobody can check it: grade E, and the origin says so."""
    first = results(PUBLISHED / "tasks")[0]
    (row,) = runs(PUBLISHED / "tasks")[0].energies
    assert (row.method, row.grade, row.boundary) == (Method.DECLARED, Grade.E, Boundary.DEVICE)
    assert first.origin.published
    assert "NVML energy counter" in first.origin.method
    assert first.origin.source == "ML.ENERGY Leaderboard v3 2026-02-13"
    assert {"no_evidence", "estimated", "not_pinned"} <= {r.code for r in first.validity.reasons}


def test_a_batch_of_pictures_is_a_run() -> None:
    """Four pictures of 400 J in 2 s; steps and size decide the work, so they are part of the key."""
    (found,) = results(PUBLISHED / "tasks" / "text-to-image.json")
    assert found.energy is not None
    assert (found.energy.value, found.task) == (400.0, "image_generation")
    assert (found.key.batch_policy, found.key.tokens) == ("batch 4", "steps=20 1024x1024")
    assert found.key.device_class == "2 x H100"


def test_the_tree_of_v2_tells_the_task() -> None:
    """data/FAMILY/TASK/GPU/ORGANISATION/MODEL/bs8.json; the date must be said."""
    chat, painter = sorted(results(PUBLISHED / "data", date=DATE), key=lambda r: r.task, reverse=True)
    assert chat.energy is not None
    assert (chat.task, chat.energy.value) == ("text_generation", 55.77)
    assert chat.key.device_class == "1 x NVIDIA H100 80GB HBM3"
    assert painter.energy is not None
    assert (painter.task, painter.energy.value) == ("image_generation", 600.0)
    (bad,) = {b.reason for p in read(NAME, PUBLISHED / "data") for b in p.bad}
    assert "say -o date=2024-09-01" in bad


def test_a_file_out_of_its_tree_needs_its_task(tmp_path: Path) -> None:
    """Nothing in it says what it is of."""
    path = tmp_path / "bs64.json"
    path.write_text(json.dumps(V2))
    (bad,) = (b for p in read(NAME, path, date=DATE) for b in p.bad)
    assert "its task is not known" in bad.reason
    (found,) = results(path, date=DATE, task="llm_text_generation/code")
    assert (found.key.dataset, found.key.device_class) == (
        "published: llm_text_generation/code",
        "2 x NVIDIA H100 80GB HBM3",
    )


def test_rows_of_the_csv_of_v2() -> None:
    """The rows as they were published, real ones; videos keep their own task."""
    found = results(PUBLISHED / "v2.csv", date=DATE)
    assert [round(r.energy.value, 1) for r in found if r.energy] == [55.8, 63.1, 7416.7, 7354.0]
    assert [r.task for r in found] == [
        "text_generation",
        "text_generation",
        "image-to-video",
        "image-to-video",
    ]
    assert found[2].key.tokens == "steps=25 frames=14"


def test_every_row_of_the_published_table_is_taken() -> None:
    """474 rows agree with themselves: no GPU draws more than it can."""
    shared = os.environ.get("WATTMARK_SHARED_DATA", "")
    table = Path(shared) / "mlenergy_v2.csv"
    if not shared or not table.is_file():
        pytest.skip("WATTMARK_SHARED_DATA names no folder with mlenergy_v2.csv")
    portions = read(NAME, table, date=DATE)
    assert (sum(p.taken for p in portions), sum(len(p.bad) for p in portions)) == (474, 0)


@pytest.mark.parametrize(
    ("row", "changes", "problem"),
    [
        (ROW, {"energy_per_request_joules": 90.0}, "energy per request is 90, and energy per token x output"),
        (ROW, {"avg_power_watts": 400.0}, "energy per token is 0.5, and power / throughput gives 0.4"),
        (ROW, {"energy_per_token_joules": 0}, "energy_per_token_joules is 0, not a number above 0"),
        (ROW, {"avg_output_len": None}, "avg_output_len is None"),
        (ROW, {"num_gpus": True}, "num_gpus is True"),
        (ROW, {"model_id": ""}, "model_id is ''"),
        (PICTURE, {"batch_latency_s": 3.0}, "energy per image is 400, and power x latency / batch gives 600"),
    ],
)
def test_rows_of_v3_that_contradict_themselves(
    row: dict[str, Any], changes: dict[str, Any], problem: str
) -> None:
    """Each with both figures."""
    with pytest.raises(ValueError, match=problem.replace("(", r"\(")):
        v3_of({**row, **changes}, "lm-arena-chat")


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"Token tput (tok/s)": 1_000_000.0}, "cannot be: 500000 W of 2 GPUs"),
        ({"Energy/req (J)": "much"}, "not a number above 0"),
        ({"GPU": None}, "GPU is None, not a name"),
    ],
)
def test_rows_of_v2_that_cannot_be(changes: dict[str, Any], problem: str) -> None:
    """Less can be checked there: the power that it implies."""
    with pytest.raises(ValueError, match=problem):
        v2_of({**V2, **changes}, "llm_text_generation/chat")


def test_rows_without_an_energy_are_bad() -> None:
    """Of whatever version."""
    with pytest.raises(ValueError, match="states no energy per token, image or video"):
        v3_of({"model_id": "x"}, "lm-arena-chat")
    with pytest.raises(ValueError, match="states no energy per request, image or video"):
        v2_of({"Model": "x"}, "diffusion/text-to-image")
    whole = {**V2, "Batch size": 2, "Batch latency (s)": 4.0, "Denoising steps": 25}
    del whole["Energy/req (J)"]
    with pytest.raises(ValueError, match="energy per batch is 900"):
        v2_of({**whole, "Energy/image (J)": 600.0, "Batch energy (J)": 900.0}, "diffusion/text-to-image")


def test_a_later_publication_supersedes(tmp_path: Path) -> None:
    """The same configuration, corrected: the same record with a higher number."""
    shutil.copytree(PUBLISHED / "tasks", tmp_path / "tasks")
    (before,) = runs(tmp_path / "tasks" / "text-to-image.json", date="2026-02-13")
    changed = {**PICTURE, "energy_per_image_joules": 200.0, "avg_power_watts": 400.0}
    (tmp_path / "tasks" / "text-to-image.json").write_text(
        json.dumps({"task": "text-to-image", "configurations": [changed]})
    )
    (after,) = runs(tmp_path / "tasks" / "text-to-image.json", date="2026-06-01")
    assert before.record_id == after.record_id
    assert after.seq > before.seq


def test_files_of_something_else_are_refused(tmp_path: Path) -> None:
    """JSON and CSV that are none; a date that cannot be; entries that are no objects."""
    (tmp_path / "a.json").write_text('{"hello": 1}')
    with pytest.raises(EvidenceError, match=r"is none of ML\.ENERGY's files"):
        runs(tmp_path / "a.json", date=DATE)
    (tmp_path / "b.csv").write_text("a,b\n1,2\n")
    with pytest.raises(EvidenceError, match=r"is no table of ML\.ENERGY v2"):
        runs(tmp_path / "b.csv", date=DATE)
    (tmp_path / "c.csv").write_text("")
    with pytest.raises(EvidenceError, match="is empty"):
        runs(tmp_path / "c.csv", date=DATE)
    with pytest.raises(UsageError, match="date is a day"):
        runs(CHAT, date="soon")
    (tmp_path / "d.json").write_text('{"configurations": [5]}')
    (bad,) = (b for p in read(NAME, tmp_path / "d.json", date=DATE) for b in p.bad)
    assert (bad.reason, bad.place.endswith("$.configurations[0]")) == ("is not a JSON object", True)


amounts = st.floats(min_value=0.01, max_value=100.0)


@given(per_token=amounts, length=amounts, speed=amounts)
def test_any_row_that_agrees_with_itself_is_taken(per_token: float, length: float, speed: float) -> None:
    """Energy = power x time: whatever the numbers, they are the row's."""
    row = {
        **ROW,
        "num_gpus": 8,
        "energy_per_token_joules": per_token,
        "avg_output_len": length,
        "output_throughput_tokens_per_sec": speed,
        "energy_per_request_joules": per_token * length,
        "avg_power_watts": per_token * speed,
    }
    found = v3_of(row, "lm-arena-chat")
    assert found.joules == pytest.approx(row["avg_power_watts"] * found.seconds)
