"""A conformance suite that any source can run: inherit :class:`SourceSuite` and describe an input for it.

    class TestAcme(SourceSuite):
        @pytest.fixture
        def world(self, tmp_path):
            return AcmeWorld(tmp_path)

The rules are those of the ledger: what is imported twice is there once, what cannot be taken is named, and
no figure looks better known than it is. A world that cannot do something says why in ``cannot``; the rule
is then skipped with that reason.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Protocol

import pytest

from wattmark.core.errors import WattmarkError
from wattmark.core.imported import BadRow, Imported
from wattmark.core.known import GRADE_OF_METHOD
from wattmark.core.run import EnergyRow, Run
from wattmark.core.sound import fault_of_samples, first_fault
from wattmark.core.telemetry import JOULES, Samples, Stream
from wattmark.ports import Source

Interval = tuple[int, int, float, bool]
"""Start, end, amount, and whether it was observed."""


class SourceWorld(Protocol):
    """An input as a test commands it: at first it is whole, and every row of it is good or none of ours."""

    rows: int
    """How many rows the input has now (lines, samples, documents): good, bad and foreign ones."""
    named: str
    """What an error must name when the input cannot be read: its file name or address."""

    def open(self) -> Source:
        """A new source on the input as it is now."""
        ...

    def grow(self) -> None:
        """The input goes on: more good rows of the same things; counts them in ``rows``."""
        ...

    def move(self) -> None:
        """The same content, from now on under another path or address."""
        ...

    def damage(self) -> str:
        """Spoil one good row; gives what its place must name, e.g. ``power.csv:3``."""
        ...

    def garble(self) -> None:
        """Put something entirely different in the input's place: a picture, a page of HTML."""
        ...

    def remove(self) -> None:
        """Take the input away."""
        ...


@dataclass(frozen=True, slots=True)
class Brought:
    """All portions of one import together."""

    runs: tuple[Run, ...]
    samples: tuple[Samples, ...]
    taken: int
    bad: tuple[BadRow, ...]
    ignored: int

    @property
    def rows(self) -> Iterator[EnergyRow]:
        """Every energy row of every run."""
        return (row for run in self.runs for row in run.energies)

    @property
    def intervals(self) -> Mapping[str, list[Interval]]:
        """The intervals of each stream in order of time."""
        return _by_stream(self.samples)


def bring(world: SourceWorld) -> Brought:
    """Read the whole input of a world."""
    portions = list(world.open().read())
    assert all(isinstance(p, Imported) for p in portions)
    return Brought(
        runs=tuple(r for p in portions for r in p.runs),
        samples=tuple(s for p in portions for s in p.samples),
        taken=sum(p.taken for p in portions),
        bad=tuple(b for p in portions for b in p.bad),
        ignored=sum(p.ignored for p in portions),
    )


class SourceSuite:
    """The rules every source keeps."""

    cannot: Mapping[str, str] = {}
    """Name of a rule -> why this source or its world cannot do it."""

    @pytest.fixture
    def world(self, tmp_path: Path) -> SourceWorld:
        """The input; every suite gives its own."""
        raise NotImplementedError("a suite gives a fixture 'world'")

    @pytest.fixture(autouse=True)
    def _leave_out(self, request: pytest.FixtureRequest) -> None:
        reason = self.cannot.get(request.node.name.partition("[")[0])
        if reason is not None:
            pytest.skip(reason)

    def test_it_is_a_source(self, world: SourceWorld) -> None:
        """It has what the protocol asks for."""
        assert isinstance(world.open(), Source)

    def test_it_brings_records(self, world: SourceWorld) -> None:
        """A good input gives runs or samples, and no complaint."""
        brought = bring(world)
        assert brought.bad == ()
        assert brought.taken > 0
        assert brought.runs or any(len(s) for s in brought.samples)

    def test_the_same_input_gives_the_same_records(self, world: SourceWorld) -> None:
        """Twice read, nothing differs: ids, numbers, order and portions, so that a ledger takes it once."""
        assert list(world.open().read()) == list(world.open().read())

    def test_nothing_is_lost(self, world: SourceWorld) -> None:
        """Rows in are rows taken, bad and ignored; also when one is bad."""
        whole = bring(world)
        assert whole.taken + len(whole.bad) + whole.ignored == world.rows
        world.damage()
        spoiled = bring(world)
        assert spoiled.taken + len(spoiled.bad) + spoiled.ignored == world.rows

    def test_a_bad_row_is_named(self, world: SourceWorld) -> None:
        """With its place and a reason, and it is the only one."""
        place = world.damage()
        bad = bring(world).bad
        assert len(bad) == 1
        assert place in bad[0].place
        assert len(bad[0].reason) > 5

    def test_the_good_rows_stay(self, world: SourceWorld) -> None:
        """Around a bad row every other record is what it was; a sample is an end of two intervals."""
        whole = bring(world)
        world.damage()
        spoiled = bring(world)
        kept = {r.record_id: r for r in spoiled.runs}
        assert sum(kept.get(r.record_id) != r for r in whole.runs) <= 1
        assert set(kept) <= {r.record_id for r in whole.runs}
        lost = 0
        for stream, intervals in whole.intervals.items():
            lost += len(set(intervals) - set(spoiled.intervals.get(stream, [])))
        assert lost <= 2

    def test_ids_do_not_depend_on_the_path(self, world: SourceWorld) -> None:
        """A file that was moved or an address that changed is not a second measurement."""
        before = bring(world)
        world.move()
        after = bring(world)
        assert after.runs == before.runs
        assert after.samples == before.samples

    def test_what_grows_is_not_there_twice(self, world: SourceWorld) -> None:
        """Old runs keep their id and are the same or have a higher seq; old intervals are still there."""
        before = bring(world)
        world.grow()
        after = bring(world)
        assert after.taken > before.taken
        newest = {(r.record_id, r.seq): r for r in after.runs}
        assert len(newest) == len(after.runs)
        for old in before.runs:
            same = newest.get((old.record_id, old.seq))
            higher = any(i == old.record_id and seq > old.seq for i, seq in newest)
            assert same == old or (same is None and higher)
        for stream, intervals in before.intervals.items():
            assert set(intervals) <= set(after.intervals.get(stream, []))

    def test_no_moment_of_a_stream_is_there_twice(self, world: SourceWorld) -> None:
        """The intervals of one stream do not overlap, over all portions."""
        for intervals in bring(world).intervals.values():
            assert all(a[1] <= b[0] for a, b in pairwise(intervals))

    def test_runs_are_sound(self, world: SourceWorld) -> None:
        """What a run file would be refused for is not brought in."""
        assert [first_fault(r) for r in bring(world).runs if first_fault(r) is not None] == []

    def test_samples_are_sound(self, world: SourceWorld) -> None:
        """Intervals have a length, amounts are possible, and a gap holds nothing."""
        faults = [fault_of_samples(s) for s in bring(world).samples]
        assert [f for f in faults if f is not None] == []

    def test_no_grade_is_better_than_its_method(self, world: SourceWorld) -> None:
        """A model is D at best and what somebody states is E; a counter that is not a wall meter is B."""
        for known in _known(bring(world)):
            assert GRADE_OF_METHOD[known.method].at_least(known.grade), known

    def test_every_energy_says_how_wrong_it_may_be(self, world: SourceWorld) -> None:
        """At least one named error source that is not nothing, and the source with its name."""
        for known in _known(bring(world)):
            assert any(e > 0 for e in known.errors.values()), known
            assert known.source.name

    def test_a_share_says_by_which_rule(self, world: SourceWorld) -> None:
        """What is only a part of a device is named so, with its rule."""
        for known in _known(bring(world)):
            assert known.scope == "whole" or known.attribution_rule

    def test_another_format_is_refused(self, world: SourceWorld) -> None:
        """An error that names the input, not a thousand bad rows."""
        world.garble()
        with pytest.raises(WattmarkError) as caught:
            bring(world)
        assert world.named in str(caught.value)

    def test_a_missing_input_is_named(self, world: SourceWorld) -> None:
        """An error that says which."""
        world.remove()
        with pytest.raises(WattmarkError) as caught:
            bring(world)
        assert world.named in str(caught.value)

    def test_it_leaves_its_host_alone(self, world: SourceWorld, capfd: pytest.CaptureFixture[str]) -> None:
        """Nothing printed, no change of folder."""
        folder = Path.cwd()
        bring(world)
        assert capfd.readouterr() == ("", "")
        assert Path.cwd() == folder


def _known(brought: Brought) -> list[EnergyRow | Stream]:
    """Whatever holds energy and says how it is known."""
    return [*brought.rows, *(s.stream for s in brought.samples if s.stream.unit == JOULES)]


def _by_stream(samples: tuple[Samples, ...]) -> Mapping[str, list[Interval]]:
    found: dict[str, list[Interval]] = {}
    for part in samples:
        amounts = part.energy_uj if part.stream.unit == JOULES else part.count
        observed = part.observed or [True] * len(part)
        rows = zip(part.start_us, part.end_us, amounts, observed, strict=True)
        found.setdefault(repr(part.stream), []).extend(rows)
    return {stream: sorted(rows) for stream, rows in found.items()}
