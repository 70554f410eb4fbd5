"""Carbon of a ledger's group: each part meets its own PUE and its own grid."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given as examples
from hypothesis import strategies as st

from tests.core.ledger_parts import FRANCE, KWH, POLAND, a_group, a_part, how
from wattmark.core.carbon import Intensity, Pue
from wattmark.core.errors import RefusedError
from wattmark.core.figure import Figure, Missing
from wattmark.core.parts import Part
from wattmark.core.rollup import CarbonTerms, Total, total_of

SITE = Pue(value=1.5, kind="measured", relative_error=0.1)


def value(figure: object) -> float:
    assert isinstance(figure, Figure), figure
    return figure.value


def rolled(*parts: Part) -> Total:
    return total_of(a_group(*parts))


def test_energy_times_pue_times_intensity() -> None:
    """1 kWh x 1.5 x 36 g/kWh = 54 g, at the facility."""
    told = rolled(a_part(intensity=FRANCE, pue=SITE))
    assert value(told.carbon) == pytest.approx(54)
    assert value(told.facility) == pytest.approx(1.5 * 3.6e6)
    assert isinstance(told.carbon, Figure)
    assert told.carbon.terms["boundary"] == "facility"
    assert told.carbon.terms["pue_kind"] == "measured"
    assert set(told.carbon.errors) == {"rapl:k1:gain", "pue:measured:1.5", "intensity:table:FRA"}
    assert told.carbon == told.carbon_known


def test_energy_without_a_pue_stays_at_the_node_and_says_so() -> None:
    """An unknown PUE is never 1 in silence."""
    told = rolled(a_part(intensity=FRANCE))
    assert isinstance(told.carbon, Figure)
    assert told.carbon.value == pytest.approx(36)
    assert told.carbon.terms["boundary"] == "node"
    assert any("the PUE is unknown" in note for note in told.carbon.notes)
    assert isinstance(told.facility, Missing)
    assert isinstance(told.pue, Missing)


def test_device_energy_is_never_multiplied_by_a_pue() -> None:
    """Only node energy is; a mixture names both boundaries, and its facility energy is Missing."""
    told = rolled(a_part(intensity=FRANCE, pue=SITE), a_part(intensity=FRANCE, pue=SITE, reach=0))
    assert isinstance(told.carbon, Figure)
    assert told.carbon.value == pytest.approx(54 + 36)
    assert told.carbon.terms["boundary"] == "device+facility"
    assert told.device_only_uj == KWH
    assert str(told.facility).startswith("missing: energy of whole nodes")
    assert value(told.intensity) == pytest.approx(36)


def test_facility_energy_never_meets_a_pue_again() -> None:
    """What a site's own meter read holds cooling already."""
    told = rolled(a_part(intensity=FRANCE, pue=SITE, reach=2))
    assert value(told.carbon) == pytest.approx(36)
    assert value(told.facility) == pytest.approx(3.6e6)
    assert isinstance(told.pue, Missing)


def test_a_site_meter_beside_nodes_counts_as_a_pue_of_one_in_the_mean() -> None:
    """1 kWh at the facility, 1 kWh of a node x 1.5: 2.5 kWh for 2, which is 1.25."""
    told = rolled(a_part(intensity=FRANCE, reach=2), a_part(intensity=FRANCE, pue=SITE))
    assert value(told.pue) == pytest.approx(1.25)
    assert value(told.carbon) == pytest.approx(36 + 54)
    assert value(told.facility) == pytest.approx(2.5 * 3.6e6)


def test_two_grids_make_one_effective_intensity() -> None:
    """Energy x effective PUE x effective intensity is the carbon, whatever met what."""
    one, two = a_part(3.0, FRANCE, Pue(value=1.2)), a_part(1.0, POLAND, Pue(value=1.6))
    told = rolled(one, two)
    assert value(told.carbon) == pytest.approx(3 * 1.2 * 36 + 1.6 * 720)
    assert value(told.energy) / 3.6e6 * value(told.pue) * value(told.intensity) == pytest.approx(
        value(told.carbon)
    )
    assert isinstance(told.intensity, Figure)
    assert set(told.intensity.errors) == {"intensity:table:FRA", "intensity:table:POL"}


@examples(
    st.lists(st.tuples(st.floats(1e-3, 1e6), st.floats(1, 3), st.floats(1, 2000)), min_size=1, max_size=6)
)
def test_effective_factors_always_give_the_carbon(met: list[tuple[float, float, float]]) -> None:
    """For any energies, PUEs and intensities."""
    told = rolled(
        *(
            a_part(kwh, replace(FRANCE, zone=f"Z{n}", grams_per_kwh=grams), Pue(value=pue))
            for n, (kwh, pue, grams) in enumerate(met)
        )
    )
    expected = sum(round(kwh * KWH) / KWH * pue * grams for kwh, pue, grams in met)
    assert value(told.carbon) == pytest.approx(expected, rel=1e-9)
    by_means = value(told.energy) / 3.6e6 * value(told.pue) * value(told.intensity)
    assert by_means == pytest.approx(expected, rel=1e-9)


def test_factors_that_change_from_hour_to_hour_meet_by_their_weighted_sums() -> None:
    """1 kWh at 30 and 3 kWh at 50 g/kWh: 180 g, the mean being 45."""
    hourly = replace(FRANCE, grams_per_kwh=30)
    part = replace(a_part(4.0, hourly, Pue(value=1.0)), by_grid=180.0 * KWH, by_both=180.0 * KWH)
    told = rolled(part)
    assert value(told.carbon) == pytest.approx(180)
    assert value(told.intensity) == pytest.approx(45)


def test_meters_of_one_site_are_one_error_whatever_their_mean() -> None:
    """Measured by the hour: energy on two grids met means of 1.2 and 1.6, and the same meters read both."""
    one, other = (
        replace(a_part(1.0, grid, SITE), by_pue=mean * KWH, by_both=mean * KWH * grid.grams_per_kwh)
        for mean, grid in ((1.2, FRANCE), (1.6, POLAND))
    )
    carbon = rolled(one, other).carbon
    assert isinstance(carbon, Figure)
    grams = 1.2 * 36 + 1.6 * 720
    assert carbon.value == pytest.approx(grams)
    assert carbon.errors["pue:measured:1.5"] == pytest.approx(0.1 * grams)
    assert {s for s in carbon.sources if s.startswith("PUE")} == {"PUE 1.2 (measured)", "PUE 1.6 (measured)"}


def test_the_rounding_of_sums_does_not_change_a_constant_factor() -> None:
    """A PUE of 1 must not become 0.9999999999999999, which would be refused."""
    part = a_part(intensity=FRANCE, pue=Pue(value=1.0))
    told = rolled(replace(part, by_pue=part.by_pue * (1 - 1e-15), by_both=part.by_both * (1 - 1e-15)))
    assert value(told.pue) == 1.0
    assert value(told.intensity) == 36.0


def test_energy_without_a_factor_is_named_and_never_given_a_mean() -> None:
    """The total's carbon is Missing; what the rest made, and how much energy is not in it, are told."""
    told = rolled(a_part(3.0, FRANCE), a_part(1.0))
    assert isinstance(told.carbon, Missing)
    assert value(told.carbon_known) == pytest.approx(108)
    assert told.without_factor_uj == KWH
    assert isinstance(told.intensity, Missing)


def test_no_factor_at_all_gives_no_carbon() -> None:
    """Energy alone is a total all the same."""
    told = rolled(a_part(pue=SITE))
    assert isinstance(told.carbon, Missing)
    assert told.carbon_known is None
    assert told.without_factor_uj == KWH
    assert value(told.facility) == pytest.approx(1.5 * 3.6e6)
    assert value(told.pue) == 1.5


def test_grams_of_two_accountings_are_never_added() -> None:
    """Location and market stand beside each other; their sum would be nothing."""
    market = replace(POLAND, accounting="market")
    told = rolled(a_part(intensity=FRANCE), a_part(intensity=market))
    assert str(told.carbon).startswith("missing: carbon on equal terms")
    assert "accounting: location against market" in str(told.carbon)
    assert told.carbon_known is None
    assert str(told.intensity).startswith("missing: grid intensity on equal terms")
    assert told.without_factor_uj == 0


def test_what_may_not_be_added_stands_apart() -> None:
    """Scope 2 of 1 kWh and of 2 more in France are 108 g; 1 kWh of a cloud is another inventory's 720 g."""
    cloud = replace(POLAND, inventory="scope 3.1")
    told = rolled(a_part(intensity=FRANCE), a_part(2.0, FRANCE), a_part(intensity=cloud), a_part(4.0))
    assert isinstance(told.carbon, Missing)
    apart = told.carbon_by_terms
    assert {terms.inventory: value(figure) for terms, figure in apart.items()} == pytest.approx(
        {"scope 2": 108.0, "scope 3.1": 720.0}
    )
    assert all(figure.terms["inventory"] == terms.inventory for terms, figure in apart.items())


def test_what_may_be_added_is_one() -> None:
    """Two countries on equal terms: the only entry is the carbon of the whole."""
    told = rolled(a_part(intensity=FRANCE), a_part(intensity=POLAND))
    (only,) = told.carbon_by_terms.items()
    assert only == (CarbonTerms("location", "lifecycle", "scope 2"), told.carbon)


def test_two_kinds_of_pue_are_both_named() -> None:
    """A declared PUE beside a measured one: the sum says that it holds both."""
    told = rolled(a_part(intensity=FRANCE, pue=SITE), a_part(intensity=FRANCE, pue=Pue(value=1.2)))
    assert isinstance(told.carbon, Figure)
    assert isinstance(told.pue, Figure)
    assert told.carbon.terms["pue_kind"] == told.pue.terms["pue_kind"] == "declared+measured"


def test_a_pue_that_only_some_energy_met_is_no_pue_of_the_whole() -> None:
    """Carbon multiplies what it can; the effective PUE is Missing, and KPIs then stay at the node."""
    told = rolled(a_part(intensity=FRANCE, pue=SITE), a_part(intensity=FRANCE))
    assert isinstance(told.pue, Missing)
    assert isinstance(told.facility, Missing)
    assert isinstance(told.carbon, Figure)
    assert told.carbon.value == pytest.approx(54 + 36)
    assert told.carbon.terms["boundary"] == "facility+node"
    assert told.carbon.terms["pue_kind"] == "measured+none"
    assert value(told.intensity) == pytest.approx(36)


def test_nothing_used_still_has_its_factors() -> None:
    """An idle device that used 0 J makes 0 g, and no division by zero."""
    told = rolled(a_part(0.0, FRANCE, SITE), a_part(0.0, POLAND, SITE))
    assert value(told.carbon) == 0.0
    assert value(told.pue) == 1.5


def test_an_impossible_pue_is_refused() -> None:
    """A facility cannot use less than the machines in it."""
    with pytest.raises(RefusedError, match=r"PUE of 0\.5 is impossible"):
        rolled(a_part(intensity=FRANCE, pue=Pue(value=0.5)))


def test_one_meter_in_two_places_is_one_error() -> None:
    """Its gain adds up over both grids; two meters' gains do not."""
    half = {"rapl:k1:gain": 0.05}
    one = rolled(a_part(1, FRANCE), a_part(1, POLAND))
    two = rolled(a_part(1, FRANCE), a_part(1, POLAND, known=how("k2")))
    assert isinstance(one.carbon, Figure)
    assert isinstance(two.carbon, Figure)
    assert one.carbon.errors["rapl:k1:gain"] == pytest.approx(half["rapl:k1:gain"] * 756)
    assert two.carbon.half_width < one.carbon.half_width


def test_intensities_of_two_sources_do_not_mix_their_sums() -> None:
    """Tables are told apart by all that a comparison needs to know, not by their value alone."""
    other = Intensity(grams_per_kwh=72.0, zone="FRA", source="other table", year=2025)
    told = rolled(a_part(intensity=FRANCE), a_part(intensity=other))
    assert value(told.carbon) == pytest.approx(36 + 72)
    assert isinstance(told.carbon, Figure)
    assert {"table 2025 (FRA, year)", "other table 2025 (FRA, year)"} <= set(told.carbon.sources)
