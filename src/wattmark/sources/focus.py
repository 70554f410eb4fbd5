"""FOCUS 1.0 to 1.2, the FinOps open cost and usage specification, as providers and tools export it.

Columns after https://focus.finops.org (specification/columns); ``x_`` columns are the providers' own. The
type of an instance stands in SkuPriceDetails (1.1: F_InstanceType, 1.2: InstanceType), in x_SkuDetails of
Azure, or in x_UsageType of AWS; a file that states none gives cost alone, and says so.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path

from wattmark.core.run import SourceId
from wattmark.ports import Source
from wattmark.sources.aws_usage import EC2, instance_of
from wattmark.sources.bill_line import USAGE, BillLine, amount_in, hours_in, moment_in, month_of
from wattmark.sources.bill_settings import OPTIONS as BILL_OPTIONS
from wattmark.sources.bill_settings import bill_settings
from wattmark.sources.bill_source import BillSource, Told, line_of
from wattmark.sources.bill_tables import Row, bill_files, bill_rows, property_of
from wattmark.sources.catalog import Asked, Inputs

NAME = "focus"
OPTIONS: Mapping[str, str] = BILL_OPTIONS
NEEDED = (
    "ChargePeriodStart",
    "ChargePeriodEnd",
    "ChargeCategory",
    "BilledCost",
    "BillingCurrency",
    "ServiceName",
)
PROVIDERS = {"aws": "aws", "amazon": "aws", "microsoft": "azure", "azure": "azure", "google": "google"}
"""First word of a provider's name -> how we call it."""
MACHINES = "Virtual Machines"
"""Meter category of Azure whose hours are machines; licences state the same hours again."""


def open_source(inputs: Inputs, asked: Asked) -> Source:
    """A source on files of FOCUS data, or on folders of them, one folder per delivery."""
    settings = bill_settings(asked)
    files = bill_files(inputs)
    return BillSource(SourceId(name=NAME), settings, lambda: _rows(files))


def _rows(files: list[Path]) -> Iterator[Told]:
    for path in files:
        for place, row in bill_rows(path, NEEDED, "a FOCUS dataset"):
            yield Told(place, str(path.parent), line_of(row, partial(_line)))


def _line(row: Row) -> BillLine | None:
    start = moment_in(row["ChargePeriodStart"], "ChargePeriodStart")
    provider = provider_of(row)
    usage = row["ChargeCategory"] == "Usage"
    type_ = _instance(row, provider) if usage and row.get("CommitmentDiscountStatus") != "Unused" else ""
    unit = row.get("ConsumedUnit", "")
    costs = {"billed": amount_in(row["BilledCost"], "BilledCost")}
    if "EffectiveCost" in row:
        costs["effective"] = amount_in(row["EffectiveCost"], "EffectiveCost")
    if not type_ and not any(costs.values()):
        return None
    period = row.get("BillingPeriodStart", "")
    return BillLine(
        provider=provider,
        account=row.get("SubAccountId") or row.get("BillingAccountId", ""),
        region=row.get("RegionId", ""),
        service=row["ServiceName"],
        start_us=start,
        end_us=moment_in(row["ChargePeriodEnd"], "ChargePeriodEnd"),
        month=month_of(moment_in(period, "BillingPeriodStart") if period else start),
        charge=USAGE if usage else row["ChargeCategory"],
        instance_type=type_,
        hours=hours_in(row.get("ConsumedQuantity", ""), unit, what="ConsumedQuantity") if type_ else 0.0,
        resource=machine_of(provider, row.get("ResourceId", "")) if type_ else "",
        costs=costs,
        currency=row["BillingCurrency"],
        final=bool(row.get("InvoiceId")),
    )


def provider_of(row: Row) -> str:
    """aws, azure or google, else the name as it stands; 1.3 splits the column in two."""
    for name in ("ProviderName", "HostProviderName", "ServiceProviderName", "PublisherName"):
        if row.get(name):
            return PROVIDERS.get(row[name].split()[0].lower(), row[name])
    return ""


def _instance(row: Row, provider: str) -> str:
    """The type of machine whose hours the line states; empty where it states something else."""
    usage_type = row.get("x_UsageType", "")
    stated = property_of(row.get("SkuPriceDetails", ""), "InstanceType", "F_InstanceType")
    if provider == "aws" and usage_type:
        return instance_of(row.get("x_ServiceCode") or EC2, usage_type, stated)
    if provider == "azure" and row.get("x_SkuMeterCategory", MACHINES) != MACHINES:
        return ""
    stated = stated or property_of(row.get("x_SkuDetails", ""), "ServiceType")
    if not stated and row.get("x_InstanceType"):
        stated = row["x_InstanceType"]
    return stated if row.get("ConsumedUnit") else ""


def machine_of(provider: str, resource: str) -> str:
    """The name of a machine in a resource id; empty for what is no single machine."""
    last = resource.rpartition("/")[2]
    if provider == "azure":
        return last if "/virtualmachines/" in resource.lower() else ""
    return last
