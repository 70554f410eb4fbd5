"""What a gate says in a terminal."""

from __future__ import annotations

from dataclasses import replace

from wattmark.core.governance.decision import Kind, Standing
from wattmark.core.verdict import Verdict
from wattmark.reports.gate_text import gate_text
from wattmark.testing.decisions import every_standing


def test_the_last_line_counts_in_words_that_read_on() -> None:
    """One budget, which warns: ``1 with a warning of 1``."""
    whole = every_standing()
    (budget,) = [rule for rule in whole.rules if rule.kind is Kind.BUDGET]
    decision = replace(whole, rules=(replace(budget, standing=Standing.WARNING),))
    told = gate_text(Verdict(findings=()), decision)
    assert "(1 with a warning of 1)" in told
    assert "of of" not in told
