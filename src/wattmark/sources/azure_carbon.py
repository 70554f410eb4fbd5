"""Azure: the Carbon Optimization API by months, and files of the Emissions Impact Dashboard.

Shapes: Microsoft, azure-mgmt-carbonoptimization 1.0.0 (API 2025-04-01), and "Use the API to export Carbon
optimization in Azure emissions data", https://learn.microsoft.com/azure/carbon-optimization/api-export-data.
Kilograms of CO2e. ``latestMonthEmissions`` is, whatever its name says, the sum over the range that was asked
for, here always one month; ``carbonIntensity`` is per unit of use, not of a grid, and is left out. Scopes are
summed, and nobody says whether Scope 2 is location- or market-based: the accounting is not stated.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from wattmark.core.errors import EvidenceError, UsageError
from wattmark.core.imported import Imported
from wattmark.core.run import Statement
from wattmark.core.statements import SCOPES
from wattmark.ports import Source
from wattmark.sources.azure_api import AzureApi
from wattmark.sources.azure_impact import AzureImpact
from wattmark.sources.catalog import Asked, Inputs
from wattmark.sources.json_input import list_at, number_at, text_at
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

NAME = "azure-carbon"
OPTIONS: Mapping[str, str] = {
    "subscriptions": "Subscriptions to ask about, by id, separated by commas: needed for the API.",
    "snapshot": "Folder to keep what Azure answered in; such a file can be given as INPUT again.",
    "at": "When it was asked or exported, e.g. 2026-11-01T12:00:00Z: the later stands [now; files: none].",
    "unit": "Unit of a dashboard's file: tCO2e or kgCO2e [tCO2e].",
    "column.*": "Another name of a column of a dashboard's file, e.g. column.totalEmissions=Emissions.",
}
ASKED: Mapping[str, tuple[str, ...]] = {
    # the scopes of one question as the API names them -> as statements do
    "Scope1": SCOPES[:1],
    "Scope2": SCOPES[1:2],
    "Scope3": SCOPES[2:],
    "Scope1,Scope2,Scope3": SCOPES,
}
TEXTS = ("subscriptionId",)


def open_source(inputs: Inputs, asked: Asked) -> Source:
    """A source on months, which asks Azure, on snapshots of that, or on CSV files of the dashboard."""
    spans = [span for text in inputs if (span := span_of(text)) is not None]
    files = [text for text in inputs if span_of(text) is None]
    if spans and (files or len(spans) > 1):
        raise UsageError("give one stretch of months, e.g. 2026-01/2026-06, or files")
    if not spans and not all(text.endswith(".json") for text in files):
        return AzureImpact(files, asked)
    if not spans:
        return AzureCarbon(asked, files=[Path(text) for text in files])
    subscriptions = names_in(asked, "subscriptions")
    if not subscriptions:
        raise UsageError("say which: -o subscriptions=ID,ID; `az account list` shows them")
    return AzureCarbon(asked, span=spans[0], api=AzureApi(), subscriptions=sorted(subscriptions))


class AzureCarbon:
    """Reads the resources of a subscription, place and type in one month as one record."""

    def __init__(
        self,
        asked: Asked,
        *,
        span: tuple[Month, Month] | None = None,
        api: AzureApi | None = None,
        subscriptions: Sequence[str] = (),
        files: Sequence[Path] = (),
    ) -> None:
        self._asked = asked
        self._span = span
        self._api = api
        self._subscriptions = subscriptions
        self._files = files

    def read(self) -> Iterator[Imported]:
        """All months, each one portion."""
        found = Statements(self._asked)
        for snapshot in self._snapshots(found):
            months = sorted({name.partition(" ")[0] for name in snapshot.answers})
            for month in months:
                _take(month_of(month), snapshot, found)
                yield found.given()
        yield found.given(last=True)

    def _snapshots(self, found: Statements) -> Iterator[Snapshot]:
        for path in self._files:
            yield snapshot_from(path, NAME)
        if self._api is None or self._span is None:
            return
        snapshot = self._ask(self._api, self._span, found)
        if "snapshot" in self._asked.settings:
            kept, content = keep(snapshot, Path(self._asked.settings["snapshot"]))
            found.notes.add(f"what Azure answered is kept in {kept}, SHA-256 {content}")
        yield snapshot

    def _ask(self, api: AzureApi, span: tuple[Month, Month], found: Statements) -> Snapshot:
        at_us = asked_at(self._asked)
        first, last = (month_of(text) for text in api.available())
        months = [month for month in span[0].until(span[1]) if first <= month <= last]
        if not months:
            raise EvidenceError(api.place, f"has months from {first} to {last}: ask for some of these")
        if (months[0], months[-1]) != span:
            found.notes.add(f"Azure has months from {first} to {last}: the others were not asked for")
        answers: dict[str, Sequence[Any]] = {}
        for month in months:
            for scopes in ASKED:
                rows, denied = api.resources(f"{month}-01", scopes.split(","), self._subscriptions)
                answers[f"{month} {scopes}"] = rows
                for remark in denied:
                    found.notes.add(remark)
        return Snapshot(NAME, api.place, at_us, answers)


@dataclass(slots=True)
class _Group:
    """The resources of one subscription, place and type in one month."""

    place: str
    kilograms: dict[str, list[float]] = field(default_factory=dict)
    rows: list[Any] = field(default_factory=list)
    bad: bool = False


def _take(month: Month, snapshot: Snapshot, found: Statements) -> None:
    groups: dict[tuple[str, str, str], _Group] = {}
    for scopes in ASKED:
        for number, row in enumerate(list_at(snapshot.answers, f"{month} {scopes}")):
            place = f"{snapshot.place} {month} {scopes}[{number}]"
            _drift(place, row)
            subscription, kind = text_at(row, "subscriptionId").lower(), text_at(row, "resourceType").lower()
            group = groups.setdefault((subscription, text_at(row, "location"), kind), _Group(place))
            kilograms = number_at(row, "latestMonthEmissions")
            if kilograms is None:
                found.portion.refuse(place, "latestMonthEmissions is no number")
                group.bad = True
            else:
                group.kilograms.setdefault(scopes, []).append(kilograms)
                group.rows.append(row)
    for (subscription, location, kind), group in groups.items():
        if group.bad:
            found.notes.add(
                "its subscription, place and type are left out: one of its rows is bad", group.place
            )
            found.portion.ignored += len(group.rows)
            continue
        found.take(
            Said(
                place=group.place,
                source=NAME,
                provider="azure",
                account=subscription,
                region=location,
                service=kind,
                month=month,
                statements=tuple(_statements(group, month)),
                stated_us=snapshot.at_us,
                identity=(subscription, location, kind, "carbon-optimization"),
                notes=(f"SHA-256 of the rows as Azure gave them: {fingerprint(group.rows)}",),
            ),
            len(group.rows),
        )


def _statements(group: _Group, month: Month) -> Iterator[Statement]:
    for scopes, kilograms in group.kilograms.items():
        yield emissions(math.fsum(kilograms), "kgCO2e", month, None, ASKED[scopes])


def _drift(place: str, row: Any) -> None:
    """Raise EvidenceError that names a field which is not there."""
    lacking = [name for name in TEXTS if not text_at(row, name)]
    if not isinstance(row, Mapping) or "latestMonthEmissions" not in row:
        lacking.append("latestMonthEmissions")
    if lacking:
        raise EvidenceError(
            place,
            f"lacks the field {', '.join(lacking)}: the API has changed, and wattmark may need an upgrade",
        )
