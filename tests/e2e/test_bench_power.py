"""A real Prometheus keeps a GPU's power while a server is benchmarked: its samples are the energy."""

from __future__ import annotations

import json
import shutil
import subprocess
import time
from pathlib import Path
from urllib.parse import urlencode
from urllib.request import urlopen

import pytest

from tests.cli.running import verb
from tests.fakes.http_server import Quiet, serving
from tests.fakes.openai_server import Behaviour, answering
from tests.fakes.ports import free_port
from wattmark.cli.bench_run import command as bench
from wattmark.core.bench.rules_energy import MOST_SKEW_SECONDS

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(shutil.which("prometheus") is None, reason="needs prometheus"),
]

PAGE = b"""# TYPE DCGM_FI_DEV_POWER_USAGE gauge
DCGM_FI_DEV_POWER_USAGE{gpu="0",UUID="GPU-far",device="nvidia0",modelName="H100",Hostname="far"} 300
"""


class Exporter(Quiet):
    """A GPU that draws 300 W, as NVIDIA's exporter shows it."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/plain; version=0.0.4")
        self.send_header("Content-Length", str(len(PAGE)))
        self.end_headers()
        self.wfile.write(PAGE)


def test_samples_of_a_prometheus_are_the_energy_of_a_server_under_test(tmp_path: Path) -> None:
    """300 W times the time, over 40 queries; its clock is ours, which its dates tell."""
    pytest.importorskip("numpy", reason="power over time needs numpy")
    texts = tmp_path / "texts.jsonl"
    texts.write_text("".join(json.dumps({"text": f"text {i}"}) + "\n" for i in range(40)))
    port = free_port()
    with serving(Exporter) as exporter, answering(Behaviour(delay=0.2)) as url:
        config = tmp_path / "prometheus.yml"
        config.write_text(
            "global: {scrape_interval: 1s}\nscrape_configs:\n"
            f"  - {{job_name: dcgm, static_configs: [{{targets: ['{exporter.removeprefix('http://')}']}}]}}\n"
        )
        place = f"http://127.0.0.1:{port}"
        process = subprocess.Popen(
            ["prometheus", f"--config.file={config}", f"--storage.tsdb.path={tmp_path / 'data'}",
             f"--web.listen-address=127.0.0.1:{port}"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        try:
            wait_for_samples(place, 3)
            verb(bench, "text_generation", "--endpoint", url, "--dataset", texts, "--queries", 40,
                 "--repeats", 1, "--profile", "quick", "--idle", 2, "--cool-down", 0, "--warm-up", 1,
                 "--out", tmp_path / "out", "--power", place)  # fmt: skip
        finally:
            process.terminate()
            process.wait(60)
    (bundle,) = (tmp_path / "out").glob("*.wattmark")
    result = json.loads((bundle / "result.json").read_bytes())
    repeat = result["repeats"][0]
    assert result["energy"]["value"] == pytest.approx(300.0 * repeat["seconds"] / 40, rel=0.05)
    assert result["key"]["boundary"] == "device (gpu)"
    evidence = json.loads((bundle / "evidence.json").read_bytes())
    # One date alone bounds it by a second. How narrow many do is a matter of how fast this machine answers.
    assert 0 < evidence["clock_error_us"] < 1_100_000
    apart = "clocks_apart" in {r["code"] for r in result["validity"]["reasons"]}
    assert apart == (evidence["clock_error_us"] > MOST_SKEW_SECONDS * 1e6)


def kept(place: str) -> int:
    """How many samples of the power it has kept."""
    asked = urlencode({"query": "count_over_time(DCGM_FI_DEV_POWER_USAGE[1h])"})
    try:
        with urlopen(f"{place}/api/v1/query?{asked}", timeout=60) as answer:
            found = json.load(answer)["data"]["result"]
    except OSError:
        return 0
    return int(found[0]["value"][1]) if found else 0


def wait_for_samples(place: str, count: int) -> None:
    """Until it answers and has kept so many."""
    end = time.monotonic() + 120
    while kept(place) < count:
        assert time.monotonic() < end, "no samples"
        time.sleep(0.1)
