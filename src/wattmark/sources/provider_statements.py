"""What a cloud provider states of one account, region, service and month, as a run that only states it.

The record's id says what it is about, and neither its figures nor the version of the provider's model, so
that a restatement is a new version of the record: the newer model wins, then the later statement, and the
older ones stay in the evidence.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from wattmark.core.errors import UsageError
from wattmark.core.run import Host, Run, Statement, Status
from wattmark.core.sound import first_fault
from wattmark.core.statements import (
    ACCOUNT,
    EMISSIONS,
    FACILITY,
    PROVIDER,
    SERVICE,
    PartsCheck,
    parts_checks,
    seq_of,
)
from wattmark.hashing import sha256
from wattmark.sources.catalog import Asked
from wattmark.sources.identity import host_of, import_id
from wattmark.sources.moments import EPOCH, LEAST_YEAR, MOST_YEAR, moment_us, written
from wattmark.sources.portions import ROWS, Notes, Portion
from wattmark.sources.stated import place_of, subject_of

BILLED = "cloud.billing.account"
"""Label: who pays, where that is another account than the one that used it."""
_MONTH = re.compile(r"(\d{4})-(\d\d)")
_SPAN = re.compile(r"(\d{4}(?:-\d\d)?)(?:(?:/|\.\.)(\d{4}(?:-\d\d)?))?")


@dataclass(frozen=True, slots=True, order=True)
class Month:
    """A calendar month, UTC."""

    year: int
    number: int

    def __str__(self) -> str:
        return f"{self.year:04d}-{self.number:02d}"

    @property
    def after(self) -> Month:
        """The next one."""
        return Month(self.year + self.number // 12, self.number % 12 + 1)

    @property
    def start_us(self) -> int:
        """Its first moment, microseconds since 1970."""
        return int((datetime(self.year, self.number, 1, tzinfo=UTC) - EPOCH).total_seconds()) * 1_000_000

    def until(self, last: Month) -> Iterator[Month]:
        """It and those that follow, the last one included."""
        month = self
        while month <= last:
            yield month
            month = month.after


def month_of(text: str) -> Month:
    """The month that a text begins with (``2026-05``, ``2026-05-01 00:00:00Z``). Raises ValueError."""
    found = _MONTH.match(text.strip())
    if found is None or not 1 <= int(found[2]) <= 12 or not LEAST_YEAR <= int(found[1]) < MOST_YEAR:
        raise ValueError(f"{text[:40]!r} is no month like 2026-05")
    return Month(int(found[1]), int(found[2]))


def span_of(text: str) -> tuple[Month, Month] | None:
    """First and last month of ``2026``, ``2026-05`` or ``2026-01/2026-06``; None for anything else."""
    found = _SPAN.fullmatch(text.strip())
    if found is None:
        return None
    first, last = found[1], found[2] or found[1]
    try:
        span = (
            month_of(first if "-" in first else f"{first}-01"),
            month_of(last if "-" in last else f"{last}-12"),
        )
    except ValueError:
        return None
    if span[0] > span[1]:
        raise UsageError(f"{text} ends before it begins")
    return span


def asked_at(asked: Asked) -> int:
    """When the provider is asked: as ``-o at=`` says, else now. Microseconds since 1970."""
    said = asked.settings.get("at")
    if said is None:
        return int(datetime.now(UTC).timestamp()) * 1_000_000
    at_us = moment_us(said, UTC)
    if at_us is None:
        raise UsageError(f"at is a time like 2026-11-01T12:00:00Z, not {said!r}")
    return at_us


def file_time(asked: Asked, notes: Notes) -> int:
    """When a file that states no time was made: as ``-o at=`` says, else 0, which any other time beats."""
    if "at" in asked.settings:
        return asked_at(asked)
    notes.add("states no time: give -o at= where it restates what was imported before")
    return 0


def names_in(asked: Asked, key: str) -> frozenset[str]:
    """The values of a setting that lists some, separated by commas."""
    return frozenset(filter(None, (part.strip() for part in asked.settings.get(key, "").split(","))))


def emissions(
    value: float, unit: str, month: Month, accounting: str | None, scopes: Sequence[str], version: str = ""
) -> Statement:
    """Grams, kilograms or tonnes of CO2e in one month. The PUE of the provider is in them."""
    return Statement(
        quantity=EMISSIONS,
        value=value,
        unit=unit,
        accounting=accounting,
        scopes=tuple(scopes),
        period=str(month),
        provider_model_version=version or None,
        boundary=FACILITY,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What a provider says of one account, region, service and month."""

    place: str
    source: str
    provider: str
    account: str
    region: str
    service: str
    month: Month
    statements: tuple[Statement, ...]
    version: str = ""
    stated_us: int = 0
    """The provider's own time of refresh where it states one, else when it was asked; 0: not known."""
    identity: tuple[str, ...] = ()
    """What tells the record apart, where account, region and service do not, or may be renamed."""
    labels: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


def run_of(said: Said, asked: Asked) -> Run:
    """The run that states it and nothing else. Raises ValueError for figures that cannot be."""
    labels = {PROVIDER: said.provider, ACCOUNT: said.account, SERVICE: said.service, **said.labels}
    whose = said.identity or (said.account, said.region, said.service)
    key = (said.provider, str(said.month), *whose)
    run = Run(
        record_id=import_id(said.source, "", "\x1f".join(key)),
        seq=seq_of(said.version, said.stated_us),
        status=Status.CLOSED,
        started_at=written(said.month.start_us),
        duration_seconds=(said.month.after.start_us - said.month.start_us) / 1e6,
        host=Host(id=host_of(f"{said.provider} account {said.account}"), fingerprint=said.source),
        subject=subject_of(asked, region=said.region, labels={k: v for k, v in labels.items() if v}),
        statements=said.statements,
        place=replace(place_of(asked), pue=None, pue_kind=None),  # the provider's is in the figures
        notes=(*(_remark(check) for check in parts_checks(said.statements) if not check.agrees), *said.notes),
    )
    if (fault := first_fault(run)) is not None:
        raise ValueError(f"{fault[1]} (at {fault[0]})")
    return run


def _remark(check: PartsCheck) -> str:
    what = f"{check.total.accounting or 'stated'} total of {check.total.period}"
    if check.lacking:
        return f"{what}: {', '.join(check.lacking)} is in it and not stated by itself"
    return f"{what}: {check.difference:+.6g} gCO2e against the sum of its scopes"


@dataclass(slots=True)
class Statements:
    """Gathers records, each version once, and gives them away in portions."""

    asked: Asked
    notes: Notes = field(default_factory=Notes)
    portion: Portion = field(default_factory=Portion)
    _seen: dict[tuple[str, int], str] = field(default_factory=dict)

    def take(self, said: Said, rows: int = 1) -> None:
        """One record, made of some rows of the input; none where it states nothing."""
        if not said.statements:
            self.notes.add("states no figure: that is a gap, not 0", said.place)
            self.portion.ignored += rows
            return
        try:
            run = run_of(said, self.asked)
        except ValueError as error:
            self.portion.refuse(said.place, str(error))
            self.portion.ignored += rows - 1
            return
        content = sha256(repr(run.statements).encode()).hexdigest()
        repeated = (run.record_id, run.seq) in self._seen
        before = self._seen.setdefault((run.record_id, run.seq), content)
        if before != content:
            why = "states other figures than a row before it, of the same version and the same time"
            self.portion.refuse(said.place, why)
            self.portion.ignored += rows - 1
        elif repeated:
            self.portion.ignored += rows
        else:
            self.portion.runs.append(run)
            self.portion.taken += rows
            if len(run.notes) > len(said.notes):
                self.notes.add("a total is not the sum of its scopes: its record says how far", said.place)

    @property
    def full(self) -> bool:
        """There is enough for a portion."""
        return self.portion.rows >= ROWS

    def given(self, last: bool = False) -> Any:
        """The portion so far; the last one says what its reader should know."""
        portion, self.portion = self.portion, Portion()
        return portion.brought(self.notes if last else None)


def fingerprint(document: Any) -> str:
    """SHA-256 of a JSON value, the same however its keys are ordered."""
    return sha256(json.dumps(document, sort_keys=True, separators=(",", ":")).encode()).hexdigest()
