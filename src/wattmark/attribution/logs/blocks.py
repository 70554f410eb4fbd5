"""From blocks of lines to requests: all rows at once, and singly those that are not plainly in order."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from wattmark.attribution.columns import Longs, RequestColumns
from wattmark.attribution.logs.files import Block, blocks_of, lines_of
from wattmark.attribution.logs.layout import Layout
from wattmark.attribution.logs.parsed import Parsed, Services, requests_of
from wattmark.attribution.logs.rows import Row, parsed_rows
from wattmark.attribution.logs.tally import Tally

Lines = Iterable[tuple[int, bytes]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """How the lines of a format are read."""

    table: Callable[[Block], Any] | None
    """A block as an Arrow table; None for a block that is not plainly in order. None without Arrow."""
    rows: Callable[[Lines, Tally], Iterator[Row]]
    """Lines as rows, one by one; those that are none are counted as bad."""
    header: bool = False
    """The first line names the columns, and is no row."""


def requests_in(
    path: Path, layout: Layout, way: Way, tally: Tally, *, with_ids: bool
) -> Iterator[RequestColumns]:
    """The requests of a log of lines, a block at a time. Only the fields of the layout are kept."""
    services = Services()
    for read in blocks_of(path, tally):
        block = _without_header(read) if way.header and read.first_line == 1 else read
        for parsed in _parsed(block, layout, way, services, tally, with_ids):
            yield requests_of(parsed, services, tally, layout.tolerance_us)


def _parsed(
    block: Block, layout: Layout, way: Way, services: Services, tally: Tally, with_ids: bool
) -> Iterator[Parsed]:
    table = way.table(block) if way.table is not None else None
    lines: Lines = lines_of(block)
    if table is not None:
        from wattmark.attribution.logs.arrow_rows import NotPlain, parsed_table

        numbers = _numbers(block)
        try:
            if len(numbers) != table.num_rows:
                raise NotPlain
            parsed, odd = parsed_table(table, layout, services, tally, numbers, with_ids=with_ids)
        except NotPlain:
            pass
        else:
            yield parsed
            if not len(odd):
                return
            wanted = set(numbers[odd].tolist())
            lines = (pair for pair in lines if pair[0] in wanted)
    yield parsed_rows(way.rows(lines, tally), layout, services, tally, with_ids=with_ids)


def _without_header(block: Block) -> Block:
    return Block(2, block.data.partition(b"\n")[2])


def _numbers(block: Block) -> Longs:
    """The numbers of the lines of a block that are not empty."""
    letters = np.frombuffer(block.data, np.uint8)
    ends = np.flatnonzero(letters == ord("\n"))
    if len(letters) and letters[-1] != ord("\n"):
        ends = np.append(ends, len(letters))
    lengths = np.diff(ends, prepend=-1) - 1
    return np.flatnonzero(lengths > 0) + block.first_line
