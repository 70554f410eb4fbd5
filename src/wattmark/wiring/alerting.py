"""What the search for regressions finds as messages, told where decisions are told too."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from wattmark.core.governance.message import Message, Severity, Topic
from wattmark.monitoring.detection.finding import Finding, Kind, State
from wattmark.monitoring.detection.replay import Course
from wattmark.monitoring.detection.row import Key
from wattmark.monitoring.detection.settings import LEAST
from wattmark.monitoring.detection.shown import ALERT, NAMES, STUCK_ALERT, changes, sentence
from wattmark.reports.messages import with_markdown

JUDGED = ("good", "improvement")
"""How a figure stands when it may be said that it is not worse."""
MOST_LEFT = 1.0 + LEAST / 2.0
"""What is left of a rise that is over: the search itself asks for as little (series.py)."""
GONE = "it is found no more in the time that was looked at"


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """Whose findings these are; it makes them a matter of their own and chooses routes."""

    node: str = ""
    """Empty: of all nodes together."""
    labels: Mapping[str, str] = field(default_factory=dict)
    lasts_seconds: float | None = None
    """They are told again before so much time has passed."""

    def matter(self, kind: Kind, key: Key, metric: str) -> str:
        """The key of its messages."""
        word = "stuck" if kind is Kind.STUCK else "regression"
        return "/".join(part for part in (word, self.node, str(key), metric) if part)


ALL_NODES = Watched()


def alerts_of(courses: Sequence[Course], at: float) -> tuple[Message, ...]:
    """One message for each regression that goes on and that nobody accepted; ``at`` is Unix time."""
    going = (course.active for course in courses)
    return tuple(alert_of(found, at) for found in going if found is not None and found.news)


def over_since(told: Iterable[Message], courses: Sequence[Course], at: float) -> tuple[Message, ...]:
    """Those of ``told`` that are over: their figures were judged now, and are not worse.

    What was not looked at, or is not judged (too little known, a load without a past), is not over.
    """
    return tuple(over(message, GONE, at) for message in not_found(told, [c.state for c in courses]))


def not_found(
    told: Iterable[Message], states: Iterable[State], watched: Watched = ALL_NODES
) -> Iterator[Message]:
    """Regressions whose figures are judged, and are not worse now: whatever rises a search asks for."""
    fine = {
        watched.matter(Kind.REGRESSION, s.key, s.metric)
        for s in states
        if s.status in JUDGED and s.ratio is not None and s.ratio < MOST_LEFT
    }
    return (message for message in told if message.key in fine)


def alert_of(found: Finding, at: float, watched: Watched = ALL_NODES) -> Message:
    """What goes on; ``at`` is Unix time."""
    key, stuck = found.key, found.kind is Kind.STUCK
    labels = {"model": key.model, "target": key.target, "tenant": key.tenant, "metric": found.metric}
    facts = [("Figure", NAMES[found.metric]), ("Release", found.version), ("Node", watched.node)]
    if found.ratio is not None:
        facts.insert(0, ("To expected", f"{found.ratio - 1.0:+.1%}"))
    title = f"{key}: {found.text}" if stuck else f"{key} costs more than it did under the same load"
    changed = changes(found)
    return with_markdown(
        Message(
            key=watched.matter(found.kind, key, found.metric),
            title=title,
            markdown="",
            severity=Severity.WARNING,
            topics=(Topic.ALERT,),
            facts=tuple((name, value) for name, value in facts if value),
            notes=(sentence(found), *changed),
            labels={n: v for n, v in {**watched.labels, **labels, "node": watched.node}.items() if v},
            at=moment(at),
            alert=STUCK_ALERT if stuck else ALERT,
            began=moment(found.since),
            annotations={
                "summary": f"{key}: {sentence(found)}",
                "changed": "; ".join(changed),
                "model_version": found.version,
            },
            lasts_seconds=watched.lasts_seconds,
        )
    )


def over(told: Message, why: str, at: float) -> Message:
    """The end of what was told, and how that is known."""
    return with_markdown(
        replace(
            told,
            severity=Severity.INFO,
            resolved=True,
            notes=(f"{why[:1].upper()}{why[1:]}", *told.notes),
            at=moment(at),
            annotations={**told.annotations, "summary": f"over: {told.title}: {why}"},
        )
    )


def moment(seconds: float) -> str:
    """A Unix time as messages have it."""
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%SZ}"
