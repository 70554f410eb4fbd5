"""``wattmark regressions --live``: what an agent's own search for regressions says."""

from __future__ import annotations

import click

from wattmark.core.errors import EvidenceError

ACTIVE, RATIO = "wattmark_regression_active", "wattmark_regression_ratio"


def print_live(url: str, model: str | None, as_json: bool) -> int:
    """Print what the agent says; the exit code. Raises EvidenceError for what is no agent's page."""
    from wattmark.agent.client import AgentClient, agent_url
    from wattmark.reports.as_json import document
    from wattmark.reports.as_text import table
    from wattmark.sources.exposition_lines import sample_of, series_of

    client = AgentClient(agent_url(url))
    try:
        text = client.get("/metrics").decode("utf-8", "replace")
    finally:
        client.close()
    found: dict[tuple[str, str, str], dict[str, float]] = {}
    for line in text.splitlines():
        if not line.startswith((ACTIVE, RATIO)):
            continue
        try:
            series, value, _ = sample_of(line)
            name, labels = series_of(series)
        except ValueError as error:
            raise EvidenceError(url, f"shows a line that is no metric: {line!r} ({error})") from None
        key = (labels.get("model", ""), labels.get("model_version", ""), labels.get("metric", ""))
        if model is None or key[0] == model:
            found.setdefault(key, {})[name] = value
    rows = [
        {
            "model": m,
            "model_version": v,
            "metric": metric,
            "active": of.get(ACTIVE) == 1.0,
            "ratio": of.get(RATIO),
        }
        for (m, v, metric), of in sorted(found.items())
    ]
    if as_json:
        click.echo(document("regressions-live", 1, {"figures": rows}))
    elif not rows:
        click.echo("The agent says nothing of regressions: it has not learnt enough, or does not search.")
    else:
        shown = [
            (
                r["model"],
                r["model_version"],
                r["metric"],
                "" if r["ratio"] is None else f"{float(str(r['ratio'])) - 1.0:+.1%}",
                "regression" if r["active"] else "good",
            )
            for r in rows
        ]
        click.echo(table(("model", "release", "figure", "to expected", "status"), shown))
    if not rows:
        return 3
    return 1 if any(r["active"] for r in rows) else 0
