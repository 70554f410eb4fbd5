"""Results of six kinds on one page: each with what it is, and only what was measured by rules is ranked."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.core.bench.benchmarks import Plot, a_benchmark
from tests.reports.browser import browser, needs_chromium
from wattmark.bench.bundle.write import write_bundle
from wattmark.core.bench.pinned import ModelFacts

pytestmark = pytest.mark.slow

FILES = Path(__file__).resolve().parents[1] / "sources" / "files"
SHARED = os.environ.get("WATTMARK_SHARED_DATA")
WATTMARK = (sys.executable, "-m", "wattmark")
IMPORTED = (
    ("mlperf", FILES / "mlperf"),
    ("optimum-benchmark", FILES / "optimum-benchmark" / "benchmark_report.json"),
    ("ai-energy-benchmarks", FILES / "ai-energy-benchmarks" / "results.csv"),
)
PUBLISHED = """task,model,total_gpu_energy,energy_score,test_date,class
text_generation,vendor/told,1.50,5,Dec 25,A
"""
MLENERGY = """task,file,Model,GPU,TP,PP,Energy/req (J),Avg TPOT (s),Token tput (tok/s),Avg Output Tokens,Avg BS (reqs),Max BS (reqs)
llm_text_generation/chat,a.json,lab/one,NVIDIA A100-SXM4-40GB,1.0,1.0,78.0,0.09,700.0,152.0,63.0,64.0
"""  # noqa: E501 - as the table is written; 78 J x 700 / 152 are 359 W


def wattmark(*arguments: str | Path) -> str:
    done = subprocess.run([*WATTMARK, *map(str, arguments)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture
def results(tmp_path: Path) -> Path:
    """ML.ENERGY, MLPerf, optimum-benchmark, ai_energy_benchmarks, a published table, and three bundles."""
    folder = tmp_path / "results"
    folder.mkdir()
    table = tmp_path / "mlenergy_v2.csv"
    table.write_text(MLENERGY)
    wattmark("import", "mlenergy", table, "-o", "date=2024-09-01", "--out", folder)
    for name, path in IMPORTED:
        wattmark("import", name, path, "--out", folder)
    (folder / "published.csv").write_text(PUBLISHED)
    for name, watts, simulated in (("small", 100.0, False), ("large", 300.0, False), ("made-up", 1.0, True)):
        evidence = a_benchmark(
            Plot(watts=(watts,)),
            id=name,
            simulated=simulated,
            model=ModelFacts(id=f"lab/{name}", device="cuda:0"),
        )
        write_bundle(evidence, folder / f"{name}.wattmark")
    return folder


def rows(document: Any) -> list[tuple[Any, Any]]:
    """Each row and the key of its group."""
    return [
        (row, group["key"]) for task in document["tasks"] for group in task["groups"] for row in group["rows"]
    ]


def test_every_origin_has_its_place(results: Path, tmp_path: Path) -> None:
    """Boundary, grade and unit of each; ranks for the two that were measured alike, and for no other."""
    wattmark("leaderboard", results, "--out", tmp_path / "site")
    document = json.loads((tmp_path / "site" / "leaderboard.json").read_text())
    found = rows(document)
    seen = {
        (row["origin"]["tool"], key["boundary"], key["evidence"], row["grade"], row["validity"]["status"])
        for row, key in found
    }
    assert seen == {
        ("ml.energy", "device (gpu)", "estimated", "E", "invalid"),
        ("mlperf", "node", "measured", "A", "invalid"),
        ("optimum-benchmark", "device (cpu+dram)", "estimated", "D", "invalid"),
        ("ai_energy_benchmarks", "device (cpu+dram)", "estimated", "D", "invalid"),
        ("table", "device (gpu)", "estimated", "E", "invalid"),
        ("wattmark", "device (gpu)", "measured", "B", "valid"),
        ("wattmark", "device (gpu)", "simulated", "E", "invalid"),
    }
    ranked = {row["model"]: row["rank"]["first"] for row, _ in found if row["rank"]}
    assert ranked == {"lab/small": 1, "lab/large": 2}
    (published,) = (row for row, _ in found if row["model"] == "lab/one")
    assert published["joules_per_query"]["value"] == pytest.approx(78.0)
    assert {row["wh_per_1000_queries"]["unit"] for row, _ in found if row["wh_per_1000_queries"]} == {
        "Wh/1000 queries"
    }


@pytest.mark.skipif(SHARED is None, reason="WATTMARK_SHARED_DATA names no folder with mlenergy_v2.csv")
def test_a_whole_published_table_is_not_ranked(results: Path, tmp_path: Path) -> None:
    """474 rows of ML.ENERGY v2 beside them: the ranks stay those of the bundles."""
    wattmark(
        "import", "mlenergy", Path(str(SHARED)) / "mlenergy_v2.csv", "-o", "date=2024-09-02", "--out", results
    )
    document = json.loads(wattmark("leaderboard", results, "--json"))
    found = [row for task in document["tasks"] for group in task["groups"] for row in group["rows"]]
    assert len(found) > 470
    assert {row["model"] for row in found if row["rank"]} == {"lab/small", "lab/large"}


@needs_chromium
def test_the_page_shows_them_all(results: Path, tmp_path: Path) -> None:
    """Without a word on the console, and no wider than the screen."""
    wattmark("leaderboard", results, "--out", tmp_path / "site")
    page_path = tmp_path / "site" / "index.html"
    with browser(tmp_path / "profile") as page:
        page.open(page_path)
        text = page.js("document.body.textContent")
        for word in ("lab/small", "lab/large", "lab/made-up", "vendor/told", "lab/one"):
            assert word in text
        assert page.js("document.documentElement.scrollWidth <= window.innerWidth")
        assert page.said == []
