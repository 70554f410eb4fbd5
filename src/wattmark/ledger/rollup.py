"""Totals by any tags and any calendar period: one question, one answer, on any engine.

The engine runs the few queries of ``ledger/sql``, the same text everywhere, over energy that is added up
before anything is joined to it. What a figure is, core.rollup says.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from wattmark.core.known import Boundary
from wattmark.core.rollup import Total, total_of
from wattmark.ledger.answering import Asked, Found, Key, add_energy, add_missing_ranks, group_of
from wattmark.ledger.answering_inventory import add_inventory
from wattmark.ledger.answering_runs import add_reserved, add_runs, add_work
from wattmark.ledger.asking import filters, put_knowns, put_places, put_subjects, rates_of
from wattmark.ledger.asking_times import bucket_sql, days_of, granule_of, put_times
from wattmark.ledger.engine import Engine, Tables, query
from wattmark.ledger.factors import Factors
from wattmark.ledger.parts_alone import told_in_parts
from wattmark.ledger.pools import pools_beside
from wattmark.ledger.question import COUNTED_KEYS, ENERGY_ONLY, Question

__all__ = ["Engine", "Factors", "Question", "Rollup", "Tables", "roll_up"]

LEVEL_OF = {boundary: level for level, boundary in enumerate(Boundary)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Rollup:
    """The answer."""

    question: Question
    version: int
    """Version of the ledger that it was worked out from."""
    totals: tuple[Total, ...]
    """Ordered by period, then by the values of the group."""
    whole: Total
    """All of it together."""
    without_factor_uj: Mapping[str, int] = field(default_factory=dict)
    """Zone -> energy that met no grid factor; the empty zone: nobody said where it was used."""
    findings: tuple[str, ...] = ()
    """What the reader must know: factors with holes, what is not divided."""


def roll_up(snapshot: Tables, question: Question, factors: Factors, engine: Engine) -> Rollup:
    """Answer a question.

    Raises UsageError for factors of one place that hold at once, EvidenceError when the derived tables do
    not fit together.
    """
    for table in (question.table, "subjects", "places", "knowns", "work", "runs", "quality"):
        engine.attach(table, snapshot)
    subjects = put_subjects(engine, question)
    places = put_places(engine, question, factors, rates_of(engine, question, factors))
    knowns = put_knowns(engine, question)
    keys = "".join(f", {COUNTED_KEYS[key]}" for key in question.extra)
    granule = granule_of(question, places, days_of(snapshot.files(question.table)))
    cells = query(
        "cells",
        source=question.table,
        bucket=bucket_sql(granule),
        keys=keys,
        boundary=str(LEVEL_OF[question.boundary]),
        filters=filters(engine, question),
    )
    engine.keep("cells", cells)
    times = put_times(engine, question, places, granule, question.table if factors.hardware else "")
    asked = Asked(snapshot, engine, question, subjects, places, knowns, times, granule)
    groups: dict[Key, Found] = {}
    whole = Found()
    without = add_energy(asked, groups, whole)
    if not ENERGY_ONLY & {*question.by, *question.where}:
        add_work(asked, groups, whole)
        add_runs(asked, groups, whole)
        if factors.embodied:
            add_reserved(asked, factors.embodied, groups, whole)
        if factors.devices:
            add_inventory(asked, factors.devices, groups, whole)
    add_missing_ranks(asked, LEVEL_OF[question.boundary], groups, whole)
    return Rollup(
        question=question,
        version=snapshot.version,
        totals=tuple(total_of(group_of(asked, key, groups[key])) for key in sorted(groups)),
        whole=total_of(group_of(asked, None, whole)),
        without_factor_uj=dict(sorted(without.items())),
        findings=(
            *asked.times.findings,
            *_left_out(question),
            *pools_beside(engine, question),
            *told_in_parts(engine, snapshot, question),
        ),
    )


def _left_out(question: Question) -> Iterator[str]:
    keys = {*question.by, *question.where}
    divided = sorted(ENERGY_ONLY & keys)
    if divided:
        yield f"work, runs and embodied carbon are not told apart by {', '.join(divided)}: they are left out"
    elif "host" in keys:
        yield "work is not told apart by host: it is left out"
