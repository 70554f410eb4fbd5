"""Figures and waivers as decisions hold them: plain, finite, ready for JSON."""

from __future__ import annotations

import math
from collections.abc import Mapping

from wattmark.core.facts import Answer
from wattmark.core.figure import Figure
from wattmark.core.governance.decision import Shown, ShownWaiver
from wattmark.core.governance.waiver import JudgedWaiver


def shown(figure: Figure, interval: tuple[float, float] | None = None) -> Shown | None:
    """A figure as it is stored, with its own interval or another; None for one that is not finite."""
    if not math.isfinite(figure.value):
        return None
    low, high = figure.interval if interval is None else interval
    return Shown(
        value=figure.value,
        unit=figure.unit,
        low=_finite(low),
        high=_finite(high),
        grade=str(figure.grade or ""),
        coverage=figure.coverage,
    )


def shown_answer(answer: Answer | None, interval: tuple[float, float] | None = None) -> Shown | None:
    """As ``shown``; None where there is no figure."""
    return shown(answer, interval) if isinstance(answer, Figure) else None


def shown_figures(answers: Mapping[str, Answer]) -> dict[str, Shown]:
    """All answers that are figures."""
    found = {name: shown_answer(answer) for name, answer in answers.items()}
    return {name: figure for name, figure in found.items() if figure is not None}


def shown_waiver(judged: JudgedWaiver, note: str = "") -> ShownWaiver:
    """A waiver beside the rule that it is for."""
    waiver = judged.waiver
    approved = judged.counted or tuple(approval.by for approval in waiver.approvals)
    return ShownWaiver(
        id=waiver.id,
        state=judged.state.value,
        owner=waiver.owner,
        ticket=waiver.ticket,
        reason=waiver.reason,
        requested_by=str(waiver.requested_by),
        approved_by=tuple(str(who) for who in approved),
        verified=waiver.requested_by.verified and bool(approved) and all(who.verified for who in approved),
        expires=waiver.expires.isoformat() if waiver.expires else "",
        cap=waiver.cap,
        digest=judged.digest,
        note=note,
    )


def _finite(end: float) -> float | None:
    return end if math.isfinite(end) else None
