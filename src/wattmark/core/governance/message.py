"""What is told to people elsewhere: in a chat, a mail, an issue, an alert."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Severity(StrEnum):
    """How much it matters."""

    INFO = "info"
    WARNING = "warning"
    ERROR = "error"

    @property
    def rank(self) -> int:
        """0, 1, 2: the higher the worse."""
        return list(Severity).index(self)


class Topic(StrEnum):
    """What a message can be about: people choose by it what they want to hear of."""

    FAILED = "failed"
    INCOMPLETE = "incomplete"
    WAIVED = "waived"
    WARNING = "warning"
    PASSED = "passed"
    BUDGET = "budget"
    DIGEST = "digest"
    ALERT = "alert"


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """One table of a message. Cells are plain text; a channel escapes and cuts them as it must."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    notes: tuple[str, ...] = ()
    """Sentences below it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One thing to tell. Every channel shows as much of it as it can."""

    key: str
    """The same for the same matter: a second message updates the first, or resolves it."""
    title: str
    """One plain line."""
    markdown: str
    """Everything, as GitHub-flavoured Markdown."""
    severity: Severity = Severity.INFO
    resolved: bool = False
    """True when what was told before is over."""
    topics: tuple[Topic, ...] = ()
    facts: tuple[tuple[str, str], ...] = ()
    """The few figures to show at a glance: name, value with unit and how it is known."""
    tables: tuple[Listing, ...] = ()
    """What ``markdown`` lists, for channels that have tables of their own, or none."""
    notes: tuple[str, ...] = ()
    """Sentences at the end."""
    link: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    """team, model, rule, ..."""
    at: str = ""
    """UTC, ISO 8601 with a trailing Z."""
    alert: str = ""
    """What monitoring calls alerts of this kind: ``WattmarkRegressionFound``; empty: a word for the topic."""
    began: str = ""
    """When the matter began, like ``at``; empty: with this message."""
    annotations: Mapping[str, str] = field(default_factory=dict)
    """What monitoring shows of the alert beside its labels."""
    lasts_seconds: float | None = None
    """It is told again before so much time has passed, for as long as it lasts; None: it is told once."""
