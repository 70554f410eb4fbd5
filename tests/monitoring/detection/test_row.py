"""A window as the rows of its models."""

from __future__ import annotations

from dataclasses import replace

from wattmark.core.known import Grade, Method
from wattmark.core.serving.request import Rule, Service
from wattmark.core.serving.window import DeviceUse, ServingWindow, Share, Work
from wattmark.monitoring.detection.row import Key, Lost, Row, rows_of

ANN = Service(model="chat", model_version="1", tenant="a", target="e")
BOB = Service(model="chat", model_version="2", tenant="b", target="e")
GPU = DeviceUse(
    device_id="gpu-0",
    component="gpu",
    source="nvml",
    method=Method.HARDWARE_COUNTER,
    grade=Grade.B,
    energy_joules=300.0,
    observed_seconds=60.0,
    idle_joules=30.0,
    unallocated_joules=30.0,
)


def a_window(device: DeviceUse = GPU) -> ServingWindow:
    """Two tenants on one device, charged 100 J and 170 J; 30 J are nobody's."""
    charged = device.energy_joules / 300.0
    return ServingWindow(
        host_id="h",
        start_us=0,
        end_us=60_000_000,
        rule=Rule.TOKENS,
        devices=(device,),
        shares=(
            Share(
                service=ANN, device_id="gpu-0", succeeded_joules=90.0 * charged, failed_joules=10.0 * charged
            ),
            Share(service=BOB, device_id="gpu-0", succeeded_joules=170.0 * charged),
        ),
        works=(
            Work(
                service=ANN, requests=9, failed=1, input_tokens=50, cached_input_tokens=20, output_tokens=100
            ),
            Work(service=BOB, requests=20, input_tokens=70, output_tokens=150),
        ),
    )


def test_tenants_of_a_model_are_one_row_unless_they_are_asked_for() -> None:
    """100 J and 170 J are 270 J; idleness is in neither."""
    row = rows_of(a_window())[Key("chat", "e")]
    assert isinstance(row, Row)
    assert (row.joules, row.requests, row.failed, row.output_tokens) == (270.0, 30.0, 1.0, 250.0)
    assert row.input_tokens == 100.0
    assert row.version == "2"
    by_tenant = rows_of(a_window(), by_tenant=True)
    assert set(by_tenant) == {Key("chat", "e", "a"), Key("chat", "e", "b")}


def test_cached_tokens_are_not_computed() -> None:
    """50 input tokens, 20 of them from a cache: 30 cost something. The neighbour's 220 are company."""
    row = rows_of(a_window(), by_tenant=True)[Key("chat", "e", "a")]
    assert isinstance(row, Row)
    assert (row.input_tokens, row.company) == (30.0, 220.0)


def test_a_device_with_a_gap_makes_the_minute_tell_nothing() -> None:
    """Half a minute observed is no minute; the device is named."""
    lost = rows_of(a_window(replace(GPU, observed_seconds=30.0)))[Key("chat", "e")]
    assert isinstance(lost, Lost)
    assert "gpu-0" in lost.reason


def test_a_device_without_any_reading_makes_it_tell_nothing_too() -> None:
    """No energy is not little energy."""
    empty = replace(GPU, energy_joules=0.0, idle_joules=0.0, unallocated_joules=0.0, observed_seconds=0.0)
    lost = rows_of(a_window(empty))[Key("chat", "e")]
    assert isinstance(lost, Lost)
    assert "gpu-0" in lost.reason


def test_terms_say_how_it_is_measured_and_not_on_which_device() -> None:
    """Another GPU of the same kind is other hardware; another method is another figure."""
    row = rows_of(a_window())[Key("chat", "e")]
    modelled = rows_of(a_window(replace(GPU, method=Method.MODELLED, grade=Grade.D)))[Key("chat", "e")]
    assert isinstance(row, Row)
    assert isinstance(modelled, Row)
    assert row.terms != modelled.terms
    assert "gpu-0" not in str(row.terms)
