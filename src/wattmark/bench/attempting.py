"""Somebody's function as an attempt at a target: it trains or prepares, and tells how good it is."""

from __future__ import annotations

import hashlib
import inspect
from collections.abc import Callable, Mapping
from typing import Any

from wattmark.bench.asking import Attempted, QuerySet
from wattmark.bench.callable import why_of
from wattmark.bench.goal import Goal
from wattmark.core.bench.pinned import DatasetPin, ModelFacts, Pinned
from wattmark.core.errors import UsageError

KNOWN = ("seed", "tell")


class CallableAttempt:
    """Calls ``function(seed=..., tell=...)``, as far as it takes these two.

    ``tell(quality)`` notes the quality and answers whether the target is reached, so that the function can
    end; it may also just return its quality. What was told or returned last counts. Whatever it raises is a
    failed attempt, whose energy counts all the same.
    """

    def __init__(self, function: Callable[..., Any], goal: Goal, facts: ModelFacts) -> None:
        """Raises UsageError where the function wants anything else."""
        self._function = function
        self._takes = _taken(function)
        self._goal = goal
        self._facts = facts

    @property
    def facts(self) -> ModelFacts:
        """What the caller said of it."""
        return self._facts

    def run(self, seed: int, tell: Callable[[float], None]) -> Attempted:
        """One attempt, whole."""
        told: list[float] = []

        def heard(quality: float) -> bool:
            told.append(float(quality))
            tell(told[-1])
            return self._goal.met(told[-1])

        given = {name: value for name, value in (("seed", seed), ("tell", heard)) if name in self._takes}
        try:
            returned = self._function(**given)
            if isinstance(returned, int | float) and not isinstance(returned, bool):
                heard(returned)
        except (Exception, SystemExit) as error:  # noqa: BLE001 - whatever it raises is a failed attempt
            why = why_of(error)
            return Attempted(quality=told[-1] if told else None, reached=False, why_not=why)
        return ended(self._goal, told[-1] if told else None)

    def close(self) -> None:
        """The function is its owner's."""


def own_data(stated: str) -> QuerySet:
    """The data of a function, which it loads itself: known by what is stated of it (``--pin data=...``).

    Nothing stated is unknown data, and equal to no other. Its one row is the attempt.
    """
    sha256 = hashlib.sha256(f"stated: {stated}".encode()).hexdigest() if stated else ""
    pin = DatasetPin(
        name="the function's own", revision=stated or "not stated", sha256=sha256, rows=1, synthetic=False
    )
    return QuerySet(pin=pin, queries=())


def own_pinned(task: str, data: QuerySet, seed: int, options: Mapping[str, str]) -> Pinned:
    """What is fixed of a function's attempts. Raises UsageError where no target is given."""
    if "target" not in options:
        raise UsageError(f"{task}: say when it is done, e.g. --target 'accuracy>=0.95'")
    goal = Goal.pinned({"quality": "quality", **options})
    return Pinned(
        task=task,
        dataset=data.pin,
        queries=1,
        seed=seed,
        dtype="not known",
        sampling="none",
        options={"quality": goal.quality, "target": str(goal), "data": data.pin.revision},
    )


def ended(goal: Goal, quality: float | None, after: str = "") -> Attempted:
    """How an attempt ended that came to this quality; ``after`` says what bounded it."""
    if goal.met(quality):
        return Attempted(quality=quality, reached=True)
    seen = "never looked at" if quality is None else f"{quality:.4g}"
    why = f"{goal.quality} {seen}, wanted {goal}"
    return Attempted(quality=quality, reached=False, why_not=f"{why} after {after}" if after else why)


def _taken(function: Callable[..., Any]) -> tuple[str, ...]:
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return ()
    if any(p.kind is p.VAR_KEYWORD for p in parameters):
        return KNOWN
    names = [p.name for p in parameters if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)]
    wanted = [p.name for p in parameters if p.default is p.empty and p.kind is not p.VAR_POSITIONAL]
    strange = sorted(set(wanted) - set(KNOWN))
    if strange:
        raise UsageError(f"--callable: the function wants {strange[0]!r}; it is given {', '.join(KNOWN)}")
    return tuple(name for name in names if name in KNOWN)
