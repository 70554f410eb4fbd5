"""Queries of published datasets, by the `datasets` library; and of a file of one's own.

Works without a network from its cache (``HF_HUB_OFFLINE=1``), and from folders of Parquet, JSON lines or CSV
in the layout of the hub (``--dataset-dir``). Rows are drawn by a seed: the same rows for the same revision.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from wattmark.bench.asking import Query, QuerySet
from wattmark.bench.at_hand import copies
from wattmark.bench.own_queries import own_rows
from wattmark.bench.published_table import Chosen, Published, Wanted, wanted
from wattmark.bench.query_hash import query_set_sha256
from wattmark.core.bench.pinned import DatasetPin
from wattmark.core.errors import MissingExtra, UsageError

Make = Callable[[int, Chosen], Query | None]
"""Makes a query of its place and a row; None where the row is no good (blank), so that another is drawn."""

Ready = Callable[[Any, Published | None], Any]
"""Makes rows as they were opened ready to be drawn from (pictures, sound, names of classes)."""


def _as_opened(rows: Any, row: Published | None) -> Any:
    return rows


def published_set(
    task: str, names: Sequence[str], count: int, seed: int, make: Make, ready: Ready = _as_opened
) -> QuerySet:
    """So many queries, in equal parts of each dataset (thirds of three), taking turns.

    A file of one's own that has fewer rows gives all of them. Raises UsageError naming what is missing,
    MissingExtra where `datasets` is absent.
    """
    asked = wanted(task, names)
    _refuse_unreachable(asked)
    shares = [count // len(asked) + (place < count % len(asked)) for place in range(len(asked))]
    opened = [(each, *_opened(each)) for each in asked]
    parts = [_Part(each, ready(rows, each.row), revision) for each, rows, revision in opened]
    drawn = [part.draw(share, seed, make) for part, share in zip(parts, shares, strict=True)]
    queries = tuple(make_again(index, chosen, make) for index, chosen in enumerate(_in_turns(drawn)))
    pin = DatasetPin(
        name="+".join(part.wanted.name for part in parts),
        revision="; ".join(f"{part.wanted.name}@{part.revision}" for part in parts),
        sha256=query_set_sha256(queries),
        rows=len(queries),
        synthetic=False,
        parts=tuple((part.wanted.name, len(rows)) for part, rows in zip(parts, drawn, strict=True)),
    )
    return QuerySet(pin=pin, queries=queries)


def _refuse_unreachable(asked: Sequence[Wanted]) -> None:
    """Raise UsageError for what the hub cannot give, all of it, before the rest is fetched."""
    short = [each for each in asked if each.row is not None and each.row.local_only and each.folder is None]
    if not short:
        return
    held = ", ".join(f"{each.row.id} ({each.row.hub})" for each in short if each.row is not None)
    rest = ",".join(each.name for each in asked if each not in short)
    others = f"; --dataset {rest} asks the others of them" if rest else ""
    raise UsageError(
        f"--dataset {held}: the hub cannot give it to the `datasets` library (it is behind a script or a "
        f"login): put a copy into a folder and name the folder with --dataset-dir{others}; --dataset "
        "synthetic asks the stand-in, without a network"
    )


def make_again(index: int, chosen: Chosen, make: Make) -> Query:
    """The query of a row that is known to be good, at its place in the whole set."""
    query = make(index, chosen)
    if query is None:
        raise ValueError("a row was good, and then it was not")
    return query


@dataclass(frozen=True, slots=True)
class _Part:
    wanted: Wanted
    rows: Any
    """Anything with a length and places."""
    revision: str

    def draw(self, count: int, seed: int, make: Make) -> list[Chosen]:
        row = self.wanted.row
        found: list[Chosen] = []
        for place in drawn_places(len(self.rows), f"{seed}/{self.wanted.name}"):
            if len(found) == count:
                break
            raw = self.rows[place]
            chosen = Chosen(
                values=raw if row is None else _by_our_names(raw, row, place),
                part=self.wanted.name,
                row=row,
                labels=() if row is None else row.labels,
            )
            if _made(make, chosen, place) is not None:
                found.append(chosen)
        if not found or (len(found) < count and row is not None):
            raise UsageError(
                f"--dataset {self.wanted.name}: {count} queries are asked of it, and {len(found)} of its "
                f"{len(self.rows)} rows can be asked: ask fewer with --queries"
            )
        return found


def _made(make: Make, chosen: Chosen, place: int) -> Query | None:
    """The query of a row. Of a file of one's own the error says which row it was, and what that has."""
    try:
        return make(0, chosen)
    except UsageError as error:
        if chosen.row is not None:
            raise
        columns = ", ".join(map(str, chosen.values))[:200]
        raise UsageError(f"{error} (row {place + 1} of the file has {columns})") from None


def drawn_places(length: int, name: str) -> Iterator[int]:
    """Every place once, in an order that depends on nothing but the length and the name."""
    seen: set[int] = set()
    for turn in range(4 * length):
        if len(seen) == length:
            return
        digest = hashlib.sha256(f"{name}/{turn}".encode()).digest()
        place = int.from_bytes(digest[:8], "big") % length
        if place not in seen:
            seen.add(place)
            yield place
    yield from (place for place in range(length) if place not in seen)


def _in_turns(drawn: list[list[Chosen]]) -> Iterator[Chosen]:
    for turn in range(max(map(len, drawn), default=0)):
        yield from (part[turn] for part in drawn if turn < len(part))


def _by_our_names(raw: Mapping[str, Any], row: Published, place: int) -> dict[str, Any]:
    return {ours: _at(raw, theirs, row, place) for ours, theirs in row.columns.items()}


def _at(raw: Any, path: str, row: Published, place: int) -> Any:
    for step in path.split("."):
        try:
            raw = raw[int(step)] if isinstance(raw, list) else raw[step]
        except (KeyError, IndexError, ValueError, TypeError):
            raise UsageError(
                f"--dataset {row.id}: row {place} has no {path!r}: this copy has other columns"
            ) from None
    return raw


def _opened(each: Wanted) -> tuple[Any, str]:
    """The rows of a dataset, and the revision that they are of."""
    if each.file is not None:
        return own_rows(each.file), "own"
    if each.row is None:
        raise ValueError("neither a dataset nor a file")
    if each.folder is not None:
        return _from_folder(each.row, each.folder), "local copy"
    _refuse_unreachable([each])
    return _from_hub(each.row, each.revision)


def fetch(row: Published, revision: str = "") -> str:
    """Bring a dataset into the cache of the library, and say of which commit it is.

    Raises UsageError where the hub is out of reach or cannot give it, MissingExtra without `datasets`.
    """
    return _opened(Wanted(row=row, revision=revision or row.revision))[1]


def _from_hub(row: Published, revision: str) -> tuple[Any, str]:
    loaded = _loaded(row, row.hub, row.config, revision)
    return loaded, _commit_of(loaded) or revision or "not known"


def _from_folder(row: Published, folder: Path) -> Any:
    place = _copy_in(row, folder)
    library = _library()
    if (place / "dataset_dict.json").is_file() or (place / "state.json").is_file():
        saved = library.load_from_disk(str(place))
        if not isinstance(saved, library.DatasetDict):
            return saved
        if row.split not in saved:
            raise UsageError(
                f"--dataset {row.id}: {place} has the splits {', '.join(saved)}, not {row.split}"
            )
        return saved[row.split]
    configs = library.get_dataset_config_names(str(place))
    config = row.config if row.config in configs else ""
    if not config and configs != ["default"]:
        raise UsageError(
            f"--dataset {row.id}: {place} has the configurations {', '.join(configs)}"
            + (f", not {row.config}" if row.config else "")
        )
    return _loaded(row, str(place), config, "", cache=_cache_for(place, library))


def _cache_for(place: Path, library: Any) -> Path:
    """A cache for a folder as it is now.

    The library tells two copies of one name and configuration not apart, nor a copy from what it was before.
    """
    digest = hashlib.sha256(str(place.resolve()).encode())
    for file in sorted(path for path in place.rglob("*") if path.is_file()):
        now = file.stat()
        digest.update(f"\n{file.relative_to(place)} {now.st_size} {now.st_mtime_ns}".encode())
    return Path(library.config.HF_DATASETS_CACHE) / "wattmark-local" / digest.hexdigest()[:32]


def _copy_in(row: Published, folder: Path) -> Path:
    """The local copy of a dataset: ``FOLDER/wikitext``, ``FOLDER/Salesforce/wikitext`` and the like."""
    if not folder.is_dir():
        raise UsageError(f"--dataset-dir {folder}: there is no such folder")
    for place in copies(row, folder):
        if place.is_dir():
            return place
    if any(folder.glob("*.parquet")) or (folder / "README.md").is_file():
        return folder
    raise UsageError(f"--dataset {row.id}: {folder} has no folder {row.id} or {row.hub} with a copy of it")


def _loaded(row: Published, place: str, config: str, revision: str, cache: Path | None = None) -> Any:
    library = _library()
    try:
        return library.load_dataset(
            place,
            config or None,
            split=row.split,
            revision=revision or None,
            cache_dir=None if cache is None else str(cache),
        )
    except (ConnectionError, TimeoutError) as error:
        why = f"is not in the cache, and the hub is out of reach ({_line(error)})"
    except FileNotFoundError as error:  # DatasetNotFoundError is one
        why = _line(error)
    except (ValueError, RuntimeError, OSError, library.exceptions.DatasetsError) as error:
        why = _line(error)
    raise UsageError(
        f"--dataset {row.id} ({row.hub}): {why}; a copy in a folder can be named with --dataset-dir, and "
        "--dataset synthetic asks the stand-in"
    )


def _commit_of(loaded: Any) -> str:
    """The commit of the hub that the rows came from, as the library noted it; empty where it did not."""
    noted = [*(loaded.info.download_checksums or {}), *(file["filename"] for file in loaded.cache_files)]
    for text in noted:
        found = re.search(r"[@/]([0-9a-f]{40})(?=/|$)", str(text))
        if found:
            return found[1]
    return ""


def _line(error: BaseException) -> str:
    return str(error).strip().partition("\n")[0][:300]


def _library() -> Any:
    try:
        import datasets
    except ImportError:
        raise MissingExtra("published datasets", "bench") from None
    return datasets
