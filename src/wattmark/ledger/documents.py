"""The documents of runs as they landed, byte for byte."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from wattmark.core.run import Run
from wattmark.ledger.evidence import RUN, Evidence
from wattmark.ledger.runfile import SUFFIX, run_from
from wattmark.ledger.store import Store


def documents(store: Store, version: int, contents: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Record id and document of the runs that are meant: record id -> content. Purged ones are left out.

    Raises LedgerError.
    """
    if not contents:
        return
    columns = ["record_id", "content", "document"]
    for batch in Evidence(store).scan(RUN, columns, as_of=version, record_ids=list(contents)):
        for row in batch.to_pylist():
            if contents[row["record_id"]] == row["content"]:
                yield row["record_id"], row["document"]


def run_of(record_id: str, document: str) -> Run:
    """The run that a document holds. Raises EvidenceError."""
    return run_from(document.encode(), f"run {record_id}")


def file_name(run: Run) -> str:
    """A file name that sorts by time and tells runs apart."""
    began = run.started_at[:19].replace("-", "").replace(":", "")
    return f"{began}-{run.record_id.rpartition('-')[2] or run.record_id}{SUFFIX}"
