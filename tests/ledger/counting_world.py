"""Ledgers for tests of counting: runs and samples around one midnight, and all that is counted of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec

from tests.builders import a_row, a_run
from wattmark.core.known import Boundary, Grade, Method, Scope
from wattmark.core.run import Host, Run, SourceId, Subject
from wattmark.core.tags import TagRules
from wattmark.core.telemetry import Samples, Stream
from wattmark.ledger.columns import DAY_US, DERIVED
from wattmark.ledger.derive import refresh
from wattmark.ledger.fold import fold
from wattmark.ledger.inbox import land_run, land_samples
from wattmark.ledger.snapshot import Snapshot
from wattmark.ledger.store import LocalStore, Store

SECOND = 1_000_000
NOON = 1_793_534_400 * SECOND
"""2026-11-01T12:00:00Z."""
MIDNIGHT = NOON + DAY_US // 2
HOSTS = ("h1", "h2")
RULES = TagRules()


def a_ledger(folder: Path) -> Store:
    return LocalStore(folder)


def put(store: Store, *runs: Run, samples: Sequence[Samples] = ()) -> None:
    """Land and fold."""
    for run in runs:
        land_run(store, msgspec.json.encode(run))
    if samples:
        land_samples(store, samples)
    fold(store, NOON)


def gpu(host: str = "h1", number: int = 0, **changes: Any) -> Stream:
    """A GPU, by a counter; nobody's."""
    fields: dict[str, Any] = {
        "source": SourceId(name="dcgm", version="4"),
        "host_id": host,
        "device_id": f"{host}/gpu-{number}",
        "component": "gpu",
        "method": Method.HARDWARE_COUNTER,
        "grade": Grade.B,
    }
    return Stream(**{**fields, **changes})


def node(host: str = "h1", **changes: Any) -> Stream:
    """The whole machine, by its controller."""
    fields: dict[str, Any] = {
        "device_id": f"node:{host}",
        "component": "node",
        "boundary": Boundary.NODE,
        "method": Method.BMC,
        "grade": Grade.A,
        "source": SourceId(name="ipmi"),
    }
    return gpu(host, **{**fields, **changes})


def every(
    seconds: int, count: int, stream: Stream, start: int = NOON, joules: int = 100, gaps: Sequence[int] = ()
) -> Samples:
    """So many samples of so many seconds, each a little more than the one before."""
    step = seconds * SECOND
    return Samples(
        stream=stream,
        start_us=[start + n * step for n in range(count)],
        end_us=[start + (n + 1) * step for n in range(count)],
        energy_uj=[0 if n in gaps else joules * SECOND + n for n in range(count)],
        observed=[n not in gaps for n in range(count)],
    )


def run_on(
    host: str = "h1",
    record: str = "r1",
    start: str = "2026-11-01T12:00:00Z",
    seconds: float = 100.0,
    watts: float = 9.0,
    boot: str | None = None,
    **changes: Any,
) -> Run:
    """A run that watched one GPU of a machine."""
    row = a_row(
        device_id=f"{host}/gpu-0",
        component="gpu",
        duration_seconds=seconds,
        observed_seconds=seconds,
        energy_joules=watts * seconds,
        source=SourceId(name="nvml"),
    )
    fields: dict[str, Any] = {
        "record_id": record,
        "started_at": start,
        "started_monotonic_seconds": None,
        "duration_seconds": seconds,
        "host": Host(id=host, fingerprint="f", boot_id=boot),
        "energies": (row,),
        "subject": Subject(team=f"team of {record}", stage="training"),
    }
    return a_run(**{**fields, **changes})


def share_of(run: Run, watts: float) -> Run:
    """The run with a share of its own beside the whole."""
    (row,) = run.energies
    share = replace(
        row,
        scope=Scope.SHARE,
        party="own",
        attribution_rule="busy_time",
        energy_joules=watts * row.duration_seconds,
    )
    return replace(run, energies=(row, share))


def rows(snapshot: Snapshot, table: str) -> list[dict[str, Any]]:
    """All rows of a table, in an order of their own."""
    found = snapshot.arrow(table)
    found = found if hasattr(found, "to_pylist") else found.to_table()
    kept = [{k: v for k, v in row.items() if k != "folded_us"} for row in found.to_pylist()]
    return sorted(kept, key=lambda row: tuple((v is not None, v) for v in row.values()))


def everything(snapshot: Snapshot) -> dict[str, list[dict[str, Any]]]:
    """All rows of all tables."""
    return {table: rows(snapshot, table) for table in DERIVED}


def counted_again(store: Store, rules: TagRules = RULES) -> Snapshot:
    """Worked out anew, sample by sample."""
    return refresh(store, rules, only_exactly=True)


def joules(snapshot: Snapshot, boundary: int = 1, **where: Any) -> float:
    """Observed energy at a boundary."""
    return (
        sum(
            r["energy_uj"]
            for r in rows(snapshot, "counted")
            if r["boundary"] <= boundary < r["hidden_from"] and all(r[k] == v for k, v in where.items())
        )
        / 1e6
    )
