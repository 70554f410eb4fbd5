"""``wattmark hardware`` as a user runs it."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest

from tests.builders import a_run
from tests.cli.running import kept, verb
from wattmark.cli.hardware import group
from wattmark.core.errors import UsageError
from wattmark.core.run import Work


@pytest.fixture(autouse=True)
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No configuration of this machine is in force."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("WATTMARK_CONFIG", raising=False)


def test_the_list_can_be_narrowed_and_sorted() -> None:
    """NVIDIA GPUs by peak bf16 operations per joule: each at least as good as the next."""
    told = json.loads(
        verb(group, "list", "--kind", "gpu", "--vendor", "nvidia", "--sort", "bf16", "--json").output
    )
    assert told["schema"] == "wattmark.hardware"
    assert {d["vendor"] for d in told["devices"]} == {"NVIDIA"}
    joules = [d["peak_dense_ops_per_joule"].get("bf16", 0.0) for d in told["devices"]]
    assert joules == sorted(joules, reverse=True)
    assert joules[0] > 0


@pytest.mark.parametrize("key", ["year", "watts", "memory", "bandwidth"])
def test_it_sorts_by_plain_columns_too(key: str) -> None:
    """The most first."""
    assert verb(group, "list", "--sort", key).output


def test_a_sort_that_nothing_has_is_refused() -> None:
    """No TPU publishes fp64."""
    with pytest.raises(UsageError, match="sort by fp64"):
        verb(group, "list", "--kind", "tpu", "--sort", "fp64")


def test_the_text_says_that_peaks_are_peaks() -> None:
    """And how to get the other figure."""
    told = verb(group, "list", "--kind", "npu").output
    assert "No workload reaches them" in told
    assert "--achieved RUN" in told


def test_csv_keeps_empty_what_is_not_published() -> None:
    """An empty cell, never a zero."""
    rows = list(csv.DictReader(io.StringIO(verb(group, "list", "--csv").output)))
    assert len(rows) >= 40
    p4 = next(r for r in rows if r["id"] == "nvidia-p4")
    assert p4["bf16_dense_ops_per_second"] == ""
    assert p4["int8_dense_ops_per_second"] == "22000000000000.0"
    assert all(r["source_url"] for r in rows)


def test_compare_has_dense_and_sparse_on_lines_of_their_own() -> None:
    """989 dense, twice that sparse."""
    told = verb(group, "compare", "h100-sxm", "mi300x").output
    assert "peak bf16 dense, T/s" in told
    assert "peak bf16 sparse, T/s" in told
    assert "not re-read" in told


def test_achieved_stands_beside_the_peak(tmp_path: Path) -> None:
    """9e9 FLOP for 90 J are 1e8 FLOP/J, measured at grade B; the peak is a list of its own."""
    run = a_run(work=(Work(unit="flop", count=9e9, precision="bf16"),))
    path = kept(tmp_path, run, "matmul")
    told = json.loads(verb(group, "compare", "h100-sxm", "--achieved", path, "--json").output)
    achieved = told["achieved"]["matmul.run.json"]
    assert achieved["value"] == pytest.approx(1e8)
    assert (achieved["terms"]["flops"], achieved["grade"]) == ("achieved", "B")
    assert told["published"][0]["id"] == "nvidia-h100-sxm5-80gb"
    text = verb(group, "compare", "h100-sxm", "--achieved", path).output
    assert "matmul.run.json: 100 MFLOP/J" in text
    assert "precision bf16" in text


def test_a_run_without_flop_says_what_is_missing(tmp_path: Path) -> None:
    """No figure is made up for it."""
    path = kept(tmp_path, a_run(), "plain")
    assert "missing: work (flop)" in verb(group, "compare", "h100-sxm", "--achieved", path).output
