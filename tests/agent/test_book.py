"""What an agent makes of readings, requests and counters: each joule and each request once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from tests.agent.ticking import joules, ticking
from tests.core.serving.test_disjoint import device
from wattmark.agent.book import Book, BookSettings
from wattmark.agent.entries import Looked, Ticked, Told
from wattmark.agent.placing import Expected
from wattmark.agent.timeline import Timeline
from wattmark.core.serving.engine import Counted, EngineReading
from wattmark.core.serving.request import Request, Service
from wattmark.core.serving.window import ServingWindow

T0 = 29_833_334 * 60 * 1_000_000
SECOND = 1_000_000


class Node:
    """Devices of 100 W each; engines whose counters a test moves; requests that somebody tells."""

    def __init__(self, engines: Sequence[Expected], gpus: int = 1) -> None:
        devices = [device(f"GPU-{n}", "gpu", source="nvml") for n in range(gpus)]
        settings = BookSettings(host_id="node", boot="boot", engines=tuple(engines))
        self.book = Book(devices, settings, Timeline(T0), T0)
        self._count = gpus
        self._ended: dict[tuple[str, str], int] = {}
        self._told = 0
        self.windows: list[ServingWindow] = []

    def told(self, second: int, model: str, target: str = "") -> None:
        """A request of four seconds that ended a second ago: 10 tokens in, 40 out."""
        end = T0 + (second - 1) * SECOND
        self._told += 1
        request = Request(
            request_id=f"r{self._told}",
            service=Service(model=model, target=target),
            start_us=end - 4 * SECOND,
            end_us=end,
            input_tokens=10,
            output_tokens=40,
        )
        self.book.take(Told([request], []))

    def looked(self, second: int, target: str, models: Mapping[str, bool]) -> None:
        """A look at an engine; model -> whether a request of it ended since the last one."""
        counted = {}
        for model, ended in models.items():
            count = self._ended[target, model] = self._ended.get((target, model), 0) + int(ended)
            counted[model] = Counted(
                requests=float(count), failed=0.0, input_tokens=10.0 * count, output_tokens=40.0 * count
            )
        reading = EngineReading(target=target, engine="vllm", at_us=T0 + second * SECOND, counted=counted)
        self.book.take(Looked(reading))

    def tick(self, second: int) -> None:
        """All devices are read."""
        at = float(second)
        each: list[float | None] = [100.0 * second] * self._count
        self.book.take(Ticked(at, T0 + second * SECOND, each, [at] * self._count, {}))
        self.windows += self.book.due().windows

    def requests(self) -> dict[str, float]:
        """Model -> requests in all windows."""
        found: dict[str, float] = {}
        for work in (work for window in self.windows for work in window.works):
            found[work.service.model] = found.get(work.service.model, 0.0) + work.requests
        return found

    def charged(self) -> dict[tuple[str, str], float]:
        """Model and device -> joules while it was active."""
        found: dict[tuple[str, str], float] = {}
        for share in (share for window in self.windows for share in window.shares):
            key = share.service.model, share.device_id
            found[key] = found.get(key, 0.0) + share.succeeded_joules
        return {key: value for key, value in found.items() if value}

    def whole(self) -> tuple[float, float]:
        """Energy of all devices, and what is charged or nobody's: the same."""
        uses = [use for window in self.windows for use in window.devices]
        shares = [share for window in self.windows for share in window.shares]
        parts = sum(share.service_joules for share in shares) + sum(use.unallocated_joules for use in uses)
        return sum(use.energy_joules for use in uses), parts


@pytest.mark.parametrize("target", ["a", ""])
@pytest.mark.parametrize("name", ["", "m"])
def test_requests_that_are_told_are_not_counted_by_their_engine_too(target: str, name: str) -> None:
    """One every ten seconds, told with its target or without; the engine names its model or none."""
    node = Node([Expected(target="a")])
    for second in range(400):
        if 10 <= second <= 300 and second % 10 == 5:
            node.told(second, "m", target)
        if second % 5 == 0:
            node.looked(second, "a", {name: 10 <= second <= 300 and second % 10 == 5})
        node.tick(second)
    node.windows += node.book.finish().windows
    assert node.requests() == {"m": 29.0}
    energy, parts = node.whole()
    assert energy == pytest.approx(100.0 * 399)
    assert parts == pytest.approx(energy, rel=1e-9)


def test_two_models_that_are_told_and_one_that_is_not_share_a_device() -> None:
    """Each counts once, by request or by counter, and all of them make the device."""
    engines = [Expected(target=name, devices=("gpu",)) for name in ("a", "b", "c")]
    node = Node(engines)
    for second in range(400):
        for target, model in (("a", "m"), ("b", "n"), ("c", "untold")):
            ended = 10 <= second <= 300 and second % 10 == 5
            if ended and model != "untold":
                node.told(second, model, target)
            if second % 5 == 0:
                node.looked(second, target, {model: ended})
        node.tick(second)
    node.windows += node.book.finish().windows
    assert node.requests() == {"m": 29.0, "n": 29.0, "untold": 29.0}
    charged = node.charged()
    assert charged["m", "GPU-0"] == pytest.approx(charged["n", "GPU-0"])
    assert charged["untold", "GPU-0"] > 0
    energy, parts = node.whole()
    assert parts == pytest.approx(energy, rel=1e-9)


def test_a_model_of_two_devices_is_charged_both() -> None:
    """Four of every ten seconds: 29 x 400 J of each GPU, and one request each time, not two."""
    node = Node([Expected(target="a", model="m", devices=("gpu",))], gpus=2)
    for second in range(400):
        if 10 <= second <= 300 and second % 10 == 5:
            node.told(second, "m", "a")
        node.tick(second)
    node.windows += node.book.finish().windows
    assert node.requests() == {"m": 29.0}
    charged = node.charged()
    assert charged == {("m", f"GPU-{n}"): pytest.approx(29 * 400.0) for n in (0, 1)}


def test_a_request_that_is_told_again_counts_once() -> None:
    """Who got no answer tells it again, word for word."""
    node = Node([Expected(target="a")])
    request = Request(
        request_id="r", service=Service(model="m"), start_us=T0 + SECOND, end_us=T0 + 5 * SECOND
    )
    for second in range(100):
        if second in (6, 8):
            node.book.take(Told([request], []))
        node.tick(second)
    assert node.requests() == {"m": 1.0}
    assert node.book.repeated == 1


def test_time_begins_with_the_first_reading() -> None:
    """The agent was ready 0.4 s before its meters had answered: that is no gap in its first window."""
    settings = BookSettings(host_id="node", boot="boot")
    book = Book([device("cpu", "cpu", source="rapl")], settings, Timeline(T0), T0)
    book.fresh = True
    for second in range(100):
        at = second + 0.4
        book.take(Ticked(at, T0 + round(at * 1e6), [100.0 * at], [at], {}))
    (window,) = book.due().windows
    assert window.start_us == T0 + 400_000
    (use,) = window.devices
    assert use.observed_seconds == pytest.approx(59.6)
    assert use.energy_joules == pytest.approx(5960.0)


def test_an_agent_of_a_whole_minute_has_no_gap(tmp_path: Path) -> None:
    """From the first look to the last: 60 s observed of 60."""
    node = ticking(tmp_path)
    node.pass_seconds(75)
    (window,) = node.agent.windows
    assert window.devices[0].observed_seconds == pytest.approx(window.seconds)
    assert joules(node.agent) == pytest.approx(6000.0)
