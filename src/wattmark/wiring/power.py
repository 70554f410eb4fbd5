"""The one door to power over time: run files, samples, importers, a Prometheus, a ledger."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from wattmark.core.errors import EvidenceError, MissingExtra, UsageError

if TYPE_CHECKING:
    from wattmark.attribution.power.series import PowerSeries
    from wattmark.core.telemetry import Samples

RUN = b'"wattmark.run"'
HEAD_BYTES = 4096
BESIDE_US = 120_000_000
"""A Prometheus is asked for so much more on both sides: its samples lie seldom on the edges of a stretch."""
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
NO_AGENTS = " (what wattmark's own agents show there is not read: their ledger holds it)"
FORMS = (
    "FILE.run.json",
    "SAMPLES.csv",
    "SAMPLES.jsonl",
    "SAMPLES.parquet",
    "http://prometheus:9090",
    "ledger:URL",
    "nvidia-smi:FILE",
    "dcgm:FILE",
)
"""How power may be named; NAME:INPUT is any importer of `wattmark import`."""


def open_power(
    spec: str,
    options: Mapping[str, str] | None = None,
    *,
    start_us: int | None = None,
    end_us: int | None = None,
    environ: Mapping[str, str] = os.environ,
) -> list[PowerSeries]:
    """The energy of each device over time, as what ``spec`` names tells it, from ``start_us`` to ``end_us``
    (microseconds since 1970) where they are given.

    ``spec`` is a run file, a table of samples, the address of a Prometheus, ``ledger:URL``, or ``NAME:INPUT``
    for an importer; ``options`` are its settings. A device may be there beside one that holds it (part_of).

    Raises UsageError for what is named or asked wrongly, EvidenceError for what cannot be read or holds no
    power, LedgerError, MissingExtra.
    """
    if start_us is not None and end_us is not None and start_us >= end_us:
        raise UsageError("the stretch of power that is asked for must end after it starts")
    try:
        import numpy  # noqa: F401
    except ImportError:
        raise MissingExtra("power over time", "attribute") from None
    found = _found(spec, dict(options or {}), start_us, end_us, environ)
    least, most = start_us or 0, end_us if end_us is not None else 1 << 62
    kept = [cut for series in found if (cut := series.between(least, most)) is not None]
    if not kept:
        when = " in that stretch of time" if found else ""
        own = NO_AGENTS if spec.startswith(("http://", "https://")) else ""
        raise EvidenceError(spec, f"tells of no device's power{when}{own}")
    return kept


def ledger_in(spec: str) -> str | None:
    """The ledger that is named as power; None where it is something else."""
    if spec.startswith("ledger:"):
        return spec.removeprefix("ledger:")
    path = Path(spec)
    return spec if (path / "evidence").is_dir() or (path / "inbox").is_dir() else None


def _found(
    spec: str, options: dict[str, str], start_us: int | None, end_us: int | None, environ: Mapping[str, str]
) -> list[PowerSeries]:
    from wattmark.attribution.power.intervals import series_of_samples

    kind, _, rest = spec.partition(":")
    if kind in ("http", "https"):
        return series_of_samples(_imported("prometheus", spec, options, start_us, end_us))
    ledger = ledger_in(spec)
    if ledger is not None:
        _no_options(options, "a ledger")
        return series_of_samples(_of_ledger(ledger, start_us, end_us))
    path = Path(spec)
    if path.is_file():
        return _of_file(path, options)
    if path.is_dir():
        raise UsageError(f"{spec}: is a folder that holds no ledger: name a file")
    if rest and "/" not in kind and "." not in kind:
        return series_of_samples(_imported(kind, rest, options, start_us, end_us))
    raise UsageError(f"{spec}: there is no such file; power may be {', '.join(FORMS)}")


def _no_options(options: Mapping[str, str], what: str) -> None:
    """Refuse settings, but for a zone: it is said for logs too, and these times state theirs."""
    if stray := [key for key in options if key != "zone"]:
        raise UsageError(f"{what} has no option {stray[0]!r}")


def _of_file(path: Path, options: dict[str, str]) -> list[PowerSeries]:
    """Run file, table of samples, or what nvidia-smi wrote, by what the file begins with."""
    from wattmark.attribution.power.intervals import series_of_samples
    from wattmark.attribution.power.runs import series_of_run
    from wattmark.attribution.power.samples import series_of_table
    from wattmark.ledger.runfile import read_run

    with path.open("rb") as file:
        head = file.read(HEAD_BYTES)
    if RUN in head:
        _no_options(options, "a run file")
        return series_of_run(read_run(path), str(path))
    first = head.partition(b"\n")[0]
    if b"power.draw" in first and b"timestamp" in first:
        return series_of_samples(_imported("nvidia-smi", str(path), options, None, None))
    return series_of_table(path, options)


def _imported(
    name: str, where: str, options: dict[str, str], start_us: int | None, end_us: int | None
) -> Iterator[Samples]:
    """The samples that an importer reads."""
    from wattmark.sources.catalog import Asked, open_source, source_module

    zone = options.pop("zone", None)
    if zone is not None and "time_zone" in source_module(name).OPTIONS:
        options.setdefault("time_zone", zone)
    if name == "prometheus":
        options.setdefault("shares", "none")
        options.setdefault("work", "none")
        if start_us is not None:
            options.setdefault("start", _written(start_us - BESIDE_US))
        if end_us is not None:
            options.setdefault("end", _written(end_us + BESIDE_US))
    asked = Asked(host=options.pop("host", None), settings=options)
    for portion in open_source(name, [where], asked).read():
        yield from portion.samples


def _written(us: int) -> str:
    return (EPOCH + timedelta(microseconds=us)).isoformat()


def _of_ledger(url: str, start_us: int | None, end_us: int | None) -> Iterator[Samples]:
    """The samples of whole devices that a ledger holds; what waits to be folded is not in it yet."""
    from wattmark.core.known import Scope
    from wattmark.core.telemetry import JOULES, Samples
    from wattmark.ledger.batches import stream_from
    from wattmark.ledger.evidence import SAMPLE, STREAM, Evidence
    from wattmark.wiring.ledger import open_ledger, require_tables

    require_tables()
    evidence = Evidence(open_ledger(url).store)
    streams = {}
    for batch in evidence.scan(STREAM, ["record_id", "document"]):
        for row in batch.to_pylist():
            stream = stream_from(row["document"])
            if stream.unit == JOULES and stream.scope is Scope.WHOLE:
                streams[row["record_id"]] = stream
    days = [day for day in evidence.days(SAMPLE) if _touches(day, start_us, end_us)]
    columns = ["record_id", "start_us", "end_us", "energy_uj", "observed"]
    for batch in evidence.scan(SAMPLE, columns, days=days, record_ids=list(streams)):
        table = batch.to_pydict()
        of: dict[str, list[int]] = {}
        for place, record in enumerate(table["record_id"]):
            of.setdefault(record, []).append(place)
        for record, places in of.items():
            yield Samples(
                stream=streams[record],
                start_us=[table["start_us"][p] for p in places],
                end_us=[table["end_us"][p] for p in places],
                energy_uj=[table["energy_uj"][p] for p in places],
                observed=[table["observed"][p] for p in places],
            )


def _touches(day: str, start_us: int | None, end_us: int | None) -> bool:
    """Whether samples that start on a UTC day may reach into the stretch; none lasts longer than a day."""
    begin = (datetime.fromisoformat(day).replace(tzinfo=UTC) - EPOCH) // timedelta(microseconds=1)
    day_us = 86_400_000_000
    return (end_us is None or begin < end_us) and (start_us is None or begin + 2 * day_us > start_us)
