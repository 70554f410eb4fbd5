"""Badges: a small SVG of our own, and the JSON that shields.io draws one from."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from wattmark.reports.fitting import width_of
from wattmark.reports.label_facts import is_simulated, span
from wattmark.reports.label_svg import described, title_words, xml_safe
from wattmark.reports.quantities import number

STARS, ENERGY = "stars", "energy"
_COLOURS = {5: "#17663a", 4: "#3d6b12", 3: "#6b5d00", 2: "#8a4a00", 1: "#a3261d"}
"""By the worst of the stars; white text stands on each with a contrast of 5.5 and more."""
_GREY, LEFT_GREY = "#5b6468", "#2c3336"
_SIZE, _PAD, _HEIGHT = 11.0, 8.0, 20.0


def badge_words(document: Mapping[str, Any], shows: str = STARS) -> tuple[str, str, str]:
    """(left, right, colour of the right). Without stars it says so, in grey."""
    energy = document["wh_per_1000_queries"]
    if shows == ENERGY:
        right = "not known" if energy is None else f"{number(energy['value'])} Wh / 1k"
        if is_simulated(energy):
            right += " (simulated)"
        elif document["grade"]:
            right += f" (grade {document['grade']})"
        return "energy", right, _GREY if document["stars"] is None else _COLOURS[span(document)[0]]
    if document["stars"] is None:
        return "energy", "unrated", _GREY
    worst, best = span(document)
    many = f"{worst}-{best} stars" if worst != best else f"{worst} star{'s' if worst > 1 else ''}"
    return "energy", many, _COLOURS[worst]


def badge_svg(document: Mapping[str, Any], shows: str = STARS) -> str:
    """A badge of 20 px height."""
    left, right, colour = badge_words(document, shows)
    return badge_drawing(left, right, colour, title=title_words(document), described=described(document))


def badge_drawing(left: str, right: str, colour: str, *, title: str, described: str) -> str:
    """Words on grey, words on a colour. The text is stretched to the room that was estimated for it."""
    a, b = (round(width_of(words, _SIZE) + 2 * _PAD, 1) for words in (left, right))
    whole = f"{a + b:g}"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{whole}" height="{_HEIGHT:g}" role="img" '
        f'aria-label="{xml_safe(f"{left}: {right}")}" font-family="Verdana, \'DejaVu Sans\', sans-serif" '
        f'font-size="{_SIZE:g}" fill="#ffffff" text-anchor="middle">'
        f"<title>{xml_safe(title)}</title><desc>{xml_safe(described)}</desc>"
        f'<clipPath id="wm"><rect width="{whole}" height="{_HEIGHT:g}" rx="4"/></clipPath>'
        f'<g clip-path="url(#wm)"><rect width="{a:g}" height="{_HEIGHT:g}" fill="{LEFT_GREY}"/>'
        f'<rect x="{a:g}" width="{b:g}" height="{_HEIGHT:g}" fill="{colour}"/></g>'
        f'<text x="{a / 2:g}" y="14">{xml_safe(left)}</text>'
        f'<text x="{a + b / 2:g}" y="14">{xml_safe(right)}</text></svg>\n'
    )


def badge_json(document: Mapping[str, Any], shows: str = STARS) -> str:
    """The endpoint badge of shields.io: schemaVersion 1, label, message, color.

    Source: Shields.io, Endpoint Badge, https://shields.io/badges/endpoint-badge.
    """
    left, right, colour = badge_words(document, shows)
    told = {"schemaVersion": 1, "label": left, "message": right, "color": colour, "labelColor": LEFT_GREY}
    return json.dumps(told, ensure_ascii=False) + "\n"
