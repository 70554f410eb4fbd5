"""``wattmark engines``: which serving engines are known, and what the ones that run say of themselves."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, Any

import click

from wattmark.cli.options import json_option

if TYPE_CHECKING:
    from wattmark.core.serving.engine import Counted, EngineDelta, EngineReading, Load, Look
    from wattmark.engines.scrape import Scraper
    from wattmark.engines.table import EngineKind

    Looked = list[tuple[str, Look, EngineDelta | None]]
    """Target, the last look at it, and what it did between two looks."""

LOOK_FAILED = 3
"""Exit code when an engine could not be looked at, or none was found."""
SHORT = {
    "requests": "req",
    "failed": "fail",
    "input_tokens": "in",
    "cached_input_tokens": "cached",
    "output_tokens": "out",
    "prefill_seconds": "prefill",
    "decode_seconds": "decode",
    "flop": "flop",
    "running": "run",
    "waiting": "wait",
    "kv_cache_usage": "kv",
}
"""Quantities as the heads of narrow columns."""
RATES = {"requests": "req/s", "failed": "failed/s", "input_tokens": "in tok/s", "output_tokens": "out tok/s"}


@click.command()
@click.argument("urls", nargs=-1, metavar="[URL]...")
@click.option("--here", is_flag=True, help="Look at every engine that is found on this machine.")
@click.option(
    "--seconds", type=click.FloatRange(min=0.1), help="Look twice, so long apart, and give what was done."
)
@click.option("--timeout", default=2.0, show_default=True, type=click.FloatRange(min=0.01), help="Seconds.")
@click.option("--cafile", help="Certificate of an engine, where no authority has signed it.")
@json_option
def command(
    urls: tuple[str, ...],
    here: bool,
    seconds: float | None,
    timeout: float,
    cafile: str | None,
    as_json: bool,
) -> int:
    """Say what serving engines tell: without URL which ones are known, with one what it says now.

    URL is an engine's address, http://host:8000; its metrics are looked for where engines have them, or at
    the path that is given. Exit code: 0, or 3 when a look failed.
    """
    from wattmark.engines.scrape import open_scraper

    if here:
        urls = (*urls, *(url for url in _found() if url not in urls))
    if not urls and not here:
        click.echo(_table_json() if as_json else _table())
        return 0
    scrapers = [open_scraper(url, os.environ, timeout_seconds=timeout, cafile=cafile) for url in urls]
    looked = _looked(scrapers, seconds)
    click.echo(_looks_json(looked) if as_json else _looks(looked))
    return 0 if looked and all(_good(look) for _, look, _ in looked) else LOOK_FAILED


def _found() -> list[str]:
    """Addresses of what runs here and may show metrics; says what it leaves out."""
    from wattmark.engines.discover import discover
    from wattmark.engines.table import engine_named

    found = discover()
    for candidate in found:
        if not candidate.shows_metrics:
            why = engine_named(candidate.engine)
            click.echo(f"{why.title} at {candidate.url}: {why.on}", err=True)
    return [c.url for c in found if c.shows_metrics]


def _looked(scrapers: list[Scraper], seconds: float | None) -> Looked:
    """Look once, or twice and take the difference."""
    from wattmark.core.readings import Gap
    from wattmark.core.serving.engine import EngineReading, FailedLook, difference

    first = [(scraper, scraper.look()) for scraper in scrapers]
    if seconds is not None and any(isinstance(look, EngineReading) for _, look in first):
        time.sleep(seconds)
    looked: Looked = []
    for scraper, before in first:
        after, done = before, None
        if seconds is not None and isinstance(before, EngineReading):
            after = scraper.look()
            grown = difference(before, after)
            if isinstance(grown, Gap):
                after = after if isinstance(after, Gap) else FailedLook(grown.reason, "restarted")
            else:
                done = grown
        looked.append((scraper.target, after, done))
        scraper.close()
    return looked


def _good(look: Look) -> bool:
    from wattmark.core.serving.engine import EngineReading

    return isinstance(look, EngineReading)


def _looks(looked: Looked) -> str:
    from wattmark.core.serving.engine import EngineReading

    if not looked:
        return "no engine was found here: give its address, http://host:8000"
    parts = []
    for target, look, done in looked:
        if not isinstance(look, EngineReading):
            parts.append(f"{target}\n  no reading: {look.reason}")
            continue
        lines = [f"{target}  {_kind(look.engine).title}"]
        for model in look.models:
            lines.append(f"  model {model or '(its metrics name none)'}")
            lines += [f"    {line}" for line in _of_model(model, look, done)]
        if not look.models:
            lines.append("  no model has been asked yet")
        lines += [f"  not told: {quantity}: {why}" for quantity, why in look.missing.items()]
        parts.append("\n".join(lines))
    return "\n\n".join(parts)


def _of_model(model: str, look: EngineReading, done: EngineDelta | None) -> list[str]:
    """What is told of one model, a line each."""
    from wattmark.core.serving.engine import COUNTERS, GAUGES

    lines = []
    load = look.load.get(model)
    if load is not None:
        told = [f"{q} {_number(v)}" for q in GAUGES if (v := load.of(q)) is not None]
        lines.append(f"now: {', '.join(told) or 'nothing is told'}")
    counted = look.counted.get(model)
    if counted is not None:
        told = [f"{q} {_number(v)}" for q in COUNTERS if (v := counted.of(q)) is not None]
        lines.append(f"since its start: {', '.join(told) or 'nothing is told'}")
    if done is not None and model in done.gaps:
        lines.append(f"between the looks: not known, {done.gaps[model].reason}")
    elif done is not None and model in done.counted:
        between = done.counted[model]
        rates = [
            f"{getattr(between, name) / done.seconds:.4g} {unit}"
            for name, unit in RATES.items()
            if getattr(between, name) is not None
        ]
        lines.append(f"in {done.seconds:.1f} s: {', '.join(rates) or 'nothing is told'}")
    return lines


def _number(value: float) -> str:
    return f"{value:.0f}" if value == int(value) and abs(value) < 1e15 else f"{value:.4g}"


def _kind(name: str) -> EngineKind:
    from wattmark.engines.table import engine_named

    return engine_named(name)


def _table() -> str:
    """The engines that are known, and which quantities each tells."""
    from wattmark.core.serving.engine import Quantity
    from wattmark.engines.table import bundled_engines

    rows = [("engine", "port", "path", "checked", *SHORT.values())]
    for kind in bundled_engines():
        marks = ("x" if q in kind.metrics else "-" for q in Quantity)
        rows.append((kind.id, str(kind.port), kind.path or "-", f"{kind.how}: {kind.verified}", *marks))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ["  ".join(c.ljust(w) for c, w in zip(row, widths, strict=True)).rstrip() for row in rows]
    return "\n".join(
        [*lines, "", "x: told where it is switched on; --json says by which metrics, and why not"]
    )


def _table_json() -> str:
    from wattmark.engines.table import bundled_engines
    from wattmark.reports.as_json import document

    return document("engines", 1, {"engines": [_kind_json(kind) for kind in bundled_engines()]})


def _kind_json(kind: EngineKind) -> dict[str, Any]:
    return {
        "id": kind.id,
        "title": kind.title,
        "port": kind.port,
        "path": kind.path,
        "switch_on": kind.on,
        "verified": kind.verified,
        "how": kind.how,
        "tokens_at": kind.tokens_at,
        "note": kind.note,
        "source": kind.source,
        "metrics": {q: [list(t.names) for t in terms] for q, terms in kind.metrics.items()},
        "missing": dict(kind.missing),
    }


def _looks_json(looked: Looked) -> str:
    from wattmark.reports.as_json import document

    return document(
        "engine-looks", 1, {"looks": [_look_json(target, look, done) for target, look, done in looked]}
    )


def _look_json(target: str, look: Look, done: EngineDelta | None) -> dict[str, Any]:
    from wattmark.core.serving.engine import EngineReading, FailedLook

    if not isinstance(look, EngineReading):
        kind = look.kind if isinstance(look, FailedLook) else "unknown"
        return {"target": target, "status": "gap", "kind": kind, "reason": look.reason}
    return {
        "target": target,
        "status": "known",
        "engine": look.engine,
        "at_us": look.at_us,
        "started_us": look.started_us,
        "models": [
            {
                "model": model,
                "since_start": _told(look.counted.get(model)),
                "now": _told(look.load.get(model)),
                "between": _told(done.counted.get(model)) if done else None,
                "between_gap": done.gaps[model].reason if done and model in done.gaps else None,
            }
            for model in look.models
        ],
        "between_seconds": done.seconds if done else None,
        "missing": dict(look.missing),
    }


def _told(told: Counted | Load | None) -> dict[str, float | None] | None:
    """Every quantity by name; null: not told, which is no 0."""
    from wattmark.core.serving.engine import COUNTERS, GAUGES, Counted

    if told is None:
        return None
    return {q.value: told.of(q) for q in (COUNTERS if isinstance(told, Counted) else GAUGES)}
