"""What bills in a ledger state for the time and tags of a question: beside its totals, in none of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wattmark.core.expenses import BILLED, Billed

if TYPE_CHECKING:
    from wattmark.ledger.question import Question
    from wattmark.ledger.rollup import Tables


def billed_in(snapshot: Tables, question: Question) -> tuple[Billed, ...]:
    """Sums of stated cost, apart for each currency, kind and source; of months that begin in the question.

    None where the question asks for what no bill tells, such as a component or a host.
    """
    from wattmark.ledger.statements import Choice, StatementList

    if not all(_told_by_bills(key) for key in question.where):
        return ()
    where = {**question.where, "quantity": (BILLED,)}
    choice = Choice(where=where, start_us=question.start_us, end_us=question.end_us)
    with StatementList(snapshot) as listed:
        lines = listed.lines(choice, by=())
    return tuple(
        Billed(
            value=line.sum.value,
            currency=line.terms.unit,
            kind=", ".join(line.terms.scopes),
            source=line.group["source"],
            records=line.records,
        )
        for line in lines
        if line.sum is not None
    )


def _told_by_bills(key: str) -> bool:
    from wattmark.ledger.asking import of_subject

    return of_subject(key)
