"""The Carbon Footprint table in an emulator of BigQuery, through Google's own client.

The emulator needs 412 MB and a Python of its own: `python -m venv bq`, then `bq/bin/pip install
bqemulator==1.4.0 numpy pyarrow`, then this test with WATTMARK_TEST_BQEMULATOR=bq/bin/python.
"""

from __future__ import annotations

import os
import socket
import subprocess
import time
from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest

from tests.fakes.ports import free_port
from tests.sources.bigquery_stub import FIELDS, schema
from tests.sources.test_google_carbon import a_client, a_row
from wattmark.sources.bigquery_table import BigQueryTable
from wattmark.sources.catalog import Asked
from wattmark.sources.google_carbon import GoogleCarbon

PYTHON = os.environ.get("WATTMARK_TEST_BQEMULATOR", "")
START = """
import sys
from bqemulator.cli import main
from bqemulator.storage import engine
engine.DuckDBEngine._load_spatial = lambda self: None  # the extension is not on PyPI, and no column needs it
sys.argv = ["bqemulator", "start", "--rest-port", sys.argv[1], "--grpc-port", sys.argv[2], "--project", "p"]
sys.exit(main())
"""


@pytest.fixture(scope="module")
def client() -> Iterator[Any]:
    if not PYTHON:
        pytest.skip("no emulator of BigQuery: WATTMARK_TEST_BQEMULATOR names a Python that has bqemulator")
    rest, grpc = free_port(), free_port()
    command = [PYTHON, "-c", START, str(rest), str(grpc)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        _wait_for(rest)
        yield a_client(f"http://127.0.0.1:{rest}")
    finally:
        process.terminate()
        process.wait(20)


def _wait_for(port: int) -> None:
    for _ in range(300):
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            time.sleep(0.1)
    raise TimeoutError("the emulator did not start within 30 s")


@pytest.mark.slow
def test_the_months_that_are_asked_for_come_out_as_they_went_in(client: Any) -> None:
    """Seven regions in May; July is not asked for."""
    from google.cloud import bigquery

    client.create_dataset("carbon")
    fields = [bigquery.SchemaField.from_api_repr(field) for field in schema(FIELDS)]
    table = client.create_table(bigquery.Table("p.carbon.footprint", schema=fields))
    rows = [a_row("2026-05", f"region-{n}") for n in range(7)]
    assert client.insert_rows_json(table, [*rows, a_row("2026-07")]) == []
    months = BigQueryTable("p.carbon.footprint", client=client).months(date(2026, 5, 1), date(2026, 6, 1))
    portions = list(GoogleCarbon(Asked(), read=months).read())
    runs = [run for portion in portions for run in portion.runs]
    assert sorted(run.subject.region or "" for run in runs) == [f"region-{n}" for n in range(7)]
    assert all(run.statements[0].value == 600.0 for run in runs)
    assert [bad for portion in portions for bad in portion.bad] == []
