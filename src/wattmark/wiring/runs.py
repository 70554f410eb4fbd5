"""Runs by file, by folder, out of a bundle, or out of a ledger: ``ledger:team=search,stage=inference``."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from wattmark.core.errors import EvidenceError, UsageError
from wattmark.ledger.runfile import SUFFIX, LoadedRun
from wattmark.ledger.runfile import read_runs as read_files
from wattmark.measure.environment import LEDGER

PREFIX = "ledger:"
FOLDER = "wattmark-ledger-"
"""How the folder begins in which runs of a ledger lie while this process needs them."""
ZIP = ".zip"
"""Suffix of a bundle in one file."""
LIMIT = "limit"
"""Among the conditions: how many, the newest first."""


def read_runs(paths: Iterable[Path]) -> list[LoadedRun]:
    """Read run files, bundles, folders of both, and runs that a ledger holds.

    A bundle gives a run for each of its repeats. Raises EvidenceError, also for none.
    """
    found: list[LoadedRun] = []
    for path in paths:
        named = str(path)
        found += _from_ledger(named) if named.startswith(PREFIX) else _from(path)
    return found


def _from(path: Path) -> Iterator[LoadedRun]:
    if not path.is_dir() and path.suffix.lower() != ZIP:
        yield from read_files([path])
        return
    from wattmark.wiring.bundles import bundles_in, is_bundle, read_bundle_runs

    if is_bundle(path):
        yield from read_bundle_runs(path)
        return
    bundles = bundles_in(path)
    if not bundles or any(path.glob(f"*{SUFFIX}")):
        yield from read_files([path])
    for bundle in bundles:
        yield from read_bundle_runs(bundle)


def conditions(text: str) -> tuple[dict[str, tuple[str, ...]], int | None]:
    """What ``KEY=VALUE,KEY=VALUE`` asks for, and how many runs at most. Raises UsageError."""
    where: dict[str, tuple[str, ...]] = {}
    for part in filter(None, text.removeprefix(PREFIX).split(",")):
        key, sign, value = part.partition("=")
        if not sign or not key or key in where:
            raise UsageError(
                f"{text!r}: write {PREFIX}KEY=VALUE,KEY=VALUE, each key once; {part!r} is neither"
            )
        where[key.strip()] = (value.strip(),)
    limit = where.pop(LIMIT, (None,))[0]
    if limit is not None and not (limit.isdigit() and int(limit)):
        raise UsageError(f"{text!r}: {LIMIT} must be a whole number from 1 up")
    return where, None if limit is None else int(limit)


def _from_ledger(named: str) -> Iterator[LoadedRun]:
    """The runs that are meant, as files in a folder of this process: a report names them with their hash."""
    from datetime import UTC, datetime

    from wattmark.wiring.configuration import ledger_named, load_config
    from wattmark.wiring.ledger import open_ledger, read_ledger

    where, limit = conditions(named)
    url = ledger_named(None, load_config(Path.cwd(), os.environ), os.environ, Path.cwd())
    if url is None:
        raise UsageError(
            f"{named}: no ledger is named: set {LEDGER}, or write `url` under [ledger] in wattmark.toml; "
            "or name run files"
        )
    ledger = open_ledger(url)
    told: list[str] = []
    snapshot = read_ledger(ledger, int(datetime.now(UTC).timestamp() * 1e6), told.append)
    from wattmark.ledger.documents import documents, file_name, run_of
    from wattmark.ledger.listing import Choice, Listing

    with Listing(snapshot) as listing:
        lines = listing.runs(Choice(where=where), limit)
    contents = {line.record_id: line.content for line in lines}
    folder = _folder()
    count = 0
    for record_id, document in documents(ledger.store, snapshot.version, contents):
        run = run_of(record_id, document)
        path = folder / file_name(run)
        path.write_text(document, encoding="utf-8", newline="")
        count += 1
        yield LoadedRun(path, run)
    if not count:
        raise EvidenceError(named, f"{ledger.url} holds no run like that: `wattmark ledger runs` lists them")


def is_lasting(path: Path) -> bool:
    """Whether a run file will be there when this process has ended."""
    return not path.parent.name.startswith(FOLDER)


def _folder() -> Path:
    """A folder that goes when this process ends."""
    import atexit
    import shutil
    import tempfile

    folder = Path(tempfile.mkdtemp(prefix=FOLDER))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder
