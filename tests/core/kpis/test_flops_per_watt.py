"""FLOPs per Watt: achieved and peak, two KPIs that never meet."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.core.kpis.builders import PEAK, done, joules, of, some_facts
from wattmark.core.facts import PeakHardware
from wattmark.core.figure import Missing, Undefined, differing_terms
from wattmark.core.known import Grade

ACHIEVED = "flops_per_watt"
PEAK_ID = "peak_flops_per_watt"
FACTS = some_facts(energy=joules(50), work=done("flop", 1000, precision="fp32"), peak=PEAK)


def test_1000_flop_for_50_joules_are_20_per_joule() -> None:
    """FLOP/s over watts is FLOP over joules."""
    answer = of(ACHIEVED, FACTS)
    assert (answer.value, answer.unit) == (20.0, "FLOP/J")
    assert answer.terms["flops"] == "achieved"
    assert (answer.terms["precision"], answer.terms["sparsity"]) == ("fp32", "dense")


def test_a_thousand_flop_per_second_at_10_watts_are_100_per_joule_at_grade_e() -> None:
    """Published figures are declared, not measured."""
    answer = of(PEAK_ID, FACTS)
    assert (answer.value, answer.unit, answer.grade) == (100.0, "FLOP/J", Grade.E)
    assert answer.terms["flops"] == "peak"
    assert answer.sources == ("X1: sheet",)


def test_a_published_figure_without_source_is_declared() -> None:
    """It says so."""
    bare = PeakHardware(name="X1", flops_per_second=1.0, tdp_watts=1.0, precision="fp8", sparse=True)
    answer = of(PEAK_ID, replace(FACTS, peak=bare))
    assert answer.sources == ("X1: declared",)
    assert answer.terms["sparsity"] == "sparse"


def test_one_tera_flop_per_joule_is_3_600_000_tera_flop_per_kilowatt_hour() -> None:
    """TFLOP per kWh = FLOP/J x 3.6e-6."""
    answer = of(ACHIEVED, replace(FACTS, work=done("flop", 50e12, precision="fp32")))
    assert answer.value == pytest.approx(1e12)
    assert "3.6e+06 TFLOP per kWh" in answer.notes


def test_achieved_and_peak_are_never_compared() -> None:
    """Even at one precision their terms differ."""
    same = replace(FACTS, work=done("flop", 1000, precision="bf16"))
    assert "flops" in {name for name, _, _ in differing_terms(of(ACHIEVED, same), of(PEAK_ID, same))}


def test_two_precisions_are_never_compared() -> None:
    """An fp32 FLOP is another amount of work than a bf16 one."""
    other = replace(FACTS, work=done("flop", 1000, precision="bf16"))
    differing = differing_terms(of(ACHIEVED, FACTS), of(ACHIEVED, other))
    assert differing == [("precision", "fp32", "bf16")]


def test_what_is_not_known_is_missing() -> None:
    """Energy, the count, the precision, the hardware."""
    assert of(ACHIEVED, replace(FACTS, energy=Missing("energy"))) == Missing("energy")
    assert of(ACHIEVED, replace(FACTS, work={})).field == "work (flop)"
    assert of(ACHIEVED, replace(FACTS, work=done("flop", 1))).field == "precision of the FLOP"
    assert of(PEAK_ID, replace(FACTS, peak=None)).field == "peak FLOP/s and TDP of the hardware"


def test_a_mixture_of_precisions_is_refused() -> None:
    """Half fp32 and half bf16 is not the same work as any other mixture."""
    mixed = replace(FACTS, work=done("flop", 1000, precision="mixed"))
    assert of(ACHIEVED, mixed).field == "one precision of the FLOP"


def test_nothing_to_divide_or_to_divide_by_makes_it_undefined() -> None:
    """No energy, no FLOP, no TDP."""
    assert isinstance(of(ACHIEVED, replace(FACTS, energy=joules(0))), Undefined)
    assert isinstance(of(ACHIEVED, replace(FACTS, work=done("flop", 0, precision="fp32"))), Undefined)
    assert isinstance(of(PEAK_ID, replace(FACTS, peak=replace(PEAK, tdp_watts=0.0))), Undefined)
