"""From generation to an intensity: built-in factors, and a user's own with their source."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wattmark.core.errors import ConfigError, UsageError
from wattmark.grid.catalog import Asked, signal_of, terms_of
from wattmark.grid.failures import SchemaDrift
from wattmark.grid.mix import DIRECT, LIFECYCLE, factors_of, point_of

POUND = 453.59237
HEAD = "kind,basis,grams_per_kwh,source\n"


def own(folder: Path, *rows: str) -> Path:
    """A file of factors."""
    path = folder / "factors.csv"
    path.write_text(HEAD + "\n".join(rows) + "\n")
    return path


def grams(mix: dict[str, float], basis: str = "direct", file: Path | None = None) -> float:
    """The intensity of one hour."""
    point = point_of("test", 0, 1, mix, factors_of(basis, file))
    assert point is not None
    return point.grams_per_kwh


def test_the_direct_factors_are_those_of_eia() -> None:
    """Pounds per kWh of 2022: coal 2.30, natural gas 0.97, petroleum 2.38; biomass counts as neutral."""
    assert (DIRECT["coal"], DIRECT["gas"], DIRECT["oil"]) == (2.30 * POUND, 0.97 * POUND, 2.38 * POUND)
    assert {kind for kind, value in DIRECT.items() if value == 0} >= {"biomass", "wind", "nuclear", "hydro"}


def test_the_lifecycle_factors_are_the_medians_of_ar5() -> None:
    """Table A.III.2: coal 820, gas 490, biomass 230, utility PV 48, hydro 24, nuclear 12, wind 11."""
    kinds = ("coal", "gas", "biomass", "solar", "geothermal", "hydro", "nuclear", "wind")
    assert [LIFECYCLE[kind] for kind in kinds] == [820, 490, 230, 48, 38, 24, 12, 11]
    assert "oil" not in LIFECYCLE


@given(st.dictionaries(st.sampled_from(sorted(LIFECYCLE)), st.floats(0.1, 1e5), min_size=1))
def test_an_intensity_lies_between_its_cleanest_and_its_dirtiest_plant(mix: dict[str, float]) -> None:
    """And twice as much of everything is the same intensity."""
    found = grams(mix, "lifecycle")
    factors = [LIFECYCLE[kind] for kind in mix]
    assert min(factors) * (1 - 1e-9) <= found <= max(factors) * (1 + 1e-9)
    assert grams({kind: 2 * amount for kind, amount in mix.items()}, "lifecycle") == pytest.approx(found)


def test_lignite_counts_as_coal_until_it_has_a_factor(tmp_path: Path) -> None:
    """With one of the user's it counts as itself; the built-in ones hold for the rest."""
    file = own(tmp_path, "lignite,direct,1090,national inventory 2025", "lignite,lifecycle,1200,study")
    mix = {"lignite": 1.0, "nuclear": 1.0}
    assert grams(mix) == pytest.approx(2.30 * POUND / 2)
    assert grams(mix, file=file) == pytest.approx(1090 / 2)
    found = factors_of("direct", file)
    assert found.source.startswith("own factors (national inventory 2025), else EIA")


def test_a_kind_without_a_factor_can_be_given_one(tmp_path: Path) -> None:
    """Peat has none built in."""
    with pytest.raises(SchemaDrift, match="peat"):
        grams({"peat": 1.0})
    assert grams({"peat": 1.0}, file=own(tmp_path, "peat,direct,1050,inventory")) == 1050.0


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("unicorns,direct,1,x", "line 2, kind.*none of coal"),
        ("coal,market,1,x", "line 2, basis"),
        ("coal,direct,much,x", "line 2, grams_per_kwh.*'much'"),
        ("coal,direct,nan,x", "line 2, grams_per_kwh"),
        ("coal,direct,900000,x", "line 2, grams_per_kwh"),
        ("coal,direct,900,", "line 2, source.*missing"),
        ("coal,direct,900,x\ncoal,direct,901,x", "coal comes twice"),
        ("coal,lifecycle,900,x", "holds no direct factor"),
    ],
)
def test_a_file_that_cannot_be_used_names_line_and_column(tmp_path: Path, row: str, said: str) -> None:
    """Nothing of it is used."""
    with pytest.raises(ConfigError, match=said):
        factors_of("direct", own(tmp_path, row))


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    """It is named."""
    with pytest.raises(ConfigError, match=r"none\.csv.*cannot be read"):
        factors_of("direct", tmp_path / "none.csv")


def test_own_factors_are_another_series(tmp_path: Path) -> None:
    """The cache does not mix them with the built-in ones, nor with another file of the user's."""
    file = own(tmp_path, "coal,direct,900,x")
    name, signal = signal_of(Asked(name="entsoe", factors=file))
    assert signal.startswith("direct own-")
    assert terms_of(name, signal) == ("location", "direct")
    file.write_text(HEAD + "coal,direct,901,x\n")
    assert signal_of(Asked(name="entsoe", factors=file))[1] != signal
    with pytest.raises(UsageError, match="tells an intensity"):
        signal_of(Asked(name="neso", factors=file))


@pytest.mark.parametrize(
    ("name", "signal", "terms"),
    [
        ("electricity-maps", "lifecycle", ("location", "lifecycle")),
        ("watttime", "co2_moer", ("marginal", "direct")),
        ("watttime", "co2_aoer", ("location", "direct")),
        ("own.toml", "location lifecycle 0123456789abcdef", ("location", "lifecycle")),
    ],
)
def test_what_a_signal_means(name: str, signal: str, terms: tuple[str, str]) -> None:
    """Accounting and basis, before anybody is asked."""
    assert terms_of(name, signal) == terms
