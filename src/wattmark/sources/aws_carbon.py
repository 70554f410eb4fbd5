"""AWS Data Exports, table CARBON_EMISSIONS: tonnes of CO2e by account, region, product and month.

Columns: Amazon Web Services, Data Exports User Guide, "Carbon emissions columns",
https://docs.aws.amazon.com/cur/latest/userguide/carbon-emissions-columns.html: 13 columns in 2025, 23 since
Scope 3 came with model v3.0.0. ``MTCO2e`` are metric tonnes. For three months after a new model version both
are delivered: each is a version of the same record here, so that none is counted beside the other.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC

from wattmark.core.errors import EvidenceError
from wattmark.core.imported import Imported
from wattmark.core.run import Statement
from wattmark.core.statements import SCOPES, version_order
from wattmark.ports import Source
from wattmark.sources import aws_client
from wattmark.sources.aws_client import AwsSettings
from wattmark.sources.catalog import Asked, Inputs
from wattmark.sources.deliveries import WRONG_WIDTH, Delivered, Table, delivered, table
from wattmark.sources.lines import number_of
from wattmark.sources.moments import moment_us
from wattmark.sources.provider_statements import (
    BILLED,
    Month,
    Said,
    Statements,
    emissions,
    month_of,
    names_in,
)

NAME = "aws-carbon"
OPTIONS: Mapping[str, str] = {
    "model_version": "Only these versions of AWS's model, e.g. v3.0.0 [all: the newest of a month stands].",
    "account": "Only these accounts, separated by commas [all].",
    **aws_client.OPTIONS,
}
TONNES = "MTCO2e"
"""The one unit that AWS delivers: metric tonnes, not megatonnes."""
SCOPE_3_SINCE = version_order("v3.0.0")
"""Totals of older models are Scopes 1 and 2."""
NEEDED = ("usage_account_id", "product_code", "region_code")
FIGURES: Mapping[str, tuple[str | None, tuple[str, ...]]] = {
    # column without _value and _unit -> accounting, scopes; of the totals which scopes depends on the model
    "total_lbm_emissions": ("location", ()),
    "total_mbm_emissions": ("market", ()),
    "total_scope_1_emissions": (None, SCOPES[:1]),
    "total_scope_2_lbm_emissions": ("location", SCOPES[1:2]),
    "total_scope_2_mbm_emissions": ("market", SCOPES[1:2]),
    "total_scope_3_lbm_emissions": ("location", SCOPES[2:]),
    "total_scope_3_mbm_emissions": ("market", SCOPES[2:]),
}
KNOWN = frozenset(
    (
        *NEEDED,
        *(f"{name}_{what}" for name in FIGURES for what in ("value", "unit")),
        *("last_refresh_timestamp", "location", "model_version", "payer_account_id"),
        *("usage_period_start", "usage_period_end"),
    )
)
"""All 23 columns."""
Row = Mapping[str, str]


def open_source(inputs: Inputs, asked: Asked) -> Source:
    """A source on files of the export, on its folder, or on ``s3://bucket/prefix``."""
    return AwsCarbon(tuple(inputs), asked)


class AwsCarbon:
    """Reads each row as a record that states it."""

    def __init__(self, inputs: tuple[str, ...], asked: Asked) -> None:
        self._inputs = inputs
        self._asked = asked
        self._versions = names_in(asked, "model_version")
        self._accounts = names_in(asked, "account")

    def read(self) -> Iterator[Imported]:
        """All files, portion by portion."""
        found = Statements(self._asked)
        for file in delivered(self._inputs, AwsSettings.of(self._asked.settings)):
            for place, row in _checked(file, table(file), found):
                self._row(place, {**file.partitions, **row}, found)
                if found.full:
                    yield found.given()
        yield found.given(last=True)

    def _row(self, place: str, row: Row, found: Statements) -> None:
        try:
            said = _said(place, row)
        except ValueError as error:
            found.portion.refuse(place, str(error))
            return
        if self._versions and said.version not in self._versions:
            found.notes.add(f"model {said.version} is left out, as -o model_version= asks")
            found.portion.ignored += 1
        elif self._accounts and said.account not in self._accounts:
            found.notes.add("accounts that -o account= does not name are left out")
            found.portion.ignored += 1
        else:
            found.take(said)


def _checked(file: Delivered, read: Table, found: Statements) -> Iterator[tuple[str, Row]]:
    """The rows of a file whose columns are those of the table. Raises EvidenceError that names a column."""
    columns = {*read.columns, *file.partitions}
    if not any(f"{name}_value" in columns for name in FIGURES):
        raise EvidenceError(
            file.name, "is no CARBON_EMISSIONS export: it has no column total_lbm_emissions_value or its like"
        )
    lacking = [name for name in (*NEEDED, "model_version") if name not in columns]
    lacking += [
        f"{name}_unit" for name in FIGURES if f"{name}_value" in columns and f"{name}_unit" not in columns
    ]
    if not {"usage_period_start", "usage_period"} & columns:
        lacking.append("usage_period_start")
    if lacking:
        raise EvidenceError(
            file.name,
            f"the column {', '.join(lacking)} is not there: export all columns of CARBON_EMISSIONS; "
            "if it does, AWS has changed the table and wattmark may need an upgrade",
        )
    for name in read.columns:
        if name not in KNOWN:
            found.notes.add(f"the column {name} is not known and was left out", file.name)
    return read.rows


def _said(place: str, row: Row) -> Said:
    """What one row states. Raises ValueError for one that cannot be."""
    if WRONG_WIDTH in row:
        raise ValueError(row[WRONG_WIDTH])
    month = month_of(row.get("usage_period_start") or row.get("usage_period", ""))
    version, account = row["model_version"], row["usage_account_id"]
    if not account:
        raise ValueError("usage_account_id is empty")
    if not version_order(version):
        raise ValueError(f"model_version {version!r} is no version like v3.0.0")
    return Said(
        place=place,
        source=NAME,
        provider="aws",
        account=account,
        region=row["region_code"],
        service=row["product_code"],
        month=month,
        statements=tuple(_statements(row, month, version)),
        version=version,
        stated_us=_refreshed(row.get("last_refresh_timestamp", "")),
        identity=(account, row["region_code"], row["product_code"], row.get("payer_account_id", "")),
        labels={BILLED: row.get("payer_account_id", "")},
    )


@dataclass(frozen=True, slots=True)
class _Figure:
    name: str
    tonnes: float


def _statements(row: Row, month: Month, version: str) -> Iterator[Statement]:
    figures = [_Figure(name, tonnes) for name in FIGURES if (tonnes := _tonnes(row, name)) is not None]
    third = version_order(version) >= SCOPE_3_SINCE or any("scope_3" in figure.name for figure in figures)
    for figure in figures:
        accounting, scopes = FIGURES[figure.name]
        held = scopes or (SCOPES if third else SCOPES[:2])
        yield emissions(figure.tonnes, "tCO2e", month, accounting, held, version)


def _tonnes(row: Row, name: str) -> float | None:
    """Metric tonnes; None where AWS states none. Raises ValueError for another unit or no number."""
    value = row.get(f"{name}_value", "")
    if not value:
        return None
    unit = row.get(f"{name}_unit", "")
    if unit != TONNES:
        raise ValueError(f"{name}_unit is {unit!r}: only {TONNES}, metric tonnes, is known")
    tonnes = number_of(value)
    if tonnes is None:
        raise ValueError(f"{name}_value {value[:40]!r} is no number")
    return tonnes


def _refreshed(text: str) -> int:
    at_us = moment_us(text, UTC) if text else 0
    if at_us is None:
        raise ValueError(f"last_refresh_timestamp {text[:40]!r} is no time")
    return at_us
