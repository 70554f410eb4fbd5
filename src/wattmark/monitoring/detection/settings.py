"""What the search for regressions asks for before it speaks."""

from __future__ import annotations

from dataclasses import dataclass

from wattmark.core.errors import UsageError

DAY = 86_400.0
LEAST = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How sure, how much, how soon. Raises UsageError for impossible values."""

    least: float = LEAST
    """The smallest rise that is worth an alert, relative."""
    learn_seconds: float = DAY
    """How long a model is watched before anything is said of it."""
    learn_rows: int = 250
    """... and so many rows at the least: two and a half days of quarters of an hour."""
    keep_seconds: float = 14 * DAY
    """A baseline grows until it is so long, and stays as it is from then on."""
    years_between: float = 10.0
    """False alarms are to be no more frequent than one in so many years for each model, as far as its own
    past can tell."""
    block_requests: float = 40.0
    """Minutes are put together until so many requests have ended in them ..."""
    block_seconds: float = 900.0
    """... or so much time has passed."""
    by_tenant: bool = False
    """Watch each tenant of a model as well as the model."""

    def __post_init__(self) -> None:
        if not 0.0 < self.least < 1.0:
            raise UsageError("the smallest rise lies between 0 and 1, e.g. 0.05 for 5 %")
        if self.learn_seconds < 3600.0 or self.keep_seconds < self.learn_seconds:
            raise UsageError("a baseline is learnt for an hour or more, and kept for no less than that")
        if (
            self.years_between <= 0.0
            or self.learn_rows < 60
            or self.block_requests < 1.0
            or self.block_seconds < 60.0
        ):
            raise UsageError(
                "years between alarms are above 0; a baseline has 60 rows, a block 1 request and 60 s or more"
            )
