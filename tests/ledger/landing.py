"""Evidence for tests of the ledger: small, distinct, and countable in the head."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

from tests.builders import a_run
from wattmark.core.plain import plain
from wattmark.core.run import SourceId
from wattmark.core.telemetry import Samples, Stream
from wattmark.ledger.evidence import Evidence
from wattmark.ledger.store import Store

DAY = 86_400_000_000
NOW = 1_795_000_000_000_000
"""November 2026, in microseconds since 1970."""


def document(record_id: str = "r-1", **changes: Any) -> bytes:
    """A run file."""
    return json.dumps(plain(a_run(record_id=record_id, **changes))).encode()


def a_stream(device: str = "GPU-1", **changes: Any) -> Stream:
    """A stream of energy of one device."""
    fields: dict[str, Any] = {"source": SourceId(name="dcgm", version="3"), "host_id": "h-1"}
    return Stream(**{**fields, "device_id": device, "component": "gpu", **changes})


def some_samples(device: str = "GPU-1", rows: int = 4, start: int = 20_000 * DAY, each: int = 7) -> Samples:
    """Ten seconds a row, each of so many microjoules; the last one is a gap."""
    return Samples(
        stream=a_stream(device),
        start_us=[start + i * 10_000_000 for i in range(rows)],
        end_us=[start + (i + 1) * 10_000_000 for i in range(rows)],
        energy_uj=[*[each] * (rows - 1), 0],
        observed=[*[True] * (rows - 1), False],
    )


def runs_of(store: Store, as_of: int | None = None) -> Counter[str]:
    """How often each run is in the evidence."""
    table = Evidence(store).scan("run", ["record_id"], as_of=as_of).read_all()
    return Counter(table["record_id"].to_pylist())


def samples_of(store: Store, as_of: int | None = None) -> Counter[tuple[Any, ...]]:
    """How often each sample is in the evidence."""
    columns = ["record_id", "content", "row", "start_us", "end_us", "energy_uj", "count", "observed", "day"]
    table = Evidence(store).scan("sample", columns, as_of=as_of).read_all()
    return Counter(zip(*(table[name].to_pylist() for name in columns), strict=True))


def contents_of(store: Store) -> Counter[str]:
    """How often each content id is noted as folded."""
    return Counter(Evidence(store).scan("file", ["content"]).read_all()["content"].to_pylist())
