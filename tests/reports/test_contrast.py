"""Colours of the page, in light and in dark."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import wattmark.reports

CSS = (Path(wattmark.reports.__file__).parent / "templates" / "report.css").read_text(encoding="utf-8")
ROOTS = re.findall(r":root \{(.*?)\}", CSS, re.S)[:2]
MODES = [dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6})", root)) for root in ROOTS]
TEXT = [
    *(("ink", paper) for paper in ("bg", "card")),
    *(("muted", paper) for paper in ("bg", "card", "soft")),
    *(("accent", paper) for paper in ("bg", "card", "accent-soft")),
    *(("warn", paper) for paper in ("card", "warn-soft")),
    ("good", "good-soft"),
    ("bad", "bad-soft"),
]


def luminance(colour: str) -> float:
    """Relative luminance of an sRGB colour (WCAG 2.2, definition of relative luminance)."""
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(a: str, b: str) -> float:
    """Contrast ratio of two colours, 1 to 21 (WCAG 2.2, definition of contrast ratio)."""
    dark, light = sorted((luminance(a), luminance(b)))
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("mode", MODES, ids=["light", "dark"])
def test_text_can_be_read_and_areas_told_from_the_page(mode: dict[str, str]) -> None:
    """Text has a contrast of 4.5 or more (WCAG 2.2, 1.4.3), areas of charts 3 or more (1.4.11)."""
    assert [pair for pair in TEXT if contrast(mode[pair[0]], mode[pair[1]]) < 4.5] == []
    areas = [name for name in mode if name.startswith("c-")]
    assert len(areas) == 12
    assert [name for name in areas if contrast(mode[name], mode["card"]) < 3.0] == []
