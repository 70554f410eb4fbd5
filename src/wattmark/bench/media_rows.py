"""Rows of published datasets as pictures, sounds and names: classes by their names, sound not yet decoded."""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from wattmark.bench.published_table import Chosen, Published
from wattmark.core.errors import MissingExtra, UsageError


@dataclass(frozen=True, slots=True)
class MediaRows:
    """Anything with a length and places, whose numbered classes come out as names."""

    rows: Any
    names: Mapping[tuple[str, ...], list[str]]
    """Where numbers of classes are in a row -> their names."""

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, place: int) -> Any:
        row = self.rows[place]
        for path, names in self.names.items():
            row = _named(row, path, names)
        return row


def media_rows(rows: Any, row: Published | None) -> Any:
    """A dataset as opened, ready for pictures and sound; sound stays as bytes: decoding needs torchcodec.

    Rows of a file of one's own are left as they are.
    """
    features = getattr(rows, "features", None)
    if features is None or row is None:
        return rows
    for column, feature in features.items():
        if type(feature).__name__ == "Audio":
            rows = rows.cast_column(column, type(feature)(decode=False))
    return MediaRows(rows, dict(_class_names(features, ())))


def picture_in(chosen: Chosen, column: str = "image") -> Any:
    """A picture that must be there, in red, green and blue. Raises UsageError naming the dataset."""
    try:
        from PIL import Image, UnidentifiedImageError
    except ImportError:
        raise MissingExtra("pictures", "bench") from None
    value = chosen.values.get(column)
    if isinstance(value, Image.Image):
        return value.convert("RGB")
    data = bytes_in(value)
    if data is None:
        raise UsageError(f"--dataset {chosen.part}: {nothing_in(value, column, 'picture')}")
    try:
        return Image.open(io.BytesIO(data)).convert("RGB")
    except UnidentifiedImageError:  # its words are the address of an object in memory
        named = f" {value!r}" if isinstance(value, str) else ""
        raise UsageError(f"--dataset {chosen.part}: the picture{named} is none that Pillow reads") from None
    except (OSError, Image.DecompressionBombError) as error:
        raise UsageError(f"--dataset {chosen.part}: a picture cannot be read: {error}") from None


def nothing_in(value: Any, column: str, what: str) -> str:
    """Why a cell holds nothing: it names a file that is not there, or it names none."""
    if isinstance(value, str) and value:
        return f"the file {value!r} of the column {column!r} is not there; paths go from the current folder"
    return f"a row has no {what} in the column {column!r}"


def bytes_in(value: Any) -> bytes | None:
    """What a cell holds of a picture or a sound: bytes, a mapping with them, or the path of a file.

    Paths in a file of one's own are read from the current folder.
    """
    path = value.get("path") if isinstance(value, Mapping) else value
    data = value.get("bytes") if isinstance(value, Mapping) else value
    if isinstance(data, bytes):
        return data
    return Path(path).read_bytes() if isinstance(path, str) and path and Path(path).is_file() else None


def _class_names(features: Any, path: tuple[str, ...]) -> Any:
    """Every class feature: columns, and those inside mappings and lists."""
    if isinstance(features, Mapping):
        for name, inner in features.items():
            yield from _class_names(inner, (*path, name))
    elif isinstance(features, list):
        yield from _class_names(features[0], path)
    elif type(features).__name__ == "ClassLabel":
        yield path, list(features.names)
    elif hasattr(features, "feature"):  # List and Sequence of `datasets`
        yield from _class_names(features.feature, path)


def _named(value: Any, path: tuple[str, ...], names: list[str]) -> Any:
    """A copy in which the numbers at a path are names; -1 and nothing stay unknown."""
    if isinstance(value, list):
        return [_named(each, path, names) for each in value]
    if path:
        if not isinstance(value, Mapping) or path[0] not in value:
            return value
        return {**value, path[0]: _named(value[path[0]], path[1:], names)}
    return names[value] if isinstance(value, int) and 0 <= value < len(names) else None
