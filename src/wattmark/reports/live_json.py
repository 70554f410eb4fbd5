"""What an agent shows, as the body of a JSON document (``wattmark.live``)."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from wattmark.core.serving.figures import DeviceFigures, Kinds, ServiceFigures
from wattmark.core.serving.live import AgentState, Live
from wattmark.reports.as_json import answer_json, document

SCHEMA = "live"
VERSION = 1


def live_document(live: Live) -> str:
    """The document that ``GET /v1/live`` answers with."""
    return document(SCHEMA, VERSION, live_body(live))


def live_body(live: Live) -> dict[str, Any]:
    """All of it; amounts that are not known are null, figures say why they are missing."""
    return {
        "host_id": live.host_id,
        "at": utc(live.at_us),
        "from": utc(live.start_us),
        "to": utc(live.end_us),
        "seconds": (live.end_us - live.start_us) / 1e6,
        "attribution_rules": [rule.value for rule in live.rules],
        "devices": [device_body(device) for device in live.devices],
        "models": [service_body(figures) for figures in live.models],
        "services": [service_body(figures) for figures in live.services],
        "engines": [asdict(engine) for engine in live.engines],
        "agent": None if live.agent is None else _agent(live.agent),
        "notes": list(live.notes),
    }


def utc(us: int) -> str:
    """Microseconds since 1970 as ISO 8601 with a trailing Z."""
    return datetime.fromtimestamp(us / 1e6, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def device_body(device: DeviceFigures) -> dict[str, Any]:
    """What one device used."""
    return {
        "device_id": device.device_id,
        "component": device.component,
        "source": device.source,
        "method": device.method.value,
        "grade": device.grade.value,
        "boundary": device.boundary.value,
        "energy": answer_json(device.energy),
        "power_watts": device.power_watts,
        "idle_share": answer_json(device.idle_share),
        "unallocated_joules": device.unallocated_joules,
        "coverage": device.coverage,
        "utilisation": device.utilisation,
        "utilisation_signal": device.busy_signal,
    }


def service_body(figures: ServiceFigures) -> dict[str, Any]:
    """What one group of requests did and cost."""
    service = figures.service
    return {
        "model": service.model,
        "model_version": service.model_version,
        "tenant": service.tenant,
        "target": service.target,
        "requests": figures.requests,
        "failed": figures.failed,
        "input_tokens": figures.input_tokens,
        "cached_input_tokens": figures.cached_input_tokens,
        "output_tokens": figures.output_tokens,
        "mean_batch": figures.mean_batch,
        "energy": _kinds(figures.energy),
        "idle_energy": answer_json(figures.idle),
        "failed_energy": answer_json(figures.failed_energy),
        "prefill_energy": answer_json(figures.prefill),
        "decode_energy": answer_json(figures.decode),
        "joules_per_request": _kinds(figures.joules_per_request),
        "joules_per_output_token": _kinds(figures.joules_per_output_token),
        "watts_per_1k_qps": answer_json(figures.watts_per_1k_qps),
        "grams_per_inference": _kinds(figures.grams_per_inference),
    }


def _kinds(kinds: Kinds) -> dict[str, Any]:
    return {"attributed": answer_json(kinds.attributed), "service": answer_json(kinds.service)}


def _agent(agent: AgentState) -> dict[str, Any]:
    told = asdict(agent)
    landed = told.pop("last_landed_us")
    started = told.pop("started_us")
    return {**told, "started": utc(started), "last_landed": None if landed is None else utc(landed)}
