"""What the documentation promises, on months that nobody has looked at before."""

from __future__ import annotations

import pytest

pytest.importorskip("scipy")

from wattmark.core.serving.window import ServingWindow
from wattmark.monitoring.detection.finding import Finding, Kind
from wattmark.monitoring.detection.watcher import Watcher
from wattmark.testing.serving.plan import MONTH, Change, Plan
from wattmark.testing.serving.plan import Kind as Changed
from wattmark.testing.serving.windows import windows

DAY = 1440


def told(plan: Plan) -> list[Finding]:
    """All that is said of a month."""
    watcher = Watcher()
    return [finding for window in windows(plan) for finding in watcher.look(window)]


def minute(plan: Plan, moment: float) -> float:
    """Minutes after the start."""
    return (moment - plan.start_us / 1e6) / 60


@pytest.mark.slow
@pytest.mark.parametrize("seed", [7001, 7002, 7003])
def test_a_clean_month_raises_no_alarm(seed: int) -> None:
    """Thirty days with nights, weekends, bursts and a wandering meter."""
    assert [f for f in told(Plan(minutes=MONTH, seed=seed)) if f.kind is Kind.REGRESSION] == []


@pytest.mark.slow
@pytest.mark.parametrize(
    ("seed", "at"), [(7011, 14 * DAY + 180), (7012, 15 * DAY + 600), (7013, 19 * DAY + 1200)]
)
def test_a_tenth_more_per_token_is_found_within_half_an_hour(seed: int, at: int) -> None:
    """At night, at noon and on a Saturday evening; the release is named, and nothing was told before."""
    plan = Plan(
        minutes=at + 60, seed=seed, changes=(Change(at=at, kind=Changed.ENERGY, factor=1.1, version="1.1"),)
    )
    found = [f for f in told(plan) if f.kind is Kind.REGRESSION]
    assert len(found) == 1
    assert at < minute(plan, found[0].at) <= at + 30
    assert "release" in [cause.what for cause in found[0].causes]
    assert found[0].interval is not None
    assert found[0].interval[1] > 1.07


@pytest.mark.slow
@pytest.mark.parametrize(
    "change",
    [
        Change(at=10 * DAY, kind=Changed.TRAFFIC, factor=2.0),
        Change(at=10 * DAY, kind=Changed.INPUT_TOKENS, factor=2.0),
        Change(at=10 * DAY, kind=Changed.RELEASE, version="1.1"),
        Change(at=10 * DAY, kind=Changed.METHOD, device="gpu-0", factor=1.2),
        Change(at=10 * DAY, kind=Changed.STUCK, device="gpu-0", minutes=60),
        Change(at=10 * DAY, kind=Changed.GAP, device="gpu-0", minutes=60),
        Change(at=10 * DAY, kind=Changed.RESTART, minutes=30),
    ],
    ids=lambda change: change.kind.value,
)
def test_what_is_not_the_models_doing_is_no_regression(change: Change) -> None:
    """Load, measuring, and a release that costs the same."""
    kinds = {f.kind for f in told(Plan(minutes=11 * DAY, seed=7021, changes=(change,)))}
    assert Kind.REGRESSION not in kinds
    if change.kind is Changed.METHOD:
        assert Kind.NOT_COMPARABLE in kinds
    if change.kind is Changed.STUCK:
        assert Kind.STUCK in kinds
    if change.kind is Changed.INPUT_TOKENS:
        assert Kind.TRAFFIC in kinds


@pytest.mark.slow
def test_a_look_holds_all_models_of_a_window_apart() -> None:
    """A window without work says nothing and costs nothing."""
    empty = ServingWindow(host_id="h", start_us=0, end_us=60_000_000, rule=Plan().rule, devices=())
    watcher = Watcher()
    assert watcher.look(empty) == []
    assert watcher.states() == []
