"""carbontracker's logs: ``*_carbontracker.log`` of a session, and what it says beside, ``*_output.log``.

The log states per epoch a duration and the mean power of each component, before any PUE. Since 2.0.0 that
is one mean over all devices of the component, and carbontracker's own total takes it for their sum; up to
1.x it is one mean per device. The output states kWh times a PUE and grams of CO2: statements, not energy.
Times are local without a zone. Read from the source text of 1.1 to 2.4.7.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import tzinfo
from pathlib import Path

from wattmark.core.errors import EvidenceError
from wattmark.core.imported import Imported
from wattmark.core.known import GRADE_OF_METHOD, Boundary, Method
from wattmark.core.run import (
    EnergyRow,
    GapSpan,
    Hardware,
    Host,
    NotSeen,
    Run,
    SourceId,
    Statement,
    Status,
    Window,
    workload_of,
)
from wattmark.core.sound import first_fault
from wattmark.core.standins import UNNAMED
from wattmark.hashing import sha256
from wattmark.ports import Source
from wattmark.sources.carbontracker_log import Epoch, Session, output_of, watts_of
from wattmark.sources.catalog import Asked, Inputs
from wattmark.sources.identity import host_of, import_id
from wattmark.sources.lines import files_of, lines_of, number_of
from wattmark.sources.moments import written, zone_of
from wattmark.sources.portions import Notes, Portion
from wattmark.sources.stated import errors_of, place_of, subject_of

NAME = "carbontracker"
OPTIONS: Mapping[str, str] = {
    "time_zone": "Zone of the times, e.g. Europe/Paris [UTC]: carbontracker writes local time without it.",
}
RAPL = re.compile(r"(?:cpu|dram):\d+")
NVIDIA = ("NVIDIA", "TESLA", "GEFORCE", "QUADRO", "TITAN", "RTX", "GTX")
OWN_NAME = re.compile(r"(.*\d{4}-\d\d-\d\dT\d{6}Z)_carbontracker")
"""What carbontracker calls its files: process and time tell sessions apart that began in one second."""
GPU_DUTY = 0.25
"""The least share of time in which a GPU's sensor looks (A100, H100: arXiv 2312.02741)."""
RAPL_DUTY = 0.5
"""carbontracker watches a RAPL counter for one second, then sleeps for its update interval of one second."""
MOST_WATTS = 2000.0
"""No GPU or CPU of 2026 draws more."""
US = 1_000_000


def open_source(inputs: Inputs, asked: Asked) -> Source:
    """A source on logs of carbontracker, or on the folders that hold them."""
    zone = zone_of(asked.settings.get("time_zone"))
    return Carbontracker(tuple(files_of(inputs, "*carbontracker*.log")), zone, asked)


class Carbontracker:
    """Reads each log as one run with a row per epoch and component; a longer log supersedes a shorter one."""

    def __init__(self, files: tuple[Path, ...], zone: tzinfo, asked: Asked) -> None:
        self._files = files
        self._zone = zone
        self._asked = asked

    def read(self) -> Iterator[Imported]:
        """The logs, each one portion."""
        notes = Notes()
        if "time_zone" not in self._asked.settings:
            notes.add("times name no zone and are read as UTC: -o time_zone=Europe/Paris changes it")
        if self._asked.host is None:
            notes.add("a log names no machine, so that each counts as one of its own: --host changes it")
        for path in self._files:
            if path.name.endswith("_err.log"):
                yield Imported(ignored=sum(1 for _ in lines_of(path)))
            elif path.name.endswith("_output.log"):
                yield self._output(path, notes)
            else:
                yield self._log(path, notes)
        yield Portion().brought(notes)

    def _log(self, path: Path, notes: Notes) -> Imported:
        session, portion = Session(self._zone), Portion()
        for number, line in lines_of(path):
            try:
                ours = session.take(line)
            except ValueError as error:
                portion.refuse(f"{path}:{number}", str(error))
            else:
                portion.taken += ours
                portion.ignored += not ours
        if not session.version:
            raise EvidenceError(str(path), "is not a log of carbontracker: no line names its version")
        run = self._run(path, session, notes)
        if run is not None:
            portion.runs.append(run)
        return portion.brought()

    def _run(self, path: Path, session: Session, notes: Notes) -> Run | None:
        """The session so far; None before its first epoch has ended."""
        whole = [e for e in session.epochs if e.seconds is not None and e.powers]
        for epoch in session.epochs:
            if epoch not in whole:
                notes.add("an epoch without a duration or a power is left out", str(path))
        if not whole:
            notes.add("no epoch has ended in it", str(path))
            return None
        record_id = import_id(NAME, _own_name(path), session.first)
        host = host_of(self._asked.host or record_id)
        start_us = whole[0].end_us - round((whole[0].seconds or 0.0) * US)
        subject = subject_of(self._asked)
        maker = _Rows(session, host, workload_of(subject, record_id), notes, str(path))
        rows: list[EnergyRow] = []
        windows: list[Window] = []
        at = 0.0
        for index, epoch in enumerate(whole):
            seconds = epoch.seconds or 0.0
            at = max(at, (epoch.end_us - start_us) / US - seconds)  # written to the second: never overlapping
            windows.append(
                Window(id=index, name=f"epoch {epoch.number}", t0_seconds=at, duration_seconds=seconds)
            )
            rows.extend(maker.of(epoch, at, seconds))
            at += seconds
        run = Run(
            record_id=record_id,
            seq=len(whole),
            status=Status.CLOSED,
            started_at=written(start_us),
            duration_seconds=at,
            host=Host(id=host, fingerprint=f"{NAME}-{sha256(session.found.encode()).hexdigest()[:16]}"),
            subject=subject,
            windows=tuple(windows),
            energies=tuple(rows),
            place=place_of(self._asked, hardware=_hardware(session) or None),
            not_seen=(
                NotSeen(what="rest of the node", reason="carbontracker reads GPUs, CPUs and DRAM only"),
                NotSeen(what="time between epochs", reason="carbontracker measures epochs only"),
            ),
            environment={NAME: session.version} if session.version else {},
        )
        if (fault := first_fault(run)) is not None:
            raise EvidenceError(str(path), f"cannot be: {fault[1]} (at {fault[0]})")
        return run

    def _output(self, path: Path, notes: Notes) -> Imported:
        """What carbontracker tells its user at the end, as statements."""
        output = output_of(path, self._zone)
        if output.at_us is None or output.kwh is None:
            raise EvidenceError(
                str(path),
                "is not an output of carbontracker, or of a session that has not ended: "
                "it states no actual consumption",
            )
        notes.add(
            "energy is stated times a PUE, and several devices for one: kept as a statement; "
            "the log beside it, *_carbontracker.log, gives energy",
            str(path),
        )
        statements = [
            Statement(quantity="energy", value=output.kwh, unit="kWh", basis="times carbontracker's PUE")
        ]
        if output.grams is not None:
            statements.append(
                Statement(quantity="emissions", value=output.grams, unit="gCO2e", accounting="location")
            )
        name = _own_name(path)
        record_id = import_id(NAME, name, f"output {'' if name else output.kwh!r}")
        output.portion.runs.append(
            Run(
                record_id=record_id,
                seq=output.at_us // US,
                status=Status.CLOSED,
                started_at=written(output.at_us),
                duration_seconds=0.0,
                host=Host(id=host_of(self._asked.host or record_id), fingerprint=NAME),
                subject=subject_of(self._asked),
                statements=tuple(statements),
                place=place_of(self._asked),
            )
        )
        return output.portion.brought()


def _own_name(path: Path) -> str:
    """The part of a log's name that tells its session; empty for a file that was renamed."""
    found = OWN_NAME.match(path.name)
    return found[1] if found else ""


@dataclass(slots=True)
class _Rows:
    """Makes the rows of an epoch."""

    session: Session
    host: str
    workload: str
    notes: Notes
    place: str

    def of(self, epoch: Epoch, at: float, seconds: float) -> Iterator[EnergyRow]:
        for component, text in epoch.powers.items():
            devices = self.session.devices.get(component, [])
            try:
                watts = watts_of(text)
            except ValueError:
                watts = [None]
            if len(watts) == len(devices) > 1:
                for index, (name, power) in enumerate(zip(devices, watts, strict=True)):
                    yield self._row(component, f"{UNNAMED}-{index}", [name], power, at, seconds)
            else:
                if len(devices) > 1:
                    self.notes.add(
                        f"the {component} power is one mean over {len(devices)} devices: "
                        "multiplied by their number",
                        self.place,
                    )
                yield self._row(component, UNNAMED, devices, watts[0], at, seconds)

    def _row(
        self, component: str, which: str, names: list[str], watts: float | None, at: float, seconds: float
    ) -> EnergyRow:
        method, duty = self._method(component, names)
        reason = _doubt(watts)
        if reason:
            self.notes.add(f"a gap, not 0: {reason}", self.place)
        device = f"{component}:{self.host}/{which}"
        gap = GapSpan(t0_seconds=at, duration_seconds=seconds, reason=reason)
        number = max(len(names), 1)
        return EnergyRow(
            device_id=device,
            component=component,
            t0_seconds=at,
            duration_seconds=seconds,
            energy_joules=0.0 if reason or watts is None else watts * number * seconds,
            observed_seconds=0.0 if reason else seconds,
            method=method,
            boundary=Boundary.DEVICE,
            grade=GRADE_OF_METHOD[method],
            errors=errors_of(method, f"{NAME}:{device}", workload=self.workload, duty=duty),
            sensor_duty=duty,
            source=SourceId(name=NAME, version=self.session.version),
            gaps=(gap,) if reason else (),
            max_watts=MOST_WATTS * number,
            note=", ".join(names),
        )

    def _method(self, component: str, names: list[str]) -> tuple[Method, float]:
        """RAPL names its zones, powermetrics says CPU or GPU, NVML an NVIDIA card; all else is a model."""
        if names and all(RAPL.fullmatch(name) for name in names):
            return Method.INTEGRATED_POWER, RAPL_DUTY
        sensed = component == "gpu" and all(any(w in n.upper() for w in NVIDIA) for n in names)
        apple = set(names) <= {"CPU", "GPU", "ANE"}
        if names and (sensed or apple) and not self._flat(component):
            return Method.INTEGRATED_POWER, GPU_DUTY
        return Method.MODELLED, 1.0

    def _flat(self, component: str) -> bool:
        """The same round figure in every epoch: simulated (``sim_gpu_watts``), not sensed."""
        said = {e.powers[component] for e in self.session.epochs if component in e.powers}
        value = number_of(next(iter(said))) if len(said) == 1 else None
        return value is not None and value > 0 and (2 * value).is_integer()


def _doubt(watts: float | None) -> str:
    """Why a power is not taken; empty when it is."""
    if watts is None:
        return "the epoch was too short to be measured"
    if watts == 0:
        return "0 W says that a counter wrapped or could not be read"
    if not 0 < watts <= MOST_WATTS:
        return f"{watts:g} W is not possible"
    return ""


def _hardware(session: Session) -> tuple[Hardware, ...]:
    names = [(c, n) for c, found in session.devices.items() for n in found if not RAPL.fullmatch(n)]
    return tuple(
        Hardware(component=c, name=n, count=float(names.count((c, n)))) for c, n in dict.fromkeys(names)
    )
