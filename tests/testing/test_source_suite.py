"""The conformance suite finds what it is there to find: bad sources fail it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import count

import pytest

from tests.builders import a_row, a_run
from wattmark.core.errors import EvidenceError
from wattmark.core.imported import BadRow, Imported
from wattmark.core.known import Grade, Method, Scope
from wattmark.core.run import Run, SourceId
from wattmark.core.telemetry import Samples, Stream
from wattmark.ports import Source
from wattmark.testing.source_suite import SourceSuite

MODEL = Stream(
    source=SourceId(name="t"),
    host_id="h",
    device_id="gpu:h/0",
    component="gpu",
    method=Method.INTEGRATED_POWER,
    grade=Grade.C,
    errors={"t:gain": 0.1},
)


class World:
    """Lines of joules, one run each; and the same as samples of one stream."""

    named = "lines"

    def __init__(self, kind: Callable[[World], Source]) -> None:
        self._kind = kind
        self.place = "here"
        self.lines: list[str] | None = ["5", "6", "7"]

    @property
    def rows(self) -> int:
        return len(self.lines or ())

    def open(self) -> Source:
        return self._kind(self)

    def grow(self) -> None:
        assert self.lines is not None
        self.lines.append("8")

    def move(self) -> None:
        self.place = "there"

    def damage(self) -> str:
        assert self.lines is not None
        self.lines[1] = "x"
        return "lines:2"

    def garble(self) -> None:
        self.lines = ["<html>"]

    def remove(self) -> None:
        self.lines = None


class Good:
    """Keeps every rule."""

    def __init__(self, world: World) -> None:
        self.world = world

    def read(self) -> Iterator[Imported]:
        lines = self.world.lines
        if lines is None or lines == ["<html>"]:
            raise EvidenceError("lines", "is not there")
        for number, line in enumerate(lines, start=1):
            yield self.portion(number, line)

    def portion(self, number: int, line: str) -> Imported:
        if not line.isdecimal():
            return Imported(bad=(self.bad(number),))
        return Imported(
            runs=(self.run(number, float(line)),), samples=(self.samples(number, int(line)),), taken=1
        )

    def bad(self, number: int) -> BadRow:
        return BadRow(f"lines:{number}", "is no number of joules")

    def run(self, number: int, joules: float) -> Run:
        return a_run(record_id=f"t-{number}", energies=(a_row(energy_joules=joules),))

    def samples(self, number: int, joules: int) -> Samples:
        start = number * 1_000_000
        return Samples(
            stream=MODEL, start_us=[start], end_us=[start + 1_000_000], energy_uj=[joules * 1_000_000]
        )


class GivesUp(Good):
    """Loses all for one bad row."""

    def portion(self, number: int, line: str) -> Imported:
        if not line.isdecimal():
            raise EvidenceError("lines", "has a bad row")
        return super().portion(number, line)


class ZeroForBad(Good):
    """Takes what it cannot read for nothing used."""

    def portion(self, number: int, line: str) -> Imported:
        return super().portion(number, line if line.isdecimal() else "0")


class Swallows(Good):
    """Says nothing of a bad row."""

    def portion(self, number: int, line: str) -> Imported:
        return super().portion(number, line) if line.isdecimal() else Imported()


class NamesNoPlace(Good):
    """Says that something is bad, somewhere."""

    def bad(self, number: int) -> BadRow:
        return BadRow("lines", "bad row")


class IdsByPath(Good):
    """Takes a moved file for another one."""

    def run(self, number: int, joules: float) -> Run:
        return replace(super().run(number, joules), record_id=f"{self.world.place}-{number}")


class IdsByChance(Good):
    """Makes a new id at every import."""

    ids = count()

    def run(self, number: int, joules: float) -> Run:
        return replace(super().run(number, joules), record_id=str(next(self.ids)))


class IdsByLength(Good):
    """Takes a file that has grown for another one."""

    def run(self, number: int, joules: float) -> Run:
        return replace(super().run(number, joules), record_id=f"{self.world.rows}-{number}")


class Flatters(Good):
    """Passes a model off as a counter."""

    def run(self, number: int, joules: float) -> Run:
        return a_run(record_id=f"t-{number}", energies=(a_row(method=Method.MODELLED, grade=Grade.B),))


class Exact(Good):
    """Knows no error."""

    def samples(self, number: int, joules: int) -> Samples:
        return replace(super().samples(number, joules), stream=replace(MODEL, errors={}))


class SharesWithoutRule(Good):
    """Brings a part and does not say of what."""

    def run(self, number: int, joules: float) -> Run:
        return a_run(record_id=f"t-{number}", energies=(a_row(scope=Scope.SHARE, party="own"),))


class Unsound(Good):
    """Brings what no run file may hold, and a gap with energy in it."""

    def run(self, number: int, joules: float) -> Run:
        return a_run(record_id=f"t-{number}", duration_seconds=-1.0)

    def samples(self, number: int, joules: int) -> Samples:
        return replace(super().samples(number, joules), observed=[False])


class Overlaps(Good):
    """Brings every moment twice."""

    def samples(self, number: int, joules: int) -> Samples:
        one = super().samples(number, joules)
        return replace(one, end_us=[one.end_us[0] + 1])


class ReadsAnything(Good):
    """Finds nothing in a page of HTML, with success."""

    def read(self) -> Iterator[Imported]:
        for number, line in enumerate(self.world.lines or (), start=1):
            yield self.portion(number, line)


class Prints(Good):
    """Tells the host program's user about itself."""

    def portion(self, number: int, line: str) -> Imported:
        print("reading")  # noqa: T201 - this is the offence
        return super().portion(number, line)


RULES = [
    (GivesUp, "test_nothing_is_lost"),
    (ZeroForBad, "test_a_bad_row_is_named"),
    (Swallows, "test_nothing_is_lost"),
    (Swallows, "test_a_bad_row_is_named"),
    (NamesNoPlace, "test_a_bad_row_is_named"),
    (IdsByPath, "test_ids_do_not_depend_on_the_path"),
    (IdsByChance, "test_the_same_input_gives_the_same_records"),
    (IdsByLength, "test_what_grows_is_not_there_twice"),
    (Flatters, "test_no_grade_is_better_than_its_method"),
    (Exact, "test_every_energy_says_how_wrong_it_may_be"),
    (SharesWithoutRule, "test_a_share_says_by_which_rule"),
    (Unsound, "test_runs_are_sound"),
    (Unsound, "test_samples_are_sound"),
    (Overlaps, "test_no_moment_of_a_stream_is_there_twice"),
    (ReadsAnything, "test_another_format_is_refused"),
    (ReadsAnything, "test_a_missing_input_is_named"),
]


class TestGood(SourceSuite):
    """A source that keeps every rule passes every rule."""

    @pytest.fixture
    def world(self) -> World:  # type: ignore[override]
        return World(Good)


@pytest.mark.parametrize(("kind", "rule"), RULES, ids=lambda v: getattr(v, "__name__", v))
def test_a_bad_source_fails_its_rule(kind: Callable[[World], Source], rule: str) -> None:
    """Each defect is found by the rule that is there for it."""
    with pytest.raises((AssertionError, EvidenceError, pytest.fail.Exception)):
        getattr(SourceSuite(), rule)(World(kind))


def test_one_that_prints_fails(capfd: pytest.CaptureFixture[str]) -> None:
    """Standard output belongs to the program around it."""
    with pytest.raises(AssertionError):
        SourceSuite().test_it_leaves_its_host_alone(World(Prints), capfd)


def test_a_suite_without_a_world_says_what_it_needs() -> None:
    """In one sentence."""
    with pytest.raises(NotImplementedError, match="world"):
        SourceSuite.world.__wrapped__(SourceSuite(), None)  # type: ignore[attr-defined]
