"""Reads ``dvc.lock`` (schema 2.0, as DVC writes it); hashes of DVC 3 and of DVC 2 are told apart."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from wattmark.core.dvc import LockedPath, LockedStage
from wattmark.core.errors import EvidenceError, MissingExtra

LOCK = "dvc.lock"
MOST_BYTES = 64 << 20


def read_lock(path: Path) -> tuple[LockedStage, ...]:
    """The stages of a lock file. Raises EvidenceError that names the field, MissingExtra without PyYAML."""
    try:
        import yaml
    except ModuleNotFoundError:
        raise MissingExtra("reading dvc.lock", "dvc") from None
    try:
        text = path.read_bytes()[:MOST_BYTES].decode()
        found: Any = yaml.safe_load(text)
    except OSError as error:
        raise EvidenceError(str(path), f"cannot be read: {error.strerror or error}") from None
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as error:
        raise EvidenceError(str(path), f"is no YAML: {' '.join(str(error).split())[:200]}") from None
    if not isinstance(found, Mapping) or not isinstance(found.get("stages"), Mapping):
        raise EvidenceError(str(path), "is no dvc.lock of DVC 1.0 or later: it has no `stages`")
    return tuple(_stage(path, str(name), body) for name, body in found["stages"].items())


def _stage(path: Path, name: str, body: Any) -> LockedStage:
    if not isinstance(body, Mapping):
        raise EvidenceError(f"{path}: stages.{name}", "is no mapping")
    return LockedStage(
        name=name,
        deps=_paths(path, name, "deps", body.get("deps")),
        outs=_paths(path, name, "outs", body.get("outs")),
    )


def _paths(path: Path, stage: str, key: str, found: Any) -> tuple[LockedPath, ...]:
    if found is None:
        return ()
    if not isinstance(found, list):
        raise EvidenceError(f"{path}: stages.{stage}.{key}", "is no list")
    kept: list[LockedPath] = []
    for i, item in enumerate(found):
        if not isinstance(item, Mapping) or not isinstance(item.get("path"), str):
            raise EvidenceError(f"{path}: stages.{stage}.{key}[{i}]", "has no `path`")
        md5 = item.get("md5")
        if isinstance(md5, str):  # what lies across the network has an etag or a checksum instead
            # DVC 3 states which hash it is; DVC 2 stated none, and changed line ends before it hashed.
            kept.append(LockedPath(path=item["path"], md5=md5, old=item.get("hash") != "md5"))
    return tuple(kept)
