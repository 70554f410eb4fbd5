"""What rented machines draw: a straight line, the table's types, and no guess for any other."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wattmark import tables
from wattmark.core.instances import (
    Instances,
    InstanceType,
    Unconverted,
    Watts,
    accelerator_watts,
    instances_of,
    together,
)

PROCESSORS = (
    {
        "architecture": "Round",
        "idle_watts_per_thread": "1",
        "full_watts_per_thread": "3",
        "relative_95": "0.5",
    },
)
HARDWARE = ({"id": "gpu-400", "tdp_watts": "400"}, {"id": "secret", "tdp_watts": ""})
EMPTY = dict.fromkeys(
    (
        "provider",
        "type",
        "vcpus",
        "memory_gb",
        "memory_gb_per_vcpu",
        "gpus",
        "gpu",
        "architecture",
        "threads_per_vcpu",
        "note",
    ),
    "",
)


def row(type: str, provider: str = "aws", **cells: str) -> dict[str, str]:
    """A row of the table with round figures."""
    return {
        **EMPTY,
        "provider": provider,
        "type": type,
        "architecture": "Round",
        "threads_per_vcpu": "1",
    } | cells


def table() -> Instances:
    """A few types whose watts can be had in the head."""
    return instances_of(
        [
            row("m9.{size}", memory_gb_per_vcpu="4"),
            row("m9.metal", vcpus="96", memory_gb="384"),
            row("gpu.big", vcpus="10", memory_gb="20", gpus="8", gpu="gpu-400"),
            row("secret.big", vcpus="10", memory_gb="20", gpus="2", gpu="secret"),
            row("cores.{size}", memory_gb_per_vcpu="2", threads_per_vcpu="2"),
            row("n9-standard-{vcpus}", "google", memory_gb_per_vcpu="4"),
            row("n9-custom-{vcpus}-{memory_mb}", "google"),
            row("Standard_D{vcpus}s_v9", "azure", memory_gb_per_vcpu="4"),
        ],
        PROCESSORS,
        HARDWARE,
    )


def known(provider: str, name: str) -> InstanceType:
    """A type that the table must know."""
    found = table().find(provider, name)
    assert isinstance(found, InstanceType), found
    return found


def test_power_lies_on_a_straight_line() -> None:
    """From 10 W to 30 W, half busy: 20 W."""
    assert Watts(10, 30).at(0.5) == 20


@pytest.mark.parametrize("load", [-0.1, 1.1, float("nan")])
def test_a_load_that_cannot_be_is_refused(load: float) -> None:
    """A per cent figure that was not divided by a hundred is a mistake, not a very busy machine."""
    with pytest.raises(ValueError, match="is not from 0 to 1"):
        Watts(10, 30).at(load)


def test_an_unknown_load_is_an_error_of_its_own() -> None:
    """20 W that may be 10 or 30 W: 50 %; known to a tenth of the load: 10 %; of nothing there is no share."""
    assert Watts(10, 30).load_error(0.5, 0.5) == 0.5
    assert Watts(10, 30).load_error(0.5, 0.1) == pytest.approx(0.1)
    assert Watts(0, 30).load_error(0.0, 0.5) == 0.0


def test_a_family_and_a_size_make_a_type() -> None:
    """m9.2xlarge: 8 vCPUs with 4 GB each, of which 2 are in the watts: 8 x 1 + 16 x 0.392 = 14.272 W idle."""
    found = known("aws", "m9.2xlarge")
    assert (found.vcpus, found.memory_gb) == (8, 32)
    assert found.node.idle == pytest.approx(14.272)
    assert found.node.full == pytest.approx(30.272)
    assert found.accelerators is None


@pytest.mark.parametrize(
    ("name", "vcpus"),
    [
        ("m9.medium", 1),
        ("m9.large", 2),
        ("m9.xlarge", 4),
        ("m9.24xlarge", 96),
        ("m9.metal-24xl", 96),
        ("m9.metal", 96),
        ("ml.m9.large", 2),
        ("db.m9.16xl", 64),
        (" M9.Large ", 2),
    ],
)
def test_sizes_and_the_names_of_services_are_understood(name: str, vcpus: float) -> None:
    """Services put ml., db. or cache. before a type, and bills shorten xlarge."""
    assert known("aws", name).vcpus == vcpus


def test_a_vcpu_that_is_a_core_has_two_threads() -> None:
    """Watts are per thread: 4 cores draw like 8 threads."""
    assert known("aws", "cores.xlarge").node == Watts(8, 24)


def test_accelerators_stand_apart() -> None:
    """Eight of 400 W: 3200 W when busy, 12 % of it when idle; the machine around them 10 to 30 W."""
    found = known("aws", "gpu.big")
    assert found.node == Watts(10, 30)
    assert found.accelerators == accelerator_watts(400, 8)
    assert found.accelerators is not None
    assert found.accelerators.at(1) == 3200
    assert found.accelerators.at(0) == pytest.approx(384)


def test_custom_machines_state_their_size_in_their_name() -> None:
    """4 vCPUs and 16384 MB."""
    found = known("google", "n9-custom-4-16384-ext")
    assert (found.vcpus, found.memory_gb) == (4, 16)
    assert known("google", "n9-standard-8-lssd").memory_gb == 32


@pytest.mark.parametrize("name", ["Standard_D4s_v9", "D4s_v9", "D4s v9"])
def test_azure_names_come_with_and_without_their_prefix(name: str) -> None:
    """Meters leave Standard_ out and write blanks."""
    assert known("azure", name).vcpus == 4


@pytest.mark.parametrize(
    ("provider", "name"),
    [("aws", "x99.large"), ("aws", "m9.odd"), ("google", "m9.large"), ("google", "n9-standard-0")],
)
def test_an_unknown_type_is_no_type(provider: str, name: str) -> None:
    """Not an average machine, and not the same name of another provider."""
    found = table().find(provider, name)
    assert isinstance(found, Unconverted)
    assert name in found.reason


def test_an_accelerator_without_a_published_power_is_not_guessed() -> None:
    """The hours of its type stay unconverted, with the part named."""
    found = table().find("aws", "secret.big")
    assert isinstance(found, Unconverted)
    assert "the power of secret, which secret.big has 2 of, is not published" in found.reason


def test_independent_errors_go_in_quadrature() -> None:
    """30 % and 40 % are 50 %."""
    assert together(0.3, 0.4) == pytest.approx(0.5)


@given(
    idle=st.floats(0, 1e4),
    above=st.floats(0, 1e4),
    loads=st.tuples(st.floats(0, 1), st.floats(0, 1)),
)
def test_power_rises_with_load_and_stays_between_idle_and_full(
    idle: float, above: float, loads: tuple[float, float]
) -> None:
    """Monotone, and never outside of its ends by more than rounding."""
    line = Watts(idle, idle + above)
    low, high = sorted(loads)
    slack = 1e-9 * (1 + line.full)
    assert line.idle - slack <= line.at(low) <= line.at(high) + slack
    assert line.at(high) <= line.full + slack


def bundled() -> Instances:
    """The table that is shipped."""
    return instances_of(tables.rows("instances"), tables.rows("instance_processors"), tables.rows("hardware"))


@pytest.mark.parametrize(
    ("provider", "name", "vcpus", "gpus"),
    [
        ("aws", "p5.48xlarge", 192, 8),
        ("aws", "p4d.24xlarge", 96, 8),
        ("aws", "g5.12xlarge", 48, 4),
        ("aws", "m5.24xlarge", 96, 0),
        ("aws", "r7iz.metal-16xl", 64, 0),
        ("google", "a2-ultragpu-4g", 48, 4),
        ("google", "a3-highgpu-8g", 208, 8),
        ("google", "custom-2-7680", 2, 0),
        ("azure", "Standard_ND96isr_H100_v5", 96, 8),
        ("azure", "D16ds v5", 16, 0),
    ],
)
def test_common_types_are_known(provider: str, name: str, vcpus: float, gpus: int) -> None:
    """With what their providers state of them."""
    found = bundled().find(provider, name)
    assert isinstance(found, InstanceType), found
    assert (found.vcpus, found.gpus) == (vcpus, gpus)


def test_every_row_of_the_table_makes_a_type_or_says_why_not() -> None:
    """Patterns are tried with 4; only types with accelerators of unpublished power are left unconverted."""
    whole = bundled()
    silent = set()
    for each in tables.rows("instances"):
        name = each["type"].format(size="xlarge", vcpus=4, memory_mb=8192)
        found = whole.find(each["provider"], name)
        if isinstance(found, Unconverted):
            silent.add(each["gpu"])
        else:
            assert 0 < found.node.idle < found.node.full, name
            assert found.node.full < 5000, name
            assert found.memory_gb > 0, name
    assert silent == {
        "aws-inferentia-1",
        "aws-inferentia-2",
        "aws-trainium-1",
        "aws-trainium-2",
    }


def test_an_eight_gpu_server_draws_what_such_servers_draw() -> None:
    """p5.48xlarge at full load: 8 x 700 W of GPUs and about 1 kW around them; DGX H100 is rated 10.2 kW."""
    found = bundled().find("aws", "p5.48xlarge")
    assert isinstance(found, InstanceType)
    assert found.accelerators is not None
    assert found.accelerators.full == 5600
    assert 800 < found.node.full < 2000


def test_a_type_without_memory_is_not_converted() -> None:
    """A table of one's own may lack it; no memory would be a machine that no cloud has."""
    own = instances_of([row("odd.one", vcpus="4")], PROCESSORS, HARDWARE)
    found = own.find("aws", "odd.one")
    assert isinstance(found, Unconverted)
    assert "states no memory of odd.one" in found.reason
