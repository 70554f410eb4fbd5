"""What an agent shows, as the load that autoscalers are told of."""

from __future__ import annotations

from wattmark.core.serving.scaling import DeviceLoad, ModelLoad, NodeLoad
from wattmark.reports.live_read import LiveDevice, LiveDocument, LiveService


def load_of(live: LiveDocument, name: str) -> NodeLoad:
    """One node's load over the window of the document. ``name``: of the node, as the cluster calls it."""
    held = [(engine.running, engine.waiting) for engine in live.engines]
    known = bool(held) and all(e.up for e in live.engines) and all(None not in pair for pair in held)
    return NodeLoad(
        name=name,
        seconds=live.seconds,
        devices=tuple(_device(device, live.seconds) for device in live.devices),
        models=tuple(_model(model) for model in live.models),
        in_engines=sum((r or 0.0) + (w or 0.0) for r, w in held) if known else None,
    )


def _device(device: LiveDevice, seconds: float) -> DeviceLoad:
    idle, energy = device.idle_share.known, device.energy.known
    return DeviceLoad(
        device_id=device.device_id,
        component=device.component,
        utilisation=device.utilisation,
        signal=device.utilisation_signal,
        idle_watts=None if idle is None or energy is None or seconds <= 0 else idle * energy / seconds,
        power_watts=device.power_watts,
        coverage=device.coverage,
    )


def _model(model: LiveService) -> ModelLoad:
    energy = model.energy.service
    return ModelLoad(
        model=model.model,
        requests=model.requests,
        output_tokens=model.output_tokens,
        joules=energy.known,
        terms=energy.terms,
    )
