"""Requests with their joules, in files."""

from pathlib import Path

import pytest

from tests.attribution.exact_power import a_series
from wattmark.attribution.attribute import attribute
from wattmark.attribution.columns import of
from wattmark.attribution.result import RequestEnergies
from wattmark.attribution.writing import writer_to
from wattmark.core.errors import UsageError
from wattmark.core.serving.dividing import Piece
from wattmark.core.serving.request import Request, Service

parquet = pytest.importorskip("pyarrow.parquet", reason="wattmark[attribute] is not installed")


def energies() -> RequestEnergies:
    """One with everything, one with next to nothing that took no time."""
    full = Request(
        request_id="a", service=Service(model="chat", tenant="shop"), start_us=0, first_token_us=2, end_us=10,
        input_tokens=3, cached_input_tokens=1, output_tokens=4, failed=True,
    )  # fmt: skip
    bare = Request(service=Service(), start_us=3, end_us=3)
    return attribute(of([full, bare]), [a_series([Piece(0, 10, 10.0)])]).requests


def test_parquet_holds_each_request_and_how_it_is_known(tmp_path: Path) -> None:
    """What is not known is null, also the observed share of a request that took no time."""
    path = tmp_path / "out.parquet"
    with writer_to(path) as writer:
        writer.write(energies())
        writer.write(energies())
    rows = parquet.read_table(path).to_pylist()
    assert len(rows) == 4
    full, bare = rows[:2]
    assert (full["request_id"], full["model"], full["tenant"], full["failed"]) == ("a", "chat", "shop", True)
    assert (full["energy_joules"], full["prefill_joules"], full["decode_joules"]) == pytest.approx((10, 2, 8))
    assert full["end"].isoformat() == "1970-01-01T00:00:00.000010+00:00"
    assert (full["request"], full["row"], full["observed_share"]) == (1, None, 1.0)
    assert (bare["energy_joules"], bare["observed_share"], bare["output_tokens"]) == (0, None, None)
    assert (bare["first_token"], bare["request_id"]) == (None, "")


def test_csv_holds_the_same(tmp_path: Path) -> None:
    """A header and a line per request."""
    path = tmp_path / "out.csv"
    with writer_to(path) as writer:
        writer.write(energies())
    header, first, _ = path.read_text().splitlines()
    assert header.startswith('"request","row","request_id","model"')
    assert '"chat"' in first


def test_a_file_without_requests_has_its_columns(tmp_path: Path) -> None:
    """So that whoever reads it finds an empty table, not an error."""
    path = tmp_path / "out.parquet"
    with writer_to(path):
        pass
    table = parquet.read_table(path)
    assert (table.num_rows, "energy_joules" in table.column_names) == (0, True)


def test_what_was_there_stays_when_something_fails(tmp_path: Path) -> None:
    """And nothing half written is left."""
    path = tmp_path / "out.parquet"
    path.write_text("before")
    with pytest.raises(RuntimeError, match="stop"):
        _write_and_fail(path)
    assert [(p.name, p.read_text()) for p in tmp_path.iterdir()] == [("out.parquet", "before")]


def _write_and_fail(path: Path) -> None:
    with writer_to(path) as writer:
        writer.write(energies())
        raise RuntimeError("stop")


def test_a_name_must_say_the_format_and_the_folder_must_be_there(tmp_path: Path) -> None:
    """Before hours of work, not after."""
    with pytest.raises(UsageError, match=r"ends in \.parquet or \.csv"), writer_to(tmp_path / "out.txt"):
        pass
    with pytest.raises(UsageError, match="there is no such folder"), writer_to(tmp_path / "no" / "out.csv"):
        pass
