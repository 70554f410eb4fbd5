"""Published figures are read as they are: what is not published stays unknown."""

from __future__ import annotations

import pytest

from wattmark import tables
from wattmark.core.errors import UsageError
from wattmark.core.facts import PeakHardware
from wattmark.core.figure import Missing
from wattmark.core.hardware import PRECISIONS, Spec, find, peak_of, per_joule, rate, spec_from


@pytest.fixture(scope="module")
def specs() -> list[Spec]:
    """The shipped table."""
    return [spec_from(row) for row in tables.rows("hardware")]


def test_the_table_is_wide_enough_for_procurement(specs: list[Spec]) -> None:
    """At least 40 devices of all kinds, each id once."""
    assert len(specs) >= 40
    assert len({s.id for s in specs}) == len(specs)
    assert {"gpu", "tpu", "npu", "cpu"} <= {s.kind for s in specs}


def test_every_device_names_its_source(specs: list[Spec]) -> None:
    """A figure without a source is not shipped."""
    assert all(s.source_title and s.source_url.startswith("https://") for s in specs)


def test_rates_are_plausible(specs: list[Spec]) -> None:
    """Between a gigaflop and 100 petaflop per second; a lower precision is never slower on matrix units."""
    for s in specs:
        assert all(1e9 <= r <= 1e17 for r in s.rates.values()), s.id
        for slow, fast in (("tf32", "bf16"), ("bf16", "fp8"), ("fp8", "fp4")):
            if slow in s.rates and fast in s.rates:
                assert s.rates[slow] <= s.rates[fast], s.id


def test_h100_peak_per_joule(specs: list[Spec]) -> None:
    """989.4 TFLOP/s of bf16 at 700 W are 1.41 TFLOP per joule, twice that with sparsity."""
    h100 = find(specs, "h100-sxm")
    assert h100.id == "nvidia-h100-sxm5-80gb"
    assert per_joule(h100, "bf16") == pytest.approx(989.4e12 / 700)
    assert per_joule(h100, "bf16", sparse=True) == pytest.approx(2 * 989.4e12 / 700)


def test_vector_rates_know_no_sparsity(specs: list[Spec]) -> None:
    """Structured sparsity belongs to the matrix units."""
    h100 = find(specs, "nvidia-h100-sxm5-80gb")
    assert rate(h100, "fp64", sparse=True) is None
    assert rate(find(specs, "nvidia-p4"), "int8", sparse=True) is None


def test_what_is_not_published_is_missing(specs: list[Spec]) -> None:
    """Neither a rate nor a power is made up."""
    assert isinstance(peak_of(find(specs, "nvidia-p4"), "bf16"), Missing)
    v5e = find(specs, "google-tpu-v5e")
    assert per_joule(v5e, "bf16") is None
    no_power = peak_of(v5e, "bf16")
    assert isinstance(no_power, Missing)
    assert "rated power" in no_power.field


def test_the_ceiling_names_precision_and_source(specs: list[Spec]) -> None:
    """What estimates are made from can be traced."""
    peak = peak_of(find(specs, "h100-sxm"), "bf16", sparse=True)
    assert isinstance(peak, PeakHardware)
    assert (peak.precision, peak.sparse, peak.tdp_watts) == ("bf16", True, 700)
    assert "data sheet" in peak.source


def test_an_ambiguous_name_is_answered_with_the_candidates(specs: list[Spec]) -> None:
    """`h100` could be one of three."""
    with pytest.raises(UsageError, match="nvidia-h100-pcie-80gb"):
        find(specs, "h100")


def test_an_unknown_name_points_at_the_list(specs: list[Spec]) -> None:
    """The message says where the names are."""
    with pytest.raises(UsageError, match="wattmark hardware list"):
        find(specs, "abacus")


def test_every_precision_has_a_column() -> None:
    """A row with all precisions is read whole."""
    row = {**tables.rows("hardware")[0]}
    row.update({f"{p}_{'tops' if p == 'int8' else 'tflops'}": "1" for p in PRECISIONS})
    assert set(spec_from(row).rates) == set(PRECISIONS)
    assert spec_from({**row, "year": ""}).year is None
