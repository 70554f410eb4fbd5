"""Rows of Google Cloud's detailed usage cost export to BigQuery, as newline-delimited JSON.

    bq extract --destination_format NEWLINE_DELIMITED_JSON DATASET.gcp_billing_export_resource_v1_... gs://...

Fields after https://cloud.google.com/billing/docs/how-to/export-data-bigquery-tables/detailed-usage. Cores,
memory and GPUs of one machine are lines of their own: its hours are those of the cores, by the number that
its ``compute.googleapis.com/cores`` label states.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path

from wattmark.core.errors import EvidenceError
from wattmark.core.instances import InstanceType, Unconverted
from wattmark.core.run import SourceId
from wattmark.ports import Source
from wattmark.sources.bill_line import USAGE, BillLine, hours_in, is_time, moment_in, month_of
from wattmark.sources.bill_settings import OPTIONS as BILL_OPTIONS
from wattmark.sources.bill_settings import bill_settings
from wattmark.sources.bill_source import BillSource, Told
from wattmark.sources.catalog import Asked, Inputs
from wattmark.sources.json_input import Document, at, documents_of, list_at, number_at, text_at
from wattmark.sources.lines import files_of, number_of

NAME = "google-billing"
OPTIONS: Mapping[str, str] = BILL_OPTIONS
NEEDED = ("billing_account_id", "service", "sku", "usage_start_time", "usage_end_time", "cost", "currency")
COMPUTE = "Compute Engine"
SPEC = "compute.googleapis.com/machine_spec"
CORES = "compute.googleapis.com/cores"
NO_CORE = re.compile(
    r"\b(ram|gpu|license|licence|sole tenancy|premium|commitment|storage|ssd)\b", re.IGNORECASE
)
GPUS = {
    "v100": "nvidia-v100-sxm2-32gb",
    "t4": "nvidia-t4",
    "p100": "nvidia-p100-pcie-16gb",
    "p4": "nvidia-p4",
    "k80": "nvidia-k80",
    "l4": "nvidia-l4",
    "a100": "nvidia-a100-sxm4-40gb",
    "h100": "nvidia-h100-sxm5-80gb",
    "h200": "nvidia-h200-sxm-141gb",
}
"""Word in the name of a GPU's SKU -> id in the hardware table."""


Find = Callable[[str, str], InstanceType | Unconverted]


def open_source(inputs: Inputs, asked: Asked) -> Source:
    """A source on exported rows, or on folders of ``*.json*``."""
    settings = bill_settings(asked)
    files = files_of(inputs, "*.json*")
    return BillSource(SourceId(name=NAME), settings, lambda: _rows(files, settings.instances.find))


def _rows(files: list[Path], find: Find) -> Iterator[Told]:
    for path in files:
        first = True
        for place, document, reason in documents_of(path):
            if first and document is not None:
                _check(path, document)
                first = False
            yield Told(place, "", partial(_line, document, reason, find))


def _check(path: Path, document: Document) -> None:
    lacking = [name for name in NEEDED if name not in document]
    if lacking:
        raise EvidenceError(
            str(path),
            f"is no detailed billing export: its rows have no {', '.join(lacking)}; "
            f"they have {', '.join(document)[:300]}",
        )


def _line(document: Document | None, reason: str, find: Find) -> BillLine | None:
    if document is None:
        raise ValueError(reason)
    row = document
    cost = _number(row, "cost")
    start = moment_in(text_at(row, "usage_start_time"), "usage_start_time")
    regular = text_at(row, "cost_type") in ("", "regular")
    type_, hours, gpu, gpu_hours = _machine(row, find) if regular else ("", 0.0, "", 0.0)
    credits = sum(_number(credit, "amount") for credit in list_at(row, "credits"))
    costs = {"before credits": cost, "after credits": cost + credits}
    if not (type_ or gpu or any(costs.values())):
        return None
    written = text_at(row, "export_time")
    return BillLine(
        provider="google",
        account=text_at(row, "project", "id") or text_at(row, "billing_account_id"),
        region=text_at(row, "location", "region") or text_at(row, "location", "location"),
        service=text_at(row, "service", "description"),
        start_us=start,
        end_us=moment_in(text_at(row, "usage_end_time"), "usage_end_time"),
        month=_month(text_at(row, "invoice", "month"), start),
        charge=USAGE if regular else text_at(row, "cost_type"),
        instance_type=type_,
        hours=hours,
        gpu=gpu,
        gpu_hours=gpu_hours,
        resource=text_at(row, "resource", "name").rpartition("/")[2],
        costs=costs,
        currency=text_at(row, "currency"),
        delivered_seconds=moment_in(written, "export_time") // 1_000_000 if written else None,
    )


def _machine(row: Document, find: Find) -> tuple[str, float, str, float]:
    """Type and hours of a machine, or GPUs and their hours; of a line about something else nothing."""
    labels = {text_at(x, "key"): text_at(x, "value") for x in list_at(row, "system_labels")}
    spec, sku, unit = labels.get(SPEC, ""), text_at(row, "sku", "description"), text_at(row, "usage", "unit")
    if text_at(row, "service", "description") != COMPUTE or not is_time(unit):
        return "", 0.0, "", 0.0
    hours = hours_in(str(_number(row, "usage", "amount")), unit, what="usage.amount")
    if re.search(r"\bgpu\b", sku, re.IGNORECASE):
        return _gpu(spec, sku, hours, find)
    if not spec or NO_CORE.search(sku):
        return "", 0.0, "", 0.0
    cores = labels.get(CORES, "")
    if not cores.isdigit() or int(cores) == 0:
        raise ValueError(f"system label {CORES} of {spec} is {cores!r}, which is no number of cores")
    whole = re.search(r"\b(micro|small) instance\b", sku, re.IGNORECASE)  # billed as machines, not as cores
    return spec, hours if whole else hours / int(cores), "", 0.0


def _gpu(spec: str, sku: str, hours: float, find: Find) -> tuple[str, float, str, float]:
    """Attached GPUs; those of a machine type that has them are in its own watts already."""
    around = find("google", spec)
    if isinstance(around, InstanceType) and around.gpus:
        return "", 0.0, "", 0.0
    words = re.findall(r"[a-z0-9]+", sku.lower())
    return "", 0.0, next((GPUS[w] for w in words if w in GPUS), sku), hours


def _month(invoice: str, start: int) -> str:
    """``202605`` as 2026-05; the month of the usage where there is no invoice yet."""
    return (
        f"{invoice[:4]}-{invoice[4:]}" if re.fullmatch(r"20\d\d(0[1-9]|1[0-2])", invoice) else month_of(start)
    )


def _number(row: Document, *path: str) -> float:
    """A number that may be written as a text, as BigQuery does for NUMERIC. Raises ValueError."""
    found = at(row, *path)
    if found is None:
        raise ValueError(f"{'.'.join(path)} is missing")
    value = number_of(found) if isinstance(found, str) else number_at(row, *path)
    if value is None:
        raise ValueError(f"{'.'.join(path)} {found!r:.40} is not a number")
    return value
