"""How much a request weighs at each moment: whole numbers, so that the weight of nothing is exactly 0.

The energy of a moment is divided among the requests that are active then, in the ratio of their weights. A
weight is a whole number, a rate of tokens in fixed point: sums of floating-point weights do not return to 0
when the last request ends, and idle energy would be taken for work.

Rule.TOKENS weighs the stretch from start to first token with (input tokens - cached ones) / its length, and
the stretch from first token to end with output tokens / its length; a request whose first token is not known,
or one of whose stretches has no length, is one stretch with all its tokens. Rule.EQUAL weighs each the same,
Rule.WEIGHT by what each request declares. What a request does not tell is taken from the mean of its service
(of all services, failing that) and said so; it is never 0. A request that is active weighs something even
when it tells of no tokens at all: energy while it runs is not idle energy.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import NamedTuple

from wattmark.core.errors import UsageError
from wattmark.core.serving.request import Phase, Request, Rule, Service

SCALE = 1 << 16
"""What a rate of one output token per second weighs; so fine that a token per minute is known to 0.05 %."""
UNIT = 1 << 10
"""What one output token counts in sums of work; an input token counts its relative cost times this."""
HEAVIEST = 1 << 44
"""No rate weighs more (268 million tokens/s): half a million such requests still add up in 64 bits."""
MOST_WORK = 1 << 37
"""No stretch holds more (134 million output tokens), so that its weight is computed in 64 bits."""
PER_UNIT = SCALE // UNIT * 1_000_000
"""What one unit of work in a microsecond weighs."""

LARGEST_COST = 64.0


def rate(work: int, length_us: int) -> int:
    """The weight of so much work (tokens times UNIT) over a length of time above 0; at least 1."""
    weight = (min(work, MOST_WORK) * PER_UNIT + length_us // 2) // length_us
    return min(HEAVIEST, max(1, weight))


def declared(weight: int) -> int:
    """What a declared weight weighs; a declared 0 takes next to nothing, and all when it is alone."""
    return min(HEAVIEST, max(1, weight * SCALE))


class Stretch(NamedTuple):
    """A part of a request's time, with the work that was done in it; None: not known."""

    phase: Phase
    start_us: int
    end_us: int
    work: int | None


class Weighed(NamedTuple):
    """A part of a request's time in which it weighs the same throughout."""

    phase: Phase
    start_us: int
    end_us: int
    weight: int


@dataclass(slots=True)
class Means:
    """What requests of each service weigh on average, learned from those that tell it.

    Adding is exact (whole numbers), so the order in which requests come makes no difference.
    """

    _sums: dict[tuple[Service | None, Phase], list[int]] = field(
        default_factory=lambda: defaultdict(lambda: [0, 0])
    )
    _weights: dict[Service | None, list[int]] = field(default_factory=lambda: defaultdict(lambda: [0, 0]))

    def learn(self, service: Service, phase: Phase, work: int, length_us: int) -> None:
        """Take in work of a service (or of many of its requests) over so many microseconds."""
        for key in ((service, phase), (None, phase)):
            sums = self._sums[key]
            sums[0] += work
            sums[1] += length_us

    def learn_weight(self, service: Service, weights: int, requests: int = 1) -> None:
        """Take in the declared weights of so many requests, added up."""
        for key in (service, None):
            sums = self._weights[key]
            sums[0] += weights
            sums[1] += requests

    def rate_of(self, service: Service, phase: Phase) -> int:
        """The mean weight of a phase: of the service, else of all, else one token per second."""
        for key in ((service, phase), (None, phase)):
            work, length_us = self._sums.get(key, (0, 0))
            if work and length_us:
                return min(HEAVIEST, max(1, (work * PER_UNIT + length_us // 2) // length_us))
        return SCALE

    def weight_of(self, service: Service) -> int:
        """The mean declared weight: of the service, else of all, else 1."""
        for key in (service, None):
            total, count = self._weights.get(key, (0, 0))
            if count:
                return min(HEAVIEST, max(1, (total * SCALE + count // 2) // count))
        return SCALE


@dataclass(frozen=True, slots=True)
class Weighing:
    """How requests are weighed. Raises UsageError for a rule without requests and for impossible costs."""

    rule: Rule = Rule.TOKENS
    input_cost: float = 1.0
    """What reading an input token costs against writing an output token, as declared for the models at hand.
    The default of 1 counts tokens alike. Reading one is usually cheaper: it is read in parallel with others
    (Patel et al., Splitwise, ISCA 2024, https://arxiv.org/abs/2311.18677, measure both phases)."""

    def __post_init__(self) -> None:
        if self.rule is Rule.ENGINE:
            raise UsageError("the rule engine_tokens knows no requests: take request_tokens")
        if not 0.0 <= self.input_cost <= LARGEST_COST:
            raise UsageError(
                f"the cost of an input token lies between 0 and {LARGEST_COST:.0f} output tokens"
            )

    @property
    def input_units(self) -> int:
        """What one input token counts in sums of work."""
        return round(self.input_cost * UNIT)

    @property
    def others(self) -> tuple[Rule, ...]:
        """The rules that could as well be taken: how far they move a figure is its error of the rule."""
        return {Rule.TOKENS: (Rule.EQUAL,), Rule.EQUAL: (Rule.TOKENS,)}.get(
            self.rule, (Rule.TOKENS, Rule.EQUAL)
        )

    def stretches(self, request: Request) -> tuple[Stretch, ...]:
        """The parts of a request's time, with the work of each; none of a request without length."""
        start, first, end = request.start_us, request.first_token_us, request.end_us
        read = written = None
        if request.input_tokens is not None:
            read = (request.input_tokens - request.cached_input_tokens) * self.input_units
        if request.output_tokens is not None:
            written = request.output_tokens * UNIT
        if start == end:
            return ()
        if first is None or first in (start, end):
            work = None if read is None or written is None else read + written
            return (Stretch(Phase.WHOLE, start, end, work),)
        return (Stretch(Phase.PREFILL, start, first, read), Stretch(Phase.DECODE, first, end, written))

    def learn(self, request: Request, means: Means) -> None:
        """Take in what a request tells, for those that do not. One that was turned away tells nothing."""
        if request.turned_away:
            return
        known = self.stretches(request)
        for part in known:
            if part.work is not None:
                means.learn(request.service, part.phase, part.work, part.end_us - part.start_us)
        if len(known) == 2 and None not in (known[0].work, known[1].work):
            work = (known[0].work or 0) + (known[1].work or 0)
            means.learn(request.service, Phase.WHOLE, work, request.end_us - request.start_us)
        if request.weight is not None:
            means.learn_weight(request.service, request.weight)

    def weighed(self, request: Request, means: Means, rule: Rule | None = None) -> tuple[Weighed, ...]:
        """The parts of a request's time and what it weighs in each, by this rule or another one."""
        rule = rule or self.rule
        return tuple(
            Weighed(part.phase, part.start_us, part.end_us, self._weight(request, part, means, rule))
            for part in self.stretches(request)
        )

    def mean(self, service: Service, means: Means, rule: Rule | None = None) -> int:
        """What a request weighs of which nothing is known yet but its service."""
        rule = rule or self.rule
        if rule is Rule.EQUAL:
            return SCALE
        return means.weight_of(service) if rule is Rule.WEIGHT else means.rate_of(service, Phase.WHOLE)

    def estimated(self, request: Request) -> bool:
        """Whether the request leaves out what the rule weighs it by, so that a mean stands in."""
        if self.rule is Rule.EQUAL:
            return False
        if self.rule is Rule.WEIGHT:
            return request.weight is None
        return any(part.work is None for part in self.stretches(request))

    def _weight(self, request: Request, part: Stretch, means: Means, rule: Rule) -> int:
        if rule is Rule.EQUAL:
            return SCALE
        if rule is Rule.WEIGHT:
            return means.weight_of(request.service) if request.weight is None else declared(request.weight)
        if part.work is None:
            return means.rate_of(request.service, part.phase)
        return rate(part.work, part.end_us - part.start_us)
