"""Threshold files: TOML, sealed by a hash of their own text, so that any edit shows.

::

    id = "house"
    version = 2
    effective = "2026-11-22"
    rule = "anchored-1"
    sha256 = "..."                  # of every other line of this file

    [[changelog]]
    version = 2
    date = "2026-11-22"
    text = "text_generation 0f2c...: E_ref 12.5 J, the median of 7"

    [[entry]]
    since = 2
    e_ref_joules = 12.5             # the median of the members, checked
    cohort_size = 7
    members_sha256 = "..."
    key = { task = "text_generation", ... }
    quality_floor = { name = "rouge_l", value = 0.2, higher_is_better = true }

    [[entry.member]]
    model = "..."
    energy_joules = 12.5
    bundle_sha256 = "..."
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

import msgspec

from wattmark.core.bench.key import Key
from wattmark.core.errors import ConfigError, UsageError
from wattmark.core.stars.thresholds import (
    RULE,
    SAME,
    Change,
    Entry,
    Member,
    QualityFloor,
    Thresholds,
    require_sound,
)
from wattmark.fields import parse_toml
from wattmark.hashing import sha256
from wattmark.tables import bundled

SHIPPED = "thresholds/wattmark.toml"
MOST_BYTES = 1 << 24
_SEAL = re.compile(r'^sha256 = "([0-9a-f]{64})"\n', re.MULTILINE)


class _Entry(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    since: int
    e_ref_joules: float
    cohort_size: int
    members_sha256: str
    key: Key
    quality_floor: QualityFloor | None = None
    member: list[Member]


class _File(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    id: str
    version: int
    effective: str
    title: str = ""
    rule: str
    sha256: str
    changelog: list[Change] = []
    entry: list[_Entry] = []


def shipped() -> Thresholds:
    """The references that come with wattmark."""
    return thresholds_from(bundled().joinpath(*SHIPPED.split("/")).read_bytes(), f"data/{SHIPPED}")


def read_thresholds(path: Path) -> Thresholds:
    """A threshold file. Raises ConfigError that names the place, also where it was altered."""
    try:
        with open(path, "rb") as file:
            content = file.read(MOST_BYTES + 1)
    except OSError as error:
        raise ConfigError(str(path), "", f"cannot be read: {error.strerror}") from None
    return thresholds_from(content, str(path))


def thresholds_from(content: bytes, name: str) -> Thresholds:
    """The references in the text of a file. Raises ConfigError with this name and the place in it."""
    if len(content) > MOST_BYTES:
        raise ConfigError(name, "", f"is larger than {MOST_BYTES >> 20} MiB: this is no threshold file")
    try:
        text = content.decode("utf-8").replace("\r\n", "\n")
    except UnicodeDecodeError:
        raise ConfigError(name, "", "is not UTF-8") from None
    document = parse_toml(text, name)
    try:
        found = msgspec.convert(document, _File)
    except msgspec.ValidationError as error:
        raise ConfigError(name, "", f"is no threshold file: {error}") from None
    actual = seal_of(text)
    if found.sha256 != actual:
        raise ConfigError(
            name,
            "sha256",
            f"was altered: its text hashes to {actual}, and it says {found.sha256}. References change by "
            "`wattmark stars recalibrate` alone, which writes the next version",
        )
    if found.rule != RULE:
        raise ConfigError(name, "rule", f"is {found.rule!r}, and this wattmark knows {RULE!r}")
    return _sound(found, actual, name)


def _sound(found: _File, seal: str, name: str) -> Thresholds:
    if not re.fullmatch(r"\d{4}-\d{2}-\d{2}", found.effective):
        raise ConfigError(name, "effective", f"{found.effective!r} is no date as 2026-11-22")
    entries = tuple(
        Entry(
            key=stated.key,
            members=tuple(stated.member),
            quality_floor=stated.quality_floor,
            since=stated.since,
        )
        for stated in found.entry
    )
    thresholds = Thresholds(
        id=found.id,
        version=found.version,
        effective=found.effective,
        title=found.title,
        changelog=tuple(found.changelog),
        entries=entries,
        sha256=seal,
    )
    try:
        require_sound(thresholds)
    except UsageError as error:
        raise ConfigError(name, "", str(error)) from None
    for number, (stated, entry) in enumerate(zip(found.entry, entries, strict=True), start=1):
        _require_true(stated, entry, name, f"entry {number}")
    return thresholds


def _require_true(stated: _Entry, entry: Entry, name: str, place: str) -> None:
    """What an entry says of its members must follow from them."""
    if stated.cohort_size != len(entry.members):
        raise ConfigError(
            name, f"{place}.cohort_size", f"is {stated.cohort_size}, listed are {len(entry.members)}"
        )
    if stated.members_sha256 != entry.members_sha256:
        raise ConfigError(name, f"{place}.members_sha256", "is not that of the members listed")
    if not math.isclose(stated.e_ref_joules, entry.e_ref_joules, rel_tol=SAME):
        raise ConfigError(
            name,
            f"{place}.e_ref_joules",
            f"is {stated.e_ref_joules:g}, the median of the members is {entry.e_ref_joules:g}",
        )


def write_thresholds(thresholds: Thresholds, path: Path) -> None:
    """Write a threshold file. Raises UsageError where there is one already: a version never changes."""
    require_sound(thresholds)
    try:
        with open(path, "x", encoding="utf-8", newline="\n") as file:
            file.write(thresholds_text(thresholds))
    except FileExistsError:
        raise UsageError(
            f"{path} is there already: a version never changes, write the next to a new file"
        ) from None
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror}") from None


def thresholds_text(thresholds: Thresholds) -> str:
    """The file, sealed."""
    head, *rest = _blocks(thresholds)
    text = "\n".join(("\n".join(head), *("\n".join(("", *block)) for block in rest))) + "\n"
    first, rule, after = text.partition(f"rule = {_value(RULE)}\n")
    return f'{first}{rule}sha256 = "{seal_of(text)}"\n{after}'


def seal_of(text: str) -> str:
    """SHA-256 of a file's text without the line that holds it."""
    return sha256(_SEAL.sub("", text, count=1).encode()).hexdigest()


def _blocks(thresholds: Thresholds) -> Iterator[list[str]]:
    yield [
        *_pairs({"id": thresholds.id, "version": thresholds.version, "effective": thresholds.effective}),
        *(_pairs({"title": thresholds.title}) if thresholds.title else ()),
        *_pairs({"rule": RULE}),
    ]
    for change in thresholds.changelog:
        yield [
            "[[changelog]]",
            *_pairs({"version": change.version, "date": change.date, "text": change.text}),
        ]
    for entry in thresholds.entries:
        floor = entry.quality_floor
        yield [
            "[[entry]]",
            *_pairs(
                {
                    "since": entry.since,
                    "e_ref_joules": entry.e_ref_joules,
                    "cohort_size": len(entry.members),
                    "members_sha256": entry.members_sha256,
                }
            ),
            f"key = {_inline({f.name: getattr(entry.key, f.name) for f in fields(Key)})}",
            *(
                ()
                if floor is None
                else (f"quality_floor = {_inline({f.name: getattr(floor, f.name) for f in fields(floor)})}",)
            ),
        ]
        for member in entry.members:
            yield ["[[entry.member]]", *_pairs({f.name: getattr(member, f.name) for f in fields(member)})]


def _pairs(values: Mapping[str, Any]) -> Iterator[str]:
    return (f"{name} = {_value(value)}" for name, value in values.items())


def _inline(values: Mapping[str, Any]) -> str:
    return "{ " + ", ".join(_pairs(values)) + " }"


def _value(value: Any) -> str:
    """A TOML value: text is escaped as JSON's, which TOML reads alike but for the delete character."""
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007F")
    return json.dumps(value)
