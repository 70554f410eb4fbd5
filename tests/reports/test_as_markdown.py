"""The Markdown report."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.golden import assert_same
from tests.reports.sample import a_bare_report, a_report
from wattmark.core.figure import Missing, NotReached, Undefined, exact
from wattmark.reports.as_markdown import escaped, inert, markdown_report


def test_the_report_reads_well() -> None:
    """Verdict and score first, figures in one table, the rest folded, blind spots in the open."""
    data = a_report()
    shown = ("energy_to_solution", "carbon_per_inference_operational", "pue")
    answers = {
        **{key: data.answers[key] for key in shown},
        "flops_per_watt": Undefined("no FLOP were done"),
        "data_efficiency_score": Missing("unique bytes", "`wattmark dataset PATH` counts them"),
        "model_efficiency_ratio": NotReached("accuracy>=0.95", exact(3600.0, "J")),
    }
    assert_same("report.md", markdown_report(replace(data, answers=answers)))


def test_a_report_without_figures_says_what_is_missing() -> None:
    """No table of nothing."""
    text = markdown_report(a_bare_report())
    assert "**No figure is known:** missing: energy" in text
    assert "| Value |" not in text


def test_a_score_that_cannot_be_made_says_what_it_lacks() -> None:
    """The reason stands where the number would."""
    data = a_report()
    assert data.score is not None
    lines = tuple(
        replace(line, ratio=Missing("energy", "measure it"), used=None) for line in data.score.lines
    )
    score = replace(data.score, lines=lines, arithmetic=Missing("energy"))
    assert "**No score:**" in markdown_report(replace(data, score=score))


def test_names_cannot_format_link_notify_or_break_a_table() -> None:
    """A model may be named like anything."""
    assert escaped("a|b <img> @team [x](y) *z*\n#1") == (
        "a\\|b &lt;img&gt; &#64;team \\[x\\](y) \\*z\\* \\#1"
    )
    assert escaped("use `a|b`") == "use `a\\|b`"
    assert escaped("it`s") == "it&#96;s"
    assert "<script>" not in markdown_report(replace(a_report(), title="<script>"))


@pytest.mark.parametrize(
    ("text", "made"),
    [
        ("@team a@b.org", "&#64;&#8203;team a&#64;&#8203;b.org"),
        ("fixes #1", "fixes \\#&#8203;1"),
        ("see HTTPS://evil.example WWW.evil.example", "see HTTPS&#58;//evil.example WWW&#46;evil.example"),
        ("a: b", "a: b"),
        ("`@team https://x`", "`@team https://x`"),
    ],
)
def test_names_that_go_to_a_forge_link_nowhere_and_call_nobody(text: str, made: str) -> None:
    """What is escaped is itself again in the finished page, where forges look; code is looked at by none."""
    assert inert(text) == made
    assert "&#64;&#8203;team" in markdown_report(replace(a_report(), title="@team"))
