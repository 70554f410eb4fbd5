"""Attribution of an endless log in bounded memory: requests come in chunks, in a rough order of their starts.

What is still running when a chunk has been divided is carried over to the next one, so the answers are those
of one go. A log in the order of ends (as most servers write it) is in a rough order of starts: a request may
start before others that came earlier in the log, but not by more than the longest request lasts. ``slack_us``
says by how much; whatever starts earlier than that comes too late: it counts as work, and the energy of its
time that is divided already stays where it was charged.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import numpy as np

from wattmark.attribution.block import Block, Powered
from wattmark.attribution.columns import Longs, RequestColumns, joined, of
from wattmark.attribution.opened import Opened, opened, split, together
from wattmark.attribution.power.series import PowerSeries
from wattmark.attribution.result import Attribution, RequestEnergies
from wattmark.attribution.summed import added_up
from wattmark.attribution.sums import Sums
from wattmark.attribution.weighing import learn, stretches
from wattmark.core.errors import UsageError
from wattmark.core.serving.placing import Places, no_overbooking
from wattmark.core.serving.request import Placement
from wattmark.core.serving.weights import Means, Weighing

BLOCK = 1 << 18
"""So many requests are divided at a time: enough for the sweep to be fast, and a few hundred MB at most."""
SLACK_US = 3600 * 1_000_000


class Chunks:
    """Takes requests in chunks, gives them back with their joules, and at the end adds everything up.

    ``placements`` say which models run on which devices; without any, all run on all. ``since_us`` and
    ``until_us`` bound what is divided; without them it is from the first start to the last end.
    ``uncertain``: also divide by the other rules and by the other reading of sampled power, for the errors.
    ``means``: what requests weigh that do not tell it; without it that is learned from the requests so far.

    Raises UsageError for devices that are told twice or contain one another, and for reservations above the
    whole.
    """

    def __init__(
        self,
        power: Iterable[PowerSeries],
        placements: Sequence[Placement] = (),
        *,
        weighing: Weighing | None = None,
        since_us: int | None = None,
        until_us: int | None = None,
        slack_us: int = SLACK_US,
        uncertain: bool = True,
        means: Means | None = None,
        block: int = BLOCK,
    ) -> None:
        self._weighing = weighing or Weighing()
        self._rules = (self._weighing.rule, *(self._weighing.others if uncertain else ()))
        series = tuple(power)
        _refuse_overlaps(series)
        no_overbooking(placements)
        self._devices = [Powered.of(each, uncertain=uncertain) for each in series]
        self._places = Places(placements, tuple(each.device_id for each in series))
        self._since_us = since_us
        self._until_us = until_us
        self._slack_us = slack_us
        self._block = block
        self._learning = means is None
        self._means = means or Means()
        self._divided_us = since_us or 0
        self._latest_us = -1
        self._last_end_us = -1
        self._arrived = 0
        self._waiting: list[RequestColumns] = []
        self._open: list[Opened] = []
        self._sums = Sums([each.device_id for each in series], len(self._rules))

    def add(self, columns: RequestColumns, latest_us: int | None = None) -> RequestEnergies | None:
        """Take in more requests; those that are wholly divided now come back, None when none is.

        ``latest_us`` is the latest start up to which requests were told, in logs that are read side by side;
        without it the latest of all that came. What starts more than the slack before that came too late.
        """
        if len(columns):
            self._waiting.append(columns)
            self._latest_us = max(self._latest_us, int(columns.start_us.max()))
        if sum(len(part) for part in self._waiting) < self._block:
            return None
        self._take_in()
        latest = self._latest_us if latest_us is None else min(latest_us, self._latest_us)
        return self._run(latest - self._slack_us, over=False)

    def finish(self) -> tuple[RequestEnergies | None, Attribution]:
        """Divide all that is left: the last requests, and what everything adds up to.

        Raises UsageError when there is no time to divide.
        """
        self._take_in()
        until = self._last_end_us if self._until_us is None else self._until_us
        since = self._begin()
        if since is None or since >= until:
            raise UsageError("there is no time to divide: no request took any, or none was given")
        done = self._run(until, over=True)
        return done, added_up(self._sums, self._devices, self._places, self._weighing.rule, since, until)

    def _take_in(self) -> None:
        """Weigh what is new."""
        if not self._waiting:
            return
        columns = joined(self._waiting)
        self._waiting = []
        self._last_end_us = max(self._last_end_us, int(columns.end_us.max()))
        new = self._opened(columns)
        if self._since_us is not None:
            begin = np.maximum(columns.start_us, self._since_us)
            np.maximum(np.minimum(columns.end_us, self._divided_us) - begin, 0, out=new.late_us)
        self._open.append(new)
        self._arrived += len(columns)

    def _opened(self, columns: RequestColumns) -> Opened:
        parts = stretches(columns, self._weighing)
        if self._learning:
            learn(columns, parts, self._means)
        return opened(columns, parts, self._means, self._rules, self._arrived)

    def _begin(self) -> int | None:
        """Where it begins: as said, or with the first start of all that came before the first division."""
        if self._since_us is None and self._open:
            self._since_us = min(int(part.columns.start_us.min()) for part in self._open)
            self._divided_us = self._since_us
        return self._since_us

    def _run(self, until_us: int, *, over: bool) -> RequestEnergies | None:
        """Divide until then; those that ended by then come back, and all of them when it is over."""
        if self._until_us is not None:
            until_us = min(until_us, self._until_us)
        if until_us < 0 or self._begin() is None:
            return None
        since = self._divided_us
        if until_us <= since and not over:
            return None
        every = together(self._open) if self._open else self._opened(of(()))
        now, later = split(every, every.columns.start_us < until_us)
        if until_us > since:
            self._divide(now, since, until_us)
            self._divided_us = until_us
        done, running = split(now, np.full(len(now), over) | (now.columns.end_us <= until_us))
        left = [part for part in (running, later) if part is not None]
        if over:
            done, left = together([done, *left]), []
        self._open = left
        return self._given(done) if len(done) else None

    def _divide(self, now: Opened, since_us: int, until_us: int) -> None:
        """Divide one stretch of time among the requests that are active in it."""
        columns = now.columns
        service = self._sums.indices(columns.services)[columns.service]
        inside = np.minimum(columns.end_us, until_us) - np.maximum(columns.start_us, since_us)
        self._sums.add_active(service, np.maximum(inside, 0))
        for name in columns.services:
            self._places.ran(name, until_us)
        for devices, chosen in self._groups(columns):
            block = Block(now, chosen, service, since_us, until_us)
            for device in devices:
                block.divide(device, self._sums)

    def _groups(self, columns: RequestColumns) -> Iterator[tuple[list[Powered], Longs | slice]]:
        """Devices that run the same services, with the requests of these."""
        homes = [self._places.devices_of(service) for service in columns.services]
        alike: dict[tuple[bool, ...], list[Powered]] = {}
        for device in self._devices:
            here = tuple(device.series.device_id in home for home in homes)
            alike.setdefault(here, []).append(device)
        for here, devices in alike.items():
            chosen = slice(None) if all(here) else np.flatnonzero(np.array(here)[columns.service])
            yield devices, chosen

    def _given(self, done: Opened) -> RequestEnergies:
        """Count requests that are over, those that end outside of what is divided aside."""
        columns = done.columns
        inside = columns.end_us >= (self._since_us or 0)
        if self._until_us is not None:
            inside &= columns.end_us <= self._until_us
        service = self._sums.indices(columns.services)[columns.service]
        self._sums.add_done(
            columns[inside], service[inside], done.estimated[inside], done.late_us[inside] > 0
        )
        return done.energies()


def _refuse_overlaps(power: Sequence[PowerSeries]) -> None:
    """The energies of devices are added up, so none may be told twice or contain another."""
    if not power:
        raise UsageError("no power is given: name at least one device and its readings")
    known: set[str] = set()
    for series in power:
        if series.device_id in known:
            raise UsageError(f"{series.device_id} is told twice: choose one of its sources")
        known.add(series.device_id)
    for series in power:
        if series.part_of in known:
            raise UsageError(
                f"{series.part_of} already contains {series.device_id}: choose the devices that count"
            )
