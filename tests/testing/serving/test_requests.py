"""Single requests: their energies and the idle energy are the device's."""

from __future__ import annotations

import pytest

pytest.importorskip("numpy")

from wattmark.testing.serving.plan import Device, Model, Plan, Traffic
from wattmark.testing.serving.requests import detailed

QUIET = Plan(
    models=(Model(traffic=(Traffic(requests_per_minute=40.0, output_tokens=60.0),)),), minutes=10, seed=1
)


def test_the_energies_of_all_requests_and_idleness_make_up_the_device() -> None:
    """Only what is still running at the end is missing: no more than a hundredth."""
    found = detailed(QUIET)
    told = sum(served.joules for served in found.requests) + found.idle_joules
    assert 0.99 <= told / found.joules <= 1.0 + 1e-9
    assert found.idle_joules > 0.0


def test_power_adds_up_to_the_energy() -> None:
    """600 samples of a second each, without noise: the joules of ten minutes."""
    plan = Plan(models=QUIET.models, devices=(Device(white=0.0),), minutes=10, seed=1)
    found = detailed(plan)
    assert len(found.power) == 600
    assert sum(sample.watts for sample in found.power) == pytest.approx(found.joules, rel=0.001)


def test_a_request_costs_by_its_tokens() -> None:
    """Those with the most output tokens cost more than those with the fewest."""
    found = sorted(detailed(QUIET).requests, key=lambda s: s.request.output_tokens or 0)
    few, many = found[:20], found[-20:]
    assert sum(s.joules for s in many) > 5 * sum(s.joules for s in few)
