"""Describe a dataset: its hash, its rows, and its bytes without what is there twice."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from wattmark.core.errors import EvidenceError, UsageError
from wattmark.core.run import Dataset
from wattmark.datasets import cache as kept
from wattmark.datasets.chunks import Chunker
from wattmark.datasets.streams import RowCounter, kind_of, uncompressed
from wattmark.datasets.tables import (
    TABLE_SUFFIXES,
    ColumnStreams,
    batches_of_file,
    batches_of_object,
    is_table_like,
)
from wattmark.datasets.unique import UniqueBytes

Progress = Callable[[int, int], None]
"""Hears bytes on disk done, and in all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Description:
    """A dataset and how its figures were come by."""

    dataset: Dataset
    files: int
    files_with_rows: int
    bytes_on_disk: int
    unique_error: float = 0.0
    """Half width of the unique bytes at 95 %, as a share; 0 when they were counted exactly."""
    from_cache: bool = False

    @property
    def duplicate_share(self) -> float | None:
        """Share of the bytes that is there twice."""
        total, unique = self.dataset.total_bytes, self.dataset.unique_bytes
        return 1 - unique / total if total and unique is not None else None


def dataset(
    what: Any, *, cache: bool = True, name: str | None = None, progress: Progress | None = None
) -> Dataset:
    """Describe a file, a folder, Parquet files or a Hugging Face dataset.

    See :func:`describe`; this is its result without the details.
    """
    return describe(what, cache=cache, name=name, progress=progress).dataset


def describe(
    what: Any,
    *,
    cache: bool = True,
    name: str | None = None,
    progress: Progress | None = None,
    environ: Mapping[str, str] | None = None,
    dvc: bool | None = None,
) -> Description:
    """Stream a dataset once, in bounded memory, and say what it is.

    ``what`` is a path to a file or a folder (hidden files left out), several paths, a Hugging Face
    dataset or dictionary of splits, or an Arrow table. Compressed files count as what they hold. Files
    are remembered by path, size, time and inode unless ``cache`` is False. The name kept is ``name``,
    else the last part of a path.

    Where one file or folder lies in a DVC repository, DVC's own hash of it is stated too; ``dvc`` asks for
    that (True) or does without (False).

    Raises EvidenceError when nothing can be read, MissingExtra for tables without pyarrow, UsageError
    for anything else.
    """
    found = _described(what, cache, name, progress, environ)
    if dvc is False or not isinstance(what, (str, os.PathLike)):
        return found
    from wattmark.datasets.dvc import dvc_md5, repository_of

    if dvc is None and repository_of(Path(what)) is None:
        return found
    try:
        md5 = dvc_md5(Path(what))
    except EvidenceError:
        if dvc:
            raise
        return found  # a .dvcignore decides: it is not stated
    return replace(found, dataset=replace(found.dataset, dvc_md5=md5))


def _described(
    what: Any, cache: bool, name: str | None, progress: Progress | None, environ: Mapping[str, str] | None
) -> Description:
    if is_table_like(what):
        return _of_object(what, name or "")
    root, paths = _paths(what)
    files = _files(root, paths)
    shown = name if name is not None else (root or paths[0]).resolve().name
    if name is None and len(paths) > 1:
        shown = f"{shown} and {len(paths) - 1} more"
    if not cache:
        return _of_files(files, shown, progress)
    directory = kept.folder(os.environ if environ is None else environ)
    key, latest = kept.key_of(files)
    if (told := kept.load(directory, key)) is not None and (found := _remembered(told)) is not None:
        return replace(found, dataset=replace(found.dataset, name=shown), from_cache=True)
    made = _of_files(files, shown, progress)
    if time.time_ns() - latest > kept.SETTLED_NS and kept.key_of(files)[0] == key:
        kept.store(directory, key, asdict(replace(made, dataset=replace(made.dataset, name=""))))
    return made


def _remembered(told: Mapping[str, Any]) -> Description | None:
    try:
        return Description(**{**told, "dataset": Dataset(**told["dataset"])})
    except (TypeError, KeyError):
        return None  # written by another version: made again


def _paths(what: Any) -> tuple[Path | None, list[Path]]:
    """The folder, when it is one, and the paths given."""
    if isinstance(what, (str, os.PathLike)):
        path = Path(what)
        if not path.exists():
            raise EvidenceError(str(path), "does not exist: give the path of a file or a folder")
        return (path, []) if path.is_dir() else (None, [path])
    if isinstance(what, Iterable) and not isinstance(what, (bytes, Mapping)):
        paths = [Path(p) for p in what if isinstance(p, (str, os.PathLike))]
        unfit = next((p for p in paths if not p.is_file()), None)
        if unfit is not None:
            problem = (
                "is a folder: give one folder alone" if unfit.is_dir() else "does not exist: give a path"
            )
            raise UsageError(f"{unfit}: {problem}, or several files")
        if paths:
            return None, sorted(paths)
    raise UsageError(
        f"a {type(what).__name__} is no dataset that wattmark can read: give a path, several files, "
        "a Hugging Face dataset or an Arrow table"
    )


def _files(root: Path | None, paths: Sequence[Path]) -> list[tuple[str, Path]]:
    """(Name that goes into the hash, file), in an order that depends on the names alone."""
    if root is None:
        return [("" if len(paths) == 1 else p.name, p) for p in paths]
    found = sorted((p.relative_to(root).as_posix(), p) for p in _walk(root))
    if not found:
        raise EvidenceError(str(root), "holds no files (hidden ones are left out)")
    return found


def _walk(root: Path) -> Iterator[Path]:
    for folder, inside, names in os.walk(root):
        inside[:] = sorted(d for d in inside if not d.startswith("."))
        for name in names:
            path = Path(folder, name)
            if not name.startswith(".") and path.is_file():
                yield path


def _of_files(files: Sequence[tuple[str, Path]], name: str, progress: Progress | None) -> Description:
    unique = UniqueBytes()
    sizes = [path.stat().st_size for _, path in files]
    every, done = sum(sizes), 0
    whole = hashlib.sha256()
    rows: list[int] = []
    sha256 = ""
    for (inner, path), size in zip(files, sizes, strict=True):
        base = done

        def at(place: int, base: int = base) -> None:
            if progress is not None:
                progress(base + place, every)

        count, sha256 = _one_file(path, unique, at)
        if count is not None:
            rows.append(count)
        whole.update(f"{inner}\0{sha256}\n".encode())
        done += size
        at(size)
    single = len(files) == 1 and files[0][0] == ""
    return Description(
        dataset=Dataset(
            name=name,
            rows=sum(rows) if rows else None,
            total_bytes=unique.total,
            unique_bytes=unique.unique,
            sha256=sha256 if single else whole.hexdigest(),
        ),
        files=len(files),
        files_with_rows=len(rows),
        bytes_on_disk=every,
        unique_error=unique.relative_error,
    )


def _one_file(path: Path, unique: UniqueBytes, at: Callable[[int], None]) -> tuple[int | None, str]:
    """Rows (None when it has none) and sha256 of one file's content."""
    if path.suffix.lower() in TABLE_SUFFIXES:
        columns = ColumnStreams(unique)
        for batch in batches_of_file(path, at):
            columns.add(batch)
        return columns.rows, columns.end()
    digest, chunker = hashlib.sha256(), Chunker()
    counter = RowCounter(kind_of(path), "\t" if ".tsv" in path.name.lower() else ",")
    for block in uncompressed(path, at):
        digest.update(block)
        counter.feed(block)
        unique.add(chunker.feed(block))
    unique.add(chunker.end())
    return counter.rows, digest.hexdigest()


def _of_object(what: Any, name: str) -> Description:
    unique = UniqueBytes()
    splits: dict[str, ColumnStreams] = {}
    for split, batch in batches_of_object(what):
        if split not in splits:
            splits[split] = ColumnStreams(unique)
        splits[split].add(batch)
    hashes = {split: columns.end() for split, columns in splits.items()}
    whole = hashlib.sha256("".join(f"{s}\0{h}\n" for s, h in hashes.items()).encode()).hexdigest()
    return Description(
        dataset=Dataset(
            name=name,
            rows=sum(c.rows for c in splits.values()),
            total_bytes=unique.total,
            unique_bytes=unique.unique,
            sha256=hashes.get("", whole),
        ),
        files=0,
        files_with_rows=0,
        bytes_on_disk=0,
        unique_error=unique.relative_error,
    )
