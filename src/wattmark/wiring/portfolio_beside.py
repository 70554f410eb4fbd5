"""What stands beside a portfolio's totals: hardware bought, what nobody measured, what providers state."""

from __future__ import annotations

from wattmark.core.coverage import Lack
from wattmark.core.figure import Figure, Missing
from wattmark.core.inventory import purchases
from wattmark.core.portfolio import DIRECT, Asked, added
from wattmark.core.portfolio_lines import NO_PURCHASES
from wattmark.core.reconcile import Beside
from wattmark.ledger.question import Question
from wattmark.ledger.rollup import Rollup
from wattmark.wiring.ledger import ask
from wattmark.wiring.places import tables_folder
from wattmark.wiring.portfolio_books import Books, Span
from wattmark.wiring.reconcile import BothSides, Wanted, both_sides, lacks_of

SITE = "site"
RECONCILED = ("month", "provider", "region", "ours", "the provider's", "remainder", "verdict")


def purchased(books: Books, span: Span, asked: Asked) -> Figure | Missing:
    """Embodied carbon of owned hardware bought in the span, whole (Scope 3.2)."""
    devices = books.ledger.settings.devices
    others = sorted(set(asked.where) - {SITE})
    if not devices:
        return NO_PURCHASES
    if others:
        return Missing(
            f"hardware by {', '.join(others)}", "an inventory tells sites alone: ask for all of it"
        )
    question = span.question(asked)
    start, end = question.start_us, question.end_us
    assert start is not None  # a span has both
    assert end is not None
    sites = asked.where.get(SITE)
    found = [f for site, f in purchases(devices, start, end).items() if sites is None or site in sites]
    if not found:
        return Missing(
            "hardware bought in the period", "the inventory holds none with such a day of purchase"
        )
    return added(found)


def not_measured(books: Books, span: Span, asked: Asked, now_us: int) -> tuple[Lack, ...]:
    """What `wattmark coverage` finds in the span."""
    from wattmark.ledger.coverage import coverage

    question = span.question(asked)
    stated = () if asked.where else lacks_of(_beside(books, question).told.rows)
    return coverage(
        books.engine,
        books.snapshot,
        question,
        books.ledger.settings.expected,
        lambda one: ask(books.ledger.settings, books.snapshot, one, books.engine),
        now_us,
        stated,
    ).lacks


def reconciliation(books: Books, span: Span, asked: Asked) -> tuple[tuple[str, ...], ...]:
    """Our carbon of clouds beside the providers', month by month; empty where they state nothing."""
    from wattmark.reports.quantities import quantity

    if asked.where:
        return ()
    rows = [row for row in _beside(books, span.question(asked)).told.rows if row.theirs]

    def grams(value: float | None) -> str:
        return "" if value is None else quantity(value, "gCO2e")

    cells = [
        (
            row.spot.month,
            row.spot.provider,
            row.spot.region,
            grams(_ours(row)),
            grams(row.theirs.location if row.theirs else None),
            grams(row.steps[-1].grams if row.steps else None),
            row.verdict.value,
        )
        for row in sorted(rows, key=lambda r: (r.spot.month, r.spot.provider, r.spot.region))
    ]
    return (RECONCILED, *cells) if cells else ()


def _ours(row: Beside) -> float | None:
    return row.ours.carbon.value if row.ours and row.ours.carbon else None


def _beside(books: Books, question: Question) -> BothSides:
    """As `wattmark reconcile` does: on the basis of the providers' own Scope 2."""
    settings = books.ledger.settings

    def answer(one: Question) -> Rollup:
        return ask(settings, books.snapshot, one, books.engine, ("location", DIRECT))

    return both_sides(books.engine, books.snapshot, question, Wanted(), answer, tables_folder())
