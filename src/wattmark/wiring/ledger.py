"""Which ledger is meant, opened with its settings, and the factors that its energy meets."""

from __future__ import annotations

import difflib
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from wattmark.config import Config
from wattmark.core.errors import LedgerError, MissingExtra, UsageError
from wattmark.core.instruments import ANNUAL
from wattmark.core.listed import some
from wattmark.ledger.factors import Factors
from wattmark.ledger.settings import LedgerSettings
from wattmark.measure.environment import LEDGER
from wattmark.wiring.configuration import ledger_named
from wattmark.wiring.places import tables_folder

if TYPE_CHECKING:
    from wattmark.ledger.engine import Engine
    from wattmark.ledger.question import Question
    from wattmark.ledger.rollup import Rollup
    from wattmark.ledger.snapshot import Snapshot
    from wattmark.ledger.store import Store

NO_LEDGER = (
    f"no ledger is named: give --ledger, set {LEDGER}, or write `url` under [ledger] in wattmark.toml; "
    "`wattmark ledger init FOLDER` begins one"
)
AGAIN = " (a label more, `--label corrected=yes`, makes it another content)"
MARKET = "market"
MOST_NAMED = 6
BUNDLED = ("location", "lifecycle")
"""Accounting and basis of the yearly figures that are built in."""


@dataclass(frozen=True, slots=True)
class OpenLedger:
    """A ledger and what holds for everyone who reads it."""

    url: str
    """Where it is: an absolute folder, or an address."""
    store: Store
    settings: LedgerSettings


def ledger_url(asked: str | None, config: Config, environ: Mapping[str, str], here: Path) -> str:
    """The ledger that is meant: what was asked for, ``WATTMARK_LEDGER``, or ``[ledger] url``.

    A folder in the configuration counts from the folder of ``wattmark.toml``. Raises UsageError for none.
    """
    named = ledger_named(asked, config, environ, here)
    if named is None:
        raise UsageError(NO_LEDGER)
    return named


def open_ledger(url: str, *, begin: bool = False) -> OpenLedger:
    """The ledger at a place. Raises UsageError when there is none, unless one may be begun there."""
    from wattmark.ledger.gridfile import fetched_factors
    from wattmark.ledger.puefile import measured_pues
    from wattmark.ledger.settingsfile import load_settings
    from wattmark.ledger.store import open_store

    if not begin and "://" not in url and not Path(url).is_dir():
        raise UsageError(f"{url}: there is no ledger; `wattmark ledger init {url}` begins one")
    store = open_store(url)
    if not begin and next(iter(store.names("")), None) is None:
        raise UsageError(f"{url}: there is no ledger; `wattmark ledger init {url}` begins one")
    settings = load_settings(store)
    fetched = fetched_factors(store, settings.grid)
    grid, measured = (*settings.grid, *fetched), measured_pues(store)
    return OpenLedger(url, store, replace(settings, grid=grid, measured=measured))


def require_tables() -> None:
    """Raise MissingExtra unless what reads and writes tables is installed."""
    from importlib.util import find_spec

    if any(find_spec(name) is None for name in ("deltalake", "duckdb", "pyarrow")):
        raise MissingExtra("the tables of a ledger", "ledger")


def read_ledger(
    ledger: OpenLedger,
    now_us: int,
    say: Callable[[str], None],
    *,
    as_of: int | None = None,
    fold: bool = True,
) -> Snapshot:
    """The counted tables of a ledger, what is new folded first: whoever reads, folds.

    Where nothing may be written this goes on with what is folded, and says so. Raises LedgerError.
    """
    require_tables()
    from wattmark.ledger.derive import refresh

    if fold and as_of is None:
        fold_first(ledger, now_us, say)
    settings = ledger.settings
    return refresh(ledger.store, settings.tags, as_of=as_of, priority=settings.priority)


def fold_first(ledger: OpenLedger, now_us: int, say: Callable[[str], None]) -> None:
    """Fold what is new; where nothing may be written, say so and leave it."""
    require_tables()
    from wattmark.ledger.fold import fold

    try:
        done = fold(ledger.store, now_us)
        for bad in done.rejected:
            say(f"not taken, kept as {bad.place}: {bad.reason}")
        if done.purged:
            say(f"not taken again: {some(done.purged, 'file')} of what was purged{AGAIN}")
    except LedgerError as error:
        say(f"what is new could not be folded: {error}; this is what was folded before")


def forget_counted(ledger: OpenLedger) -> int:
    """Remove the counted tables, which the next reader works out anew; says how many files went.

    Nobody else may read meanwhile. Raises LedgerError.
    """
    names = [entry.name for entry in ledger.store.names("derived/")]
    for name in sorted(names, key=lambda n: "/_delta_log/" not in n):  # a table without its log is none
        ledger.store.delete(name)
    return len(names)


def bring_waiting(ledger: OpenLedger, environ: Mapping[str, str] = os.environ) -> int:
    """Bring the runs that wait on this machine for this ledger, those of killed processes too; says how many.

    Raises OSError and WattmarkError.
    """
    from wattmark.measure.delivery import deliver, outbox_of, waiting_in
    from wattmark.measure.spool import close_orphans

    outbox = outbox_of(ledger.url, environ)
    close_orphans(outbox)
    return deliver(sorted(waiting_in(outbox)), ledger.store.put_new)


def factors_for(
    settings: LedgerSettings,
    zones: Iterable[str],
    accounting: str = BUNDLED[0],
    basis: str = BUNDLED[1],
    sites: Iterable[str] = (),
) -> Factors:
    """What energy of these zones and sites meets.

    The ledger's own figures go first; built-in yearly ones of zones fill the time that they leave, and a site
    that is a cloud region tells its grid and its provider's PUE. Figures of another accounting or basis are
    left aside: the two may not be added.
    """
    from wattmark.wiring.factors import of_sites, of_zones

    mine = tables_folder()
    stated = tuple(g for g in settings.grid if (g.accounting, g.basis) == (accounting, basis))
    own = frozenset(g.zone for g in stated)
    always = {g.zone for g in stated if g.start_us is None and g.end_us is None}
    with_pue = frozenset(site.site for site in settings.sites)
    told = of_sites(sites, basis, own, with_pue, mine, settings.places)
    where = {zone for site in told.places for zone in (site.zone, site.subregion, site.country) if zone}
    built_in = (*of_zones({*zones, *where} - always, basis, own, mine), *told.grid)
    grid = stated if accounting != BUNDLED[0] else (*stated, *built_in)
    return replace(settings.factors, grid=grid, pue=settings.pues(told.pue), sites=told.places)


@contextmanager
def engine_named(name: str, master: str = "local[*]") -> Iterator[Engine]:
    """DuckDB on this machine, or Spark on many. Raises MissingExtra."""
    if name == "spark":
        from wattmark.ledger.engines.spark import SparkEngine

        with SparkEngine(master=master) as spark:
            yield spark
        return
    from wattmark.ledger.engines.duckdb import DuckDbEngine

    with DuckDbEngine() as duckdb:
        yield duckdb


def ask(
    settings: LedgerSettings,
    snapshot: Snapshot,
    question: Question,
    engine: Engine,
    terms: tuple[str, str] = BUNDLED,
    matching: str = ANNUAL,
) -> Rollup:
    """Answer a question with the factors of the ledger; ``terms`` are accounting and basis of its carbon.

    Market-based carbon meets the ledger's instruments and residual mixes, by ``matching`` annual or hourly;
    nothing else ever sees them.
    """
    from wattmark.ledger.rollup import roll_up

    if terms[0] == MARKET and (settings.instruments or settings.residual_mixes):
        from wattmark.wiring.market_totals import ask_market

        return ask_market(settings, snapshot, question, engine, terms[1], matching)
    zones, sites = zones_and_sites(engine, snapshot)
    factors = factors_for(settings, zones, *terms, sites)
    rollup = roll_up(snapshot, question, factors, engine)
    met = {zone for site in factors.sites for zone in (site.zone, site.subregion, site.country)}
    unmet = _unmet(settings, terms, {*zones, *sites, *filter(None, met)})
    return replace(rollup, findings=(*rollup.findings, *unmet))


def _unmet(settings: LedgerSettings, terms: tuple[str, str], there: set[str]) -> Iterator[str]:
    """Figures of zones in which the ledger has no energy: a name that is spelt otherwise meets nothing."""
    stated = {g.zone for g in settings.grid if (g.accounting, g.basis) == terms}
    for zone in sorted(stated - there) if there else ():
        close = difflib.get_close_matches(zone, sorted(there), n=1)
        meant = f"; did you mean {close[0]!r}?" if close else f": its zones are {_some_of(sorted(there))}"
        yield f"nothing in this ledger is in zone {zone!r}, which [[grid]] or grid/*.csv states{meant}"


def _some_of(names: Sequence[str]) -> str:
    """The first few names, and how many there are beside."""
    more = f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
    return f"{', '.join(names[:MOST_NAMED])}{more}"


def zones_and_sites(engine: Engine, snapshot: Snapshot) -> tuple[set[str], set[str]]:
    """Grid zones and countries that runs of a ledger state, and their sites."""
    engine.attach("places", snapshot)
    places = [*engine.rows("SELECT DISTINCT zone, country, site FROM places")]
    return {zone for row in places for zone in row[:2] if zone}, {site for *_, site in places if site}
