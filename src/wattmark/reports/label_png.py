"""A drawing as pixels, by resvg (a renderer of its own, no browser), with the label's document inside."""

from __future__ import annotations

import json
import struct
import zlib
from typing import Any

from wattmark.core.errors import MissingExtra, UsageError

SCALE = 2
"""Twice the size, for screens that show two pixels where there was one."""

SIGNATURE = b"\x89PNG\r\n\x1a\n"
KEYWORD = b"wattmark-label"
_END = 12
"""Bytes of the last chunk, IEND."""


def png_of(svg: str, *, scale: int = SCALE) -> bytes:
    """The drawing as PNG. Raises MissingExtra without resvg, UsageError where no font is installed."""
    try:
        import resvg_py
    except ImportError:
        raise MissingExtra("a PNG of a label", "label") from None
    if not _has_font():
        raise UsageError(
            "no font is installed here, so the PNG would have no words: install one (fonts-dejavu-core on "
            "Debian), or use the SVG"
        )
    return bytes(resvg_py.svg_to_bytes(svg_string=svg, zoom=scale, sans_serif_family=_FAMILY))


_FAMILY = "DejaVu Sans"
"""Where a drawing names only generic families; other fonts stand in where it is not installed."""


def with_twin(png: bytes, text: str) -> bytes:
    """The picture with a document in an ``iTXt`` chunk before its end (PNG, Third Edition, 11.3.3.4)."""
    body = KEYWORD + b"\0\0\0\0\0" + text.encode()
    chunk = struct.pack(">I", len(body)) + b"iTXt" + body + struct.pack(">I", zlib.crc32(b"iTXt" + body))
    return png[:-_END] + chunk + png[-_END:]


def png_twin(png: bytes) -> dict[str, Any] | None:
    """The document inside a picture; None where there is none that can be read."""
    place = len(SIGNATURE)
    while place + 8 <= len(png):
        length = struct.unpack(">I", png[place : place + 4])[0]
        kind, body = png[place + 4 : place + 8], png[place + 8 : place + 8 + length]
        if kind == b"iTXt" and body.startswith(KEYWORD + b"\0"):
            try:
                told = json.loads(body[len(KEYWORD) + 5 :])
            except (ValueError, RecursionError):
                return None
            return told if isinstance(told, dict) else None
        place += 12 + length
    return None


def _has_font() -> bool:
    """Whether a letter leaves a mark."""
    import resvg_py

    head = '<svg xmlns="http://www.w3.org/2000/svg" width="24" height="24">'
    text = '<text x="2" y="20" font-family="sans-serif" font-size="20">W</text>'
    with_text, without = (
        bytes(resvg_py.svg_to_bytes(svg_string=f"{head}{inside}</svg>", sans_serif_family=_FAMILY))
        for inside in (text, "")
    )
    return with_text != without
