"""Results for the terminal."""

from __future__ import annotations

import pytest

from tests.golden import assert_same
from tests.reports.sample import a_bare_report, a_real_run, a_report
from wattmark.core.figure import Figure, Missing, NotReached, Undefined, exact
from wattmark.core.known import Grade
from wattmark.reports.as_text import answer_text, bar, interval_text, run_summary, sparkline, table

ENERGY = Figure(1230.0, "J", errors={"gain": 60.0}, grades={Grade.B: 1230.0}, coverage=0.98)


def test_an_answer_says_value_interval_grade_and_coverage() -> None:
    """1.23 kJ, give or take 60 J, of a hardware counter that was read 98 % of the time."""
    assert answer_text(ENERGY) == "1.23 kJ [1.17 .. 1.29], grade B, 98 % observed"


def test_an_exact_figure_has_no_interval() -> None:
    """A count is not 12 to 12."""
    assert interval_text(exact(12.0, "1")) == ""
    assert answer_text(exact(12.0, "1")) == "12.0"


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        (Missing("pue", "give --pue"), "missing: pue (give --pue)"),
        (Undefined("no requests were answered"), "undefined: no requests were answered"),
        (NotReached("accuracy>=0.95", exact(5.0, "J")), "not reached: accuracy>=0.95 (spent 5.00 J)"),
        (
            NotReached("accuracy>=0.95", Missing("energy")),
            "not reached: accuracy>=0.95 (spent missing: energy)",
        ),
    ],
)
def test_what_is_not_known_is_never_a_zero(answer: Missing | Undefined | NotReached, text: str) -> None:
    """The words say what is missing and how to give it."""
    assert answer_text(answer) == text


def test_a_table_leaves_text_as_it_is_written() -> None:
    """``1.50`` stays ``1.50``; a bare float gets three digits; None is an empty cell."""
    drawn = table(["a", "b", "c"], [["1.50", 0.123456, None]])
    assert drawn.splitlines()[-1].split() == ["1.50", "0.123"]


def test_a_table_is_as_narrow_as_its_cells() -> None:
    """A row is one line whatever stands in it, and nothing trails behind it."""
    rows = [("a", None), ("two\nlines", 1.5), ("", "x")]
    assert table(("name", "n"), rows).splitlines() == [
        "name       n",
        "---------  ----",
        "a",
        "two lines  1.50",
        "           x",
    ]
    assert table((), [("a", "b")]) == "a  b"
    assert table(("head",), []) == "head\n----"


def test_a_bar_shows_a_sliver_of_something_small_and_nothing_of_nothing() -> None:
    """A part of 0.1 % is there; a part of 0 is not; too much fills the bar."""
    assert bar(0.001) == "▏"
    assert bar(0.0) == ""
    assert bar(7.0, 4) == "████"
    assert bar(0.5, 4, ascii_only=True) == "##"
    assert bar(0.001, 4, ascii_only=True) == "#"


def test_a_sparkline_tells_the_unseen_from_the_low() -> None:
    """A gap is a question mark; zero is the lowest column."""
    assert sparkline([0.0, None, 8.0]) == "▁?█"
    assert sparkline([0.0, None, 8.0], ascii_only=True) == "_?@"
    assert sparkline([]) == ""
    assert sparkline([0.0, 0.0]) == "▁▁"


def test_a_long_sparkline_is_thinned_and_keeps_a_long_gap() -> None:
    """200 values in 10 columns: the fifth column was not seen."""
    values: list[float | None] = [1.0] * 200
    values[80:100] = [None] * 20
    assert sparkline(values, 10) == "████?█████"


def test_the_summary_of_a_run_reads_well() -> None:
    """Energy and its terms, parts, gaps, what was not seen, and which meters were used and why."""
    data = a_report()
    assert_same("run_summary.txt", run_summary(data.runs[0], data.facts) + "\n")


def test_the_summary_of_a_run_without_readings_shows_no_zero() -> None:
    """Energy is missing with its reason; the run was cut off and says so."""
    data = a_bare_report()
    assert_same("run_summary_bare.txt", run_summary(data.runs[0], data.facts) + "\n")
    assert " 0 J" not in run_summary(data.runs[0], data.facts)


def test_plain_ascii_is_enough_for_a_poor_terminal() -> None:
    """No bar, column or sign outside ASCII when only ASCII is asked for."""
    data = a_report()
    run_summary(data.runs[0], data.facts, ascii_only=True).encode("ascii")


def test_a_failed_run_says_that_its_energy_counts() -> None:
    """A failure is told; its joules stay."""
    run = a_real_run(failed=True)
    assert "ended with an error; its energy counts" in run_summary(run, a_report().facts)


def test_a_brief_summary_names_what_was_not_seen_without_the_reasons() -> None:
    """After each measured command one line says which meters were used and what they did not see."""
    data = a_report()
    text = run_summary(data.runs[0], data.facts, brief=True)
    for item in data.runs[0].not_seen:
        assert item.what in text
        assert item.reason not in text


def test_a_long_cell_goes_on_in_the_next_line() -> None:
    """Whole words below each other, the other columns beside the first line; a longer word stays whole."""
    assert table(("what", "n"), [("one two three", 1), ("extraordinary", 2)], fold={0: 8}).splitlines() == [
        "what           n",
        "-------------  -",
        "one two        1",
        "three",
        "extraordinary  2",
    ]
