"""Scores, comparisons and verdicts in words."""

from __future__ import annotations

import pytest

from wattmark.core.causes import CarbonChange
from wattmark.core.compare import Outcome
from wattmark.core.figure import Figure, Missing, Undefined, exact
from wattmark.core.groups import Comparison
from wattmark.core.kpis import CATALOG, Better
from wattmark.core.policy import Limit
from wattmark.core.rubric import Factors, Rubric, Weighted
from wattmark.core.score import Score, assemble, score_line
from wattmark.core.verdict import Finding, Ruling, Verdict
from wattmark.reports.decisions import (
    causes_text,
    change,
    outcome_word,
    ranking_text,
    score_text,
    verdict_text,
)

ENERGY, PUE = CATALOG["energy_to_solution"], CATALOG["pue"]
RUBRIC = Rubric(
    id="r",
    version="1",
    kpis=(Weighted(kpi=ENERGY.id, weight=0.5), Weighted(kpi=PUE.id, weight=0.5)),
)


def a_score(energy: object, pue: object = None, factors: Factors = Factors.BASELINE) -> Score:
    """A score of two KPIs against 1 kWh and a PUE of 1.2."""
    lines = [
        score_line(ENERGY, 0.5, exact(1.0, "kWh"), energy),  # type: ignore[arg-type]
        score_line(PUE, 0.5, exact(1.2, "1"), pue or exact(1.2, "1")),  # type: ignore[arg-type]
    ]
    return assemble(lines, RUBRIC, factors)


def test_a_score_in_words() -> None:
    """KPIs with both values, the score with its interval, and on which terms."""
    text = score_text(a_score(Figure(0.8, "kWh", {"gain": 0.04})), "old (1 run)", notes=["a note"])
    assert "Energy-to-Solution" in text
    assert "score 112  [109 .. 116]   (baseline 100, best 200)" in text
    assert text.endswith("factors: the baseline's\na note")
    assert "each side's own" in score_text(a_score(exact(0.8, "kWh"), factors=Factors.ACTUAL), "old")


def test_nothing_used_has_no_upper_end() -> None:
    """0 kWh: saturated, and no unclipped score can be told."""
    text = score_text(a_score(exact(0.0, "kWh")), "old")
    assert "no upper end" in text
    assert text.splitlines()[6] == "saturated: a KPI counts at most as twice as good"


def test_what_is_missing_is_on_one_side_or_between_them() -> None:
    """The candidate's field with its hint, or a ratio that does not exist."""
    text = score_text(a_score(Missing("outcome", "declare it"), Undefined("no energy")), "old", ["training"])
    assert "energy_to_solution: missing: outcome; declare it" in text
    assert "pue: undefined: no energy" in text
    assert "enough for: --rubric training" in text
    assert "below zero" in score_text(a_score(exact(-1.0, "kWh")), "old")


def test_a_ranking_puts_the_best_first_and_no_score_last() -> None:
    """And says when the two aggregations disagree."""
    scores = {
        "none": a_score(Missing("outcome")),
        "good": a_score(exact(0.5, "kWh")),
        "fair": a_score(exact(0.9, "kWh")),
    }
    lines = ranking_text(scores, disputed=True).splitlines()
    assert [line.split()[0] for line in lines[2:5]] == ["good", "fair", "none"]
    assert "no score" in lines[4]
    assert "rank these differently" in lines[5]


@pytest.mark.parametrize(
    ("ratio", "words"), [(1.05, "+5 %"), (0.8, "-20 %"), (1.0001, "0 %"), (2.5, "+150 %")]
)
def test_a_ratio_as_a_change(ratio: float, words: str) -> None:
    """Signed, three digits, and nothing below a twentieth of a per cent."""
    assert change(ratio) == words


def test_what_has_no_effect_is_undecided_with_its_reason() -> None:
    """Or regressed, where only the candidate missed its outcome."""
    missing = Comparison(
        kpi="pue",
        better=Better.LOWER,
        baseline=Missing("pue"),
        candidate=Missing("pue"),
        effect=None,
        outcome=Outcome.UNDECIDED,
        reason="missing: pue",
    )
    assert outcome_word(missing, 0.0) == "undecided: missing: pue"


def test_causes_in_words() -> None:
    """Those that changed, largest number and share, or that nothing did."""
    causes = {"work": 0.0, "energy": -20.0, "pue": 0.0, "grid": 60.0, "embodied": 0.0}
    text = causes_text(CarbonChange(before=100.0, after=140.0, causes=causes, notes=("a note",)))
    assert "carbon 100 gCO2e -> 140 gCO2e (+40.0 gCO2e)" in text
    assert "energy per unit of work  -20.0 gCO2e  -50 %" in text
    assert "grid intensity           +60.0 gCO2e  150 %" in text
    assert "PUE" not in text
    assert text.endswith("a note")
    same = CarbonChange(before=100.0, after=100.0, causes=dict.fromkeys(causes, 0.0))
    assert "nothing changed" in causes_text(same)


def test_a_verdict_in_words() -> None:
    """One line per limit; what is broken and what lacks evidence is counted."""
    limit = Limit(kpi="pue", max=1.5)
    rulings = (Ruling.PASS, Ruling.VIOLATION, Ruling.UNDECIDED)
    findings = tuple(Finding(limit=limit, ruling=r) for r in rulings)
    text = verdict_text(Verdict(findings=findings))
    assert text.splitlines()[-1] == "verdict: violation (1 broken, 1 without enough evidence of 3)"
    assert verdict_text(Verdict(findings=findings[:1])).endswith("verdict: pass")
