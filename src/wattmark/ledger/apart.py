"""What a reader of totals must not overlook: what nobody claimed, what nobody tagged, what is not counted."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from wattmark.core.listed import Apart, some
from wattmark.core.tags import LABEL, TAGS, TagRules
from wattmark.ledger.engine import Engine
from wattmark.ledger.quarantine import Quarantine
from wattmark.ledger.question import Question

UNALLOCATED = "unallocated"


def apart_from(
    engine: Engine, question: Question, rules: TagRules, quarantine: Quarantine
) -> tuple[Apart, ...]:
    """What is to be said beside the totals that this engine has just worked out for this question."""
    tags = [key for key in question.by if key in TAGS or key.startswith(LABEL)]
    rows = engine.rows(
        "SELECT subject_id, allocation, SUM(energy_uj) + SUM(gap_uj) FROM cells "
        "GROUP BY subject_id, allocation"
    )
    energy: dict[str, int] = {}
    unallocated = 0
    for subject_id, allocation, used in rows:
        if allocation == UNALLOCATED:
            unallocated += int(used)
        else:
            energy[subject_id] = energy.get(subject_id, 0) + int(used)
    found = [
        Apart(
            what=UNALLOCATED,
            energy_uj=unallocated,
            within=True,
            hint="of shared devices, and nobody's; --by allocation tells it apart" if unallocated else "",
        )
    ]
    told = tuple(dict.fromkeys([*tags, *rules.required])) or ("team",)
    for tag, used in _untagged(engine, told, energy).items():
        hint = "`wattmark ledger tags` says whose, and how to mend it" if used else ""
        found.append(Apart(what=f"without {tag}", energy_uj=used, within=True, hint=hint))
    return (*found, *_quarantined(engine, question, quarantine))


def _untagged(engine: Engine, tags: Sequence[str], energy: Mapping[str, int]) -> dict[str, int]:
    plain = [tag for tag in TAGS if tag in tags]
    columns = ", ".join(("subject_id", "labels", *plain))
    found = dict.fromkeys(tags, 0)
    for subject_id, labels, *values in engine.rows(f"SELECT {columns} FROM subjects"):
        used = energy.get(subject_id, 0)
        if not used:
            continue
        told = dict(zip(plain, values, strict=True))
        told |= {f"{LABEL}{key}": value for key, value in json.loads(labels or "{}").items()}
        for tag in tags:
            if not told.get(tag):
                found[tag] += used
    return found


def _quarantined(engine: Engine, question: Question, quarantine: Quarantine) -> list[Apart]:
    """What runs and streams in quarantine saw in that time; it is in no total."""
    rows = engine.rows("SELECT record_id, content, start_us FROM runs WHERE COALESCE(quarantined, '') <> ''")
    runs = {record_id: content for record_id, content, start_us in rows if _in(question, int(start_us))}
    streams = quarantine.streams(question.start_us, question.end_us)
    if not runs and not streams:
        return []
    energy = sum(quarantine.runs(runs).values()) + sum(stream.energy_uj for stream in streams)
    kept = " and ".join(some(n, what) for n, what in ((len(runs), "run"), (len(streams), "stream")) if n)
    hint = f"{kept} kept out until the tags are right: `wattmark ledger tags`"
    return [Apart(what="quarantined", energy_uj=energy, within=False, hint=hint)]


def _in(question: Question, at_us: int) -> bool:
    start, end = question.start_us, question.end_us
    return (start is None or at_us >= start) and (end is None or at_us < end)
