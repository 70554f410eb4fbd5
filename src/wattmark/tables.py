"""Opens the tables that are shipped inside the package, and refuses one that was altered.

A table is ``data/<name>.csv`` beside ``data/<name>.meta.toml``, which says what it is::

    id = "hardware"
    version = "1"            # raised with every change; the meaning of an id never changes
    source = "who publishes the figures, and where"
    licence = "CC BY 4.0"
    year = 2026
    sha256 = "..."           # of the CSV file

The name may hold folders (``guide/kpis``). Lines that begin with ``#`` are remarks.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from wattmark.core.errors import ConfigError
from wattmark.hashing import sha256

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable

META_FIELDS = ("id", "version", "source", "licence", "year", "sha256")


class TableMeta(NamedTuple):
    """What a table is, where it comes from and what it must hash to."""

    id: str
    version: str
    source: str
    licence: str
    year: int
    sha256: str

    @property
    def label(self) -> str:
        """Id and version, as reports name it."""
        return f"{self.id} {self.version}"


def bundled() -> Traversable:
    """The folder of tables inside the package."""
    return Path(__file__).with_name("data")  # not importlib.resources, which costs 1 MB and 2 ms


def meta(name: str, root: Traversable | None = None) -> TableMeta:
    """What the table is. Raises ConfigError when its description is absent, incomplete or wrong."""
    import tomllib  # only for whoever asks about a table: measuring never does

    file = f"{name}.meta.toml"
    found = tomllib.loads(_read(file, root).decode())
    lacking = [key for key in META_FIELDS if key not in found]
    if lacking:
        raise ConfigError(f"data/{file}", "", f"lacks {', '.join(lacking)}")
    return TableMeta(
        id=str(found["id"]),
        version=str(found["version"]),
        source=str(found["source"]),
        licence=str(found["licence"]),
        year=int(found["year"]),
        sha256=str(found["sha256"]),
    )


def rows(name: str, root: Traversable | None = None) -> list[dict[str, str]]:
    """The rows of a table, as text; an empty cell is an empty string (not published, not known).

    Raises ConfigError when the file is absent, does not hash to what its description says, or has a
    row with more or fewer cells than its header.
    """
    content = _read(f"{name}.csv", root)
    said = _said_hash(name, root)
    actual = sha256(content).hexdigest()
    if actual != said:
        raise ConfigError(
            f"data/{name}.csv",
            "",
            f"was altered: its SHA-256 is {actual}, and {name}.meta.toml says {said}. Reinstall wattmark, or "
            "bring a table of your own again with `wattmark data update`; if the change is meant, raise the "
            "version there and write the new SHA-256",
        )
    lines = [line for line in content.decode().splitlines() if line and not line.startswith("#")]
    reader = csv.reader(lines, strict=True)
    header = next(reader, [])
    found: list[dict[str, str]] = []
    for number, cells in enumerate(reader, start=1):
        if len(cells) != len(header):
            raise ConfigError(f"data/{name}.csv", f"row {number}", "has more or fewer cells than the header")
        found.append(dict(zip(header, cells, strict=True)))
    return found


def _said_hash(name: str, root: Traversable | None) -> str:
    """The hash in the description, without parsing the rest: measuring reads tables, and tomllib is dear."""
    for line in _read(f"{name}.meta.toml", root).decode().splitlines():
        key, _, value = line.partition("=")
        if key.strip() == "sha256":
            return value.partition("#")[0].strip().strip('"')
    return meta(name, root).sha256  # says what is lacking


def toml(name: str, root: Traversable | None = None) -> Mapping[str, Any]:
    """A bundled TOML document, ``data/<name>.toml``. Raises ConfigError when it is absent."""
    import tomllib

    return tomllib.loads(_read(f"{name}.toml", root).decode())


def _read(file: str, root: Traversable | None) -> bytes:
    place = bundled() if root is None else root
    target = place.joinpath(*file.split("/"))
    if not target.is_file():
        raise ConfigError(
            f"data/{file}", "", "is not there: reinstall wattmark, or check the name of the table"
        )
    return target.read_bytes()
