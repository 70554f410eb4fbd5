"""Lands a listener's samples in the inbox of a ledger."""

from __future__ import annotations

from collections.abc import Sequence

from wattmark.core.telemetry import Samples, Stream
from wattmark.ledger.batches import encode, stream_document
from wattmark.ledger.inbox import samples_name
from wattmark.ledger.store import Store

MOST_REMEMBERED = 100_000


class Landing:
    """Lands samples. The streams of a listener come with every batch, so their documents are kept."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._documents: dict[str, tuple[Stream, str]] = {}

    def __call__(self, parts: Sequence[Samples]) -> str:
        """Land one batch; gives its content id once it is durable. Raises EvidenceError, LedgerError."""
        if len(self._documents) > MOST_REMEMBERED:
            self._documents.clear()
        content, data = encode(parts, self._document)
        self._store.put_new(samples_name(content), data)
        return content

    def _document(self, stream: Stream) -> str:
        known = self._documents.get(stream.instance)
        if known is None or known[0] != stream:
            known = self._documents[stream.instance] = stream, stream_document(stream)
        return known[1]
