"""Files of Microsoft's Emissions Impact Dashboard for Azure: tonnes by subscription, region, service, scope.

Columns: Microsoft, "Cloud for Sustainability API (preview) OData query examples", EnrollmentEmission,
https://learn.microsoft.com/industry/sustainability/api-odata, which is the data behind the dashboard. What
its Power BI pages export is named as the page is laid out: names are taken whatever their case and spaces,
and others are given with ``-o column.NAME=``. The dashboard for Azure ends on 31 March 2027 (Microsoft, Azure
updates, id 558278).
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC

from wattmark.core.errors import EvidenceError, UsageError
from wattmark.core.imported import Imported
from wattmark.core.statements import SCOPES
from wattmark.sources.aws_client import AwsSettings
from wattmark.sources.catalog import Asked
from wattmark.sources.deliveries import WRONG_WIDTH, Delivered, delivered, table
from wattmark.sources.lines import number_of
from wattmark.sources.moments import moment_us
from wattmark.sources.provider_statements import (
    BILLED,
    Month,
    Said,
    Statements,
    emissions,
    file_time,
    month_of,
)

NAME = "azure-impact"
"""Its statements are those of another door of Azure than the API's, which ``azure-carbon`` asks."""
NEEDED = ("dateKey", "subscriptionId", "azureRegionName", "azureServiceName", "scope", "totalEmissions")
ALSO = ("enrollmentId", "orgName", "subscriptionName", "subService", "scopeId")
UNITS = ("tCO2e", "kgCO2e", "gCO2e")
_SCOPE = re.compile(r"(?i)\s*(?:scope)?\s*([123])\s*")
_KEY = re.compile(r"(\d{4})(\d\d)01")
COLUMN = "column."


class AzureImpact:
    """Reads the rows of one subscription, region, service and month as one record, scope by scope."""

    def __init__(self, inputs: Sequence[str], asked: Asked) -> None:
        unit = asked.settings.get("unit", UNITS[0])
        if unit not in UNITS:
            raise UsageError(f"unit is one of {', '.join(UNITS)}, not {unit!r}")
        for text in inputs:
            if text.lower().endswith((".xlsx", ".xls")):
                raise EvidenceError(text, "is a workbook: export the page's data as CSV")
        named = {
            key.removeprefix(COLUMN): name for key, name in asked.settings.items() if key.startswith(COLUMN)
        }
        for key in named:
            if key not in (*NEEDED, *ALSO):
                raise UsageError(f"column.{key}: there is no column {key!r}; columns: {', '.join(NEEDED)}")
        self._inputs = inputs
        self._asked = asked
        self._unit = unit
        self._named = named

    def read(self) -> Iterator[Imported]:
        """All files; rows of one record may stand apart, so that all are read before any is given."""
        found = Statements(self._asked)
        at_us = file_time(self._asked, found.notes)
        groups: dict[tuple[str, ...], _Group] = {}
        for file in delivered(self._inputs, AwsSettings()):
            columns = _columns(file, table(file).columns, self._named)
            for place, row in table(file).rows:
                self._row(place, row, columns, groups, found)
        for key, group in groups.items():
            self._give(key, group, at_us, found)
            if found.full:
                yield found.given()
        yield found.given(last=True)

    def _row(
        self,
        place: str,
        row: Mapping[str, str],
        columns: Mapping[str, str],
        groups: dict[tuple[str, ...], _Group],
        found: Statements,
    ) -> None:
        told = {name: row.get(theirs, "") for name, theirs in columns.items()}
        try:
            if WRONG_WIDTH in row:
                raise ValueError(row[WRONG_WIDTH])
            month = _month(told["dateKey"])
        except ValueError as error:
            found.portion.refuse(place, str(error))
            return
        key = (told.get("enrollmentId", ""), *(told[name] for name in NEEDED[1:4]), str(month))
        group = groups.setdefault(key, _Group(place, month))
        try:
            group.add(told["scope"], told["totalEmissions"])
        except ValueError as error:
            found.portion.refuse(place, str(error))
            group.bad = True

    def _give(self, key: tuple[str, ...], group: _Group, at_us: int, found: Statements) -> None:
        rows = sum(map(len, group.amounts.values()))
        if group.bad:
            found.notes.add("its subscription, region and service are left out: a row is bad", group.place)
            found.portion.ignored += rows
            return
        enrolment, subscription, region, service, _ = key
        found.take(
            Said(
                place=group.place,
                source=NAME,
                provider="azure",
                account=subscription,
                region=region,
                service=service,
                month=group.month,
                statements=tuple(
                    emissions(math.fsum(amounts), self._unit, group.month, None, (scope,))
                    for scope, amounts in sorted(group.amounts.items())
                ),
                stated_us=at_us,
                identity=(enrolment, subscription, region, service, "impact-dashboard"),
                labels={BILLED: enrolment},
            ),
            rows,
        )


@dataclass(slots=True)
class _Group:
    place: str
    month: Month
    amounts: dict[str, list[float]] = field(default_factory=dict)
    bad: bool = False

    def add(self, scope: str, amount: str) -> None:
        """One row of it. Raises ValueError for one that cannot be."""
        found = _SCOPE.fullmatch(scope)
        if found is None:
            raise ValueError(f"scope {scope[:40]!r} is none of 1, 2 and 3")
        number = number_of(amount)
        if number is None:
            raise ValueError(f"totalEmissions {amount[:40]!r} is no number")
        self.amounts.setdefault(SCOPES[int(found[1]) - 1], []).append(number)


def _columns(file: Delivered, header: Sequence[str], named: Mapping[str, str]) -> dict[str, str]:
    """Our name of each column -> the file's. Raises EvidenceError that names those that are not there."""
    theirs = {_plain(name): name for name in header}
    found = {}
    for name in (*NEEDED, *ALSO):
        wanted = named.get(name, name)
        if _plain(wanted) in theirs:
            found[name] = theirs[_plain(wanted)]
    lacking = [named.get(name, name) for name in NEEDED if name not in found]
    if lacking:
        raise EvidenceError(
            file.name,
            f"the column {', '.join(lacking)} is not there, only {', '.join(header[:20])}: "
            f"name what stands for it, e.g. -o column.{next(n for n in NEEDED if n not in found)}=NAME",
        )
    return found


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())


def _month(text: str) -> Month:
    key = _KEY.fullmatch(text)
    if key is not None:
        return month_of(f"{key[1]}-{key[2]}")
    at_us = moment_us(text, UTC)
    if at_us is None:
        raise ValueError(f"dateKey {text[:40]!r} is no month like 20260501")
    return month_of(text)
