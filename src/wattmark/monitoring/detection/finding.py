"""What the search for regressions has to say."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any

from wattmark.monitoring.detection.row import Key


class Kind(StrEnum):
    """What kind of news it is."""

    REGRESSION = "regression"
    """It costs more than the same load did."""
    IMPROVEMENT = "improvement"
    """It costs less than the same load did."""
    OVER = "over"
    """What was told before has ended."""
    TRAFFIC = "traffic"
    """The load is one that the baseline has not seen: no judgement, whatever the figure does."""
    NOT_COMPARABLE = "not_comparable"
    """It is measured or divided in another way than the baseline was."""
    STUCK = "stuck"
    """A reading stands still while the load does not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """Something that changed when the figure did, and how much of the change it explains."""

    what: str
    """``release``, ``requests_per_second``, ``input_tokens_per_request``, ``output_tokens_per_request``,
    ``company``, ``batch``, ``failed_share``, ``hardware``."""
    before: str | float
    after: str | float
    joules: float | None = None
    """Of the change of the figure, in its own unit. None: not to be told apart from ``rest``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One piece of news about one figure of one service."""

    kind: Kind
    key: Key
    metric: str
    at: float
    """When it was told: end of the last row, Unix seconds."""
    since: float
    """When it began, as far as can be said."""
    ratio: float | None = None
    """The figure over what it should be under the same load; None where nothing is compared."""
    interval: tuple[float, float] | None = None
    """At 95 %."""
    before: float | None = None
    """The figure in the good time just before."""
    after: float | None = None
    version: str = ""
    """The release that answers now."""
    causes: tuple[Cause, ...] = ()
    rest: float | None = None
    """Of the change what the load does not explain."""
    text: str = ""

    @property
    def news(self) -> bool:
        """Whether somebody should act."""
        return self.kind is Kind.REGRESSION

    def as_dict(self) -> dict[str, Any]:
        """Ready for JSON."""
        found: dict[str, Any] = asdict(self)
        key = found.pop("key")
        return {"kind": found.pop("kind").value, **key, **found}


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """How one figure stands."""

    key: Key
    metric: str
    status: str
    """``good``, ``regression``, ``improvement``, ``traffic``, ``learning``."""
    reason: str = ""
    version: str = ""
    ratio: float | None = None
    """Of the last quarter of an hour; None: nothing to hold against."""
    rows: int = 0
    lost: Mapping[str, int] = field(default_factory=dict)
    """Reason -> minutes that told nothing."""
