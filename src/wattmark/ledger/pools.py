"""Finds pools of a bill beside records of the same kind of machine, in the tables of a ledger."""

from __future__ import annotations

import json
from collections.abc import Mapping

from wattmark.core.pools import ACCOUNT, POOL, TYPE, Stated, overlaps
from wattmark.ledger.asking import filters
from wattmark.ledger.engine import Engine
from wattmark.ledger.question import Question


def pools_beside(engine: Engine, question: Question) -> tuple[str, ...]:
    """What may count twice in this answer, because a bill does not name its machines."""
    kinds = _kinds(engine)
    if not any(pooled for _, _, _, pooled in kinds.values()):
        return ()
    within = filters(engine, question, energy=False, moment="start_us")
    rows = engine.rows(
        "SELECT subject_id, day, COUNT(*) FROM runs WHERE COALESCE(quarantined, '') = '' "
        f"AND NOT COALESCE(stated, FALSE){within} GROUP BY subject_id, day"
    )
    return tuple(
        overlaps(
            Stated(account, region, type_, str(day), pooled, int(records))
            for subject_id, day, records in rows
            if subject_id in kinds
            for account, region, type_, pooled in (kinds[subject_id],)
        )
    )


def _kinds(engine: Engine) -> Mapping[str, tuple[str, str, str, bool]]:
    """Subject -> account, region and type of its machine, and whether it is a pool; none without these."""
    found: dict[str, tuple[str, str, str, bool]] = {}
    for subject_id, labels, region in engine.rows("SELECT subject_id, labels, region FROM subjects"):
        told = json.loads(labels) if labels else {}
        if told.get(TYPE) and told.get(ACCOUNT):
            found[subject_id] = str(told[ACCOUNT]), region or "", str(told[TYPE]), POOL in told
    return found
