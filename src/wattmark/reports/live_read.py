"""An agent's document read back: what `wattmark watch`, autoscalers and the request path take from it."""

from __future__ import annotations

from typing import Any

import msgspec

from wattmark.core.errors import EvidenceError
from wattmark.reports.live_json import SCHEMA, VERSION


class LiveFigure(msgspec.Struct, frozen=True):
    """A figure, or why there is none."""

    status: str
    value: float | None = None
    unit: str = ""
    interval_95: tuple[float | None, float | None] = (None, None)
    relative_error_95: float | None = None
    grade: str | None = None
    coverage: float = 1.0
    terms: dict[str, str] = msgspec.field(default_factory=dict)
    field: str = ""
    hint: str = ""
    reason: str = ""

    @property
    def known(self) -> float | None:
        """Its value; None where there is none."""
        return self.value if self.status == "known" else None

    @property
    def why_not(self) -> str:
        """Why there is no value; empty where there is one."""
        if self.status == "known":
            return ""
        if self.status == "missing":
            return f"missing: {self.field}" + (f" ({self.hint})" if self.hint else "")
        return f"undefined: {self.reason}"


class LiveKinds(msgspec.Struct, frozen=True):
    """One figure in both kinds."""

    attributed: LiveFigure
    service: LiveFigure


class LiveService(msgspec.Struct, frozen=True):
    """A model, or a part of one."""

    model: str
    model_version: str
    tenant: str
    target: str
    requests: float | None
    failed: float | None
    input_tokens: float | None
    cached_input_tokens: float | None
    output_tokens: float | None
    mean_batch: float | None
    energy: LiveKinds
    idle_energy: LiveFigure
    joules_per_request: LiveKinds
    joules_per_output_token: LiveKinds
    watts_per_1k_qps: LiveFigure
    grams_per_inference: LiveKinds


class LiveDevice(msgspec.Struct, frozen=True):
    """One device."""

    device_id: str
    component: str
    source: str
    method: str
    grade: str
    boundary: str
    energy: LiveFigure
    power_watts: float | None
    idle_share: LiveFigure
    unallocated_joules: float
    coverage: float
    utilisation: float | None
    utilisation_signal: str


class LiveEngine(msgspec.Struct, frozen=True):
    """One serving engine."""

    target: str
    engine: str
    up: bool
    reason: str = ""
    running: float | None = None
    waiting: float | None = None
    kv_cache_usage: float | None = None


class LiveAgent(msgspec.Struct, frozen=True):
    """The agent itself."""

    version: str
    started: str
    cpu_seconds: float
    resident_bytes: int | None = None
    spool_files: int = 0
    spool_bytes: int = 0
    last_landed: str | None = None
    trouble: str = ""


class LiveDocument(msgspec.Struct, frozen=True):
    """All of it."""

    schema: str
    schema_version: int
    host_id: str
    at: str
    start: str = msgspec.field(name="from")
    end: str = msgspec.field(name="to")
    seconds: float = 0.0
    attribution_rules: tuple[str, ...] = ()
    devices: tuple[LiveDevice, ...] = ()
    models: tuple[LiveService, ...] = ()
    services: tuple[LiveService, ...] = ()
    engines: tuple[LiveEngine, ...] = ()
    agent: LiveAgent | None = None
    notes: tuple[str, ...] = ()


_DOCUMENT = msgspec.json.Decoder(LiveDocument)
_ANY = msgspec.json.Decoder()


def read_live(data: bytes, place: str) -> LiveDocument:
    """The document that an agent answered with. Raises EvidenceError, naming the place, for anything else."""
    try:
        told: Any = _ANY.decode(data)
    except (msgspec.DecodeError, RecursionError) as error:
        raise EvidenceError(place, f"does not answer with an agent's document: {error}") from None
    schema = told.get("schema") if isinstance(told, dict) else None
    if schema != f"wattmark.{SCHEMA}":
        raise EvidenceError(place, "answers, but not as a wattmark agent does: is it another service's port?")
    if told.get("schema_version") != VERSION:
        raise EvidenceError(
            place,
            f"answers in version {told.get('schema_version')} of {schema}, this wattmark reads {VERSION}: "
            "use the same release on both sides",
        )
    try:
        return _DOCUMENT.decode(data)
    except msgspec.DecodeError as error:
        raise EvidenceError(place, f"answers with a broken document: {error}") from None
