"""Requests as columns: what a log of millions of them is read into, and what the sweep works on."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, fields

import numpy as np
from numpy.typing import NDArray

from wattmark.core.errors import UsageError
from wattmark.core.serving.request import Request, Service

Longs = NDArray[np.int64]
Ints = NDArray[np.int32]
Flags = NDArray[np.bool_]
Names = NDArray[np.bytes_]

UNKNOWN = -1
"""In a column of whole numbers: not known, which is no 0."""


def _no_rows() -> Longs:
    return np.empty(0, np.int64)


def _no_names() -> Names:
    return np.empty(0, "S1")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RequestColumns:
    """Many requests, one column per field of a request; all columns have one length.

    Times are microseconds since 1970, UTC. Raises UsageError, naming the row, for what no request may be.
    """

    start_us: Longs
    first_token_us: Longs
    """UNKNOWN: not known, or nothing streams."""
    end_us: Longs
    input_tokens: Longs
    """UNKNOWN: not known; so for the other tokens and the weight."""
    cached_input_tokens: Longs
    """0 where nothing is known of a cache, as in a request."""
    output_tokens: Longs
    weight: Longs
    failed: Flags
    service: Ints
    """Index into the services."""
    services: tuple[Service, ...]
    row: Longs = field(default_factory=_no_rows)
    """Which row (line, record) of its log a request is, from 1; empty: the requests come from no log."""
    request_id: Names = field(default_factory=_no_names)
    """UTF-8; empty when nobody asked for ids, b"" where a request has none."""

    def __post_init__(self) -> None:
        length = len(self.start_us)
        for name in COLUMNS:
            column = getattr(self, name)
            if column.ndim != 1 or len(column) not in ({length, 0} if name in OPTIONAL else {length}):
                raise UsageError(f"the column {name} has {len(column)} rows, and start_us has {length}")
        self._refuse((self.start_us < 0) | (self.end_us < self.start_us), "must not end before it starts")
        first = self.first_token_us
        self._refuse(
            (first != UNKNOWN) & ((first < self.start_us) | (first > self.end_us)),
            "has its first token before its start or after its end",
        )
        for name in ("input_tokens", "output_tokens", "weight"):
            self._refuse(getattr(self, name) < UNKNOWN, f"has {name} below 0")
        self._refuse(self.cached_input_tokens < 0, "has cached_input_tokens below 0")
        self._refuse(
            (self.input_tokens != UNKNOWN) & (self.cached_input_tokens > self.input_tokens),
            "has more cached input tokens than input tokens",
        )
        self._refuse(
            (self.service < 0) | (self.service >= len(self.services)), "names no service of the columns"
        )

    def _refuse(self, wrong: Flags, problem: str) -> None:
        if wrong.any():
            raise UsageError(f"the request in row {self.row_of(int(wrong.argmax()))} {problem}")

    def __len__(self) -> int:
        return len(self.start_us)

    def __getitem__(self, chosen: slice | Flags | Longs) -> RequestColumns:
        """Some of the requests: by a slice, by a flag for each, or by their indices in any order."""
        columns = {name: getattr(self, name) for name in COLUMNS}
        absent = {name for name in OPTIONAL if not len(columns[name])}
        taken = {name: c if name in absent else c[chosen] for name, c in columns.items()}
        return _trusted(services=self.services, **taken)

    def row_of(self, index: int) -> int:
        """Which row of its log a request is; its place in the columns, from 1, when it comes from no log."""
        return int(self.row[index]) if len(self.row) else index + 1

    def without_ids(self) -> RequestColumns:
        """The same requests without their ids."""
        columns = {name: getattr(self, name) for name in COLUMNS}
        return _trusted(**(columns | {"request_id": _no_names()}), services=self.services)

    def requests(self) -> Iterator[Request]:
        """Each as the record it is outside of columns."""
        for i in range(len(self)):
            yield Request(
                request_id=self.request_id[i].decode() if len(self.request_id) else "",
                service=self.services[self.service[i]],
                start_us=int(self.start_us[i]),
                first_token_us=_known(self.first_token_us[i]),
                end_us=int(self.end_us[i]),
                input_tokens=_known(self.input_tokens[i]),
                cached_input_tokens=int(self.cached_input_tokens[i]),
                output_tokens=_known(self.output_tokens[i]),
                weight=_known(self.weight[i]),
                failed=bool(self.failed[i]),
            )


COLUMNS = tuple(f.name for f in fields(RequestColumns) if f.name != "services")
OPTIONAL = ("row", "request_id")
"""Columns that may be empty whatever the length of the others."""


def of(requests: Iterable[Request]) -> RequestColumns:
    """Requests as columns, in the order given; with their ids where at least one has one."""
    listed = list(requests)
    services: dict[Service, int] = {}
    ids = [r.request_id.encode() for r in listed]
    return RequestColumns(
        start_us=_longs(r.start_us for r in listed),
        first_token_us=_longs(_number(r.first_token_us) for r in listed),
        end_us=_longs(r.end_us for r in listed),
        input_tokens=_longs(_number(r.input_tokens) for r in listed),
        cached_input_tokens=_longs(r.cached_input_tokens for r in listed),
        output_tokens=_longs(_number(r.output_tokens) for r in listed),
        weight=_longs(_number(r.weight) for r in listed),
        failed=np.fromiter((r.failed for r in listed), np.bool_, len(listed)),
        service=np.fromiter(
            (services.setdefault(r.service, len(services)) for r in listed), np.int32, len(listed)
        ),
        services=tuple(services),
        request_id=np.array(ids, np.bytes_) if any(ids) else _no_names(),
    )


def joined(parts: Sequence[RequestColumns]) -> RequestColumns:
    """Several columns one after the other, with one list of services.

    Rows and ids are kept when every part that holds requests has them.
    """
    parts = [part for part in parts if len(part)]
    if not parts:
        return of(())
    if len(parts) == 1:
        return parts[0]
    services: dict[Service, int] = {}
    indices = []
    for part in parts:
        renamed = [services.setdefault(service, len(services)) for service in part.services]
        indices.append(np.array(renamed, np.int32)[part.service])
    taken = {
        name: np.concatenate([getattr(part, name) for part in parts])
        if name not in OPTIONAL or all(len(getattr(part, name)) for part in parts)
        else getattr(parts[0], name)[:0]
        for name in COLUMNS
        if name != "service"
    }
    return _trusted(services=tuple(services), service=np.concatenate(indices), **taken)


def _trusted(**columns: object) -> RequestColumns:
    """Columns of requests that were checked before: millions of them are not checked again."""
    made = object.__new__(RequestColumns)
    for name, column in columns.items():
        object.__setattr__(made, name, column)
    return made


def _longs(values: Iterable[int]) -> Longs:
    return np.fromiter(values, np.int64)


def _number(value: int | None) -> int:
    return UNKNOWN if value is None else value


def _known(value: np.int64) -> int | None:
    return None if value == UNKNOWN else int(value)
