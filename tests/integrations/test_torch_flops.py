"""FLOP counted by the real PyTorch, logged as work of the live run."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import wattmark
from wattmark.integrations.torch_flops import FlopCounter

WITH_TORCH = importlib.util.find_spec("torch") is not None
needs_torch = pytest.mark.skipif(not WITH_TORCH, reason="PyTorch is not installed: pip install torch")


def product(rows: int, inner: int, columns: int, **options: Any) -> None:
    """A matrix product of 2 x rows x inner x columns FLOP."""
    import torch

    torch.ones(rows, inner, **options) @ torch.ones(inner, columns, **options)


@pytest.mark.slow
@needs_torch
def test_a_matrix_product_is_two_flop_per_multiply_add() -> None:
    """8 x 16 by 16 x 4: 1,024 FLOP, logged with their precision in the run's evidence."""
    with wattmark.track() as run, FlopCounter() as counter:
        product(8, 16, 4)
    assert counter.flop == 1024
    (work,) = run.run.work
    assert (work.unit, work.count, work.precision) == ("flop", 1024, "fp32")


@pytest.mark.slow
@needs_torch
def test_a_training_step_counts_forward_and_backward() -> None:
    """A linear layer: one product forward, two backward (weights, input)."""
    import torch

    layer = torch.nn.Linear(32, 16, bias=False)
    with FlopCounter(log=False) as counter:
        layer(torch.ones(4, 32, requires_grad=True)).sum().backward()
    assert counter.flop == 3 * 2 * 4 * 32 * 16


@pytest.mark.slow
@needs_torch
def test_several_precisions_are_mixed_and_a_stated_one_wins() -> None:
    """FLOP of different precision are not one figure, and the run says so."""
    import torch

    with FlopCounter(log=False) as counter:
        product(2, 2, 2, dtype=torch.bfloat16)
    assert counter.precision == "bf16"
    with FlopCounter(log=False) as counter:
        product(2, 2, 2)
        product(2, 2, 2, dtype=torch.float64)
    assert counter.precision == "mixed"
    with FlopCounter(log=False, precision="fp8") as counter:
        product(2, 2, 2)
    assert counter.precision == "fp8"


@pytest.mark.slow
@needs_torch
def test_an_error_in_the_block_comes_through_and_what_was_done_is_kept() -> None:
    """Failed work used energy too."""

    def failing(run: wattmark.Track) -> None:
        with FlopCounter(track=run):
            product(8, 16, 4)
            raise RuntimeError("out of memory")

    with wattmark.track() as run, pytest.raises(RuntimeError, match="out of memory"):
        failing(run)
    assert run.run.work[0].count == 1024


@pytest.mark.slow
@needs_torch
def test_nothing_counted_logs_nothing() -> None:
    """An element-wise sum is not counted, so there is no zero in the evidence."""
    import torch

    with wattmark.track() as run, FlopCounter():
        torch.ones(4) + 1
    assert run.run.work == ()


def test_without_pytorch_it_says_what_to_install() -> None:
    """And importing wattmark's side of it costs no torch: run where only the standard library is."""
    code = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "from wattmark.integrations.torch_flops import FlopCounter\n"
        "assert 'torch' not in sys.modules\n"
        "from wattmark.core.errors import UsageError\n"
        "try: FlopCounter().__enter__()\n"
        "except UsageError as error: print(error)\n"
    )
    source = Path(__file__).parents[2] / "src"
    told = subprocess.run(
        [sys.executable, "-I", "-S", "-c", code, str(source)], capture_output=True, text=True, check=True
    )
    assert "pip install torch" in told.stdout
