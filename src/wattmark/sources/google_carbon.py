"""Google Cloud Carbon Footprint: kilograms of CO2e by project, service, location and month.

The table that the export writes to BigQuery, asked through Google's client, or as files of it. Fields:
Google Cloud, "Carbon Footprint export data schema", https://docs.cloud.google.com/carbon-footprint/docs/data-schema.
Names of nested fields may be written with points or underscores. ``after_offsets`` is deprecated and empty.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any

from wattmark.core.errors import EvidenceError, UsageError
from wattmark.core.imported import Imported
from wattmark.core.run import Statement
from wattmark.core.statements import SCOPES
from wattmark.ports import Source
from wattmark.sources.aws_client import AwsSettings
from wattmark.sources.bigquery_table import BigQueryTable, Rows
from wattmark.sources.catalog import Asked, Inputs
from wattmark.sources.deliveries import WRONG_WIDTH, Delivered, delivered, flat, table
from wattmark.sources.json_input import documents_of
from wattmark.sources.lines import files_of, number_of
from wattmark.sources.provider_statements import (
    BILLED,
    Month,
    Said,
    Statements,
    emissions,
    file_time,
    month_of,
    names_in,
    span_of,
)

NAME = "google-carbon"
OPTIONS: Mapping[str, str] = {
    "table": "Table of the export in BigQuery, project.dataset.carbon_footprint; INPUT is then the months.",
    "account": "Only these projects, by id or number, separated by commas [all].",
    "at": "When a file was exported, e.g. 2026-11-01T12:00:00Z: of one model the later one stands.",
    "quota_project": "Project that pays for the query [that of the table].",
}
FIGURES: Mapping[str, tuple[str | None, tuple[str, ...]]] = {
    # field -> accounting, scopes; all in kilograms
    "carbon_footprint_total_kgCO2e_location_based": ("location", SCOPES),
    "carbon_footprint_total_kgCO2e_market_based": ("market", SCOPES),
    "carbon_footprint_kgCO2e_scope1": (None, SCOPES[:1]),
    "carbon_footprint_kgCO2e_scope2_location_based": ("location", SCOPES[1:2]),
    "carbon_footprint_kgCO2e_scope2_market_based": ("market", SCOPES[1:2]),
    "carbon_footprint_kgCO2e_scope3": (None, SCOPES[2:]),
}
OFFSETS = "carbon_footprint_total_kgCO2e_after_offsets"
NEEDED = (
    "usage_month",
    "billing_account_id",
    "project_number",
    "service_id",
    "location_region",
    "carbon_model_version",
)
ALSO = ("project_id", "service_description", "location_location", OFFSETS)
JSON = (".json", ".jsonl", ".ndjson", ".json.gz", ".jsonl.gz", ".ndjson.gz")
Row = Mapping[str, str]


def open_source(inputs: Inputs, asked: Asked) -> Source:
    """A source on files of the table, or with ``-o table=`` on months of it in BigQuery."""
    where = asked.settings.get("table")
    if where is None:
        return GoogleCarbon(asked, inputs=tuple(inputs))
    span = span_of(inputs[0]) if len(inputs) == 1 else None
    if span is None:
        raise UsageError("with -o table= INPUT is a stretch of months, e.g. 2026-01/2026-06")
    return GoogleCarbon(
        asked, read=BigQueryTable(where, asked.settings.get("quota_project")).months(*map(_first, span))
    )


def _first(month: Month) -> date:
    return date(month.year, month.number, 1)


class GoogleCarbon:
    """Reads each row as a record that states it."""

    def __init__(self, asked: Asked, *, inputs: Sequence[str] = (), read: Rows | None = None) -> None:
        self._asked = asked
        self._inputs = inputs
        self._read = read
        self._projects = names_in(asked, "account")

    def read(self) -> Iterator[Imported]:
        """All rows, portion by portion."""
        found = Statements(self._asked)
        for place, row, at_us in self._rows(found):
            self._row(place, row, at_us, found)
            if found.full:
                yield found.given()
        yield found.given(last=True)

    def _rows(self, found: Statements) -> Iterator[tuple[str, Row, int]]:
        if self._read is not None:
            _check(self._read.place, self._read.columns())
            for number, row in enumerate(self._read.rows()):
                yield f"{self._read.place}: row {number + 1}", _texts(row), self._read.changed_us()
            return
        at_us = file_time(self._asked, found.notes)
        for text in self._inputs:
            for place, row in _file_rows(text, found):
                yield place, row, at_us

    def _row(self, place: str, row: Row, at_us: int, found: Statements) -> None:
        if OFFSETS in row:
            found.notes.add("after_offsets is deprecated and left out", place)
        if self._projects and not self._projects & {row.get("project_id", ""), row.get("project_number", "")}:
            found.notes.add("projects that -o account= does not name are left out")
            found.portion.ignored += 1
            return
        try:
            said = _said(place, row, at_us)
        except ValueError as error:
            found.portion.refuse(place, str(error))
        else:
            found.take(said)


def _file_rows(text: str, found: Statements) -> Iterator[tuple[str, Row]]:
    path = Path(text)
    if text.endswith(JSON) or (path.is_dir() and any(_json_in(path))):
        for file in files_of([text], "*.*json*"):
            yield from _json_rows(file, found)
        return
    if text.endswith(".avro"):
        raise EvidenceError(text, "is Avro: export the table as JSON or Parquet")
    for delivery in delivered([text], AwsSettings()):
        yield from _table_rows(delivery)


def _json_in(folder: Path) -> Iterator[Path]:
    return (p for p in folder.iterdir() if p.name.endswith(JSON))


def _json_rows(path: Path, found: Statements) -> Iterator[tuple[str, Row]]:
    """Rows of JSON lines. BigQuery leaves out fields that are null, so that single rows may lack some."""
    seen: set[str] = set()
    for _, document, _ in documents_of(path):
        seen |= _texts(document or {}).keys()
        if seen.issuperset(NEEDED) and seen & FIGURES.keys():
            break
    _check(str(path), seen)
    for place, document, reason in documents_of(path):
        if document is None:
            found.portion.refuse(place, reason)
        else:
            yield place, _texts(document)


def _table_rows(delivery: Delivered) -> Iterator[tuple[str, Row]]:
    read = table(delivery)
    _check(delivery.name, [_plain(name) for name in read.columns])
    for place, row in read.rows:
        yield place, {_plain(name): text for name, text in row.items()}


def _check(place: str, columns: Iterable[str]) -> None:
    """Raise EvidenceError that names a field which is not there."""
    there = {_plain(name) for name in columns}
    if not there & FIGURES.keys():
        raise EvidenceError(
            place, "is no Carbon Footprint export: it has no field carbon_footprint_total_kgCO2e.market_based"
        )
    lacking = [name for name in NEEDED if name not in there]
    if lacking:
        raise EvidenceError(
            place,
            f"the field {', '.join(lacking)} is not there: export the whole table; if it is whole, "
            "Google has changed it and wattmark may need an upgrade",
        )


def _plain(name: str) -> str:
    return name.replace(".", "_")


def _texts(row: Mapping[str, Any]) -> Row:
    return {_plain(name): _text(value) for name, value in flat(row).items()}


def _text(value: Any) -> str:
    if value is None:
        return ""
    return value.isoformat() if isinstance(value, datetime | date) else str(value)


def _said(place: str, row: Row, at_us: int) -> Said:
    """What one row states. Raises ValueError for one that cannot be."""
    if WRONG_WIDTH in row:
        raise ValueError(row[WRONG_WIDTH])
    month = month_of(row.get("usage_month", ""))
    version = row.get("carbon_model_version", "")
    if not version.isdecimal():
        raise ValueError(f"carbon_model_version {version!r} is no whole number")
    billing, number = row.get("billing_account_id", ""), row.get("project_number", "")
    project = row.get("project_id", "") or number
    where = row.get("location_region", "") or row.get("location_location", "")
    service = row.get("service_id", "") or row.get("service_description", "")
    return Said(
        place=place,
        source=NAME,
        provider="google",
        account=project or billing,
        region=where,
        service=row.get("service_description", "") or service,
        month=month,
        statements=tuple(_statements(row, month, version)),
        version=version,
        stated_us=at_us,
        identity=(billing, number or project, service, where, row.get("location_location", "")),
        labels={BILLED: billing},
        notes=() if project else ("belongs to no project",),
    )


def _statements(row: Row, month: Month, version: str) -> Iterator[Statement]:
    for name, (accounting, scopes) in FIGURES.items():
        text = row.get(name, "")
        if not text:
            continue
        kilograms = number_of(text)
        if kilograms is None:
            raise ValueError(f"{name} {text[:40]!r} is no number")
        yield emissions(kilograms, "kgCO2e", month, accounting, scopes, version)
