"""Scope 2 and what is upstream of it: two figures of one energy, or a refusal."""

from __future__ import annotations

from typing import Any

import pytest

from tests.builders import a_run
from wattmark.config import Config, PlaceConfig
from wattmark.core.errors import RefusedError, UsageError
from wattmark.core.figure import Figure, Missing
from wattmark.core.run import Run, Subject
from wattmark.wiring import Stated, given_from
from wattmark.wiring.split import inventories_of

KWH = 90.0 / 3.6e6


def apart(stated: Stated | None = None, run: Run | None = None, **place: Any) -> tuple[Figure, Figure]:
    """Both figures."""
    found = inventories_of(run or a_run(), Config(place=PlaceConfig(**place)), stated or Stated())
    assert isinstance(found[0], Figure)
    assert isinstance(found[1], Figure)
    return found[0], found[1]


def test_the_parts_are_the_whole() -> None:
    """Direct and upstream carbon of the United Kingdom add up to the lifecycle figure."""
    scope2, upstream = apart(country="GBR")
    whole = given_from(Config(), Stated(country="GBR"), [a_run()]).intensity
    assert whole is not None
    assert scope2.value + upstream.value == pytest.approx(KWH * whole.grams_per_kwh)
    assert (scope2.terms["inventory"], scope2.terms["basis"]) == ("scope 2", "direct")
    assert upstream.terms["inventory"] == "scope 3.3"
    assert "less DESNZ" in upstream.sources[-1]


def test_a_lifecycle_figure_alone_is_a_product_view() -> None:
    """It enters no inventory; a direct one enters Scope 2."""
    for basis, inventory in (("lifecycle", "product-only"), ("direct", "scope 2")):
        found = given_from(Config(), Stated(country="GBR", basis=basis), [a_run()]).intensity
        assert found is not None
        assert found.inventory == inventory


def test_where_one_is_not_known_it_is_refused() -> None:
    """Of Japan only a lifecycle figure is shipped."""
    with pytest.raises(RefusedError, match="only a lifecycle figure is known"):
        apart(country="JPN")


def test_a_cloud_s_electricity_is_not_split() -> None:
    """It is bought with the service: Scope 3.1 holds both."""
    with pytest.raises(RefusedError, match=r"scope 3\.1, which holds both parts"):
        apart(run=a_run(subject=Subject(region="eu-west-2")))


def test_one_stated_figure_is_of_one_basis() -> None:
    """And cannot be two."""
    with pytest.raises(UsageError, match="on one basis"):
        apart(Stated(intensity=100.0))
    with pytest.raises(RefusedError, match="leave the configured figure out"):
        apart(world_average=True)


def test_without_a_place_both_are_missing() -> None:
    """The hint says what to give."""
    found = inventories_of(a_run(), Config(), Stated())
    assert all(isinstance(one, Missing) for one in found)
