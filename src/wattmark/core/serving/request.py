"""One request to a model as it was observed, without a word of what was asked or answered."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from wattmark.core.errors import UsageError


class Rule(StrEnum):
    """How the energy of a device is divided at each moment among the requests that are active then.

    Figures of different rules are never compared (kpis.md, Shared machines).
    """

    TOKENS = "request_tokens"
    """By the tokens that each processes per second: input tokens until the first token comes, output tokens
    from there on."""
    EQUAL = "request_equal"
    """To each the same."""
    WEIGHT = "request_weight"
    """By a weight that each request declares."""
    ENGINE = "engine_tokens"
    """Among models, by the tokens that their engines counted between two looks; no request is known."""


class Phase(StrEnum):
    """Which part of a request's work: the input is read, then tokens are written one after the other."""

    PREFILL = "prefill"
    DECODE = "decode"
    WHOLE = "whole"
    """The time of the first token is not known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """Whose requests: what figures are grouped by. Empty where it is not known."""

    model: str = ""
    model_version: str = ""
    """The release that answered."""
    tenant: str = ""
    """For whom: a customer, team or key, as the gateway names it; never a person's name or a secret."""
    target: str = ""
    """Which server of the model answered: the name of an engine in the settings, or its address."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One request. Times are microseconds since 1970, UTC.

    Raises UsageError for times out of order and amounts below 0.
    """

    request_id: str = ""
    service: Service
    start_us: int
    """When the engine began to work on it; where only that is known, when it arrived."""
    first_token_us: int | None = None
    """When the first token came: the end of prefill. None: not known, or nothing streams."""
    end_us: int
    input_tokens: int | None = None
    """None: not known, which is no 0."""
    cached_input_tokens: int = 0
    """Those of the input that a cache spared the engine; a subset of the input tokens."""
    output_tokens: int | None = None
    weight: int | None = None
    """For Rule.WEIGHT."""
    failed: bool = False
    """It ended with an error or was cut off: its energy counts, the request does not."""

    def __post_init__(self) -> None:
        if not 0 <= self.start_us <= self.end_us:
            raise UsageError("a request must not end before it starts")
        if self.first_token_us is not None and not self.start_us <= self.first_token_us <= self.end_us:
            raise UsageError("the first token of a request comes between its start and its end")
        amounts = (self.input_tokens, self.cached_input_tokens, self.output_tokens, self.weight)
        if any(amount is not None and amount < 0 for amount in amounts):
            raise UsageError("a request has no fewer than 0 tokens, and no weight below 0")
        if self.input_tokens is not None and self.cached_input_tokens > self.input_tokens:
            raise UsageError("the cached input tokens of a request are among its input tokens")

    @property
    def turned_away(self) -> bool:
        """It failed and tells that no token was read or written: no model worked on it."""
        return self.failed and self.input_tokens == 0 and self.output_tokens == 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Placement:
    """Which devices a model runs on. Of several that fit a request, the one that says most holds."""

    model: str = ""
    target: str = ""
    """Empty: any."""
    devices: tuple[str, ...]
    """Device ids; a model in tensor parallel has several, and each is shared on its own."""
    reserved: float = 1.0
    """Share of these devices that is kept for the model: so much of their idle energy is charged to it.
    Models that share a device have shares that add up to 1 at most; the rest stays unallocated."""

    def __post_init__(self) -> None:
        if not 0.0 <= self.reserved <= 1.0:
            raise UsageError("a reserved share lies between 0 and 1")

    def fits(self, service: Service) -> int | None:
        """How much of the service it names, 0 to 2; None when it is about another one."""
        named = [
            (mine, theirs)
            for mine, theirs in ((self.model, service.model), (self.target, service.target))
            if mine
        ]
        return len(named) if all(mine == theirs for mine, theirs in named) else None


def placed(service: Service, placements: Sequence[Placement]) -> Placement | None:
    """Where a service runs: of the placements that fit it the one that says most, of equal ones the first."""
    fitting = [(fit, placement) for placement in placements if (fit := placement.fits(service)) is not None]
    return max(fitting, key=lambda pair: pair[0])[1] if fitting else None
