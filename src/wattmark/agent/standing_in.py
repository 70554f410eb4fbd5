"""What engines count, where it stands for requests that nobody tells."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from wattmark.agent.placing import Expected
from wattmark.core.readings import Gap
from wattmark.core.serving import attributing
from wattmark.core.serving.by_engine import Telling, corrected, tellings
from wattmark.core.serving.engine import EngineReading, difference
from wattmark.core.serving.request import Request, Rule, Service
from wattmark.core.serving.window import ServingWindow

TOLD_FOR_US = 15 * 60 * 1_000_000
"""A model whose requests were told so lately is told by request, and not by its engine's counters."""
LOOKS_WAITED = 3
"""A window waits for the next look at an engine for so many of their periods."""
PRACTICE_US = 24 * 3600 * 1_000_000
"""Where requests were told so lately, windows have the rule of requests."""
MOST_NAMES = 20_000
"""Models and targets that are remembered to have been told of."""


class StandIns:
    """Looks at engines go in, and who was told of; requests come out that stand for what was counted."""

    def __init__(
        self,
        engines: Sequence[Expected],
        *,
        waiting: attributing.Settings,
        look_seconds: float,
        rule: Rule,
        note: Callable[[str], None],
    ) -> None:
        self._engines = tuple(engines)
        self._waiting = waiting
        self._look_seconds = look_seconds
        self._told_rule = rule
        self._note = note
        self._looks: dict[str, EngineReading] = {}
        self.models: dict[str, set[str]] = {}
        """Target -> models that its engine has served."""
        self._told_us: dict[tuple[str, str], int] = {}
        self._held: list[Telling] = []
        self._untold: set[tuple[str, str]] = set()
        """Targets and models of which a request ended that nobody told."""
        self.stood_us = 0
        """The end of the last request that was stood in for."""
        by_counter = [e.by_counter for e in engines]
        self.rule = Rule.ENGINE if by_counter and all(by_counter) else rule
        """How the last window was known."""
        self._tellings: list[Telling] = []
        self._stood: dict[int, Request] = {}

    @property
    def looks(self) -> list[EngineReading]:
        """The last look at each engine."""
        return list(self._looks.values())

    def heard_since(self, at_us: int) -> list[tuple[str, str, int]]:
        """What was told of after this moment."""
        return [(*key, told_us) for key, told_us in self._told_us.items() if told_us > at_us]

    def resume(self, heard: Iterable[tuple[str, str, int]], stood_us: int, rule: Rule | None) -> None:
        """Go on from what was known before."""
        self._told_us |= {(what, name): at_us for what, name, at_us in heard}
        self.stood_us = stood_us
        self.rule = rule or self.rule

    def looked(self, reading: EngineReading) -> bool:
        """Take in a look at an engine; True when it serves a model that it did not before."""
        before = self._looks.get(reading.target)
        self._looks[reading.target] = reading
        if reading.target not in {e.target for e in self._engines if e.by_counter}:
            return False
        known = self.models.setdefault(reading.target, set())
        more = not known.issuperset(reading.models)
        known.update(reading.models)
        if before is not None:
            self._count(before, reading)
        return more

    def _count(self, before: EngineReading, reading: EngineReading) -> None:
        delta = difference(before, reading)
        if isinstance(delta, Gap):
            self._note(f"{reading.target}: {delta.reason}")
            return
        for model, gap in delta.gaps.items():
            self._note(f"{reading.target}: {model}: {gap.reason}")
        stated = {e.target: e.model for e in self._engines}[reading.target]
        names = {model: Service(model=stated or model, target=reading.target) for model in delta.counted}
        self._held += [t for t in tellings(delta, before, reading, names) if t.active]

    def settled(self, now_us: int, divided_us: int) -> list[Request]:
        """Counters that stand for requests from now on, since it is clear that nobody tells these.

        It is clear when a request ended, by the counters, and nobody told of it in time; a long one is told
        at its end only. What comes after is not told either, until somebody does.
        """
        waiting = self._waiting
        patient = waiting.lateness_us * 4 // 5
        self._held = [t for t in self._held if not self._is_told(t.service, t.start_us)]
        ripe = [telling for telling in self._held if telling.end_us + patient <= now_us]
        for telling in ripe:
            if telling.over or telling.start_us <= now_us - waiting.horizon_us:
                self._untold.add(_key(telling))
        requests = self._stand_in([t for t in ripe if _key(t) in self._untold], divided_us)
        self._held = [t for t in self._held if _key(t) not in self._untold or t.end_us + patient > now_us]
        return requests

    def rest(self, divided_us: int) -> list[Request]:
        """All that is held and was not told until now, when nothing is waited for any longer."""
        untold = [t for t in self._held if not self._is_told(t.service, t.start_us)]
        self._held = []
        return self._stand_in(untold, divided_us)

    def unsettled_us(self, now_us: int) -> int | None:
        """From when on it is not clear yet what engines count, and whether somebody tells of it."""
        moments = [telling.start_us for telling in self._held]
        late_us = now_us - round(LOOKS_WAITED * self._look_seconds * 1e6)
        for engine in self._engines:
            look = self._looks.get(engine.target)
            if look is None or not engine.by_counter or look.at_us < late_us:
                continue
            services = [Service(model=engine.model or model, target=engine.target) for model in look.models]
            if not all(self._is_told(service, look.at_us) for service in services):
                moments.append(look.at_us)
        return min(moments, default=None)

    def _stand_in(self, found: Iterable[Telling], divided_us: int) -> list[Request]:
        requests = []
        for telling in found:
            if telling.end_us <= divided_us:
                continue  # it is in a window that came out, or came too late for it
            self.stood_us = max(self.stood_us, telling.end_us)
            self._warn_of_names(telling)
            request = telling.as_request()
            self._stood[id(request)] = request
            self._tellings.append(telling)
            requests.append(request)
        return requests

    def _warn_of_names(self, telling: Telling) -> None:
        """Say where requests are told under a name that no engine gives: they may be the ones it counts."""
        model, target = telling.service.model, telling.service.target
        engines = {name for names in self.models.values() for name in names} | {
            e.model for e in self._engines
        }
        for (what, name), at_us in self._told_us.items():
            if what == "free" and name not in engines and at_us > telling.start_us - TOLD_FOR_US:
                self._note(
                    f"{target} counts requests to {model}, and requests to {name} are told without a target: "
                    "if they are the same they count twice; tell the target, or state the model of the engine"
                )

    def _is_told(self, service: Service, start_us: int) -> bool:
        model, target = service.model, service.target
        named = [("target", target), ("model", model)]
        if not model:
            named = [("target", target), *(key for key in self._told_us if key[0] == "free")]
        return any(start_us < self._told_us.get(key, -TOLD_FOR_US) + TOLD_FOR_US for key in named)

    def heard(self, service: Service, at_us: int) -> None:
        """Somebody tells of these requests. Who names no target may mean any engine that names no model."""
        self._untold = {key for key in self._untold if not _means(service, key)}
        if len(self._told_us) > MOST_NAMES:
            recent = sorted(self._told_us, key=self._told_us.__getitem__)[MOST_NAMES // 2 :]
            self._told_us = {key: self._told_us[key] for key in recent}
        self._told_us["model", service.model] = at_us
        if service.target:
            self._told_us["target", service.target] = at_us
        else:
            self._told_us["free", service.model] = at_us

    def corrected(self, window: ServingWindow) -> ServingWindow:
        """A window with the counts of the engines in it, and the rule that it is of."""
        self.rule = self._rule_at(window.start_us)
        return corrected(window, self._tellings, self.rule)

    def forget(self, until_us: int) -> None:
        """Windows until then have come out."""
        self._tellings = [t for t in self._tellings if t.end_us > until_us]

    def was_stood_in(self, request: Request | None) -> bool:
        """Whether nobody told this request; asked once, when it is divided."""
        return self._stood.pop(id(request), None) is not None

    def _rule_at(self, at_us: int) -> Rule:
        """How the node is known; a window in which nothing happened is of the rule of those before it."""
        if max(self._told_us.values(), default=0) > at_us - PRACTICE_US:
            return self._told_rule
        return Rule.ENGINE if self.stood_us > at_us - PRACTICE_US else self.rule


def _key(telling: Telling) -> tuple[str, str]:
    return telling.service.target, telling.service.model


def _means(service: Service, key: tuple[str, str]) -> bool:
    """Whether a request that is told may be one that an engine counts for this target and model."""
    target, model = key
    return service.target == target or service.model == model or (not model and not service.target)
