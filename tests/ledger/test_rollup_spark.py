"""DuckDB on one machine and Spark on several give one answer to one question."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from benchmarks.ledger_tables import Tables, factors, make

from tests.ledger.engines import spark
from wattmark.core.figure import Figure, Missing
from wattmark.core.known import Boundary
from wattmark.core.rollup import Total
from wattmark.ledger.engines.duckdb import DuckDbEngine
from wattmark.ledger.engines.spark import SparkEngine
from wattmark.ledger.rollup import Question, Rollup, roll_up

ROWS = 1_000_000
QUESTIONS = (
    Question(by=("team", "stage"), period="day", time_zone="Europe/Berlin"),
    Question(by=("country", "component", "grade"), period="week", boundary=Boundary.DEVICE),
    Question(
        by=("label.tier", "host"),
        where={"team": ("", *(f"team-{n}" for n in range(10))), "component": ("gpu", "node")},
        start=datetime(2026, 11, 2, 6, tzinfo=UTC),
        end=datetime(2026, 11, 7, tzinfo=UTC),
    ),
    Question(source="counted"),
)


def same_figure(one: Figure | Missing | None, other: Figure | Missing | None) -> None:
    """Equal to 1e-9; what is missing is missing in both."""
    if not isinstance(one, Figure) or not isinstance(other, Figure):
        assert one == other
        return
    assert one.value == pytest.approx(other.value, rel=1e-9)
    assert one.half_width == pytest.approx(other.half_width, rel=1e-9)
    assert (one.terms, one.unit) == (other.terms, other.unit)


def same_total(one: Total, other: Total) -> None:
    """Whole numbers bit by bit, the rest to 1e-9."""
    exact = (
        "group",
        "period",
        "observed_uj",
        "gap_uj",
        "device_only_uj",
        "without_factor_uj",
        "work",
        "quality",
    )
    for name in exact:
        assert getattr(one, name) == getattr(other, name), name
    assert one.runs.runs == other.runs.runs
    assert one.runs.duration_seconds == other.runs.duration_seconds
    assert one.runs.operations == other.runs.operations
    for name in ("energy", "facility", "carbon", "carbon_known", "pue", "intensity"):
        same_figure(getattr(one, name), getattr(other, name))


def asked(tables: Tables, session: Any) -> list[tuple[Rollup, Rollup]]:
    """Every question, put to both engines."""
    found = []
    for question in QUESTIONS:
        with DuckDbEngine() as engine:
            one = roll_up(tables, question, factors(), engine)
        with SparkEngine(session) as engine:
            found.append((one, roll_up(tables, question, factors(), engine)))
    return found


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("large", [False, True], ids=["usual", "beyond int64"])
def test_duckdb_and_a_spark_of_several_processes_agree(tmp_path: Path, large: bool) -> None:
    """A million rows with hierarchy, shares, gaps and six zones: energies bit by bit, carbon to 1e-9."""
    with spark("local-cluster[2,1,1024]") as session:
        tables = make(tmp_path / "tables", ROWS, large=large, device_only=True)
        for one, other in asked(tables, session):
            assert len(one.totals) == len(other.totals)
            assert one.findings == other.findings
            assert one.without_factor_uj == other.without_factor_uj
            for mine, theirs in zip(one.totals, other.totals, strict=True):
                same_total(mine, theirs)
            same_total(one.whole, other.whole)
            assert one.whole.observed_uj > 0
            assert isinstance(one.whole.carbon, Figure)
            assert one.whole.gap_uj > 0
        assert (one.whole.observed_uj > 2**63) is large


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_session_that_is_given_keeps_its_settings_and_goes_on(tmp_path: Path) -> None:
    """Days stay text and overflows errors while we use it; afterwards it is as it was."""
    with spark("local[1]") as session:
        session.conf.set("spark.sql.session.timeZone", "Europe/Berlin")
        tables = make(tmp_path / "tables", 1000)
        with SparkEngine(session) as engine:
            assert session.conf.get("spark.sql.session.timeZone") == "UTC"
            first = roll_up(tables, Question(by=("team",), period="day"), factors(), engine)
            again = roll_up(tables, Question(by=("team",), period="day"), factors(), engine)
        assert first == again
        assert session.conf.get("spark.sql.session.timeZone") == "Europe/Berlin"
        assert session.range(3).count() == 3
        with SparkEngine(session) as engine:
            empty = roll_up(Tables(tmp_path / "nothing"), Question(by=("run",)), factors(), engine)
        assert empty.totals == ()
