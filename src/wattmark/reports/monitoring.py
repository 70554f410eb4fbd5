"""Rules, dashboards and checks of monitoring, for a terminal and as JSON."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol

from wattmark.reports.as_text import table


class Found(Protocol):
    """One thing that was looked at."""

    @property
    def what(self) -> str: ...
    @property
    def state(self) -> str: ...
    @property
    def says(self) -> str: ...


def checks_text(findings: Sequence[Found]) -> str:
    """A line for each."""
    return table(("what", "state", ""), [(f.what, str(f.state), f.says) for f in findings])


def checks_body(findings: Sequence[Found], worst: str) -> dict[str, Any]:
    """The body of a JSON document."""
    return {
        "state": str(worst),
        "findings": [{"what": f.what, "state": str(f.state), "says": f.says} for f in findings],
    }


def rules_body(groups: Mapping[str, Any], text: str) -> dict[str, Any]:
    """The body of a JSON document: the rules as a rule file holds them, and the file itself."""
    return {**groups, "file": text}


def dashboards_text(rows: Iterable[tuple[str, str, int, str]]) -> str:
    """File, title, panels, what it is for."""
    return table(("file", "title", "panels", ""), [(f, t, str(n), what) for f, t, n, what in rows])


def dashboards_body(rows: Iterable[tuple[str, str, int, str]]) -> dict[str, Any]:
    """The body of a JSON document."""
    return {"dashboards": [{"file": f, "title": t, "panels": n, "what": w} for f, t, n, w in rows]}
