"""The error of what is left of a node is that of the whole node."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wattmark.core.known import Boundary, Grade, Method
from wattmark.core.readings import Device
from wattmark.core.serving.disjoint import Part, disjoint
from wattmark.core.serving.request import Rule
from wattmark.core.serving.rest_errors import with_rests
from wattmark.core.serving.window import DeviceUse, ServingWindow
from wattmark.core.units import Power

STEP = 2**0.25


def a_device(name: str, component: str, error: float, inside: str | None = None) -> Device:
    return Device(
        id=name,
        component=component,
        source="meter",
        method=Method.BMC,
        grade=Grade.A,
        boundary=Boundary.NODE if component == "node" else Boundary.DEVICE,
        part_of=inside,
        max_power=Power(1e6),
        relative_error=error,
    )


def a_window(parts: tuple[Part, ...], joules: dict[str, float]) -> ServingWindow:
    uses = tuple(
        DeviceUse(
            device_id=part.device.id,
            component=part.device.component,
            source="meter",
            method=Method.BMC,
            grade=Grade.A,
            errors={f"meter:{part.device.id}:gain": part.device.relative_error},
            energy_joules=joules[part.of],
            observed_seconds=60.0,
            idle_joules=joules[part.of],
            unallocated_joules=joules[part.of],
        )
        for part in parts
        if part.of in joules
    )
    return ServingWindow(host_id="h", start_us=0, end_us=60_000_000, rule=Rule.TOKENS, devices=uses)


NODE = disjoint([a_device("node:h", "node", 0.05), a_device("gpu", "gpu", 0.1, "node:h")])


def test_what_is_left_bears_the_error_of_the_whole() -> None:
    """100 J are left of 1,000 J known to 50 J, less 900 J known to 90 J: to 50 % and 90 % of what is left."""
    rest, gpu = with_rests(a_window(NODE, {"node:h": 100.0, "gpu": 900.0}), NODE).devices
    gain, taken = rest.errors["meter:rest_of_node:h:gain"], rest.errors["meter:rest_of_node:h:taken_out"]
    assert 0.5 <= gain <= 0.5 * STEP
    assert 0.9 <= taken <= 0.9 * STEP
    assert gpu.errors == {"meter:gpu:gain": 0.1}


def test_a_steady_load_has_one_error() -> None:
    """Minutes a little apart are one stream in a ledger."""
    near = [with_rests(a_window(NODE, {"node:h": joules, "gpu": 900.0}), NODE) for joules in (100.0, 101.0)]
    assert near[0].devices[0].errors == near[1].devices[0].errors


def test_nested_devices_are_taken_out_whole() -> None:
    """A module of 600 J holds a GPU of 500 J: 400 J of 1,000 J are left of the node."""
    parts = disjoint(
        [
            a_device("node:h", "node", 0.02),
            a_device("module", "module", 0.05, "node:h"),
            a_device("gpu", "gpu", 0.1, "module"),
        ]
    )
    made = with_rests(a_window(parts, {"node:h": 400.0, "module": 100.0, "gpu": 500.0}), parts)
    errors = {use.device_id: use.errors for use in made.devices}
    rest, module = errors["rest_of_node:h"], errors["module/rest"]
    assert rest["meter:rest_of_node:h:gain"] == pytest.approx(0.05, rel=STEP - 1)
    assert rest["meter:rest_of_node:h:taken_out"] == pytest.approx(30 / 400, rel=STEP - 1)
    assert module["meter:module/rest:taken_out"] == pytest.approx(50 / 100, rel=STEP - 1)


def test_without_a_rest_nothing_is_said_anew() -> None:
    """A GPU alone, a node of which nothing is left, and a part that is not in the window."""
    gpu = disjoint([a_device("gpu", "gpu", 0.1)])
    alone = a_window(gpu, {"gpu": 5.0})
    assert with_rests(alone, gpu) is alone
    nothing = a_window(NODE, {"node:h": 0.0, "gpu": 5.0})
    assert with_rests(nothing, NODE) == nothing
    (rest,) = with_rests(a_window(NODE, {"node:h": 10.0}), NODE).devices
    assert rest.errors["meter:rest_of_node:h:taken_out"] == 0.0


@given(st.floats(0.001, 1e4), st.floats(0.0, 1e4), st.floats(0.0, 0.5), st.floats(0.0, 0.5))
def test_a_node_is_never_surer_than_its_meter(left: float, gpu: float, whole: float, inner: float) -> None:
    """All parts together are known no better than the node's own meter knows them."""
    parts = disjoint([a_device("node:h", "node", whole), a_device("gpu", "gpu", inner, "node:h")])
    made = with_rests(a_window(parts, {"node:h": left, "gpu": gpu}), parts)
    half = math.hypot(*(use.energy_joules * e for use in made.devices for e in use.errors.values()))
    assert half >= whole * (left + gpu) * (1 - 1e-9)
