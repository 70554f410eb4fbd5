"""Intensity by country: a sourced yearly mean, and no silent world average."""

from __future__ import annotations

import pytest

from wattmark.core.errors import RefusedError
from wattmark.grid.bundled import country_intensity, world_intensity


@pytest.mark.parametrize("country", ["DEU", "deu", " Deu "])
def test_a_country_is_found_by_its_code(country: str) -> None:
    """Germany in 2024: 342 gCO2e/kWh, location-based, lifecycle, with its source."""
    found = country_intensity(country)
    assert found.grams_per_kwh == pytest.approx(342.06)
    assert (found.zone, found.accounting, found.basis, found.granularity) == (
        "DEU",
        "location",
        "lifecycle",
        "year",
    )
    assert (found.year, found.relative_error, found.note) == (2024, 0.10, "")
    assert found.figure().value == found.grams_per_kwh


@pytest.mark.parametrize("country", ["", "XXX", "Germany", "WORLD", "DE"])
def test_an_unknown_place_is_refused(country: str) -> None:
    """Never the world average in silence; the message names three ways out."""
    with pytest.raises(RefusedError, match=r"ISO 3166 alpha-3.*--intensity.*--world-average"):
        country_intensity(country)


def test_a_zero_in_the_table_is_refused() -> None:
    """The source prints 0 g for the Central African Republic; plants and lines are not made of nothing."""
    with pytest.raises(RefusedError, match=r"Central African Republic.*--intensity"):
        country_intensity("CAF")


def test_the_world_average_is_flagged() -> None:
    """Asked for by name, with half of itself as its uncertainty, and a note."""
    found = world_intensity()
    assert (found.zone, found.relative_error) == ("WORLD", 0.5)
    assert found.note == "world average: the place is not known"
    assert found.note in found.figure().notes
    assert 200 < found.grams_per_kwh < 900
