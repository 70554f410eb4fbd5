"""How busy the devices of a ledger were: the KPI, and the rows that it is made from."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from wattmark.core.facts import Answer
from wattmark.core.listed import some
from wattmark.core.run import Utilisation
from wattmark.core.serving.utilisation import FoundUtilisation
from wattmark.reports.as_json import answer_json
from wattmark.reports.as_text import answer_text, bar, percent, table
from wattmark.reports.ledger_lists import Head

NOBODY = "no agent told how busy a device was; `wattmark agent --ledger` does, `wattmark kpis` asks runs"


def utilisation_text(head: Head, answer: Answer, found: FoundUtilisation, *, ascii_only: bool = False) -> str:
    """The KPI, and one line for each host, component and signal."""
    rows = [
        (
            row.component,
            row.signal,
            f"{row.provisioned_devices:g}",
            percent(row.mean),
            percent(min(row.windows_300s)) if row.windows_300s else "",
            str(len(row.windows_300s)),
            percent(found.coverage[row.component, row.signal]),
            bar(row.mean, 12, ascii_only=ascii_only),
        )
        for row in found.rows
    ]
    heads = ("component", "signal", "devices", "mean", "least window", "windows", "watched", "")
    lines = [f"Hardware Utilisation Efficiency  {answer_text(answer)}", ""]
    lines += [table(heads, rows), ""] if rows else [NOBODY, ""]
    lines.append(f"{some(found.hosts, 'host')}, {some(found.devices, 'device')}; {head}")
    return "\n".join(lines)


def utilisation_body(answer: Answer, found: FoundUtilisation) -> Mapping[str, Any]:
    """The KPI and its rows for JSON."""
    return {
        "hosts": found.hosts,
        "devices": found.devices,
        "first": _time(found.first_us),
        "last": _time(found.last_us),
        "efficiency": answer_json(answer),
        "rows": [_row(row, found.coverage[row.component, row.signal]) for row in found.rows],
    }


def _row(row: Utilisation, coverage: float) -> Mapping[str, Any]:
    return {
        "component": row.component,
        "signal": row.signal,
        "devices": row.provisioned_devices,
        "mean": row.mean,
        "coverage": coverage,
        "windows_300s": list(row.windows_300s),
    }


def _time(at_us: int | None) -> str | None:
    return None if at_us is None else f"{datetime.fromtimestamp(at_us / 1e6, UTC):%Y-%m-%dT%H:%M:%SZ}"
