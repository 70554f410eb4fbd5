"""OTLP metrics in files: JSON lines and length-prefixed protobuf, as the Collector's file exporter writes.

The file exporter (opentelemetry-collector-contrib, ``exporter/fileexporter``) writes one JSON object per
line, or with ``format: proto`` each message after four bytes that hold its length, most significant first.
A file with a single protobuf message is read too.
"""

from __future__ import annotations

import gzip
import zlib
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, cast

from wattmark.core.errors import EvidenceError, UsageError
from wattmark.core.imported import BadRow, Imported
from wattmark.core.known import Method
from wattmark.protobuf_wire import Malformed
from wattmark.sources.catalog import Asked, Inputs
from wattmark.sources.lines import files_of
from wattmark.sources.otlp_decode import Decoder
from wattmark.sources.otlp_intake import Intake, Points
from wattmark.sources.otlp_json import JsonDecoder
from wattmark.sources.otlp_names import WANTED, Naming
from wattmark.sources.otlp_points import Request
from wattmark.sources.otlp_state import State
from wattmark.sources.otlp_streams import LONGEST_GAP_US, gathered, pair

OPTIONS: Mapping[str, str] = {
    "longest_gap": "seconds between two points of a device beyond which nothing is known of it [120]",
    "keep": "more attributes to keep as labels, separated by commas",
    "method": "how readings are known where the sender does not say it: hardware_counter, modelled, ...",
    "from_start": "yes: counters of energy were zero at their start time, as wattmark's own are",
}
MOST_MESSAGE = 1 << 28
"""A line or message of more bytes is none."""
PORTION = 200_000
"""Points that are brought at once."""
TRIED = 100
"""A file whose first lines are all no OTLP is another format."""
ZSTD = b"\x28\xb5\x2f\xfd"


def open_source(inputs: Inputs, asked: Asked) -> OtlpFiles:
    """The source on these files. Raises EvidenceError for what is not there, UsageError for wrong options."""
    return OtlpFiles(files_of(inputs, "*.json*"), naming_of(asked), longest_gap_of(asked.settings))


def naming_of(asked: Asked) -> Naming:
    """What the settings say of how things are named and known. Raises UsageError."""
    told = asked.settings
    keep = tuple(k.strip() for k in told.get("keep", "").split(",") if k.strip())
    method = told.get("method")
    if method is not None and method not in list(Method):
        raise UsageError(f"method={method}: use one of {', '.join(Method)}")
    from_start = told.get("from_start", "no")
    if from_start not in ("yes", "no"):
        raise UsageError(f"from_start={from_start}: write yes or no")
    return Naming(
        asked=asked, keep=keep, method=Method(method) if method else None, from_start=from_start == "yes"
    )


def longest_gap_of(settings: Mapping[str, str]) -> int:
    """The longest gap in microseconds. Raises UsageError."""
    text = settings.get("longest_gap", f"{LONGEST_GAP_US / 1e6:g}")
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not 0 < seconds <= 86_400:
        raise UsageError(f"longest_gap={text}: give seconds, more than 0 and at most a day (86400)")
    return round(seconds * 1e6)


@dataclass(slots=True)
class _Portion:
    """What was read since the last portion."""

    points: list[Points] = field(default_factory=list)
    size: int = 0
    bad: list[BadRow] = field(default_factory=list)
    ignored: Counter[str] = field(default_factory=Counter)


class OtlpFiles:
    """Reads the files as one sequence, so that a series goes on from one to the next."""

    def __init__(self, files: list[Path], naming: Naming, longest_gap_us: int) -> None:
        self._files = files
        self._naming = naming
        self._longest = longest_gap_us

    def read(self) -> Iterator[Imported]:
        """Portions of about PORTION points. Raises EvidenceError for a file of another format."""
        intake, state = Intake(self._naming), State()
        protobuf, json = Decoder(WANTED), JsonDecoder(WANTED)
        for path in self._files:
            portion = _Portion()
            good = False
            for place, message, is_json in _messages(path):
                try:
                    request = (json if is_json else protobuf).decode(message)
                except Malformed as error:
                    portion.bad.append(BadRow(place, str(error)))
                    if not good and len(portion.bad) >= TRIED:
                        break
                    continue
                good = True
                _add(portion, place, intake.take(request), request)
                if portion.size >= PORTION:
                    yield self._brought(path, portion, state)
                    portion = _Portion()
            if not good and portion.bad:
                raise EvidenceError(portion.bad[0].place, f"is no OTLP: {portion.bad[0].reason}")
            yield self._brought(path, portion, state)

    def _brought(self, path: Path, portion: _Portion, state: State) -> Imported:
        paired = pair(gathered(portion.points), state, self._longest)
        late = [BadRow(str(path), f"a point {why}") for why, n in paired.late.items() for _ in range(n)]
        notes = [f"{path}: {n} points ignored: {why}" for why, n in portion.ignored.items()]
        notes += [f"{path}: {n} intervals are gaps: {why}" for why, n in paired.gaps.items()]
        return Imported(
            samples=paired.samples,
            taken=paired.taken,
            bad=(*portion.bad, *late),
            ignored=portion.ignored.total() + paired.repeated,
            notes=tuple(notes),
        )


def _add(portion: _Portion, place: str, points: Points, request: Request) -> None:
    portion.points.append(points)
    portion.size += len(points) + points.refused.total() + request.foreign
    portion.bad += [BadRow(place, why) for why, n in points.refused.items() for _ in range(n)]
    portion.ignored += points.ignored


def _messages(path: Path) -> Iterator[tuple[str, bytes, bool]]:
    """Place and bytes of each message, and whether it is JSON."""
    try:
        with _opened(path) as file:
            head = file.read(8)
            file.seek(0)
            if head.lstrip(b"\xef\xbb\xbf").lstrip()[:1] == b"{":
                yield from _lines(path, file)
            elif ZSTD in (head[:4], head[4:8]):
                raise EvidenceError(str(path), "is compressed by zstd: write it with compression: none")
            elif head[:1] in (b"\x0a", b"\x00", b"\x01", b"\x02", b"\x03"):
                yield from _framed(path, file)
            elif head:
                raise EvidenceError(str(path), "is neither OTLP JSON lines nor OTLP protobuf")
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise EvidenceError(str(path), f"cannot be unpacked: {error}") from None
    except OSError as error:
        raise EvidenceError(str(path), f"cannot be read: {error.strerror or error}") from None


def _opened(path: Path) -> IO[bytes]:
    if path.suffix == ".gz":
        return cast("IO[bytes]", gzip.open(path, "rb"))
    return open(path, "rb")


def _lines(path: Path, file: IO[bytes]) -> Iterator[tuple[str, bytes, bool]]:
    number = 0
    while line := file.readline(MOST_MESSAGE):
        number += 1
        if len(line) == MOST_MESSAGE:
            raise EvidenceError(f"{path}:{number}", f"is a line of more than {MOST_MESSAGE >> 20} MiB")
        if text := line.strip(b"\xef\xbb\xbf \t\r\n"):
            yield f"{path}:{number}", text, True


def _framed(path: Path, file: IO[bytes]) -> Iterator[tuple[str, bytes, bool]]:
    """Messages after their lengths, or a single one: as a length its first bytes would be 160 MB and more."""
    head = file.read(4)
    if head[:1] == b"\x0a":
        rest = file.read(MOST_MESSAGE)
        yield str(path), head + rest, False
        return
    number = 0
    while head:
        number += 1
        place = f"{path}: message {number}"
        length = int.from_bytes(head, "big")
        message = file.read(length) if len(head) == 4 and length <= MOST_MESSAGE else b""
        if len(head) < 4 or len(message) < length:
            raise EvidenceError(place, "is not whole: the file was cut off, or is no OTLP protobuf")
        yield place, message, False
        head = file.read(4)
