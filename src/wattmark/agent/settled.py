"""What each request used, once that is settled: kept for a while to be asked for, and written to a file.

A request is settled when the window in which it ended is divided. Then its joules stay as they are. The
document of one (``wattmark.request_energy``) is what ``GET /v1/requests/ID`` answers, and one line of the
file. It holds what a request line holds, and no more: no word of what was asked or answered.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from wattmark.agent.book import Book
from wattmark.agent.settled_file import SUFFIX, Say, SettledFile
from wattmark.core.errors import UsageError
from wattmark.core.known import Boundary, Grade
from wattmark.core.serving.cumulative import CarbonRate, Known, levels
from wattmark.core.serving.request import Request, Service
from wattmark.core.serving.summing import RequestEnergy
from wattmark.core.serving.window import ServingWindow
from wattmark.core.units import JOULES_PER_KWH

SCHEMA, VERSION = "wattmark.request_energy", 1
KEPT = 10_000
"""Requests whose documents are kept unless the settings say otherwise: some 9 MB."""

TOO_LATE = "told too late: the energy of its time was charged to others"
NOT_OBSERVED = "nothing was observed on its devices while it was active"
NO_TIME = "it has no length: it ended when it started"
NO_DEVICES = "no device is known on which its model runs"
NO_INTENSITY = "no grid intensity is known: state a country or intensity_g_per_kwh under [place]"

RatesOf = Callable[[ServingWindow], Sequence[CarbonRate]]

_encode = msgspec.json.Encoder().encode


@dataclass(slots=True)
class Settled:
    """The last settled requests by their ids. Not thread-safe; the file has a thread of its own."""

    most: int = KEPT
    file: SettledFile | None = None
    _documents: dict[str, bytes] = field(default_factory=dict)

    @property
    def wanted(self) -> bool:
        """Whether there is any use in settled requests."""
        return self.most > 0 or self.file is not None

    def take(
        self,
        energies: Sequence[RequestEnergy],
        windows: Iterable[ServingWindow],
        rates: RatesOf,
    ) -> None:
        """Requests that were divided wholly; ``windows``: those of their time, as far as they are at hand."""
        if not self.wanted:
            return
        told = energies if self.file is not None else energies[-self.most :]
        terms = _Terms(list(windows), rates)
        lines = [
            (energy.request.request_id, _encode(body_of(energy, energy.request, terms)))
            for energy in told
            if energy.request is not None
        ]
        for request_id, line in lines[-self.most :] if self.most else ():
            self._keep(request_id, line)
        if self.file is not None:
            self.file.put([line for _, line in lines])

    def document(self, request_id: str) -> bytes | None:
        """The document of a request; None when it is not among the last ones."""
        return self._documents.get(request_id)

    def stop(self) -> str:
        """Write what waits; says what could not be written, if anything."""
        return self.file.stop() if self.file is not None else ""

    def _keep(self, request_id: str, line: bytes) -> None:
        if not request_id:
            return
        self._documents.pop(request_id, None)  # an id that is used again stands for the newest request
        self._documents[request_id] = line
        if len(self._documents) > self.most:
            del self._documents[next(iter(self._documents))]


class _Terms:
    """How the joules of a service are known, over the windows of a request's time."""

    def __init__(self, windows: Sequence[ServingWindow], rates: RatesOf) -> None:
        self._windows = windows
        self._rates = rates
        self._found: dict[tuple[Service, int, int], tuple[Known | None, Sequence[CarbonRate]]] = {}
        self._of_window: dict[int, dict[Service, Known]] = {}

    def of(self, service: Service, start_us: int, end_us: int) -> tuple[Known | None, Sequence[CarbonRate]]:
        """As the worst of the devices that it was charged for (None: there are none), and what carbon it met.

        The rates are those of the window in which it ended.
        """
        windows = self._windows
        last = len(windows)
        while (
            last and windows[last - 1].start_us >= end_us
        ):  # most ended in the last window, or the one before
            last -= 1
        first = last
        while first and windows[first - 1].end_us > start_us:
            first -= 1
        key = service, first, last
        if key not in self._found:
            met = self._rates(windows[last - 1]) if first < last else ()
            self._found[key] = self._known(service, first, last), met
        return self._found[key]

    def _known(self, service: Service, first: int, last: int) -> Known | None:
        found: list[Known] = []
        for place in range(first, last):
            if place not in self._of_window:  # one look at its shares serves all of its services
                self._of_window[place] = _known_in(self._windows[place])
            if (known := self._of_window[place].get(service)) is not None:
                found.append(known)
        if not found:
            return None
        boundary = Boundary.NODE if all(k.boundary is Boundary.NODE for k in found) else Boundary.DEVICE
        return Known(found[-1].rule, boundary, max((k.grade for k in found), key=lambda g: g.value))


def _known_in(window: ServingWindow) -> dict[Service, Known]:
    """Of each service of a window, by the worst grade of the devices that it was charged for."""
    uses = {use.device_id: use for use in window.devices}
    grades: dict[Service, Grade] = {}
    for share in window.shares:
        grade = uses[share.device_id].grade
        grades[share.service] = max(grade, grades.get(share.service, grade), key=lambda g: g.value)
    of = levels(window, uses)
    return {service: Known(window.rule, of[service], grade) for service, grade in grades.items()}


def body_of(energy: RequestEnergy, request: Request, terms: _Terms) -> dict[str, Any]:
    """One settled request. What is not known is null, and ``missing`` says why."""
    service, first = request.service, request.first_token_us
    phased = first is not None and request.start_us < first < request.end_us
    known, rates = terms.of(service, request.start_us, request.end_us)
    missing = _missing(energy, request, known)
    joules = None if missing else energy.joules
    body: dict[str, Any] = {
        "schema": SCHEMA,
        "schema_version": VERSION,
        "state": "settled",
        "request_id": request.request_id or None,
        "model": service.model or None,
        "model_version": service.model_version or None,
        "tenant": service.tenant or None,
        "target": service.target or None,
        "start": request.start_us / 1e6,
        "first_token": None if first is None else first / 1e6,
        "end": request.end_us / 1e6,
        "input_tokens": request.input_tokens,
        "cached_input_tokens": request.cached_input_tokens if request.input_tokens is not None else None,
        "output_tokens": request.output_tokens,
        "failed": request.failed,
        "energy_joules": joules,
        "prefill_joules": energy.prefill_joules if phased and not missing else None,
        "decode_joules": energy.decode_joules if phased and not missing else None,
        "observed_share": energy.observed_share,
        "weighed_by_a_mean": energy.estimated,
        "late_seconds": energy.late_us / 1e6,
        "attribution_rule": None if known is None else known.rule.value,
        "boundary": None if known is None else known.boundary.value,
        "grade": None if known is None else known.grade.value,
        "carbon": None if joules is None or known is None else _carbon(joules, known.boundary, rates) or None,
    }
    if missing or body["carbon"] is None:
        body["missing"] = missing or NO_INTENSITY
    return body


def _missing(energy: RequestEnergy, request: Request, known: Known | None) -> str:
    """Why the joules of a request are not known; empty when they are."""
    if request.start_us == request.end_us:
        return NO_TIME
    if energy.late_us >= request.end_us - request.start_us:
        return TOO_LATE
    if energy.observed_share is None or known is None:
        return NO_DEVICES
    return "" if energy.observed_share > 0 else NOT_OBSERVED


def _carbon(joules: float, level: Boundary, rates: Sequence[CarbonRate]) -> list[dict[str, Any]]:
    """Operational carbon by each kind of factor: as in core.serving.cumulative, a PUE meets nodes alone."""
    found = []
    for rate in rates:
        if rate.grams_per_kwh is None:
            continue
        meets = rate.pue is not None and level is Boundary.NODE
        pue = rate.pue if meets and rate.pue is not None else 1.0
        found.append(
            {
                "grams": joules * pue * rate.grams_per_kwh / JOULES_PER_KWH,
                "accounting": rate.accounting,
                "basis": rate.basis,
                "grams_per_kwh": rate.grams_per_kwh,
                "granularity": rate.granularity or None,
                "pue": rate.pue if meets else None,
                "boundary": (Boundary.FACILITY if meets else level).value,
            }
        )
    return found


def unsettled(request_id: str, state: str, reason: str, due_us: int | None = None) -> bytes:
    """The document of a request that is not among the settled ones.

    ``state``: ``in_flight``, ``waiting``, ``forgotten``, ``unknown`` or ``off``; ``due_us``: when it is
    settled at the earliest.
    """
    body: dict[str, Any] = {
        "schema": SCHEMA,
        "schema_version": VERSION,
        "state": state,
        "request_id": request_id,
        "reason": reason,
        "due": None if due_us is None else due_us / 1e6,
    }
    return _encode(body)


def answer_of(settled: Settled, book: Book, request_id: str) -> tuple[int, bytes]:
    """What one request used; with status 404, why that is not known yet, or not any more."""
    if (document := settled.document(request_id)) is not None:
        return 200, document
    if request_id in book.flying:
        reason = "it is in flight: it is divided once it is over"
        return 404, unsettled(request_id, "in_flight", reason, book.due_us(book.now_us))
    end_us = book.told_end_us(request_id)
    if end_us is not None and end_us > book.divided_us:
        reason = "the minute in which it ended is not divided yet, nor before those in flight are over"
        return 404, unsettled(request_id, "waiting", reason, book.due_us(end_us))
    kept = settled.most
    if kept == 0:
        return 404, unsettled(request_id, "off", "settled_kept is 0: this agent keeps no settled requests")
    if end_us is not None:
        reason = f"it was settled and made way: the last {kept} requests are kept, until a restart"
        return 404, unsettled(request_id, "forgotten", reason)
    reason = f"nobody told of it, or it was settled more than {kept} requests ago, or before a restart"
    return 404, unsettled(request_id, "unknown", reason)


def settled_of(kept: int, file: str | None, folder: Path, say: Say, utc_us: Callable[[], int]) -> Settled:
    """As the settings want it; ``file`` is relative to the folder. Raises UsageError for what cannot be."""
    if not file:
        return Settled(kept)
    place = folder / Path(file).expanduser()
    if not place.parent.is_dir():
        raise UsageError(f"[agent] settled: there is no folder {place.parent}")
    if place.exists() and place.is_dir() is (place.suffix == SUFFIX):
        raise UsageError(f"[agent] settled: {place}: name a file that ends in {SUFFIX}, or a folder")
    return Settled(kept, SettledFile(place, say, utc_us))
