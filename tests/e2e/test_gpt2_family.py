"""The GPT-2 family with random weights on a GPU, beside the figures that AI Energy Score published for it.

Random weights do the same arithmetic as trained ones, so that energy per query can be held against the
published one. What is expected is the order and the ratios, not equality: another GPU, other prompts.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from itertools import pairwise

import pytest

from tests.cli.running import verb
from wattmark.cli.bench_run import command as bench

pytestmark = pytest.mark.slow

PUBLISHED = {
    "distilgpt2": 1.313,
    "gpt2": 2.146,
    "gpt2-medium": 3.956,
    "gpt2-large": 6.121,
    "gpt2-xl": 8.921,
}
"""Wh of the GPU per 1,000 queries of ten new tokens, one NVIDIA H100 80 GB (AI Energy Score leaderboard,
text generation, https://huggingface.co/spaces/AIEnergyScore/Leaderboard)."""
BAND = 1.5
"""Each ratio to distilgpt2 lies within the published one divided and multiplied by so much."""


def without_gpu() -> str:
    """Why these models cannot be run here; empty where they can."""
    if shutil.which("nvidia-smi") is None:
        return "needs an NVIDIA GPU (there is no nvidia-smi)"
    listed = subprocess.run(["nvidia-smi", "-L"], capture_output=True, text=True, check=False)
    if listed.returncode or "GPU 0" not in listed.stdout:
        return "needs an NVIDIA GPU (nvidia-smi lists none)"
    torch = pytest.importorskip("torch", reason="needs the extra `bench`")
    pytest.importorskip("transformers", reason="needs the extra `bench`")
    return "" if torch.cuda.is_available() else "needs a torch that can use the GPU"


@pytest.fixture(scope="module")
def wh(tmp_path_factory: pytest.TempPathFactory) -> dict[str, float]:
    """Wh of the GPUs per 1,000 queries of each model, by NVML."""
    if why := without_gpu():
        pytest.skip(why)
    out = tmp_path_factory.mktemp("gpt2")
    found = {}
    for name in PUBLISHED:
        done = verb(
            bench,
            *("text_generation", "--model", f"random:{name}", "--dataset", "synthetic", "--device", "cuda"),
            *("--dtype", "float32", "--output-tokens", 10, "--queries", 100, "--repeats", 3),
            *("--out", out / name, "--json"),
        )
        result = json.loads(done.stdout)["result"]
        figure = result["gpu_energy"]
        assert list(figure["grades"]) in (["A"], ["B"], ["C"]), "the GPU's energy was not measured"
        found[name] = figure["value"] * 1000 / 3600
    return found


def test_larger_models_use_more(wh: dict[str, float]) -> None:
    """In the order in which they are published."""
    assert all(wh[small] < wh[large] for small, large in pairwise(PUBLISHED)), wh


@pytest.mark.parametrize("name", list(PUBLISHED)[1:])
def test_ratios_are_like_the_published_ones(wh: dict[str, float], name: str) -> None:
    """Decoding one query at a time is bound by the launching of kernels: energy follows layers."""
    published = PUBLISHED[name] / PUBLISHED["distilgpt2"]
    seen = wh[name] / wh["distilgpt2"]
    assert published / BAND <= seen <= published * BAND, (seen, published, wh)


def test_the_published_figures_follow_layers_more_than_weights() -> None:
    """Needs no GPU: 8 times the layers and 19 times the weights use 6.8 times the energy."""
    layers, weights = 48 / 6, 1558 / 82
    ratio = PUBLISHED["gpt2-xl"] / PUBLISHED["distilgpt2"]
    assert ratio == pytest.approx(6.8, abs=0.05)
    assert abs(ratio - layers) < abs(ratio - weights)
