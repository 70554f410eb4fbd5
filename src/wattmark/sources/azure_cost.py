"""Azure's cost and usage details: exports of Cost Management and files of the Cost Details API, as CSV.

Columns of the schemas of Enterprise and Microsoft Customer Agreements
(https://learn.microsoft.com/azure/cost-management-billing/dataset-schema/schema-index); they differ in
capitals, which do not matter here. Lines are days. The type of a machine is ServiceType in AdditionalInfo.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import UTC
from pathlib import Path

from wattmark.core.errors import EvidenceError
from wattmark.core.run import SourceId
from wattmark.ports import Source
from wattmark.sources.bill_line import USAGE, BillLine, amount_in, hours_in, is_time, month_of
from wattmark.sources.bill_settings import OPTIONS as BILL_OPTIONS
from wattmark.sources.bill_settings import bill_settings
from wattmark.sources.bill_source import BillSource, Told, line_of
from wattmark.sources.bill_tables import Row, bill_files, bill_rows, property_of
from wattmark.sources.catalog import Asked, Inputs
from wattmark.sources.moments import moment_us

NAME = "azure-cost"
OPTIONS: Mapping[str, str] = BILL_OPTIONS
NEEDED = ("date", "metercategory", "quantity", "unitofmeasure", "subscriptionid")
COSTS = ("costinbillingcurrency", "pretaxcost", "cost")
CURRENCIES = ("billingcurrency", "billingcurrencycode", "currency")
MACHINES = "virtual machines"
DAY_US = 86_400_000_000
_DAY = re.compile(r"(\d\d?)/(\d\d?)/(\d{4})")


def open_source(inputs: Inputs, asked: Asked) -> Source:
    """A source on files of cost details, or on folders of them, one folder per delivery."""
    settings = bill_settings(asked)
    files = bill_files(inputs)
    return BillSource(SourceId(name=NAME), settings, lambda: _rows(files))


def _rows(files: list[Path]) -> Iterator[Told]:
    for path in files:
        checked = False
        for place, row in bill_rows(path, NEEDED, "a file of Azure's cost details", str.lower):
            if row is not None and not checked:
                _check(path, row)
                checked = True
            yield Told(place, str(path.parent), line_of(row, _line))


def _check(path: Path, row: Row) -> None:
    for columns in (COSTS, CURRENCIES):
        if not any(name in row for name in columns):
            raise EvidenceError(
                str(path), f"has no column {', '.join(columns)} (any capitals); it has {', '.join(row)[:300]}"
            )


def _line(row: Row) -> BillLine | None:
    start = day_us(row["date"])
    charge = row.get("chargetype") or "Usage"
    type_ = _instance(row) if charge == "Usage" else ""
    cost_column = next(name for name in COSTS if name in row)
    cost = amount_in(row[cost_column], cost_column)
    if not type_ and not cost:
        return None
    period = row.get("billingperiodstartdate", "")
    resource = row.get("resourceid") or row.get("instanceid") or row.get("instancename") or ""
    machine = resource.rpartition("/")[2] if "/virtualmachines/" in resource.lower() else ""
    return BillLine(
        provider="azure",
        account=row["subscriptionid"],
        region=_region(row),
        service=row["metercategory"],
        start_us=start,
        end_us=start + DAY_US,
        month=month_of(day_us(period) if period else start),
        charge=USAGE if charge == "Usage" else charge,
        instance_type=type_,
        hours=hours_in(row["quantity"], row["unitofmeasure"]) if type_ else 0.0,
        resource=machine if type_ else "",
        costs={"billed": cost},
        currency=next((row[name] for name in CURRENCIES if row.get(name)), ""),
        final=bool(row.get("invoiceid")),
    )


def _instance(row: Row) -> str:
    """The type of the machine whose hours the line states; empty where it states something else."""
    if row["metercategory"].lower() != MACHINES:
        return ""
    if not is_time(row["unitofmeasure"]):
        raise ValueError(f"unit {row['unitofmeasure'][:40]!r} of a machine is not known: hours are")
    stated = property_of(row.get("additionalinfo", ""), "ServiceType")
    if stated:
        return stated
    meter = re.sub(r"\s+(spot|low priority)$", "", row.get("metername", ""), flags=re.IGNORECASE)
    return meter.partition("/")[0] or "(no type stated)"


def _region(row: Row) -> str:
    stated = row.get("resourcelocation") or row.get("resourcelocationnormalized") or ""
    return stated.replace(" ", "").lower()


def day_us(text: str) -> int:
    """Midnight (UTC) of a day, ``05/31/2026`` (month first) or ISO. Raises ValueError."""
    american = _DAY.fullmatch(text)
    iso = f"{american[3]}-{american[1]:0>2}-{american[2]:0>2}" if american else text
    found = moment_us(iso, UTC)
    if found is None:
        raise ValueError(f"date {text[:40]!r} is no day like 05/31/2026 or 2026-05-31")
    return found // DAY_US * DAY_US
