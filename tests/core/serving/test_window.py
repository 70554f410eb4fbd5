"""A window of serving adds up."""

from typing import Any

import pytest

from wattmark.core.errors import UsageError
from wattmark.core.known import Grade, Method
from wattmark.core.serving.request import Rule, Service
from wattmark.core.serving.window import DeviceUse, ServingWindow, Share, Work

CHAT, CODE = Service(model="chat"), Service(model="code")


def a_device(energy: float = 100.0, **said: Any) -> DeviceUse:
    told: dict[str, Any] = {"idle_joules": 30.0, "unallocated_joules": 10.0, **said}
    return DeviceUse(
        device_id="gpu:0",
        component="gpu",
        source="nvml",
        method=Method.HARDWARE_COUNTER,
        grade=Grade.B,
        energy_joules=energy,
        observed_seconds=60.0,
        **told,
    )


def a_window(**said: Any) -> ServingWindow:
    shares = (
        Share(service=CODE, device_id="gpu:0", succeeded_joules=20.0),
        Share(service=CHAT, device_id="gpu:0", succeeded_joules=40.0, failed_joules=10.0, idle_joules=20.0),
    )
    told: dict[str, Any] = {"devices": (a_device(),), "shares": shares, **said}
    return ServingWindow(host_id="h", start_us=0, end_us=60_000_000, rule=Rule.TOKENS, **told)


def test_shares_and_what_is_unallocated_make_up_the_device() -> None:
    """40 + 10 + 20 for chat, 20 for code and 10 for nobody are 100 J."""
    window = a_window(works=(Work(service=Service(model="idle"), requests=1.0),))
    assert window.seconds == 60.0
    assert [s.model for s in window.services] == ["chat", "code", "idle"]
    assert window.shares[1].requests_joules == 50.0


def test_a_window_that_loses_energy_is_refused() -> None:
    """The same shares do not make up 101 J."""
    with pytest.raises(UsageError, match="do not make up 101 J"):
        a_window(devices=(a_device(101.0),))


def test_a_share_of_a_device_that_is_not_there_is_refused() -> None:
    """Nothing may be charged of a device whose energy the window does not hold."""
    with pytest.raises(UsageError, match="does not hold: gpu:0"):
        a_window(devices=())


def test_a_window_has_a_length() -> None:
    """A stretch without time has no power."""
    with pytest.raises(UsageError, match="after it starts"):
        ServingWindow(host_id="h", start_us=5, end_us=5, rule=Rule.EQUAL, devices=())
