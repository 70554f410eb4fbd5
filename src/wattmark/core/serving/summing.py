"""What requests and services add up to: in all their time, and in one window."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field

from wattmark.core.serving.dividing import Part
from wattmark.core.serving.placing import Places
from wattmark.core.serving.request import Phase, Request, Rule, Service
from wattmark.core.serving.window import Share, Work


@dataclass(slots=True)
class RequestEnergy:
    """What one request used of all its devices."""

    service: Service
    start_us: int
    request: Request | None = None
    """None while it is in flight."""
    joules: float = 0.0
    prefill_joules: float = 0.0
    decode_joules: float = 0.0
    """What is in neither phase passed while it was not known which one it was."""
    late_us: int = 0
    """How much of its time was divided before anybody told of it: its energy of that time is elsewhere."""
    cut_us: int = 0
    """How much of its time was divided while it was in flight, by the mean of its service."""
    estimated: bool = False
    """It does not tell what it is weighed by, at least for a part of its time: a mean stands in."""
    _observed_us: int = 0
    _passed_us: int = 0

    @property
    def observed_share(self) -> float | None:
        """How much of its time on its devices was observed; None when it had none."""
        return self._observed_us / self._passed_us if self._passed_us else None

    def observe(self, observed_us: int, passed_us: int) -> None:
        """Take in how much of its time on a device was observed."""
        self._observed_us += observed_us
        self._passed_us += passed_us


@dataclass(slots=True)
class _Charged:
    """Joules of one service on one device."""

    succeeded: float = 0.0
    failed: float = 0.0
    idle: float = 0.0
    prefill: float = 0.0
    decode: float = 0.0
    by_rule: list[float] = field(default_factory=list)


@dataclass(slots=True)
class _Done:
    """What one service did."""

    requests: int = 0
    failed: int = 0
    input_tokens: int | None = 0
    cached_input_tokens: int | None = 0
    output_tokens: int | None = 0
    active_us: int = 0


class WindowSums:
    """Gathers one window: shares by service and device, works by service."""

    def __init__(self, places: Places, rules: tuple[Rule, ...], start_us: int, end_us: int) -> None:
        self.start_us = start_us
        self.end_us = end_us
        self._places = places
        self._rules = rules
        self._charged: dict[tuple[Service, str], _Charged] = defaultdict(_Charged)
        self._done: dict[Service, _Done] = defaultdict(_Done)
        self._homeless: set[str] = set()

    def active(self, energy: RequestEnergy, part: Part) -> None:
        """A request was active in a part of the window."""
        self._done[energy.service].active_us += part.end_us - part.start_us
        self._places.ran(energy.service, part.end_us)
        if not self._places.devices_of(energy.service):
            self._homeless.add(energy.service.model or "requests of an unknown model")

    def add(self, energy: RequestEnergy, device_id: str, phase: Phase, joules: tuple[float, ...]) -> None:
        """A request used so much of a device: by the rule in force, then by the others."""
        charged = self._charged[energy.service, device_id]
        used = joules[0]
        if energy.request is not None and energy.request.failed:
            charged.failed += used
        else:
            charged.succeeded += used
        energy.joules += used
        if phase is Phase.PREFILL:
            charged.prefill += used
            energy.prefill_joules += used
        elif phase is Phase.DECODE:
            charged.decode += used
            energy.decode_joules += used
        charged.by_rule = charged.by_rule or [0.0] * len(self._rules)
        for i, by_rule in enumerate(joules):
            charged.by_rule[i] += by_rule

    def charge_idle(self, device_id: str, idle_joules: float) -> float:
        """Charge the idle energy of a device to those who reserve it; what is left is charged to nobody."""
        left = 1.0
        for service, share in self._places.idle_of(device_id, self.end_us):
            self._charged[service, device_id].idle += idle_joules * share
            left -= share
        return idle_joules * max(0.0, left)

    def count(self, request: Request) -> None:
        """A request ended. One that failed and does not tell its tokens hides none of the others'."""
        done = self._done[request.service]
        if request.failed:
            done.failed += 1
        else:
            done.requests += 1
        told = request.input_tokens is not None
        cached = request.cached_input_tokens if told else None
        done.input_tokens = _plus(done.input_tokens, request.input_tokens, request.failed)
        done.cached_input_tokens = _plus(done.cached_input_tokens, cached, request.failed)
        done.output_tokens = _plus(done.output_tokens, request.output_tokens, request.failed)

    def shares(self) -> tuple[Share, ...]:
        """Who is charged what of which device, in a fixed order."""
        return tuple(
            Share(
                service=service,
                device_id=device_id,
                succeeded_joules=charged.succeeded,
                failed_joules=charged.failed,
                idle_joules=charged.idle,
                prefill_joules=charged.prefill,
                decode_joules=charged.decode,
                rule_error_joules=max((abs(j - charged.by_rule[0]) for j in charged.by_rule), default=0.0),
            )
            for (service, device_id), charged in sorted(
                self._charged.items(), key=lambda item: (_order(item[0][0]), item[0][1])
            )
        )

    def works(self) -> tuple[Work, ...]:
        """What each service did, in a fixed order."""
        return tuple(
            Work(
                service=service,
                requests=done.requests,
                failed=done.failed,
                input_tokens=done.input_tokens,
                cached_input_tokens=done.cached_input_tokens,
                output_tokens=done.output_tokens,
                request_seconds=done.active_us / 1e6,
            )
            for service, done in sorted(self._done.items(), key=lambda item: _order(item[0]))
        )

    def notes(self) -> tuple[str, ...]:
        """What a reader must know of this window."""
        return tuple(
            f"{name}: no device is known to run it; state a placement" for name in sorted(self._homeless)
        )


def _plus(total: int | None, amount: int | None, failed: bool) -> int | None:
    if amount is None:
        return total if failed else None
    return None if total is None else total + amount


def _order(service: Service) -> tuple[str, str, str, str]:
    return (service.model, service.model_version, service.tenant, service.target)
