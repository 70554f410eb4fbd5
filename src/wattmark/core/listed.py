"""Lines of a ledger's lists: runs, readings that gave way, and what each subject used."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from wattmark.core.run import Subject


@dataclass(frozen=True, slots=True, kw_only=True)
class RunLine:
    """One run of the ledger."""

    record_id: str
    content: str
    """SHA-256 of its document."""
    start_us: int
    end_us: int
    folded_us: int
    status: str
    failed: bool
    source: str
    host_id: str
    tags: Mapping[str, str]
    """Those that are stated, labels among them as ``label.<key>``."""
    site: str
    country: str
    quarantined: str
    """Why its energy is not counted; empty: it is."""
    energy_uj: int
    """Counted from it at the asked boundary, observed."""
    gap_uj: int
    """Estimated for its gaps."""
    lost_uj: int
    """What it also saw, and was counted from others."""
    grade: str = ""
    """Of what was counted and estimated, as of any sum; empty where there is nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LossLine:
    """A device and record whose readings gave way to another's."""

    host_id: str
    device_id: str
    record_id: str
    source: str
    counted_from: str
    counted_source: str
    start_us: int
    end_us: int
    energy_uj: int
    reason: str


@dataclass(frozen=True, slots=True)
class SubjectUse:
    """Energy of one subject."""

    subject: Subject
    energy_uj: int
    """Observed and estimated; of quarantined runs: what they saw."""
    runs: int
    quarantined: int
    """How many of them are not counted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Apart:
    """Energy that a reader of totals must not overlook: unallocated, untagged, quarantined."""

    what: str
    energy_uj: int
    within: bool
    """True when it is part of the totals; False when it is not in them at all."""
    hint: str = ""
    """What to do about it."""


def some(count: int, noun: str) -> str:
    """``1 run``, ``2 runs``."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
