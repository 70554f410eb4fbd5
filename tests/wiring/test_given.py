"""What is stated must be possible and must not contradict itself."""

from __future__ import annotations

import math

import pytest

from wattmark.config import Config
from wattmark.core.errors import UsageError
from wattmark.wiring import Stated, given_from


@pytest.mark.parametrize("count", [0.0, -5.0, math.nan, math.inf])
def test_an_impossible_lifetime_is_refused(count: float) -> None:
    """It must not read as one that was not given."""
    with pytest.raises(UsageError, match="--lifetime-inferences"):
        given_from(Config(), Stated(lifetime_inferences=count))


@pytest.mark.parametrize("intensity", [-5.0, math.nan, math.inf])
def test_an_impossible_intensity_is_refused(intensity: float) -> None:
    """Below zero, or no number at all."""
    with pytest.raises(UsageError, match="--intensity"):
        given_from(Config(), Stated(intensity=intensity))


@pytest.mark.parametrize(
    "other", [Stated(country="FRA", world_average=True), Stated(intensity=5.0, world_average=True)]
)
def test_a_place_and_the_world_contradict_each_other(other: Stated) -> None:
    """One of them would be left out in silence."""
    with pytest.raises(UsageError, match="contradict"):
        given_from(Config(), other)


def test_a_country_names_the_zone_of_a_stated_intensity() -> None:
    """These two go together: the figure counts, the country says where."""
    given = given_from(Config(), Stated(country="FRA", intensity=50.0))
    assert given.intensity is not None
    assert (given.intensity.grams_per_kwh, given.intensity.zone) == (50.0, "FRA")
