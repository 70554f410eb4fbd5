"""From evidence to the derived tables: a pure function of what is known and of the ledger's rules.

A refresh counts again only the machines and days that what is new touches; the rows are those of
counting everything. ``docs/ledger/counted-once.md`` says the rules.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Protocol

import pyarrow as pa
import pyarrow.compute as pc

from wattmark.core.errors import LedgerError, UsageError
from wattmark.core.run import Subject
from wattmark.hashing import sha256
from wattmark.ledger.batches import stream_from
from wattmark.ledger.columns import DERIVED
from wattmark.ledger.days import Days, Material, SampleDays, sample_days
from wattmark.ledger.deltalog import arrow_schema
from wattmark.ledger.dimensions import Dimensions
from wattmark.ledger.engine import query
from wattmark.ledger.engines.duckdb import DuckDbEngine, quoted
from wattmark.ledger.evidence import STREAM, Evidence
from wattmark.ledger.flatten import Priorities, stream_line
from wattmark.ledger.machines import Machines
from wattmark.ledger.runindex import Documents, RunIndex, affected, index_of, read_index, unknown
from wattmark.ledger.runrows import rows_of
from wattmark.ledger.samples import DaySamples, StreamLine
from wattmark.ledger.snapshot import Snapshot
from wattmark.ledger.staging import Staging
from wattmark.ledger.store import LocalStore, Store
from wattmark.ledger.tables import DerivedTables, Made, refuse_cut_history

METHOD = 5
"""Changes with the rules of counting: then everything is counted again."""
ORDER = (*(name for name in DERIVED if name != "runs"), "runs")
"""``runs`` is written last: what it was made from is what all tables have at least."""
BY_DAY = tuple(name for name in DERIVED if "day" in DERIVED[name])
ATTEMPTS = 100
ROWS_AT_ONCE = 5_000
REFERRED = {"subjects": "subject_id", "places": "place_id", "knowns": "known_id"}


class TagRules(Protocol):
    """What a ledger says of tags (core.tags)."""

    def normalise(self, subject: Subject) -> Subject:
        """The subject as it is meant."""
        ...

    def verdict(self, subject: Subject) -> str:
        """Why its energy is not counted; empty: it is."""
        ...

    def hash_text(self) -> str:
        """The same for equal rules."""
        ...


@dataclass(frozen=True, slots=True)
class _Ask:
    """What is to be worked out."""

    store: Store
    evidence: Evidence
    version: int
    rules: TagRules
    priority: tuple[str, ...]
    only_exactly: bool

    @property
    def settings(self) -> str:
        """Changes with whatever decides what is counted."""
        return sha256(repr((METHOD, self.rules.hash_text(), self.priority)).encode()).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class _Base:
    """Derived tables to go on from."""

    version: int
    tables: DerivedTables
    versions: Mapping[str, int]

    def arrow(self, name: str) -> Any:
        """A table as a pyarrow dataset."""
        return self.tables.arrow(name, self.versions[name])


def refresh(
    store: Store,
    rules: TagRules,
    *,
    as_of: int | None = None,
    priority: Sequence[str] = (),
    only_exactly: bool = False,
) -> Snapshot:
    """The derived tables of the newest version of the evidence, or of an older one.

    What is stored is used; else it is worked out, and stored when it is the newest and the place can be
    written. ``priority`` orders sources that are as good as each other. ``only_exactly`` takes nothing that
    is stored and looks at every sample: the same rows, more slowly. Raises LedgerError, and UsageError for
    a version that is not there.
    """
    evidence = Evidence(store)
    newest = evidence.version()
    version = newest if as_of is None else as_of
    if not -1 <= version <= newest:
        raise UsageError(f"{store.url}: there is no version {version}; the newest is {newest}")
    ask = _Ask(store, evidence, version, rules, tuple(priority), only_exactly)
    tables = DerivedTables(store)
    if version == -1:
        refuse_cut_history(store, evidence.version)
        return Snapshot(version, tables)
    for _ in range(0 if only_exactly else ATTEMPTS):
        stored = _stored(tables, ask, search=version != newest)
        if stored is not None:
            return Snapshot(version, tables, stored)
        if version != newest:
            break
        try:
            _bring_up_to_date(ask, tables)
        except _Unwritable:
            break
    return _for_once(ask)


class _Unwritable(Exception):
    """The derived tables cannot be written here; they can be worked out for once all the same."""


def _stored(tables: DerivedTables, ask: _Ask, search: bool) -> dict[str, int] | None:
    """The versions of the tables that were worked out from just this; None unless there are all."""
    found: dict[str, int] = {}
    for name in ORDER:
        made = tables.made(name)
        if made is None:
            return None
        if not search and (made.evidence_version, made.settings_hash) != (ask.version, ask.settings):
            return None
        version = tables.version_for(name, ask.version, ask.settings)
        if version is None:
            return None
        found[name] = version
    return found


def _bring_up_to_date(ask: _Ask, tables: DerivedTables) -> None:
    """Write the tables; when somebody else gets in between, what they wrote is looked at next."""
    refuse_cut_history(ask.store, ask.evidence.version)
    heads, made = _heads(tables)
    base = _base(ask, tables, heads, made)
    with TemporaryDirectory(prefix="wattmark-ledger-") as folder:
        work = _worked_out(ask, base, Path(folder))
        for name in ORDER:
            days = None if work.days is None or name not in BY_DAY else work.days
            try:
                done = tables.replace(
                    name, days, work.staging.reader(name), ask.version, ask.settings, base=heads[name]
                )
            except LedgerError as error:
                raise _Unwritable(str(error)) from error
            if done is None:
                return


def _heads(tables: DerivedTables) -> tuple[dict[str, int], dict[str, Made | None]]:
    """The newest version of each table, and what just that one was made from, whoever is writing."""
    made: dict[str, Made | None] = {}
    before: dict[str, int] = {}
    while (heads := {name: tables.version(name) for name in ORDER}) != before:
        before = heads
        made = {name: tables.made(name) for name in ORDER}
    return before, made


def _base(
    ask: _Ask, tables: DerivedTables, heads: Mapping[str, int], made: Mapping[str, Made | None]
) -> _Base | None:
    """What there is to go on from: tables of one set of rules, none older than ``runs``."""
    runs = made["runs"]
    if runs is None or runs.evidence_version > ask.version:
        return None
    for found in made.values():
        if found is None or found.settings_hash != ask.settings:
            return None
        if not runs.evidence_version <= found.evidence_version <= ask.version:
            return None
    return _Base(runs.evidence_version, tables, heads)


def _for_once(ask: _Ask) -> Snapshot:
    """The tables in a folder of their own, which goes with the snapshot."""
    folder = TemporaryDirectory(prefix="wattmark-ledger-")
    tables = DerivedTables(LocalStore(Path(folder.name)))
    with TemporaryDirectory(prefix="wattmark-ledger-") as place:
        work = _worked_out(ask, None, Path(place))
        versions = {
            name: tables.replace(name, None, work.staging.reader(name), ask.version, ask.settings) or 0
            for name in ORDER
        }
    return Snapshot(ask.version, tables, versions, folder)


@dataclass(slots=True)
class _Work:
    """Rows that were worked out, and the days that they replace; None: all."""

    staging: Staging
    days: list[str] | None


@dataclass(slots=True)
class _Scope:
    """What is worked out anew."""

    index: RunIndex
    days: set[str]
    hosts: frozenset[str] | None = None
    """None: all."""
    runs: set[str] | None = None
    """Runs whose own rows are made anew; None: all."""
    streams: set[str] = field(default_factory=set)
    """Streams of the machines."""


def _worked_out(ask: _Ask, base: _Base | None, folder: Path) -> _Work:
    dimensions = Dimensions(ask.rules)
    documents = Documents(ask.evidence, ask.version)
    reach = sample_days(ask.store, ask.version)
    priorities = Priorities({source: at for at, source in enumerate(ask.priority)})
    scope = None
    if base is not None:
        before = index_of(base.arrow("runs"))
        streams = _streams(ask, dimensions, priorities, before.machines)
        scope = _what_changed(ask, base, documents, dimensions, priorities, before, streams)
    if scope is None:
        base = None
        scope = _everything(documents, dimensions, reach)
        streams = _streams(ask, dimensions, priorities, scope.index.machines)
    chosen = [s for s in streams if scope.hosts is None or s.host_id in scope.hosts]
    numbered = [s._replace(n=n) for n, s in enumerate(chosen)]
    scope.streams = {s.line.record_id for s in numbered}
    staging = Staging(folder)
    with DuckDbEngine() as engine:
        material = Material(
            ask.evidence,
            ask.version,
            documents,
            scope.index,
            numbered,
            dimensions,
            priorities,
            reach,
            scope.hosts,
        )
        if base is not None:
            _keep(base, scope, staging)
        days = Days(material, DaySamples(engine, numbered), staging, ask.only_exactly)
        for day in sorted(scope.days):
            days.count(day)
        _tell_of_runs(documents, scope, dimensions, staging)
        _cube(engine, staging)
        _refer(engine, base, scope, dimensions, staging)
    return _Work(staging, None if base is None else sorted(scope.days))


def _streams(
    ask: _Ask, dimensions: Dimensions, priorities: Priorities, machines: Machines
) -> list[StreamLine]:
    """The streams that count, by machine. A meter that is nobody's needs no tags."""
    found: list[StreamLine] = []
    for batch in ask.evidence.scan(STREAM, ["record_id", "document"], as_of=ask.version):
        for stream_id, document in zip(
            batch["record_id"].to_pylist(), batch["document"].to_pylist(), strict=True
        ):
            stream = machines.of_stream(stream_from(document))
            line = stream_line(stream_id, stream, dimensions, priorities)
            if not line.party or not dimensions.verdict(stream.subject):
                found.append(StreamLine(0, stream.host_id, stream.unit, line))
    once = {s.line.record_id: s for s in found}
    return sorted(once.values(), key=lambda s: (s.host_id, s.line.record_id))


def _everything(documents: Documents, dimensions: Dimensions, reach: SampleDays) -> _Scope:
    index = read_index(documents, dimensions, RunIndex(), None)
    days = reach.all() | {day for record_id in index.heads for day in index.days(record_id)}
    return _Scope(index, days)


def _what_changed(
    ask: _Ask,
    base: _Base,
    documents: Documents,
    dimensions: Dimensions,
    priorities: Priorities,
    before: RunIndex,
    streams: Sequence[StreamLine],
) -> _Scope | None:
    """What must be counted again after a version; None: everything."""
    changed = ask.evidence.changed_since(base.version, ask.version)
    if changed.everything:
        return None
    hosts_of = {s.line.record_id: s.host_id for s in streams}
    runs = set(documents.newest([i for i in changed.record_ids if i not in hosts_of])) | (
        changed.record_ids & before.heads.keys()
    )
    if unknown(changed.record_ids, hosts_of, runs):
        return None
    index = read_index(documents, dimensions, before, runs)
    if index.machines != before.machines and streams != _streams(ask, dimensions, priorities, index.machines):
        return None  # what was stated of two machines is now known to be of one, or of two after all
    touched = affected(before, index, runs)
    days = set(changed.days)
    hosts = {hosts_of[i] for i in changed.record_ids if i in hosts_of}
    for one in (before, index):
        for record_id in touched & one.heads.keys():
            days.update(one.days(record_id))
            hosts.add(one.heads[record_id].host_id)
    for name, table in (
        ("subjects", dimensions.subjects),
        ("places", dimensions.places),
        ("knowns", dimensions.knowns),
    ):
        for batch in base.arrow(name).to_batches():
            table.update({row[REFERRED[name]]: row for row in batch.to_pylist()})
    return _Scope(index, days, frozenset(hosts), touched)


def _keep(base: _Base, scope: _Scope, staging: Staging) -> None:
    """The rows that stay, of the days and tables that are replaced."""
    days = _among("day", scope.days)
    runs, hosts = scope.runs or set(), scope.hosts or frozenset()
    elsewhere = ~_among("host_id", hosts)
    others = ~_among("record_id", runs | scope.streams)
    other_runs = ~_among("record_id", runs)
    for name, rows in (
        ("counted", days & elsewhere),
        ("lost", days & elsewhere),
        ("work", days & others),
        ("runs", days & other_runs),
        ("statements", days & other_runs),
        ("quality", other_runs),
    ):
        schema = arrow_schema(DERIVED[name])
        for batch in base.arrow(name).scanner(columns=schema.names, filter=rows).to_batches():
            staging.add(name, pa.Table.from_batches([batch]))


def _tell_of_runs(documents: Documents, scope: _Scope, dimensions: Dimensions, staging: Staging) -> None:
    """Rows of ``runs``, ``work``, ``quality`` and ``statements``."""
    folded = documents.folded()
    held: dict[str, list[dict[str, Any]]] = {}
    index = scope.index
    wanted = None if scope.runs is None else sorted(scope.runs & index.heads.keys())
    for run in documents.runs(index, wanted):
        content = index.contents[run.record_id]
        start = index.families.starts[run.record_id]
        stored = content, folded.get(content)
        for name, rows in rows_of(run, index.heads[run.record_id], start, stored, dimensions).items():
            held.setdefault(name, []).extend(rows)
        if len(held["runs"]) >= ROWS_AT_ONCE:
            _stage(held, staging)
            held = {}
    _stage(held, staging)


def _stage(held: Mapping[str, Sequence[dict[str, Any]]], staging: Staging) -> None:
    for name, rows in held.items():
        staging.add(name, rows)


def _cube(engine: DuckDbEngine, staging: Staging) -> None:
    """The table ``cube`` of the days that are staged."""
    _view(engine, "counted", staging)
    columns = ", ".join(DERIVED["cube"])
    sql = f"SELECT {columns} FROM ({query('cube')}) AS made ORDER BY day, bucket_us"
    engine.connection.execute(f"COPY ({sql}) TO {quoted(str(staging.path('cube')))} (FORMAT PARQUET)")


def _view(engine: DuckDbEngine, name: str, staging: Staging) -> None:
    file = quoted(staging.file(name))
    engine.connection.execute(f"CREATE OR REPLACE TEMP VIEW {name} AS SELECT * FROM read_parquet({file})")


def _refer(
    engine: DuckDbEngine, base: _Base | None, scope: _Scope, dimensions: Dimensions, staging: Staging
) -> None:
    """The rows of ``subjects``, ``places`` and ``knowns`` that something refers to."""
    tables = {
        "subjects": (dimensions.subjects, ("cube", "work", "runs", "quality", "statements")),
        "places": (dimensions.places, ("cube", "work", "runs")),
        "knowns": (dimensions.knowns, ("cube",)),
    }
    for name in ("work", "runs", "quality", "statements", "cube"):
        _view(engine, name, staging)
    for name, (rows, referring) in tables.items():
        column = REFERRED[name]
        found: set[str] = set()
        for table in referring:
            found.update(row[0] for row in engine.rows(f"SELECT DISTINCT {column} FROM {table}"))
            if base is not None and table in BY_DAY:
                found.update(_kept_ids(base, table, column, scope.days))
        staging.add(name, [rows[key] for key in sorted(found)])


def _kept_ids(base: _Base, table: str, column: str, days: set[str]) -> Iterator[str]:
    """What rows of other days refer to."""
    other = ~_among("day", days)
    for batch in base.arrow(table).scanner(columns=[column], filter=other).to_batches():
        yield from pc.unique(batch[column]).to_pylist()


def _among(column: str, values: Collection[str]) -> Any:
    """True for rows with one of these values, also when there are none."""
    return pc.field(column).isin(pa.array(sorted(values), pa.string()))
