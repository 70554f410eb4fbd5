"""What an audit log keeps of a gate so that it can be decided again: sides, runs, and what was handed in.

Everything is JSON with sorted keys, so that equal content has one hash and is kept once. Series for plots are
left out of runs, as baseline files do; which devices had one stays, for a verdict asks that.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, get_args, get_type_hints

import msgspec

from wattmark.core.errors import EvidenceError
from wattmark.core.figure import Figure, Missing
from wattmark.core.given import Given
from wattmark.core.governance.budget import BudgetStanding
from wattmark.core.governance.waiver import JudgedWaiver
from wattmark.core.run import Run
from wattmark.hashing import sha256
from wattmark.ledger.runfile import run_from

SCHEMA_TOLD, SCHEMA_SIDE, VERSION = "wattmark.audit-given", "wattmark.audit-side", 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What a gate was told beside runs and policy."""

    judged: tuple[JudgedWaiver, ...] = ()
    standings: tuple[BudgetStanding, ...] = ()
    options: Mapping[str, str] = field(default_factory=dict)
    wattmark: str = ""
    """Version that decided."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptSide:
    """Candidate or baseline: which runs, in order, and what was stated of each repeat."""

    name: str
    as_one: bool = False
    kept: str = ""
    """Name in a baseline file."""
    remarks: tuple[str, ...] = ()
    """What was said of the runs."""
    givens: tuple[Given, ...]
    runs: tuple[str, ...]
    """SHA-256 of each, as kept."""


def encoded(told: Told) -> bytes:
    """As kept."""
    return _json({"schema": SCHEMA_TOLD, "schema_version": VERSION, **msgspec.to_builtins(told)})


def decoded(content: bytes, place: str) -> Told:
    """What was kept. Raises EvidenceError."""
    body = _body(content, place, SCHEMA_TOLD)
    try:
        return Told(
            judged=msgspec.convert(body["judged"], tuple[JudgedWaiver, ...]),
            standings=tuple(_standing(one) for one in body["standings"]),
            options=msgspec.convert(body["options"], dict[str, str]),
            wattmark=msgspec.convert(body["wattmark"], str),
        )
    except (msgspec.ValidationError, KeyError, TypeError, AttributeError) as error:
        raise EvidenceError(place, f"does not hold what a gate was told: {error}") from None


@dataclass(frozen=True, slots=True)
class KeptRun:
    """A run as kept."""

    record_id: str
    sha256: str
    content: bytes


def encoded_side(
    name: str,
    runs: Sequence[Run],
    givens: Sequence[Given],
    *,
    as_one: bool,
    kept: str,
    remarks: tuple[str, ...] = (),
) -> tuple[bytes, list[KeptRun]]:
    """A side as kept, and each of its runs."""
    found = [
        KeptRun(run.record_id, sha256(text).hexdigest(), text) for run in runs for text in (run_content(run),)
    ]
    side = KeptSide(
        name=name,
        as_one=as_one,
        kept=kept,
        remarks=remarks,
        givens=tuple(givens),
        runs=tuple(run.sha256 for run in found),
    )
    return _json({"schema": SCHEMA_SIDE, "schema_version": VERSION, **msgspec.to_builtins(side)}), found


def decoded_side(content: bytes, place: str) -> KeptSide:
    """What was kept of a side. Raises EvidenceError."""
    try:
        return msgspec.convert(_body(content, place, SCHEMA_SIDE), KeptSide)
    except msgspec.ValidationError as error:
        raise EvidenceError(place, f"does not hold a side of a gate: {error}") from None


def run_content(run: Run) -> bytes:
    """A run as evidence of a decision: without what only plots need, keys sorted."""
    bare = tuple(replace(series, t_seconds=(), energy_joules=()) for series in run.series)
    return msgspec.json.encode(replace(run, series=bare, samples=()), order="deterministic")


def run_kept(content: bytes, place: str) -> Run:
    """The run that was kept. Raises EvidenceError."""
    return run_from(content, place)


def _json(body: Any) -> bytes:
    # The standard library's, for it can write and read what is infinite; JSON proper has no word for that.
    return json.dumps(body, sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode()


def _body(content: bytes, place: str, schema: str) -> dict[str, Any]:
    try:
        found = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise EvidenceError(place, f"is no JSON: {error}") from None
    if not isinstance(found, dict) or (found.pop("schema", ""), found.pop("schema_version", 0)) != (
        schema,
        VERSION,
    ):
        raise EvidenceError(place, f"is no {schema} of version {VERSION}")
    return found


def _standing(body: dict[str, Any]) -> BudgetStanding:
    hints = get_type_hints(BudgetStanding)
    return BudgetStanding(**{name: _value(value, hints[name]) for name, value in body.items()})


def _value(value: Any, hint: Any) -> Any:
    """Figures are told from what is missing by what they hold: their types alone do not say it."""
    if value is None:
        return None
    if Missing in get_args(hint):
        return msgspec.convert(value, Missing if "field" in value else Figure)
    return msgspec.convert(value, hint)
