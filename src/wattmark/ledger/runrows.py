"""What the ledger's tables say of a run besides its energy: the run itself, its work, quality, statements."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from wattmark.core.facts import UNSTAGED
from wattmark.core.manual import TOOL, figures_by_hand
from wattmark.core.ranks import attempt_of
from wattmark.core.run import Run, Statement
from wattmark.core.work import stage_of_work, when_done
from wattmark.ledger.columns import BUCKET_US
from wattmark.ledger.dimensions import Dimensions
from wattmark.ledger.evidence import day_of
from wattmark.ledger.families import Head, micro

Rows = Mapping[str, list[dict[str, Any]]]


def rows_of(
    run: Run, head: Head, start_us: int, stored: tuple[str, int | None], dimensions: Dimensions
) -> Rows:
    """Rows of ``runs``, ``work``, ``quality`` and ``statements``.

    ``stored`` is the content id of its document, and when that was folded.
    """
    whose = dimensions.whose(run.subject)
    common = {"record_id": run.record_id, "subject_id": whose.subject_id}
    return {
        "runs": [_the_run(run, head, start_us, stored, dimensions)],
        "work": [] if head.quarantined else list(_work(run, head, start_us, dimensions)),
        "quality": [
            {**common, "name": q.name, "value": float(q.value), "higher_is_better": q.higher_is_better}
            for q in run.quality
        ],
        "statements": [{**common, "day": day_of(start_us), **_stated(s)} for s in run.statements],
    }


def _the_run(
    run: Run, head: Head, start_us: int, stored: tuple[str, int | None], dimensions: Dimensions
) -> dict[str, Any]:
    """The run itself: whose it is, when, and what is known of the machine."""
    whose = dimensions.whose(run.subject)
    content, folded_us = stored
    declared, figures = figures_by_hand(run)
    overhead = run.overhead
    return {
        "day": day_of(start_us),
        "record_id": run.record_id,
        "seq": run.seq,
        "content": content,
        "subject_id": whose.subject_id,
        "place_id": dimensions.where(run.place, whose),
        "host_id": head.host_id,
        "source": _source(run, head),
        "status": run.status.value,
        "failed": run.failed,
        "attempt": attempt_of(run),
        "solution_id": run.solution_id,
        "parent": run.parent,
        "rank": run.rank,
        "world_size": run.world_size,
        "start_us": start_us,
        "end_us": start_us + head.lasted_us,
        "folded_us": folded_us,
        "own_cpu_seconds": overhead.cpu_seconds if overhead else None,
        "workload_cpu_seconds": overhead.workload_cpu_seconds if overhead else None,
        "declared_rows": declared,
        "rows": figures,
        "quarantined": head.quarantined,
        "boot": head.boot,
        "boot_us": head.boot_us,
        "wall_us": head.wall_us,
        "stated_host": head.told.host_id,
        "measured": head.told.measured,
        "host_names": " ".join(head.told.names),
        "unique_devices": " ".join(head.told.devices),
        "stated": head.stated,
    }


def _stated(statement: Statement) -> dict[str, Any]:
    """What somebody states, and on which terms."""
    return {
        "quantity": statement.quantity,
        "value": float(statement.value),
        "unit": statement.unit,
        "accounting": statement.accounting,
        "scopes": ",".join(statement.scopes),
        "basis": statement.basis,
        "period": statement.period,
        "provider_model_version": statement.provider_model_version,
        "boundary": statement.boundary,
    }


def _source(run: Run, head: Head) -> str:
    """wattmark, or the importer: whoever brings statements says so in the place of a machine."""
    if TOOL in run.environment:
        return TOOL
    return next((r.source.name for r in run.energies), run.host.fingerprint if head.stated else "")


def _work(run: Run, head: Head, start_us: int, dimensions: Dimensions) -> Iterator[dict[str, Any]]:
    """Work in the quarter of an hour in which it was done; none that was stated and counted after all."""
    counted = {w.unit for w in run.work if not w.declared}
    for work in run.work:
        if work.declared and work.unit in counted:
            continue
        _, until = when_done(run, work)
        stage = stage_of_work(run, work)
        whose = dimensions.whose(replace(run.subject, stage=None if stage == UNSTAGED else stage))
        last_us = start_us + min(max(micro(until), 1), head.lasted_us) - 1
        yield {
            "day": day_of(last_us),
            "bucket_us": last_us - last_us % BUCKET_US,
            "record_id": run.record_id,
            "subject_id": whose.subject_id,
            "place_id": dimensions.where(run.place, whose),
            "unit": work.unit,
            "count": float(work.count),
            "failed": float(work.failed),
            "declared": work.declared,
            "precision": work.precision,
        }
