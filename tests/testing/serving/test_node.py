"""The machine to run an agent on."""

from __future__ import annotations

import threading
from pathlib import Path
from urllib.request import urlopen

from wattmark.testing.serving.node import Node


def test_energy_and_tokens_go_up_as_it_is_told(tmp_path: Path) -> None:
    """Two seconds at 60 W are 120 J; three requests wrote forty tokens."""
    node = Node(tmp_path)
    node.advance(2.0, 3, 10, 40)
    assert (tmp_path / "intel-rapl:0" / "energy_uj").read_text() == "120000000\n"
    url = node.serve()
    try:
        with urlopen(f"{url}/metrics", timeout=5) as answer:
            page = answer.read().decode()
    finally:
        node.close()
    assert 'vllm:generation_tokens_total{engine="0",model_name="chat-8b"} 40.0' in page
    assert 'finished_reason="stop",model_name="chat-8b"} 3.0' in page


def test_the_counter_wraps_as_a_real_one_does(tmp_path: Path) -> None:
    """262 144 J are more than it can hold."""
    node = Node(tmp_path, watts=262_144.0)
    node.advance(1.0)
    assert (tmp_path / "intel-rapl:0" / "energy_uj").read_text() == "671150\n"


def test_it_runs_by_a_clock_until_it_is_stopped(tmp_path: Path) -> None:
    """A clock that jumps a second at each look: the node has served and used energy."""
    now = iter(range(1000))
    node, stop = Node(tmp_path), threading.Event()
    thread = threading.Thread(
        target=node.run, args=(stop,), kwargs={"period": 0.001, "clock": lambda: next(now)}
    )
    thread.start()
    while node.counts["success"] < 4:
        thread.join(0.001)
    stop.set()
    thread.join()
    assert node.joules >= 120.0
    assert node.counts["generation_tokens"] == 200.0 * node.counts["success"]
