"""What a new version of the references changes."""

from __future__ import annotations

from typing import Any

from wattmark.core.stars.rating import Rating
from wattmark.core.stars.recalibrate import Moved, Recalibrated
from wattmark.reports.as_text import bulleted, table
from wattmark.reports.quantities import number


def recalibrated_body(made: Recalibrated, sha256: str) -> dict[str, Any]:
    """The document of schema ``wattmark.stars_recalibrated``."""
    entry, before = made.entry, made.before
    return {
        "thresholds": {
            "id": made.thresholds.id,
            "version": made.thresholds.version,
            "effective": made.thresholds.effective,
            "sha256": sha256,
            "change": made.thresholds.changelog[-1].text,
        },
        "key": entry.key.id,
        "e_ref_joules": {
            "old": None if before is None else before.e_ref_joules,
            "new": entry.e_ref_joules,
        },
        "cohort": [
            {"model": m.model, "energy_joules": m.energy_joules, "bundle_sha256": m.bundle_sha256}
            for m in entry.members
        ],
        "changed": sum(moved.changed for moved in made.moved),
        "rows": [_row(moved) for moved in made.moved],
        "left_out": [{"model": result.model.id, "reason": why} for result, why in made.left_out],
    }


def _row(moved: Moved) -> dict[str, Any]:
    return {
        "model": moved.result.model.id,
        "changed": moved.changed,
        "old": _rating(moved.old),
        "new": _rating(moved.new),
        "why": moved.why,
    }


def _rating(rating: Rating) -> dict[str, Any]:
    return {
        "stars": rating.stars,
        "interval": None if rating.interval is None else list(rating.interval),
        "index": rating.index,
        "reason": rating.reason,
    }


def recalibrated_text(made: Recalibrated, file: str) -> str:
    """The diff of stars, then what was written."""
    changed = [moved for moved in made.moved if moved.changed]
    parts = []
    if changed:
        rows = [(m.result.model.id, m.old.shown, m.new.shown, m.why) for m in changed]
        parts.append(table(("model", "old", "new", "why"), rows))
    else:
        parts.append("no star changes")
    said = [
        f"{len(changed)} of {len(made.moved)} ratings change",
        f"reference of {made.entry.key.task} {made.entry.key.id}: {number(made.entry.e_ref_joules)} J per "
        f"{made.entry.key.unit}, the median of {len(made.entry.members)}",
        *(f"left out: {result.model.id}: {why}" for result, why in made.left_out),
        f"written: {file}, {made.thresholds.label}, effective {made.thresholds.effective}",
    ]
    return "\n\n".join([*parts, "\n".join(bulleted(said))])
