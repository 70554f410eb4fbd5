"""What an agent shows, as tables for a terminal."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from wattmark.reports.as_text import sparkline, table
from wattmark.reports.live_read import LiveDocument, LiveFigure, LiveService
from wattmark.reports.quantities import count, duration, percent, quantity

UNKNOWN = "-"
MOST_REASONS = 6


@dataclass(frozen=True, slots=True)
class Section:
    """One table under its title."""

    title: str
    headers: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


class Courses:
    """How joules per output token (per request, without tokens) of each model went, look by look."""

    def __init__(self, most: int = 48) -> None:
        self._most = most
        self._of: dict[tuple[str, str], deque[float | None]] = {}
        self._until = ""

    def add(self, live: LiveDocument) -> None:
        """Take a document down; one that was seen before, or holds no minute, adds nothing."""
        if live.end == self._until or not live.seconds:
            return
        self._until = live.end
        seen = {}
        for model in live.models:
            seen[_key(model)] = _cost(model)
        for key in (*self._of, *(k for k in seen if k not in self._of)):
            self._of.setdefault(key, deque(maxlen=self._most)).append(seen.get(key))

    def of(self, model: LiveService) -> Sequence[float | None]:
        """The last values, the newest last; None where there was none."""
        return tuple(self._of.get(_key(model), ()))


def _rule(model: LiveService) -> str:
    return model.energy.attributed.terms.get("attribution_rule", "")


def _key(model: LiveService) -> tuple[str, str]:
    return model.model, _rule(model)


def _cost(model: LiveService) -> float | None:
    per_token = model.joules_per_output_token.service.known
    return per_token if per_token is not None else model.joules_per_request.service.known


def headline(live: LiveDocument, age_seconds: float | None = None) -> str:
    """Which node, which minutes, and whether the agent is well."""
    when = f"{live.start[11:19]} to {live.end[11:19]} UTC" if live.seconds else "no minute is over yet"
    said = [f"node {live.host_id[:12]}", when]
    if age_seconds is not None and live.seconds:
        said.append(f"{duration(max(0.0, age_seconds))} ago")
    if live.attribution_rules:
        said.append(f"divided by {', '.join(live.attribution_rules)}")
    lines = ["  ".join(said)]
    if live.agent is not None and live.agent.trouble:
        lines.append(f"trouble: {live.agent.trouble}")
    return "\n".join(lines)


def sections(live: LiveDocument, courses: Courses, *, ascii_only: bool = False) -> list[Section]:
    """All tables that have something in them."""
    found = [
        _models(live, courses, ascii_only),
        _parts(live),
        _devices(live),
        _engines(live),
    ]
    return [section for section in found if section.rows]


def footer(live: LiveDocument) -> list[str]:
    """What a reader must know: why figures are missing, notes, and what the agent itself costs."""
    said: dict[str, None] = {}
    for model in live.models:
        for figure in (
            model.joules_per_request.service,
            model.joules_per_output_token.service,
            model.grams_per_inference.service,
        ):
            if figure.why_not:
                said.setdefault(f"{model.model or 'unnamed model'}: {figure.why_not}")
    lines = list(said)[:MOST_REASONS]
    if len(said) > MOST_REASONS:
        lines.append(f"... and {len(said) - MOST_REASONS} more reasons")
    lines += live.notes
    if live.agent is not None:
        lines.append(_agent_line(live))
    return lines


def live_text(
    live: LiveDocument, courses: Courses, *, age_seconds: float | None = None, ascii_only: bool = False
) -> str:
    """Everything as plain text."""
    blocks = [headline(live, age_seconds)]
    blocks += [
        f"{s.title}\n{table(s.headers, s.rows)}" for s in sections(live, courses, ascii_only=ascii_only)
    ]
    blocks.append("\n".join(footer(live)))
    return "\n\n".join(filter(None, blocks))


def _models(live: LiveDocument, courses: Courses, ascii_only: bool) -> Section:
    rows = []
    for model in live.models:
        rows.append(
            (
                model.model or "(unnamed)",
                _rate(model.requests, live.seconds),
                UNKNOWN if model.failed is None else count(model.failed),
                _figure(model.joules_per_request.attributed),
                _figure(model.joules_per_request.service),
                _figure(model.joules_per_output_token.service),
                _figure(model.grams_per_inference.service),
                _figure(model.watts_per_1k_qps),
                UNKNOWN if model.mean_batch is None else f"{model.mean_batch:.1f}",
                _share(model.idle_energy, model.energy.service),
                _known_by(model.energy.service),
                sparkline(courses.of(model), width=24, ascii_only=ascii_only),
            )
        )
    headers = (
        "model",
        "req/s",
        "failed",
        "J/request",
        "with idle",
        "J/token",
        "carbon/inference",
        "power per 1k QPS",
        "batch",
        "idle",
        "known by",
        "J/token over time",
    )
    return Section("Models (with idle: what a gate looks at)", headers, tuple(rows))


def _parts(live: LiveDocument) -> Section:
    """Tenants and releases, where there are any; idle energy belongs to no tenant."""
    told = [s for s in live.services if s.tenant or s.model_version]
    rows = [
        (
            s.model or "(unnamed)",
            s.model_version or UNKNOWN,
            s.tenant or UNKNOWN,
            s.target or UNKNOWN,
            _rate(s.requests, live.seconds),
            _figure(s.joules_per_request.attributed),
            _figure(s.joules_per_output_token.attributed),
            _figure(s.grams_per_inference.attributed),
        )
        for s in told
    ]
    headers = ("model", "release", "tenant", "target", "req/s", "J/request", "J/token", "carbon/inference")
    return Section("Releases and tenants (without idle)", headers, tuple(rows))


def _devices(live: LiveDocument) -> Section:
    rows = [
        (
            device.device_id,
            device.component,
            UNKNOWN if device.power_watts is None else quantity(device.power_watts, "W"),
            _percent(device.utilisation),
            _percent(device.idle_share.known),
            _percent(device.coverage),
            f"{device.source}, grade {device.grade}",
        )
        for device in live.devices
    ]
    headers = ("device", "component", "power", "busy", "idle energy", "observed", "known by")
    return Section("Devices", headers, tuple(rows))


def _engines(live: LiveDocument) -> Section:
    rows = [
        (
            engine.target,
            engine.engine or UNKNOWN,
            "up" if engine.up else f"down: {engine.reason}",
            UNKNOWN if engine.running is None else count(engine.running),
            UNKNOWN if engine.waiting is None else count(engine.waiting),
            _percent(engine.kv_cache_usage),
        )
        for engine in live.engines
    ]
    return Section("Engines", ("target", "engine", "state", "running", "waiting", "KV cache"), tuple(rows))


def _agent_line(live: LiveDocument) -> str:
    agent = live.agent
    assert agent is not None
    memory = "" if agent.resident_bytes is None else f", {agent.resident_bytes / 1e6:.0f} MB"
    kept = f"{agent.last_landed[11:19]} UTC in the ledger" if agent.last_landed else "nothing in a ledger yet"
    waits = f", {agent.spool_files} files wait" if agent.spool_files else ""
    return f"agent {agent.version}: {agent.cpu_seconds:.2f} CPU s{memory}, {kept}{waits}"


def _figure(figure: LiveFigure) -> str:
    """Value and half width; a dash where there is none, with the reason below."""
    if figure.known is None:
        return UNKNOWN
    said = quantity(figure.known, figure.unit.partition("/")[0])
    error = figure.relative_error_95
    if error is None:
        return f"{said} ±?"
    return said if error < 0.0005 else f"{said} ±{percent(error)}"


def _known_by(figure: LiveFigure) -> str:
    if figure.known is None:
        return UNKNOWN
    return f"{figure.terms.get('boundary', '?')}, grade {figure.grade or '?'}"


def _share(part: LiveFigure, whole: LiveFigure) -> str:
    if part.known is None or not whole.known:
        return UNKNOWN
    return percent(part.known / whole.known)


def _rate(requests: float | None, seconds: float) -> str:
    return UNKNOWN if seconds <= 0 or requests is None else f"{requests / seconds:.3g}"


def _percent(share: float | None) -> str:
    return UNKNOWN if share is None else percent(share)
