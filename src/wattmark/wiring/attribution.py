"""Request logs and power as they are named on a command line, divided among the requests."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING

from wattmark.core.errors import MissingExtra, UsageError
from wattmark.core.serving.request import Placement
from wattmark.core.serving.weights import Weighing

if TYPE_CHECKING:
    from wattmark.attribution.columns import RequestColumns
    from wattmark.attribution.logs.catalog import RequestLog
    from wattmark.attribution.logs.tally import Tally
    from wattmark.attribution.power.series import PowerSeries
    from wattmark.attribution.result import Attribution, RequestEnergies

POWER = "power."
OF_POWER = frozenset({"device", "component", "method", "boundary", "longest_gap", "error"})
COLUMNS_OF_POWER = frozenset({"time", "device", "watts", "counter", "joules"})
BLOCK = 1 << 18
REMOTE = ("http:", "https:", "ledger:", "prometheus:")
"""Where power is asked for by time: the time of the requests, when none is stated."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What is to be divided, and how."""

    requests: Sequence[Path]
    power: Sequence[str]
    format: str = "auto"
    options: Mapping[str, str] = field(default_factory=dict)
    """Settings of logs and of power; those of power may begin with ``power.``."""
    place: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """Devices (or patterns of them) by model; the model may be empty."""
    reserved: Mapping[str, float] = field(default_factory=dict)
    """Share of its devices that a model keeps for itself."""
    devices: Sequence[str] = ()
    """Only these, by name or pattern; empty: all that are not inside another one."""
    weighing: Weighing = field(default_factory=Weighing)
    since_us: int | None = None
    until_us: int | None = None
    slack_us: int = 3600 * 1_000_000
    uncertain: bool = True
    with_ids: bool = False


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came out of it."""

    total: Attribution
    placements: tuple[Placement, ...]
    tallies: tuple[Tally, ...]
    notes: tuple[str, ...]


def attributed(
    asked: Asked,
    take: Callable[[RequestEnergies], None],
    told: Callable[[int], None] = lambda requests: None,
) -> Outcome:
    """Divide the energy of the devices among the requests; ``take`` is given those that are done, chunk by
    chunk, ``told`` how many were read so far.

    Raises UsageError for what is named or asked wrongly, EvidenceError for what cannot be read, MissingExtra.
    """
    try:
        import numpy  # noqa: F401
    except ImportError:
        raise MissingExtra("attribution", "attribute") from None
    for_logs, for_power = options_of(asked.options)
    logs = _opened(asked, for_logs, asked.with_ids)
    from wattmark.attribution.chunks import Chunks
    from wattmark.attribution.merging import side_by_side

    series, notes = _power(asked, for_power, for_logs)
    placements = placements_of(asked.place, asked.reserved, [each.device_id for each in series])
    chunks = Chunks(
        series,
        placements,
        weighing=asked.weighing,
        since_us=asked.since_us,
        until_us=asked.until_us,
        slack_us=asked.slack_us,
        uncertain=asked.uncertain,
    )
    read = 0
    for columns, latest_us in side_by_side(logs):
        done = chunks.add(columns, latest_us)
        if done is not None:
            take(done)
        read += len(columns)
        told(read)
    last, total = chunks.finish()
    if last is not None:
        take(last)
    tallies = tuple(log.tally for log in logs)
    said = dict.fromkeys([*notes, *(note for tally in tallies for note in tally.notes)])
    return Outcome(total, placements, tallies, tuple(said))


def options_of(options: Mapping[str, str]) -> tuple[dict[str, str], dict[str, str]]:
    """Settings of logs and settings of power, told apart by their names; a zone is for both."""
    logs: dict[str, str] = {}
    power: dict[str, str] = {}
    for key, value in options.items():
        head, _, tail = key.partition(".")
        if key.startswith(POWER):
            power[key.removeprefix(POWER)] = value
        elif key in OF_POWER or (head in ("column", "unit") and tail in COLUMNS_OF_POWER):
            power[key] = value
        else:
            logs[key] = value
            if key == "zone":
                power.setdefault(key, value)
    return logs, power


def placements_of(
    place: Mapping[str, Sequence[str]], reserved: Mapping[str, float], devices: Sequence[str]
) -> tuple[Placement, ...]:
    """Placements on the devices that the patterns mean. A model that shares a device reserves what is said,
    and nothing where nothing is said; one alone on its devices reserves them.

    Raises UsageError for patterns that no device fits and for reservations of models without a place.
    """
    found = {model: _meant(patterns, devices) for model, patterns in place.items()}
    if stray := [model for model in reserved if model not in found and found]:
        raise UsageError(f"--reserved {stray[0]}: say with --place where it runs")
    if not found and reserved:
        found = dict.fromkeys(reserved, tuple(devices))
    alone = {
        model: all(
            device not in others for other, others in found.items() if other != model for device in mine
        )
        for model, mine in found.items()
    }
    return tuple(
        Placement(model=model, devices=mine, reserved=reserved.get(model, 1.0 if alone[model] else 0.0))
        for model, mine in found.items()
    )


def _meant(patterns: Sequence[str], devices: Sequence[str]) -> tuple[str, ...]:
    meant: dict[str, None] = {}
    for pattern in patterns:
        fitting = [device for device in devices if device == pattern or fnmatchcase(device, pattern)]
        if not fitting:
            raise UsageError(f"no device is named {pattern!r}; there are: {', '.join(devices)}")
        meant.update(dict.fromkeys(fitting))
    return tuple(meant)


def _opened(asked: Asked, options: Mapping[str, str], with_ids: bool) -> list[RequestLog]:
    from wattmark.attribution.logs.catalog import open_requests
    from wattmark.attribution.logs.reading import Seen

    seen = Seen()  # of a log and its rotated copy each request counts once
    return [
        open_requests(path, asked.format, options, chunk=BLOCK, with_ids=with_ids, seen=seen)
        for path in asked.requests
    ]


def _power(
    asked: Asked, options: Mapping[str, str], for_logs: Mapping[str, str]
) -> tuple[list[PowerSeries], list[str]]:
    from wattmark.wiring.power import open_power

    since, until = asked.since_us, asked.until_us
    if (since is None or until is None) and any(spec.startswith(REMOTE) for spec in asked.power):
        first, last = _span(_opened(asked, for_logs, with_ids=False))
        since, until = since if since is not None else first, until if until is not None else last
    series = [
        each for spec in asked.power for each in open_power(spec, options, start_us=since, end_us=until)
    ]
    if asked.devices:
        meant = _meant(asked.devices, [each.device_id for each in series])
        return [each for each in series if each.device_id in meant], []
    placed = [pattern for patterns in asked.place.values() for pattern in patterns]
    if placed:
        meant = _meant(placed, [each.device_id for each in series])
        return [each for each in series if each.device_id in meant], []
    return _outermost(series)


def _outermost(series: Sequence[PowerSeries]) -> tuple[list[PowerSeries], list[str]]:
    """Devices that no other one contains, with a note on those that are left out."""
    known = {each.device_id for each in series}
    kept = [each for each in series if each.part_of not in known]
    notes = [
        f"{each.device_id} is left out: {each.part_of} contains it; choose with --device"
        for each in series
        if each.part_of in known
    ]
    return kept, notes


def _span(logs: Sequence[Iterator[RequestColumns]]) -> tuple[int, int]:
    """First start and last end of all requests."""
    spans = [
        (int(columns.start_us.min()), int(columns.end_us.max()))
        for log in logs
        for columns in log
        if len(columns)
    ]
    if not spans:
        raise UsageError("the logs hold no request")
    return min(first for first, _ in spans), max(last for _, last in spans) + 1
