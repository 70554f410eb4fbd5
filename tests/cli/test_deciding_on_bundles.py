"""``compare``, ``score``, ``gate``, ``show``, ``check``, ``report`` and ``baseline`` with bundles."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.cli.running import verb
from tests.core.bench.benchmarks import Plot, a_benchmark
from wattmark.bench.bundle.write import write_bundle
from wattmark.cli import check, compare, gate, report, score, show
from wattmark.cli.baseline import group as baseline
from wattmark.core.bench.pinned import DatasetPin
from wattmark.core.errors import NotComparable

LIMIT = '[[limit]]\nkpi = "performance_per_watt"\nmin = {}\ngrade = "B"\n'
SLOW = Plot(repeats=3, seconds=60.0, watts=(99.0, 100.0, 101.0))
"""20 queries for some 6000 J: 300 J each."""
FAST = Plot(repeats=3, seconds=60.0, watts=(49.5, 50.0, 50.5))
"""Half of it."""


@pytest.fixture(autouse=True)
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No configuration of this machine is in force."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("WATTMARK_CONFIG", raising=False)


def kept(name: str, plot: Plot, **changes: Any) -> str:
    """A bundle of such a benchmark."""
    write_bundle(a_benchmark(plot, **{"id": name, **changes}), Path(f"{name}.wattmark"))
    return f"{name}.wattmark"


def test_repeats_of_bundles_are_compared_with_their_noise() -> None:
    """Half the energy per inference: Welch's test over three repeats a side."""
    done = verb(compare.command, kept("a", SLOW), kept("b", FAST), "--json")
    (found,) = json.loads(done.stdout)["comparisons"]
    assert (found["baseline"]["repeats"], found["candidate"]["repeats"]) == (3, 3)
    (told,) = (k for k in found["kpis"] if k["kpi"] == "inference_watts_per_query")
    assert told["effect"]["method"] == "welch"
    assert told["effect"]["ratio"] == pytest.approx(0.5, rel=1e-3)
    assert found["also_differs"] == []
    assert done.stderr == ""


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"pinned": {"batch_size": 8}}, "benchmark batch_policy"),
        ({"pinned": {"output_tokens": 20}}, "benchmark tokens"),
        (
            {
                "pinned": {
                    "dataset": DatasetPin(name="w", revision="1", sha256="e" * 64, rows=20, synthetic=False)
                }
            },
            "dataset",
        ),
        ({"pinned": {"task": "summarization"}}, "task"),
        ({"simulated": True}, "benchmark simulated"),
    ],
)
def test_benchmarks_of_other_work_are_not_compared(changes: dict[str, Any], field: str) -> None:
    """What differs is named."""
    with pytest.raises(NotComparable, match=field):
        verb(compare.command, kept("a", SLOW), kept("b", FAST, **changes))


def test_another_precision_may_be_compared_and_is_said() -> None:
    """It is what somebody wants to know of; the leaderboard keeps them apart."""
    done = verb(compare.command, kept("a", SLOW), kept("b", FAST, pinned={"dtype": "int8"}))
    assert "precision differs: float16 / int8" in done.stdout


def test_a_gate_judges_the_repeats_of_a_bundle() -> None:
    """20 inferences of 3000 J: 0.00667 a joule."""
    Path("wattmark-policy.toml").write_text(LIMIT.format(0.005))
    assert verb(gate.command, kept("b", FAST)).return_value == 0
    assert verb(gate.command, kept("a", SLOW)).return_value == 1


def test_simulated_evidence_never_passes() -> None:
    """Not under any grade that a policy asks for; nor may it be what others are held against."""
    Path("wattmark-policy.toml").write_text(LIMIT.format(0.005).replace('"B"', '"D"'))
    done = verb(gate.command, kept("b", FAST, simulated=True))
    assert done.return_value == 3
    assert "clock and meters were simulated: nothing was measured" in done.stdout
    assert "b.wattmark: simulated" in done.stderr
    relative = '[[limit]]\nkpi = "performance_per_watt"\nmax_decrease = 0.05\ngrade = "D"\n'
    Path("wattmark-policy.toml").write_text(relative)
    done = verb(gate.command, kept("c", FAST), "--baseline", "b.wattmark")
    assert done.return_value == 3
    assert "baseline: clock and meters were simulated" in done.stdout


def test_an_invalid_benchmark_is_named() -> None:
    """On stderr, with its reasons; its figures stand for what they are."""
    bad = kept("a", replace(SLOW, seconds=10.0))
    for command in (show.command, check.command):
        assert "a.wattmark: not valid as a benchmark (window_too_short" in verb(command, bad).stderr
    assert "not valid" in verb(score.command, bad, "--baseline", kept("b", FAST)).stderr


def test_show_tells_the_repeats_apart() -> None:
    """By their number; as JSON, and whole with --raw."""
    done = verb(show.command, kept("a", SLOW))
    assert "a.wattmark repeat 1\n" in done.stdout
    document = json.loads(verb(show.command, "a.wattmark", "--json").stdout)
    assert [run["part"] for run in document["runs"]] == ["repeat 1", "repeat 2", "repeat 3"]
    assert '"schema": "wattmark.run"' in verb(show.command, "a.wattmark", "--raw").stdout


def test_reports_and_baselines_take_bundles() -> None:
    """A report names each repeat with the hash of the manifest; a baseline keeps the runs themselves."""
    done = verb(report.command, kept("a", SLOW), "--json")
    assert "a.wattmark repeat 2" in done.stdout
    verb(baseline, "set", "a.wattmark")
    done = verb(score.command, kept("b", FAST), "--json")
    assert json.loads(done.stdout)["baseline"]["repeats"] == 3
    verb(baseline, "set", kept("c", FAST, simulated=True), "--name", "never")
