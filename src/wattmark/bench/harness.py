"""Runs a benchmark: phases apart from each other, each with a look at the meters at both of its edges.

The order: dataset, model, idle, warm-up until power is steady, repeats with a rest between them until their
interval is narrow enough, idle. The profile ``aies`` has passes for preprocessing and prefill of their own.
``docs/bench/protocol.md`` gives the reasons.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

from wattmark.bench.asking import Answerer, QuerySet
from wattmark.bench.job import Job, Watch
from wattmark.bench.keeping import UNFINISHED, Record, Store
from wattmark.bench.repeating import Repeating, begin_us_of
from wattmark.bench.resuming import require_same
from wattmark.bench.sampler import Sampler
from wattmark.bench.settling import LOOK_EVERY_SECONDS, MOST_SECONDS, is_steady
from wattmark.bench.showing import Shown
from wattmark.bench.turns import Broken, Sets, Window, ask, records
from wattmark.bench.world import World
from wattmark.core.bench.evidence import Evidence, Phase, PhaseName
from wattmark.core.bench.pinned import Pinned
from wattmark.core.errors import EvidenceError, UsageError, without_paths
from wattmark.core.plain import plain
from wattmark.hashing import sha256

AIES = "aies"
WARM_UP = -1
INTERRUPTED = "interrupted"
MOST_SAID = 200
MOST_QUERIES = 2_500_000
"""A bundle holds twice as many: some 200 bytes each, and a file of it at most 1 GiB."""
SLICE_SECONDS = 0.25
"""A rest is taken in pieces, so that it can be ended."""


def run_benchmark(
    job: Job, world: World, store: Store, watch: Watch | None = None, *, earlier: Evidence | None = None
) -> Evidence:
    """Run a benchmark, whole or what is left of one (``earlier``), and give what was observed.

    It ends in order when ``watch.stopped`` says so. Raises what keeps it from beginning (UsageError,
    MissingExtra, ...), UsageError where ``earlier`` is of another benchmark, EvidenceError where nothing more
    can be kept or nothing can be answered.
    """
    record = Record(store, earlier)
    begun_at = world.utc()
    begin_us = 0 if earlier is None else begin_us_of(earlier, begun_at)
    sampler = Sampler(world, record, begin_us)
    bench = _Bench(job, world, record, sampler, watch or Watch(), begun_at, earlier)
    with sampler.going():
        bench.run()
    return record.evidence(bench.head)


@dataclass(slots=True)
class _Open:
    """A phase that goes on."""

    phase: Phase
    ended: bool = False


class _Bench:
    """One benchmark under way."""

    def __init__(
        self,
        job: Job,
        world: World,
        record: Record,
        sampler: Sampler,
        watch: Watch,
        begun_at: str,
        earlier: Evidence | None,
    ) -> None:
        self._job, self._world, self._record, self._sampler = job, world, record, sampler
        self._stopped = watch.stopped
        self._shown = Shown(job.profile, sampler.now_us, watch.progress)
        self._begun_at = begun_at
        self._earlier = earlier
        self._notes = list(dict.fromkeys((*(earlier.notes if earlier else ()), *job.notes, *world.notes)))
        self.head: Evidence

    def run(self) -> None:
        """All phases, in their order."""
        with self._phase(PhaseName.LOAD_DATASET):
            queries = self._job.queries()
        pinned = self._job.pinned(queries)
        with self._phase(PhaseName.LOAD_MODEL):
            answerer = self._job.load(pinned, queries)
        try:
            self._begin(getattr(answerer, "pinned", pinned), answerer)
            self._measure(queries, answerer)
        finally:
            answerer.close()
        self.head = replace(self.head, notes=tuple(self._notes), overhead=self._sampler.overhead)
        self._record.begin(self.head)

    def _begin(self, pinned: Pinned, answerer: Answerer) -> None:
        world, earlier = self._world, self._earlier
        left_out = len(world.meters.devices) - len(world.used(answerer.facts, world.meters.devices))
        if left_out:
            self._note(f"{left_out} devices on which the model does not run are left out")
        fixed = json.dumps(plain(pinned), sort_keys=True) + json.dumps(plain(answerer.facts), sort_keys=True)
        self.head = Evidence(
            id=earlier.id if earlier else world.new_id(sha256(fixed.encode()).hexdigest()),
            started_at=earlier.started_at if earlier else self._begun_at,
            profile=self._job.profile,
            pinned=pinned,
            model=answerer.facts,
            host=world.host,
            devices=tuple(world.used(answerer.facts, world.meters.devices)),
            looks=(),
            period_us=self._sampler.period_us,
            phases=(),
            queries=(),
            hardware=world.hardware,
            environment=world.environment(),
            not_seen=world.meters.not_seen,
            meters=world.meters.choices,
            labels=dict(self._job.labels),
            simulated=world.simulated,
            notes=tuple(self._notes),
        )
        if earlier is not None:
            require_same(earlier, self.head)
            self._note(f"resumed at {self._begun_at}")
            self.head = replace(self.head, notes=tuple(self._notes))
        self._record.begin(self.head)

    def _measure(self, queries: QuerySet, answerer: Answerer) -> None:
        profile = self._job.profile
        self._rest(PhaseName.IDLE_BEFORE, profile.idle_seconds)
        if not self._stopped():
            self._warm_up(queries, answerer)
        if profile.id == AIES:
            self._passes(queries, answerer)
        repeating = Repeating(self._record, self.head, self._sampler.now_us())
        while not self._stopped():
            plan = repeating.plan(self._sampler.now_us())
            self._shown.repeats = plan.repeats
            if repeating.done >= plan.repeats:
                self._note(f"{repeating.done} repeats: {plan.why}")
                break
            if repeating.begun:
                self._rest(PhaseName.COOL_DOWN, profile.cooldown_seconds, repeating.number)
            if self._stopped() or not self._repeat(queries, answerer, repeating.number):
                break
        self._rest(PhaseName.IDLE_AFTER, profile.idle_seconds)

    def _warm_up(self, queries: QuerySet, answerer: Answerer) -> None:
        """As many queries as the profile says, then on until power is steady or it takes too long."""
        profile, now = self._job.profile, self._sampler.now_us
        begun, looked = now(), now()
        steady = not (profile.rated and self._job.steady)

        def full() -> bool:
            nonlocal looked, steady
            if not steady and now() - looked >= LOOK_EVERY_SECONDS * 1e6:
                looked = now()
                steady = is_steady(self.head, self._record, begun, looked)
            return steady or now() - begun >= MOST_SECONDS * 1e6

        asked = [queries.queries[n % len(queries.queries)] for n in range(profile.warmup_queries)]
        if not asked:
            return
        with self._phase(PhaseName.WARM_UP) as phase:
            try:
                window = self._ask(answerer, Sets(asked, full, self._stopped))
            except Broken as error:
                raise EvidenceError("the model", f"failed in the warm-up: {_why(error)}") from error.cause
            self._end(phase, INTERRUPTED if window.cut else "")
            self._record.queries(told := records(window, WARM_UP, self._job.score))
        self._require_room(len(told), (phase.phase.end_us - phase.phase.start_us) / 1e6)
        first = [q.failed for q in told if q.turn == 0]  # later ones are not scored
        failed = [why for why in first if why]
        if failed and len(failed) == len(first) and self._job.steady:  # a target may be reached later
            raise EvidenceError("the model", f"answered no query of the warm-up: {failed[0]}")
        if not steady:
            self._note(f"power was not steady after a warm-up of {MOST_SECONDS:g} s")

    def _require_room(self, asked: int, seconds: float) -> None:
        """Refuse now what would leave more queries than a bundle can hold, rather than after hours."""
        profile = self._job.profile
        expected = profile.min_repeats * profile.window_seconds * asked / seconds if seconds > 0 else 0.0
        if expected > MOST_QUERIES:
            raise UsageError(
                f"a query takes {seconds / asked * 1e3:.2g} ms, so that {profile.min_repeats} repeats of "
                f"{profile.window_seconds:g} s would ask {expected:,.0f} of them, and a bundle keeps "
                f"{MOST_QUERIES:,} at most: take a shorter profile, or let one query ask for more"
            )

    def _passes(self, queries: QuerySet, answerer: Answerer) -> None:
        """All queries prepared, and all asked for one new token: what AI Energy Score tells apart."""
        size = self.head.pinned.batch_size
        if self._stopped():
            return
        with self._phase(PhaseName.PREPROCESS) as phase:
            for n in range(0, len(queries.queries), size):
                if self._stopped():
                    break
                answerer.prepare(queries.queries[n : n + size])
            self._end(phase, INTERRUPTED if self._stopped() else "")
        pinned = self.head.pinned
        if (pinned.output_tokens is None and pinned.max_output_tokens is None) or self._stopped():
            return
        with self._phase(PhaseName.PREFILL) as phase:
            window = self._ask(answerer, self._once(queries), output_tokens=1)
            failed = [a.answer.failed for a in window.asked if a.answer.failed]
            why = f"{len(failed)} queries failed: {failed[0]}" if failed else ""
            self._end(phase, INTERRUPTED if window.cut else why)

    def _repeat(self, queries: QuerySet, answerer: Answerer, number: int) -> bool:
        """One repeat; False where it did not come to its end."""
        begun = self._sampler.now_us()
        seconds = self._job.profile.window_seconds

        def full() -> bool:
            return self._sampler.now_us() - begun >= seconds * 1e6

        failed = ""
        with self._phase(PhaseName.MEASURE, repeat=number, rated=True) as phase:
            begun = phase.phase.start_us
            try:
                window = self._ask(answerer, Sets(queries.queries, full, self._stopped))
                failed = INTERRUPTED if window.cut else ""
            except Broken as error:
                window, failed = error.window, _why(error)
            full_start, full_end = window.full or (None, None)
            phase.phase = replace(phase.phase, full_start_us=full_start, full_end_us=full_end)
            self._end(phase, failed)
            self._record.queries(records(window, number, self._job.score))
        cut_off = sum(1 for a in window.asked if a.turn == 0 and a.answer.truncated_tokens)
        if cut_off:
            self._note(f"{cut_off} of {len(queries.queries)} inputs were cut off")
        return not failed

    def _once(self, queries: QuerySet) -> Sets:
        return Sets(queries.queries, lambda: True, self._stopped)

    def _ask(self, answerer: Answerer, sets: Sets, output_tokens: int | None = None) -> Window:
        def told() -> None:
            self._sampler.check()
            self._shown.goes_on()

        return ask(answerer, sets, self.head.pinned, self._world, self._sampler, told, output_tokens)

    def _rest(self, name: PhaseName, seconds: float, repeat: int | None = None) -> None:
        if seconds <= 0 or self._stopped():
            return
        with self._phase(name, repeat=repeat) as phase:
            end = phase.phase.start_us + round(seconds * 1e6)
            while not self._stopped() and (left := (end - self._sampler.now_us()) / 1e6) > 0:
                self._world.sleep(min(left, SLICE_SECONDS))
                self._sampler.check()
                self._shown.goes_on()
            self._end(phase, INTERRUPTED if self._stopped() else "")

    @contextmanager
    def _phase(self, name: PhaseName, *, repeat: int | None = None, rated: bool = False) -> Iterator[_Open]:
        """A phase from its beginning to its end; what is raised inside ends it as failed."""
        self._sampler.edge()
        now = self._sampler.now_us()
        self._shown.begins(name, repeat)
        going = _Open(
            Phase(name=name, repeat=repeat, start_us=now, end_us=now, rated=rated, failed=UNFINISHED)
        )
        self._record.phase(going.phase)
        try:
            yield going
        except BaseException as error:
            self._end(going, _said(error))
            self._record.phase(going.phase)
            raise
        self._end(going, "")
        self._record.phase(going.phase)

    def _end(self, going: _Open, failed: str) -> None:
        """Now it is over; the look at the meters comes after, and what is done with answers later still."""
        if going.ended:
            return
        going.phase = replace(going.phase, end_us=self._sampler.now_us(), failed=failed)
        going.ended = True
        self._sampler.look()

    def _note(self, text: str) -> None:
        if text not in self._notes:
            self._notes.append(text)


def _why(error: Broken) -> str:
    return _said(error.cause)


def _said(error: BaseException) -> str:
    """Kind and first line of an error, without paths of the machine."""
    text = without_paths(error) if isinstance(error, Exception) else ""
    first = text.strip().partition("\n")[0][:MOST_SAID]
    return f"{type(error).__name__}: {first}" if first else type(error).__name__
