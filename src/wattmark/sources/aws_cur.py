"""AWS Cost and Usage Reports: the legacy report (``lineItem/UsageAmount``) and CUR 2.0 (``line_item_...``).

CSV, CSV.gz or Parquet, as they lie in the bucket. Column names as in the AWS Data Exports user guide ("Cost
and Usage Report (CUR) 2.0 table dictionary") and the legacy CUR data dictionary. Each delivery holds the
whole month again, so a later one replaces an earlier one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import partial
from hashlib import blake2b
from pathlib import Path

from wattmark.core.run import SourceId
from wattmark.ports import Source
from wattmark.sources.aws_usage import instance_of
from wattmark.sources.bill_line import USAGE, BillLine, amount_in, hours_in, moment_in, month_of
from wattmark.sources.bill_settings import OPTIONS as BILL_OPTIONS
from wattmark.sources.bill_settings import bill_settings
from wattmark.sources.bill_source import BillSource, Told, line_of
from wattmark.sources.bill_tables import Row, bill_files, bill_rows, property_of
from wattmark.sources.catalog import Asked, Inputs

NAME = "aws-cur"
OPTIONS: Mapping[str, str] = BILL_OPTIONS
NEEDED = (
    "line_item_usage_start_date",
    "line_item_usage_end_date",
    "line_item_usage_account_id",
    "line_item_line_item_type",
    "line_item_product_code",
    "line_item_usage_type",
    "line_item_usage_amount",
    "line_item_unblended_cost",
    "line_item_currency_code",
)
KEY_BYTES = 16
"""Of what two lines are known by: of 10^7 of them two are taken for one with a chance of 10^-25."""
RAN = ("Usage", "DiscountedUsage", "SavingsPlanCoveredUsage")
"""Types of lines whose instances ran. All others (RIFee, SavingsPlanRecurringFee, SavingsPlanNegation, Tax,
Credit, Refund ...) are about money; a RIFee even states hours, those that were reserved."""
EFFECTIVE = {
    "Usage": "line_item_unblended_cost",
    "DiscountedUsage": "reservation_effective_cost",
    "SavingsPlanCoveredUsage": "savings_plan_savings_plan_effective_cost",
}
"""Where a line states what it cost once commitments are spread over what used them."""
_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")


def open_source(inputs: Inputs, asked: Asked) -> Source:
    """A source on files of a report, or on folders of them, one folder per delivery."""
    settings = bill_settings(asked)
    files = bill_files(inputs)
    return BillSource(SourceId(name=NAME), settings, lambda: _rows(files))


def column(name: str) -> str:
    """``lineItem/UsageStartDate`` as CUR 2.0 and Athena write it: ``line_item_usage_start_date``."""
    parts = (_HUMP.sub("_", part).lower() for part in name.split("/"))
    return "_".join(parts).replace(":", "_")


def _rows(files: list[Path]) -> Iterator[Told]:
    seen: set[bytes] = set()
    for path in files:
        delivery = str(path.parent)
        for place, row in bill_rows(path, NEEDED, "a Cost and Usage Report", column):
            yield Told(place, delivery, line_of(row, partial(_line, delivery=delivery, seen=seen)))


def _line(row: Row, delivery: str, seen: set[bytes]) -> BillLine | None:
    id = row.get("identity_line_item_id", "")
    if id:
        named = "\x1f".join((delivery, id, row.get("identity_time_interval", "")))
        key = blake2b(named.encode(), digest_size=KEY_BYTES).digest()  # a bill has millions of them
        if key in seen:
            return None  # an id is of one line in one delivery: a file that is there twice
        seen.add(key)
    kind = row["line_item_line_item_type"]
    start = moment_in(row["line_item_usage_start_date"], "line_item_usage_start_date")
    amount = amount_in(row["line_item_usage_amount"], "line_item_usage_amount")
    unblended = amount_in(row["line_item_unblended_cost"], "line_item_unblended_cost")
    costs = {"unblended": unblended}
    if kind in EFFECTIVE:
        effective = EFFECTIVE[kind]
        costs["effective"] = amount_in(row.get(effective, ""), effective)
    type_, resource = _instance(row) if kind in RAN else ("", "")
    if not type_ and not any(costs.values()):
        return None
    period = row.get("bill_billing_period_start_date", "")
    return BillLine(
        provider="aws",
        account=row["line_item_usage_account_id"],
        region=_region(row),
        service=row["line_item_product_code"],
        start_us=start,
        end_us=moment_in(row["line_item_usage_end_date"], "line_item_usage_end_date"),
        month=month_of(moment_in(period, "bill_billing_period_start_date") if period else start),
        charge=USAGE if kind in RAN else kind,
        instance_type=type_,
        hours=hours_in(str(amount), row.get("pricing_unit") or "Hrs", what="line_item_usage_amount")
        if type_
        else 0.0,
        resource=resource,
        costs=costs,
        currency=row["line_item_currency_code"],
        final=bool(row.get("bill_invoice_id")),
    )


def _instance(row: Row) -> tuple[str, str]:
    """The type that ran, and the machine where the line names one."""
    stated = row.get("product_instance_type") or property_of(row.get("product", ""), "instance_type")
    type_ = instance_of(row["line_item_product_code"], row["line_item_usage_type"], stated)
    resource = row.get("line_item_resource_id", "").rpartition("/")[2]
    return type_, resource if type_ else ""


def _region(row: Row) -> str:
    for name in ("product_region_code", "product_region", "line_item_availability_zone"):
        if row.get(name):
            return row[name]
    return property_of(row.get("product", ""), "region_code", "region")
