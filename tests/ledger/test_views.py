"""The documented views: their page speaks of them all, and its examples run."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.ledger.derived import NOON, Derived
from wattmark.ledger.columns import DERIVED
from wattmark.ledger.query import LedgerQuery
from wattmark.ledger.views import VIEWS

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "ledger" / "views.md").read_text(encoding="utf-8")
EXAMPLES = [
    sql
    for block in re.findall(r"```sql\n(.*?)```", PAGE, re.DOTALL)
    for sql in block.split(";")
    if sql.strip()
]


@pytest.mark.parametrize("sql", EXAMPLES)
def test_the_examples_of_the_page_run(tmp_path: Path, sql: str) -> None:
    """Each gives a row for a ledger in which there is something of everything."""
    ledger = Derived(tmp_path)
    ledger.subject(team="a", labels={"owner": "b"})
    ledger.place()
    ledger.known()
    ledger.energy()
    ledger.energy(allocation="unallocated")
    ledger.add(
        "lost",
        day="2026-11-01",
        start_us=NOON,
        end_us=NOON + 1,
        host_id="h1",
        device_id="d",
        record_id="r2",
        energy_uj=1,
        counted_from="r1",
        reason="a better grade",
    )
    with LedgerQuery(ledger.write()) as query:
        assert list(query.ask(sql).rows)


def test_every_view_has_a_section() -> None:
    """Generated from the code, so that it cannot drift."""
    for name, view in VIEWS.items():
        assert f"\n## {name}\n" in PAGE
        assert set(view.order) <= set(view.columns), name


def test_every_column_of_every_table_can_be_asked_for() -> None:
    """What is stored is shown, under its own name or in the units of people."""
    raw = {table for table in DERIVED if table in VIEWS and set(DERIVED[table]) <= set(VIEWS[table].columns)}
    assert {"counted", "cube", "subjects", "places", "knowns"} <= raw
    ids = {"subject_id", "place_id", "start_us", "end_us", "bucket_us", "energy_uj"}
    for table in ("work", "runs", "lost", "quality", "statements"):
        assert set(DERIVED[table]) - ids <= set(VIEWS[table].columns), table
