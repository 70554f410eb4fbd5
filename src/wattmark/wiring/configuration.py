"""Which configuration is in force. Apart, because every measurement needs it and little else of `wiring`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from wattmark import config
from wattmark.core.errors import ConfigError, UsageError
from wattmark.measure.environment import LEDGER


def load_config(start: Path, environ: Mapping[str, str]) -> config.Config:
    """The configuration in force: ``$WATTMARK_CONFIG``, else the nearest ``wattmark.toml``, else defaults."""
    named = environ.get("WATTMARK_CONFIG")
    if named:
        if not Path(named).is_file():
            raise ConfigError(named, "", "named by WATTMARK_CONFIG, is not there")
        return config.load_config(Path(named))
    return config.load_config(config.find_config(start))


def ledger_named(
    asked: str | None, found: config.Config, environ: Mapping[str, str], here: Path
) -> str | None:
    """The ledger that is meant: what was asked for, ``WATTMARK_LEDGER``, ``[ledger] url``, or none.

    A folder is made absolute, without ``..``: one name per ledger, for what waits for it goes by the name.
    One in the configuration counts from the folder of ``wattmark.toml``.
    """
    named, base = asked or environ.get(LEDGER), here
    if not named:
        named = found.ledger.url
        base = Path(found.path).parent if found.path else here
    if not named:
        return None
    if "://" in named:
        return named
    try:
        folder = (base / Path(named).expanduser()).absolute()
        return str(folder.resolve() if ".." in folder.parts else folder)
    except RuntimeError:
        raise UsageError(f"{named}: there is no such home: name the ledger's folder in full") from None
