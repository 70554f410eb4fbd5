"""A new version of the references, and which stars it changes and why."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from wattmark.core.bench.key import differing
from wattmark.core.bench.result import Result
from wattmark.core.errors import NotComparable, RefusedError, UsageError
from wattmark.core.figure import Figure
from wattmark.core.stars.anchored import rate_anchored, rateable
from wattmark.core.stars.rating import Rating
from wattmark.core.stars.thresholds import (
    Change,
    Entry,
    Member,
    QualityFloor,
    Thresholds,
    require_members,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What a recalibration is told beside the results."""

    id: str = "local"
    """Of a first version; later ones keep theirs."""
    effective: str
    """YYYY-MM-DD."""
    text: str = ""
    """Why, for the changelog."""
    quality_floor: QualityFloor | None = None
    """None: that of the entry before it, where there is one."""
    without_bundles: bool = False
    """Freeze results whose evidence nobody can look up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """What becomes of the stars of one result."""

    result: Result
    old: Rating
    new: Rating
    why: str

    @property
    def changed(self) -> bool:
        """Whether people see other stars than before."""
        return self.old.shown != self.new.shown


@dataclass(frozen=True, slots=True, kw_only=True)
class Recalibrated:
    """The new version, with what it does to the results."""

    thresholds: Thresholds
    entry: Entry
    before: Entry | None
    moved: tuple[Moved, ...]
    left_out: tuple[tuple[Result, str], ...]
    """Results that are no members, and why."""


def recalibrate(results: Sequence[Result], old: Thresholds | None, asked: Asked) -> Recalibrated:
    """Freeze the valid results as the reference of their key.

    Raises NotComparable for results of several keys, UsageError for fewer than five models,
    RefusedError for results without a bundle, unless that is asked for.
    """
    energies = [(result, rateable(result)) for result in results]
    left_out = tuple((result, why) for result, why in energies if isinstance(why, str))
    valid = [result for result, energy in energies if isinstance(energy, Figure)]
    if not valid:
        raise UsageError(
            f"none of these results is valid{_first_reason(left_out)}: a reference takes five models, each "
            "measured by a sensor (`wattmark doctor`) under profile standard or certified; `wattmark bench "
            "show` says what a result lacks"
        )
    for result in valid[1:]:
        if fields := differing(valid[0].key, result.key):
            raise NotComparable(fields, f"results ({valid[0].model.id} and {result.model.id})")
    if fields := differing(valid[0].key, valid[0].key):
        raise NotComparable(fields, "results, of which not everything is known,")
    bare = [result.model.id for result in valid if result.bundle_sha256 is None]
    if bare and not asked.without_bundles:
        raise RefusedError(
            f"no bundle stands behind {', '.join(bare)}: give the bundles themselves, or freeze them without "
            "(--without-bundles)"
        )
    members = tuple(
        Member(
            model=result.model.id,
            energy_joules=energy.value,
            bundle_sha256=result.bundle_sha256 or "",
            result_id=result.id,
        )
        for result, energy in sorted(energies, key=lambda pair: (pair[0].model.id, pair[0].id))
        if isinstance(energy, Figure)
    )
    require_members(members, f"{len(valid)} of {len(results)} results are valid{_first_reason(left_out)}")
    before = None if old is None else old.entry_for(valid[0].key)
    floor = asked.quality_floor or (before.quality_floor if before is not None else None)
    version = 1 if old is None else old.version + 1
    entry = Entry(key=valid[0].key, members=members, quality_floor=floor, since=version)
    new = _next(old, entry, before, asked)
    return Recalibrated(
        thresholds=new,
        entry=entry,
        before=before,
        moved=tuple(_moves(results, old, new, before, entry)),
        left_out=left_out,
    )


def _first_reason(left_out: Sequence[tuple[Result, str]]) -> str:
    return f" ({left_out[0][0].model.id}: {left_out[0][1]})" if left_out else ""


def _next(old: Thresholds | None, entry: Entry, before: Entry | None, asked: Asked) -> Thresholds:
    was = "" if before is None else f" (was {before.e_ref_joules:.6g} J of {len(before.members)})"
    text = (
        f"{entry.key.task} {entry.key.id}: E_ref {entry.e_ref_joules:.6g} J, the median of "
        f"{len(entry.members)}{was}"
    )
    change = Change(
        version=entry.since, date=asked.effective, text=f"{text}. {asked.text}" if asked.text else text
    )
    if old is None:
        return Thresholds(
            id=asked.id, version=entry.since, effective=asked.effective, changelog=(change,), entries=(entry,)
        )
    if asked.effective < old.effective:
        raise UsageError(f"the version before is in force since {old.effective}: a new one comes no earlier")
    entries = (
        (*old.entries, entry)
        if before is None
        else tuple(entry if each.key == before.key else each for each in old.entries)
    )
    return replace(
        old,
        version=entry.since,
        effective=asked.effective,
        changelog=(*old.changelog, change),
        entries=entries,
        sha256="",
    )


def _moves(
    results: Sequence[Result], old: Thresholds | None, new: Thresholds, before: Entry | None, entry: Entry
) -> list[Moved]:
    pairs = zip(results, rate_anchored(results, old), rate_anchored(results, new), strict=True)
    return [
        Moved(result=result, old=was, new=now, why=_why(was, now, before, entry))
        for result, was, now in pairs
    ]


def _why(was: Rating, now: Rating, before: Entry | None, entry: Entry) -> str:
    if was.shown == now.shown:
        return ""
    if now.index is None:
        return now.reason
    if before is None or was.index is None:
        return "there was no reference" if before is None else f"before, {was.reason}"
    return (
        f"E_ref {before.e_ref_joules:.6g} -> {entry.e_ref_joules:.6g} J, "
        f"index {was.index:.3f} -> {now.index:.3f}"
    )
