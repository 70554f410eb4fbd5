"""Records as plain dictionaries, ready for JSON: what is None, empty or default is left out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, Field, fields, is_dataclass
from enum import Enum
from functools import cache
from typing import Any

_AS_IT_IS = frozenset({int, float, str, bool, type(None)})
"""Most of what is in a record, asked first: large bundles hold some millions of them."""


def plain(record: Any) -> Any:
    """A dataclass, mapping or sequence as dictionaries, lists and plain values."""
    if type(record) in _AS_IT_IS:
        return record
    if isinstance(record, Enum):
        return record.value
    if is_dataclass(record) and not isinstance(record, type):
        found = {}
        for f in _fields(type(record)):
            value = getattr(record, f.name)
            if not _is_default(f, value):
                found[f.name] = plain(value)
        return found
    if isinstance(record, Mapping):
        return {str(k): plain(v) for k, v in record.items()}
    if isinstance(record, (tuple, list)):
        return [plain(v) for v in record]
    return record


ALWAYS = frozenset({"schema", "schema_version", "seq", "status"})
"""Fields that are written even when they hold their default."""


@cache
def _fields(kind: type) -> tuple[Field[Any], ...]:
    return fields(kind)


def _is_default(f: Field[Any], value: Any) -> bool:
    if f.name in ALWAYS:
        return False
    if f.default is not MISSING:
        return value is f.default or (type(value) is type(f.default) and bool(value == f.default))
    return not value if f.default_factory is not MISSING and isinstance(value, (tuple, Mapping)) else False
