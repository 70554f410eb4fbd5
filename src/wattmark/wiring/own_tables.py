"""Tables that are shipped and tables of a user's own: list them, hold them against their hashes, take one in.

Only tables of factors can be a user's own: what measuring rests on (models, uncertainty) changes with
wattmark itself.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
import tomllib
from collections.abc import Callable, Sized
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

from wattmark import tables
from wattmark.core.errors import ConfigError, UsageError
from wattmark.grid.places import PUE_TABLE, cloud_places, older_pues
from wattmark.grid.places import TABLE as PLACES
from wattmark.grid.yearly import TABLES, rows_of
from wattmark.hashing import sha256

MOST_BYTES = 32 * 1024 * 1024
"""No yearly table is larger; an address that sends more is another thing."""
FETCH_SECONDS = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """One table as it lies there."""

    name: str
    """In ``data/``, or below the user's own folder, without ending."""
    own: bool
    id: str
    version: str
    year: int
    source: str
    licence: str
    sha256: str
    """As the description says."""
    rows: int
    problem: str = ""
    """Why it cannot be used; empty: it is as described."""


def every_table(mine: Path) -> tuple[Told, ...]:
    """All tables that are shipped, then the user's own. Problems are told, not raised."""
    shipped = Path(str(tables.bundled()))
    return (*_tables_in(shipped, own=False), *_tables_in(mine, own=True))


def _tables_in(folder: Path, *, own: bool) -> list[Told]:
    ending = ".meta.toml"
    names = sorted(p.relative_to(folder).as_posix().removesuffix(ending) for p in folder.rglob(f"*{ending}"))
    return [_told(name, folder, own=own) for name in names]


def _told(name: str, folder: Path, *, own: bool) -> Told:
    problem, count = "", 0
    try:
        count = len(tables.rows(name, folder))
        if own:
            _check(name, folder)
        meta = tables.meta(name, folder)
    except (ConfigError, tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        problem = str(error)
        try:
            meta = tables.meta(name, folder)
        except (ConfigError, tomllib.TOMLDecodeError, UnicodeDecodeError):
            meta = tables.TableMeta(id=name, version="", source="", licence="", year=0, sha256="")
    return Told(
        name=name,
        own=own,
        id=meta.id,
        version=meta.version,
        year=meta.year,
        source=meta.source,
        licence=meta.licence,
        sha256=meta.sha256,
        rows=count,
        problem=problem,
    )


def own_names() -> tuple[str, ...]:
    """Tables that a user's own may take the place of."""
    return (*(table.name for table in TABLES), PLACES, PUE_TABLE)


def table_named(text: str) -> str:
    """The table that is meant by its name or its last part. Raises UsageError."""
    wanted = text.strip().lower().removesuffix(".csv")
    for name in own_names():
        if wanted in {name, name.rpartition("/")[2], name.rpartition("/")[2].replace("_", "-")}:
            return name
    raise UsageError(f"{text!r} is no table that can be your own: give one of {', '.join(own_names())}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Description:
    """What the user says of a table."""

    version: str
    source: str
    licence: str


def content_of(origin: str, read: Callable[[str], bytes] | None = None) -> bytes:
    """The table out of a file or from an address (http, https). Raises UsageError."""
    try:
        if origin.startswith(("http://", "https://")):
            content = (read or _fetched)(origin)
        else:
            content = Path(origin).read_bytes()
    except (OSError, URLError, HTTPException) as error:
        reason = getattr(error, "reason", None) or getattr(error, "strerror", None) or error
        raise UsageError(f"{origin}: cannot be read: {reason}") from None
    if len(content) > MOST_BYTES:
        raise UsageError(f"{origin}: is larger than {MOST_BYTES // 2**20} MiB, which no such table is")
    return content


def _fetched(url: str) -> bytes:
    with urlopen(url, timeout=FETCH_SECONDS) as answer:
        found: bytes = answer.read(MOST_BYTES + 1)
        whole = answer.headers.get("Content-Length", "")
    if whole.isdigit() and len(found) < min(int(whole), MOST_BYTES + 1):
        raise OSError(f"it ended after {len(found)} of {whole} bytes; try again")
    return found


def take_in(name: str, content: bytes, said: Description, mine: Path, *, keep: bool = True) -> Told:
    """Check a table and put it beside the user's data, where it goes before the one that is shipped.

    The file is kept byte for byte, its SHA-256 and what was said of it beside it; nothing is kept of a table
    that cannot be used, nor without ``keep``. Raises ConfigError, naming row and column, and UsageError.
    """
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise ConfigError(f"{name}.csv", "", f"is not UTF-8 text: {error.reason}") from None
    _same_columns(name, text)
    with tempfile.TemporaryDirectory(prefix="wattmark-") as folder:
        trial = Path(folder)
        target = trial / f"{name}.csv"
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
        described = {
            "id": name.rpartition("/")[2].replace("_", "-"),
            "version": said.version,
            "source": said.source,
            "licence": said.licence,
            "year": _newest(name, text),
            "sha256": sha256(content).hexdigest(),
        }
        lines = [f"{key} = {json.dumps(value, ensure_ascii=False)}" for key, value in described.items()]
        (trial / f"{name}.meta.toml").write_text("\n".join(lines) + "\n", encoding="utf-8")
        _check(name, trial)
        told = _told(name, trial, own=True)
        if told.problem:
            raise ConfigError(f"{name}.csv", "", told.problem)
        if keep:
            for ending in (".csv", ".meta.toml"):
                _put(trial / f"{name}{ending}", mine / f"{name}{ending}")
    return told


def take_in_gsf(
    content: bytes, said: Description, mine: Path, *, keep: bool = True
) -> tuple[tuple[Told, Told], tuple[str, ...]]:
    """Take in the region metadata of the Green Software Foundation: the two tables, and what was left out.

    Raises ConfigError that names the line and the column.
    """
    from wattmark.grid.gsf_regions import FILE, converted

    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise ConfigError(FILE, "", f"is not UTF-8 text: {error.reason}") from None
    codes = {row["iso2"]: row["iso3"] for row in tables.rows("grid/countries")}
    made = converted(text, tables.rows(PLACES), codes)
    regions = take_in(PLACES, made.regions, said, mine, keep=keep)
    return (regions, take_in(PUE_TABLE, made.pues, said, mine, keep=keep)), made.left_out


def _put(source: Path, target: Path) -> None:
    """Into place at once; a reader between the two files sees a hash that does not fit, and says so."""
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        part = target.with_name(f".{target.name}.part")
        shutil.copyfile(source, part)
        os.replace(part, target)
    except OSError as error:
        raise UsageError(f"{target}: cannot be written: {error.strerror}") from None


def _check(name: str, folder: Path) -> None:
    """Read it as figures are read from it. Raises ConfigError."""
    table = next((t for t in TABLES if t.name == name), None)
    found: Sized
    if table is not None:
        found = rows_of(table, folder)
    else:
        found = older_pues(folder) if name == PUE_TABLE else cloud_places(folder)
    if not found:
        raise ConfigError(f"{name}.csv", "", "holds no figure above 0")


def _header(text: str) -> list[str]:
    first = next((line for line in text.splitlines() if line and not line.startswith("#")), "")
    return [cell.strip() for cell in first.split(",")]


def _same_columns(name: str, text: str) -> None:
    ours = _header((Path(str(tables.bundled())) / f"{name}.csv").read_text(encoding="utf-8"))
    lacking = [column for column in ours if column not in _header(text)]
    if lacking:
        problem = f"lacks {', '.join(lacking)}; its first line must name {', '.join(ours)}"
        raise ConfigError(f"{name}.csv", "", problem)


def _newest(name: str, text: str) -> int:
    """The newest year in it, for the description; 0 where there is none."""
    header = _header(text)
    column = next((c for c in ("year", "pue_year") if c in header), None)
    if column is None:
        return 0
    at = header.index(column)
    import csv

    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    years = [cells[at] for cells in list(csv.reader(lines))[1:] if len(cells) > at]
    return max((int(year) for year in years if year.isdigit()), default=0)
