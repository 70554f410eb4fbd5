"""AWS Data Exports of CARBON_EMISSIONS: both sets of columns, partitions, versions of the model, S3."""

from __future__ import annotations

import gzip
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.s3_server import KEYS, S3Server
from tests.sources.text_world import TextWorld, notes_of, read
from wattmark.core.errors import EvidenceError, MissingExtra, WattmarkError
from wattmark.core.run import Run
from wattmark.core.statements import accounting_of, only_states
from wattmark.sources.catalog import Asked, open_source
from wattmark.testing.source_suite import SourceSuite, SourceWorld

OLD = (
    "last_refresh_timestamp", "location", "model_version", "payer_account_id", "product_code", "region_code",
    "total_lbm_emissions_unit", "total_lbm_emissions_value", "total_mbm_emissions_unit",
    "total_mbm_emissions_value", "usage_account_id", "usage_period_end", "usage_period_start",
)  # fmt: skip
SCOPED = tuple(
    f"total_scope_{scope}_emissions_{what}"
    for scope in ("1", "2_lbm", "2_mbm", "3_lbm", "3_mbm")
    for what in ("unit", "value")
)
NEW = tuple(sorted((*OLD, *SCOPED)))
"""The 23 columns, in the order of the export."""
ROW = {
    "last_refresh_timestamp": "2026-06-21 04:00:00Z",
    "location": "EU (Ireland)",
    "model_version": "v3.0.0",
    "payer_account_id": "111111111111",
    "product_code": "AmazonEC2",
    "region_code": "eu-west-1",
    "total_lbm_emissions_value": "0.6",
    "total_mbm_emissions_value": "0.3",
    "total_scope_1_emissions_value": "0.1",
    "total_scope_2_lbm_emissions_value": "0.3",
    "total_scope_2_mbm_emissions_value": "0",
    "total_scope_3_lbm_emissions_value": "0.2",
    "total_scope_3_mbm_emissions_value": "0.2",
    "usage_account_id": "222222222222",
    "usage_period_end": "2026-05-31 23:59:59Z",
    "usage_period_start": "2026-05-01 00:00:00Z",
}


def line(columns: tuple[str, ...] = NEW, **changes: str) -> str:
    """One row; every unit is MTCO2e unless a change says otherwise."""
    row = {**ROW, **changes}
    return ",".join(row.get(c, "MTCO2e" if c.endswith("_unit") else "") for c in columns)


def written(path: Path, *rows: str, columns: tuple[str, ...] = NEW) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join((",".join(columns), *rows)) + "\n")
    return path


def runs_of(*inputs: Path | str, **settings: str) -> list[Run]:
    source = open_source("aws-carbon", [str(i) for i in inputs], Asked(settings=settings))
    return [run for portion in source.read() for run in portion.runs]


def stated(run: Run) -> dict[tuple[str, tuple[str, ...]], float]:
    return {(accounting_of(s), s.scopes): s.value for s in run.statements}


class TestAwsCarbon(SourceSuite):
    """The rules that every source keeps."""

    @pytest.fixture
    def world(self, tmp_path: Path) -> SourceWorld:
        rows = [line(), line(region_code="eu-central-1"), line(product_code="AmazonS3")]
        return TextWorld(
            tmp_path / "carbon.csv",
            "aws-carbon",
            [",".join(NEW), *rows],
            more=[line(usage_period_start="2026-06-01 00:00:00Z")],
            spoil=(3, line(region_code="eu-central-1", total_lbm_emissions_value="much")),
            headers=1,
        )


ALL = ("scope 1", "scope 2", "scope 3")


def test_23_columns_are_two_totals_and_their_scopes(tmp_path: Path) -> None:
    """Metric tonnes as they are stated; Scope 1 is in either accounting."""
    assert len(NEW) == 23
    (run,) = runs_of(written(tmp_path / "a.csv", line()))
    assert stated(run) == {
        ("location", ALL): 0.6,
        ("market", ALL): 0.3,
        ("either", ("scope 1",)): 0.1,
        ("location", ("scope 2",)): 0.3,
        ("market", ("scope 2",)): 0.0,
        ("location", ("scope 3",)): 0.2,
        ("market", ("scope 3",)): 0.2,
    }
    assert {s.unit for s in run.statements} == {"tCO2e"}
    assert {s.boundary for s in run.statements} == {"facility"}


def test_a_record_is_a_month_of_an_account_a_region_and_a_product(tmp_path: Path) -> None:
    """May 2026 has 31 days; no joules, and the region is AWS's own name of it."""
    (run,) = runs_of(written(tmp_path / "a.csv", line()))
    assert run.started_at == "2026-05-01T00:00:00.000000Z"
    assert run.duration_seconds == 31 * 86_400
    assert run.subject.region == "eu-west-1"
    assert dict(run.subject.labels) == {
        "cloud.provider": "aws",
        "cloud.account.id": "222222222222",
        "cloud.service": "AmazonEC2",
        "cloud.billing.account": "111111111111",
    }
    assert run.energies == ()
    assert only_states(run)


def test_13_columns_are_scopes_1_and_2(tmp_path: Path) -> None:
    """As models before v3 counted."""
    assert len(OLD) == 13
    (run,) = runs_of(written(tmp_path / "a.csv", line(OLD, model_version="v2.0.1"), columns=OLD))
    two = ("scope 1", "scope 2")
    assert stated(run) == {("location", two): 0.6, ("market", two): 0.3}


def test_13_columns_of_a_newer_model_hold_scope_3(tmp_path: Path) -> None:
    """Its totals do, whichever columns were exported."""
    (run,) = runs_of(written(tmp_path / "a.csv", line(OLD), columns=OLD))
    assert {s.scopes for s in run.statements} == {ALL}


def test_a_cell_that_is_empty_is_no_zero(tmp_path: Path) -> None:
    """0 t market-based is a statement; an empty cell is none."""
    empty = {name: "" for name in ROW if name.endswith("_value")}
    (run,) = runs_of(written(tmp_path / "a.csv", line(**{**empty, "total_mbm_emissions_value": "0"})))
    assert [(s.accounting, s.value) for s in run.statements] == [("market", 0.0)]
    portions = read("aws-carbon", written(tmp_path / "b.csv", line(**empty)))
    assert sum(p.ignored for p in portions) == 1
    assert "a gap, not 0" in notes_of(portions)


@pytest.mark.parametrize("unit", ["kgCO2e", "tCO2e", "MtCO2e", ""])
def test_another_unit_is_refused(tmp_path: Path, unit: str) -> None:
    """MTCO2e is the one that AWS documents; nobody guesses what another one means."""
    path = written(tmp_path / "a.csv", line(total_lbm_emissions_unit=unit), line(region_code="eu-central-1"))
    portions = read("aws-carbon", path)
    (bad,) = [b for p in portions for b in p.bad]
    assert bad.place == f"{path}:2"
    assert f"total_lbm_emissions_unit is {unit!r}: only MTCO2e, metric tonnes" in bad.reason
    assert sum(len(p.runs) for p in portions) == 1


@pytest.mark.parametrize(
    ("column", "changes"),
    [
        ("usage_account_id", {"usage_account_id": ""}),
        ("'3'", {"model_version": "three"}),
        ("2026-13", {"usage_period_start": "2026-13-01 00:00:00Z"}),
        ("last_refresh_timestamp", {"last_refresh_timestamp": "yesterday"}),
        ("total_mbm_emissions_value", {"total_mbm_emissions_value": "nan"}),
    ],
)
def test_a_row_that_cannot_be_is_named(tmp_path: Path, column: str, changes: dict[str, str]) -> None:
    """With the field, and the others are taken."""
    (bad,) = [b for p in read("aws-carbon", written(tmp_path / "a.csv", line(**changes))) for b in p.bad]
    assert column.strip("'") in bad.reason or "model_version" in bad.reason


@pytest.mark.parametrize("column", ["model_version", "usage_account_id", "total_mbm_emissions_unit"])
def test_a_column_that_is_gone_is_named(tmp_path: Path, column: str) -> None:
    """AWS has changed the table, or somebody exported less of it."""
    columns = tuple(c for c in NEW if c != column)
    path = written(tmp_path / "a.csv", line(columns), columns=columns)
    with pytest.raises(EvidenceError, match=f"the column {column} is not there") as caught:
        runs_of(path)
    assert str(path) in str(caught.value)


def test_a_column_that_is_new_is_told(tmp_path: Path) -> None:
    """It does no harm, and is not taken in silence."""
    columns = (*NEW, "total_scope_4_emissions_value")
    portions = read("aws-carbon", written(tmp_path / "a.csv", line(columns), columns=columns))
    assert "the column total_scope_4_emissions_value is not known" in notes_of(portions)
    assert sum(len(p.runs) for p in portions) == 1


def test_a_row_cut_in_the_middle_is_bad(tmp_path: Path) -> None:
    """Values would stand under wrong names."""
    path = written(tmp_path / "a.csv", line(), line(region_code="eu-central-1")[:60])
    (bad,) = [b for p in read("aws-carbon", path) for b in p.bad]
    assert "where the header has 23" in bad.reason


def two_models(folder: Path) -> Path:
    """May under v2.0.1 and v3.0.0, April under both, in the folders that AWS makes."""
    for version, tonnes in (("v2.0.1", "0.4"), ("v3.0.0", "0.6")):
        for month in ("2026-04", "2026-05"):
            start = {"usage_period_start": f"{month}-01 00:00:00Z", "model_version": version}
            path = folder / "data" / f"model_version={version}" / f"usage_period={month}" / "part-0.csv"
            written(path, line(**start, total_lbm_emissions_value=tonnes))
    (folder / "metadata").mkdir()
    (folder / "metadata" / "manifest.json").write_text("{}")
    return folder


def test_two_models_of_a_month_are_two_versions_of_one_record(tmp_path: Path) -> None:
    """The newer one has the higher seq, so that they never stand beside each other."""
    runs = runs_of(two_models(tmp_path))
    assert len(runs) == 4
    assert len({r.record_id for r in runs}) == 2
    may = sorted((r for r in runs if r.started_at.startswith("2026-05")), key=lambda r: r.seq)
    assert [r.statements[0].provider_model_version for r in may] == ["v2.0.1", "v3.0.0"]


def test_one_model_can_be_chosen(tmp_path: Path) -> None:
    """What is left out is counted and told."""
    folder = two_models(tmp_path)
    portions = read("aws-carbon", folder, model_version="v3.0.0")
    assert sum(p.ignored for p in portions) == sum(p.taken for p in portions) == 2
    assert "model v2.0.1 is left out" in notes_of(portions)


def test_an_account_can_be_chosen(tmp_path: Path) -> None:
    """Rows of others are ignored."""
    path = written(tmp_path / "a.csv", line(), line(usage_account_id="333333333333"))
    assert [r.subject.labels["cloud.account.id"] for r in runs_of(path, account="333333333333, 4")] == [
        "333333333333"
    ]


def test_a_later_refresh_of_one_model_wins(tmp_path: Path) -> None:
    """Whichever file comes first."""
    late = line(last_refresh_timestamp="2026-07-21 04:00:00Z", total_lbm_emissions_value="0.7")
    runs = runs_of(written(tmp_path / "a.csv", late, line()))
    newest = max(runs, key=lambda r: r.seq)
    assert newest.statements[0].value == 0.7
    assert len({r.record_id for r in runs}) == 1


def test_a_row_that_contradicts_another_is_bad(tmp_path: Path) -> None:
    """Same version, same refresh, other figures: nobody can tell which holds. A repeated row is ignored."""
    path = written(tmp_path / "a.csv", line(), line(), line(total_lbm_emissions_value="9"))
    portions = read("aws-carbon", path)
    (bad,) = [b for p in portions for b in p.bad]
    assert bad.place == f"{path}:4"
    assert "states other figures than a row before it" in bad.reason
    assert (sum(p.taken for p in portions), sum(p.ignored for p in portions)) == (1, 1)


def test_a_total_that_is_not_the_sum_of_its_scopes_is_told(tmp_path: Path) -> None:
    """0.7 t beside parts of 0.6 t: 100 kg more. Both are kept as they are stated."""
    portions = read("aws-carbon", written(tmp_path / "a.csv", line(total_lbm_emissions_value="0.7")))
    (run,) = [r for p in portions for r in p.runs]
    assert "not the sum of its scopes" in notes_of(portions)
    assert run.notes == ("location total of 2026-05: +100000 gCO2e against the sum of its scopes",)
    assert stated(run)["location", ALL] == 0.7


def test_a_packed_file_is_the_same(tmp_path: Path) -> None:
    """AWS packs CSV with gzip."""
    plain = written(tmp_path / "a.csv", line())
    packed = tmp_path / "packed" / "a.csv.gz"
    packed.parent.mkdir()
    packed.write_bytes(gzip.compress(plain.read_bytes()))
    assert runs_of(packed) == runs_of(plain)
    packed.write_bytes(packed.read_bytes()[:40])
    with pytest.raises(EvidenceError, match=r"a\.csv\.gz"):
        runs_of(packed)


def a_parquet(path: Path, rows: list[dict[str, Any]]) -> Path:
    pa = pytest.importorskip("pyarrow")
    import pyarrow.parquet as pq

    pq.write_table(pa.Table.from_pylist(rows), path)
    return path


def test_parquet_gives_what_csv_gives(tmp_path: Path) -> None:
    """Numbers and times of their own types, and null for what is not stated."""
    typed: dict[str, Any] = {c: "MTCO2e" for c in NEW if c.endswith("_unit")} | dict(ROW)
    typed |= {name: float(value) for name, value in ROW.items() if name.endswith("_value")}
    for name in ("last_refresh_timestamp", "usage_period_start", "usage_period_end"):
        typed[name] = datetime.fromisoformat(ROW[name])
    path = a_parquet(
        tmp_path / "part-0.snappy.parquet", [typed, {**typed, "total_mbm_emissions_value": None}]
    )
    first, *_ = runs_of(path)
    assert [first] == runs_of(written(tmp_path / "a.csv", line()))
    (bad,) = [b for p in read("aws-carbon", path) for b in p.bad]
    assert bad.place.endswith("parquet: row 2")
    assert typed["usage_period_start"].tzinfo is UTC


def test_a_file_that_is_no_parquet_is_named(tmp_path: Path) -> None:
    """And so is one that ends in the middle."""
    pytest.importorskip("pyarrow")
    (tmp_path / "a.parquet").write_bytes(b"PAR1 and nothing else")
    with pytest.raises(EvidenceError, match=r"a\.parquet: is no Parquet file"):
        runs_of(tmp_path)


def test_a_folder_without_tables_is_named(tmp_path: Path) -> None:
    """Nothing is not a good import."""
    with pytest.raises(EvidenceError, match=r"holds no \.csv"):
        runs_of(tmp_path)


def test_without_the_extra_it_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Files on this machine need none; S3 does."""
    monkeypatch.setitem(sys.modules, "boto3", None)
    assert len(runs_of(written(tmp_path / "a.csv", line()))) == 1
    with pytest.raises(MissingExtra, match=r"wattmark\[aws\]"):
        runs_of("s3://exports/carbon")


@pytest.fixture(scope="module")
def s3() -> Iterator[S3Server]:
    pytest.importorskip("moto.server")
    pytest.importorskip("boto3")
    with S3Server() as server:
        server.create_bucket("exports")
        yield server


@pytest.mark.slow
class TestS3:
    """The real boto3 against a real server of its protocol."""

    @pytest.fixture(autouse=True)
    def _keys(self, monkeypatch: pytest.MonkeyPatch) -> None:
        for name, value in KEYS.items():
            monkeypatch.setenv(name, value)

    def put(self, server: S3Server, folder: Path, prefix: str) -> None:
        import boto3

        s3 = boto3.client("s3", endpoint_url=f"http://127.0.0.1:{server.port}")
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                s3.upload_file(str(path), "exports", f"{prefix}/{path.relative_to(folder).as_posix()}")

    def test_a_prefix_gives_what_the_folder_gives(self, s3: S3Server, tmp_path: Path) -> None:
        """Where it lies does not matter."""
        folder = two_models(tmp_path)
        self.put(s3, folder, "carbon/wattmark")
        at = f"http://127.0.0.1:{s3.port}"
        assert runs_of("s3://exports/carbon/", endpoint=at) == runs_of(folder)

    def test_a_bucket_that_is_not_there_is_named(self, s3: S3Server) -> None:
        """With what AWS says of it."""
        with pytest.raises(EvidenceError, match=r"s3://nowhere/x: AWS .*NoSuchBucket"):
            runs_of("s3://nowhere/x", endpoint=f"http://127.0.0.1:{s3.port}")

    def test_an_empty_prefix_is_named(self, s3: S3Server) -> None:
        """Nothing is not a good import."""
        with pytest.raises(WattmarkError, match=r"s3://exports/empty/: holds no \.csv"):
            runs_of("s3://exports/empty/", endpoint=f"http://127.0.0.1:{s3.port}")
