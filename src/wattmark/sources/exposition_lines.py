"""Lines of Prometheus's text format and of OpenMetrics: name, labels, value and time.

Formats: https://prometheus.io/docs/instrumenting/exposition_formats/ (times in milliseconds) and
https://prometheus.io/docs/specs/om/open_metrics_spec/ (times in seconds, ``# EOF`` at the end).
"""

from __future__ import annotations

import re
from collections.abc import Mapping

_LABELS = r'\{(?:[^"}]|"(?:\\.|[^"\\])*")*\}'
_SAMPLE = re.compile(
    rf"(?P<series>[a-zA-Z_:][a-zA-Z0-9_:.]*(?:[ \t]*{_LABELS})?|{_LABELS})[ \t]+(?P<value>\S+)"
    r"(?:[ \t]+(?P<at>[-+]?\d[\d.eE+-]*))?(?:[ \t]*#[ \t]*\{.*)?[ \t]*"
)
_LABEL = re.compile(
    r'\s*(?:(?P<name>[a-zA-Z_][a-zA-Z0-9_]*|"(?:\\.|[^"\\])*")\s*=\s*)?"(?P<value>(?:\\.|[^"\\])*)"\s*(?:,|$)'
)
_ESCAPED = re.compile(r"\\(.)")
_MEANT = {"n": "\n"}


def sample_of(line: str) -> tuple[str, float, str | None]:
    """The series as it is written, the value, and the time as it is written.

    Raises ValueError with what is wrong for a line that is no sample.
    """
    match = _SAMPLE.fullmatch(line)
    if match is None:
        raise ValueError('is no sample: name{label="value"} value [time]')
    try:
        value = float(match["value"].replace("_", "x"))
    except ValueError:
        raise ValueError(f"{match['value'][:40]!r} is no number") from None
    return match["series"], value, match["at"]


def series_of(text: str) -> tuple[str, Mapping[str, str]]:
    """Name and labels of a series. Raises ValueError for labels that are none.

    A name in quotes among the labels is the metric's: ``{"hw.energy", hw_id="1"}``.
    """
    name, _, inside = text.partition("{")
    name, inside = name.strip(), inside.removesuffix("}")
    labels: dict[str, str] = {}
    at = 0
    while at < len(inside) and inside[at:].strip():
        match = _LABEL.match(inside, at)
        if match is None:
            raise ValueError(f"{inside[at : at + 40]!r} is no label")
        at = match.end()
        value = _ESCAPED.sub(lambda m: _MEANT.get(m[1], m[1]), match["value"])
        if match["name"] is None:
            name = value
        else:
            labels[match["name"].strip('"')] = value
    if not name:
        raise ValueError("names no metric")
    return name, labels


def time_us(text: str, openmetrics: bool) -> int:
    """Microseconds since 1970 of a written time. Raises ValueError for one that is none."""
    seconds = float(text) if openmetrics else float(text) / 1e3
    us = round(seconds * 1e6)
    if not 0 < us < 1 << 56:
        wanted = "seconds" if openmetrics else "milliseconds"
        raise ValueError(f"{text} is no time in {wanted} since 1970")
    return us
