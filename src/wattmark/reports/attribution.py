"""Energy of logged requests, added up: as text and as the body of a JSON document."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from wattmark.core.facts import Answer
from wattmark.core.figure import Figure, Missing
from wattmark.core.serving.figures import DeviceFigures, ServiceFigures
from wattmark.core.serving.request import Service
from wattmark.core.serving.window import ServingWindow
from wattmark.reports.as_text import bar, bulleted, table
from wattmark.reports.live_json import device_body, service_body, utc
from wattmark.reports.quantities import count, duration, percent, quantity

UNKNOWN = "-"
WITH_IDLE = "with idle, as carbon is: idle energy that the model reserves is in it; gates look at this"
WITHOUT_IDLE = (
    "without idle energy, which belongs to the model as a whole: leave tenant and release out of --by"
)
PARTS = frozenset({"tenant", "model_version"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Read:
    """What became of the rows of one log."""

    name: str
    taken: int
    ignored: int
    repeated: int
    bad: int
    first_bad: Sequence[str] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class AttributionView:
    """All that is shown."""

    window: ServingWindow
    input_cost: float
    by: Sequence[str]
    groups: Sequence[ServiceFigures]
    devices: Sequence[DeviceFigures]
    conservation: Mapping[str, float]
    """By device: what is missing or too much in its parts, relative to its energy."""
    estimated: int
    late: int
    logs: Sequence[Read]
    notes: Sequence[str]
    written: str = ""
    """Where the requests were written to."""


def attribution_body(view: AttributionView) -> dict[str, Any]:
    """All of it; amounts that are not known are null, figures say why they are missing."""
    window = view.window
    return {
        "host_id": window.host_id,
        "from": utc(window.start_us),
        "to": utc(window.end_us),
        "seconds": window.seconds,
        "attribution_rule": window.rule.value,
        "input_token_cost": view.input_cost,
        "by": list(view.by),
        "groups": [service_body(group) for group in view.groups],
        "devices": [
            {**device_body(device), "conservation_error": view.conservation[device.device_id]}
            for device in view.devices
        ],
        "requests": {"weighed_by_a_mean": view.estimated, "too_late": view.late},
        "logs": [
            {
                "name": log.name,
                "requests": log.taken,
                "ignored": log.ignored,
                "repeated": log.repeated,
                "bad": log.bad,
            }
            for log in view.logs
        ],
        "notes": list(view.notes),
        "written_to": view.written or None,
    }


def attribution_text(view: AttributionView, *, ascii_only: bool = False) -> str:
    """Everything as plain text."""
    window = view.window
    ended = sum((group.requests or 0) + (group.failed or 0) for group in view.groups)
    cost = "" if view.input_cost == 1 else f", an input token counting {view.input_cost:g}"
    blocks = [
        f"{utc(window.start_us)} to {utc(window.end_us)} ({duration(window.seconds)}), "
        f"{count(ended)} requests, divided by {window.rule.value}{cost}",
        _groups(view),
        _parts(view, ascii_only),
        _devices(view),
        "\n".join(bulleted([*_why(view), *_read(view.logs), *view.notes])),
        f"requests written to {view.written}" if view.written else "",
    ]
    return "\n\n".join(filter(None, blocks))


def _groups(view: AttributionView) -> str:
    """One row per group. Parts of models have no figures with idle energy: it belongs to the whole."""
    whole = not PARTS & set(view.by)
    headers = [*view.by, "succeeded", "failed", "energy"]
    for name in ("J/request", "J/output token"):
        headers += [name, "with idle"] if whole else [name]
    groups = view.groups if whole else [group for group in view.groups if _asked(group)]
    shown = table((*headers, "carbon/inference"), [_row(group, view.by, whole) for group in groups])
    return f"{shown}\n{WITH_IDLE if whole else WITHOUT_IDLE}"


def _asked(group: ServiceFigures) -> bool:
    """Whether anybody asked for it; else it is what a model used idle, which is shown among the parts."""
    used = group.energy.attributed
    return bool(group.requests or group.failed or (isinstance(used, Figure) and used.value))


def _row(group: ServiceFigures, by: Sequence[str], whole: bool) -> list[str]:
    cells = [
        *_name(group.service, by),
        *("unknown" if amount is None else count(amount) for amount in (group.requests, group.failed)),
        _figure(group.energy.attributed),
    ]
    for kinds in (group.joules_per_request, group.joules_per_output_token):
        cells += [_figure(kinds.attributed), *([_figure(kinds.service)] if whole else [])]
    grams = group.grams_per_inference
    return [*cells, _figure(grams.service if whole else grams.attributed)]


def _parts(view: AttributionView, ascii_only: bool) -> str:
    """Where the energy of all devices went, longest bars first."""
    total = sum(device.energy_joules for device in view.window.devices)
    if total <= 0:
        return ""
    parts: dict[str, float] = {}
    for share in view.window.shares:
        name = share.service.model or "(unnamed)"
        phased = share.prefill_joules + share.decode_joules
        for what, joules in (
            ("reading", share.prefill_joules),
            ("writing", share.decode_joules),
            ("reading and writing", max(0.0, share.requests_joules - phased)),
            ("idle", share.idle_joules),
        ):
            parts[f"{name}, {what}"] = parts.get(f"{name}, {what}", 0.0) + joules
    parts["nobody's"] = sum(device.unallocated_joules for device in view.window.devices)
    shown = sorted(((joules, name) for name, joules in parts.items() if joules > total * 5e-4), reverse=True)
    rows = [
        (name, quantity(joules, "J"), percent(joules / total), bar(joules / total, ascii_only=ascii_only))
        for joules, name in shown
    ]
    return table(("part of all energy", "energy", "share", ""), rows)


def _devices(view: AttributionView) -> str:
    rows = [
        (
            device.device_id,
            _figure(device.energy),
            UNKNOWN if device.power_watts is None else quantity(device.power_watts, "W"),
            _percent(device.idle_share),
            quantity(device.unallocated_joules, "J"),
            percent(device.coverage),
            f"{view.conservation[device.device_id]:.0e}",
            f"{device.source or UNKNOWN}, grade {device.grade.value}",
        )
        for device in view.devices
    ]
    headers = ("device", "energy", "power", "idle", "nobody's", "observed", "parts off by", "known by")
    return table(headers, rows)


def _name(service: Service, by: Sequence[str]) -> tuple[str, ...]:
    return tuple(getattr(service, name) or "(unnamed)" for name in by)


def _why(view: AttributionView) -> list[str]:
    """Why figures are missing and what carbon leaves out, each reason once."""
    said: dict[str, None] = {}
    for group in view.groups:
        if PARTS & set(view.by) and not _asked(group):
            continue
        name = " ".join(_name(group.service, view.by)) or "all requests"
        for kinds in (group.joules_per_request, group.joules_per_output_token, group.grams_per_inference):
            for answer in (kinds.attributed, *(() if PARTS & set(view.by) else (kinds.service,))):
                if isinstance(answer, Missing):
                    hint = f": {answer.hint}" if answer.hint else ""
                    verb = "are" if answer.field.endswith("s") else "is"
                    said.setdefault(f"{name}: {answer.field} {verb} not known{hint}")
        said |= dict.fromkeys(f"carbon: {note}" for note in _told_of_carbon(group))
    return list(said)


def _told_of_carbon(group: ServiceFigures) -> tuple[str, ...]:
    """What a reader must know beside grams: energy of devices, for one, meets no PUE."""
    grams = group.grams_per_inference.attributed
    return grams.notes if isinstance(grams, Figure) else ()


def _read(logs: Sequence[Read]) -> list[str]:
    """What was not taken of each log."""
    said = []
    for log in logs:
        other = "line that tells" if log.ignored == 1 else "lines that tell"
        whats = (f"{other} of no ended request", "told before", "bad")
        numbers = (log.ignored, log.repeated, log.bad)
        left = [f"{count(number)} {what}" for number, what in zip(numbers, whats, strict=True) if number]
        if left:
            said.append(f"{log.name}: {count(log.taken)} requests taken, {', '.join(left)}")
        said += [f"bad: {place}" for place in log.first_bad]
    return said


def _figure(answer: Answer) -> str:
    """Value and half width; a dash where there is none, with the reason below."""
    if not isinstance(answer, Figure):
        return UNKNOWN
    said = quantity(answer.value, answer.unit.partition("/")[0])
    return said if answer.relative < 0.0005 else f"{said} ±{percent(answer.relative)}"


def _percent(answer: Answer) -> str:
    return percent(answer.value) if isinstance(answer, Figure) else UNKNOWN
