"""``wattmark data`` as a user runs it."""

from __future__ import annotations

import hashlib
import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from click.testing import Result

from tests.cli.running import verb
from wattmark import tables
from wattmark.cli.data import group
from wattmark.core.errors import ConfigError, UsageError
from wattmark.grid.bundled import yearly

HEAD = "zone,name,year,gco2e_per_kwh,basis,note\n"
UK = f"{HEAD}GBR,United Kingdom,2027,100,direct,\n"
SAID = ("--version", "2027", "--source", 'the "department"', "--licence", "OGL")


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where this user's own tables go."""
    monkeypatch.setenv("WATTMARK_HOME", str(tmp_path / "home"))
    return tmp_path / "home" / "tables"


def update(tmp_path: Path, text: str, *more: str, name: str = "uk_desnz") -> Result:
    path = tmp_path / "new.csv"
    path.write_bytes(text.encode())
    return verb(group, "update", name, path, *SAID, *more)


def test_every_shipped_table_is_listed() -> None:
    """With version, source, licence and rows."""
    found = {t["name"]: t for t in json.loads(verb(group, "list", "--json").output)["tables"]}
    assert {"hardware", "grid/egrid", "cloud_regions", "metrics/prometheus"} <= set(found)
    assert found["grid/egrid"]["rows"] == 28
    assert all(t["version"] and t["source"] and t["licence"] and t["rows"] for t in found.values())
    said = verb(group, "list").output
    assert "CC BY 4.0, credit Ember" in said


def test_what_is_shipped_is_as_described() -> None:
    """Exit code 0."""
    done = verb(group, "verify")
    assert done.return_value == 0
    assert "tables are as described" in done.output
    body = json.loads(verb(group, "verify", "--json").output)
    assert all(t["problem"] is None for t in body["tables"])


def test_a_table_of_ones_own_goes_first_and_its_figures_say_so(tmp_path: Path, home: Path) -> None:
    """Byte for byte, with version and SHA-256; and what it takes the place of is said."""
    said = update(tmp_path, UK).output
    digest = hashlib.sha256(UK.encode()).hexdigest()
    assert "took in grid/uk_desnz, version 2027: 1 rows" in said
    assert digest in said
    assert "goes before the shipped one, version 2026: 3 rows" in said
    assert (home / "grid/uk_desnz.csv").read_text() == UK
    meta = tables.meta("grid/uk_desnz", home)
    assert (meta.sha256, meta.year, meta.source) == (digest, 2027, 'the "department"')
    assert yearly("GBR", "direct", mine=home).source == "DESNZ conversion factors, own table 2027"
    assert "uk_desnz (own)" in verb(group, "list").output


def test_one_that_was_altered_is_named_and_ends_with_1(tmp_path: Path, home: Path) -> None:
    """A figure that was changed by hand is found."""
    update(tmp_path, UK)
    (home / "grid/uk_desnz.csv").write_text(UK.replace("100", "1"))
    done = verb(group, "verify")
    assert done.return_value == 1
    assert "your own grid/uk_desnz: " in done.output
    assert "was altered" in done.output


def test_a_dry_run_keeps_nothing(tmp_path: Path, home: Path) -> None:
    """It says what would be."""
    assert "would take in" in update(tmp_path, UK, "--dry-run").output
    assert not home.exists()


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("zone,name\nGBR,UK\n", "lacks year, gco2e_per_kwh, basis, note"),
        (UK.replace("100", "much"), "row 1: gco2e_per_kwh is 'much'"),
        (UK.replace("direct", "green"), "row 1: basis is 'green'"),
        (UK.replace(",direct,", ",direct"), "row 1: has more or fewer cells"),
        (UK.replace("100", "0"), "holds no figure above 0"),
        (HEAD, "holds no figure above 0"),
    ],
)
def test_half_a_table_is_refused_whole(tmp_path: Path, home: Path, text: str, problem: str) -> None:
    """Row and column are named, and nothing is kept."""
    with pytest.raises(ConfigError, match=problem):
        update(tmp_path, text)
    assert not home.exists()


def test_only_tables_of_factors_can_be_ones_own(tmp_path: Path) -> None:
    """What measuring rests on is not among them."""
    with pytest.raises(UsageError, match=r"'uncertainty' is no table.*grid/egrid"):
        update(tmp_path, UK, name="uncertainty")


def test_a_file_that_is_absent_is_named(tmp_path: Path) -> None:
    """With the system's word for it."""
    with pytest.raises(UsageError, match="cannot be read: No such file"):
        verb(group, "update", "egrid", tmp_path / "none.csv", *SAID)


class _Server(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        """The table, half of it, or an error."""
        self.send_response(404 if self.path == "/none.csv" else 200)
        self.send_header("Content-Length", str(len(UK) + (self.path == "/half.csv")))
        self.end_headers()
        if self.path != "/none.csv":
            self.wfile.write(UK.encode())

    def log_message(self, *arguments: object) -> None:
        """Says nothing."""


def test_a_table_is_fetched_from_the_address_that_was_named(home: Path) -> None:
    """A server that has none, or sends half of it, is named."""
    server = HTTPServer(("127.0.0.1", 0), _Server)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    address = f"http://127.0.0.1:{server.server_port}"
    try:
        verb(group, "update", "uk_desnz", f"{address}/uk.csv", *SAID)
        with pytest.raises(UsageError, match=r"none\.csv: cannot be read: Not Found"):
            verb(group, "update", "uk_desnz", f"{address}/none.csv", *SAID)
        with pytest.raises(UsageError, match=r"half\.csv: cannot be read: it ended after \d+ of \d+ bytes"):
            verb(group, "update", "egrid", f"{address}/half.csv", *SAID)
    finally:
        server.shutdown()
        server.server_close()
    assert yearly("GBR", "direct", mine=home).grams_per_kwh == 100
