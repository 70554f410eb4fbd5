"""AWS Cost Explorer: instance-hours by type and region, and cost by service, by its API or a saved answer.

    aws ce get-cost-and-usage --granularity DAILY --metrics UsageQuantity \\
      --group-by Type=DIMENSION,Key=USAGE_TYPE Type=DIMENSION,Key=REGION \\
      --time-period Start=2026-05-01,End=2026-06-01 > answer.json

Shapes: Amazon Web Services, AWS Billing and Cost Management API Reference, GetCostAndUsage, and botocore's
service model ``ce`` 2017-10-25. It names no machines, so hours are pools of unnamed ones; each request costs
USD 0.01.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from email.utils import parsedate_to_datetime
from functools import partial
from pathlib import Path
from typing import Any

from wattmark.core.errors import EvidenceError, UsageError
from wattmark.core.run import SourceId
from wattmark.ports import Source
from wattmark.sources import aws_client
from wattmark.sources.aws_client import AwsSettings, client, told
from wattmark.sources.aws_usage import EC2_SERVICES, instance_of
from wattmark.sources.bill_line import BillLine, amount_in, hours_in, moment_in, month_of
from wattmark.sources.bill_settings import OPTIONS as BILL_OPTIONS
from wattmark.sources.bill_settings import BillSettings, bill_settings
from wattmark.sources.bill_source import BillSource, Told
from wattmark.sources.catalog import Asked, Inputs
from wattmark.sources.json_input import Document, at, documents_of, list_at, text_at
from wattmark.sources.lines import files_of

NAME = "aws-cost-explorer"
OPTIONS: Mapping[str, str] = {
    "granularity": "DAILY, HOURLY (the last 14 days, where it is enabled) or MONTHLY [DAILY].",
    "group": "Ask for hours by USAGE_TYPE or by INSTANCE_TYPE [USAGE_TYPE].",
    "account": "Account that the figures are of, where an answer does not name it [whoever asks].",
    **{key: text for key, text in BILL_OPTIONS.items() if key != "hosts"},  # it names no machines
    **aws_client.OPTIONS,
}
COMPUTE = EC2_SERVICES[1]
GRANULARITIES = ("DAILY", "HOURLY", "MONTHLY")
GROUPS = ("USAGE_TYPE", "INSTANCE_TYPE")
COSTS = {
    "UnblendedCost": "unblended",
    "AmortizedCost": "effective",
    "BlendedCost": "blended",
    "NetUnblendedCost": "unblended after discounts",
    "NetAmortizedCost": "effective after discounts",
}
NO_TYPE = ("NoInstanceType", "NoUsageType", "")
PERMISSION = "ce:GetCostAndUsage"
_DAY = re.compile(r"\d{4}-\d\d(-\d\d)?")


@dataclass(frozen=True, slots=True)
class Answer:
    """One page of an answer."""

    place: str
    document: Document
    asked_seconds: int | None
    """When it was given, where that is known."""


def open_source(
    inputs: Inputs, asked: Asked, *, now: Callable[[], float] = time.time, open_client: Any = client
) -> Source:
    """A source on a stretch of days (``2026-05``, ``2026-05-01/2026-05-15``: both ends are in it), which
    asks AWS, or on saved answers."""
    spans = [span for text in inputs if (span := _span(text)) is not None]
    if spans and len(inputs) > 1:
        raise UsageError("give one stretch of days, which asks AWS, or files with what it answered before")
    settings = bill_settings(asked)
    if spans:
        live = _Live(spans[0], asked, now, open_client)
        return BillSource(
            SourceId(name=NAME), settings, lambda: _told(live.answers(), live.account(), settings)
        )
    files = files_of(inputs, "*.json")
    account = asked.settings.get("account", "")
    return BillSource(SourceId(name=NAME), settings, lambda: _told(_saved(files), account, settings))


class _Live:
    """Questions to the API: hours of machines by type and region, and cost by service and region."""

    def __init__(
        self, span: tuple[date, date], asked: Asked, now: Callable[[], float], open_client: Any
    ) -> None:
        given = asked.settings
        self._granularity = _choice(given, "granularity", GRANULARITIES)
        self._group = _choice(given, "group", GROUPS)
        self._span = span
        self._account = given.get("account")
        self._aws = AwsSettings.of(given)
        self._now, self._open = now, open_client

    def account(self) -> str:
        """The account that is asked about."""
        if self._account is not None:
            return self._account
        with told("AWS STS", "sts:GetCallerIdentity"):
            return str(self._open("sts", self._aws).get_caller_identity()["Account"])

    def answers(self) -> Iterator[Answer]:
        """Every page of both answers."""
        explorer = self._open("ce", self._aws)
        only_compute = {"Dimensions": {"Key": "SERVICE", "Values": [COMPUTE]}}
        hours = {"Granularity": self._granularity, "Metrics": ["UsageQuantity"], "Filter": only_compute}
        cost = {"Granularity": "MONTHLY", "Metrics": ["UnblendedCost", "AmortizedCost"]}
        today = datetime.fromtimestamp(self._now(), UTC).date()
        for question, key in ((hours, self._group), (cost, "SERVICE")):
            hourly = question["Granularity"] == "HOURLY"
            first, last = self._span
            if question is cost:  # of whole months: a part of one must not replace what is known of all of it
                first, last = first.replace(day=1), min(_days(last.isoformat()[:7])[1], max(last, today))
            after = last + timedelta(days=1)
            ends = [d.isoformat() + ("T00:00:00Z" if hourly else "") for d in (first, after)]
            by = [{"Type": "DIMENSION", "Key": k} for k in (key, "REGION")]
            period = {"Start": ends[0], "End": ends[1]}
            yield from self._pages(explorer, {**question, "TimePeriod": period, "GroupBy": by})

    def _pages(self, explorer: Any, question: dict[str, Any]) -> Iterator[Answer]:
        keys = ", ".join(g["Key"] for g in question["GroupBy"])
        place = f"AWS Cost Explorer by {keys}"
        token: dict[str, str] = {}
        for page in range(1, 10_000):
            with told(place, PERMISSION):
                found = explorer.get_cost_and_usage(**question, **token)
            said = {"GroupDefinitions": question["GroupBy"], **found}
            yield Answer(f"{place}, page {page}", said, round(self._now()))
            if not found.get("NextPageToken"):
                return
            token = {"NextPageToken": found["NextPageToken"]}


def _saved(files: Sequence[Path]) -> Iterator[Answer]:
    for path in files:
        for place, document, reason in documents_of(path):
            if document is None:
                raise EvidenceError(place, reason)
            if not isinstance(document.get("ResultsByTime"), list):
                raise EvidenceError(
                    place, "is no answer of Cost Explorer's GetCostAndUsage: it has no ResultsByTime"
                )
            header = text_at(document, "ResponseMetadata", "HTTPHeaders", "date")
            given = round(parsedate_to_datetime(header).timestamp()) if header else None
            yield Answer(place, document, given)


def _told(answers: Iterable[Answer], account: str, settings: BillSettings) -> Iterator[Told]:
    for answer in answers:
        keys = [text_at(group, "Key") for group in list_at(answer.document, "GroupDefinitions")]
        for n, result in enumerate(list_at(answer.document, "ResultsByTime")):
            groups = list_at(result, "Groups") or [{"Keys": [], "Metrics": at(result, "Total") or {}}]
            for g, group in enumerate(groups):
                place = f"{answer.place} ResultsByTime[{n}].Groups[{g}]"
                yield Told(place, "", partial(_line, answer, keys, account, result, group))


def _line(answer: Answer, names: Sequence[str], account: str, result: Any, group: Any) -> BillLine | None:
    values = [str(key) for key in list_at(group, "Keys")]
    if len(values) != len(names):
        raise ValueError(f"has {len(values)} keys where GroupDefinitions names {len(names)}")
    key = dict(zip(names, values, strict=True))
    metrics = at(group, "Metrics") or {}
    costs = {
        name: amount_in(text_at(metrics, metric, "Amount"), metric)
        for metric, name in COSTS.items()
        if metric in metrics
    }
    type_ = _type(key)
    hours = _hours(metrics) if type_ else 0.0
    if not hours and not any(costs.values()):
        return None
    start = moment_in(text_at(result, "TimePeriod", "Start"), "TimePeriod.Start")
    estimated = at(result, "Estimated") is True
    region = key.get("REGION", "")
    return BillLine(
        provider="aws",
        account=key.get("LINKED_ACCOUNT") or account,
        region="" if region in ("NoRegion", "global") else region,
        service=key.get("SERVICE") or (COMPUTE if type_ else ""),
        start_us=start,
        end_us=moment_in(text_at(result, "TimePeriod", "End"), "TimePeriod.End"),
        month=month_of(start),
        instance_type=type_,
        hours=hours,
        costs=costs,
        currency=next((text_at(metrics, m, "Unit") for m in COSTS if m in metrics), ""),
        estimated=estimated,
        final=not estimated,
        delivered_seconds=answer.asked_seconds,
    )


def _type(key: Mapping[str, str]) -> str:
    """The instance type that a group is about; empty where it is about anything else."""
    stated = key.get("INSTANCE_TYPE", "")
    if key.get("SERVICE", COMPUTE) not in EC2_SERVICES:
        return ""
    if "USAGE_TYPE" in key:
        return instance_of(COMPUTE, key["USAGE_TYPE"], "" if stated in NO_TYPE else stated)
    return "" if stated in NO_TYPE else stated


def _hours(metrics: Any) -> float:
    if "UsageQuantity" not in metrics:
        return 0.0
    unit = text_at(metrics, "UsageQuantity", "Unit")
    if unit == "N/A":
        raise ValueError("UsageQuantity mixes units (N/A): group by USAGE_TYPE, which has one each")
    return hours_in(text_at(metrics, "UsageQuantity", "Amount"), unit, what="UsageQuantity")


def _span(text: str) -> tuple[date, date] | None:
    """First and last day of ``2026-05``, ``2026-05-03`` or two of these with a slash; None for all else."""
    first, _, last = text.partition("/")
    if not _DAY.fullmatch(first) or not _DAY.fullmatch(last or first):
        return None
    try:
        start, end = _days(first)[0], _days(last or first)[1]
    except ValueError:
        raise UsageError(f"{text!r} is no stretch of days like 2026-05 or 2026-05-01/2026-05-15") from None
    if end < start:
        raise UsageError(f"{text!r} ends before it begins")
    return start, end


def _days(text: str) -> tuple[date, date]:
    if len(text) == len("2026-05-01"):
        day = date.fromisoformat(text)
        return day, day
    first = datetime.strptime(text, "%Y-%m").replace(tzinfo=UTC).date()
    after = (first.replace(day=28) + timedelta(days=4)).replace(day=1)
    return first, after - timedelta(days=1)


def _choice(given: Mapping[str, str], key: str, choices: tuple[str, ...]) -> str:
    said = given.get(key, choices[0]).upper()
    if said not in choices:
        raise UsageError(f"-o {key}={given[key]}: give {', '.join(choices)}")
    return said
