"""Every format of request log that can be read, and the one door to them: :func:`open_requests`."""

from __future__ import annotations

import difflib
import importlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from wattmark.core.errors import EvidenceError, MissingExtra, UsageError

if TYPE_CHECKING:
    from wattmark.attribution.columns import RequestColumns
    from wattmark.attribution.logs.reading import Seen
    from wattmark.attribution.logs.tally import Tally

CHUNK = 1_000_000
"""Requests in one chunk, unless another number is asked for."""
AUTO = "auto"


@dataclass(frozen=True, slots=True)
class Format:
    """One row of the catalog."""

    module: str
    """Holds a function ``read(Asked) -> Iterator[RequestColumns]``."""
    reads: str
    """What it reads, as lists and pages name it."""
    options: tuple[str, ...] = ()
    """Options beside those of all formats."""


OF_COLUMNS = ("column.*", "unit.*")
FORMATS: Mapping[str, Format] = {
    "jsonl": Format(
        "wattmark.attribution.logs.json_read",
        "wattmark's own request lines, and JSON Lines with other names",
        OF_COLUMNS,
    ),
    "csv": Format("wattmark.attribution.logs.csv_read", "tables as CSV, with a header", OF_COLUMNS),
    "parquet": Format("wattmark.attribution.logs.parquet_read", "tables as Parquet", OF_COLUMNS),
    "nginx": Format(
        "wattmark.attribution.logs.json_read",
        "JSON access logs of nginx",
        (*OF_COLUMNS, "first_byte"),
    ),
    "envoy": Format(
        "wattmark.attribution.logs.json_read",
        "JSON access logs of Envoy and Istio",
        (*OF_COLUMNS, "first_byte"),
    ),
    "ollama": Format(
        "wattmark.attribution.logs.json_read", "responses of Ollama's API, one per line", OF_COLUMNS
    ),
    "sglang": Format("wattmark.attribution.logs.json_read", "SGLang's request logs (JSON)", OF_COLUMNS),
    "tgi": Format(
        "wattmark.attribution.logs.json_read", "Text Generation Inference's JSON output", OF_COLUMNS
    ),
    "otlp": Format(
        "wattmark.attribution.logs.otlp_read",
        "GenAI spans of OpenTelemetry: OTLP JSON lines or protobuf (vLLM, SGLang, SDKs, the Collector)",
        ("spans",),
    ),
    "llama.cpp": Format(
        "wattmark.attribution.logs.llama_cpp", "llama-server's log (with --log-timestamps)", ("began",)
    ),
}
OPTIONS: Mapping[str, str] = {
    "zone": "Zone of times that state none, e.g. Europe/Paris.",
    "model": "Model of all requests.",
    "model_version": "Release of all requests.",
    "tenant": "Tenant of all requests.",
    "target": "Target of all requests.",
    "column.*": "Name of the column (or nested.field) of a value: column.start=ts.",
    "unit.*": "Unit of a time: unit.start=ms; s, ms, us, ns or iso.",
    "first_byte": "first_token: the engine's first byte comes with its first token.",
    "spans": "server or client: which spans count where a file holds both.",
    "began": "When llama-server was started, ISO 8601: its log counts from there.",
}
"""What each option says; those without a format of their own are for all."""
FOR_ALL = ("zone", "model", "model_version", "tenant", "target")


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What a reader is to do."""

    path: Path
    format: str
    options: Mapping[str, str]
    tally: Tally
    with_ids: bool = True
    """Whether ids are read: without them nothing shows that a request is told twice."""


@dataclass(slots=True, kw_only=True)
class RequestLog:
    """A log that can be iterated over once: chunks of requests, in the order of the log.

    Access logs are written when requests end, so a chunk is not ordered by its starts. What became of the
    rows is in ``tally``, and is complete when the last chunk was given.

    Raises EvidenceError at the end when more than half of the rows are bad.
    """

    path: Path
    format: str
    tally: Tally
    _chunks: Iterator[RequestColumns] = field(repr=False)

    def __iter__(self) -> Iterator[RequestColumns]:
        return self._chunks

    def __next__(self) -> RequestColumns:
        return next(self._chunks)


def open_requests(
    path: Path | str,
    format: str = AUTO,
    options: Mapping[str, str] | None = None,
    *,
    chunk: int = CHUNK,
    with_ids: bool = True,
    name: str = "",
    seen: Seen | None = None,
) -> RequestLog:
    """The requests of a log, in chunks. ``name`` is how places name it, else its path; ``with_ids`` keeps the
    ids of requests; one ``seen`` for several logs finds requests that two of them tell of.

    Raises UsageError for an unknown format or option and for columns whose meaning is not clear,
    EvidenceError for a file that cannot be read, MissingExtra.
    """
    path, options = Path(path), dict(options or {})
    try:
        importlib.import_module("numpy")
    except ImportError:
        raise MissingExtra("request logs", "attribute") from None
    from wattmark.attribution.logs.reading import chunked
    from wattmark.attribution.logs.sniffing import format_of
    from wattmark.attribution.logs.tally import Tally

    if not path.exists() or path.is_dir():
        raise EvidenceError(str(path), "is a folder: name a file" if path.is_dir() else "is not there")
    if format == AUTO:
        format = format_of(path)
    row = _format(format)
    _check(format, row, options)
    tally = Tally(name or str(path))
    asked = Asked(path=path, format=format, options=options, tally=tally)
    parts = importlib.import_module(row.module).read(asked)
    return RequestLog(
        path=path,
        format=format,
        tally=tally,
        _chunks=chunked(parts, chunk, tally, seen=seen, with_ids=with_ids),
    )


def _format(name: str) -> Format:
    found = FORMATS.get(name)
    if found is None:
        close = difflib.get_close_matches(name, FORMATS, n=1)
        meant = f"did you mean {close[0]!r}? " if close else ""
        raise UsageError(f"there is no log format {name!r}; {meant}known: {', '.join(FORMATS)}")
    return found


def _check(name: str, row: Format, options: Mapping[str, str]) -> None:
    known = (*FOR_ALL, *row.options)
    for key in options:
        if key not in known and f"{key.partition('.')[0]}.*" not in known:
            raise UsageError(
                f"the log format {name!r} has no option {key!r}; its options: {', '.join(known)}"
            )
