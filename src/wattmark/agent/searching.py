"""The search for regressions beside the agent: what it finds goes to the metrics and to who is alerted."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from wattmark.config import AgentConfig
from wattmark.core.errors import MissingExtra
from wattmark.core.serving.window import ServingWindow
from wattmark.exporters.agent_state import RegressionNow
from wattmark.monitoring.detection.apart import fitted_apart
from wattmark.monitoring.detection.beside import Beside
from wattmark.monitoring.detection.finding import Finding, Kind, State
from wattmark.monitoring.detection.series import Fit
from wattmark.monitoring.detection.settings import Settings
from wattmark.monitoring.detection.shown import alert_fields
from wattmark.monitoring.detection.watcher import Watcher

if TYPE_CHECKING:
    from wattmark.monitoring.webhook import Alert, Outcome

TOKEN = "WATTMARK_ALERTS_TOKEN"
LEARNT = "regressions.json"
NEEDED = ("numpy", "scipy")
NEWS = (Kind.REGRESSION, Kind.OVER, Kind.STUCK)
"""Findings that somebody is told of; the others are for who looks."""
FOUND = "regression"

Send = Callable[[Sequence["Alert"]], "Outcome"]


class Alerting(Watcher):
    """A watcher that sends what it finds, in the thread that looks."""

    def __init__(self, settings: Settings, fit: Fit, send: Send, *, again: bool) -> None:
        """``again``: send what lasts at every look, as an Alertmanager wants it."""
        super().__init__(settings, fit)
        self._send, self._again = send, again
        self.trouble = ""

    def look(self, window: ServingWindow) -> list[Finding]:
        """Look, and send."""
        found = super().look(window)
        told = [finding for finding in found if finding.kind in NEWS]
        if self._again:
            told += [finding for finding in self.active if finding not in told]
        if told:
            from wattmark.monitoring.webhook import Alert

            self.trouble = self._send([Alert(**alert_fields(finding)) for finding in told]).problem
        return found


class Searching:
    """The search and its thread. ``put`` never waits."""

    def __init__(self, watcher: Watcher, kept: Path) -> None:
        self._watcher = watcher
        self._beside = Beside(watcher, lambda _: None, kept)

    def put(self, window: ServingWindow) -> None:
        """One window more."""
        self._beside.put(window)

    @property
    def trouble(self) -> str:
        """Why something was not looked at, kept or sent; empty when all is well."""
        sent = self._watcher.trouble if isinstance(self._watcher, Alerting) else ""
        return self._beside.trouble or (f"alerts: {sent}" if sent else "")

    def now(self) -> list[RegressionNow]:
        """How each model stands: the worst of its targets."""
        return regressions_of(self._beside.states)

    def close(self) -> None:
        """Look at what waits, keep what was learnt."""
        self._beside.close()


def regressions_of(states: Sequence[State]) -> list[RegressionNow]:
    """One line for each model, release and figure: the worst of the targets that serve it."""
    found: dict[tuple[str, str, str], RegressionNow] = {}
    for state in states:
        if state.key.tenant or state.status == "learning":
            continue
        key = state.key.model, state.version, state.metric
        before = found.get(key)
        ratios = [r for r in (state.ratio, before.ratio if before else None) if r is not None]
        found[key] = RegressionNow(
            model=state.key.model,
            model_version=state.version,
            metric=state.metric,
            active=state.status == FOUND or (before is not None and before.active),
            ratio=max(ratios, default=None),
        )
    return list(found.values())


def searching_of(
    asked: AgentConfig,
    state: Path,
    environ: Mapping[str, str],
    *,
    settings: Settings | None = None,
    fit: Fit = fitted_apart,
) -> Searching | None:
    """The search as the settings want it; None where they do not, or nobody asked and scipy is not there.

    Raises MissingExtra when it was asked for and cannot be, UsageError for an address that is none.
    """
    if asked.regressions is False:
        return None
    if any(importlib.util.find_spec(name) is None for name in NEEDED):
        if asked.regressions or asked.alerts:
            raise MissingExtra("the search for regressions", "detect")
        return None
    settings = settings or Settings()
    if asked.alerts is None:
        return Searching(Watcher(settings, fit), state / LEARNT)
    from wattmark.monitoring.webhook import ALERTMANAGER, Webhook

    token = environ.get(TOKEN, "").strip() or None
    webhook = Webhook(asked.alerts, form=asked.alerts_form, token=token, attempts=3)
    again = asked.alerts_form == ALERTMANAGER
    return Searching(Alerting(settings, fit, webhook.send, again=again), state / LEARNT)
