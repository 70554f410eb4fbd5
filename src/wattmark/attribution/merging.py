"""Several logs of the same time, read side by side, so that none of them comes too late."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from wattmark.attribution.columns import RequestColumns


def side_by_side(logs: Sequence[Iterable[RequestColumns]]) -> Iterator[tuple[RequestColumns, int]]:
    """Chunks of all logs, always of the one that is furthest behind, each with the latest start up to which
    all of them were read (for ``Chunks.add``); a log that is at its end holds no other back.
    """
    readers = [iter(log) for log in logs]
    read_until = [-1] * len(readers)
    running = set(range(len(readers)))
    while running:
        behind = min(running, key=lambda i: (read_until[i], i))
        columns = next(readers[behind], None)
        if columns is None:
            running.discard(behind)
            continue
        if len(columns):
            read_until[behind] = max(read_until[behind], int(columns.start_us.max()))
        yield columns, min(read_until[i] for i in running)
