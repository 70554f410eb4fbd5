"""What providers state, as a ledger holds it: sums of what may be added, and what was stated anew.

Statements are in no total of the ledger. The derived tables hold the version that stands; older versions of a
record are in the evidence.
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby, pairwise
from typing import Any

from wattmark.core.errors import RefusedError, UsageError
from wattmark.core.run import Run, Statement
from wattmark.core.statements import (
    ACCOUNT,
    PROVIDER,
    SERVICE,
    Restated,
    Sum,
    Terms,
    added,
    restated,
    stated_at,
    terms_of,
    wholes,
)
from wattmark.core.tags import LABEL
from wattmark.ledger.columns import TAGS
from wattmark.ledger.documents import run_of
from wattmark.ledger.engines.duckdb import DuckDbEngine, quoted
from wattmark.ledger.evidence import RUN, Evidence
from wattmark.ledger.rollup import Tables
from wattmark.ledger.runindex import Documents
from wattmark.ledger.stated import COLUMNS, KEYS, MONTH, SOURCE, statement_of
from wattmark.ledger.store import Store

LABELLED = {"provider": PROVIDER, "account": ACCOUNT, "service": SERVICE}
OF_STATEMENT = ("quantity", "accounting")
USUAL = ("provider", MONTH)
AT_ONCE = 5_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """Which statements are meant."""

    where: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Key of KEYS, ``label.<key>``, quantity or accounting -> the values that count."""
    start_us: int | None = None
    """Months that begin at this moment or later ..."""
    end_us: int | None = None
    """... and before this one."""


@dataclass(frozen=True, slots=True)
class StatedLine:
    """Statements of one group on the same terms, added; ``sum`` is None where that is refused."""

    group: Mapping[str, str]
    terms: Terms
    records: int
    sum: Sum | None
    refusal: str = ""


@dataclass(frozen=True, slots=True)
class RestatedLine:
    """One figure that was stated anew."""

    record_id: str
    group: Mapping[str, str]
    figure: Restated
    seqs: tuple[int, int]
    """Of the version before, and of the one after."""
    folded_us: tuple[int, int]
    """When each came into the ledger."""


class StatementList:
    """Asks the derived tables of one version. Use it as a context manager."""

    def __init__(self, snapshot: Tables) -> None:
        self._engine = DuckDbEngine()
        for table in ("runs", "subjects", "statements"):
            self._engine.attach(table, snapshot)

    def __enter__(self) -> StatementList:
        return self

    def __exit__(self, *_: object) -> None:
        self._engine.close()

    def lines(self, choice: Choice, by: Sequence[str] = USUAL, *, parts: bool = False) -> list[StatedLine]:
        """The sums of each group, apart for each source and for whatever may not be added.

        Without ``parts`` a scope that is part of a stated total is left out. Raises UsageError for a key
        that does not exist.
        """
        for key in by:
            _check(key, KEYS)
        keys = tuple(dict.fromkeys((*by, SOURCE)))
        found: dict[tuple[tuple[str, ...], Terms], list[tuple[str, Statement]]] = {}
        for record_id, told, statements in self._records(choice):
            group = tuple(told.get(key, "") for key in keys)
            for statement in statements if parts else wholes(statements):
                if _meant(statement, choice.where):
                    found.setdefault((group, terms_of(statement)), []).append((record_id, statement))
        lines = [_line(keys, group, terms, held) for (group, terms), held in found.items()]
        return sorted(lines, key=lambda line: (*line.group.values(), line.terms))

    def groups(self, choice: Choice) -> dict[str, Mapping[str, str]]:
        """Record -> what it is about, of the records that are meant."""
        return {record_id: told for record_id, told, _ in self._records(choice)}

    def _records(self, choice: Choice) -> Iterator[tuple[str, Mapping[str, str], list[Statement]]]:
        """Each record that is meant, with what it is about and what it states."""
        rows = self._engine.rows(
            f"""
            SELECT r.record_id, r.source, r.day, s.labels, {", ".join(f"s.{tag}" for tag in TAGS)},
                {", ".join(f"t.{name}" for name in COLUMNS)}
            FROM runs r JOIN statements t ON r.record_id = t.record_id
            LEFT JOIN subjects s ON r.subject_id = s.subject_id
            WHERE {" AND ".join(_conditions(choice))}
            ORDER BY r.record_id
            """
        )
        for record_id, held in groupby(rows, key=lambda row: str(row[0])):
            whole = list(held)
            yield record_id, _told(whole[0]), [statement_of(row[4 + len(TAGS) :]) for row in whole]


def restatements(store: Store, version: int, groups: Mapping[str, Mapping[str, str]]) -> list[RestatedLine]:
    """What was stated anew of some records, the newest first, out of the evidence of a version."""
    evidence = Evidence(store)
    several = sorted(times_restated(store, version, groups))
    folded = Documents(evidence, version).folded()
    lines: list[RestatedLine] = []
    for record_id, versions in _versions(evidence, version, several).items():
        for (_, old_content, old), (_, content, new) in pairwise(versions):
            when = folded.get(old_content, 0), folded.get(content, 0)
            lines.extend(
                RestatedLine(record_id, groups[record_id], figure, (old.seq, new.seq), when)
                for figure in restated(old, new)
            )
    return sorted(lines, key=lambda line: (-stated_at(line.seqs[1]), line.record_id, line.figure.terms))


def times_restated(store: Store, version: int, records: Collection[str]) -> dict[str, int]:
    """How many earlier versions of records are kept; records without any are left out."""
    evidence = Evidence(store)
    contents: dict[str, set[str]] = {}
    for some in _portions(sorted(records)):
        for batch in evidence.scan(RUN, ["record_id", "content"], as_of=version, record_ids=some):
            for record_id, content in zip(*(c.to_pylist() for c in batch.columns), strict=True):
                contents.setdefault(record_id, set()).add(content)
    return {record_id: len(found) - 1 for record_id, found in contents.items() if len(found) > 1}


def _versions(
    evidence: Evidence, version: int, records: Sequence[str]
) -> dict[str, list[tuple[int, str, Run]]]:
    """Record -> its versions in the order in which they stand: (seq, content, what it states)."""
    found: dict[str, dict[str, tuple[int, str, Run]]] = {}
    for some in _portions(records):
        columns = ["record_id", "content", "document"]
        for batch in evidence.scan(RUN, columns, as_of=version, record_ids=some):
            for row in batch.to_pylist():
                run = run_of(row["record_id"], row["document"])
                found.setdefault(run.record_id, {})[row["content"]] = (run.seq, row["content"], run)
    return {
        record_id: sorted(versions.values(), key=lambda v: v[:2]) for record_id, versions in found.items()
    }


def _portions(records: Sequence[str]) -> Iterator[Sequence[str]]:
    return (records[first : first + AT_ONCE] for first in range(0, len(records), AT_ONCE))


def _line(
    keys: Sequence[str], group: Sequence[str], terms: Terms, held: Sequence[tuple[str, Statement]]
) -> StatedLine:
    named = dict(zip(keys, group, strict=True))
    records = len({record_id for record_id, _ in held})
    try:
        return StatedLine(named, terms, records, added(held))
    except RefusedError as error:
        return StatedLine(named, terms, records, None, str(error))


def _conditions(choice: Choice) -> Iterator[str]:
    yield "COALESCE(r.stated, FALSE)"
    if choice.start_us is not None:
        yield f"r.start_us >= {int(choice.start_us)}"
    if choice.end_us is not None:
        yield f"r.start_us < {int(choice.end_us)}"
    for key, values in choice.where.items():
        if key not in OF_STATEMENT:
            _check(key, (*KEYS, *OF_STATEMENT))
            yield f"COALESCE({_column(key)}, '') IN ({', '.join(quoted(value) for value in values)})"


def _column(key: str) -> str:
    if key in LABELLED or key.startswith(LABEL):
        path = "$." + json.dumps(LABELLED.get(key) or key.removeprefix(LABEL), ensure_ascii=False)
        return f"json_extract_string(s.labels, {quoted(path)})"
    return {SOURCE: "r.source", MONTH: "substr(r.day, 1, 7)"}.get(key, f"s.{key}")


def _check(key: str, known: Iterable[str]) -> None:
    names = tuple(known)
    if key in names or (key.startswith(LABEL) and len(key) > len(LABEL)):
        return
    close = difflib.get_close_matches(key, names, n=1)
    meant = f"did you mean {close[0]!r}? " if close else ""
    raise UsageError(f"{key!r} is nothing that statements say; {meant}keys: {', '.join(names)}, {LABEL}KEY")


def _meant(statement: Statement, where: Mapping[str, tuple[str, ...]]) -> bool:
    told = {"quantity": statement.quantity, "accounting": terms_of(statement).accounting}
    return all(told[key] in where[key] for key in OF_STATEMENT if key in where)


def _told(row: Sequence[Any]) -> dict[str, str]:
    labels = {str(k): str(v) for k, v in json.loads(row[3] or "{}").items()}
    told = {tag: str(value or "") for tag, value in zip(TAGS, row[4:], strict=False)}
    told |= {name: labels.get(label, "") for name, label in LABELLED.items()}
    told |= {f"{LABEL}{key}": value for key, value in labels.items()}
    return {**told, SOURCE: str(row[1] or ""), MONTH: str(row[2])[:7]}
