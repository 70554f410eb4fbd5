"""A decision as a badge: a drawing of our own, or what shields.io draws one from."""

from __future__ import annotations

import json

from wattmark.core.governance.decision import Decision, Shown, Standing
from wattmark.reports.ci.words import STANDING_WORDS, counted, headline, one_line
from wattmark.reports.label_badge import LEFT_GREY, badge_drawing
from wattmark.reports.quantities import number

COLOURS = {
    Standing.PASS: "#17663a",
    Standing.WARNING: "#6b5d00",
    Standing.FAILED: "#a3261d",
    Standing.INCOMPLETE: "#5b6468",
}
"""White text stands on each with a contrast of 5.5 and more."""


def badge_words(decision: Decision) -> tuple[str, str]:
    """(left, right): the verdict, the score with half its interval, the stars, where they are known."""
    waived = any(rule.standing is Standing.WAIVED for rule in decision.rules)
    told = [STANDING_WORDS[decision.standing] + (" (waived)" if waived and not decision.exit_code else "")]
    if decision.score is not None:
        told.append(f"score {_about(decision.score)}")
    if decision.stars:
        told.append(f"{one_line(decision.stars, 5)} stars")
    return "energy gate", " · ".join(told)


def badge_svg(decision: Decision) -> str:
    """20 px high, without any font or address from elsewhere."""
    left, right = badge_words(decision)
    return badge_drawing(
        left,
        right,
        _colour(decision),
        title=f"wattmark gate: {headline(decision)}",
        described=f"{counted(decision)}; decided {decision.decided_at}",
    )


def badge_endpoint(decision: Decision) -> str:
    """The endpoint badge of shields.io, schemaVersion 1 (https://shields.io/badges/endpoint-badge)."""
    left, right = badge_words(decision)
    told = {
        "schemaVersion": 1,
        "label": left,
        "message": right,
        "color": _colour(decision),
        "labelColor": LEFT_GREY,
        "isError": decision.exit_code != 0,
    }
    return json.dumps(told, ensure_ascii=False, allow_nan=False) + "\n"


def _colour(decision: Decision) -> str:
    return COLOURS.get(decision.standing, COLOURS[Standing.INCOMPLETE])


def _about(shown: Shown) -> str:
    grade = f", grade {one_line(shown.grade, 2)}" if shown.grade else ""
    if shown.low is None or shown.high is None:
        return f"{number(shown.value)} (interval not known{grade})"
    return f"{number(shown.value)} ({number(shown.low)}-{number(shown.high)}{grade})"
