"""What a node's agent shows of the last minutes: devices, models, their parts, engines, and itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from wattmark.core.figure import Figure, Missing
from wattmark.core.serving.figures import DeviceFigures, ServiceFigures, device_figures, figures_by
from wattmark.core.serving.request import Rule
from wattmark.core.serving.window import ServingWindow

MOST_ROWS = 300
"""Models, and parts of them, that are shown of each rule: a document stays near 1 MB and is made at once."""
DETAIL = ("model", "model_version", "tenant", "target")


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineState:
    """One serving engine as the last look at it found it."""

    target: str
    engine: str
    """``vllm``, ``llama.cpp``, ...; empty when it never answered."""
    up: bool
    reason: str = ""
    """Why not."""
    running: float | None = None
    waiting: float | None = None
    kv_cache_usage: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentState:
    """The agent itself."""

    version: str
    started_us: int
    cpu_seconds: float
    resident_bytes: int | None = None
    spool_files: int = 0
    spool_bytes: int = 0
    last_landed_us: int | None = None
    """End of the last window that is in the ledger; None: none is, or there is no ledger."""
    trouble: str = ""
    """Why the ledger does not take what is here, or nothing is measured; empty when all is well."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Live:
    """The last windows of one node."""

    host_id: str
    at_us: int
    start_us: int
    """Of the first of the windows; at_us when there is none yet."""
    end_us: int
    rules: tuple[Rule, ...]
    devices: tuple[DeviceFigures, ...]
    models: tuple[ServiceFigures, ...]
    """Each model as a whole, with the idle energy that it is charged."""
    services: tuple[ServiceFigures, ...]
    """The same divided by release, tenant and target; without idle energy."""
    engines: tuple[EngineState, ...] = ()
    agent: AgentState | None = None
    notes: tuple[str, ...] = ()


def live_of(
    windows: Sequence[ServingWindow],
    *,
    host_id: str,
    at_us: int,
    pue: Figure | Missing,
    intensity: Figure | Missing,
    engines: Sequence[EngineState] = (),
    agent: AgentState | None = None,
) -> Live:
    """The windows of one node as figures. Those of several rules are told apart, the newest rule's first."""
    rules = tuple(dict.fromkeys(window.rule for window in reversed(windows)))
    of_rule = [[window for window in windows if window.rule is rule] for rule in rules]

    def figures(fields: Sequence[str]) -> list[ServiceFigures]:
        made = (figures_by(w, fields, pue=pue, intensity=intensity, most=MOST_ROWS) for w in of_rule)
        return [row for rows in made for row in rows]

    notes = dict.fromkeys(note for window in windows for note in window.notes)
    parts = len({service for window in windows for service in window.services})
    if parts > MOST_ROWS:
        notes[f"{parts} parts of models served: shown are the {MOST_ROWS} with most energy"] = None
    return Live(
        host_id=host_id,
        at_us=at_us,
        start_us=min((w.start_us for w in windows), default=at_us),
        end_us=max((w.end_us for w in windows), default=at_us),
        rules=rules,
        devices=device_figures(windows),
        models=tuple(figures(("model",))),
        services=tuple(figures(DETAIL)),
        engines=tuple(engines),
        agent=agent,
        notes=tuple(notes),
    )
