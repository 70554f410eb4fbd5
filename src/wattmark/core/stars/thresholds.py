"""Frozen references that anchored stars are held against: one energy per comparability key, versioned.

The reference of a key is the median of a cohort that was measured once and then frozen, so a star keeps its
meaning when new models come. Files are read and written by ``wattmark.bench.thresholds_file``.
"""

from __future__ import annotations

import hashlib
import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from wattmark.core.bench.key import Key, differing
from wattmark.core.errors import UsageError

COHORT = 5
"""Fewer members make no reference (kpis.md, Stars)."""
RULE = "anchored-1"
"""Index E / E_ref, edges 2^-1.5, 2^-0.5, 2^0.5, 2^1.5, E_ref the median of the members."""
SAME = 1e-9
"""Relative difference that writing a number and reading it again may make."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """One result of the frozen cohort."""

    model: str
    energy_joules: float
    """Per unit of the key, gross."""
    bundle_sha256: str = ""
    """Of its bundle's manifest; empty where the cohort was frozen without."""
    result_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class QualityFloor:
    """The least quality that may earn stars."""

    name: str
    value: float
    higher_is_better: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """The reference of one key."""

    key: Key
    members: tuple[Member, ...]
    quality_floor: QualityFloor | None = None
    since: int = 1
    """Version of the file that this entry came with."""

    @property
    def e_ref_joules(self) -> float:
        """The median of the members."""
        return statistics.median(member.energy_joules for member in self.members)

    @property
    def members_sha256(self) -> str:
        """Of the members in their order."""
        lines = (f"{m.model}\t{m.energy_joules!r}\t{m.bundle_sha256}\t{m.result_id}\n" for m in self.members)
        return hashlib.sha256("".join(lines).encode()).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A line of the changelog."""

    version: int
    date: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Thresholds:
    """A version of a threshold file."""

    id: str
    version: int = 1
    effective: str
    """From this day on, YYYY-MM-DD."""
    title: str = ""
    changelog: tuple[Change, ...] = ()
    entries: tuple[Entry, ...] = ()
    sha256: str = ""
    """Of the file that it was read from."""

    @property
    def label(self) -> str:
        """``house 3``: id and version, as ratings name it."""
        return f"{self.id} {self.version}"

    def entry_for(self, key: Key) -> Entry | None:
        """The reference of this very key; what is unknown equals nothing."""
        return next((entry for entry in self.entries if not differing(entry.key, key)), None)

    def nearest(self, key: Key) -> tuple[Entry, list[tuple[str, str | None, str | None]]] | None:
        """The entry with the fewest fields that differ, those of the same task first, and these fields."""
        found = [(entry, differing(entry.key, key)) for entry in self.entries]
        return min(found, key=lambda pair: (pair[0].key.task != key.task, len(pair[1])), default=None)


def require_sound(thresholds: Thresholds) -> None:
    """Raise UsageError for what no threshold file may hold: small cohorts, keys twice, impossible numbers."""
    if thresholds.version < 1:
        raise UsageError("`version` counts from 1")
    seen: dict[str, int] = {}
    for number, entry in enumerate(thresholds.entries, start=1):
        where = f"entry {number} ({entry.key.task}, {entry.key.id})"
        require_members(entry.members, where)
        if seen.setdefault(entry.key.id, number) != number:
            raise UsageError(f"{where} has the key of entry {seen[entry.key.id]}")
        if entry.quality_floor is not None and not math.isfinite(entry.quality_floor.value):
            raise UsageError(f"{where}: a quality floor of {entry.quality_floor.value} cannot be")
        if differing(entry.key, entry.key):
            raise UsageError(f"{where}: a key with unknown fields fits nothing")


def require_members(members: Sequence[Member], where: str) -> None:
    """Raise UsageError unless these may be a frozen cohort."""
    models = {member.model for member in members}
    if len(models) < COHORT:
        raise UsageError(f"{where}: a reference needs a cohort of {COHORT} models, here are {len(models)}")
    if len(models) < len(members):
        raise UsageError(f"{where}: a model stands in the cohort twice")
    for member in members:
        if not 0.0 < member.energy_joules < 1e30:
            raise UsageError(f"{where}: {member.energy_joules:g} J of {member.model} cannot be")
