"""What providers have said, kept by provider, signal, zone and moment, in one SQLite file.

Libraries that cache HTTP keep answers by address, with the headers and keys of the request, and know nothing
of a range that two earlier ones cover together; here only points are kept, and no key can get in. Forecasts
lie apart, by the moment at which they were made: they never answer for the past. A point that was estimated
or forecast is asked for again once it is an hour old, unless it was fetched days later.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path

from wattmark.core.errors import UsageError
from wattmark.core.grid_series import ESTIMATED, FORECAST, MEASURED, GridPoint, GridSeries
from wattmark.grid.provider import DAY_US, HOUR_US

FRESH_US = HOUR_US
"""For how long a point that is not settled is good enough not to ask again."""
SETTLED_US = 3 * DAY_US
"""Who still estimates three days later will hardly say otherwise."""
PATIENCE_SECONDS = 10.0

TABLES = (
    "CREATE TABLE IF NOT EXISTS points (series INTEGER NOT NULL, start_us INTEGER NOT NULL, "
    "end_us INTEGER NOT NULL, grams_per_kwh REAL NOT NULL, kind TEXT NOT NULL, fetched_us INTEGER NOT NULL, "
    "PRIMARY KEY (series, start_us)) WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS series (id INTEGER PRIMARY KEY, provider TEXT NOT NULL, "
    "signal TEXT NOT NULL, zone TEXT NOT NULL, accounting TEXT NOT NULL, basis TEXT NOT NULL, "
    "source TEXT NOT NULL, licence TEXT NOT NULL, note TEXT NOT NULL, UNIQUE (provider, signal, zone))",
    "CREATE TABLE IF NOT EXISTS forecasts (series INTEGER NOT NULL, issued_us INTEGER NOT NULL, "
    "start_us INTEGER NOT NULL, end_us INTEGER NOT NULL, grams_per_kwh REAL NOT NULL, "
    "PRIMARY KEY (series, issued_us, start_us)) WITHOUT ROWID",
)


def cache_file(environ: Mapping[str, str], home: Path | None = None) -> Path:
    """``$XDG_CACHE_HOME/wattmark/grid.sqlite``, else under ``~/.cache``."""
    base = (
        Path(environ["XDG_CACHE_HOME"]) if environ.get("XDG_CACHE_HOME") else (home or Path.home()) / ".cache"
    )
    return base / "wattmark" / "grid.sqlite"


class GridCache:
    """Points of grid intensity on this machine. Raises UsageError when its file cannot be used."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def put(self, provider: str, signal: str, series: GridSeries, now_us: int) -> None:
        """Keep the points of a series; what was kept of the same moments goes."""
        with self._open() as base:
            number = _named(base, provider, signal, series)
            base.executemany(
                "DELETE FROM points WHERE series = ? AND start_us < ? AND end_us > ?",
                [(number, p.end_us, p.start_us) for p in series.points],
            )
            base.executemany(
                "INSERT INTO points VALUES (?, ?, ?, ?, ?, ?)",
                [(number, p.start_us, p.end_us, p.grams_per_kwh, p.kind, now_us) for p in series.points],
            )

    def put_forecast(self, provider: str, signal: str, series: GridSeries, issued_us: int) -> None:
        """Keep what was expected at a moment; what was expected earlier stays."""
        with self._open() as base:
            number = _named(base, provider, signal, series)
            base.execute("DELETE FROM forecasts WHERE series = ? AND issued_us = ?", (number, issued_us))
            base.executemany(
                "INSERT INTO forecasts VALUES (?, ?, ?, ?, ?)",
                [(number, issued_us, p.start_us, p.end_us, p.grams_per_kwh) for p in series.points],
            )

    def forecast(
        self, provider: str, signal: str, zone: str, start_us: int, end_us: int
    ) -> GridSeries | None:
        """The newest forecast of which something lies in a stretch; None when none does."""
        with self._open() as base:
            number = _number(base, provider, signal, zone)
            told = base.execute(
                "SELECT accounting, basis, source, licence, note FROM series WHERE id = ?", (number,)
            ).fetchone()
            rows = base.execute(
                "SELECT issued_us, start_us, end_us, grams_per_kwh FROM forecasts WHERE series = ? AND "
                "start_us < ? AND end_us > ? AND issued_us = (SELECT max(issued_us) FROM forecasts WHERE "
                "series = ? AND start_us < ? AND end_us > ?) ORDER BY start_us",
                (number, end_us, start_us, number, end_us, start_us),
            ).fetchall()
        if told is None or not rows:
            return None
        accounting, basis, source, licence, note = told
        points = tuple(GridPoint(start_us=s, end_us=e, grams_per_kwh=g, kind=FORECAST) for _, s, e, g in rows)
        return GridSeries(
            zone=zone,
            points=points,
            accounting=accounting,
            basis=basis,
            source=source,
            licence=licence,
            note=note,
            issued_us=rows[0][0],
        )

    def get(
        self,
        provider: str,
        signal: str,
        zone: str,
        start_us: int,
        end_us: int,
        *,
        fresh_us: int | None = None,
    ) -> GridSeries | None:
        """What is known of a stretch; None when nothing is.

        With ``fresh_us`` only what need not be asked for again: settled, or fetched since that moment.
        """
        if not self.path.is_file():
            return None
        with self._open() as base:
            number = _number(base, provider, signal, zone)
            if number is None:
                return None
            accounting, basis, source, licence, note = base.execute(
                "SELECT accounting, basis, source, licence, note FROM series WHERE id = ?", (number,)
            ).fetchone()
            rows = base.execute(
                "SELECT start_us, end_us, grams_per_kwh, kind FROM points WHERE series = ? AND start_us < ? "
                "AND end_us > ? AND (kind = ? OR fetched_us >= ? OR kind = ? AND fetched_us - end_us >= ?) "
                "ORDER BY start_us",
                (number, end_us, start_us, MEASURED, fresh_us or 0, ESTIMATED, SETTLED_US),
            ).fetchall()
        points = tuple(GridPoint(start_us=s, end_us=e, grams_per_kwh=g, kind=k) for s, e, g, k in rows)
        if not points:
            return None
        return GridSeries(
            zone=zone,
            points=points,
            accounting=accounting,
            basis=basis,
            source=source,
            licence=licence,
            note=note,
        )

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with closing(sqlite3.connect(self.path, timeout=PATIENCE_SECONDS)) as base, base:
                for table in TABLES:
                    base.execute(table)
                yield base
        except (sqlite3.Error, OSError) as error:
            raise UsageError(
                f"{self.path}: the cache of grid intensity cannot be used ({error}): remove the file, or "
                "set XDG_CACHE_HOME to a folder that can be written"
            ) from None


def _named(base: sqlite3.Connection, provider: str, signal: str, series: GridSeries) -> int:
    """The number of a series, its terms as they are told now."""
    told = (series.accounting, series.basis, series.source, series.licence, series.note)
    base.execute(
        "INSERT INTO series (provider, signal, zone, accounting, basis, source, licence, note) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (provider, signal, zone) DO UPDATE SET "
        "accounting = excluded.accounting, basis = excluded.basis, source = excluded.source, "
        "licence = excluded.licence, note = excluded.note",
        (provider, signal, series.zone, *told),
    )
    number = _number(base, provider, signal, series.zone)
    assert number is not None
    return number


def _number(base: sqlite3.Connection, provider: str, signal: str, zone: str) -> int | None:
    row = base.execute(
        "SELECT id FROM series WHERE provider = ? AND signal = ? AND zone = ?", (provider, signal, zone)
    ).fetchone()
    return None if row is None else int(row[0])
