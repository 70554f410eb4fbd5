"""SQL over the documented views: what it answers, what it refuses, and what it cannot reach."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from tests.ledger.derived import HOUR, NOON, Derived
from wattmark.core.errors import UsageError
from wattmark.ledger.query import LedgerQuery
from wattmark.ledger.views import VIEWS

SECRET = "nobody may read this"


@pytest.fixture
def ledger(tmp_path: Path) -> Derived:
    """A node's meter beside the CPU that it holds, one run and its work."""
    made = Derived(tmp_path / "ledger")
    made.subject(team="vision", labels={"owner": "b"})
    made.place(pue=1.2, site="lyon")
    made.known()
    made.energy(60, boundary=0, hidden_from=1, reach=1)
    made.energy(100, component="node", device_id="node:h1")
    made.energy(3.6e6, start_us=NOON + HOUR, component="node", device_id="node:h1")
    made.run()
    made.work(count=5)
    return made.write()


@pytest.fixture
def query(ledger: Derived) -> Iterator[LedgerQuery]:
    with LedgerQuery(ledger) as opened:
        yield opened


def rows(query: LedgerQuery, sql: str) -> list[tuple[Any, ...]]:
    return list(query.ask(sql).rows)


def test_sums_of_energy_count_every_device_once(query: LedgerQuery) -> None:
    """The CPU is inside what the node's meter read; the table of all readings says which count."""
    assert rows(query, "SELECT SUM(energy_joules) FROM energy") == [(3_600_100.0,)]
    assert rows(query, "SELECT SUM(energy_uj) FROM quarters") == [(3_600_100_000_000,)]
    assert rows(query, "SELECT component, in_node_total FROM readings ORDER BY energy_uj") == [
        ("cpu", False),
        ("node", True),
        ("node", True),
    ]


def test_views_speak_as_people_do(query: LedgerQuery) -> None:
    """Tags, places and kilowatt-hours stand beside the energy; times are UTC."""
    answer = query.ask(
        "SELECT started, team, labels->>'owner' AS owner, site, pue, grade, boundary, energy_kwh FROM energy "
        "WHERE energy_kwh >= 1"
    )
    assert answer.columns == ("started", "team", "owner", "site", "pue", "grade", "boundary", "energy_kwh")
    assert list(answer.rows) == [(datetime(2026, 11, 1, 13), "vision", "b", "lyon", 1.2, "B", "node", 1.0)]  # noqa: DTZ001


def test_every_view_has_its_documented_columns(query: LedgerQuery) -> None:
    """In their order, also where there are no rows."""
    for name, view in VIEWS.items():
        assert query.ask(f"SELECT * FROM {name}").columns == tuple(view.columns), name


def test_runs_and_work_are_there(query: LedgerQuery) -> None:
    """With the tags of their subjects."""
    assert rows(query, "SELECT record_id, team, duration_seconds, status FROM runs") == [
        ("r1", "vision", 10.0, "closed")
    ]
    assert rows(query, "SELECT unit, SUM(count) FROM work GROUP BY unit") == [("inferences", 5.0)]


def test_energy_without_a_subject_is_shown_all_the_same(tmp_path: Path) -> None:
    """A row is never dropped for want of a tag."""
    ledger = Derived(tmp_path)
    ledger.energy()
    with LedgerQuery(ledger.write()) as query:
        assert rows(query, "SELECT team, energy_joules FROM energy") == [(None, 90.0)]


def test_an_empty_ledger_has_all_views(tmp_path: Path) -> None:
    """A first look does not fail."""
    with LedgerQuery(Derived(tmp_path)) as query:
        assert rows(query, "SELECT COUNT(*) FROM energy") == [(0,)]


@pytest.mark.parametrize(
    ("sql", "said"),
    [
        ("SELEC 1", r"(?s)syntax error at or near \"SELEC\".*LINE 1: SELEC 1\n +\^.*The views are: energy"),
        ("SELECT tem FROM energy", r"(?s)\"tem\" not found.*LINE 1"),
        ("SELECT 1 FROM nowhere", r"(?s)Table with name nowhere does not exist!\n.*The views are: energy, "),
        ("SELECT 1; SELECT 2", "one query at a time, not 2"),
        ("", "one query at a time, not 0"),
        ("SELECT CAST('x' AS INT)", "(?s)Could not convert string 'x'"),
    ],
)
def test_mistakes_are_told_with_their_place_and_what_there_is(
    query: LedgerQuery, sql: str, said: str
) -> None:
    """DuckDB's own words, and the names of the views."""
    with pytest.raises(UsageError, match=said):
        list(query.ask(sql).rows)


@pytest.mark.parametrize(
    "sql",
    [
        "CREATE TABLE mine AS SELECT 1",
        "DROP VIEW energy",
        "INSERT INTO energy_rows SELECT * FROM energy_rows",
        "COPY (SELECT 1) TO '{folder}/out.csv'",
        "ATTACH '{folder}/new.db'",
        "SET memory_limit = '100GB'",
        "SET enable_external_access = true",
        "RESET allowed_paths",
        "CALL enable_logging()",
        "INSTALL httpfs",
        "EXPORT DATABASE '{folder}'",
        "EXPLAIN ANALYZE COPY (SELECT 1) TO '{folder}/out.csv'",
        "explain analyze CREATE TABLE mine AS SELECT 1",
        "EXPLAIN (ANALYZE) COPY (SELECT 1) TO '{folder}/out.csv'",
        "EXPLAIN /* SELECT */ ANALYZE COPY (SELECT 1) TO '{folder}/out.csv'",
    ],
)
def test_whatever_is_not_reading_is_refused(query: LedgerQuery, tmp_path: Path, sql: str) -> None:
    """And leaves nothing behind."""
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(UsageError, match="a ledger is only read here"):
        query.ask(sql.format(folder=tmp_path))
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT * FROM read_text('{file}')",
        "SELECT * FROM read_csv('{file}')",
        "SELECT * FROM '{file}'",
        "SELECT * FROM glob('{folder}/*')",
        "SELECT * FROM read_csv('https://localhost:1/x.csv')",
        "SELECT * FROM secret",
        "SELECT getenv('HOME')",
    ],
)
def test_nothing_else_of_the_machine_can_be_read(query: LedgerQuery, tmp_path: Path, sql: str) -> None:
    """No file, no address, no variable of the program or its environment."""
    secret = tmp_path / "secret.txt"
    secret.write_text(SECRET)
    with pytest.raises(UsageError, match="the query does not work") as refused:
        list(query.ask(sql.format(file=secret, folder=tmp_path)).rows)
    assert SECRET not in str(refused.value)


def test_a_query_larger_than_the_memory_goes_by_way_of_the_disk(ledger: Derived) -> None:
    """Locked as it is, DuckDB may still use its own temporary folder."""
    with LedgerQuery(ledger, memory="60MB") as query:
        sql = "SELECT COUNT(DISTINCT x) FROM (SELECT md5(CAST(range AS VARCHAR)) AS x FROM range(2000000))"
        assert rows(query, sql) == [(2_000_000,)]


def test_a_query_without_an_end_does_not_fill_the_disk(query: LedgerQuery) -> None:
    """What it may write is bounded, whatever the disk would hold."""
    sql = "SELECT value FROM duckdb_settings() WHERE name = 'max_temp_directory_size'"
    assert rows(query, sql) == [("9.3 GiB",)]


@pytest.mark.parametrize(
    "sql",
    ["EXPLAIN SELECT * FROM energy", "explain analyze\nFROM energy", "EXPLAIN (FORMAT json) SELECT 1"],
)
def test_explain_is_reading(query: LedgerQuery, sql: str) -> None:
    """What a query would do, or did."""
    assert rows(query, sql)[0][0] in ("physical_plan", "analyzed_plan")


def test_explaining_never_writes_over_the_ledgers_own_files(ledger: Derived) -> None:
    """EXPLAIN ANALYZE runs what it explains, and the ledger's files may be opened."""
    with LedgerQuery(ledger) as query:
        for sql in (
            "EXPLAIN ANALYZE COPY",
            "EXPLAIN\tANALYZE (FORMAT json) COPY",
            "EXPLAIN --\nANALYZE COPY",
        ):
            for file in ledger.files("cube"):
                before = Path(file).read_bytes()
                with pytest.raises(UsageError):
                    query.ask(f"{sql} COPY (SELECT 1 AS x) TO '{file}' (FORMAT PARQUET, USE_TMP_FILE false)")
                assert Path(file).read_bytes() == before


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="needs signals")
def test_a_query_without_an_end_can_be_interrupted(query: LedgerQuery) -> None:
    """Ctrl-C, in the middle of an operator in which DuckDB does not look for it."""
    endless = "WITH RECURSIVE t(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM t) SELECT COUNT(*) FROM t"
    timer = threading.Timer(1.0, signal.pthread_kill, [threading.get_ident(), signal.SIGINT])
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        query.ask(endless)
    timer.join()
    assert rows(query, "SELECT 1") == [(1,)]
