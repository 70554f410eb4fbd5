"""The stories that the rules are tested with: what fires, what must not, and what it says."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from wattmark.monitoring import names
from wattmark.monitoring.rule import duration
from wattmark.monitoring.ruletests import (
    MODEL,
    NODE,
    Expected,
    Part,
    Scenario,
    Serving,
    healthy,
    parts,
    served,
)
from wattmark.monitoring.settings import RuleSettings

OTHER = "mistral-7b"
TOKENS = "WattmarkEnergyPerTokenRegressed"
REQUESTS = "WattmarkEnergyPerRequestRegressed"
RULE = "request_tokens"


def scenarios(settings: RuleSettings) -> tuple[Scenario, ...]:
    """Every story that these settings allow; those of budgets only where one is stated for all models."""
    clock = Clock(settings)
    return (*_regressions(clock), *_waste_and_evidence(clock), *_agents(clock), *_budgets(clock))


class Clock:
    """Times of the settings in steps."""

    def __init__(self, settings: RuleSettings) -> None:
        self.settings = settings
        self.step = settings.interval
        self.window = self.steps(settings.window)
        self.hold = self.steps(settings.hold)
        self.known = (
            self.steps(settings.baseline_least) + self.steps(settings.baseline_offset) + 2 * self.window
        )
        """Steps after which a model has a baseline."""
        self.told = self.window + self.hold + 5
        """Steps within which a regression is told of."""
        self.rise = 1 + 2 * settings.least_effect
        """A regression that must be seen in a steady model."""
        self.requests = 4 * settings.least_requests / self.window
        """Requests a step that are enough."""

    def steps(self, seconds: float) -> int:
        """So many steps, rounded up."""
        return -int(-seconds // self.step)

    def serving(self, steps: int, rise: float = 1.0, version: str = "v1") -> Serving:
        """A stretch of enough requests."""
        n = self.requests
        return Serving(steps=steps, joules=10 * n * rise, requests=n, tokens=100 * n, idle=n, version=version)


class _Course:
    """A model that is served steadily until it has a baseline, and for long enough afterwards."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.before, self.after = clock.known, clock.told + 10
        self.total = self.before + self.after
        self.at = self.before + clock.told
        """The step at which a regression has been told of."""
        self.steady, self.worse = clock.serving(self.before), clock.serving(self.after, clock.rise)
        self.released = replace(self.worse, version="v2")
        self.node = healthy(self.total, clock.step)
        self.one = Expected(step=self.at, alert=TOKENS, where={"model": MODEL}, count=1)
        self.none = Expected(step=self.at)

    def story(self, name: str, series: dict[str, str], *expected: Expected) -> Scenario:
        """On a node that is well otherwise."""
        return Scenario(name=name, series={**self.node, **series}, expected=expected)


def _regressions(clock: Clock) -> Iterator[Scenario]:
    course = _Course(clock)
    yield from _releases(course)
    yield from _unsure(course)
    yield from _told_otherwise(course)


def _releases(of: _Course) -> Iterator[Scenario]:
    """What a release and a restart of the agent do to a steady model."""
    c, steady, worse = of.clock, of.steady, of.worse
    yield of.story("a steady node fires nothing", served(c.serving(of.total)), of.none)
    yield of.story(
        "a release that takes more energy fires for its model and no other",
        {**served(steady, of.released), **served(c.serving(of.total), model=OTHER)},
        Expected(step=of.before, alert=TOKENS),
        of.one,
        Expected(step=of.at, alert=TOKENS, where={"model": OTHER}),
        Expected(step=of.at, alert=REQUESTS),
    )
    little = replace(steady, steps=of.after, joules=steady.joules * (1 + c.settings.least_effect / 2))
    yield of.story("half of the least effect fires nothing", served(steady, little), of.none)
    yield of.story(
        "an agent that restarts fires nothing",
        served(steady, replace(c.serving(of.after), restarts=True)),
        of.none,
    )
    yield of.story(
        "an agent that restarts with a release that takes more hides nothing",
        served(steady, replace(worse, restarts=True)),
        of.one,
    )


def _unsure(of: _Course) -> Iterator[Scenario]:
    """Where there is too little to go by, or much is usual."""
    c = of.clock
    few = c.settings.least_requests / c.window / 2
    rare = Serving(steps=of.before, joules=10 * few, requests=few, tokens=100 * few, idle=few)
    rarely = replace(rare, steps=of.after, joules=3 * rare.joules)
    yield of.story("too few requests tell nothing", served(rare, rarely), of.none)
    young = c.steps(c.settings.baseline_least) // 2
    fresh = served(c.serving(young), c.serving(of.total - young, c.rise))
    yield of.story("a model without a past has no regression", fresh, Expected(step=young + c.told))
    yield of.story("a varying model hides a small rise", _varying(of, c.rise), of.none)
    yield of.story("a varying model does not hide a doubling", _varying(of, 2.5), of.one)


def _told_otherwise(of: _Course) -> Iterator[Scenario]:
    """By request, of a node with gaps, in words, and by the agent itself."""
    silent = [replace(s, tells_tokens=False) for s in (of.steady, of.worse)]
    yield of.story(
        "a model without tokens is told of by request",
        served(*silent),
        Expected(step=of.at, alert=REQUESTS, where={"model": MODEL}, count=1),
        Expected(step=of.at, alert=TOKENS),
    )
    yield _gap(of)
    yield _said(of)
    found = {
        f'{metric}{{job="wattmark",instance="{NODE}",model="{MODEL}",model_version="v2",metric="j"}}': value
        for metric, value in (
            (names.REGRESSION_ACTIVE, parts(Part(5, 0, 0), Part(5, 0, 1))),
            (names.REGRESSION_RATIO, parts(Part(5, 0, 1), Part(5, 0, 1.1))),
        )
    }
    yield Scenario(
        name="what the agent finds itself is passed on",
        series=found,
        expected=[
            Expected(step=4, alert="WattmarkRegressionFound"),
            Expected(step=8, alert="WattmarkRegressionFound", count=1),
        ],
    )


def _varying(of: _Course, rise: float) -> dict[str, str]:
    """A model whose energy per token goes up and down by 15 % in stretches longer than the window."""
    c = of.clock
    length = 3 * c.window
    waves = [
        c.serving(min(length, of.before - start), 1.15 if start // length % 2 else 0.85)
        for start in range(0, of.before, length)
    ]
    return served(*waves, c.serving(of.after, rise))


def _gap(of: _Course) -> Scenario:
    step = of.clock.step
    gaps = parts(Part(of.before, 0), Part(of.after, step / 2))
    return Scenario(
        name="a node with gaps is told of, and left out of comparisons",
        series={**healthy(of.total, step, **{names.UNOBSERVED: gaps}), **served(of.steady, of.worse)},
        expected=[
            Expected(step=of.before, alert="WattmarkDeviceUnobserved"),
            Expected(step=of.at, alert="WattmarkDeviceUnobserved", count=1),
            Expected(step=of.at, alert=TOKENS),
        ],
    )


def _said(of: _Course) -> Scenario:
    """The words of the alert: how much, and that the release is new."""
    s = of.clock.settings
    rise, lasting = of.clock.rise, duration(s.window)
    limit = 0.1 * (1 + s.least_effect)
    text = {
        "summary": f"{MODEL} uses {rise * 100:.4g}% of its usual energy per output token",
        "description": f"{0.1 * rise:.3g} J per output token over {lasting}, against a median of 0.1 J "
        f"and a limit of {limit:.3g} J over the {duration(s.baseline)} before.",
        "changed": "share of release v2: +1.00; share of release v1: -1.00",
        "release": "v2",
        "runbook_url": f"{s.runbooks}#{TOKENS.lower()}",
    }
    where = {"model": MODEL, "attribution_rule": RULE, "severity": "page"}
    return of.story(
        "the alert names the release",
        served(of.steady, of.released),
        Expected(step=of.at, alert=TOKENS, where=where, count=1, annotations=text),
    )


def _waste_and_evidence(c: Clock) -> Iterator[Scenario]:
    s = c.settings
    long = c.steps(s.idle_hold) + 2 * c.window
    watts = max(2 * s.idle_watts, 1.0) * c.step
    idle = {names.ENERGY: parts(Part(long, watts)), names.DEVICE_IDLE: parts(Part(long, 0.95 * watts))}
    yield _one(c, "an idle device is told of", "WattmarkIdleWaste", long, long - 1, idle)
    small = {name: parts(Part(long, s.idle_watts * c.step * share)) for name, share in
             ((names.ENERGY, 0.9), (names.DEVICE_IDLE, 0.85))}  # fmt: skip
    yield _one(c, "a small idle device is not", "WattmarkIdleWaste", long, long - 1, small, count=0)
    down = c.steps(s.engine_down) + 5
    dead = {names.ENGINE_UP: parts(Part(5, 0, 1), Part(down, 0, 0))}
    yield _one(c, "an engine that is down is told of", "WattmarkEngineDown", down + 5, down + 4, dead)
    brief = {names.ENGINE_UP: parts(Part(5, 0, 1), Part(2, 0, 0), Part(down, 0, 1))}
    yield _one(c, "an engine that restarts is not", "WattmarkEngineDown", down + 5, 8, brief, count=0)
    wrong = {names.CONSERVATION: parts(Part(5, 0, 1e-15), Part(5, 0, 1000 * s.conservation))}
    yield _one(c, "shares that do not add up are told of at once", "WattmarkConservationError", 10, 6, wrong)
    lasting = c.window + c.hold + 5
    refused = {names.REFUSED: parts(Part(lasting, 60 * max(2 * s.refused, 0.01)))}
    yield _one(
        c, "requests that are refused are told of", "WattmarkRequestsRefused", lasting, lasting - 1, refused
    )
    none: dict[str, str] = {}
    yield _one(
        c, "requests that are taken are not", "WattmarkRequestsRefused", lasting, lasting - 1, none, count=0
    )


def _one(
    c: Clock, name: str, alert: str, steps: int, at: int, instead: dict[str, str], count: int = 1
) -> Scenario:
    """One alert on one node of which something is otherwise than usual."""
    return Scenario(
        name=name,
        series=healthy(steps, c.step, **instead),
        expected=[Expected(step=0, alert=alert), Expected(step=at, alert=alert, count=count)],
    )


def _agents(c: Clock) -> Iterator[Scenario]:
    s = c.settings
    stale = c.steps(s.stale) + 5
    stuck = {names.LAST_WINDOW: parts(Part(5, c.step), Part(stale, 0))}
    yield _one(
        c, "an agent that closes no window is told of", "WattmarkAgentStale", stale + 5, stale + 4, stuck
    )
    # A series is looked up for five minutes after its last sample, unless it is marked as stale.
    ends = f"{parts(Part(5, 0, 1))} stale _x{stale + 20}"
    gone = _one(c, "an agent that is gone is told of", "WattmarkAgentGone", stale + 20, stale + 10, {})
    series = {k: ends if k.startswith(names.AGENT_INFO) else v for k, v in gone.series.items()}
    yield replace(gone, series=series)
    late = c.steps(s.landed) + c.hold + 5
    lag = {names.LAST_LANDED: parts(Part(5, c.step), Part(late, 0))}
    yield _one(c, "a ledger that lags is told of", "WattmarkLedgerLag", late + 5, late + 4, lag)
    no_ledger = {names.LAST_LANDED: ""}
    yield _one(
        c, "an agent without a ledger is not", "WattmarkLedgerLag", late + 5, late + 4, no_ledger, count=0
    )
    grows = c.steps(s.spool_window) + c.hold + 5
    spool = {names.SPOOL_BYTES: parts(Part(grows, s.spool_bytes / 10, s.spool_bytes))}
    yield _one(c, "a spool that grows is told of", "WattmarkSpoolGrowing", grows, grows - 1, spool)
    shrinks = {names.SPOOL_BYTES: parts(Part(grows, -s.spool_bytes / 1000, 3 * s.spool_bytes))}
    yield _one(c, "a spool that shrinks is not", "WattmarkSpoolGrowing", grows, grows - 1, shrinks, count=0)


def _budgets(c: Clock) -> Iterator[Scenario]:
    s = c.settings
    if MODEL not in s.budgets:
        return
    planned = s.budgets[MODEL] / s.budget_period * c.step
    first = min(s.burns, key=lambda burn: burn.window)
    steps = c.steps(first.window) + 10
    burning = "WattmarkCarbonBudgetBurning"
    where = {"window": duration(first.window), "model": MODEL}

    def spent(name: str, rate: float, count: int) -> Scenario:
        serving = replace(c.serving(steps), grams=planned * rate)
        return Scenario(
            name=name,
            series={**healthy(steps, c.step), **served(serving)},
            expected=[Expected(step=steps - 1, alert=burning, where=where, count=count)],
        )

    fast = first.rate(s.budget_period)
    yield spent("a budget that burns as planned is left alone", 1.0, 0)
    yield spent("a budget that burns just within its limit is left alone", 0.95 * fast, 0)
    yield spent("a budget that burns too fast is told of", 1.05 * fast, 1)
    over = replace(c.serving(steps), grams=2 * s.budgets[MODEL] / steps)
    yield Scenario(
        name="a budget that is spent is told of",
        series={**healthy(steps, c.step), **served(over)},
        expected=[
            Expected(step=steps - 1, alert="WattmarkCarbonBudgetSpent", where={"model": MODEL}, count=1)
        ],
    )
    unknown = replace(c.serving(steps), grams=0.0)
    yield Scenario(
        name="energy without carbon is told of",
        series={**healthy(steps, c.step), **served(unknown), **served(c.serving(steps), model=OTHER)},
        expected=[
            Expected(step=steps - 1, alert="WattmarkCarbonUnknown", where={"model": MODEL}, count=1),
            Expected(step=steps - 1, alert="WattmarkCarbonUnknown", where={"model": OTHER}),
        ],
    )
