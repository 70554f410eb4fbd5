"""What types alone cannot say of a run or of samples: which numbers can be, and that ids point somewhere.

The limits are far beyond anything that is real, and keep sums and ratios of accepted numbers finite.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime

from wattmark.core.run import LEAST, MOST_COUNT, EnergyRow, Place, Run, Window
from wattmark.core.telemetry import JOULES, Samples

MOST_SECONDS = 1e10
"""317 years."""
MOST_JOULES = 1e21
"""Ten times the electricity that the world generates in a year (31 PWh in 2024, Ember)."""
MOST_WATTS = 1e13
MOST_RANKS = 10_000_000
MOST_ERROR = 1e6
"""Relative half width of an error source."""
ROUNDING = 1e-6
MOST_US = 253_402_300_800_000_000
"""The end of the year 9999 in microseconds since 1970."""
MOST_UJ = 1 << 62
"""Half of what 64 bits hold: 1.3 TWh in one interval."""

Fault = tuple[str, str]
"""Place in the document and what is wrong there."""


def first_fault(run: Run) -> Fault | None:
    """The first thing that cannot be; None for a sound run."""
    return next(_faults(run), None)


def fault_of_samples(samples: Samples) -> Fault | None:
    """The first interval that cannot be, by its position; None for sound samples."""
    return next(_faults_of_samples(samples), None)


def _faults_of_samples(samples: Samples) -> Iterator[Fault]:
    energy = samples.stream.unit == JOULES
    if energy and not samples.stream.device_id:
        yield "stream.device_id", "is empty"
    observed = samples.observed or [True] * len(samples)
    amounts = samples.energy_uj if energy else samples.count
    rows = zip(samples.start_us, samples.end_us, amounts, observed, strict=True)
    for index, (start, end, amount, seen) in enumerate(rows):
        place = f"row {index}"
        if not 0 <= start < end <= MOST_US:
            yield place, f"from {start} to {end} us is no interval between 1970 and 9999"
        elif not 0 <= amount <= (MOST_UJ if energy else MOST_COUNT):
            yield place, f"{amount:g} {'uJ' if energy else samples.stream.unit} cannot be"
        elif energy and not seen and amount:
            yield place, "is a gap and holds energy"


def _faults(run: Run) -> Iterator[Fault]:
    yield from _whole(run)
    yield from _windows(run.windows)
    for index, row in enumerate(run.energies):
        yield from _row(f"$.energies[{index}]", row)
    yield from _done(run)
    yield from _place(run.place)
    for index, series in enumerate(run.series):
        place = f"$.series[{index}]"
        if len(series.t_seconds) != len(series.energy_joules):
            yield place, "as many times as energies are needed"
        for name, values, most in (
            ("t_seconds", series.t_seconds, MOST_SECONDS),
            ("energy_joules", series.energy_joules, MOST_JOULES),
        ):
            for number in values:
                yield from _amounts(place, {name: number}, most)


def _whole(run: Run) -> Iterator[Fault]:
    if not run.record_id:
        yield "$.record_id", "is empty"
    try:
        if datetime.fromisoformat(run.started_at).tzinfo is None:
            yield "$.started_at", f"{run.started_at[:40]!r} names no time zone"
    except ValueError:
        yield "$.started_at", f"{run.started_at[:40]!r} is not a time"
    yield from _amounts("$", {"duration_seconds": run.duration_seconds}, MOST_SECONDS)
    if run.started_monotonic_seconds is not None:
        yield from _between("$.started_monotonic_seconds", run.started_monotonic_seconds, 0.0, MOST_SECONDS)
    if run.world_size is not None:
        yield from _between("$.world_size", run.world_size, 1, MOST_RANKS)
    if run.rank is not None:
        most = (run.world_size or MOST_RANKS) - 1
        yield from _between("$.rank", run.rank, 0, most)
    if run.overhead is not None:
        spent = {"cpu_seconds": run.overhead.cpu_seconds, "reads": run.overhead.reads}
        if run.overhead.workload_cpu_seconds is not None:
            spent["workload_cpu_seconds"] = run.overhead.workload_cpu_seconds
        yield from _amounts("$.overhead", spent, MOST_COUNT)


def _windows(windows: tuple[Window, ...]) -> Iterator[Fault]:
    parents: dict[int, int | None] = {}
    for index, window in enumerate(windows):
        place = f"$.windows[{index}]"
        if window.id in parents:
            yield place, f"id {window.id} is there twice"
        parents[window.id] = window.parent
        times = {"t0_seconds": window.t0_seconds, "duration_seconds": window.duration_seconds}
        yield from _amounts(place, times, MOST_SECONDS)
    lost = [i for i, w in enumerate(windows) if w.parent is not None and w.parent not in parents]
    if lost:
        yield f"$.windows[{lost[0]}]", f"unknown parent {windows[lost[0]].parent}"
    elif (circle := _first_circle(windows, parents)) is not None:
        yield f"$.windows[{circle}]", "is inside itself"


def _first_circle(windows: tuple[Window, ...], parents: Mapping[int, int | None]) -> int | None:
    good: set[int] = set()
    for index, window in enumerate(windows):
        path: list[int] = []
        at: int | None = window.id
        while at is not None and at not in good:
            if at in path:
                return index
            path.append(at)
            at = parents[at]
        good.update(path)
    return None


def _row(place: str, row: EnergyRow) -> Iterator[Fault]:
    if not row.device_id:
        yield f"{place}.device_id", "is empty"
    times = {
        "t0_seconds": row.t0_seconds,
        "duration_seconds": row.duration_seconds,
        "observed_seconds": row.observed_seconds,
    }
    yield from _amounts(place, times, MOST_SECONDS)
    yield from _amounts(place, {"energy_joules": row.energy_joules}, MOST_JOULES)
    if row.raw_energy_joules is not None:
        yield from _amounts(place, {"raw_energy_joules": row.raw_energy_joules}, MOST_JOULES)
    if row.observed_seconds > row.duration_seconds + ROUNDING:
        yield place, "observed longer than it lasted"
    for name, error in row.errors.items():
        yield from _between(f"{place}.errors[{name!r}]", error, 0.0, MOST_ERROR)
    yield from _between(f"{place}.sensor_duty", row.sensor_duty, 0.0, 1.0)
    watts = {"idle_watts": row.idle_watts, "max_watts": row.max_watts}
    yield from _amounts(place, {n: w for n, w in watts.items() if w is not None}, MOST_WATTS)
    for index, gap in enumerate(row.gaps):
        spans = {"t0_seconds": gap.t0_seconds, "duration_seconds": gap.duration_seconds}
        yield from _amounts(f"{place}.gaps[{index}]", spans, MOST_SECONDS)


def _done(run: Run) -> Iterator[Fault]:
    ids = {w.id for w in run.windows}
    for index, work in enumerate(run.work):
        place = f"$.work[{index}]"
        yield from _amounts(place, {"count": work.count, "failed": work.failed}, MOST_COUNT)
        lasted = {"t0_seconds": work.t0_seconds, "duration_seconds": work.duration_seconds or 0.0}
        yield from _amounts(place, lasted, MOST_SECONDS)
        if work.window is not None and work.window not in ids:
            yield place, f"unknown window {work.window}"
    for index, quality in enumerate(run.quality):
        yield from _between(f"$.quality[{index}].value", quality.value, -MOST_COUNT, MOST_COUNT)
    for index, statement in enumerate(run.statements):
        yield from _between(f"$.statements[{index}].value", statement.value, -MOST_COUNT, MOST_COUNT)
    if run.dataset is not None:
        told = run.dataset
        sizes = {"rows": told.rows, "total_bytes": told.total_bytes, "unique_bytes": told.unique_bytes}
        yield from _amounts("$.dataset", {n: s for n, s in sizes.items() if s is not None}, MOST_COUNT)


def _place(place: Place) -> Iterator[Fault]:
    if place.pue is not None:
        yield from _between("$.place.pue", place.pue, 1.0, MOST_COUNT)
    for name, share in (("others_share", place.others_share), ("reserved_share", place.reserved_share)):
        if share is not None:
            yield from _between(f"$.place.{name}", share, 0.0, 1.0)
    for index, used in enumerate(place.utilisation):
        at = f"$.place.utilisation[{index}]"
        for share in (used.mean, *used.windows_300s):
            yield from _between(at, share, 0.0, 1.0)
        yield from _amounts(at, {"provisioned_devices": used.provisioned_devices}, MOST_COUNT)
    for index, kind in enumerate(place.hardware):
        yield from _amounts(f"$.place.hardware[{index}]", {"count": kind.count}, MOST_COUNT)


def _amounts(place: str, numbers: Mapping[str, float], most: float) -> Iterator[Fault]:
    for name, number in numbers.items():
        yield from _between(f"{place}.{name}", number, 0.0, most)


def _between(place: str, number: float, least: float, most: float) -> Iterator[Fault]:
    if number < 0 and least == 0:
        yield place, f"{number:g} is negative"
    elif not least - ROUNDING <= number <= most + ROUNDING:
        yield place, f"{number:g} is not from {least:g} to {most:g}"
    elif least == 0 < number < LEAST:
        yield place, f"{number:g} is too small to be real"
