"""The same commands on a ledger in an object store, against a real S3 server on loopback."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("deltalake", reason="a ledger's tables need the extra `ledger`")
pytest.importorskip("obstore", reason="object stores need the extra `ledger`")

from tests.cli.ledgers import ask, nothing_else, portfolio, told
from tests.fakes.s3_server import S3Server


@pytest.fixture
def url(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A prefix of a bucket, named by the environment with its credentials."""
    pytest.importorskip("moto.server", reason="needs moto[server]")
    nothing_else(tmp_path, monkeypatch)
    with S3Server() as server:
        server.create_bucket("energy")
        for name, value in server.environ().items():
            monkeypatch.setenv(name, value)
        monkeypatch.setenv("WATTMARK_LEDGER", "s3://energy/ai")
        yield "s3://energy/ai"


@pytest.mark.slow
def test_every_command_works_on_an_object_store(url: str, tmp_path: Path) -> None:
    """From the first file to SQL, exports and purge: nothing is said twice for a bucket."""
    assert f"wrote {url}/ledger.toml" in ask("init", "--name", "ours").stdout
    portfolio(tmp_path)
    assert told("add", "runs")["files"] == 4
    body = told("totals", "--by", "team")
    assert (body["ledger"], body["whole"]["observed_microjoules"]) == ("ours", 360_000_000)
    assert told("runs")["count"] == 4
    assert told("query", "SELECT SUM(energy_uj) FROM energy")["rows"] == [[360_000_000]]
    told("export", "out", "--format", "csv", "--view", "energy")
    rows = csv.DictReader(io.StringIO((tmp_path / "out" / "energy.csv").read_text()))
    assert sum(int(row["energy_uj"]) for row in rows) == 360_000_000
    assert told("verify")["sound"] is True
    assert [v["runs"] for v in told("history")["versions"]] == [4]
    assert told("compact")["files_after"] > 0
    record_id = told("runs")["runs"][0]["record_id"]
    assert told("purge", record_id, "--reason", "asked for", "--yes")["record_ids"] == [record_id]
    assert told("totals")["whole"]["observed_microjoules"] == 270_000_000
