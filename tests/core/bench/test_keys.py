"""What must be equal before two results are ranked together."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.core.bench.benchmarks import GPU, Plot, a_benchmark, a_gpu, a_sensor
from tests.core.bench.test_derive import a_cpu, a_node, with_devices
from wattmark.core.bench.derive import result_of
from wattmark.core.bench.evidence import Evidence, StateLook
from wattmark.core.bench.key import Key
from wattmark.core.bench.keys import batch_policy, tokens
from wattmark.core.bench.pinned import ModelFacts, Pinned
from wattmark.core.known import Grade, Method

SHORT = Plot(seconds=10.0)


def key(evidence: Evidence) -> Key:
    return result_of(evidence).key


def pinned(**changes: Any) -> Pinned:
    return replace(a_benchmark(SHORT).pinned, **changes)


def test_a_key_whole() -> None:
    """Everything of a benchmark on one GPU."""
    assert key(a_benchmark(SHORT)) == Key(
        task="text_generation",
        unit="query",
        dataset="d" * 64,
        tokens="in<=512 out=10",
        boundary="device (gpu)",
        device_class="1 x NVIDIA H100 80GB HBM3",
        batch_policy="batch 1",
        precision="float16",
        evidence="measured",
        protocol="wattmark-1",
        power_limit="default",
    )


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({}, "in<=512 out=10"),
        ({"max_input_tokens": None}, "out=10"),
        ({"output_tokens": None, "max_output_tokens": 8192}, "in<=512 out<=8192"),
        ({"output_tokens": None}, "in<=512"),
        ({"max_input_tokens": None, "output_tokens": None}, "any"),
    ],
)
def test_limits_of_tokens(changes: dict[str, Any], text: str) -> None:
    """A fixed number goes before a limit."""
    assert tokens(pinned(**changes)) == text


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({}, "batch 1"),
        ({"batch_size": 8}, "batch 8"),
        ({"concurrency": 32}, "concurrency 32"),
        ({"concurrency": 32, "rate_per_second": 2.5}, "rate 2.5/s"),
    ],
)
def test_batch_policies(changes: dict[str, Any], text: str) -> None:
    """An open loop has no concurrency of its own."""
    assert batch_policy(pinned(**changes)) == text


def test_precision_is_as_the_model_ran() -> None:
    """What it tells goes before what was asked for."""
    assert key(a_benchmark(SHORT, pinned={"quantisation": "int8"})).precision == "float16, int8"
    told = ModelFacts(id="m", dtype="bfloat16", quantisation="gptq, 4 bits")
    assert key(a_benchmark(SHORT, model=told)).precision == "bfloat16, gptq, 4 bits"
    plain = ModelFacts(id="m", dtype="float32", quantisation="none")
    assert key(a_benchmark(SHORT, pinned={"quantisation": "int8"}, model=plain)).precision == "float32"


def test_an_estimate_has_another_key() -> None:
    """So that it is never ranked with a measurement."""
    modelled = a_gpu(grade=Grade.D, method=Method.MODELLED)
    assert key(a_benchmark(SHORT, device=modelled)).evidence == "estimated"
    assert key(a_benchmark(SHORT, device=a_sensor())).evidence == "measured"
    assert key(a_benchmark(SHORT, devices=(), looks=())).evidence == "unknown"


def test_device_classes() -> None:
    """Accelerators by their names; else the machine's; else unknown, which equals nothing."""
    both = with_devices(SHORT, (a_gpu(), 1.0), (a_gpu(id="GPU-2"), 1.0), (a_cpu(name="Xeon"), 1.0))
    assert key(both).device_class == "2 x NVIDIA H100 80GB HBM3"
    cpu = a_cpu()
    assert key(a_benchmark(SHORT, device=cpu, hardware=("Xeon", "Xeon"))).device_class == "2 x Xeon"
    assert key(a_benchmark(SHORT, device=cpu, hardware=())).device_class == "unknown"


def limited(watts: float | None, default: float | None = 700.0, device: str = GPU) -> StateLook:
    return StateLook(device_id=device, at_us=0, power_limit_watts=watts, default_power_limit_watts=default)


@pytest.mark.parametrize(
    ("states", "text"),
    [
        ((limited(700.0),), "default"),
        ((limited(300.0),), "300 W"),
        ((limited(300.0), limited(400.0)), "300 W + 400 W"),
        ((limited(700.0, None),), "700 W"),
        ((limited(None),), "not told"),
        ((limited(300.0, device="GPU-9"),), "not told"),
        ((), "not told"),
    ],
)
def test_power_limits(states: tuple[StateLook, ...], text: str) -> None:
    """A cap is configuration; what nobody tells is not the default."""
    assert key(a_benchmark(SHORT, states=states)).power_limit == text


def test_a_cap_of_a_gpu_in_a_node_counts() -> None:
    """The node is what is counted, and its GPU is what is capped."""
    node, gpu = a_node(), a_gpu(part_of="board:h")
    board = a_node(id="board:h", component="module", part_of="node:h")
    evidence = with_devices(SHORT, (node, 400.0), (board, 200.0), (gpu, 100.0))
    assert key(replace(evidence, states=(limited(300.0),))).power_limit == "300 W"
    around = a_gpu(id="GPU-3", part_of="GPU-4"), a_gpu(id="GPU-4", part_of="GPU-3")
    circle = with_devices(SHORT, (node, 400.0), *((d, 1.0) for d in around))
    assert key(replace(circle, states=(limited(300.0, device="GPU-3"),))).power_limit == "300 W"
