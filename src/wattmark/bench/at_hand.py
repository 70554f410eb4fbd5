"""Which published datasets are on this machine already, told by folders alone: nothing is opened or asked."""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path

from wattmark.bench.published_table import Published


class AtHand(StrEnum):
    """Whether a dataset can be asked without a network."""

    FOLDER = "in the folder"
    """A local copy lies where one was said to be."""
    CACHED = "cached"
    """Prepared in the cache of the `datasets` library (perhaps of another revision: loading will tell)."""
    TO_FETCH = "to be fetched"
    COPY_NEEDED = "copy needed"
    """The hub cannot give it to the library, and no copy is here."""


def at_hand(row: Published, folder: Path | None, environment: Mapping[str, str], home: Path) -> AtHand:
    """Where a dataset is; ``home`` is the user's home folder."""
    if folder is not None and any(place.is_dir() for place in copies(row, folder)):
        return AtHand.FOLDER
    cache = cache_of(environment, home)
    wanted = _plain(row.hub)
    if cache.is_dir() and any(
        _plain(place.name) == wanted and _has(place, row.config) for place in cache.iterdir()
    ):
        return AtHand.CACHED
    return AtHand.COPY_NEEDED if row.local_only else AtHand.TO_FETCH


def copies(row: Published, folder: Path) -> tuple[Path, ...]:
    """Where in a folder of local copies a dataset is looked for, in this order."""
    owner, _, name = row.hub.partition("/")
    return (folder / row.id, folder / owner / name, folder / f"{owner}--{name}", folder / name)


def cache_of(environment: Mapping[str, str], home: Path) -> Path:
    """The folder in which the `datasets` library keeps what it has prepared (its documentation, "Cache")."""
    if environment.get("HF_DATASETS_CACHE"):
        return Path(environment["HF_DATASETS_CACHE"]).expanduser()
    base = environment.get("XDG_CACHE_HOME") or str(home / ".cache")
    return Path(environment.get("HF_HOME") or f"{base}/huggingface").expanduser() / "datasets"


def _has(place: Path, config: str) -> bool:
    return place.is_dir() and any(not config or inside.name == config for inside in place.iterdir())


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())
