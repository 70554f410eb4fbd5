"""Looks at power: energy between them, and what is none."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wattmark.sources.mlflow_power import Looks


def looks(*seconds: float, watts: float = 100.0) -> Looks:
    """100 W at each of these moments."""
    return Looks(seconds, (watts,) * len(seconds))


@pytest.mark.parametrize(
    ("seconds", "joules", "observed"),
    [
        ((0.0, 10.0, 3600.0), 1000.0, [(0.0, 10.0)]),  # an hour is not the period of three looks
        ((0.0, 3590.0, 3600.0), 1000.0, [(3590.0, 3600.0)]),
        ((0.0, 3600.0), 0.0, []),  # two looks tell no period: MLflow's usual ten seconds
        ((0.0, 0.2), 20.0, [(0.0, 0.2)]),
        ((0.0, 60.0, 120.0), 12_000.0, [(0.0, 120.0)]),  # one that was set to a minute
        ((5.0,), 0.0, []),
    ],
)
def test_a_gap_among_a_few_looks_is_a_gap(
    seconds: tuple[float, ...], joules: float, observed: list[tuple[float, float]]
) -> None:
    """It does not become the period because there are few others."""
    found = looks(*seconds).integrated(2000.0)
    assert found[0] == pytest.approx(joules)
    assert found[1] == observed


@given(st.lists(st.floats(0.0, 1000.0), min_size=3, max_size=30))
def test_regular_looks_are_integrated_by_trapezia(watts: list[float]) -> None:
    """Ten seconds apart: half of the first and of the last, and all in between, times ten."""
    seconds = tuple(10.0 * i for i in range(len(watts)))
    joules, observed, _ = Looks(seconds, tuple(watts)).integrated(2000.0)
    assert joules == pytest.approx(10.0 * (sum(watts) - (watts[0] + watts[-1]) / 2), abs=1e-9)
    assert observed == [(0.0, seconds[-1])]
