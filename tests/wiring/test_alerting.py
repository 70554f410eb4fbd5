"""Regressions as messages."""

from __future__ import annotations

from dataclasses import replace

import pytest

from wattmark.core.governance.message import Severity, Topic
from wattmark.monitoring.detection.finding import Cause, Finding, Kind, State
from wattmark.monitoring.detection.replay import Course
from wattmark.monitoring.detection.row import Key
from wattmark.wiring.alerting import GONE, alerts_of, over_since

KEY = Key(model="chat-8b", target="gpu", tenant="")
FOUND = Finding(
    kind=Kind.REGRESSION,
    key=KEY,
    metric="joules_per_output_token",
    at=1_800_000_000.0,
    since=1_799_990_000.0,
    ratio=1.15,
    interval=(1.1, 1.2),
    version="1.1",
    causes=(Cause(what="release", before="1.0", after="1.1"),),
)


def course(found: Finding | None) -> Course:
    """Of one figure."""
    state = State(key=KEY, metric="joules_per_output_token", status="regression")
    return Course(state=state, active=found, findings=(), points=(), levels=())


def test_a_regression_is_an_alert_with_what_changed() -> None:
    """Who, by how much, since which release; labels choose routes."""
    (told,) = alerts_of([course(FOUND)], 1_800_000_000.0)
    assert (told.severity, told.topics) == (Severity.WARNING, (Topic.ALERT,))
    assert told.title == f"{KEY} costs more than it did under the same load"
    assert told.facts == (("To expected", "+15.0%"), ("Figure", "J per output token"), ("Release", "1.1"))
    assert "release: 1.0 before, 1.1 after" in told.notes
    assert told.labels == {"model": "chat-8b", "target": "gpu", "metric": "joules_per_output_token"}
    assert told.at == "2027-01-15T08:00:00Z"
    assert "15.0%" in told.markdown


def test_what_is_over_or_better_alerts_nobody() -> None:
    """Nor does what was never found."""
    assert alerts_of([course(None), course(replace(FOUND, kind=Kind.OVER))], 0.0) == ()


def test_the_same_matter_has_the_same_key() -> None:
    """So that an issue is updated, not opened anew."""
    first, second = (alerts_of([course(FOUND)], at)[0] for at in (1.0, 2.0))
    assert first.key == second.key == f"regression/{KEY}/joules_per_output_token"


@pytest.mark.parametrize(
    ("status", "ratio", "ends"),
    [
        ("good", 1.01, True),
        ("improvement", 0.9, True),
        ("good", 1.1, False),
        ("good", None, False),
        ("regression", 1.2, False),
        ("traffic", 1.0, False),
        ("learning", None, False),
    ],
)
def test_what_was_told_is_over_when_its_figure_is_judged_and_fine(
    status: str, ratio: float | None, ends: bool
) -> None:
    """Not when nothing is known, and not because a later search asks for a larger rise."""
    told = alerts_of([course(FOUND)], 1_800_000_000.0)
    state = State(key=KEY, metric="joules_per_output_token", status=status, ratio=ratio)
    now = Course(state=state, active=None, findings=(), points=(), levels=())
    found = over_since(told, [now], 1_800_003_600.0)
    assert len(found) == ends
    for message in found:
        assert (message.key, message.resolved, message.severity) == (told[0].key, True, Severity.INFO)
        assert message.notes[0] == GONE[0].upper() + GONE[1:]
        assert (message.began, message.at) == ("2027-01-15T05:13:20Z", "2027-01-15T09:00:00Z")
        assert GONE[1:] in message.markdown


def test_what_was_not_looked_at_is_not_over() -> None:
    """Another model's course says nothing of it."""
    told = alerts_of([course(FOUND)], 1_800_000_000.0)
    state = State(key=Key(model="other"), metric="joules_per_output_token", status="good", ratio=1.0)
    other = Course(state=state, active=None, findings=(), points=(), levels=())
    assert over_since(told, [other], 1_800_003_600.0) == ()
