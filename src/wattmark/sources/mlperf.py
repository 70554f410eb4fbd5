"""MLPerf power runs: the analyser's ``spl.txt`` between the markers of LoadGen's ``mlperf_log_detail.txt``.

PTDaemon of SPEC writes one line per second, ``Time,02-09-2024 08:23:08.349,Watts,2291.6,Volts,...,Mark,...``,
for several channels their sum first and each one after ``Ch1``. What counts lies between ``power_begin`` and
``power_end``. Both are in UTC since v1.1; before, each in its machine's local time, of which
``power/server.json`` and ``power/client.json`` hold the distance to UTC (tools/submission of
mlcommons/inference).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, tzinfo
from pathlib import Path

from wattmark.core.errors import EvidenceError
from wattmark.core.imported import Imported
from wattmark.core.intervals import Intervals, from_power
from wattmark.core.known import GRADE_OF_METHOD, Boundary, Method
from wattmark.core.run import (
    EnergyRow,
    GapSpan,
    Host,
    OutcomeGoal,
    Run,
    SourceId,
    Status,
    Subject,
    Work,
)
from wattmark.core.sound import first_fault
from wattmark.ports import Source
from wattmark.sources.bench_labels import bench_labels
from wattmark.sources.catalog import Asked, Inputs
from wattmark.sources.identity import host_of, import_id
from wattmark.sources.lines import files_of, lines_of, number_of
from wattmark.sources.mlperf_log import LoadGen, analyser_of, loadgen_of, offset_of, system_of
from wattmark.sources.moments import moment_us, written, zone_of
from wattmark.sources.portions import Notes, Portion
from wattmark.sources.series import usual_gap_us
from wattmark.sources.stated import errors_of, place_of, subject_of

NAME = "mlperf"
OPTIONS: Mapping[str, str] = {
    "time_zone": "Zone of spl.txt where power/server.json does not tell it, e.g. America/Los_Angeles [UTC].",
}
LAYOUT = "%m-%d-%Y %H:%M:%S.%f"
CERTIFIED = 0.01
"""PTDaemon refuses samples with an uncertainty above 1 % (power-dev, compliance/check.py)."""
AGREE = 0.01
"""Channels that add up to something further than this from the sum contradict it."""
MOST_WATTS = 1e7
US = 1_000_000
RESULT = ("performance", "run_1")
TASKS = {
    "bert": "question_answering",
    "resnet": "image_classification",
    "retinanet": "object_detection",
    "ssd-": "object_detection",
    "rnnt": "speech_recognition",
    "whisper": "speech_recognition",
    "gptj": "summarization",
    "llama": "text_generation",
    "mixtral": "text_generation",
    "stable-diffusion": "image_generation",
}
"""Benchmark of MLPerf Inference -> our task; others keep their name (3d-unet, dlrm)."""


@dataclass(frozen=True, slots=True)
class _Sample:
    at_us: int
    watts: float


@dataclass(slots=True)
class _Recording:
    """What spl.txt holds."""

    samples: list[_Sample]
    first_line: str
    portion: Portion


def open_source(inputs: Inputs, asked: Asked) -> Source:
    """A source on ``spl.txt`` files, or on folders that hold some, with LoadGen's log beside each."""
    zone = asked.settings.get("time_zone")
    return MlPerf(tuple(files_of(inputs, "**/spl.txt")), zone_of(zone) if zone is not None else None, asked)


class MlPerf:
    """Reads each power run as a run; ranging runs, which only find the analyser's range, are left out."""

    def __init__(self, files: tuple[Path, ...], zone: tzinfo | None, asked: Asked) -> None:
        self._files = files
        self._zone = zone
        self._asked = asked

    def read(self) -> Iterator[Imported]:
        """The runs, each one portion."""
        notes = Notes()
        for path in self._files:
            if path.parent.name == "ranging":
                notes.add("a ranging run is left out", str(path))
                yield Imported(ignored=sum(1 for _ in lines_of(path)))
            else:
                yield self._power_run(path, notes)
        yield Portion().brought(notes)

    def _power_run(self, path: Path, notes: Notes) -> Imported:
        log = path.parent / "mlperf_log_detail.txt"
        if not log.exists():
            raise EvidenceError(
                str(path), "has no mlperf_log_detail.txt beside it, which says when the measured run began"
            )
        loadgen = loadgen_of(log)
        recording = _recorded(path, self._zone or UTC)
        begin_us, end_us, shift_us = self._window(path, recording, loadgen, notes)
        samples = [_Sample(s.at_us + shift_us, s.watts) for s in recording.samples]
        inside = sum(begin_us <= s.at_us <= end_us for s in samples)
        recording.portion.taken, outside = inside, len(samples) - inside
        recording.portion.ignored += outside
        run = self._run(path, recording, samples, (begin_us, end_us), loadgen)
        recording.portion.runs.append(run)
        if self._asked.host is None:
            notes.add("the log names no machine, so each run counts as one of its own: --host changes it")
        return recording.portion.brought()

    def _window(
        self, path: Path, recording: _Recording, loadgen: LoadGen, notes: Notes
    ) -> tuple[int, int, int]:
        """Begin and end in UTC, and what takes the analyser's clock there: the first pair that fits."""
        server = 0 if self._zone else offset_of(path.parent.parent / "power" / "server.json")
        client = offset_of(path.parent.parent / "power" / "client.json")
        first, last = recording.samples[0].at_us, recording.samples[-1].at_us
        begin, end = loadgen.begin_us, loadgen.end_us
        pairs = dict.fromkeys([(0, 0), (server, client), (server, 0), (0, client)])
        common = {p: min(last + p[0], end + p[1]) - max(first + p[0], begin + p[1]) for p in pairs}
        theirs, ours = max(common, key=lambda p: common[p])
        if common[theirs, ours] <= 0:
            raise EvidenceError(
                str(path),
                f"holds nothing of the run: its samples go from {written(first)} to {written(last)}, the run "
                f"from {written(begin)} to {written(end)}; -o time_zone= names the analyser's zone",
            )
        if theirs or ours:
            notes.add("local times, moved to UTC by power/server.json and client.json", str(path))
        return begin + ours, end + ours, theirs

    def _run(
        self,
        path: Path,
        recording: _Recording,
        samples: list[_Sample],
        window: tuple[int, int],
        loadgen: LoadGen,
    ) -> Run:
        begin_us, end_us = window
        native = f"{begin_us} {end_us} {recording.first_line}"
        record_id = import_id(NAME, "", native)
        host = host_of(self._asked.host or record_id)
        duration = (end_us - begin_us) / US
        analyser = analyser_of(path.parent.parent / "power" / "server.json")
        validity = loadgen.result.get("result_validity")
        run = Run(
            record_id=record_id,
            status=Status.CLOSED,
            started_at=written(begin_us),
            duration_seconds=duration,
            host=Host(id=host, fingerprint=NAME),
            subject=_subject(path, loadgen, self._asked, analyser.name),
            energies=(_row(samples, window, host, analyser.serial, analyser.name, analyser.certified),),
            work=tuple(_work(loadgen, duration)),
            outcome=OutcomeGoal(condition="MLPerf result is VALID", reached=validity == "VALID")
            if validity is not None
            else None,
            place=place_of(self._asked),
            environment={"loadgen": str(loadgen.result["loadgen_version"])}
            if "loadgen_version" in loadgen.result
            else {},
        )
        if (fault := first_fault(run)) is not None:
            raise EvidenceError(str(path), f"cannot be: {fault[1]} (at {fault[0]})")
        return run


def _recorded(path: Path, zone: tzinfo) -> _Recording:
    recording = _Recording([], "", Portion())
    for number, line in lines_of(path):
        place = f"{path}:{number}"
        cells = [c.strip() for c in line.split(",")]
        if len(cells) < 4 or cells[0] != "Time" or cells[2] != "Watts":
            if cells[0] == "Time" and len(cells) > 2 and cells[2] in ("Watts", "ERROR"):
                recording.portion.refuse(place, f"PTDaemon could not read: {line[:80]}")
            else:
                recording.portion.ignored += 1
            continue
        try:
            sample = _sample(cells, zone)
            if recording.samples and sample.at_us <= recording.samples[-1].at_us:
                raise ValueError("its time does not come after that of the row before it")
        except ValueError as error:
            recording.portion.refuse(place, str(error))
            continue
        recording.first_line = recording.first_line or line
        recording.samples.append(sample)
    if len(recording.samples) < 2:
        raise EvidenceError(
            str(path), "is not a power log of PTDaemon: expected lines of Time,<date>,Watts,<number>,..."
        )
    return recording


def _sample(cells: list[str], zone: tzinfo) -> _Sample:
    """One line. Raises ValueError for one that cannot be."""
    at_us = moment_us(cells[1], zone, LAYOUT)
    if at_us is None:
        raise ValueError(f"{cells[1][:40]!r} is not a time like 02-09-2024 08:23:08.349")
    watts = number_of(cells[3])
    if watts is None or not 0 < watts <= MOST_WATTS:  # a machine that runs a benchmark draws power
        raise ValueError(f"{cells[3][:40]!r} is not the power of a machine that runs")
    channels = [number_of(cells[i + 2]) for i in range(4, len(cells) - 2) if cells[i + 1] == "Watts"]
    added = sum(c for c in channels if c is not None)
    if channels and (None in channels or abs(added - watts) > AGREE * watts):
        raise ValueError(f"its channels add up to {added:g} W, and its sum says {watts:g} W")
    return _Sample(at_us, watts)


def _row(
    samples: list[_Sample],
    window: tuple[int, int],
    host: str,
    serial: str,
    analyser: str,
    certified: bool,
) -> EnergyRow:
    begin_us, end_us = window
    times = [s.at_us for s in samples]
    whole = from_power(times, [s.watts for s in samples], usual_gap_us(times))
    joules, seen_us, gaps = _between(whole, begin_us, end_us)
    name = f"{NAME}:{host_of(serial) if serial else host}"
    usual = errors_of(Method.WALL_METER, name)
    return EnergyRow(
        device_id=f"node:{host}",
        component="node",
        t0_seconds=0.0,
        duration_seconds=(end_us - begin_us) / US,
        energy_joules=joules,
        observed_seconds=seen_us / US,
        method=Method.WALL_METER,
        boundary=Boundary.NODE,
        grade=GRADE_OF_METHOD[Method.WALL_METER],
        errors=dict.fromkeys(usual, CERTIFIED) if certified else usual,
        source=SourceId(name=NAME, version=analyser),
        gaps=gaps,
        max_watts=max((s.watts for s in samples if begin_us <= s.at_us <= end_us), default=None),
    )


def _between(whole: Intervals, begin_us: int, end_us: int) -> tuple[float, int, tuple[GapSpan, ...]]:
    """Joules and observed time of a window; an interval over its edge counts by its share of time."""
    reasons = dict(whole.remarks)
    joules, seen = 0.0, 0
    first, last = whole.start_us[0], whole.end_us[-1]
    edges = (
        (begin_us, min(first, end_us), "no sample yet"),
        (max(last, begin_us), end_us, "no sample any more"),
    )
    gaps = [
        GapSpan(t0_seconds=(left - begin_us) / US, duration_seconds=(right - left) / US, reason=reason)
        for left, right, reason in edges
        if left < right
    ]
    for start, end, energy, observed in zip(
        whole.start_us, whole.end_us, whole.energy_uj, whole.observed, strict=True
    ):
        left, right = max(start, begin_us), min(end, end_us)
        if left >= right:
            continue
        if observed:
            joules += energy / US * (right - left) / (end - start)
            seen += right - left
        else:
            gaps.append(
                GapSpan(
                    t0_seconds=(left - begin_us) / US,
                    duration_seconds=(right - left) / US,
                    reason=reasons.get(start, "no sample"),
                )
            )
    return joules, seen, tuple(gaps)


def _subject(path: Path, loadgen: LoadGen, asked: Asked, analyser: str) -> Subject:
    """Tags from LoadGen, and from the folders of a submission: SYSTEM/MODEL/SCENARIO/performance/run_1."""
    folders = path.resolve().parts[:-1]
    labels = {}
    model = None
    scenario = loadgen.result.get("effective_scenario")
    if isinstance(scenario, str):
        labels["mlperf_scenario"] = scenario
    if folders[-2:] == RESULT and len(folders) > 5:
        model = folders[-4]
        labels["mlperf_system"] = folders[-5]
        labels |= _bench_labels(path, model, str(scenario or folders[-3]), loadgen, analyser)
    return subject_of(
        asked,
        model=model,
        stage=asked.subject.stage or "inference",
        task=task_of(model) if model is not None else None,
        labels=labels,
    )


def task_of(model: str) -> str:
    """The task of a benchmark of MLPerf Inference, by its name without the accuracy it aims at."""
    return next((task for name, task in TASKS.items() if model.startswith(name)), f"mlperf {model}")


def _bench_labels(path: Path, model: str, scenario: str, loadgen: LoadGen, analyser: str) -> dict[str, str]:
    """What makes it the result of a benchmark. The folder ``systems`` of a submission tells the hardware."""
    system = path.resolve().parents[4]
    version = str(loadgen.result.get("loadgen_version") or "")
    return bench_labels(
        task_of(model),
        origin=f"mlperf {version.partition(' ')[0]}".strip(),
        method=f"wall meter ({analyser or 'unknown analyser'}) by SPEC PTDaemon, LoadGen's performance run",
        device_class=system_of(system.parent.parent / "systems" / f"{system.name}.json"),
        batch_policy=f"mlperf {scenario}",
        protocol=f"mlperf {version.partition(' ')[0]}".strip(),
        dataset=f"published: mlperf {model}",
    )


def _work(loadgen: LoadGen, duration: float) -> Iterator[Work]:
    """What LoadGen counted: queries x samples per query."""
    queries = loadgen.number("result_query_count")
    per_query = loadgen.number("effective_samples_per_query")
    if queries is not None and per_query is not None:
        yield Work(unit="samples", count=queries * per_query, duration_seconds=duration)
