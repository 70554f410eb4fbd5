"""Whether a result may be trusted with a rating, and every reason why not."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class Status(StrEnum):
    """How much a result is worth."""

    VALID = "valid"
    PROVISIONAL = "provisional"
    INVALID = "invalid"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """Why a result is not valid. A code keeps its meaning; ``docs/bench/validity.md`` has them all."""

    code: str
    """e.g. ``window_too_short``."""
    status: Status
    """What it makes of the result: provisional or invalid."""
    text: str
    """What was seen and what was asked for, in one sentence with numbers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Validity:
    """The worst of all reasons decides."""

    status: Status
    reasons: tuple[Reason, ...] = ()


def validity_of(reasons: Iterable[Reason]) -> Validity:
    """Valid without a reason against it; else as bad as the worst."""
    found = tuple(reasons)
    if any(r.status is Status.INVALID for r in found):
        return Validity(status=Status.INVALID, reasons=found)
    return Validity(status=Status.PROVISIONAL if found else Status.VALID, reasons=found)
