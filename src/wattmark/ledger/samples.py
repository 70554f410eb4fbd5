"""Telemetry of one UTC day: counted in the engine where that is exact, else handed out sample by sample.

A machine is simple when no other reading of a device competes, nothing is a share, and one answer holds all
day of what hides each stream. There, each sample only has to be cut at the edges of quarters of an hour.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import pyarrow as pa

from wattmark.core.claims import Claim, Line, estimates_of
from wattmark.core.contest import Moment
from wattmark.core.counting import BUCKET_US
from wattmark.core.declared import states_a_machine
from wattmark.core.nesting import Nesting, named_by
from wattmark.ledger.columns import COUNTED, DAY_US, WORK
from wattmark.ledger.deltalog import arrow_schema
from wattmark.ledger.engine import query
from wattmark.ledger.engines.duckdb import DuckDbEngine

COLUMNS = ("record_id", "start_us", "end_us", "energy_uj", "count", "observed")
"""What is read of a sample."""
CHUNK_ROWS = 1_000_000
"""Samples that are looked at together."""
PLAIN_UJ = 1 << 52
"""A day of a stream with more than this (1.25 MWh) is added up in whole numbers of any size."""
KINDS = ("cpu", "rest_of_node", "node", "facility")
"""Components that say how far the readings of a machine reach (core.nesting)."""


class StreamLine(NamedTuple):
    """A stream that counts, numbered: streams of one machine have numbers that follow each other."""

    n: int
    host_id: str
    unit: str
    line: Line


class Summary(NamedTuple):
    """What a stream was on a day."""

    n: int
    first_us: int
    last_us: int
    lasted_us: int
    longest_us: int
    energy_uj: int
    overlaps: bool
    observed: bool

    @property
    def unbroken(self) -> bool:
        """It has no holes, if nothing in it overlaps."""
        return self.lasted_us == self.last_us - self.first_us


class DaySamples:
    """The samples of one day after the other, in an engine."""

    def __init__(self, engine: DuckDbEngine, streams: Sequence[StreamLine]) -> None:
        self._engine = engine
        self._streams = streams
        self._run(f"CREATE OR REPLACE TEMP TABLE lines AS SELECT * FROM {self._known(_lines(streams))}")
        self._day, self._start, self._end = "", 0, 0

    def load(self, day: str, start_us: int, reader: Any) -> None:
        """Take in the samples that touch a day, from a stream of record batches of COLUMNS.

        Streams go by their numbers: an id takes more room than all else in a sample.
        """
        self._day, self._start, self._end = day, start_us, start_us + DAY_US
        self._run(
            "CREATE OR REPLACE TEMP TABLE samples AS "
            "SELECT l.n, e.start_us, e.end_us, e.energy_uj, e.count AS done, e.observed "
            f"FROM {self._known(reader)} e JOIN lines l ON e.record_id = l.record_id "
            f"WHERE e.start_us < {self._end} AND e.end_us > {self._start}"
        )

    def counts(self) -> dict[str, int]:
        """How many samples each machine has on this day."""
        found: dict[str, int] = {}
        for n, rows in self._engine.rows(
            "SELECT n, COUNT(energy_uj) FROM samples GROUP BY n HAVING COUNT(energy_uj) > 0"
        ):
            host = self._streams[n].host_id
            found[host] = found.get(host, 0) + rows
        return found

    def work(self) -> Any:
        """Rows of the table ``work``."""
        sql = query(
            "samples_work", day=self._day, bucket=str(BUCKET_US), start=str(self._start), end=str(self._end)
        )
        return self._table(sql, WORK)

    def mark(self, hosts: Sequence[str], ranges: Mapping[str, tuple[int, int]]) -> list[Summary]:
        """Look at the samples of machines that follow each other: each interval once, and what they are."""
        spans = [ranges[host] for host in hosts if host in ranges]
        first, last = (min(a for a, _ in spans), max(b for _, b in spans)) if spans else (0, -1)
        sql = query("samples_marked", first=str(first), last=str(last))
        self._run(f"CREATE OR REPLACE TEMP TABLE marked AS {sql}")
        told = query("samples_summary", start=str(self._start), end=str(self._end))
        return sorted(Summary(*row) for row in self._engine.rows(told))

    def simple(self, host: Sequence[Summary]) -> dict[int, tuple[int, int]] | None:
        """What hides each stream of a machine, and how far the machine's readings reach, if it is simple."""
        lines = {s.n: self._streams[s.n].line for s in host}
        if len({line.device_id for line in lines.values()}) < len(host):
            return None
        outer = {name for names in named_by(lines.values()).values() for name in names}
        doubtful = {line.component for line in lines.values() if line.standing.stands_in}
        for s in host:
            line = lines[s.n]
            if line.share or s.overlaps or not s.observed or states_a_machine(line):
                return None
            if s.longest_us > DAY_US or s.energy_uj > PLAIN_UJ:
                return None
            tells = line.device_id in outer or line.boundary > 0 or line.component in (*KINDS, *doubtful)
            if tells and not s.unbroken:  # when it counts matters to others
                return None
        whole = {lines[s.n].device_id: [_as_one(s, lines[s.n])] for s in host}
        nesting = Nesting(whole, lines.values())
        found: dict[int, tuple[int, int]] = {}
        for s in host:
            pieces = nesting.steps(lines[s.n]).cut(s.first_us, s.last_us)
            if len(pieces) > 1:
                return None
            (_, _, hidden_from, reach) = pieces[0]
            found[s.n] = hidden_from, max(reach, lines[s.n].boundary)
        return found

    def counted(self, simple: Mapping[int, tuple[int, int]]) -> Any:
        """Rows of ``counted`` for simple machines."""
        answers = [(n, *answer) for n, answer in sorted(simple.items())]
        self._put("simple", [("n", pa.int32()), ("hidden_from", pa.int64()), ("reach", pa.int64())], answers)
        window = {"bucket": str(BUCKET_US), "start": str(self._start), "end": str(self._end)}
        self._run(f"CREATE OR REPLACE TEMP TABLE pieces AS {query('samples_pieces', **window)}")
        self._put("fills", [("n", pa.int32()), *((name, pa.string()) for name in FILLS)], self._fills())
        return self._table(query("samples_counted", day=self._day, **_RATES), COUNTED)

    def _fills(self) -> list[tuple[Any, ...]]:
        """The power that fills the gaps of each stream that has some: uJ and us of likely, least, most."""
        means = self._engine.rows(
            "SELECT n, SUM(CASE WHEN observed THEN CAST(energy_uj AS HUGEINT) ELSE 0 END), "
            "SUM(CASE WHEN observed THEN end_us - start_us ELSE 0 END) "
            "FROM pieces GROUP BY n HAVING NOT BOOL_AND(observed)"
        )
        found = []
        for n, uj, us in sorted(means):
            gap = Claim(self._streams[n].line, 0, 1, 0, 0)
            rates = estimates_of(gap, (int(uj), int(us)) if us else None) or ()
            found.append((n, *(str(number) for rate in rates for number in rate)))
        return found

    def claims(self, streams: Collection[int]) -> Iterator[tuple[int, list[Claim]]]:
        """The samples of some streams as claims, stream by stream."""
        if not streams:
            return
        self._put("asked", [("n", pa.int32())], [(n,) for n in sorted(streams)])
        rows = self._arrow(
            "SELECT m.n, m.start_us, m.end_us, m.energy_uj, m.observed FROM marked m "
            "JOIN asked a ON m.n = a.n ORDER BY m.n, m.start_us, m.end_us"
        )
        numbers = rows["n"].combine_chunks()
        edges = pa.compute.run_end_encode(numbers)
        at = 0
        for n, until in zip(edges.values.to_pylist(), edges.run_ends.to_pylist(), strict=True):
            columns = [rows[name].slice(at, until - at).to_pylist() for name in rows.column_names[1:]]
            line = self._streams[n].line
            if not any(columns[3]):
                line = replace(line, silent=True)
            yield n, [_claim(line, *values) for values in zip(*columns, strict=True)]
            at = until

    def _put(self, name: str, columns: Sequence[tuple[str, Any]], rows: Sequence[Sequence[Any]]) -> None:
        values = list(zip(*rows, strict=True)) or [()] * len(columns)
        arrays = [pa.array(column, kind) for (_, kind), column in zip(columns, values, strict=True)]
        found = self._known(pa.table(dict(zip((c for c, _ in columns), arrays, strict=True))))
        self._run(f"CREATE OR REPLACE TEMP TABLE {name} AS SELECT * FROM {found}")

    def _known(self, table: Any) -> str:
        self._engine.connection.register("taken_in", table)
        return "taken_in"

    def _run(self, sql: str) -> None:
        self._engine.connection.execute(sql)

    def _table(self, sql: str, columns: Mapping[str, Any]) -> Any:
        schema = arrow_schema(columns)
        return self._arrow(sql).select(schema.names).cast(schema)

    def _arrow(self, sql: str) -> Any:
        return self._engine.connection.sql(sql).to_arrow_table()


FILLS = ("likely_num", "likely_den", "least_num", "least_den", "most_num", "most_den")


def _rate(name: str) -> str:
    """Energy of a gap at a rate, as core.claims.at_rate works it out."""
    uj, us = f"CAST(f.{name}_num AS HUGEINT)", f"CAST(f.{name}_den AS HUGEINT)"
    return f"CASE WHEN p.observed THEN 0 ELSE {uj} * p.end_us // {us} - {uj} * p.start_us // {us} END"


_RATES = {name: _rate(name) for name in ("likely", "least", "most")}


def _claim(line: Line, start_us: int, end_us: int, energy_uj: int, observed: bool) -> Claim:
    lasted = end_us - start_us
    period = (start_us, end_us) if lasted > DAY_US else None
    return Claim(line, start_us, end_us, energy_uj, lasted if observed else 0, None, period)


def _as_one(s: Summary, line: Line) -> Moment:
    lasted = s.last_us - s.first_us
    return Moment(s.first_us, s.last_us, Claim(line, s.first_us, s.last_us, 0, lasted), line)


def _lines(streams: Sequence[StreamLine]) -> Any:
    texts = ("record_id", "subject_id", "place_id", "known_id", "device_id", "component")
    columns: dict[str, Any] = {"n": pa.array([s.n for s in streams], pa.int32())}
    for name in texts:
        columns[name] = pa.array([getattr(s.line, name) for s in streams], pa.string())
    columns["host_id"] = pa.array([s.host_id for s in streams], pa.string())
    columns["unit"] = pa.array([s.unit for s in streams], pa.string())
    columns["boundary"] = pa.array([s.line.boundary for s in streams], pa.int64())
    return pa.table(columns)
