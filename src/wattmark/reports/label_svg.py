"""A label as SVG: 260 x 364, generic fonts, words for screen readers, and its own data inside."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from html import unescape
from typing import Any

from wattmark.core.known import SIMULATED
from wattmark.reports.fitting import cut, fitted, wrapped
from wattmark.reports.label_facts import is_simulated, span, stars_words
from wattmark.reports.leaderboard_charts import star_path
from wattmark.reports.quantities import number

WIDTH, HEIGHT = 260, 364
"""As AI Energy Score's label (its index.md, ``Label Specs.png``: 260 x 364 px)."""
SURE, PERHAPS, EMPTY = "#8a5a00", "#f3dfb4", "#ffffff"
"""Fill of stars that are sure, that the interval leaves open, and that were not earned."""
STARS_Y, STARS_R = 142.0, 15.0
STARS_X = (46.0, 88.0, 130.0, 172.0, 214.0)
_INK, _MUTED, _LINE, _BAND, _PAPER = "#16211f", "#55605c", "#cfd6d2", "#0b5a4f", "#ffffff"
_GRADES = {"A": "#17663a", "B": "#17663a", "C": "#0b5a4f", "D": "#7a4d00", "E": "#a3261d"}
_MEANING = {
    "A": "external meter",
    "B": "hardware counter",
    "C": "power sensor",
    "D": "a model, not measured",
    "E": "declared, not checked",
}
_SANS = "system-ui, 'Segoe UI', Roboto, 'Noto Sans', 'DejaVu Sans', sans-serif"
_LEFT, _RIGHT = 16.0, 244.0


def label_svg(document: Mapping[str, Any]) -> str:
    """The drawing of a label's document (``schema`` and all), which it carries in ``metadata``."""
    energy = document["wh_per_1000_queries"]
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{HEIGHT}" '
        f'viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-labelledby="wm-title wm-desc" '
        f'font-family="{_SANS}">',
        f'<title id="wm-title">{xml_safe(title_words(document))}</title>',
        f'<desc id="wm-desc">{xml_safe(described(document))}</desc>',
        f'<metadata id="wattmark-label">{xml_safe(as_text(document))}</metadata>',
        f'<rect x="1" y="1" width="{WIDTH - 2}" height="{HEIGHT - 2}" rx="12" fill="{_PAPER}" '
        f'stroke="{_BAND}" stroke-width="2"/>',
        f'<path d="M1 13a12 12 0 0 1 12-12h234a12 12 0 0 1 12 12v25H1Z" fill="{_BAND}"/>',
        _text(_LEFT, 26, "Energy of AI", 15, "#ffffff", weight=700),
        _text(_RIGHT, 26, "wattmark", 12, "#ffffff", anchor="end"),
        *_heading(document),
        *(_stars(document) if document["stars"] is not None else _unrated(document)),
        *_energy(energy),
        f'<path d="M{_LEFT} 240H{_RIGHT}" stroke="{_LINE}"/>',
        *_fields(document),
        *_foot(document),
        "</svg>",
    ]
    return "\n".join(lines) + "\n"


def as_text(document: Mapping[str, Any]) -> str:
    """The embedded twin: the document on one line."""
    return json.dumps(document, allow_nan=False, separators=(",", ":"))


_TWIN = re.compile(r'<metadata id="wattmark-label">(.*?)</metadata>', re.DOTALL)


def twin_of(svg: str) -> dict[str, Any] | None:
    """The document inside a label; None where there is none that can be read."""
    found = _TWIN.search(svg)
    if found is None:
        return None
    try:
        told = json.loads(unescape(found[1]))
    except (ValueError, RecursionError):
        return None
    return told if isinstance(told, dict) else None


def title_words(document: Mapping[str, Any]) -> str:
    """What a screen reader says first."""
    return f"Energy label of {document['model_id']}: {stars_words(document)}"


def described(document: Mapping[str, Any]) -> str:
    """The whole label in one sentence."""
    said = [
        f"Task {document['task_title']}",
        f"hardware {document['hardware']}",
        f"scored {document['scored'] or 'at a time that is not known'}",
        energy_words(document["wh_per_1000_queries"]) or "energy not known",
        f"boundary {document['boundary']}",
        f"grade {document['grade'] or 'none'}",
        f"validity {document['validity']['status']}",
        f"key {document['key_id']}",
    ]
    return "; ".join(said) + "."


def energy_words(energy: Mapping[str, Any] | None) -> str:
    """``10.0 Wh per 1,000 queries (9.50 to 10.5)``; empty where it is not known."""
    if energy is None:
        return ""
    between = between_words(energy)
    said = f"{number(energy['value'])} Wh per 1,000 queries" + (f" ({between})" if between else "")
    return f"{said}, {SIMULATED}" if is_simulated(energy) else said


def between_words(energy: Mapping[str, Any]) -> str:
    """``9.50 to 10.5``; empty where no interval is known."""
    ends = energy["interval_95"]
    if ends is None:
        return ""
    low, high = ends
    return f"{number(low)} to {'∞' if high is None else number(high)}" if low is not None else ""


def _heading(document: Mapping[str, Any]) -> list[str]:
    model, size = fitted(document["model"], (19, 17, 15, 13, 11.5), _RIGHT - _LEFT)
    provider = document["provider"] or "provider not stated"
    about = document["task_title"] + (f", class {document['model_class']}" if document["model_class"] else "")
    return [
        _text(_LEFT, 58, cut(provider, 11, _RIGHT - _LEFT), 11, _MUTED),
        _text(_LEFT, 80, model, size, _INK, weight=700),
        _text(_LEFT, 98, cut(about, 12, _RIGHT - _LEFT), 12, _INK),
        f'<path d="M{_LEFT} 109H{_RIGHT}" stroke="{_LINE}"/>',
    ]


def _stars(document: Mapping[str, Any]) -> list[str]:
    worst, best = span(document)
    made = []
    for i, x in enumerate(STARS_X):
        fill = SURE if i < worst else PERHAPS if i < best else EMPTY
        line = "#b9c0bc" if i >= best else SURE
        path = star_path(x, STARS_Y, STARS_R)
        made.append(f'<path d="{path}" fill="{fill}" stroke="{line}" stroke-width="1.2"/>')
    if document["origin"]["published"]:
        words = f"{stars_words(document)}, evidence not checked"
    elif worst != best:
        words = f"{worst} to {best} stars: the interval leaves it open"
    else:
        words = f"{worst} of 5 stars"
    return [*made, _text(130, 172, words, 10.5, _MUTED, anchor="middle")]


def _unrated(document: Mapping[str, Any]) -> list[str]:
    why = stars_words(document).removeprefix("unrated: ")
    lines = wrapped(why, 10.5, _RIGHT - _LEFT, 3)
    return [
        _text(130, 130, "unrated", 20, _INK, weight=700, anchor="middle"),
        *(_text(130, 146 + 13 * i, line, 10.5, _MUTED, anchor="middle") for i, line in enumerate(lines)),
    ]


def _energy(energy: Mapping[str, Any] | None) -> list[str]:
    if energy is None:
        return [_text(130, 208, "energy not known", 17, _INK, weight=700, anchor="middle")]
    between = between_words(energy)
    per = f"{'simulated' if is_simulated(energy) else 'inference'} energy per 1,000 queries"
    return [
        f'<text x="130" y="206" fill="{_INK}" font-size="26" font-weight="700" text-anchor="middle">'
        f'{xml_safe(number(energy["value"]))}<tspan font-size="14" dx="5">Wh</tspan></text>',
        _text(130, 219, per, 10.5, _MUTED, anchor="middle"),
        _text(130, 233, f"95 %: {between}" if between else "interval not known", 10.5, _INK, anchor="middle"),
    ]


def _fields(document: Mapping[str, Any]) -> list[str]:
    validity = document["validity"]
    codes = " ".join(dict.fromkeys(r["code"] for r in validity["reasons"]))
    rows = (
        ("Hardware", document["hardware"]),
        ("Scored", document["scored"] or "not known"),
        ("Boundary", document["boundary"]),
        ("Validity", f"{validity['status']}{': ' if codes else ''}{codes}"),
        ("Key", document["key_id"]),
    )
    made = []
    for i, (name, value) in enumerate(rows):
        y = 256 + 16 * i
        made.append(_text(_LEFT, y, name, 10.5, _MUTED))
        text, size = fitted(str(value), (11, 10, 9), _RIGHT - 78)
        made.append(_text(78, y, text, size, _INK))
    return made


def _foot(document: Mapping[str, Any]) -> list[str]:
    grade = document["grade"]
    link = (document["link"] or "").removeprefix("https://").removeprefix("http://")
    meaning = _MEANING.get(grade or "", "nothing measured")
    if is_simulated(document["wh_per_1000_queries"]):
        meaning = "simulated, nothing was measured"
    fill = _GRADES.get(grade or "", _MUTED)
    return [
        f'<rect x="{_LEFT}" y="331" width="22" height="20" rx="5" fill="{fill}"/>',
        _text(_LEFT + 11, 345.5, grade or "–", 13, "#ffffff", weight=700, anchor="middle"),
        _text(44, 340, f"grade: {meaning}", 9.5, _INK),
        _text(44, 352, cut(link or document["made_by"], 9.5, _RIGHT - 44), 9.5, _MUTED),
    ]


def _text(
    x: float, y: float, words: str, size: float, fill: str, *, weight: int = 400, anchor: str = ""
) -> str:
    bold = f' font-weight="{weight}"' if weight != 400 else ""
    placed = f' text-anchor="{anchor}"' if anchor else ""
    return (
        f'<text x="{x:g}" y="{y:g}" font-size="{size:g}" fill="{fill}"{bold}{placed}>{xml_safe(words)}</text>'
    )


_NOT_XML = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


def xml_safe(text: str) -> str:
    """Text for XML: signs escaped, and what XML 1.0 does not allow (2.2, Char) shown as a question mark."""
    plain = _NOT_XML.sub("�", text)
    return plain.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace('"', "&quot;")
