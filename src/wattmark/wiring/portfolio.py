"""A portfolio out of a ledger: its inventory, its parts, its days, and the tables of its factors."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import TYPE_CHECKING

from wattmark import tables
from wattmark.core.errors import NotComparable, RefusedError
from wattmark.core.figure import Figure, Missing
from wattmark.core.frozen import Frozen, frozen_line
from wattmark.core.known import Boundary
from wattmark.core.portfolio import (
    DIRECT,
    ENERGY,
    LIFECYCLE,
    Asked,
    Inventory,
    Line,
    added,
    require_comparable,
)
from wattmark.core.portfolio_lines import NO_STATEMENTS, Evidence, inventory_of, line_of, upstream_of
from wattmark.core.portfolio_totals import Totals
from wattmark.core.rollup import Total
from wattmark.core.run import Statement
from wattmark.core.statements import ALL, EITHER, EMISSIONS, LOCATION, UNSPLIT, accounting_of, wholes
from wattmark.core.statements import added as statements_added
from wattmark.core.targets import (
    CARBON_PER_UNIT,
    ENERGY_PER_UNIT,
    Calendar,
    Day,
    Progress,
    Target,
    bounds_of,
    limit_in,
    progress,
)
from wattmark.hashing import sha256
from wattmark.ledger.columns import TAGS
from wattmark.ledger.stated import StatedRecord, stated_records
from wattmark.wiring.ledger import OpenLedger, ask
from wattmark.wiring.places import tables_folder
from wattmark.wiring.portfolio_beside import purchased
from wattmark.wiring.portfolio_books import Books, Span, span_named
from wattmark.wiring.reconcile import region_named

if TYPE_CHECKING:
    from wattmark.ledger.rollup import Rollup

DECLARED = 1.0
"""Relative half width at 95 % of what is declared without a described method (data/uncertainty.csv)."""


SHOWN = ("energy", "scope2_location", "scope2_market", "scope31")
"""Lines of a part and of a month."""


def asked_of(
    ledger: OpenLedger,
    where: Mapping[str, Sequence[str]] | None = None,
    boundary: str = Boundary.NODE.value,
) -> Asked:
    """What an inventory of this ledger is of; its own rules hold where nothing else is asked."""
    rules = ledger.settings.portfolio
    return Asked(
        boundary=boundary,
        where={key: tuple(values) for key, values in sorted((where or {}).items())},
        primary=rules.primary,
        time_zone=ledger.settings.time_zone,
    )


def inventory(books: Books, span: Span, asked: Asked) -> Inventory:
    """The inventory of a span of time."""
    grouped = _together(books, span, asked, by=("country", "site"))
    upstream, share = upstream_of(totals for _, totals in grouped.groups)
    evidence = Evidence(
        totals=grouped.whole,
        stated=stated_carbon(books, span, asked),
        bought=purchased(books, span, asked),
        upstream=upstream,
        upstream_share=share,
        days=(span.after - span.first).days,
        days_seen=_days_seen(books, span, asked),
    )
    return inventory_of(asked, evidence, grouped.findings)


def _days_seen(books: Books, span: Span, asked: Asked) -> int:
    """How many days hold any energy."""
    question = span.question(asked, period="day")
    found = ask(books.ledger.settings, books.snapshot, question, books.engine)
    return sum(1 for total in found.totals if total.found.parts)


def parts(books: Books, span: Span, asked: Asked, key: str) -> list[tuple[str, tuple[Line, ...]]]:
    """Value of a tag -> its energy and carbon, the largest first; an empty value is what nobody stated."""
    found = [
        (group[0], tuple(line_of(name, totals, asked.primary) for name in SHOWN))
        for group, totals in _together(books, span, asked, by=(key,)).groups
    ]
    return sorted(found, key=lambda row: (-_value(row[1][0]), row[0]))


def months(books: Books, span: Span, asked: Asked) -> list[tuple[str, tuple[Line, ...]]]:
    """Month -> its energy and carbon, in the order of time."""
    return [
        (group[-1], tuple(line_of(name, totals, asked.primary) for name in SHOWN))
        for group, totals in _together(books, span, asked, period="month").groups
    ]


def _value(line: Line) -> float:
    return line.figure.value if isinstance(line.figure, Figure) else 0.0


def days(books: Books, span: Span, asked: Asked, target: Target) -> dict[date, Day]:
    """What was found of each day that a target is about; a day without evidence is not in it."""
    found: dict[date, Day] = {}
    for period, totals in _by_day(books, span, asked):
        line = _line_for(target, totals)
        work = totals.location.work.get(target.functional_unit)
        if isinstance(line.figure, Figure):
            found[date.fromisoformat(period)] = Day(
                figure=line.figure, share=line.share, work=work.count if work else 0.0
            )
    return found


def _line_for(target: Target, totals: Totals) -> Line:
    """The line of a day that a target counts; carbon per unit is of one inventory, or of none."""
    if target.what in (ENERGY, ENERGY_PER_UNIT):
        return line_of(ENERGY, totals)
    if target.what != CARBON_PER_UNIT:
        return line_of(target.what, totals)
    own, cloud = line_of("scope2_location", totals), line_of("scope31", totals)
    if isinstance(own.figure, Figure) and isinstance(cloud.figure, Figure):
        several = Missing(
            "carbon of one inventory", "let `where` name places of one kind: own sites, or cloud"
        )
        return replace(own, figure=several)
    return own if isinstance(own.figure, Figure) else cloud


def _by_day(books: Books, span: Span, asked: Asked) -> Iterator[tuple[str, Totals]]:
    for group, totals in _together(books, span, asked, period="day").groups:
        yield group[-1], totals


@dataclass(frozen=True, slots=True)
class _Together:
    """The same question with every kind of factor."""

    whole: Totals
    groups: list[tuple[tuple[str, ...], Totals]]
    """Values of the group and the name of the period, in the order of the answer."""
    findings: tuple[str, ...]


def _together(
    books: Books, span: Span, asked: Asked, by: tuple[str, ...] = (), period: str | None = None
) -> _Together:
    question = span.question(asked, by=by, period=period)
    settings = books.ledger.settings
    found: dict[str, Rollup] = {}
    for name, terms in (
        ("location", ("location", DIRECT)),
        ("lifecycle", ("location", LIFECYCLE)),
        ("market", ("market", DIRECT)),
    ):
        found[name] = ask(settings, books.snapshot, question, books.engine, terms)
    by_key = {name: {_group(total): total for total in rollup.totals} for name, rollup in found.items()}
    groups = [
        (
            key,
            Totals(
                location=total,
                lifecycle=by_key["lifecycle"][key],
                market=_stated(by_key["market"].get(key)),
            ),
        )
        for key, total in by_key["location"].items()
    ]
    whole = Totals(
        location=found["location"].whole,
        lifecycle=found["lifecycle"].whole,
        market=_stated(found["market"].whole),
    )
    findings = dict.fromkeys(f for name in ("location", "market") for f in found[name].findings)
    return _Together(whole, groups, tuple(findings))


def _group(total: Total) -> tuple[str, ...]:
    return (*total.group.values(), total.period)


def _stated(market: Total | None) -> Total | None:
    """The market-based total; None where no energy met a market-based factor."""
    return market if market is not None and market.carbon_by_terms else None


def stated_carbon(books: Books, span: Span, asked: Asked) -> Figure | Missing:
    """Location-based carbon that providers state for the span: the newest statement of each month, added up.

    Nothing is converted: what they state on other terms is not added, and says so.
    """
    others = sorted(set(asked.where) - set(TAGS))
    if others:
        return Missing(f"statements by {', '.join(others)}", "providers state none: ask by tags, or for all")
    records, twice = _stated_in(books, span, asked)
    chosen = [(one.record_id, s) for one in records for s in _location_based(one.statements)]
    if not chosen:
        return NO_STATEMENTS
    try:
        whole = statements_added(chosen)
    except (NotComparable, RefusedError) as refusal:
        return Missing("statements on equal terms", str(refusal))
    versions = f", model {', '.join(whole.versions)}" if whole.versions else ""
    return Figure(
        value=whole.value,
        unit="gCO2e",
        errors={"statements of providers": whole.value * DECLARED},
        terms={"accounting": LOCATION, "inventory": "scope 3.1", "boundary": "facility"},
        sources=(f"{whole.count} statements of providers{versions}",),
        notes=(f"as stated, of {', '.join(whole.terms.scopes) or ALL}; no interval is published", *twice),
    )


def _location_based(statements: Sequence[Statement]) -> list[Statement]:
    """Of one record: its total in location-based terms; parts without Scope 2 only where there is none."""
    carbon = wholes([s for s in statements if s.quantity == EMISSIONS])
    location = [s for s in carbon if accounting_of(s) == LOCATION]
    return location or [s for s in carbon if accounting_of(s) in (EITHER, UNSPLIT)]


def _stated_in(books: Books, span: Span, asked: Asked) -> tuple[list[StatedRecord], list[str]]:
    """What providers state of periods that begin in the span, and what of it two importers brought."""
    mine = tables_folder()
    records, twice = stated_records(
        books.engine, books.snapshot, EMISSIONS, lambda provider, region: region_named(provider, region, mine)
    )
    found = [
        one
        for one in records
        if span.first <= date.fromisoformat(one.day) < span.after
        and all(one.tags[key] in values for key, values in asked.where.items())
    ]
    first, after = f"{span.first:%Y-%m}", f"{span.after:%Y-%m}"
    return found, [str(one) for one in twice if first <= one.whose.period < after]


def tables_of(ledger: OpenLedger) -> dict[str, str]:
    """Name -> SHA-256 of every table that a factor may come from: built in, one's own, the ledger's."""
    found = {name: tables.meta(name).sha256 for name in (*FACTOR_TABLES, *_grid_tables())}
    mine = tables_folder()
    for name in FACTOR_TABLES:
        if mine.joinpath(f"{name}.meta.toml").is_file():
            found[f"own {name}"] = tables.meta(name, mine).sha256
    for name in sorted(set(_beside(ledger))):
        found[name] = sha256(ledger.store.read(name)).hexdigest()
    return found


FACTOR_TABLES = ("ember_yearly_country", "cloud_regions", "cloud_pue", "embodied")
"""Tables in the package with intensities, PUE and embodied carbon; all in its folder ``grid`` are too."""


def _grid_tables() -> Iterator[str]:
    for file in sorted(tables.bundled().joinpath("grid").iterdir(), key=lambda f: f.name):
        name = file.name.removesuffix(".meta.toml")
        if name != file.name:
            yield f"grid/{name}"


def _beside(ledger: OpenLedger) -> Iterator[str]:
    store = ledger.store
    named = {device.place.partition(":")[0] for device in ledger.settings.devices}
    for name in ("ledger.toml", *named):
        if store.size(name) is not None:
            yield name
    for prefix in ("grid/", "pue/"):
        yield from (entry.name for entry in store.names(prefix) if entry.name.endswith(".csv"))


def freeze(
    books: Books,
    span: Span,
    asked: Asked,
    name: str,
    *,
    at: str,
    version: str,
    by: str = "",
    reason: str = "",
    replaces: Frozen | None = None,
) -> Frozen:
    """The inventory of a span as a baseline, sealed; ``replaces`` is the revision before it."""
    from wattmark.ledger.portfoliofile import sealed

    found = inventory(books, span, asked)
    terms = found.terms
    return sealed(
        Frozen(
            name=name,
            revision=replaces.revision + 1 if replaces else 1,
            frozen_at=at,
            by=by,
            reason=reason,
            replaces=replaces.digest if replaces else "",
            wattmark=version,
            ledger=books.ledger.settings.name,
            ledger_version=books.snapshot.version,
            period=span.name,
            first=span.first,
            after=span.after,
            asked=asked,
            lines=tuple(frozen_line(line) for line in found.lines),
            factors=found.factors,
            tables=tables_of(books.ledger),
            work=found.work,
            days_seen=found.days_seen,
            terms=dict(terms.terms),
            fingerprint=terms.fingerprint,
            findings=found.findings,
        )
    )


def standing(books: Books, target: Target, year: int, today: date, baseline: Frozen | None) -> list[Progress]:
    """How a target stands in a year: its quarters and the year itself, or the quarter that it is about."""
    asked = replace(asked_of(books.ledger, target.where), boundary=_boundary(baseline))
    span = span_named(target.period if "-Q" in target.period else str(year))
    if span.first.year != year:
        return []
    end = min(span.after, today)
    found = days(books, replace(span, after=end), asked, target) if end > span.first else {}
    refused = _refusal(target, found, asked, baseline)
    base = baseline.base(target.what, target.functional_unit) if baseline else None
    names = [target.period] if "-Q" in target.period else [*(f"{year}-Q{n}" for n in range(1, 5)), str(year)]
    rows = []
    for name in names:
        first, after = bounds_of(name)
        calendar = Calendar(name=name, first=first, after=after, today=today)
        rows.append(progress(target, calendar, found, limit_in(target, calendar, base), refused))
    return rows


def _boundary(baseline: Frozen | None) -> str:
    return baseline.asked.boundary if baseline else Boundary.NODE.value


def _refusal(
    target: Target, found: Mapping[date, Day], asked: Asked, baseline: Frozen | None
) -> NotComparable | None:
    """Why the days may not be held against the baseline; None where they may, or where there is none."""
    if baseline is None or not found:
        return None
    try:
        whole = added([found[at].figure for at in sorted(found)])
        line = Line(id=target.what, figure=whole)
        require_comparable(line, baseline.counted(target.what).terms, asked, baseline.asked.methodology())
    except NotComparable as refusal:
        return refusal
    return None
