"""Which configuration is in force. Apart, because every measurement needs it and little else of `wiring`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from wattmark import config
from wattmark.core.errors import ConfigError


def load_config(start: Path, environ: Mapping[str, str]) -> config.Config:
    """The configuration in force: ``$WATTMARK_CONFIG``, else the nearest ``wattmark.toml``, else defaults."""
    named = environ.get("WATTMARK_CONFIG")
    if named:
        if not Path(named).is_file():
            raise ConfigError(named, "", "named by WATTMARK_CONFIG, is not there")
        return config.load_config(Path(named))
    return config.load_config(config.find_config(start))
