"""Where evidence lands: a file per delivery, named by the hash of what it holds, durable before we say so.

Any number of writers on any number of machines land at once: they make different names, or the same file.
"""

from __future__ import annotations

from collections.abc import Sequence

from wattmark.core.telemetry import Samples
from wattmark.hashing import sha256
from wattmark.ledger.runfile import SUFFIX, run_from
from wattmark.ledger.store import Store

INBOX = "inbox/"
REJECTED = "rejected/"
SAMPLES_SUFFIX = ".samples.parquet"


def land_run(store: Store, document: bytes) -> str:
    """Land one run file; gives its content id, the SHA-256 of its bytes, once it is durable.

    Landing the same bytes again is no error and counts once. Raises EvidenceError for what is no sound run
    file, LedgerError when the ledger did not take it.
    """
    content = sha256(document).hexdigest()
    run_from(document, f"run {content[:12]}")
    store.put_new(run_name(content), document)
    return content


def land_samples(store: Store, parts: Sequence[Samples]) -> str:
    """Land telemetry; gives its content id (of streams and numbers alone) once it is durable.

    Raises EvidenceError for impossible numbers, UsageError for too many rows at once, LedgerError when the
    ledger did not take it.
    """
    from wattmark.ledger.batches import encode

    content, data = encode(parts)
    store.put_new(samples_name(content), data)
    return content


def run_name(content: str) -> str:
    """The name that a run file has in the inbox."""
    return f"{INBOX}{content}{SUFFIX}"


def samples_name(content: str) -> str:
    """The name that a batch has in the inbox."""
    return f"{INBOX}{content}{SAMPLES_SUFFIX}"
