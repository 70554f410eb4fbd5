"""Evidence as the files of a bundle, and back. Equal evidence gives equal bytes.

JSON with sorted keys, what holds its default left out. A look at a device takes a line of its own, after a
line that names the device and the columns::

    {"columns":["at_us","energy_uj"],"device_id":"GPU-1"}
    [0,1000]
    [100000,null,"the driver did not answer"]
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

import msgspec

from wattmark.bench.bundle.layout import ENVIRONMENT, EVIDENCE, LOOKS, QUERIES, STATES
from wattmark.bench.bundle.sound import first_fault
from wattmark.core.bench.evidence import (
    SCHEMA,
    SCHEMA_VERSION,
    DeviceLooks,
    Evidence,
    QueryRecord,
    StateLook,
)
from wattmark.core.bench.signs import shown_json
from wattmark.core.errors import EvidenceError
from wattmark.core.plain import plain

COLUMNS = ("energy_uj", "watts")
APART = ("looks", "queries", "states", "environment")
"""What has files of its own."""

# Made here, by one thread: two that decode a type for the first time at once crash within msgspec 0.22.
_EVIDENCE = msgspec.json.Decoder(Evidence)
_QUERY = msgspec.json.Decoder(QueryRecord)
_STATE = msgspec.json.Decoder(StateLook)
_ENVIRONMENT = msgspec.json.Decoder(dict[str, str])


class _Looks(msgspec.Struct, forbid_unknown_fields=True):
    columns: list[str]
    device_id: str


_LOOKS = msgspec.json.Decoder(_Looks)
_ROW = msgspec.json.Decoder(list[int | float | str | None])


def _encoder(indent: int | None) -> json.JSONEncoder:
    separators = (",", ":") if indent is None else None
    return json.JSONEncoder(
        sort_keys=True, allow_nan=False, ensure_ascii=False, indent=indent, separators=separators
    )


_ON_ONE_LINE = _encoder(None)


def json_of(record: Any, *, indent: int | None = None) -> bytes:
    """A record as JSON bytes: sorted keys, defaults left out. Raises ValueError for infinite numbers."""
    return _text(plain(record), _ON_ONE_LINE if indent is None else _encoder(indent))


def _text(value: Any, encoder: json.JSONEncoder = _ON_ONE_LINE) -> bytes:
    # What would spoil a terminal or a table is let go here: whatever shows a bundle need not fear its names.
    return shown_json(encoder.encode(value)).encode("utf-8", errors="replace")


def _query_lines(queries: Iterable[QueryRecord]) -> bytes:
    # Scores are never shown, and may hold any name of a class; first_fault looks at the rest. Half a
    # character becomes a question mark: the file must stay readable.
    return b"".join(_ON_ONE_LINE.encode(plain(q)).encode("utf-8", errors="replace") + b"\n" for q in queries)


def encoded(evidence: Evidence) -> dict[str, bytes]:
    """The files that hold evidence. Raises EvidenceError for what no bundle can hold."""
    try:
        head = plain(replace(evidence, looks=(), queries=(), states=(), environment={}))
        del head["looks"], head["queries"]
        return {
            EVIDENCE: json_of(head, indent=1) + b"\n",
            ENVIRONMENT: json_of(dict(evidence.environment), indent=1) + b"\n",
            LOOKS: b"".join(_text(line) + b"\n" for looks in evidence.looks for line in _look_lines(looks)),
            QUERIES: _query_lines(evidence.queries),
            STATES: _lines(evidence.states),
        }
    except (ValueError, TypeError, RecursionError) as error:
        raise EvidenceError("evidence", f"cannot be written: {error}") from None


def decoded(files: Mapping[str, bytes]) -> Evidence:
    """Evidence out of its files. Raises EvidenceError that names the file and the line."""
    head = _value(EVIDENCE, files[EVIDENCE], _OBJECT)
    if head.get("schema") != SCHEMA:
        raise EvidenceError(EVIDENCE, f"`schema` is {head.get('schema')!r}, expected {SCHEMA!r}")
    version = head.get("schema_version")
    if not isinstance(version, int) or version > SCHEMA_VERSION:
        raise EvidenceError(
            EVIDENCE,
            f"was written by a newer wattmark (schema version {version!r:.20}, this one reads "
            f"{SCHEMA_VERSION}): upgrade with `pip install --upgrade wattmark`",
        )
    if misplaced := [name for name in APART if name in head]:
        raise EvidenceError(EVIDENCE, f"holds `{misplaced[0]}`, which has a file of its own")
    whole = json.dumps({**head, "looks": [], "queries": []}).encode()
    evidence: Evidence = replace(
        _value(EVIDENCE, whole, _EVIDENCE),
        environment=_value(ENVIRONMENT, files[ENVIRONMENT], _ENVIRONMENT),
        looks=tuple(_looks_of(files[LOOKS])),
        queries=_records(QUERIES, files[QUERIES], _QUERY),
        states=_records(STATES, files[STATES], _STATE),
    )
    if (fault := first_fault(evidence)) is not None:
        raise EvidenceError(*fault)
    return evidence


def canonical(evidence: Evidence) -> Evidence:
    """The same evidence as it is read from a bundle: 5 W is 5.0 W, a pair of scores a list."""
    return decoded(encoded(evidence))


_OBJECT = msgspec.json.Decoder(dict[str, Any])


def _value(name: str, text: bytes, decoder: msgspec.json.Decoder[Any]) -> Any:
    try:
        return decoder.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise EvidenceError(name, f"cannot be read: {error}") from None


def _records(name: str, text: bytes, decoder: msgspec.json.Decoder[Any]) -> tuple[Any, ...]:
    return tuple(_value(f"{name}:{number}", line, decoder) for number, line in _numbered(name, text))


def _numbered(name: str, text: bytes) -> Iterator[tuple[int, bytes]]:
    if text and not text.endswith(b"\n"):
        raise EvidenceError(name, "its last line has no end: the file was cut off")
    return enumerate(text.split(b"\n")[:-1], start=1)


def _lines(records: Iterable[Any]) -> bytes:
    return b"".join(json_of(record) + b"\n" for record in records)


def _look_lines(looks: DeviceLooks) -> Iterator[Any]:
    columns = [name for name in COLUMNS if getattr(looks, name)]
    values = [getattr(looks, name) for name in columns]
    if any(len(column) != len(looks.at_us) for column in values):
        raise ValueError(f"the columns of {looks.device_id} are not of equal length")
    yield {"columns": ["at_us", *columns], "device_id": looks.device_id}
    gaps = dict(looks.gaps)
    for index, row in enumerate(zip(looks.at_us, *values, strict=True)):
        reason = gaps.pop(str(index), None)
        yield [*row, reason] if reason is not None else list(row)
    if gaps:
        raise ValueError(f"{looks.device_id} has gaps at looks that there are not: {', '.join(gaps)[:80]}")


def _looks_of(text: bytes) -> Iterator[DeviceLooks]:
    head: _Looks | None = None
    rows: list[list[Any]] = []
    gaps: dict[str, str] = {}
    for number, line in _numbered(LOOKS, text):
        place = f"{LOOKS}:{number}"
        if line.startswith(b"{"):
            if head is not None:
                yield _device_looks(head, rows, gaps)
            head, rows, gaps = _head(place, line), [], {}
            continue
        if head is None:
            raise EvidenceError(place, "names no device before its looks")
        row = _value(place, line, _ROW)
        if len(row) == len(head.columns) + 1 and isinstance(row[-1], str):
            gaps[str(len(rows))] = row.pop()
        _check_row(place, row, head.columns)
        rows.append(row)
    if head is not None:
        yield _device_looks(head, rows, gaps)


def _head(place: str, line: bytes) -> _Looks:
    head: _Looks = _value(place, line, _LOOKS)
    wanted = ["at_us", *(name for name in COLUMNS if name in head.columns)]
    if head.columns != wanted:
        raise EvidenceError(place, f"has the columns {head.columns!r:.80}, expected some of at_us, {COLUMNS}")
    return head


def _check_row(place: str, row: list[Any], columns: list[str]) -> None:
    if len(row) != len(columns) or not isinstance(row[0], int):
        raise EvidenceError(place, f"is no look with the columns {', '.join(columns)}")
    for name, value in zip(columns[1:], row[1:], strict=True):
        if isinstance(value, str) or (name == "energy_uj" and isinstance(value, float)):
            raise EvidenceError(place, f"{name} is {value!r:.40}, not a number")


def _device_looks(head: _Looks, rows: list[list[Any]], gaps: dict[str, str]) -> DeviceLooks:
    columns = dict(zip(head.columns, zip(*rows, strict=True), strict=True)) if rows else {}
    return DeviceLooks(
        device_id=head.device_id,
        at_us=columns.get("at_us", ()),
        energy_uj=columns.get("energy_uj", ()),
        watts=tuple(None if w is None else float(w) for w in columns.get("watts", ())),
        gaps=gaps,
    )
