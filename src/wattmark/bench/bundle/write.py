"""Seals evidence into a bundle: what was seen, what follows from it, and the list of it all, last."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from pathlib import Path

from wattmark.bench.bundle.encoding import canonical, encoded, json_of
from wattmark.bench.bundle.files import zipped
from wattmark.bench.bundle.layout import (
    LISTED,
    MANIFEST,
    OPEN,
    RESULT,
    RUN,
    Bundle,
    Listed,
    Manifest,
)
from wattmark.core.bench.as_run import run_of
from wattmark.core.bench.derive import result_of
from wattmark.core.bench.evidence import Evidence
from wattmark.core.bench.result import Result
from wattmark.core.errors import EvidenceError, UsageError
from wattmark.core.run import Run
from wattmark.frames import sync_folder
from wattmark.hashing import sha256
from wattmark.measure.spool import replace_file
from wattmark.version import __version__


def write_bundle(evidence: Evidence, path: Path) -> Bundle:
    """Write a bundle: a folder, or one file where the path ends with ``.zip``. Equal evidence, equal bytes.

    The manifest comes last, so that there is a whole bundle or none; then what the store kept while the
    benchmark ran is removed. Raises UsageError where another bundle is already, EvidenceError where it cannot
    be written.
    """
    evidence = canonical(evidence)
    result = result_of(evidence)
    listed = {**encoded(evidence), RESULT: result_bytes(result), RUN: run_bytes(run_of(evidence))}
    manifest = manifest_of(evidence, listed)
    files = {**listed, MANIFEST: manifest_bytes(manifest)}
    write_files(path, files)
    return Bundle(
        path=path,
        manifest=manifest,
        manifest_sha256=sha256(files[MANIFEST]).hexdigest(),
        evidence=evidence,
        result=result,
        files=files,
    )


def result_bytes(result: Result) -> bytes:
    """``result.json``. It cannot hold the hash of the manifest that lists it."""
    return json_of(result, indent=1) + b"\n"


def run_bytes(run: Run) -> bytes:
    """``run.json``: a run file like any other."""
    return json_of(run, indent=1) + b"\n"


def manifest_bytes(manifest: Manifest) -> bytes:
    """``manifest.json``."""
    return json_of(manifest, indent=1) + b"\n"


def manifest_of(evidence: Evidence, listed: Mapping[str, bytes]) -> Manifest:
    """The list of files, in the order of their names."""
    return Manifest(
        evidence_id=evidence.id,
        protocol=evidence.profile.protocol,
        wattmark=__version__,
        files=tuple(
            Listed(path=name, bytes=len(listed[name]), sha256=sha256(listed[name]).hexdigest())
            for name in sorted(LISTED)
        ),
    )


def write_files(path: Path, files: Mapping[str, bytes]) -> None:
    """Put the files of a bundle into a folder or a zip file. Raises UsageError, EvidenceError."""
    try:
        if path.suffix == ".zip":
            _zip(path, files)
        else:
            _folder(path, files)
    except OSError as error:
        raise EvidenceError(str(path), f"cannot be written: {error.strerror or error}") from None


def _folder(path: Path, files: Mapping[str, bytes]) -> None:
    old = path / MANIFEST
    if old.exists() and old.read_bytes() != files[MANIFEST]:
        raise UsageError(f"{path}: holds another bundle already: give another folder")
    parts = path / OPEN
    parts.mkdir(parents=True, exist_ok=True)
    for name in (*(n for n in sorted(files) if n != MANIFEST), MANIFEST):
        if name == MANIFEST:
            sync_folder(path)
        replace_file(path / name, files[name], parts)
    sync_folder(path)
    shutil.rmtree(parts, ignore_errors=True)


def _zip(path: Path, files: Mapping[str, bytes]) -> None:
    data = zipped(files)
    if path.exists() and path.read_bytes() != data:
        raise UsageError(f"{path}: is there already: give another name")
    path.parent.mkdir(parents=True, exist_ok=True)
    replace_file(path, data, path.parent)
    os.chmod(path, 0o644)
