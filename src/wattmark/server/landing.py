"""Lands a listener's samples in the inbox of a ledger."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from wattmark.core.telemetry import Samples, Stream
from wattmark.ledger.batches import encode, stream_document
from wattmark.ledger.inbox import samples_name
from wattmark.ledger.store import Store

MOST_REMEMBERED = 100_000
MOST_ROWS = 2_000_000


class Landing:
    """Lands samples. The streams of a listener come with every batch, so their documents are kept."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._documents: dict[str, tuple[Stream, str]] = {}

    def __call__(self, parts: Sequence[Samples]) -> None:
        """Land these samples; they are durable when it returns. Raises EvidenceError, LedgerError."""
        if len(self._documents) > MOST_REMEMBERED:
            self._documents.clear()
        for portion in portions(parts, MOST_ROWS):
            content, data = encode(portion, self._document)
            self._store.put_new(samples_name(content), data)

    def _document(self, stream: Stream) -> str:
        known = self._documents.get(stream.instance)
        if known is None or known[0] != stream:
            known = self._documents[stream.instance] = stream, stream_document(stream)
        return known[1]


def portions(parts: Sequence[Samples], most_rows: int) -> Iterator[list[Samples]]:
    """The samples in batches of so many rows at most, divided the same way whenever they come."""
    batch: list[Samples] = []
    rows = 0
    for part in parts:
        for begun in range(0, len(part), most_rows):
            piece = part if len(part) <= most_rows else _cut(part, begun, begun + most_rows)
            if rows + len(piece) > most_rows:
                yield batch
                batch, rows = [], 0
            batch.append(piece)
            rows += len(piece)
    if batch:
        yield batch


def _cut(part: Samples, start: int, end: int) -> Samples:
    columns = ("start_us", "end_us", "energy_uj", "count", "observed")
    return replace(part, **{name: getattr(part, name)[start:end] for name in columns})
