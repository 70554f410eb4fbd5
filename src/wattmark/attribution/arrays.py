"""Requests and power from plain arrays: what :func:`wattmark.attribute` takes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from wattmark.attribution.columns import UNKNOWN, Ints, Longs, RequestColumns
from wattmark.attribution.power.series import Kind, PowerSeries
from wattmark.core.errors import UsageError
from wattmark.core.known import GRADE_OF_METHOD, Method
from wattmark.core.serving.request import Placement, Service

NAMES = ("model", "model_version", "tenant", "target")
AMOUNTS = ("input_tokens", "cached_input_tokens", "output_tokens", "weight")
TIMES = ("start", "end", "first_token")


def placements_of(place: Mapping[str, Sequence[str]]) -> tuple[Placement, ...]:
    """Devices by model as placements: a model alone on its devices reserves them, of several none does."""
    users: dict[str, int] = {}
    for devices in place.values():
        for device in dict.fromkeys(devices):
            users[device] = users.get(device, 0) + 1
    return tuple(
        Placement(
            model=model,
            devices=tuple(devices),
            reserved=1.0 if all(users[device] == 1 for device in devices) else 0.0,
        )
        for model, devices in place.items()
    )


def columns_of(arrays: Mapping[str, Any]) -> RequestColumns:
    """Requests from arrays by name. Raises UsageError for unknown names and lengths that differ."""
    known = {*NAMES, *AMOUNTS, *TIMES, "failed", *(f"{name}_us" for name in TIMES)}
    if stray := [name for name in arrays if name not in known]:
        raise UsageError(f"requests have no column {stray[0]!r}; they have {', '.join(sorted(known))}")
    start = _times(arrays, "start")
    if start is None or (end := _times(arrays, "end")) is None:
        raise UsageError("requests need the columns start and end")
    n = len(start)
    first = _times(arrays, "first_token")
    given, cached, written, weight = (_amounts(arrays, name, n) for name in AMOUNTS)
    services, index = _services(arrays, n)
    return RequestColumns(
        start_us=start,
        end_us=end,
        first_token_us=np.full(n, UNKNOWN, np.int64) if first is None else first,
        failed=np.asarray(arrays.get("failed", np.zeros(n)), np.bool_),
        service=index,
        services=services,
        input_tokens=given,
        cached_input_tokens=cached,
        output_tokens=written,
        weight=weight,
    )


def series_of(device_id: str, arrays: Mapping[str, Any]) -> PowerSeries:
    """The power of one device from arrays. Raises UsageError, naming the device."""
    if stray := [name for name in arrays if name not in ("time", "time_us", "watts", "joules", "observed")]:
        raise UsageError(f"{device_id}: power has no column {stray[0]!r}; time, watts or joules, observed")
    times = _times(arrays, "time")
    if times is None or ("watts" in arrays) == ("joules" in arrays):
        raise UsageError(f"{device_id}: power is told by time and either watts or joules")
    observed = np.asarray(arrays.get("observed", np.ones(max(0, len(times) - 1))), np.bool_)
    counted = "joules" in arrays
    told = np.asarray(arrays["joules" if counted else "watts"], np.float64)
    if counted:
        joules, watts = told - told[:1].sum(), np.empty(0)
    else:
        if len(told) != len(times) or len(observed) != len(times) - 1 or bool((told < 0).any()):
            raise UsageError(f"{device_id}: watts are one number from 0 on for each time, observed one less")
        steps = np.where(observed, (told[1:] + told[:-1]) / 2 * np.diff(times) * 1e-6, 0.0)
        joules, watts = np.concatenate(([0.0], np.cumsum(steps))), told
    method = Method.HARDWARE_COUNTER if counted else Method.INTEGRATED_POWER
    return PowerSeries(
        device_id=device_id,
        component=device_id.partition(":")[0],
        source="arrays",
        kind=Kind.COUNTER if counted else Kind.SAMPLED,
        method=method,
        grade=GRADE_OF_METHOD[method],
        times_us=times,
        joules=joules,
        observed=observed,
        watts=watts,
    )


def all_series(power: Iterable[PowerSeries] | Mapping[str, Mapping[str, Any]]) -> tuple[PowerSeries, ...]:
    """Power in either form."""
    if isinstance(power, Mapping):
        return tuple(series_of(device_id, arrays) for device_id, arrays in power.items())
    return tuple(power)


def _times(arrays: Mapping[str, Any], name: str) -> Longs | None:
    """A column of times in microseconds; None when it is not there. UNKNOWN, NaN and NaT: not known."""
    if f"{name}_us" in arrays:
        return _whole(arrays[f"{name}_us"], f"{name}_us")
    if name not in arrays:
        return None
    given = np.asarray(arrays[name])
    if np.issubdtype(given.dtype, np.datetime64):
        us = given.astype("datetime64[us]").astype(np.int64)
        return np.where(np.isnat(given), UNKNOWN, us)
    seconds = given.astype(np.float64)
    unknown = np.isnan(seconds) | (seconds == UNKNOWN)
    return np.where(unknown, UNKNOWN, np.rint(np.where(unknown, 0, seconds) * 1e6)).astype(np.int64)


def _amounts(arrays: Mapping[str, Any], name: str, length: int) -> Longs:
    if name not in arrays:
        return np.full(length, 0 if name.startswith("cached") else UNKNOWN, np.int64)
    return _whole(arrays[name], name)


def _whole(given: Any, name: str) -> Longs:
    """Whole numbers. Floats are refused: their sums do not return to 0, and idle energy would be work."""
    array = np.asarray(given)
    if array.size and not np.issubdtype(array.dtype, np.integer):
        raise UsageError(
            f"{name} are whole numbers, not {array.dtype}: scale them first, and write -1 for unknown"
        )
    return array.astype(np.int64)


def _services(arrays: Mapping[str, Any], length: int) -> tuple[tuple[Service, ...], Ints]:
    """Who each request is of, from up to four columns of names."""
    services: tuple[Service, ...] = (Service(),)
    index = np.zeros(length, np.int64)
    for name in NAMES:
        if name not in arrays:
            continue
        values, which = np.unique(np.asarray(arrays[name], np.str_), return_inverse=True)
        if which.shape != (length,):
            raise UsageError(f"the column {name} has {len(which)} rows, and start has {length}")
        both, index = np.unique(index * len(values) + which, return_inverse=True)
        said = [(services[b // len(values)], str(values[b % len(values)])) for b in both.tolist()]
        services = tuple(_named(service, name, value) for service, value in said)
    return services, index.astype(np.int32)


def _named(service: Service, name: str, value: str) -> Service:
    told = {each: getattr(service, each) for each in NAMES}
    return Service(**{**told, name: value})
