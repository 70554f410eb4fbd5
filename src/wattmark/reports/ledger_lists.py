"""Lists of a ledger as text, CSV and JSON: its runs, and who also watched."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from typing import Any

from wattmark.core.known import Boundary
from wattmark.core.listed import LossLine, RunLine, some
from wattmark.core.tags import Fault
from wattmark.reports.as_csv import csv_text
from wattmark.reports.as_text import duration, quantity, table

SHORT = 8
"""So many letters of an id tell runs apart, mostly; `wattmark ledger show` takes them."""
SHOWN_TAGS = ("team", "project", "model", "stage")
UJ_PER_J = 1e6
RUN_COLUMNS = (
    "record_id",
    "started_at",
    "duration_seconds",
    "folded_at",
    "status",
    "failed",
    "source",
    "host_id",
    "site",
    "country",
    "quarantined",
    "counted_joules",
    "gap_joules",
    "lost_joules",
    "grade",
)
"""Columns of the CSV of runs; those of tags follow."""


@dataclass(frozen=True, slots=True)
class Head:
    """Whose list it is."""

    ledger: str
    version: int
    zone: tzinfo = UTC
    """Times are shown in this zone."""

    def __str__(self) -> str:
        return f"{self.ledger}, {version_text(self.version)}"


def version_text(version: int) -> str:
    """``version 7``, or that there is none yet."""
    return f"version {version}" if version >= 0 else "nothing folded yet"


def runs_text(head: Head, runs: Sequence[RunLine], count: int, lines: Sequence[str] | None = None) -> str:
    """One line per run, the newest first; ``lines`` are what is drawn beside each."""
    if not runs:
        return f"{head}: no runs are like that"
    used = [tag for tag in SHOWN_TAGS if any(tag in r.tags for r in runs)]
    rows = []
    for at, run in enumerate(runs):
        cells = [
            _id(run.record_id),
            _time(run.start_us, head.zone),
            duration((run.end_us - run.start_us) / 1e6),
        ]
        cells += [run.tags.get(tag, "") for tag in used]
        cells += [_counted(run), "" if run.quarantined else run.grade, run.source, _state(run)]
        rows.append([*cells, lines[at]] if lines is not None else cells)
    heads = ["run", "began", "lasted", *used, "counted", "grade", "source", "status"]
    heads += ["power"] if lines is not None else []
    shown = f"{len(runs)} of {count} runs" if len(runs) < count else some(count, "run")
    return "\n".join([table(heads, rows), "", f"{shown}, times in {head.zone}; {head}"])


def runs_csv(runs: Iterable[RunLine]) -> str:
    """All that is known of each run; free labels as ``label.<key>`` columns."""
    runs = list(runs)
    tags = sorted({tag for run in runs for tag in run.tags}, key=lambda t: (t.startswith("label."), t))
    rows = (
        [
            *(run.record_id, _iso(run.start_us), (run.end_us - run.start_us) / 1e6, _iso(run.folded_us)),
            *(run.status, str(run.failed).lower(), run.source, run.host_id, run.site, run.country),
            *(run.quarantined, *(uj / UJ_PER_J for uj in (run.energy_uj, run.gap_uj, run.lost_uj))),
            run.grade,
            *(run.tags.get(tag, "") for tag in tags),
        ]
        for run in runs
    )
    return csv_text((*RUN_COLUMNS, *tags), rows)


def run_body(run: RunLine) -> dict[str, Any]:
    """One run for JSON; energies in microjoules, exact."""
    return {
        "record_id": run.record_id,
        "started_at": _iso(run.start_us),
        "duration_seconds": (run.end_us - run.start_us) / 1e6,
        "folded_at": _iso(run.folded_us),
        "status": run.status,
        "failed": run.failed,
        "source": run.source,
        "host_id": run.host_id,
        "tags": dict(run.tags),
        "site": run.site or None,
        "country": run.country or None,
        "quarantined": run.quarantined or None,
        "counted_microjoules": run.energy_uj,
        "gap_microjoules": run.gap_uj,
        "lost_microjoules": run.lost_uj,
        "grade": run.grade or None,
    }


def losses_text(head: Head, losses: Sequence[LossLine]) -> str:
    """Per device and record: what it saw, who was counted instead, and why."""
    if not losses:
        return f"{head}: nothing was seen twice"
    rows = [
        (
            one.device_id,
            _time(one.start_us, head.zone),
            duration((one.end_us - one.start_us) / 1e6),
            quantity(one.energy_uj / UJ_PER_J, "J"),
            _who(one.record_id, one.source),
            _who(one.counted_from, one.counted_source),
            one.reason,
        )
        for one in losses
    ]
    heads = ("device", "from", "within", "saw", "not counted", "counted instead", "why")
    return "\n".join([table(heads, rows), "", f"times in {head.zone}; {head}"])


def losses_csv(losses: Iterable[LossLine]) -> str:
    """One line per device, record and reason."""
    names = ("host_id", "device_id", "record_id", "source", "counted_from", "counted_source")
    rows = (
        [
            *(getattr(one, name) for name in names),
            *(_iso(one.start_us), _iso(one.end_us), one.energy_uj / UJ_PER_J, one.reason),
        ]
        for one in losses
    )
    return csv_text((*names, "from", "to", "joules", "reason"), rows)


def loss_body(one: LossLine) -> dict[str, Any]:
    """One loss for JSON."""
    return {
        "host_id": one.host_id,
        "device_id": one.device_id,
        "record_id": one.record_id,
        "source": one.source,
        "counted_from": one.counted_from,
        "counted_source": one.counted_source,
        "from": _iso(one.start_us),
        "to": _iso(one.end_us),
        "energy_microjoules": one.energy_uj,
        "reason": one.reason,
    }


Counted = tuple[str, str, str, int, int, int, bool]
"""Device, component, allocation, boundary (a number), energy and estimate in microjoules, and whether a total
at node boundary takes it."""


def counted_text(
    head: Head, run: RunLine, counted: Sequence[Counted], losses: Sequence[LossLine], faults: Sequence[Fault]
) -> str:
    """Where a run was counted, what it lost to others, and what is wrong with its tags."""
    lines = [f"in the ledger    {head}; folded {_time(run.folded_us, head.zone)} ({head.zone})"]
    lines.append(f"tags             {', '.join(f'{k}={v}' for k, v in run.tags.items()) or 'none'}")
    lines += [f"  {fault}" for fault in faults]
    if run.quarantined:
        lines.append(f"not counted      quarantined: {run.quarantined}")
    else:
        lines.append("counted" if counted else "counted          nothing of it")
    for device, component, allocation, boundary, energy, gap, at_node in counted:
        estimate = f" and {quantity(gap / UJ_PER_J, 'J')} estimated" if gap else ""
        kind = f"{component}, {allocation}, {list(Boundary)[boundary]} boundary"
        kind += "" if at_node else ", not in totals of nodes"
        lines.append(f"  {quantity(energy / UJ_PER_J, 'J')}{estimate}  {device} ({kind})")
    if losses:
        lines.append("counted from others")
    lines += [
        f"  {quantity(one.energy_uj / UJ_PER_J, 'J')}  {one.device_id}: "
        f"{_who(one.counted_from, one.counted_source) or 'nobody'} ({one.reason})"
        for one in losses
    ]
    return "\n".join(lines)


def counted_body(counted: Sequence[Counted]) -> list[dict[str, Any]]:
    """Where a run was counted, for JSON."""
    return [
        {
            "device_id": device,
            "component": component,
            "allocation": allocation,
            "boundary": list(Boundary)[boundary].value,
            "energy_microjoules": energy,
            "gap_microjoules": gap,
            "in_node_total": at_node,
        }
        for device, component, allocation, boundary, energy, gap, at_node in counted
    ]


def _counted(run: RunLine) -> str:
    if run.quarantined:
        return "quarantined"
    used = run.energy_uj + run.gap_uj
    if not used and run.lost_uj:
        return "by others"
    return quantity(used / UJ_PER_J, "J") + (" +others" if run.lost_uj else "")


def _state(run: RunLine) -> str:
    return f"{run.status}, failed" if run.failed else run.status


def _who(record_id: str, source: str) -> str:
    return " ".join(filter(None, (source, _id(record_id))))


def _id(record_id: str) -> str:
    """Short where it is a UUID; the hash of an imported one comes after the name of its source."""
    if len(record_id) == 36 and record_id.count("-") == 4:
        return record_id[:SHORT]
    source, _, rest = record_id.rpartition("-")
    return f"{source}-{rest[:SHORT]}" if source else record_id[: SHORT * 2]


def _time(at_us: int, zone: tzinfo) -> str:
    return datetime.fromtimestamp(at_us / 1e6, zone).strftime("%Y-%m-%d %H:%M")


def _iso(at_us: int) -> str:
    return datetime.fromtimestamp(at_us / 1e6, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
