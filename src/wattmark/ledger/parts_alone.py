"""Runs of which only parts of a machine were read: the rest of it is in no figure, and no gap shows it."""

from __future__ import annotations

from dataclasses import replace

from wattmark.core.nesting import NEVER_READ
from wattmark.ledger.asking import filters
from wattmark.ledger.engine import Engine, Tables
from wattmark.ledger.question import Question


def in_parts(engine: Engine, snapshot: Tables, within: str = "") -> tuple[str, ...]:
    """Runs with a device that was never read, for which parts of it stand, while no meter held it.

    ``within`` is more about the rows of ``lost``, as `` AND ...``.
    """
    engine.attach("lost", snapshot)
    never_read = f"reason LIKE '{NEVER_READ};%'{within}"
    if not engine.rows(f"SELECT 1 FROM lost WHERE {never_read} LIMIT 1"):
        return ()
    engine.attach("counted", snapshot)
    rows = engine.rows(
        f"SELECT DISTINCT l.record_id FROM (SELECT * FROM lost WHERE {never_read}) l "
        "WHERE NOT EXISTS (SELECT 1 FROM counted c WHERE c.host_id = l.host_id AND c.boundary > 0 "
        "AND c.observed_us > 0 AND c.start_us < l.end_us AND c.end_us > l.start_us)"
    )
    return tuple(sorted(str(row[0]) for row in rows))


def told_in_parts(engine: Engine, snapshot: Tables, question: Question) -> tuple[str, ...]:
    """What to say of them beside an answer to this question; the table of runs is there."""
    runs = filters(engine, replace(question, start=None, end=None), energy=False)
    when = filters(engine, replace(question, where={}), energy=False, moment="start_us")
    asked = f"record_id IN (SELECT record_id FROM runs WHERE COALESCE(quarantined, '') = ''{runs})"
    found = len(in_parts(engine, snapshot, f"{when} AND {asked}"))
    if not found:
        return ()
    whose = "1 run" if found == 1 else f"{found} runs"
    return (
        f"of {whose} the meter of the machine was never read, and only its parts stand for it: the rest is "
        "in no figure here (`wattmark ledger lost` says which)",
    )
