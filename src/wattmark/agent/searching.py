"""The search for regressions beside the agent: what it finds goes to the metrics and to who is alerted."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Sequence
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
from wattmark.monitoring.detection.watcher import Watcher

if TYPE_CHECKING:
    from wattmark.agent.telling import Telling
    from wattmark.core.governance.message import Message
    from wattmark.wiring.alerting import Watched

LEARNT = "regressions.json"
NEEDED = ("numpy", "scipy")
FOUND = "regression"

OVER_SECONDS = 3600.0
"""After a restart, what is not found again within an hour is over ..."""
FORGOTTEN_SECONDS = 86_400.0
"""... or, when nothing was judged for a day, not known of any more."""
NOT_AGAIN = "it was not found again after the agent's restart"
NOT_KNOWN = "nothing could be judged for a day after the agent's restart: whether it goes on is not known"


class Alerting(Watcher):
    """A watcher that has told what it finds: what goes on at every look, and once that it is over.

    What an agent before this one told is over when it is not found again: changes that last are not kept over
    a restart, and are found anew.
    """

    def __init__(self, settings: Settings, fit: Fit, telling: Telling, watched: Watched) -> None:
        super().__init__(settings, fit)
        self._telling, self._watched = telling, watched
        self._going: dict[str, Message] = {}
        self._before = {message.key: message for message in telling.told()}
        self._since: float | None = None

    def look(self, window: ServingWindow) -> list[Finding]:
        """Look, and hand over what is to be told."""
        from wattmark.wiring.alerting import alert_of, over

        found, at = super().look(window), window.end_us / 1e6
        going = [alert_of(finding, at, self._watched) for finding in [*self.active, *self.stuck]]
        was, self._going = self._going, {message.key: message for message in going}
        for key in self._going:
            self._before.pop(key, None)
        ended = [
            over(message, _why(message, found), at) for key, message in was.items() if key not in self._going
        ]
        if told := [*going, *ended, *self._from_before(at)]:
            self._telling.put(told)
        return found

    def _from_before(self, at: float) -> list[Message]:
        """What was told before a restart: it goes on until it can be said that it does not."""
        from wattmark.wiring.alerting import not_found, over

        self._since = at if self._since is None else self._since
        ended: list[Message] = []
        if self._before and at - self._since >= OVER_SECONDS:
            stuck = [m for key, m in self._before.items() if key.startswith("stuck/")]
            fine = [*not_found(self._before.values(), self.states(), self._watched), *stuck]
            ended = [over(message, NOT_AGAIN, at) for message in fine]
        if self._before and at - self._since >= FORGOTTEN_SECONDS:
            known = {message.key for message in ended}
            ended += [
                over(message, NOT_KNOWN, at) for key, message in self._before.items() if key not in known
            ]
        for message in ended:
            del self._before[message.key]
        return [*self._before.values(), *ended]


def _why(message: Message, found: Sequence[Finding]) -> str:
    """What the search says of an end."""
    labels = message.labels
    for finding in found:
        key = finding.key
        same = (key.model, key.target, key.tenant) == tuple(
            labels.get(name, "") for name in ("model", "target", "tenant")
        )
        if same and finding.kind in (Kind.OVER, Kind.NOT_COMPARABLE):
            return finding.text
    return "it is as it should be, or was taken for normal"


class Searching:
    """The search and its thread. ``put`` never waits."""

    def __init__(self, watcher: Watcher, kept: Path, telling: Telling | None = None) -> None:
        self._telling = telling
        self._beside = Beside(watcher, lambda _: None, kept)

    def put(self, window: ServingWindow) -> None:
        """One window more."""
        self._beside.put(window)

    @property
    def trouble(self) -> str:
        """Why something was not looked at, kept or sent; empty when all is well."""
        sent = self._telling.trouble if self._telling is not None else ""
        return "; ".join(filter(None, (self._beside.trouble, f"alerts: {sent}" if sent else "")))

    def now(self) -> list[RegressionNow]:
        """How each model stands: the worst of its targets."""
        return regressions_of(self._beside.states)

    def close(self) -> None:
        """Look at what waits, keep what was learnt, tell what is to be told."""
        self._beside.close()
        if self._telling is not None:
            self._telling.close()


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
    tell: Callable[[], tuple[Telling, Watched] | None] = lambda: None,
    *,
    settings: Settings | None = None,
    fit: Fit = fitted_apart,
) -> Searching | None:
    """The search as the settings want it; None where they do not, or nobody asked and scipy is not there.

    ``tell`` gives who hears of what is found, or None. Raises MissingExtra when it was asked for and cannot
    be.
    """
    if asked.regressions is False:
        return None
    if any(importlib.util.find_spec(name) is None for name in NEEDED):
        if asked.regressions or asked.alerts:
            raise MissingExtra("the search for regressions", "detect")
        return None
    settings = settings or Settings()
    if (told := tell()) is None:
        return Searching(Watcher(settings, fit), state / LEARNT)
    telling, watched = told
    return Searching(Alerting(settings, fit, telling, watched), state / LEARNT, telling)
