"""Both sides of a reconciliation out of one ledger: carbon of cloud energy, and providers' statements."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from wattmark.core.coverage import Lack
from wattmark.core.figure import Figure
from wattmark.core.reconcile import Beside, Ours, Reconciled, Spot, Stated, Verdict, reconciled
from wattmark.core.rollup import Total
from wattmark.core.statements import EMISSIONS
from wattmark.grid.places import find_place
from wattmark.ledger.engine import Engine, Tables
from wattmark.ledger.question import Question
from wattmark.ledger.rollup import Rollup
from wattmark.ledger.stated import StatedRecord, stated_records

MONTH = re.compile(r"\d{4}-\d{2}")
CLOUD = "scope 3.1"
NO_FACTOR = "no grid factor on this basis is known there; `--basis lifecycle` knows more places"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which part of both sides is looked at; empty: all of it."""

    providers: frozenset[str] = frozenset()
    regions: frozenset[str] = frozenset()
    accounts: frozenset[str] = frozenset()
    """Of the provider's side; on ours runs say it with the label ``cloud.account.id``."""

    def takes(self, spot: Spot) -> bool:
        """Whether a region of a provider is meant."""
        return (not self.providers or spot.provider in self.providers) and (
            not self.regions or spot.region in self.regions
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class BothSides:
    """What came of it, and what was left out."""

    told: Reconciled
    findings: tuple[str, ...]


def both_sides(
    engine: Engine,
    snapshot: Tables,
    question: Question,
    wanted: Wanted,
    ask: Callable[[Question], Rollup],
    mine: Path | None = None,
    earlier: Callable[[Sequence[str]], Mapping[str, int]] | None = None,
) -> BothSides:
    """Both sides by UTC month and cloud region, within the time that a question names.

    ``ask`` answers questions with the ledger's factors; ``mine`` is the folder of the user's own tables;
    ``earlier`` tells how many earlier versions of records are kept.
    """
    findings: list[str] = []
    where = dict(question.where)
    if wanted.accounts:
        where["label.cloud.account.id"] = tuple(sorted(wanted.accounts))
    asked = replace(question, by=("site",), period="month", time_zone="UTC", where=where)
    ours = [*_ours(ask(asked).totals, wanted, mine)]
    records, twice = stated_records(
        engine, snapshot, EMISSIONS, lambda provider, region: region_named(provider, region, mine)
    )
    meant = [*_stated(records, question, wanted, mine, findings)]
    anew = earlier([record.record_id for record, _ in meant]) if earlier is not None else {}
    stated = [_as_stated(record, spot, anew.get(record.record_id, 0)) for record, spot in meant]
    findings += map(str, twice)
    return BothSides(told=reconciled(ours, stated), findings=tuple(dict.fromkeys(findings)))


def _ours(totals: Iterable[Total], wanted: Wanted, mine: Path | None) -> Iterator[Ours]:
    """Energy of places that are cloud regions; two spellings of one region are one."""
    for total in totals:
        place = find_place(total.group["site"], mine)
        energy = total.facility if isinstance(total.facility, Figure) else total.energy
        if place is None or not isinstance(energy, Figure):
            continue
        spot = Spot(provider=place.provider, region=place.region, month=total.period)
        if wanted.takes(spot):
            clouds = [figure for terms, figure in total.carbon_by_terms.items() if terms.inventory == CLOUD]
            yield Ours(
                spot=spot,
                energy_joules=energy.value,
                boundary=energy.terms.get("boundary", ""),
                by_grade={grade.value: joules for grade, joules in energy.grades.items()},
                carbon=clouds[0] if len(clouds) == 1 else None,
                missing=NO_FACTOR if total.without_factor_uj or len(clouds) != 1 else "",
            )


def region_named(provider: str, region: str, mine: Path | None = None) -> str:
    """A provider's region by its own code, however a statement spells it; as it is where nobody knows it."""
    place = find_place(f"{provider}:{region}", mine)
    return place.region if place is not None else region


def _stated(
    records: Iterable[StatedRecord],
    question: Question,
    wanted: Wanted,
    mine: Path | None,
    findings: list[str],
) -> Iterator[tuple[StatedRecord, Spot]]:
    first = None if question.start is None else f"{question.start:%Y-%m}"
    after = None if question.end is None else f"{question.end:%Y-%m}"
    for record in records:
        if not MONTH.fullmatch(record.period):
            findings.append(
                f"statements of {record.period or 'no period'} are left out: only months are compared"
            )
            continue
        if (first and record.period < first) or (after and record.period >= after):
            continue
        region = region_named(record.provider, record.region, mine)
        spot = Spot(provider=record.provider, region=region, month=record.period)
        if wanted.takes(spot) and (not wanted.accounts or record.account in wanted.accounts):
            yield record, spot


def _as_stated(record: StatedRecord, spot: Spot, restated: int) -> Stated:
    return Stated(
        spot=spot,
        account=record.account,
        service=record.service,
        statements=record.statements,
        restated=restated,
    )


def lacks_of(rows: Iterable[Beside]) -> Iterator[Lack]:
    """What a provider states carbon of and nobody measured, for `wattmark coverage`."""
    for row in rows:
        if row.verdict is Verdict.NOT_MEASURED:
            spot = row.spot
            yield Lack(
                kind="statement",
                where=f"{spot.provider} {spot.region or '(no region)'}, {spot.month}",
                what="the provider states carbon there, and nothing was measured",
                fix="measure what runs there, or import its bill (`wattmark import --help`); `wattmark "
                "reconcile` shows how much is stated",
            )
