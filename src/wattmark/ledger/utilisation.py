"""How busy devices were, out of the evidence of agents: what the utilisation KPI is worked out from.

The counted tables hold work in quarters of an hour; the KPI wants five minutes, so the evidence is asked.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator

from wattmark.core.serving.utilisation import (
    BUSY,
    SIGNAL,
    BusySample,
    FoundUtilisation,
    utilisation_of,
)
from wattmark.core.telemetry import Stream
from wattmark.ledger.batches import stream_from
from wattmark.ledger.evidence import SAMPLE, STREAM, Evidence, days_between
from wattmark.ledger.store import Store

COLUMNS = ("record_id", "start_us", "end_us", "count")
SLACK_US = 3600 * 1_000_000
"""A sample stands under the day in which it starts; agents' last a minute."""


def utilisation_in(
    store: Store,
    *,
    as_of: int | None = None,
    start_us: int | None = None,
    end_us: int | None = None,
    hosts: Collection[str] = (),
    components: Collection[str] = (),
) -> FoundUtilisation:
    """Utilisation of samples that start in a stretch of time, of these hosts and components or of all.

    Raises LedgerError when the ledger cannot be read, UsageError for a version that is not there.
    """
    evidence = Evidence(store)
    streams = {
        record_id: stream
        for record_id, stream in _streams(evidence, as_of)
        if (not hosts or stream.host_id in hosts) and (not components or stream.component in components)
    }
    return utilisation_of(_samples(evidence, as_of, streams, start_us, end_us))


def _streams(evidence: Evidence, as_of: int | None) -> Iterator[tuple[str, Stream]]:
    for batch in evidence.scan(STREAM, ["record_id", "document"], as_of=as_of):
        for row in batch.to_pylist():
            if f'"{BUSY}"' in row["document"]:
                stream = stream_from(row["document"])
                if stream.unit == BUSY and stream.device_id:
                    yield row["record_id"], stream


def _samples(
    evidence: Evidence,
    as_of: int | None,
    streams: dict[str, Stream],
    start_us: int | None,
    end_us: int | None,
) -> Iterator[BusySample]:
    if not streams:
        return
    days = evidence.days(SAMPLE, as_of)
    if start_us is not None and end_us is not None:
        asked = set(days_between(max(0, start_us - SLACK_US), end_us))
        days = [day for day in days if day in asked]
    for day in days:
        for batch in evidence.scan(SAMPLE, COLUMNS, days=[day], as_of=as_of, record_ids=sorted(streams)):
            for row in batch.to_pylist():
                if row["count"] is None or not _inside(row["start_us"], start_us, end_us):
                    continue
                stream = streams[row["record_id"]]
                yield BusySample(
                    host_id=stream.host_id,
                    device_id=stream.device_id,
                    component=stream.component,
                    signal=stream.subject.labels.get(SIGNAL, ""),
                    start_us=row["start_us"],
                    end_us=row["end_us"],
                    busy_seconds=row["count"],
                )


def _inside(at_us: int, start_us: int | None, end_us: int | None) -> bool:
    return (start_us is None or at_us >= start_us) and (end_us is None or at_us < end_us)
