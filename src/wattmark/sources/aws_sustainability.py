"""The AWS Sustainability API: carbon and water by account, region, service and month, of the newest model.

Shapes: botocore's service model ``sustainability`` 2018-05-10 (boto3 1.44.5), and Amazon Web Services, AWS
Sustainability API Reference, 2026, https://docs.aws.amazon.com/sustainability/latest/APIReference/. It
restates history without saying so: each read is a version of its records, by the model and when it was asked.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from wattmark.core.errors import EvidenceError, UsageError
from wattmark.core.imported import Imported
from wattmark.core.run import Statement
from wattmark.core.statements import FACILITY, SCOPES, WATER
from wattmark.ports import Source
from wattmark.sources import aws_client
from wattmark.sources.aws_client import AwsSettings, client, told
from wattmark.sources.catalog import Asked, Inputs
from wattmark.sources.json_input import at, number_at, text_at
from wattmark.sources.moments import moment_us, written
from wattmark.sources.provider_statements import (
    Month,
    Said,
    Statements,
    asked_at,
    emissions,
    fingerprint,
    month_of,
    names_in,
    span_of,
)
from wattmark.sources.snapshots import Snapshot, keep, snapshot_from

NAME = "aws-sustainability"
OPTIONS: Mapping[str, str] = {
    "account": "Only these accounts, separated by commas [all that whoever asks may see].",
    "snapshot": "Folder to keep what AWS answered in; such a file can be given as INPUT again.",
    "at": "When AWS was asked, e.g. 2026-11-01T12:00:00Z [now]: of one model the later answer stands.",
    **aws_client.OPTIONS,
}
DIMENSIONS = ("USAGE_ACCOUNT_ID", "REGION", "SERVICE")
CARBON, WATERS = "carbon", "water"
CALLS: Mapping[str, tuple[str, str, str]] = {
    # what -> method of boto3, permission, key of the values
    CARBON: (
        "get_estimated_carbon_emissions",
        "sustainability:GetEstimatedCarbonEmissions",
        "EmissionsValues",
    ),
    WATERS: (
        "get_estimated_water_allocation",
        "sustainability:GetEstimatedWaterAllocation",
        "AllocationValues",
    ),
}
TYPES: Mapping[str, tuple[str | None, tuple[str, ...]]] = {
    "TOTAL_LBM_CARBON_EMISSIONS": ("location", SCOPES),
    "TOTAL_MBM_CARBON_EMISSIONS": ("market", SCOPES),
    "TOTAL_SCOPE_1_CARBON_EMISSIONS": (None, SCOPES[:1]),
    "TOTAL_SCOPE_2_LBM_CARBON_EMISSIONS": ("location", SCOPES[1:2]),
    "TOTAL_SCOPE_2_MBM_CARBON_EMISSIONS": ("market", SCOPES[1:2]),
    "TOTAL_SCOPE_3_LBM_CARBON_EMISSIONS": ("location", SCOPES[2:]),
    "TOTAL_SCOPE_3_MBM_CARBON_EMISSIONS": ("market", SCOPES[2:]),
}
WITHDRAWALS = "TOTAL_WATER_WITHDRAWALS"
TONNES, CUBIC_METRES = "MTCO2e", "m3"


def open_source(inputs: Inputs, asked: Asked) -> Source:
    """A source on months (``2026-05``, ``2026-01/2026-06``), which asks AWS, or on kept snapshots."""
    files = tuple(Path(text) for text in inputs if span_of(text) is None)
    spans = [span for text in inputs if (span := span_of(text)) is not None]
    if files and spans:
        raise UsageError("months ask AWS, and files are what it answered before: give one kind of input")
    if len(spans) > 1:
        raise UsageError("give one stretch of months, e.g. 2026-01/2026-06")
    return AwsSustainability(spans[0] if spans else None, files, asked, AwsSettings.of(asked.settings))


class AwsSustainability:
    """Reads each result as a record: carbon by seven types, and water."""

    def __init__(
        self,
        span: tuple[Month, Month] | None,
        files: Sequence[Path],
        asked: Asked,
        aws: AwsSettings,
    ) -> None:
        self._span = span
        self._files = files
        self._asked = asked
        self._aws = aws
        self._accounts = names_in(asked, "account")

    def read(self) -> Iterator[Imported]:
        """All results, portion by portion."""
        found = Statements(self._asked)
        for snapshot in self._snapshots():
            if self._span is not None and "snapshot" in self._asked.settings:
                kept, content = keep(snapshot, Path(self._asked.settings["snapshot"]))
                found.notes.add(f"what AWS answered is kept in {kept}, SHA-256 {content}")
            for what in CALLS:
                for number, result in enumerate(snapshot.answers.get(what, ())):
                    self._take(f"{snapshot.place} {what}[{number}]", what, result, snapshot, found)
                    if found.full:
                        yield found.given()
        yield found.given(last=True)

    def _snapshots(self) -> Iterator[Snapshot]:
        if self._span is not None:
            yield self._ask(*self._span)
        yield from (snapshot_from(path, NAME) for path in self._files)

    def _ask(self, first: Month, last: Month) -> Snapshot:
        at_us = asked_at(self._asked)
        asking = client("sustainability", self._aws)
        place = f"{asking.meta.endpoint_url} {first} to {last}"
        answers = {what: list(self._results(asking, what, first, last)) for what in CALLS}
        return Snapshot(NAME, place, at_us, answers)

    def _results(self, asking: Any, what: str, first: Month, last: Month) -> Iterator[Any]:
        """The results of one call, page by page, as JSON has them."""
        method, permission, _ = CALLS[what]
        request: dict[str, Any] = {
            "TimePeriod": {"Start": _moment(first), "End": _moment(last.after)},
            "GroupBy": list(DIMENSIONS),
            "Granularity": "MONTHLY",
        }
        if self._accounts:
            request["FilterBy"] = {"Dimensions": {DIMENSIONS[0]: sorted(self._accounts)}}
        with told(f"{asking.meta.endpoint_url} {method}", permission):
            pages = asking.get_paginator(method).paginate(**request)
            for page in pages:
                if not isinstance(page.get("Results"), list):
                    raise EvidenceError(
                        f"{asking.meta.endpoint_url} {method}",
                        "answers without the field Results: it ended in the middle, or is a proxy between? "
                        "Try again",
                    )
                yield from json.loads(json.dumps(page["Results"], default=_iso))

    def _take(self, place: str, what: str, result: Any, snapshot: Snapshot, found: Statements) -> None:
        _drift(place, what, result)
        account = text_at(result, "DimensionsValues", DIMENSIONS[0])
        if self._accounts and account not in self._accounts:
            if self._span is not None:
                raise EvidenceError(place, f"AWS answers with account {account}, which was not asked for")
            found.portion.ignored += 1
            return
        try:
            found.take(_said(place, what, result, snapshot.at_us))
        except ValueError as error:
            found.portion.refuse(place, str(error))


def _drift(place: str, what: str, result: Any) -> None:
    """Raise EvidenceError that names the field which is not as documented."""
    values = CALLS[what][2]
    fields: list[tuple[str, ...]] = [("TimePeriod", "Start"), ("ModelVersion",)]
    fields += [("DimensionsValues", name) for name in DIMENSIONS]
    lacking = [".".join(path) for path in fields if not isinstance(at(result, *path), str)]
    if not isinstance(at(result, values), Mapping):
        lacking.append(values)
    if lacking:
        raise EvidenceError(
            place,
            f"lacks the field {', '.join(lacking)}: the API has changed, and wattmark may need an upgrade",
        )


def _said(place: str, what: str, result: Any, at_us: int) -> Said:
    month = month_of(text_at(result, "TimePeriod", "Start"))
    version = text_at(result, "ModelVersion")
    account, region, service = (text_at(result, "DimensionsValues", name) for name in DIMENSIONS)
    make = _carbon if what == CARBON else _water
    return Said(
        place=place,
        source=NAME,
        provider="aws",
        account=account,
        region=region,
        service=service,
        month=month,
        statements=tuple(make(result, month, version)),
        version=version,
        stated_us=at_us,
        identity=(account, region, service, what),
        notes=(f"SHA-256 of the result as AWS gave it: {fingerprint(result)}",),
    )


def _carbon(result: Any, month: Month, version: str) -> Iterator[Statement]:
    for name, (accounting, scopes) in TYPES.items():
        tonnes = _value(result, ("EmissionsValues", name), TONNES)
        if tonnes is not None:
            yield emissions(tonnes, "tCO2e", month, accounting, scopes, version)


def _water(result: Any, month: Month, version: str) -> Iterator[Statement]:
    cubic_metres = _value(result, ("AllocationValues", WITHDRAWALS), CUBIC_METRES)
    if cubic_metres is not None:
        yield Statement(
            quantity=WATER,
            value=cubic_metres,
            unit="m3",
            basis="withdrawals",
            period=str(month),
            provider_model_version=version,
            boundary=FACILITY,
        )


def _value(result: Any, path: tuple[str, ...], unit: str) -> float | None:
    """The number there; None where none is stated. Raises ValueError for another unit or no number."""
    if at(result, *path) is None:
        return None
    said = text_at(result, *path, "Unit")
    if said != unit:
        raise ValueError(f"{'.'.join(path)}.Unit is {said!r}: only {unit} is known")
    number = number_at(result, *path, "Value")
    if number is None:
        raise ValueError(f"{'.'.join(path)}.Value is no number")
    return number


def _moment(month: Month) -> datetime:
    return datetime(month.year, month.number, 1, tzinfo=UTC)


def _iso(value: Any) -> str:
    """A time of boto3 as JSON has it."""
    at_us = moment_us(value.isoformat(), UTC) if isinstance(value, datetime) else None
    return written(at_us) if at_us is not None else str(value)
