"""EcoLogits: answers of model APIs as their clients write them, with EcoLogits's ``impacts`` beside them.

The energy of a request is output tokens x a published energy per token, fitted on open models and carried
over to a guessed number of parameters, x the provider's PUE (in every version since 0.1.0). Nothing of the
machine that answered was seen, so the grade is E (kpis.md: published J per token), and the interval of
EcoLogits, which stands for unknown parameters and PUE only, is one error source beside that of a declared
figure. The texts of questions and answers are never taken.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path

from wattmark.core.errors import EvidenceError, UsageError
from wattmark.core.imported import Imported
from wattmark.core.known import Boundary, Grade, Method
from wattmark.core.run import EnergyRow, Host, NotSeen, Run, SourceId, Statement, Status, Work
from wattmark.core.sound import first_fault
from wattmark.core.units import JOULES_PER_KWH
from wattmark.hashing import sha256
from wattmark.ports import Source
from wattmark.sources.catalog import Asked, Inputs
from wattmark.sources.identity import host_of, import_id
from wattmark.sources.json_input import Document, at, documents_of, list_at, number_at, text_at
from wattmark.sources.lines import files_of
from wattmark.sources.moments import moment_us, written, zone_of
from wattmark.sources.portions import ROWS, Notes, Portion
from wattmark.sources.stated import errors_of, place_of, subject_of

NAME = "ecologits"
OPTIONS: Mapping[str, str] = {
    "at": "Time of answers that state none, e.g. 2026-11-01T12:00:00Z: Anthropic's and bare impacts do not.",
    "time_zone": "Zone of times without one, e.g. Europe/Paris [UTC].",
}
RULE = "ecologits: one of 64 requests that a server answers at once"
"""EcoLogits charges a request a 64th of the servers that its model needs, idle time left out."""
SECONDS = 1.0
"""Answers state the second they were made in, and no duration."""
US = 1_000_000
LEAST_SECONDS, MOST_SECONDS = 6.3e8, 7.2e9
"""1990 to 2198: outside of these a number is no time in seconds."""
JOULES_OF = {"kWh": JOULES_PER_KWH, "Wh": JOULES_PER_KWH / 1000, "J": 1.0}
TIMES = (("created",), ("created_at",), ("timestamp",), ("create_time",), ("time",))
OUTPUT = (
    ("usage", "completion_tokens"),
    ("usage", "output_tokens"),
    ("usage_metadata", "candidates_token_count"),
    ("meta", "tokens", "output_tokens"),
    ("output_token_count",),
    ("output_tokens",),
)
"""Where OpenAI, Mistral, LiteLLM and Hugging Face, Anthropic, Google and Cohere count them."""
INPUT = (
    ("usage", "prompt_tokens"),
    ("usage", "input_tokens"),
    ("usage_metadata", "prompt_token_count"),
    ("meta", "tokens", "input_tokens"),
    ("input_tokens",),
)
STATED = {"gwp": ("emissions", "kgCO2e", "kgCO2eq"), "wcf": ("water", "L", "L")}
"""Field of impacts -> quantity, our unit, EcoLogits's unit."""


def open_source(inputs: Inputs, asked: Asked) -> Source:
    """A source on files of JSON, or on folders of ``*.json*``. Raises UsageError for an impossible time."""
    zone = zone_of(asked.settings.get("time_zone"))
    said = asked.settings.get("at")
    at_us = moment_us(said, zone) if said is not None else None
    if said is not None and at_us is None:
        raise UsageError(f"at is a time like 2026-11-01T12:00:00Z, not {said!r}")
    return EcoLogits(tuple(files_of(inputs, "*.json*")), at_us, asked)


class EcoLogits:
    """Reads each answer as a run."""

    def __init__(self, files: tuple[Path, ...], at_us: int | None, asked: Asked) -> None:
        self._files = files
        self._at_us = at_us
        self._asked = asked

    def read(self) -> Iterator[Imported]:
        """The answers of all files, portion by portion."""
        notes = Notes()
        seen: set[tuple[str, int]] = set()
        for path in self._files:
            yield from self._file(path, seen, notes)
        yield Portion().brought(notes)

    def _file(self, path: Path, seen: set[tuple[str, int]], notes: Notes) -> Iterator[Imported]:
        portion, ours = Portion(), False
        for place, document, reason in documents_of(path):
            ours = ours or (document is not None and impacts_of(document) is not None)
            try:
                if document is None:
                    raise ValueError(reason)
                run = self._run(document)
            except ValueError as error:
                portion.refuse(place, str(error))
            else:
                portion.take(run, seen)
                for lacking in run.not_seen[:-1]:
                    notes.add(f"no energy: {lacking.reason}", place)
            if portion.rows >= ROWS and ours:
                yield portion.brought()
                portion = Portion()
        if not ours:
            raise EvidenceError(str(path), "holds no answer with the `impacts` of EcoLogits")
        yield portion.brought()

    def _run(self, document: Document) -> Run:
        """The run of one answer. Raises ValueError for one that cannot be."""
        impacts = impacts_of(document)
        if impacts is None:
            raise ValueError("has no `impacts`: EcoLogits was not initialised for this provider")
        bare = impacts is document
        started = self._moment(document)
        model = "" if bare else text_at(document, "model") or text_at(document, "model_version")
        record_id = import_id(NAME, "", _native(document))
        energy = _energy(impacts)
        subject = subject_of(self._asked, model=model, stage=self._asked.subject.stage or "inference")
        row = _row(record_id, energy, subject.model or "unknown") if energy is not None else None
        run = Run(
            record_id=record_id,
            seq=round(row.energy_joules * 1e6) if row is not None else 0,  # a stream's last chunk holds all
            status=Status.CLOSED,
            started_at=written(started),
            duration_seconds=SECONDS,
            host=Host(id=host_of(f"service of {subject.model or 'unknown'}"), fingerprint=NAME),
            subject=subject,
            energies=(row,) if row is not None else (),
            statements=tuple(_statements(impacts)),
            work=tuple(_work(document, bare=bare)),
            place=place_of(self._asked),
            not_seen=(
                *_lacking(impacts, energy),
                NotSeen(what="the machine that answered", reason="EcoLogits works with published averages"),
            ),
            notes=tuple(_remarks(impacts)),
        )
        if (fault := first_fault(run)) is not None:
            raise ValueError(f"{fault[1]} (at {fault[0]})")
        return run

    def _moment(self, document: Document) -> int:
        """When the answer was made."""
        for path in TIMES:
            number = number_at(document, *path)
            if number is not None:
                if not LEAST_SECONDS < number < MOST_SECONDS:
                    raise ValueError(f"{path[0]} {number:g} is not seconds since 1970")
                return round(number * US)
            text = text_at(document, *path)
            if text:
                moment = moment_us(text, zone_of(self._asked.settings.get("time_zone")))
                if moment is None:
                    raise ValueError(f"{path[0]} {text[:40]!r} is not a time")
                return moment
        if self._at_us is None:
            raise ValueError("states no time: give one for all with -o at=2026-11-01T12:00:00Z")
        return self._at_us


def impacts_of(document: Document) -> Document | None:
    """The impacts in an answer, or the document itself where somebody kept only them."""
    inside = at(document, "impacts")
    if isinstance(inside, Mapping):
        return inside
    bare = {"energy", "gwp", "adpe", "pe"} <= set(document)
    return document if bare else None


def _native(document: Document) -> str:
    """What tells an answer from all others: its id, else everything that is kept of it."""
    found = text_at(document, "id") or text_at(document, "response_id") or text_at(document, "generation_id")
    if found:
        return found
    kept = {
        key: value
        for key, value in document.items()
        if key in ("impacts", "model", "usage", "energy", "gwp", "wcf") or (key,) in TIMES
    }
    return sha256(json.dumps(kept, sort_keys=True).encode()).hexdigest()


def _range(impact: Document, units: Mapping[str, float]) -> tuple[float, float]:
    """Least and most in our unit. Raises ValueError for what is no amount."""
    unit = text_at(impact, "unit")
    if unit not in units:
        raise ValueError(f"unit {unit!r} is none of {', '.join(units)}")
    value = number_at(impact, "value")
    least = number_at(impact, "value", "min") if value is None else value
    most = number_at(impact, "value", "max") if value is None else value
    if least is None or most is None or not 0 <= least <= most:
        raise ValueError("a value of `impacts` is neither a number nor a range from min to max")
    return least * units[unit], most * units[unit]


def _energy(impacts: Document) -> tuple[float, float] | None:
    """Least and most joules; None when EcoLogits could not tell."""
    energy = at(impacts, "energy")
    if energy is None:
        return None
    if not isinstance(energy, Mapping):
        raise ValueError("`impacts.energy` is no impact")
    return _range(energy, JOULES_OF)


def _row(record_id: str, energy: tuple[float, float], model: str) -> EnergyRow:
    least, most = energy
    errors = errors_of(Method.DECLARED, f"{NAME}:{model}")
    if most > least:
        errors[f"{NAME}:{model}:parameters"] = (most - least) / (most + least)
    return EnergyRow(
        device_id=f"service:{record_id}",  # requests at one time do not compete for a device
        component="node",
        t0_seconds=0.0,
        duration_seconds=SECONDS,
        energy_joules=(least + most) / 2,
        observed_seconds=SECONDS,
        method=Method.MODELLED,
        boundary=Boundary.FACILITY,
        grade=Grade.E,
        errors=errors,
        attribution_rule=RULE,
        source=SourceId(name=NAME),
        note="with the provider's PUE, as EcoLogits assumes it",
    )


def _statements(impacts: Document) -> Iterator[Statement]:
    for field, (quantity, unit, theirs) in STATED.items():
        impact = at(impacts, field)
        if isinstance(impact, Mapping):
            least, most = _range(impact, {theirs: 1.0})
            yield Statement(
                quantity=quantity,
                value=(least + most) / 2,
                unit=unit,
                accounting="location" if quantity == "emissions" else None,
                scopes=("3.1",) if quantity == "emissions" else (),
                basis=f"{'usage and embodied' if field == 'gwp' else 'usage'}; from {least:g} to {most:g}",
                provider_model_version=NAME,
            )


def _work(document: Document, *, bare: bool) -> Iterator[Work]:
    yield Work(unit="requests", count=1.0, duration_seconds=SECONDS)
    for unit, paths in (("output_tokens", OUTPUT), ("input_tokens", INPUT)):
        found = next((n for p in paths if (n := number_at(document, *p)) is not None), None)
        if found is not None and not bare:
            yield Work(unit=unit, count=found, duration_seconds=SECONDS)


def _lacking(impacts: Document, energy: tuple[float, float] | None) -> tuple[NotSeen, ...]:
    if energy is not None:
        return ()
    said = "; ".join(filter(None, (text_at(e, "message") for e in list_at(impacts, "errors"))))
    return (NotSeen(what="energy", reason=said or "EcoLogits gave none"),)


def _remarks(impacts: Document) -> Iterator[str]:
    for warning in list_at(impacts, "warnings"):
        if text_at(warning, "message"):
            yield text_at(warning, "message")
