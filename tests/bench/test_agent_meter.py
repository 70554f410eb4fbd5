"""An agent on another machine as a meter."""

from __future__ import annotations

import json

import pytest

from tests.agent.live_server import a_document, answering
from wattmark.agent.client import AgentClient
from wattmark.bench.agent_meter import AgentMeter
from wattmark.core.errors import MeterUnavailable
from wattmark.core.known import Grade, Method
from wattmark.core.readings import Gap, PowerReading


def told(**changes: object) -> str:
    """The document of an agent, its devices changed."""
    document = json.loads(a_document())
    document["devices"] = [{**device, **changes} for device in document["devices"]]
    return json.dumps(document)


def test_power_is_that_of_one_period_ago() -> None:
    """At 100 s of our clock the agent shows 250 W: they were drawn at 99 s."""
    with answering((200, told(power_watts=250.0, grade="B", method="hardware_counter"))) as url:
        meter = AgentMeter(AgentClient(url, 60.0), lambda: 100.0)
        read = meter.read()
        meter.close()
    assert meter.devices
    assert set(read) == {d.id for d in meter.devices}
    for device in meter.devices:
        reading = read[device.id]
        assert isinstance(reading, PowerReading)
        assert (reading.power.watts, reading.at) == (250.0, 99.0)
        assert device.method is Method.INTEGRATED_POWER
        assert device.grade is Grade.C


def test_a_modelled_device_stays_modelled() -> None:
    """What the agent only estimates is no measurement here."""
    with answering((200, told(power_watts=250.0, grade="D", method="modelled"))) as url:
        (device, *_) = AgentMeter(AgentClient(url, 60.0), lambda: 0.0).devices
    assert (device.method, device.grade) == (Method.MODELLED, Grade.D)


def test_what_the_agent_does_not_show_is_a_gap() -> None:
    well, bad = told(power_watts=1.0), told(power_watts=None)
    with answering((200, well), (200, bad), (500, "down")) as url:
        meter = AgentMeter(AgentClient(url, 60.0), lambda: 0.0)
        for reason in ("the agent shows no power of it", "answers 500"):
            for reading in meter.read().values():
                assert isinstance(reading, Gap)
                assert reason in reading.reason


def test_an_agent_without_devices_is_no_meter() -> None:
    document = json.loads(a_document())
    document["devices"] = []
    with answering((200, json.dumps(document))) as url, pytest.raises(MeterUnavailable, match="no device"):
        AgentMeter(AgentClient(url, 60.0), lambda: 0.0)
    with pytest.raises(MeterUnavailable, match="does not answer"):
        AgentMeter(AgentClient("http://127.0.0.1:9"), lambda: 0.0)
