"""Which ledger is meant, opened with its settings, and the factors that its energy meets."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from wattmark.config import Config
from wattmark.core.errors import MissingExtra, RefusedError, UsageError
from wattmark.ledger.factors import Factors, GridFactor
from wattmark.ledger.settings import LedgerSettings
from wattmark.measure.environment import LEDGER

if TYPE_CHECKING:
    from wattmark.ledger.store import Store

NO_LEDGER = (
    f"no ledger is named: give --ledger, set {LEDGER}, or write `url` under [ledger] in wattmark.toml; "
    "`wattmark ledger init FOLDER` begins one"
)
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
    named, base = asked or environ.get(LEDGER), here
    if not named:
        named = config.ledger.url
        base = Path(config.path).parent if config.path else here
    if not named:
        raise UsageError(NO_LEDGER)
    return named if "://" in named else str((base / Path(named).expanduser()).absolute())


def open_ledger(url: str, *, begin: bool = False) -> OpenLedger:
    """The ledger at a place. Raises UsageError when there is none, unless one may be begun there."""
    from wattmark.ledger.settingsfile import load_settings
    from wattmark.ledger.store import open_store

    if not begin and "://" not in url and not Path(url).is_dir():
        raise UsageError(f"{url}: there is no ledger; `wattmark ledger init {url}` begins one")
    store = open_store(url)
    if not begin and next(iter(store.names("")), None) is None:
        raise UsageError(f"{url}: there is no ledger; `wattmark ledger init {url}` begins one")
    return OpenLedger(url, store, load_settings(store))


def require_tables() -> None:
    """Raise MissingExtra unless what reads and writes tables is installed."""
    from importlib.util import find_spec

    if any(find_spec(name) is None for name in ("deltalake", "duckdb", "pyarrow")):
        raise MissingExtra("the tables of a ledger", "ledger")


def bring_waiting(ledger: OpenLedger, environ: Mapping[str, str] = os.environ) -> int:
    """Bring the runs that wait on this machine for this ledger; says how many.

    Raises OSError and WattmarkError.
    """
    from wattmark.measure.delivery import deliver, outbox_of
    from wattmark.measure.spool import SUFFIX

    waiting = sorted(outbox_of(ledger.url, environ).glob(f"*{SUFFIX}"))
    return deliver(waiting, ledger.store.put_new) if waiting else 0


def factors_for(
    settings: LedgerSettings,
    zones: Iterable[str],
    accounting: str = BUNDLED[0],
    basis: str = BUNDLED[1],
) -> tuple[Factors, tuple[str, ...]]:
    """What energy of these zones meets, and the zones (in order) that nothing is known of.

    The ledger's own figures go first; built-in yearly ones of countries fill the time that they leave.
    Figures of another accounting or basis are left aside: the two may not be added.
    """
    stated = tuple(g for g in settings.grid if (g.accounting, g.basis) == (accounting, basis))
    grid, unknown = list(stated), []
    for zone in sorted(set(zones)):
        own = [g for g in stated if g.zone == zone]
        built_in = _built_in(zone) if (accounting, basis) == BUNDLED else None
        if built_in is not None:
            grid += [replace(built_in, start_us=a, end_us=b) for a, b in holes(own)]
        elif not own:
            unknown.append(zone)
    return replace(settings.factors, grid=tuple(grid)), tuple(unknown)


def holes(factors: Iterable[GridFactor]) -> list[tuple[int | None, int | None]]:
    """The stretches that no factor speaks of; None: no end on that side. They do not overlap."""
    free: list[tuple[int | None, int | None]] = []
    at: int | None = None
    first = True
    for factor in sorted(factors, key=lambda f: (f.start_us is not None, f.start_us or 0)):
        if factor.start_us is not None and (first or at is None or factor.start_us > at):
            free.append((None if first else at, factor.start_us))
        at, first = factor.end_us, False
        if at is None:
            return free
    free.append((at, None))
    return free


def _built_in(zone: str) -> GridFactor | None:
    from wattmark.grid.bundled import country_intensity

    try:
        known = country_intensity(zone)
    except RefusedError:  # not a country, or one without a figure: its energy is shown as without a factor
        return None
    return GridFactor(
        zone=zone,
        grams_per_kwh=known.grams_per_kwh,
        accounting=known.accounting,
        basis=known.basis,
        inventory=known.inventory,
        granularity=known.granularity,
        source=known.source,
        year=known.year,
        relative_error=known.relative_error,
        note=known.note,
    )
