"""Counted once: the claims on one machine and day become rows that may be added up.

Each moment of each device counts once, parts are marked with the boundary above which a wider reading
holds them, gaps are estimated, and no row crosses the edge of a quarter of an hour. A pure function
of the claims: their order does not matter, and what was cut sums exactly to what was there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from wattmark.core.claims import MOST_UJ, Claim, Estimates, Line, Rate, at_rate, estimates_of
from wattmark.core.contest import Loss, Moment, contest
from wattmark.core.declared import superseded
from wattmark.core.nesting import Nesting
from wattmark.core.ownership import with_owners

BUCKET_US = 900_000_000
WHOLE, SHARE, UNALLOCATED = "whole", "share", "unallocated"
SCALED = "shares were more than their whole, and were scaled down to it"

Commons = tuple[str, str, str]
"""Organisation, environment and zone."""


class Row(NamedTuple):
    """A row of the ledger's table ``counted``, without day and machine."""

    bucket_us: int
    start_us: int
    end_us: int
    record_id: str
    subject_id: str
    place_id: str
    known_id: str
    device_id: str
    component: str
    boundary: int
    hidden_from: int
    reach: int
    allocation: str
    energy_uj: int
    observed_us: int
    gap_us: int
    gap_uj: int | None
    gap_least_uj: int | None
    gap_most_uj: int | None
    period_start_us: int | None
    period_end_us: int | None


@dataclass(frozen=True, slots=True)
class Counted:
    """What counts on one machine, and who also watched."""

    rows: tuple[Row, ...]
    losses: tuple[Loss, ...]


class _Amount(NamedTuple):
    """Energy and times of a piece; estimates in microjoules, None where nothing can be said."""

    energy: int
    observed: int
    gap: int
    fills: tuple[int, int, int] | None


class _View(NamedTuple):
    """A piece of a quarter of an hour in which one answer holds of what hides it."""

    bucket_us: int
    start_us: int
    end_us: int
    hidden_from: int
    reach: int


_NOTHING = (0, 0, 0)
_Key = tuple[int, str, str, str, str, str, str, int, int, int, str, tuple[int, int] | None, bool]


def count(
    claims: Iterable[Claim], start_us: int, end_us: int, shared_subject: Callable[[Commons], str]
) -> Counted:
    """Count the claims on one machine between two moments; those that reach out of it are cut there.

    ``shared_subject`` gives the subject's id for what several subjects have in common.
    """
    devices: dict[str, list[Claim]] = {}
    for claim in claims:
        if claim.start_us < end_us and claim.end_us > start_us:
            devices.setdefault(claim.line.device_id, []).append(claim)
    moments: dict[str, Sequence[Moment]] = {}
    losses: list[Loss] = []
    for device_id in sorted(devices):
        moments[device_id], lost = contest(devices[device_id], start_us, end_us)
        losses.extend(lost)
    standing, lost = superseded(moments, (c for found in devices.values() for c in found))
    losses.extend(lost)
    nesting = Nesting(standing, (c.line for found in devices.values() for c in found))
    kept, lost = nesting.given_way(standing)
    losses.extend(lost)
    rows: list[Row] = []
    for line in with_owners(kept, nesting).values():
        device = _Device(line, nesting, shared_subject)
        rows.extend(device.rows())
        losses.extend(device.losses)
    return Counted(tuple(sorted(rows, key=_by_all)), tuple(_joined(losses)))


def _by_all(row: Row) -> tuple[object, ...]:
    return row[:16]


class _Device:
    """The rows of one device, from its moments."""

    def __init__(
        self, moments: Sequence[Moment], nesting: Nesting, shared_subject: Callable[[Commons], str]
    ) -> None:
        self._moments = moments
        self._nesting = nesting
        self._shared_subject = shared_subject
        self._means = _means(moments)
        self._estimates: dict[tuple[Line, bool], Estimates | None] = {}
        self._joined = _Joined()
        self.losses: list[Loss] = []

    def rows(self) -> Iterator[Row]:
        """Rows of a quarter of an hour at most; what follows without a break and says the same is one."""
        for m in self._moments:
            if m.whole is not None and m.owner is not None:
                for view in self._views(m.whole.line, m):
                    if m.shares:
                        self._shared(m.whole, m.owner, m.shares, view)
                    else:
                        amount = self._amount(m.whole, view)
                        self._joined.add(view, m.whole, m.whole.line, m.owner, WHOLE, amount)
            else:
                for share in m.shares:
                    for view in self._views(share.line, m):
                        amount = self._amount(share, view)
                        self._joined.add(view, share, share.line, share.line, SHARE, amount)
        return self._joined.rows()

    def _views(self, line: Line, m: Moment) -> Iterator[_View]:
        for left, right, hidden_from, reach in self._nesting.steps(line).cut(m.start_us, m.end_us):
            at = left
            while at < right:
                bucket = at - at % BUCKET_US
                until = min(right, bucket + BUCKET_US)
                yield _View(bucket, at, until, hidden_from, max(reach, line.boundary))
                at = until

    def _amount(self, claim: Claim, view: _View) -> _Amount:
        start, end = view.start_us, view.end_us
        observed = claim.observed(start, end)
        energy = claim.energy(start, end) if claim.observed_us else 0
        gap = end - start - observed
        if claim.observed_us == claim.end_us - claim.start_us:
            return _Amount(energy, observed, gap, _NOTHING)
        key = claim.line, claim.observed_us == 0
        if key not in self._estimates or claim.observed_us:
            mean = self._means.get(claim.line.party if claim.line.share else "")
            self._estimates[key] = estimates_of(claim, mean)
        rates = self._estimates[key]
        if rates is None:
            return _Amount(energy, observed, gap, None)
        likely, least, most = (min(at_rate(rate, start, end), MOST_UJ) for rate in rates)
        return _Amount(energy, observed, gap, (likely, least, most))

    def _shared(self, whole: Claim, owner: Line, shares: Sequence[Claim], view: _View) -> None:
        """Each party's share, and what is left of the whole: nobody's."""
        all_of_it = self._amount(whole, view)
        amounts = [self._amount(share, view) for share in shares]
        together = sum(a.energy for a in amounts)
        if whole.observed_us and together > all_of_it.energy:
            amounts = self._scaled(whole, shares, amounts, view)
            together = all_of_it.energy
        for share, amount in zip(shares, amounts, strict=True):
            self._joined.add(view, share, whole.line, share.line, SHARE, amount)
        rest = _Amount(
            max(0, all_of_it.energy - together), all_of_it.observed, all_of_it.gap, _left(all_of_it, amounts)
        )
        if rest.energy or rest.gap:
            commons = {line.commons for line in (owner, *(s.line for s in shares)) if line.party}
            common = commons.pop() if len(commons) == 1 else ("", "", "")
            nobody = replace(owner, subject_id=self._shared_subject(common))
            self._joined.add(view, whole, whole.line, nobody, UNALLOCATED, rest)

    def _scaled(
        self, whole: Claim, shares: Sequence[Claim], amounts: Sequence[_Amount], view: _View
    ) -> list[_Amount]:
        """Shares in proportion, so that together they are exactly their whole."""
        most = whole.energy(view.start_us, view.end_us)
        together = sum(a.energy for a in amounts)
        found: list[_Amount] = []
        before = 0
        for share, amount in zip(shares, amounts, strict=True):
            after = before + amount.energy
            energy = most * after // together - most * before // together
            found.append(amount._replace(energy=energy))
            if energy != amount.energy:
                ids = share.line.device_id, share.line.record_id
                lost = amount.energy - energy
                self.losses.append(Loss(view.start_us, view.end_us, *ids, lost, whole.line.record_id, SCALED))
            before = after
        return found


def _left(whole: _Amount, shares: Iterable[_Amount]) -> tuple[int, int, int] | None:
    """What is left of the estimate of a whole's gap, besides what is known or estimated of its shares."""
    if whole.fills is None:
        return None
    if not whole.gap:
        return _NOTHING
    taken = [0, 0, 0]
    for share in shares:
        for at, fill in enumerate(share.fills or _NOTHING):
            taken[at] += fill + (0 if whole.observed else share.energy)
    likely, least, most = (max(0, fill - gone) for fill, gone in zip(whole.fills, taken, strict=True))
    return likely, min(least, likely), max(most, likely)


def _means(moments: Sequence[Moment]) -> Mapping[str, Rate]:
    """Mean power of what was observed of the device: of the whole, and of the lone shares of each party."""
    found: dict[str, tuple[int, int]] = {}
    for m in moments:
        for claim in (m.whole,) if m.whole is not None else m.shares:
            if claim.observed_us:
                key = claim.line.party if claim.line.share else ""
                energy, seen = found.get(key, (0, 0))
                energy += claim.energy(m.start_us, m.end_us)
                found[key] = energy, seen + claim.observed(m.start_us, m.end_us)
    return {key: rate for key, rate in found.items() if rate[1]}


class _Joined:
    """Rows as they grow: a piece that follows its like without a break makes it longer."""

    def __init__(self) -> None:
        self._open: dict[_Key, _Sum] = {}
        self._done: list[Row] = []

    def add(
        self, view: _View, claim: Claim, device: Line, owner: Line, allocation: str, amount: _Amount
    ) -> None:
        """A piece of a claim: what it is of, and whose it is."""
        key = (
            view.bucket_us,
            claim.line.record_id,
            owner.subject_id,
            owner.place_id,
            claim.line.known_id,
            device.device_id,
            device.component,
            device.boundary,
            view.hidden_from,
            view.reach,
            allocation,
            claim.period,
            amount.fills is None,
        )
        before = self._open.get(key)
        if before is not None:
            if before.end_us == view.start_us and before.energy + amount.energy <= MOST_UJ:
                before.extend(view.end_us, amount)
                return
            self._done.append(_row(key, before))
        self._open[key] = _Sum(view.start_us, view.end_us, amount)

    def rows(self) -> Iterator[Row]:
        """All of them, in no certain order."""
        yield from self._done
        for key, total in self._open.items():
            yield _row(key, total)


class _Sum:
    """A row's numbers while it grows."""

    __slots__ = ("end_us", "energy", "fills", "gap", "observed", "start_us")

    def __init__(self, start_us: int, end_us: int, amount: _Amount) -> None:
        self.start_us, self.end_us = start_us, end_us
        self.energy, self.observed, self.gap, self.fills = amount

    def extend(self, end_us: int, more: _Amount) -> None:
        self.end_us = end_us
        self.energy += more.energy
        self.observed += more.observed
        self.gap += more.gap
        if more.gap and self.fills is not None and more.fills is not None:
            (a, b, c), (x, y, z) = self.fills, more.fills
            self.fills = a + x, b + y, c + z


def _row(key: _Key, total: _Sum) -> Row:
    (
        bucket,
        record,
        subject,
        place,
        known,
        device,
        component,
        boundary,
        hidden,
        reach,
        allocation,
        period,
        _,
    ) = key
    return Row(
        bucket,
        total.start_us,
        total.end_us,
        record,
        subject,
        place,
        known,
        device,
        component,
        boundary,
        hidden,
        reach,
        allocation,
        total.energy,
        total.observed,
        total.gap,
        *(min(fill, MOST_UJ) for fill in total.fills) if total.fills is not None else (None, None, None),
        *(period or (None, None)),
    )


def _joined(losses: Iterable[Loss]) -> Iterator[Loss]:
    """Losses in order, those that follow each other as one."""
    last: dict[tuple[str, ...], Loss] = {}
    found: list[Loss] = []
    for loss in sorted(losses):
        key = loss.device_id, loss.record_id, loss.counted_from, loss.reason
        before = last.get(key)
        if (
            before is not None
            and before.end_us == loss.start_us
            and before.energy_uj + loss.energy_uj <= MOST_UJ
        ):
            last[key] = before._replace(end_us=loss.end_us, energy_uj=before.energy_uj + loss.energy_uj)
            continue
        if before is not None:
            found.append(before)
        last[key] = loss
    return iter(sorted([*found, *last.values()]))
