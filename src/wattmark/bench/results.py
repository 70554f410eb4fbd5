"""Results from wherever they are kept: bundles, JSON, run files of other tools, tables of published ratings.

Whatever reads results (stars, leaderboard, label, select) reads them here.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from wattmark.bench.bundle.layout import MANIFEST, OPEN, SUFFIX
from wattmark.bench.bundle.layout import SCHEMA as BUNDLE_SCHEMA
from wattmark.bench.rating_table import RatingTable, TableRow, table_from
from wattmark.core.bench.key import UNKNOWN, Key
from wattmark.core.bench.pinned import ModelFacts
from wattmark.core.bench.result import SCHEMA, SCHEMA_VERSION, Origin, Result
from wattmark.core.bench.signs import first_odd
from wattmark.core.bench.sound_result import first_fault
from wattmark.core.bench.task import task_named
from wattmark.core.bench.validity import Reason, Status, validity_of
from wattmark.core.errors import EvidenceError
from wattmark.core.figure import Figure
from wattmark.core.known import Grade
from wattmark.core.plain import plain
from wattmark.core.run import SCHEMA as RUN_SCHEMA

LIST_SCHEMA = "wattmark.results"
MOST_BYTES = 1 << 28
MOST_DEEP = 4
"""Folders within folders that are looked into."""
DECLARED_ERROR = 1.0
"""Relative half width of what is stated without a method that could be checked (data/uncertainty.csv)."""
FROM_BUNDLE = "worked out again from its bundle"
UNCHECKED = "as its file states, bundle not looked at"
PUBLISHED = "published, evidence not checked"
FROM_RUN = "from a run file"
TRUST = (FROM_BUNDLE, UNCHECKED, FROM_RUN, PUBLISHED)
"""What stands for a result that came in several forms: the first of these."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """A result with the place it was read from."""

    result: Result
    place: str
    """File, with the line where it is a table or a list."""
    checked: str
    """What stands behind it here: one of the words above."""
    note: str = ""
    """What was taken for what, e.g. the unit of a column."""


def read_results(paths: Iterable[Path]) -> list[Result]:
    """Every result of these files and folders, each once. Raises EvidenceError that names the place."""
    return [loaded.result for loaded in read_loaded(paths)]


def read_loaded(paths: Iterable[Path]) -> list[Loaded]:
    """As :func:`read_results`, with the place of each. Raises EvidenceError, also where there is none."""
    found: dict[str, Loaded] = {}
    for loaded in (each for path in paths for each in _read(path)):
        if (fault := first_odd(plain(loaded.result))) is not None:
            raise EvidenceError(loaded.place, f"cannot be shown: `{fault[0]}` {fault[1]}")
        first = found.setdefault(loaded.result.id, loaded)
        if first is loaded:
            continue
        if loaded.checked == PUBLISHED:
            raise EvidenceError(loaded.place, f"the same rating stands in {first.place} already")
        if first.checked != loaded.checked:  # a result.json or a run file beside its own bundle
            found[loaded.result.id] = min(first, loaded, key=lambda each: TRUST.index(each.checked))
        elif plain(first.result) != plain(loaded.result):
            raise EvidenceError(loaded.place, f"is another result of the same run as {first.place}: give one")
    return list(found.values())


def write_results(results: Iterable[Result], path: Path) -> None:
    """Keep results in one file: ``.jsonl`` holds one a line, else it is a JSON document."""
    path.write_text(results_text(results, lines=path.suffix == ".jsonl"), encoding="utf-8")


def results_text(results: Iterable[Result], *, lines: bool = False) -> str:
    """Results as JSON. Raises ValueError for numbers that JSON does not have."""
    rows = [plain(result) for result in results]
    if lines:
        return "".join(json.dumps(row, allow_nan=False, ensure_ascii=False) + "\n" for row in rows)
    whole = {"schema": LIST_SCHEMA, "schema_version": SCHEMA_VERSION, "results": rows}
    return json.dumps(whole, indent=1, allow_nan=False, ensure_ascii=False) + "\n"


def _read(path: Path) -> Iterator[Loaded]:
    if path.is_dir():
        if (path / MANIFEST).is_file() or path.suffix == SUFFIX:
            yield _bundle(path)
        else:
            yield from _folder(path)
    elif path.suffix.lower() == ".zip":
        yield _bundle(path)
    else:
        yield from _file(path)


def _folder(folder: Path) -> Iterator[Loaded]:
    """What is in a folder: bundles, results, tables; run files that are no benchmarks are passed over."""
    count = 0
    for path in _inside(folder, MOST_DEEP):
        try:
            for loaded in _read(path):
                count += 1
                yield loaded
        except _NoBenchmark:
            continue
    if not count:
        raise EvidenceError(str(folder), "holds no results: bundles, JSON, JSON Lines, run files or CSV")


def _inside(folder: Path, deep: int) -> Iterator[Path]:
    """Bundles and files in a folder and in those below it; benchmarks that are still running are none yet."""
    for path in sorted(folder.iterdir()):
        if path.name.startswith("."):
            continue
        if path.is_file():
            if path.suffix.lower() in (".zip", ".json", ".jsonl", ".csv"):
                yield path
        elif (path / MANIFEST).is_file():
            yield path
        elif deep and path.is_dir() and not (path / OPEN).is_dir():
            yield from _inside(path, deep - 1)


def _file(path: Path) -> Iterator[Loaded]:
    name = str(path)
    try:
        with open(path, "rb") as file:
            content = file.read(MOST_BYTES + 1)
    except OSError as error:
        raise EvidenceError(name, f"cannot be read: {error.strerror}") from None
    if len(content) > MOST_BYTES:
        raise EvidenceError(name, f"is larger than {MOST_BYTES >> 20} MiB: these are no results")
    if path.suffix.lower() in (".csv", ".tsv"):
        yield from _table(table_from(content, name), path.name)
    elif path.suffix.lower() in (".jsonl", ".ndjson"):
        for number, line in enumerate(content.split(b"\n"), start=1):
            if line.strip():
                yield from _document(line, f"{name}:{number}", path)
    else:
        yield from _document(content, name, path)


def _document(content: bytes, place: str, path: Path) -> Iterator[Loaded]:
    try:
        found = msgspec.json.decode(content.removeprefix(b"\xef\xbb\xbf"))
    except RecursionError:
        raise EvidenceError(place, "is nested too deeply") from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise EvidenceError(place, f"is no JSON: {error}") from None
    if isinstance(found, list):
        for index, item in enumerate(found):
            yield from _object(item, content, f"{place}[{index}]", path, alone=False)
    else:
        yield from _object(found, content, place, path, alone=True)


def _object(found: Any, content: bytes, place: str, path: Path, *, alone: bool) -> Iterator[Loaded]:
    schema = found.get("schema") if isinstance(found, dict) else None
    if schema == SCHEMA:
        yield _stated(found, place)
    elif schema == LIST_SCHEMA and isinstance(found.get("results"), list):
        for index, item in enumerate(found["results"]):
            yield _stated(item, f"{place}: results[{index}]")
    elif schema == RUN_SCHEMA and alone:
        yield _run(content, place)
    elif schema == BUNDLE_SCHEMA and alone:
        yield _bundle(path.parent)
    else:
        raise EvidenceError(
            place,
            f"holds no result: `schema` is {schema!r}, expected {SCHEMA!r}, {LIST_SCHEMA!r} or a run file",
        )


def _stated(found: Any, place: str) -> Loaded:
    result = result_from(found, place)
    return Loaded(result, place, PUBLISHED if result.origin.published else UNCHECKED)


def result_from(found: Any, place: str) -> Result:
    """Validate a result that was decoded from JSON. Raises EvidenceError with the place in the document."""
    version = found.get("schema_version") if isinstance(found, dict) else None
    if isinstance(version, int) and version > SCHEMA_VERSION:
        raise EvidenceError(
            place,
            f"was written by a newer wattmark (schema version {version}, this one reads {SCHEMA_VERSION}): "
            "upgrade with `pip install --upgrade wattmark`",
        )
    try:
        result = msgspec.convert(found, Result)
    except (msgspec.ValidationError, RecursionError) as error:
        raise EvidenceError(place, f"does not hold a valid result: {error}") from None
    if result.schema != SCHEMA:
        raise EvidenceError(place, f"is no result: `schema` is {result.schema!r}, expected {SCHEMA!r}")
    if (fault := first_fault(result)) is not None:
        raise EvidenceError(place, f"does not hold a valid result: {fault[1]} - at `{fault[0]}`")
    return result


class _NoBenchmark(EvidenceError):
    """A run file that is no benchmark's: in a folder it is passed over."""


def _run(content: bytes, place: str) -> Loaded:
    from wattmark.core.bench.imported import result_of_run
    from wattmark.ledger.runfile import run_from

    result = result_of_run(run_from(content, place))
    if result is None:
        raise _NoBenchmark(place, "is a run, but no benchmark's: it has no label `wattmark.bench.task`")
    return Loaded(result, place, PUBLISHED if result.origin.published else FROM_RUN)


def _bundle(path: Path) -> Loaded:
    from wattmark.bench.bundle.read import load_bundle, working_out
    from wattmark.core.bench.derive import result_of

    bundle = load_bundle(path)
    with working_out(str(path)):
        result = result_of(bundle.evidence, bundle_sha256=bundle.manifest_sha256)
    return Loaded(result, str(path), FROM_BUNDLE)


def _table(table: RatingTable, file: str) -> Iterator[Loaded]:
    for row in table.rows:
        result = _of_row(row, file)
        note = f"{table.name}: column `{table.energy_column}` is {table.unit} of the GPUs per 1,000 queries"
        yield Loaded(result, f"{table.name}:{row.line}", PUBLISHED, note)


def _of_row(row: TableRow, file: str) -> Result:
    """A published rating: what its table does not state stays unknown; its energy is declared (grade E)."""
    known = task_named(row.task)
    task = known.id if known else row.task
    alike = "\n".join(
        (
            task.casefold(),
            row.model.casefold(),
            row.model_class or "",
            " ".join(row.cohort.casefold().split()),
        )
    )
    joules = float(row.wh_per_1000) * 3.6
    energy = Figure(
        value=joules,
        unit="J/query",
        errors={f"declared: {file}: {row.model}": joules * DECLARED_ERROR},
        grades={Grade.E: joules},
        terms={"boundary": "device"},
        sources=(file,),
        notes=("published without evidence",),
    )
    stated = {"task": row.task, "model": row.model, "gpu_wh_per_1000": format(row.wh_per_1000, "f")}
    stated |= {"cohort": row.cohort} if row.cohort else {}
    stated |= {"model_class": row.model_class} if row.model_class else {}
    stated |= {"published_stars": str(row.published_stars)} if row.published_stars is not None else {}
    return Result(
        id="table:" + hashlib.sha256(alike.encode()).hexdigest()[:16],
        task=task,
        model=ModelFacts(id=row.model, model_class=row.model_class, device=UNKNOWN),
        cohort=row.cohort,
        key=_key_of(task),
        energy=energy,
        gpu_energy=energy,
        validity=validity_of(
            [
                Reason(
                    code="no_evidence",
                    status=Status.INVALID,
                    text="A table states a figure; there is no evidence that could be checked.",
                )
            ]
        ),
        origin=Origin(tool="table", source=file, published=True, method="not stated"),
        stated=stated,
    )


def _key_of(task: str) -> Key:
    return Key(
        task=task,
        dataset=UNKNOWN,
        tokens=UNKNOWN,
        boundary="device (gpu)",
        device_class=UNKNOWN,
        batch_policy=UNKNOWN,
        precision=UNKNOWN,
        evidence="estimated",
        protocol=UNKNOWN,
        power_limit=UNKNOWN,
    )
