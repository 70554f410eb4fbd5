"""Whether a label says what its result says: what is drawn, what it holds for machines, and its stars."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from html import unescape
from typing import Any

from wattmark.core.bench.key import Key
from wattmark.core.stars.anchored import MODE as ANCHORED
from wattmark.core.stars.anchored import stars_at
from wattmark.reports.label_svg import label_svg

CLOSE = 1e-9
"""Relative difference that writing a number and reading it again may make."""
NOT_COMPARED = ("link", "made_by")
"""Fields that may differ between a label and one made from its result now."""
_WORDS = re.compile(r"<(?:title|desc|text|tspan)\b[^>]*>([^<]*)")
_STARS = re.compile(r'<path d="M[^"]*" fill="(#[0-9a-f]{6})" stroke="#[0-9a-f]{6}" stroke-width="1.2"/>')


def drawn_faults(svg: str, document: Mapping[str, Any]) -> list[str]:
    """Where a drawing shows other words or stars than the document inside it."""
    try:
        fresh = label_svg(document)
    except (KeyError, TypeError, ValueError, IndexError) as error:
        return [f"the document inside is no label's: {type(error).__name__} {error}"]
    if svg == fresh:
        return []
    found = [
        f"it shows {shown!r}, its document says {asked!r}"
        for shown, asked in _pairs(_WORDS.findall(svg), _WORDS.findall(fresh))
        if shown != asked
    ]
    if _STARS.findall(svg) != _STARS.findall(fresh):
        found.append("the stars that are drawn are not those of its document")
    return found or ["it is drawn otherwise than its document asks for (edited, or by another version)"]


def inner_faults(document: Mapping[str, Any]) -> list[str]:
    """Where the fields of a label contradict each other: units, key, interval, stars by the index."""
    return [
        *_unit_faults(document),
        *_key_faults(document),
        *_stars_faults(document),
    ]


def differences(stated: Mapping[str, Any], fresh: Mapping[str, Any]) -> list[str]:
    """Fields in which a label and the one made from its result now are not equal."""
    return [
        f"{place}: the label says {ours}, the result gives {theirs}"
        for name in dict.fromkeys((*stated, *fresh))
        if name not in NOT_COMPARED
        for place, ours, theirs in _differ(name, stated.get(name), fresh.get(name))
    ]


def _differ(place: str, a: Any, b: Any) -> Iterator[tuple[str, Any, Any]]:
    if isinstance(a, Mapping) and isinstance(b, Mapping):
        for name in dict.fromkeys((*a, *b)):
            yield from _differ(f"{place}.{name}", a.get(name), b.get(name))
    elif isinstance(a, list) and isinstance(b, list) and len(a) == len(b):
        for i, (x, y) in enumerate(zip(a, b, strict=True)):
            yield from _differ(f"{place}[{i}]", x, y)
    elif not _equal(a, b):
        yield place, a, b


def _equal(a: Any, b: Any) -> bool:
    numbers = all(isinstance(x, (int, float)) and not isinstance(x, bool) for x in (a, b))
    return math.isclose(a, b, rel_tol=CLOSE) if numbers else bool(a == b)


def _unit_faults(document: Mapping[str, Any]) -> list[str]:
    wh, joules = document.get("wh_per_1000_queries"), document.get("joules_per_query")
    if not isinstance(wh, Mapping) or not isinstance(joules, Mapping):
        return [] if wh is joules is None else ["its energy is stated in one unit only"]
    if not _equal(wh.get("value"), _wh(joules.get("value"))):
        return [f"{wh.get('value')} Wh per 1,000 queries are not {joules.get('value')} J per query"]
    ends = wh.get("interval_95")
    if isinstance(ends, list) and None not in ends and not ends[0] <= wh["value"] <= ends[1]:
        return [f"its energy {wh['value']} lies outside of its interval {ends}"]
    return []


def _wh(joules: Any) -> Any:
    return joules * 1000 / 3600 if isinstance(joules, (int, float)) else None


def _key_faults(document: Mapping[str, Any]) -> list[str]:
    try:
        made = Key(**document["key"]).id
    except (KeyError, TypeError):
        return ["its comparability key is not whole"]
    return (
        [] if made == document.get("key_id") else [f"key_id {document.get('key_id')} is not that of its key"]
    )


def _stars_faults(document: Mapping[str, Any]) -> list[str]:
    """In anchored mode E_ref = E / index; with it the interval gives the stars again."""
    stars, span = document.get("stars"), document.get("stars_interval")
    if stars is None:
        return [] if document.get("stars_reason") else ["it has no stars and no reason why"]
    if document.get("grade") not in ("A", "B", "C") and document.get("stars_mode") == ANCHORED:
        return [f"stars for grade {document.get('grade')}: only A to C earn them"]
    index, joules = document.get("index"), document.get("joules_per_query")
    if document.get("stars_mode") != ANCHORED or not index or not isinstance(joules, Mapping):
        return []
    low, high = joules.get("interval_95") or (joules["value"], joules["value"])
    reference = joules["value"] / index
    worst = 1 if high is None else stars_at(high / reference)
    best = 5 if low is None else stars_at(max(0.0, low) / reference)  # nothing is known to be less
    if stars == worst and span in ([worst, best], None):
        return []
    return [f"its energy over its reference gives {worst} to {best} stars, it says {stars} ({span})"]


def _pairs(shown: list[str], asked: list[str]) -> Iterator[tuple[str, str]]:
    long = max(len(shown), len(asked))
    padded = [[*map(unescape, words), *[""] * (long - len(words))] for words in (shown, asked)]
    return zip(*padded, strict=True)
