"""Models whose requests nobody tells: their energy by what their engines count (Rule.ENGINE).

Between two looks an engine worked on a model when tokens moved, requests ended or some were running; else
the model was idle. What it did then weighs like one request over the whole of that time with all of its
tokens, beside whatever else is active: so a device is shared among models by tokens per second, whether they
are told by request or by counter. A model is told one way or the other, never both at once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from wattmark.core.serving.engine import Counted, EngineDelta, EngineReading, Load
from wattmark.core.serving.request import Request, Rule, Service
from wattmark.core.serving.window import ServingWindow, Work


@dataclass(frozen=True, slots=True, kw_only=True)
class Telling:
    """What an engine did for one model between two looks. Times as of the attribution."""

    service: Service
    start_us: int
    end_us: int
    counted: Counted
    running: float | None = None
    """Requests at a time, on average over the two looks; None: the engine does not tell."""
    over: bool = True
    """Whether a request ended in it: from then on somebody could have told of it."""

    @property
    def active(self) -> bool:
        """Whether the model was worked for at all."""
        counted = self.counted
        moved = (counted.input_tokens, counted.output_tokens, counted.requests, counted.failed)
        return any(moved) or bool(self.running)

    def as_request(self) -> Request:
        """What it weighs: one request over all of that time."""
        counted = self.counted
        given = _whole(counted.input_tokens)
        cached = _whole(counted.cached_input_tokens) or 0
        return Request(
            service=self.service,
            start_us=self.start_us,
            end_us=self.end_us,
            input_tokens=given,
            # Counters are not looked at in one instant: what a cache spared may run ahead of the input.
            cached_input_tokens=min(cached, given) if given is not None else 0,
            output_tokens=_whole(counted.output_tokens),
        )


def tellings(
    delta: EngineDelta, before: EngineReading, after: EngineReading, models: Mapping[str, Service]
) -> tuple[Telling, ...]:
    """What an engine tells of the models that are asked for, by the names that it gives them."""
    return tuple(
        Telling(
            service=models[model],
            start_us=delta.start_us,
            end_us=delta.end_us,
            counted=counted,
            running=_running(before, after, model),
            over=_over(counted, after.load.get(model)),
        )
        for model, counted in sorted(delta.counted.items())
        if model in models
    )


def corrected(window: ServingWindow, told: Sequence[Telling], rule: Rule) -> ServingWindow:
    """The window with the work that engines counted in the place of the requests that stood for it.

    A telling counts in the window in which it ends, as the request did that stood for it. ``rule`` is how the
    node is known, in idle windows too: the idle energy of a model belongs with the energy of its work.
    """
    here = [t for t in told if window.start_us < t.end_us <= window.end_us]
    by_counter = {t.service for t in told if t.end_us > window.start_us and t.start_us < window.end_us}
    if not by_counter:
        return window if rule is window.rule else replace(window, rule=rule)
    works = tuple(_work(work, [t for t in here if t.service == work.service]) for work in window.works)
    note = ""
    if rule is not Rule.ENGINE:
        note = "models whose requests are not told were divided by what their engines counted"
    notes = (*window.notes, note) if note else window.notes
    return replace(window, works=works, rule=rule, notes=notes)


def _work(work: Work, told: Sequence[Telling]) -> Work:
    if not told:
        return work
    seconds = work.request_seconds
    for t in told:
        length = (t.end_us - t.start_us) / 1e6
        known = seconds is not None and t.running is not None
        seconds = max(0.0, (seconds or 0.0) + length * ((t.running or 0.0) - 1)) if known else None
    return replace(
        work,
        requests=max(0.0, work.requests - len(told) + sum(t.counted.requests or 0.0 for t in told)),
        failed=work.failed + sum(t.counted.failed or 0.0 for t in told),
        cached_input_tokens=None
        if any(t.counted.cached_input_tokens is None for t in told)
        else work.cached_input_tokens,
        request_seconds=seconds,
        untold=_untold(told),
    )


def _untold(told: Sequence[Telling]) -> tuple[str, ...]:
    """What the engine does not tell. Counters do not say what failed requests used, only that none failed."""
    requests = [t.counted.requests for t in told]
    failed = [t.counted.failed for t in told]
    unknown = (("requests", None in requests), ("failed", None in failed), ("failed_joules", any(failed)))
    found = tuple(name for name, missing in unknown if missing)
    return (*found, "failed_joules") if None in failed and not any(failed) else found


def _over(counted: Counted, load: Load | None) -> bool:
    """Whether a request ended: it was counted, or nothing runs any more."""
    if counted.requests or counted.failed:
        return True
    running = None if load is None else load.running
    return counted.requests is None if running is None else running == 0


def _running(before: EngineReading, after: EngineReading, model: str) -> float | None:
    loads = [look.load[model].running for look in (before, after) if model in look.load]
    known = [running for running in loads if running is not None]
    return sum(known) / len(known) if known else None


def _whole(amount: float | None) -> int | None:
    return None if amount is None else round(amount)
