"""Holds the evidence against the hashes that it came with: what was altered, lost, doubled or slipped in."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from wattmark.core.errors import EvidenceError, LedgerError
from wattmark.hashing import sha256
from wattmark.ledger.batches import SCHEMA, content_of, digest_days, id_of_document
from wattmark.ledger.columns import DAY_US
from wattmark.ledger.evidence import FILE, RUN, SAMPLE, STREAM, TOMBSTONE, Evidence, day_of
from wattmark.ledger.fold import checked
from wattmark.ledger.inbox import INBOX
from wattmark.ledger.portion import span
from wattmark.ledger.runfile import run_from
from wattmark.ledger.store import Store
from wattmark.ledger.tables import refuse_cut_history

ROWS_AT_ONCE = 2_000_000
"""Samples that are held in memory: some 250 MB."""


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is not as it came."""

    record: str
    """Run, stream, content id or file of the inbox."""
    problem: str


@dataclass(frozen=True, slots=True)
class Verified:
    """What was looked at, and what is wrong."""

    version: int
    runs: int
    samples: int
    files: int
    findings: tuple[Finding, ...]

    @property
    def sound(self) -> bool:
        """Nothing is wrong."""
        return not self.findings


@dataclass(slots=True)
class _Files:
    """What the ledger says that it has taken in."""

    runs: dict[str, str] = field(default_factory=dict)
    """Content id -> record id."""
    batches: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    """Content id -> rows, and the hash of each day's."""
    purged: set[str] = field(default_factory=set)
    """Content ids of which something was purged."""


def verify(store: Store) -> Verified:
    """Work out every hash again. Raises LedgerError when the ledger cannot be reached at all."""
    evidence = Evidence(store)
    version = evidence.version()
    findings: list[Finding] = []
    files = _Files()
    try:
        refuse_cut_history(store, evidence.version)
    except LedgerError as error:
        findings.append(Finding("history", error.problem))
    try:
        findings.extend(_read_files(evidence, version, files))
    except LedgerError as error:  # without the list of what was taken in nothing can be held against it
        findings.append(Finding("files that were taken in", f"cannot be read: {error.problem}"))
        return Verified(version, 0, 0, 0, tuple(findings))
    runs = _Counted(_runs(evidence, version, files))
    findings.extend(runs)
    samples = _Counted(_samples(evidence, version, files))
    findings.extend(samples)
    findings.extend(_inbox(store))
    count = len(files.runs) + len(files.batches)
    return Verified(version, runs.count, samples.count, count, tuple(findings))


class _Counted:
    """Passes findings on; whole numbers among them are counts of rows that were looked at."""

    def __init__(self, found: Iterator[Finding | int]) -> None:
        self._found = found
        self.count = 0

    def __iter__(self) -> Iterator[Finding]:
        for each in self._found:
            if isinstance(each, Finding):
                yield each
            else:
                self.count += each


def _read_files(evidence: Evidence, version: int, files: _Files) -> Iterator[Finding]:
    for batch in evidence.scan(TOMBSTONE, ["content"], as_of=version):
        files.purged.update(filter(None, batch["content"].to_pylist()))
    for batch in evidence.scan(FILE, ["content", "document"], as_of=version):
        for content, document in zip(*(batch[n].to_pylist() for n in ("content", "document")), strict=True):
            told = json.loads(document)
            if content in files.runs or content in files.batches:
                yield Finding(content, "is noted twice as taken in")
            elif told["holds"] == RUN:
                files.runs[content] = told["record_id"]
            else:
                files.batches[content] = told
                if content_of({int(day): digest for day, digest in told["days"].items()}) != content:
                    yield Finding(content, "the hashes of its days do not give its content id: altered")


def _runs(evidence: Evidence, version: int, files: _Files) -> Iterator[Finding | int]:
    columns = ["record_id", "seq", "content", "document", "start_us", "end_us", "day"]
    seen: Counter[str] = Counter()
    for day in evidence.days(RUN, version):
        try:
            for batch in evidence.scan(RUN, columns, days=[day], as_of=version):
                yield batch.num_rows
                for row in batch.to_pylist():
                    seen[row["content"]] += 1
                    if (problem := _altered(row)) is not None:
                        yield Finding(str(row["record_id"]), problem)
        except LedgerError as error:
            yield Finding(f"runs of {day}", f"cannot be read: {error.problem}")
    for content, record in files.runs.items():
        if seen[content] > 1:
            yield Finding(record, f"is there {seen[content]} times (content {content})")
        elif not seen[content] and content not in files.purged:
            yield Finding(record, f"was taken in and is gone (content {content})")
    for content in seen.keys() - files.runs.keys():
        yield Finding(str(content), "is there, but was never taken in by a fold")


def _altered(row: Mapping[str, Any]) -> str | None:
    """What is wrong with a run's row; None for nothing."""
    document = (row["document"] or "").encode()
    if sha256(document).hexdigest() != row["content"]:
        return "its document was altered: it does not give its content id"
    try:
        run = run_from(document, "document")
    except EvidenceError as error:
        return error.problem
    start, end = span(run)
    told = (run.record_id, run.seq, start, end, day_of(start))
    if told != tuple(row[name] for name in ("record_id", "seq", "start_us", "end_us", "day")):
        return "its columns were altered: they do not say what its document says"
    return None


def _samples(evidence: Evidence, version: int, files: _Files) -> Iterator[Finding | int]:
    streams: set[str] = set()
    try:
        yield from _streams(evidence, version, streams)
    except LedgerError as error:
        yield Finding("streams", f"cannot be read: {error.problem}")
    expected: dict[str, dict[str, str]] = {}
    for content, told in files.batches.items():
        for day, digest in told["days"].items():
            expected.setdefault(day_of(int(day) * DAY_US), {})[content] = digest
    for day in sorted({*expected, *evidence.days(SAMPLE, version)}):
        try:
            yield from _day(evidence, version, day, expected.get(day, {}), files, streams)
        except LedgerError as error:
            yield Finding(f"samples of {day}", f"cannot be read: {error.problem}")


def _streams(evidence: Evidence, version: int, streams: set[str]) -> Iterator[Finding]:
    for batch in evidence.scan(STREAM, ["record_id", "document"], as_of=version):
        for record, document in zip(*(c.to_pylist() for c in batch.columns), strict=True):
            streams.add(record)
            if id_of_document(document or "") != record:
                yield Finding(str(record), "the stream's description was altered: it does not give its id")


def _day(
    evidence: Evidence, version: int, day: str, expected: Mapping[str, str], files: _Files, streams: set[str]
) -> Iterator[Finding | int]:
    """One day's samples, some batches at a time."""
    sizes: Counter[str] = Counter()
    for batch in evidence.scan(SAMPLE, ["content"], days=[day], as_of=version):
        yield batch.num_rows
        for each in pc.value_counts(batch["content"]).to_pylist():
            sizes[each["values"]] += each["counts"]
    for content in sizes.keys() - expected.keys():
        yield Finding(str(content), f"has {sizes[content]} samples on {day} that no fold took in")
    for content in expected.keys() - sizes.keys() - files.purged:
        yield Finding(content, f"its samples of {day} are gone")
    columns = ["record_id", "content", *(name for name in SCHEMA.names if name != "stream")]
    for some in _at_once({c: n for c, n in sizes.items() if c in expected}):
        rows = evidence.scan(SAMPLE, columns, days=[day], as_of=version, contents=some).read_all()
        unknown = set(pc.unique(rows["record_id"]).to_pylist()) - streams
        yield from (Finding(str(s), "has samples, but no description of the stream") for s in unknown)
        rows = rows.sort_by([("content", "ascending"), ("row", "ascending")]).combine_chunks()
        for content, part in _by_content(rows):
            if content not in files.purged and _digest(part, day) != expected[content]:
                yield Finding(content, f"its samples of {day} were altered: they do not give their hash")


def _at_once(sizes: Mapping[str, int]) -> Iterator[list[str]]:
    """Content ids in groups of a bounded number of rows."""
    some: list[str] = []
    rows = 0
    for content, count in sizes.items():
        if some and rows + count > ROWS_AT_ONCE:
            yield some
            some, rows = [], 0
        some.append(content)
        rows += count
    if some:
        yield some


def _by_content(rows: Any) -> Iterator[tuple[str, Any]]:
    """Rows sorted by content, cut where it changes."""
    runs = pc.run_end_encode(rows["content"].combine_chunks())
    first = 0
    for past, content in zip(runs.run_ends.to_pylist(), runs.values.to_pylist(), strict=True):
        yield content, rows.slice(first, past - first)
        first = past


def _digest(part: Any, day: str) -> str:
    """The hash of one batch's rows of one day."""
    named = part["record_id"].combine_chunks().dictionary_encode()
    if part["observed"].null_count or part["start_us"].null_count or part["end_us"].null_count:
        return "a value is missing"
    table = part.append_column("stream", named.indices.cast(pa.int32()))
    days = digest_days(named.dictionary.to_pylist(), table)
    return days.popitem()[1] if len(days) == 1 and _is_day(days, day) else "rows of another day"


def _is_day(days: Mapping[int, str], day: str) -> bool:
    return all(day_of(number * DAY_US) == day for number in days)


def _inbox(store: Store) -> Iterator[Finding]:
    """What waits: each file must be what its name says."""
    for entry in store.names(INBOX):
        try:
            checked(entry.name, store.read(entry.name))
        except FileNotFoundError:
            continue  # folded meanwhile
        except (EvidenceError, LedgerError) as error:
            yield Finding(entry.name, error.problem)
