"""Counts one UTC day after the other: machine by machine, all that is known of its devices together."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import pyarrow as pa

from wattmark.core.claims import Claim
from wattmark.core.contest import Loss
from wattmark.core.counting import Row, count
from wattmark.ledger.columns import COUNTED, DAY_US, LOST
from wattmark.ledger.deltalog import arrow_schema, open_table
from wattmark.ledger.dimensions import Dimensions
from wattmark.ledger.evidence import SAMPLE, TABLE, Evidence, days_between
from wattmark.ledger.flatten import Priorities, claims_of
from wattmark.ledger.runindex import Documents, RunIndex
from wattmark.ledger.samples import CHUNK_ROWS, COLUMNS, DaySamples, StreamLine, Summary
from wattmark.ledger.staging import Staging
from wattmark.ledger.store import Store

CHUNK_RUNS = 2_000
"""Runs that are looked at together."""


@dataclass(frozen=True, slots=True)
class SampleDays:
    """In which partitions of the evidence the samples of a day are."""

    ends: Mapping[str, int]
    """Day of a partition -> when the last of its samples ends."""

    def touching(self, day: str) -> list[str]:
        """The partitions with samples that touch a day: its own, and earlier ones that reach into it."""
        start = start_of(day)
        return sorted(d for d, end in self.ends.items() if d == day or (d < day and end > start))

    def all(self) -> set[str]:
        """Every day that any sample may touch."""
        return {day for first, end in self.ends.items() for day in days_between(start_of(first), end)}


def sample_days(store: Store, version: int) -> SampleDays:
    """What the table's own statistics say of its samples."""
    table = open_table(store, TABLE.name, version) if version >= 0 else None
    if table is None:
        return SampleDays({})
    told = pa.table(table.get_add_actions(flatten=True))
    names = ("partition.kind", "partition.day", "max.end_us")
    columns = [told[n].to_pylist() if n in told.column_names else [None] * told.num_rows for n in names]
    ends: dict[str, int] = {}
    for kind, day, end in zip(*columns, strict=True):
        if kind == SAMPLE:
            ends[day] = max(ends.get(day, 0), end)
    return SampleDays(ends)


def start_of(day: str) -> int:
    """The first microsecond of a UTC day."""
    return (date.fromisoformat(day) - date(1970, 1, 1)).days * DAY_US


@dataclass(slots=True)
class Material:
    """Everything that days are counted from."""

    evidence: Evidence
    version: int
    documents: Documents
    index: RunIndex
    streams: Sequence[StreamLine]
    dimensions: Dimensions
    priorities: Priorities
    sample_days: SampleDays
    hosts: frozenset[str] | None = None
    """The machines to count; None: all."""


@dataclass(slots=True)
class Days:
    """Counts days and stages their rows."""

    material: Material
    samples: DaySamples
    staging: Staging
    only_exactly: bool = False
    """Look at every sample, also where the engine could count."""
    _runs: dict[str, dict[str, list[str]]] = field(default_factory=dict)
    """Day -> machine -> runs."""
    _claims: dict[str, list[Claim]] = field(default_factory=dict)
    """Of runs that go on into the next day."""
    _ranges: dict[str, tuple[int, int]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        index = self.material.index
        for record_id, head in index.heads.items():
            if not (head.quarantined or head.stated) and self._wanted(head.host_id):
                for day in index.days(record_id):
                    self._runs.setdefault(day, {}).setdefault(head.host_id, []).append(record_id)
        for stream in self.material.streams:
            first, _ = self._ranges.get(stream.host_id, (stream.n, stream.n))
            self._ranges[stream.host_id] = first, stream.n

    def _wanted(self, host_id: str) -> bool:
        return self.material.hosts is None or host_id in self.material.hosts

    def count(self, day: str) -> None:
        """Count one day."""
        m = self.material
        partitions = m.sample_days.touching(day)
        if partitions and m.streams:
            reader = m.evidence.scan(SAMPLE, COLUMNS, days=partitions, as_of=m.version)
            self.samples.load(day, start_of(day), reader)
            self.staging.add("work", self.samples.work())
            rows = self.samples.counts()
        else:
            rows = {}
        runs = self._runs.get(day, {})
        for hosts in _chunks(sorted(rows.keys() | runs.keys()), rows, runs):
            self._count(day, hosts, {host: runs[host] for host in hosts if host in runs}, rows)

    def _count(
        self, day: str, hosts: Sequence[str], runs: Mapping[str, Sequence[str]], rows: Mapping[str, int]
    ) -> None:
        by_host: dict[str, list[Summary]] = {}
        if any(host in rows for host in hosts):
            for summary in self.samples.mark([h for h in hosts if h in rows], self._ranges):
                host = self.material.streams[summary.n].host_id
                by_host.setdefault(host, []).append(summary)
        simple: dict[int, tuple[int, int]] = {}
        exact: set[int] = set()
        for host, summaries in by_host.items():
            answer = None if host in runs or self.only_exactly else self.samples.simple(summaries)
            if answer is None:
                exact.update(s.n for s in summaries)
            else:
                simple.update(answer)
        if simple:
            self.staging.add("counted", self.samples.counted(simple))
        self._sweep(day, runs, exact)

    def _sweep(self, day: str, runs: Mapping[str, Sequence[str]], streams: Collection[int]) -> None:
        ours = self._of_runs(day, [record for records in runs.values() for record in records])
        start = start_of(day)
        sheet = _Sheet(day)
        for host, samples in _by_host(self.samples.claims(streams), self.material.streams, runs):
            claims = [*samples, *(c for record in runs.get(host, ()) for c in ours[record])]
            found = count(claims, start, start + DAY_US, self.material.dimensions.shared)
            sheet.add(host, found.rows, found.losses)
        sheet.into(self.staging)

    def _of_runs(self, day: str, records: Sequence[str]) -> dict[str, list[Claim]]:
        """The claims of some runs, those that go on kept for the days to come."""
        m = self.material
        found = {record: self._claims.pop(record) for record in records if record in self._claims}
        missing = [record for record in records if record not in found]
        for run in m.documents.runs(m.index, missing) if missing else ():
            family = m.index.families
            start, party = family.starts[run.record_id], family.parties[run.record_id]
            found[run.record_id] = claims_of(
                m.index.machines.of_run(run), start, party, m.dimensions, m.priorities
            )
        for record, claims in found.items():
            if m.index.days(record)[-1] > day:
                self._claims[record] = claims
        return found


class _Sheet:
    """Rows of ``counted`` and ``lost`` of one day."""

    def __init__(self, day: str) -> None:
        self._day = day
        self._hosts: list[str] = []
        self._rows: list[Row] = []
        self._lost: list[dict[str, Any]] = []

    def add(self, host: str, rows: Sequence[Row], losses: Iterable[Loss]) -> None:
        self._hosts.extend([host] * len(rows))
        self._rows.extend(rows)
        self._lost.extend({"day": self._day, "host_id": host, **loss._asdict()} for loss in losses)

    def into(self, staging: Staging) -> None:
        schema = arrow_schema(COUNTED)
        values = dict(zip(Row._fields, zip(*self._rows, strict=True), strict=True)) if self._rows else {}
        if values:
            values["host_id"] = tuple(self._hosts)
            values["day"] = (self._day,) * len(self._hosts)
            arrays = [pa.array(values[name], schema.field(name).type) for name in schema.names]
            staging.add("counted", pa.table(arrays, schema=schema))
        staging.add("lost", pa.Table.from_pylist(self._lost, schema=arrow_schema(LOST)))


def _by_host(
    claims: Iterable[tuple[int, list[Claim]]], streams: Sequence[StreamLine], runs: Collection[str]
) -> Iterator[tuple[str, list[Claim]]]:
    """Samples of one machine together; then machines that have runs alone."""
    host, held = "", list[Claim]()
    seen: set[str] = set()
    for n, found in claims:
        if held and streams[n].host_id != host:
            yield host, held
            held = []
        host = streams[n].host_id
        seen.add(host)
        held.extend(found)
    if held:
        yield host, held
    for other in sorted(set(runs) - seen):
        yield other, []


def _chunks(
    hosts: Sequence[str], rows: Mapping[str, int], runs: Mapping[str, Sequence[str]]
) -> Iterator[list[str]]:
    """Machines in portions of a bounded number of samples and runs; one machine may be more."""
    held: list[str] = []
    samples = records = 0
    for host in hosts:
        samples += rows.get(host, 0)
        records += len(runs.get(host, ()))
        if held and (samples > CHUNK_ROWS or records > CHUNK_RUNS):
            yield held
            held, samples, records = [], rows.get(host, 0), len(runs.get(host, ()))
        held.append(host)
    if held:
        yield held
