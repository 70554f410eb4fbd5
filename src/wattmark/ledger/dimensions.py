"""The small tables that rows of the ledger refer to: whose, where, how known. An id is a hash of the rest."""

from __future__ import annotations

import json
from collections.abc import Hashable, Mapping
from dataclasses import replace
from typing import Any, NamedTuple, Protocol

from wattmark.core.run import REFRESH, EnergyRow, Place, Subject
from wattmark.core.telemetry import Stream
from wattmark.hashing import sha256
from wattmark.ledger.columns import TAGS, UNKNOWN

OWNING = ("team", "project", "model", "model_version", "stage", "task", "workload_class", "cost_centre")
"""A stream that states none of these says of a machine what it used, and not who used it."""


class Rules(Protocol):
    """What a ledger says of tags (core.tags)."""

    def normalise(self, subject: Subject) -> Subject:
        """The subject as it is meant."""
        ...

    def verdict(self, subject: Subject) -> str:
        """Why its energy is not counted; empty: it is."""
        ...


class Whose(NamedTuple):
    """A subject that was looked up: its id, and what it may have in common with others."""

    subject_id: str
    commons: tuple[str, str, str]
    """Organisation, environment and zone."""
    owned: bool
    """It says who, not only on whose machine."""
    zone: str
    region: str


class Dimensions:
    """Rows of ``subjects``, ``places`` and ``knowns``, each once, as they are met."""

    def __init__(self, rules: Rules) -> None:
        self._rules = rules
        self.subjects: dict[str, dict[str, Any]] = {}
        self.places: dict[str, dict[str, Any]] = {}
        self.knowns: dict[str, dict[str, Any]] = {}
        self._whose: dict[Hashable, Whose] = {}
        self._verdicts: dict[Hashable, str] = {}
        self._where: dict[Hashable, str] = {}
        self._how: dict[Hashable, str] = {}

    def whose(self, subject: Subject, stage: str | None = None) -> Whose:
        """A subject by the ledger's rules; of one stage where that is given."""
        key = (*_stated(subject), stage)
        if key not in self._whose:
            meant = self._rules.normalise(replace(subject, stage=stage) if stage else subject)
            told = {tag: getattr(meant, tag) or UNKNOWN for tag in TAGS}
            told["labels"] = _json(dict(meant.labels))
            subject_id = _put(self.subjects, "subject_id", told)
            commons = told["organisation"], told["environment"], told["zone"]
            owned = any(told[tag] for tag in OWNING)
            self._whose[key] = Whose(subject_id, commons, owned, told["zone"], told["region"])
        return self._whose[key]

    def verdict(self, subject: Subject) -> str:
        """Why energy of a subject is not counted; empty: it is."""
        key = _stated(subject)
        if key not in self._verdicts:
            self._verdicts[key] = self._rules.verdict(subject)
        return self._verdicts[key]

    def shared(self, commons: tuple[str, str, str]) -> str:
        """The id of the subject that says only what several have in common."""
        organisation, environment, zone = commons
        return self.whose(Subject(organisation=organisation, environment=environment, zone=zone)).subject_id

    def where(self, place: Place, whose: Whose) -> str:
        """The id of a place: the subject's zone, else the country; the site, else the cloud region."""
        key = place.country, place.site, place.pue, place.pue_kind, whose.zone, whose.region
        if key not in self._where:
            told = {
                "zone": whose.zone or place.country or UNKNOWN,
                "country": place.country or UNKNOWN,
                "site": place.site or whose.region,
                "pue": place.pue,
                "pue_kind": place.pue_kind or UNKNOWN,
            }
            self._where[key] = _put(self.places, "place_id", told)
        return self._where[key]

    def how(self, row: EnergyRow | Stream) -> str:
        """The id of how a figure is known.

        What a sensor's refresh adds at the edges of a run stays in the run file: it is another figure for
        each row, and averages out over many.
        """
        errors = {name: e for name, e in row.errors.items() if not name.endswith(REFRESH)}
        told = {
            "method": row.method.value,
            "grade": row.grade.value,
            "scope": row.scope.value,
            "attribution_rule": row.attribution_rule or UNKNOWN,
            "sensor_duty": float(row.sensor_duty),
            "errors": _json(errors),
            "source": f"{row.source.name} {row.source.version}".strip(),
            "calibration_id": (row.calibration_id if isinstance(row, EnergyRow) else None) or UNKNOWN,
        }
        key = tuple(told.values())
        if key not in self._how:
            self._how[key] = _put(self.knowns, "known_id", told)
        return self._how[key]


def _stated(subject: Subject) -> tuple[Hashable, ...]:
    return (*(getattr(subject, tag) for tag in TAGS), *sorted(subject.labels.items()))


def _put(table: dict[str, dict[str, Any]], name: str, told: Mapping[str, Any]) -> str:
    key = sha256(_json(list(told.values())).encode()).hexdigest()[:32]
    table[key] = {name: key, **told}
    return key


def _json(value: Any) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
