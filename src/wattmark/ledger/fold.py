"""Moves what has landed into the evidence, each content once, whoever else folds and whenever one is killed.

The order makes it so: rows are written and durable, then one commit makes them count together with the ids
of the files they come from, then those files go. A commit is made only on top of a version in which none of
its ids was folded; whoever comes second looks again, drops what is folded, and tries anew.
"""

from __future__ import annotations

import random
import re
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from wattmark.core.errors import EvidenceError, LedgerError
from wattmark.core.imported import BadRow
from wattmark.hashing import sha256
from wattmark.ledger.batches import decode
from wattmark.ledger.deltalog import Action, after_commit, commit, grown, open_table
from wattmark.ledger.evidence import FILE, STREAM, TABLE, TOLD, TOMBSTONE, Evidence, rows_of
from wattmark.ledger.inbox import INBOX, REJECTED
from wattmark.ledger.portion import MOST_DAYS, Limits, Portion, Spread, TakenBatch, TakenRun
from wattmark.ledger.runfile import SUFFIX, run_from
from wattmark.ledger.store import Entry, Store
from wattmark.ledger.tables import refuse_cut_history

APP_ID = "wattmark.fold"
"""The application transaction of every fold: other writers of Delta tables see that folds exclude others."""
NAME = re.compile(r"inbox/([0-9a-f]{64})(\.run\.json|\.samples\.parquet)")
SETTLING_US = 60_000_000
"""A file that is not what its name says is left alone so long: somebody may be copying it by hand."""
ATTEMPTS = 1000
"""Commits that others may get in before us."""
READ_FILES, READ_BYTES = 256, 16 << 20
"""Files that are read ahead, and their size together; one may be larger."""

DEFAULT_LIMITS = Limits()


@dataclass(slots=True, kw_only=True)
class Folded:
    """What a fold did."""

    version: int
    """The evidence's version afterwards."""
    files: int = 0
    """Files that were taken in."""
    runs: int = 0
    samples: int = 0
    """Rows of telemetry."""
    repeated: int = 0
    """Files whose content was there already, or was purged: dropped."""
    purged: int = 0
    """Those of them that were purged, and so are not in the evidence."""
    rejected: tuple[BadRow, ...] = ()
    """Files that could not be taken: moved to ``rejected/``, beside the reason."""


@dataclass(frozen=True, slots=True)
class _Job:
    store: Store
    now_us: int
    wait: Callable[[float], None]
    spread: Spread
    done: Folded


def fold(
    store: Store, now_us: int, wait: Callable[[float], None] = time.sleep, limits: Limits = DEFAULT_LIMITS
) -> Folded:
    """Fold what lies in the inbox, a commit per portion. ``now_us`` is the time, microseconds since 1970.

    Any number of folds may go on at once and be killed anywhere. Raises LedgerError when the ledger does
    not work; what was folded until then stays folded, the rest stays in the inbox.
    """
    with ThreadPoolExecutor(store.at_once, "wattmark-fold") as pool:
        spread: Spread = pool.map if store.at_once > 1 else map
        job = _Job(store, now_us, wait, spread, Folded(version=-1))
        portion = Portion()
        listed = _listed(store)
        if listed:
            refuse_cut_history(store, Evidence(store).version)
        for taken in _taken(job, _new(job, listed)):
            portion.add(taken)
            if portion.full(limits):
                _take_in(job, portion)
                portion = Portion()
        _take_in(job, portion)
    job.done.version = Evidence(store).version()
    return job.done


def folded_among(store: Store, table: Any | None, contents: Collection[str]) -> set[str]:
    """Those of some content ids that a version of the evidence has taken in, be it to purge them later."""
    wanted = pa.array(list(contents), pa.string())
    found: set[str] = set()
    for batch in rows_of(store, table, FILE, ["content"]):
        ids = batch["content"]
        found.update(ids.filter(pc.is_in(ids, wanted)).to_pylist())
    return found


def _purged_among(store: Store, table: Any | None, contents: Collection[str]) -> int:
    """How many of some content ids a purge has removed records of."""
    if not contents:
        return 0
    gone: set[str] = set()
    for batch in rows_of(store, table, TOMBSTONE, ["content"]):
        gone.update(batch["content"].to_pylist())
    return len(gone.intersection(contents))


def _listed(store: Store) -> list[Entry]:
    """The inbox, from a random place on: folders that start together seldom meet at one file."""
    entries = sorted(store.names(INBOX), key=lambda entry: entry.name)
    if not entries:
        return []
    start = random.randrange(len(entries))
    return entries[start:] + entries[:start]


def _new(job: _Job, entries: Sequence[Entry]) -> list[Entry]:
    """The files that are not folded yet; the others are dropped."""
    ids = {entry.name: found[1] for entry in entries if (found := NAME.fullmatch(entry.name))}
    table = open_table(job.store, TABLE.name) if ids else None
    known = folded_among(job.store, table, ids.values())
    again = [entry.name for entry in entries if ids.get(entry.name) in known]
    job.done.purged += _purged_among(job.store, table, {ids[name] for name in again})
    _drop(job, again)
    job.done.repeated += len(again)
    return [entry for entry in entries if ids.get(entry.name) not in known]


def _taken(job: _Job, entries: Iterable[Entry]) -> Iterator[TakenRun | TakenBatch]:
    """The sound ones among some files; broken ones are moved aside, and those that are gone left out."""
    for chunk in _chunks(entries):
        troubles = []
        for entry, data in zip(chunk, job.spread(lambda e: _read(job.store, e), chunk), strict=True):
            if isinstance(data, LedgerError):
                troubles.append(data)
                _add_rejected(job, BadRow(entry.name, f"cannot be read, and stays: {data.problem}"))
            elif data is not None:
                try:
                    yield checked(entry.name, data)
                except EvidenceError as error:
                    _reject(job, entry, data, error.problem)
        if troubles and len(troubles) == len(chunk):
            raise troubles[0]


def _chunks(entries: Iterable[Entry]) -> Iterator[list[Entry]]:
    chunk: list[Entry] = []
    size = 0
    for entry in entries:
        if chunk and (len(chunk) >= READ_FILES or size + entry.size > READ_BYTES):
            yield chunk
            chunk, size = [], 0
        chunk.append(entry)
        size += entry.size
    if chunk:
        yield chunk


def _read(store: Store, entry: Entry) -> bytes | LedgerError | None:
    try:
        return store.read(entry.name)
    except FileNotFoundError:
        return None  # another folder has taken it
    except LedgerError as error:
        return error


def checked(name: str, data: bytes) -> TakenRun | TakenBatch:
    """A file of the inbox as what it holds. Raises EvidenceError."""
    found = NAME.fullmatch(name)
    if found is None:
        raise EvidenceError(name, f"its name is not one of the inbox: bring {_how(name)}")
    content, suffix = found.groups()
    if suffix == SUFFIX:
        if sha256(data).hexdigest() != content:
            raise EvidenceError(name, "its bytes do not give its name, their hash: it was damaged or cut off")
        return TakenRun(name, content, data.decode(), run_from(data, name))
    batch = decode(data, name)
    if batch.content != content:
        raise EvidenceError(name, "its numbers do not give its name, their hash: it was damaged")
    return TakenBatch(name, content, batch)


def _how(name: str) -> str:
    return "run files with `wattmark ledger add`" if name.endswith(SUFFIX) else "files with `wattmark import`"


def _reject(job: _Job, entry: Entry, data: bytes, reason: str) -> None:
    """Move a file aside, with the reason beside it."""
    if 0 <= job.now_us - entry.modified_us < SETTLING_US and not _whole(entry.name, data):
        return
    name = REJECTED + entry.name.rpartition("/")[2]
    job.store.put_new(name, data)
    job.store.replace(f"{name}.reason.txt", f"{reason}\n".encode())
    job.store.delete(entry.name)
    _add_rejected(job, BadRow(name, reason))


def _whole(name: str, data: bytes) -> bool:
    """True when nothing of a file can be on its way still."""
    return name.endswith(SUFFIX) and f"/{sha256(data).hexdigest()}." in name


def _add_rejected(job: _Job, bad: BadRow) -> None:
    job.done.rejected = (*job.done.rejected, bad)


def _take_in(job: _Job, portion: Portion) -> None:
    """Commit a portion, unless others were first, and remove its files from the inbox."""
    if not portion:
        return
    names = portion.names
    actions: list[Action] | None = None
    for attempt in range(ATTEMPTS):
        table = open_table(job.store, TABLE.name)
        version = -1 if table is None else int(table.version())
        known = folded_among(job.store, table, portion.contents)
        if known:
            portion, actions = portion.without(known), None
        if not portion:
            break
        if actions is None:
            streams = _streams(job.store, table)
            actions = portion.write(job.store, job.now_us, streams, job.spread)
        made = _actions(job, portion, table, actions)
        if commit(job.store, TABLE, version + 1, made, _told(portion), job.now_us):
            job.done.files += len(portion)
            job.done.runs += len(portion.runs)
            job.done.samples += portion.rows
            after_commit(job.store, TABLE, version + 1)
            break
        job.wait(random.uniform(0, min(1.0, 0.005 * 2 ** min(attempt, 10))))
    else:
        raise LedgerError(job.store.url, f"{ATTEMPTS} commits of others came first; fold again")
    _drop(job, names)


def _streams(store: Store, table: Any | None) -> set[str]:
    """The streams that a version describes."""
    ids: set[str] = set()
    for batch in rows_of(store, table, STREAM, ["record_id"]):
        ids.update(batch["record_id"].to_pylist())
    return ids


def _actions(job: _Job, portion: Portion, table: Any, actions: list[Action]) -> list[Action]:
    mark = {"txn": {"appId": APP_ID, "version": job.now_us, "lastUpdated": job.now_us // 1000}}
    return [*(grown(TABLE, table, job.now_us) if table is not None else ()), mark, *actions]


def _told(portion: Portion) -> dict[str, Any]:
    days = sorted(portion.days())
    what: dict[str, Any] = {"days": days} if len(days) <= MOST_DAYS else {"everything": True}
    return {
        "operation": "FOLD",
        TOLD: {"files": len(portion), "runs": len(portion.runs), "samples": portion.rows, **what},
    }


def _drop(job: _Job, names: Sequence[str]) -> None:
    """Remove files from the inbox."""
    for _ in job.spread(job.store.delete, names):
        pass
