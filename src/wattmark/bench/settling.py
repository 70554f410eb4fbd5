"""Whether power has become steady, from the last looks of a warm-up."""

from __future__ import annotations

from wattmark.bench.keeping import Record
from wattmark.core.bench.evidence import Evidence
from wattmark.core.bench.lines import lines_of
from wattmark.core.bench.steady import steadiness, watched

STRETCH_SECONDS = 10.0
"""The middle of it holds eight seconds, each a mean: as many as tell noise from a ramp."""
MOST_CV = 0.05
"""What a rated window may have (kpis.md, validity of a benchmark result)."""
MOST_SLOPE = 0.02
"""Change over the stretch, as a share: devices that still warm up draw more and more."""
MOST_SECONDS = 60.0
"""Longer is not waited: the rated window says itself whether it was steady."""
LOOK_EVERY_SECONDS = 1.0


def is_steady(head: Evidence, record: Record, since_us: int, now_us: int) -> bool:
    """Whether the last stretch, not begun before ``since_us``, was even. True where nothing is read."""
    begin = now_us - round(STRETCH_SECONDS * 1e6)
    if not head.devices:
        return True
    if begin < since_us:
        return False
    recent = record.recent(head, begin - 3 * head.period_us)
    devices = [watched(line) for line in lines_of(recent) if line.device.part_of is None]
    found = steadiness(devices, begin, now_us)
    return found is not None and found.cv <= MOST_CV and abs(found.slope) <= MOST_SLOPE
