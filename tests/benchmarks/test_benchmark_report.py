"""The page says what was measured, what was not, and never mistakes one for the other."""

from __future__ import annotations

from pathlib import Path

import pytest
from benchmarks.budgets import Budget
from benchmarks.report import figure, line, markdown
from benchmarks.results import Measurement, Observation, Results

from benchmarks import results

MACHINE = {
    "cpu_model": "Some CPU",
    "cores": 2,
    "memory_gb": 8.0,
    "virtual_machine": True,
    "system": "Linux",
    "kernel": "6.1",
    "architecture": "x86_64",
    "python": "CPython 3.11.7",
    "rapl": False,
    "nvidia_gpu": False,
    "load": {"before": 0.1, "imports": 0.5},
}

IMPORT = Budget("import-cpu", "CPU time of importing", "ms", "<", 40)
STALL = Budget("stall", "Stall", "s", "<=", 0, resolution=0.1)
CALIBRATION = Budget("calibration-error", "Error against a wall meter", "%", "<=", 7)


def _tool(*, ours: bool, kind: str = "meter") -> dict[str, object]:
    return {
        "version": "1.0",
        "revision": "",
        "kind": kind,
        "ours": ours,
        "installed_as": "it",
        "driven": {"default": ""},
        "judged": ["-", "default"],
        "distributions": {},
    }


def _results(*measurements: Measurement, **more: object) -> Results:
    tools = {
        "wattmark": _tool(ours=True),
        "peer": _tool(ours=False),
        "guess": _tool(ours=False, kind="estimator"),
    }
    return Results("2026-11-21", MACHINE, {}, tools, measurements, **more)  # type: ignore[arg-type]


def _summary(page: str, what: str) -> str:
    return next(row for row in page.splitlines() if row.startswith(f"| {what} |"))


def test_a_budget_that_is_kept_says_yes() -> None:
    """30 ms is less than 40 ms; the peer's 100 ms stands beside it."""
    page = markdown(
        _results(
            Measurement("import-cpu", "wattmark", "ms", (29.0, 30.0, 31.0)),
            Measurement("import-cpu", "peer", "ms", (100.0,)),
        ),
        [IMPORT],
    )
    row = _summary(page, "CPU time of importing")
    assert "| < 40 ms | **30 ms** (29 to 31, n = 3) | yes | peer: 100 ms |" in row


def test_a_budget_that_is_missed_says_no() -> None:
    """40 ms is not less than 40 ms."""
    page = markdown(_results(Measurement("import-cpu", "wattmark", "ms", (40.0,))), [IMPORT])
    assert "| **no** |" in _summary(page, "CPU time of importing")


def test_we_are_judged_on_our_costliest_variant() -> None:
    """A cheap import of ours does not hide a dear one."""
    page = markdown(
        _results(
            Measurement("import-cpu", "wattmark", "ms", (10.0,), variant="-"),
            Measurement("import-cpu", "wattmark", "ms", (50.0,), variant="default"),
        ),
        [IMPORT],
    )
    assert "**50 ms**" in _summary(page, "CPU time of importing")
    assert "**no**" in _summary(page, "CPU time of importing")


def test_a_variant_that_does_more_is_shown_and_not_judged() -> None:
    """Writing a file is not in the budget: the verdict is the other's, and its own miss is said beside."""
    page = markdown(
        _results(
            Measurement("import-cpu", "wattmark", "ms", (10.0,)),
            Measurement("import-cpu", "wattmark", "ms", (50.0,), variant="more"),
        ),
        [IMPORT],
    )
    assert "**10 ms**" in _summary(page, "CPU time of importing")
    assert "| yes; more: **no** (50 ms) |" in _summary(page, "CPU time of importing")
    assert "| wattmark, more | 50 |" in page


@pytest.mark.parametrize(
    ("samples", "verdict"),
    [
        ((30.0, 35.0, 45.0), "yes, but not every sample"),
        ((35.0, 45.0, 50.0), "**no**, though some samples do"),
    ],
)
def test_a_verdict_within_the_noise_says_so(samples: tuple[float, ...], verdict: str) -> None:
    """A median on one side of 40 ms with a sample on the other is no clear answer."""
    page = markdown(_results(Measurement("import-cpu", "wattmark", "ms", samples)), [IMPORT])
    assert f"| {verdict} |" in _summary(page, "CPU time of importing")


def test_a_simulation_is_shown_and_earns_no_verdict() -> None:
    """What is neither a tool under test nor a judged variant stays out of the summary, and in the row."""
    page = markdown(
        _results(
            Measurement(
                "calibration-error", "wattmark", "%", (0.5,), variant="simulated", note="a simulation"
            ),
            Measurement("calibration-error", "readings alone", "%", (30.0,)),
        ),
        [CALIBRATION],
    )
    row = _summary(page, "Error against a wall meter")
    assert row.endswith("| no figure that a verdict could rest on: see below | – | – |")
    assert "| wattmark, simulated | 0.5 | 0.5 | 1 | a simulation |" in page


def test_a_row_that_nothing_measured_is_said_and_not_filled_in() -> None:
    """No calibration was run, so there is no figure, no verdict, and a line at the end."""
    page = markdown(_results(), [CALIBRATION])
    assert "| not measured in this run | – | – |" in _summary(page, "Error against a wall meter")
    assert "- Error against a wall meter: not measured in this run." in page


def test_a_skipped_row_gives_its_reason() -> None:
    """Without root there is no namespace, and the reader learns that."""
    page = markdown(_results(skipped={"stall": "network namespaces need root"}), [STALL])
    assert "skipped: network namespaces need root" in _summary(page, "Stall")


def test_our_own_failure_is_no_figure() -> None:
    """A failed measurement of ours shows its error; it never becomes 0."""
    page = markdown(_results(Measurement("import-cpu", "wattmark", "ms", (), error="exit code 1")), [IMPORT])
    assert "| failed: exit code 1 | – |" in _summary(page, "CPU time of importing")


def test_a_failed_peer_is_shown_and_is_never_the_best() -> None:
    """A peer that could not be imported has no median, and its error is in the row's table."""
    page = markdown(
        _results(
            Measurement("import-cpu", "peer", "ms", (), error="No module named 'x'"),
            Measurement("import-cpu", "guess", "ms", (41.0,)),
        ),
        [IMPORT],
    )
    assert "| guess \\*: 41 ms |" in _summary(page, "CPU time of importing")
    assert "| peer | none |  | 0 | No module named 'x' |" in page


def test_a_budget_of_nothing_allows_the_noise_of_the_clock_only() -> None:
    """A budget of 0 s with a resolution of 0.1 s: 0.05 s passes, 0.1 s does not."""
    assert STALL.met_by(0.05) is True
    assert STALL.met_by(-0.05) is True
    assert STALL.met_by(0.1) is False


def test_a_row_without_a_limit_is_not_judged() -> None:
    """Information has no verdict."""
    assert Budget("x", "X", "ms").met_by(1e9) is None


def test_what_a_tool_printed_cannot_break_the_page() -> None:
    """A bar, a newline or a backtick in an error stays inside its cell."""
    page = markdown(_results(Measurement("import-cpu", "peer", "ms", (), error="a|b\nc`d")), [IMPORT])
    assert "| peer | none |  | 0 | a\\|b c'd |" in page


def test_observations_are_listed_under_their_tool() -> None:
    """What was seen is said in words."""
    seen = Observation("peer", "default", "one window", {"names_looked_up": ["example.org"], "threads": 2})
    page = markdown(_results(observations=(seen,)), [])
    assert "- default, one window: names looked up: `example.org`; threads: 2" in page


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.0, "0"), (38.0, "38"), (0.12345, "0.123"), (1.2345, "1.23"), (12.345, "12.3"), (249.4, "249")],
)
def test_a_figure_has_as_many_digits_as_it_deserves(value: float, text: str) -> None:
    """Three significant digits, and no decimals on whole numbers."""
    assert figure(value) == text


def test_the_line_of_a_failure_says_none() -> None:
    """The driver prints the same truth as the page."""
    assert line(Measurement("stall", "peer", "s", (), error="gone")) == "stall: peer: none (gone)"


def test_results_come_back_as_they_were_written(tmp_path: Path) -> None:
    """Writing and reading a document changes nothing."""
    seen = Observation("peer", "default", "one window", {"threads": 2})
    before = _results(Measurement("stall", "peer", "s", (1.0, 2.0)), observations=(seen,), skipped={"a": "b"})
    results.write(before, tmp_path / "deep" / "x.json")
    assert results.read(tmp_path / "deep" / "x.json") == before


def test_a_document_of_another_schema_is_refused(tmp_path: Path) -> None:
    """An unknown file is not guessed at."""
    (tmp_path / "x.json").write_text('{"schema": "other/1"}')
    with pytest.raises(ValueError, match="other/1"):
        results.read(tmp_path / "x.json")


def test_newer_rows_say_of_which_revision_they_are() -> None:
    """Beside that of the rows that stay; where nothing changed there is nothing to say."""
    old = Results("2026-11-21", MACHINE, {}, {"wattmark": {"revision": "aaa"}, "zeus": {"revision": ""}})
    new = old.with_tools({"wattmark": {"revision": "bbb"}, "zeus": {"revision": ""}}, "imports on 2026-11-22")
    assert new.tools["wattmark"]["revision"] == "aaa; imports on 2026-11-22: bbb"
    assert new.tools["zeus"]["revision"] == ""


def test_a_newer_row_takes_the_place_of_the_older_one() -> None:
    """Adding rows to results replaces those of the same tool, and keeps the rest."""
    old = _results(Measurement("stall", "peer", "s", (9.0,)), Measurement("stall", "guess", "s", (1.0,)))
    new = old.with_more([Measurement("stall", "peer", "s", (2.0,))], [], {})
    assert {(m.tool, m.samples) for m in new.of_row("stall")} == {("guess", (1.0,)), ("peer", (2.0,))}
