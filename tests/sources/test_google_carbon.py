"""Google Cloud's Carbon Footprint: files of the table, and the table through Google's own client."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from tests.sources.bigquery_stub import FIELDS, BigQuery
from tests.sources.cloud_server import HTML, Cloud, Reply, as_json, cloud, cut
from tests.sources.text_world import TextWorld, notes_of, read
from wattmark.core.errors import EvidenceError, UsageError
from wattmark.core.imported import Imported
from wattmark.core.run import Run
from wattmark.core.statements import accounting_of, only_states
from wattmark.ports import Source
from wattmark.sources.bigquery_table import BigQueryTable
from wattmark.sources.catalog import Asked, open_source
from wattmark.sources.deliveries import flat
from wattmark.sources.google_carbon import GoogleCarbon
from wattmark.testing.source_suite import SourceSuite, SourceWorld

ALL = ("scope 1", "scope 2", "scope 3")


def a_row(month: str = "2026-05", region: str = "europe-west1", **changes: Any) -> dict[str, Any]:
    """600 kg location-based, 300 kg market-based."""
    row: dict[str, Any] = {
        "usage_month": f"{month}-01",
        "billing_account_id": "007GD7-15C0E6-BDE6B3",
        "project": {"id": "my-project", "number": "802583874831"},
        "service": {"id": "F17B-412E-CB64", "description": "Cloud Run"},
        "location": {"location": f"{region}-b", "region": region},
        "carbon_model_version": 10,
        "carbon_footprint_total_kgCO2e": {
            "market_based": 300.0,
            "location_based": 600.0,
            "after_offsets": None,
        },
        "carbon_footprint_kgCO2e": {
            "scope1": 100.0,
            "scope2": {"location_based": 300.0, "market_based": 0.0},
            "scope3": 200.0,
        },
    }
    return {**row, **changes}


def written(path: Path, *rows: dict[str, Any]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def runs_of(path: Path, **settings: str) -> list[Run]:
    return [run for portion in read("google-carbon", path, **settings) for run in portion.runs]


class TestFiles(SourceSuite):
    """The rules that every source keeps, for files."""

    @pytest.fixture
    def world(self, tmp_path: Path) -> SourceWorld:
        rows = [json.dumps(r) for r in (a_row(), a_row(region="us-west1"), a_row("2026-06"))]
        bad = json.dumps(a_row(region="us-west1", carbon_model_version="new"))
        return TextWorld(
            tmp_path / "footprint.jsonl",
            "google-carbon",
            rows,
            more=[json.dumps(a_row("2026-07"))],
            spoil=(2, bad),
        )


def test_a_row_is_two_totals_and_their_scopes(tmp_path: Path) -> None:
    """Kilograms as they are stated; Scopes 1 and 3 are in either accounting."""
    (run,) = runs_of(written(tmp_path / "a.jsonl", a_row()))
    assert {(accounting_of(s), s.scopes): s.value for s in run.statements} == {
        ("location", ALL): 600.0,
        ("market", ALL): 300.0,
        ("either", ("scope 1",)): 100.0,
        ("location", ("scope 2",)): 300.0,
        ("market", ("scope 2",)): 0.0,
        ("either", ("scope 3",)): 200.0,
    }
    assert {(s.unit, s.provider_model_version) for s in run.statements} == {("kgCO2e", "10")}
    assert run.subject.region == "europe-west1"
    assert run.subject.labels["cloud.service"] == "Cloud Run"
    assert only_states(run)


def test_model_10_goes_before_model_9(tmp_path: Path) -> None:
    """As numbers; it is the same record."""
    new, old = runs_of(written(tmp_path / "a.jsonl", a_row(), a_row(carbon_model_version=9)))
    assert new.record_id == old.record_id
    assert new.seq > old.seq


def test_zones_of_a_region_are_records_of_their_own(tmp_path: Path) -> None:
    """They add up; neither replaces the other."""
    other = a_row(location={"location": "europe-west1-c", "region": "europe-west1"})
    runs = runs_of(written(tmp_path / "a.jsonl", a_row(), other))
    assert len({r.record_id for r in runs}) == 2
    assert {r.subject.region for r in runs} == {"europe-west1"}


def test_a_project_that_is_deleted_stays_the_same_record(tmp_path: Path) -> None:
    """Its id becomes null, its number does not."""
    (before,) = runs_of(written(tmp_path / "a.jsonl", a_row()))
    (after,) = runs_of(written(tmp_path / "b.jsonl", a_row(project={"number": "802583874831"})))
    assert after.record_id == before.record_id
    assert after.subject.labels["cloud.account.id"] == "802583874831"


def test_what_belongs_to_no_project_goes_by_who_pays(tmp_path: Path) -> None:
    """Support, for one."""
    (run,) = runs_of(
        written(
            tmp_path / "a.jsonl",
            a_row(project={"id": None, "number": ""}),
        )
    )
    assert run.subject.labels["cloud.account.id"] == "007GD7-15C0E6-BDE6B3"
    assert run.notes == ("belongs to no project",)


def test_after_offsets_is_left_out_and_told(tmp_path: Path) -> None:
    """Deprecated and null: counted, and no figure."""
    portions = read("google-carbon", written(tmp_path / "a.jsonl", a_row(), a_row("2026-06")))
    assert "and 1 more: after_offsets is deprecated" in notes_of(portions)
    assert all(len(r.statements) == 6 for p in portions for r in p.runs)


def test_csv_with_dotted_names_gives_the_same(tmp_path: Path) -> None:
    """And so does CSV with underscores, as a query that names the fields writes it."""
    runs = runs_of(written(tmp_path / "a.jsonl", a_row()))
    row = {name: "" if value is None else value for name, value in flat(a_row()).items()}
    for name, change in (("dots.csv", "."), ("lines.csv", "_")):
        with open(tmp_path / name, "w", newline="") as file:
            csv.writer(file).writerows([[k.replace(".", change) for k in row], row.values()])
        assert runs_of(tmp_path / name) == runs


def test_nested_parquet_gives_the_same(tmp_path: Path) -> None:
    """With a date as a date."""
    pa = pytest.importorskip("pyarrow")
    import pyarrow.parquet as pq

    runs = runs_of(written(tmp_path / "a.jsonl", a_row()))
    typed = {**a_row(), "usage_month": date(2026, 5, 1)}
    pq.write_table(pa.Table.from_pylist([typed]), tmp_path / "a.parquet")
    assert runs_of(tmp_path / "a.parquet") == runs


def test_a_field_that_is_gone_is_named(tmp_path: Path) -> None:
    """A null that JSON leaves out in one row is none."""
    bare = {k: v for k, v in a_row().items() if k != "location"}
    assert len(runs_of(written(tmp_path / "a.jsonl", bare, a_row("2026-06")))) == 2
    with pytest.raises(EvidenceError, match="the field location_region is not there"):
        runs_of(written(tmp_path / "b.jsonl", bare))


def test_avro_is_refused(tmp_path: Path) -> None:
    """With what to do."""
    (tmp_path / "a.avro").write_bytes(b"Obj\x01")
    with pytest.raises(EvidenceError, match="is Avro: export the table as JSON or Parquet"):
        runs_of(tmp_path / "a.avro")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"usage_month": "May"}, "no month"),
        ({"carbon_model_version": None}, "carbon_model_version"),
        ({"carbon_footprint_kgCO2e": {"scope1": "some"}}, "scope1 'some' is no number"),
    ],
)
def test_a_row_that_cannot_be_is_named(tmp_path: Path, changes: dict[str, Any], said: str) -> None:
    """With its line."""
    path = written(tmp_path / "a.jsonl", a_row(), a_row("2026-06", **changes))
    (bad,) = [b for p in read("google-carbon", path) for b in p.bad]
    assert bad.place == f"{path}:2"
    assert said in bad.reason


def test_a_file_exported_later_restates(tmp_path: Path) -> None:
    """Its rows have no time: whoever imports gives one, else is told to."""
    path = written(tmp_path / "a.jsonl", a_row())
    (plain,), (late,) = runs_of(path), runs_of(path, at="2026-11-01T00:00:00Z")
    assert late.seq > plain.seq
    assert "give -o at=" in notes_of(read("google-carbon", path))
    with pytest.raises(UsageError, match="at is a time"):
        runs_of(path, at="noon")


def test_only_some_projects(tmp_path: Path) -> None:
    """By id or number; the others are ignored."""
    other = a_row(project={"id": "other", "number": "1"})
    path = written(tmp_path / "a.jsonl", a_row(), other)
    assert len(runs_of(path, account="other")) == len(runs_of(path, account="802583874831")) == 1


@pytest.mark.parametrize("inputs", [["a.jsonl"], ["2026", "2027"]])
def test_a_table_needs_months(inputs: list[str]) -> None:
    """One stretch of them."""
    with pytest.raises(UsageError, match="INPUT is a stretch of months"):
        open_source("google-carbon", inputs, Asked(settings={"table": "p.carbon.footprint"}))


@pytest.mark.parametrize("name", ["footprint", "p.carbon", "p.carbon.f`; DROP TABLE x"])
def test_a_table_has_three_names(name: str) -> None:
    """Anything else is refused before it gets into a query."""
    with pytest.raises(UsageError, match=r"table is project\.dataset\.table"):
        BigQueryTable(name)


def a_client(url: str) -> Any:
    """Google's own client, without credentials, that asks this address."""
    pytest.importorskip("google.cloud.bigquery", reason="pip install 'wattmark[google]'")
    from google.api_core.client_options import ClientOptions
    from google.auth.credentials import AnonymousCredentials
    from google.cloud import bigquery

    return bigquery.Client("p", AnonymousCredentials(), client_options=ClientOptions(api_endpoint=url))


def a_source(served: Cloud, first: date = date(2026, 1, 1), last: date = date(2026, 12, 1)) -> Source:
    table = BigQueryTable("p.carbon.footprint", client=a_client(served.url))
    return GoogleCarbon(Asked(), read=table.months(first, last))


def brought(served: Cloud) -> list[Imported]:
    return list(a_source(served).read())


class TableWorld:
    """The table as the suite commands it."""

    def __init__(self, stack: ExitStack) -> None:
        self.stub = BigQuery([a_row(), a_row(region="us-west1"), a_row("2026-06")])
        self._stack = stack
        self.served = stack.enter_context(cloud(self.stub.answer))
        self.named = "p.carbon.footprint"

    @property
    def rows(self) -> int:
        return len(self.stub.rows)

    def open(self) -> Source:
        return a_source(self.served)

    def grow(self) -> None:
        self.stub.rows.append(a_row("2026-07"))
        self.stub.modified_ms += 86_400_000

    def move(self) -> None:
        self.served = self._stack.enter_context(cloud(self.stub.answer))

    def damage(self) -> str:
        self.stub.rows[1]["usage_month"] = "2026-05-01"
        self.stub.rows[1]["carbon_model_version"] = None
        return "row 2"

    def garble(self) -> None:
        self.served.answer = lambda _: HTML

    def remove(self) -> None:
        self.served.answer = lambda _: as_json({"error": {"code": 404, "message": "not found"}}, 404)


@pytest.mark.slow
class TestTable(SourceSuite):
    """The rules that every source keeps, for the table."""

    @pytest.fixture
    def world(self) -> Iterator[SourceWorld]:
        with ExitStack() as stack:
            yield TableWorld(stack)


@pytest.fixture
def stub() -> BigQuery:
    return BigQuery([a_row("2026-05", f"region-{n}") for n in range(5)])


@pytest.fixture
def served(stub: BigQuery) -> Iterator[Cloud]:
    with cloud(stub.answer) as found:
        yield found


@pytest.mark.slow
def test_the_table_gives_what_its_file_gives(served: Cloud, stub: BigQuery, tmp_path: Path) -> None:
    """All pages of it; the time is when the table was changed last."""
    runs = [r for p in brought(served) for r in p.runs]
    assert len(runs) == 5
    path = written(tmp_path / "a.jsonl", *stub.rows)
    assert runs == runs_of(path, at="2026-08-01T00:00:00Z")


@pytest.mark.slow
def test_only_the_months_that_are_asked_for(served: Cloud, stub: BigQuery) -> None:
    """They travel as parameters of the query."""
    stub.rows.append(a_row("2026-06"))
    runs = [r for p in a_source(served, date(2026, 6, 1), date(2026, 6, 1)).read() for r in p.runs]
    assert [r.started_at[:7] for r in runs] == ["2026-06"]
    (asked,) = [r for r in served.asked if r.path.endswith("/queries")]
    assert asked.json["query"].endswith("WHERE usage_month BETWEEN @first AND @last")


@pytest.mark.slow
def test_a_table_that_was_changed_restates(served: Cloud, stub: BigQuery) -> None:
    """Later changed, higher seq."""
    (before, *_) = [r for p in brought(served) for r in p.runs]
    stub.modified_ms += 86_400_000
    (after, *_) = [r for p in brought(served) for r in p.runs]
    assert after.record_id == before.record_id
    assert after.seq > before.seq


@pytest.mark.slow
def test_a_table_without_a_field_is_an_error(served: Cloud, stub: BigQuery) -> None:
    """It names the field, before any row is read."""
    stub.fields = {k: v for k, v in FIELDS.items() if k != "carbon_model_version"}
    with pytest.raises(EvidenceError, match="the field carbon_model_version is not there"):
        brought(served)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("status", "said"),
    [
        (401, "gcloud auth application-default login"),
        (403, "BigQuery Data Viewer"),
        (404, "check project, dataset and table"),
        (400, "does not take the request"),
    ],
)
def test_a_refusal_says_what_to_do(served: Cloud, status: int, said: str) -> None:
    """And names the table."""
    served.answer = lambda _: as_json({"error": {"code": status, "message": "no key=abc here"}}, status)
    with pytest.raises(EvidenceError, match=said) as caught:
        brought(served)
    assert "BigQuery p.carbon.footprint" in str(caught.value)


@pytest.mark.slow
def test_what_passes_is_waited_out(served: Cloud) -> None:
    """A 503 and a 429 on the way, and all is there."""
    said = {"error": {"code": 503, "message": "later", "errors": [{"reason": "backendError"}]}}
    limits = {"error": {"code": 429, "message": "slow", "errors": [{"reason": "rateLimitExceeded"}]}}
    served.first(as_json(said, 503), as_json(limits, 429))
    assert sum(len(p.runs) for p in brought(served)) == 5


@pytest.mark.slow
def test_half_an_answer_is_no_answer(served: Cloud, stub: BigQuery) -> None:
    """Nothing of it is taken."""

    def half(request: Any) -> Reply:
        reply = stub.answer(request)
        return cut(reply) if "queries" in request.path else reply

    served.answer = half
    table = BigQueryTable("p.carbon.footprint", client=a_client(served.url), patience_seconds=1.0)
    with pytest.raises(EvidenceError, match=r"footprint: "):
        list(GoogleCarbon(Asked(), read=table.months(date(2026, 1, 1), date(2026, 12, 1))).read())
