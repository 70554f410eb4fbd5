"""Where wattmark keeps what belongs to a machine rather than to a run."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from wattmark.userhome import home_of_user


def calibrations_folder(environ: Mapping[str, str], home: Path | None = None) -> Path:
    """Where calibrations live: under ``$WATTMARK_HOME``, else ``$XDG_DATA_HOME``, else ``~/.local/share``."""
    if environ.get("WATTMARK_HOME"):
        return Path(environ["WATTMARK_HOME"]) / "calibrations"
    data = environ.get("XDG_DATA_HOME")
    base = Path(data) if data else (home or home_of_user()) / ".local" / "share"
    return base / "wattmark" / "calibrations"


def outbox_folder(environ: Mapping[str, str], home: Path | None = None) -> Path:
    """Where runs wait for their ledger: ``$WATTMARK_HOME``, ``$XDG_STATE_HOME``, else ``~/.local/state``."""
    if environ.get("WATTMARK_HOME"):
        return Path(environ["WATTMARK_HOME"]) / "outbox"
    state = environ.get("XDG_STATE_HOME")
    base = Path(state) if state else (home or home_of_user()) / ".local" / "state"
    return base / "wattmark" / "outbox"
