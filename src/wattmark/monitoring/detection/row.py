"""What one service did in one stretch of time, as the search for regressions looks at it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace

from wattmark.core.serving.request import Service
from wattmark.core.serving.window import DeviceUse, ServingWindow, Share, Work

OBSERVED = 0.95
"""A minute counts when its devices were observed for this share of it."""


@dataclass(frozen=True, slots=True, order=True)
class Key:
    """Whose figure is watched. The release is no part of it: releases are what is held against each other."""

    model: str
    target: str = ""
    tenant: str = ""
    """Empty: all tenants together."""

    def __str__(self) -> str:
        return " ".join(part for part in (self.model or "(no model)", self.target, self.tenant) if part)


@dataclass(frozen=True, slots=True)
class Terms:
    """What must be equal for two figures to be compared."""

    rule: str
    known: tuple[str, ...]
    """``component boundary method grade`` of each kind of device, sorted."""

    def __str__(self) -> str:
        return f"{self.rule}; {', '.join(self.known)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """Amounts of one service in one stretch of time."""

    end: float
    """Unix seconds."""
    seconds: float
    joules: float
    """Energy while its requests were active; idleness is not in it."""
    requests: float
    """Failed ones included."""
    failed: float = 0.0
    input_tokens: float | None = None
    """Those that were computed: without cached ones."""
    output_tokens: float | None = None
    request_seconds: float | None = None
    company: float = 0.0
    """Tokens of other services on the same devices."""
    version: str = ""
    devices: tuple[str, ...] = ()
    terms: Terms

    @property
    def start(self) -> float:
        """Unix seconds."""
        return self.end - self.seconds

    def joined(self, later: Row) -> Row:
        """This stretch and the one right after it. Release, devices and terms are the later one's."""
        return replace(
            later,
            seconds=self.seconds + later.seconds,
            joules=self.joules + later.joules,
            requests=self.requests + later.requests,
            failed=self.failed + later.failed,
            input_tokens=_sum(self.input_tokens, later.input_tokens),
            output_tokens=_sum(self.output_tokens, later.output_tokens),
            request_seconds=_sum(self.request_seconds, later.request_seconds),
            company=self.company + later.company,
        )


@dataclass(frozen=True, slots=True)
class Lost:
    """A minute of a service that tells nothing, and why."""

    end: float
    reason: str


def rows_of(window: ServingWindow, by_tenant: bool = False) -> dict[Key, Row | Lost]:
    """Each model's part in a window, by engine and if asked by tenant."""
    shares: dict[Key, list[Share]] = defaultdict(list)
    works: dict[Key, list[Work]] = defaultdict(list)
    for share in window.shares:
        shares[_key(share.service, by_tenant)].append(share)
    for work in window.works:
        works[_key(work.service, by_tenant)].append(work)
    devices = {device.device_id: device for device in window.devices}
    tokens = {key: _tokens(done) for key, done in works.items()}
    everything = sum(tokens.values())
    return {
        key: _row(window, shares[key], works[key], devices, everything - tokens[key])
        for key in sorted(set(shares) & set(works))
    }


def _key(service: Service, by_tenant: bool) -> Key:
    return Key(service.model, service.target, service.tenant if by_tenant else "")


def _row(
    window: ServingWindow,
    shares: list[Share],
    works: list[Work],
    devices: dict[str, DeviceUse],
    company: float,
) -> Row | Lost:
    end = window.end_us / 1e6
    used = [devices[name] for name in sorted({s.device_id for s in shares if s.requests_joules > 0.0})]
    if gaps := [d.device_id for d in used if d.observed_seconds < OBSERVED * window.seconds]:
        return Lost(end, f"{', '.join(gaps)} was not read all the time")
    if not used:
        away = [
            s.device_id for s in shares if devices[s.device_id].observed_seconds < OBSERVED * window.seconds
        ]
        return Lost(end, f"{', '.join(sorted(set(away)))} was not read" if away else "")
    reads = _total(w.input_tokens for w in works)
    cached = sum(w.cached_input_tokens or 0.0 for w in works)
    requests = {w.service.model_version: w.requests + w.failed for w in works}
    return Row(
        end=end,
        seconds=window.seconds,
        joules=sum(share.requests_joules for share in shares),
        requests=sum(w.requests + w.failed for w in works),
        failed=sum(w.failed for w in works),
        input_tokens=None if reads is None else max(reads - cached, 0.0),
        output_tokens=_total(w.output_tokens for w in works),
        request_seconds=_total(w.request_seconds for w in works),
        company=company,
        version=max(requests, key=lambda version: requests[version]),
        devices=tuple(device.device_id for device in used),
        terms=Terms(
            str(window.rule),
            tuple(sorted({f"{d.component} {d.boundary} {d.method} {d.grade}" for d in used})),
        ),
    )


def _tokens(works: Iterable[Work]) -> float:
    return sum((w.input_tokens or 0.0) + (w.output_tokens or 0.0) for w in works)


def _total(amounts: Iterable[float | None]) -> float | None:
    """Their sum; None when one of them is not known."""
    known = list(amounts)
    return None if any(amount is None for amount in known) else sum(a for a in known if a is not None)


def _sum(one: float | None, other: float | None) -> float | None:
    return None if one is None or other is None else one + other
