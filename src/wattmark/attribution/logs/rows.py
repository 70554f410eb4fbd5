"""Rows one by one: each as parsed values, or as a bad row with its place and reason."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from wattmark.attribution.columns import Names
from wattmark.attribution.logs.layout import ENDED, NAMES, NOT_ENDED, Layout
from wattmark.attribution.logs.parsed import VALUES, Parsed, Services
from wattmark.attribution.logs.tally import Tally
from wattmark.attribution.logs.values import ABSENT, Bad, name_of

Row = tuple[int, Mapping[str, Any]]
"""Its number in the log, and its fields."""


def parsed_rows(
    rows: Iterable[Row], layout: Layout, services: Services, tally: Tally, *, with_ids: bool
) -> Parsed:
    """The values of rows; what cannot be parsed is counted as bad, other events than ends as ignored."""
    fields = [(f, f.parse) for f in layout.fields if f.target in VALUES]
    texts = {f.target: f for f in layout.fields if f.parse is None}
    event = texts.get("event")
    ids_in = texts.get("request_id") if with_ids else None
    columns: list[list[int]] = [[] for _ in fields]
    numbers: list[int] = []
    owners: list[int] = []
    ids: list[bytes] = []
    known: dict[tuple[Any, ...], int] = {}
    for number, row in rows:
        target = ""
        try:
            told = event.of(row) if event is not None else None
            told = told.strip() if isinstance(told, str) else told
            if told not in (None, *ABSENT, *ENDED):
                if told not in NOT_ENDED:
                    target = "event"
                    raise Bad("is neither the start nor the end of a request")
                tally.ignored += 1
                continue
            values = []
            for field, parse in fields:
                target = ".".join(field.path)
                assert parse is not None
                values.append(parse(field.of(row)))
            target = "request_id"
            name = name_of(ids_in.of(row)).encode() if ids_in is not None else b""
            target = "a name"
            told_names = tuple(texts[n].of(row) if n in texts else layout.constants.get(n) for n in NAMES)
            owner = _owner(told_names, known, services)
        except Bad as error:
            tally.refuse(number, f"{target} {error}")
            continue
        for column, value in zip(columns, values, strict=True):
            column.append(value)
        numbers.append(number)
        owners.append(owner)
        ids.append(name)
    return Parsed(
        row=np.array(numbers, np.int64),
        values={f.target: np.array(column, np.int64) for (f, _), column in zip(fields, columns, strict=True)},
        service=np.array(owners, np.int32),
        request_id=_bytes(ids) if with_ids else _bytes([]),
    )


def _owner(told: tuple[Any, ...], known: dict[tuple[Any, ...], int], services: Services) -> int:
    try:
        found = known.get(told)
    except TypeError:
        raise Bad("is no name") from None  # a list or an object
    if found is None:
        model, version, tenant, target = (name_of(name) for name in told)
        found = known[told] = services.number((model, version, tenant, target))
    return found


def _bytes(ids: list[bytes]) -> Names:
    return np.array(ids, np.bytes_) if ids else np.empty(0, "S1")
