"""What must be the same before a benchmark goes on."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.bench.answering import Counting, a_job
from wattmark.bench.harness import run_benchmark
from wattmark.bench.keeping import Forgetful
from wattmark.bench.repeating import begin_us_of
from wattmark.bench.resuming import require_same
from wattmark.bench.simulated import simulated_world
from wattmark.core.bench.evidence import Evidence
from wattmark.core.errors import UsageError
from wattmark.core.run import Host


@pytest.fixture(scope="module")
def evidence() -> Evidence:
    """Of a try."""
    world = replace(simulated_world(1), environment=lambda: {"torch": "2.13.0"})
    return run_benchmark(a_job(Counting(), "quick"), world, Forgetful())


def test_the_same_goes_on(evidence: Evidence) -> None:
    """What was seen, notes and the moment it began are not asked about."""
    require_same(evidence, replace(evidence, notes=("another",), looks=(), started_at="2027-01-01T00:00:00Z"))


def test_every_difference_is_named(evidence: Evidence) -> None:
    """Machine, version and pin at once."""
    other = replace(
        evidence,
        host=Host(id="simulated", fingerprint="another"),
        environment={"torch": "2.14.0", "numpy": "2.0"},
        pinned=replace(
            evidence.pinned, dtype="float16", dataset=replace(evidence.pinned.dataset, sha256="x")
        ),
    )
    with pytest.raises(UsageError) as raised:
        require_same(evidence, other)
    text = str(raised.value)
    assert "pinned.dtype was float32 and is float16" in text
    assert "pinned.dataset.sha256 was " in text
    assert "host.fingerprint was simulated and is another" in text
    assert "environment.torch was 2.13.0 and is 2.14.0" in text
    assert "environment.numpy was not there and is 2.0" in text


def test_other_devices_are_another_machine(evidence: Evidence) -> None:
    """A GPU has gone."""
    with pytest.raises(UsageError, match="devices was "):
        require_same(evidence, replace(evidence, devices=evidence.devices[:1]))


def test_time_goes_on_as_the_wall_clock_says(evidence: Evidence) -> None:
    """An hour later, an hour later; a clock that was set back does not turn time around."""
    assert begin_us_of(evidence, "2026-01-01T01:00:00Z") == 3_600_000_000
    last = max(p.end_us for p in evidence.phases)
    assert begin_us_of(evidence, "2025-01-01T00:00:00Z") >= last + 1_000_000


def test_a_clock_that_was_years_off_does_not_put_it_years_later(evidence: Evidence) -> None:
    """A bundle holds a hundred days: a week later at most, whatever the wall clock says."""
    last = max(p.end_us for p in evidence.phases)
    later = begin_us_of(evidence, "2082-01-01T00:00:00Z") - last
    assert 7 * 86_400 * 1_000_000 <= later < 7 * 86_400 * 1_000_000 + 1_000_000
