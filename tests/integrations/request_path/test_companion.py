"""The thread beside the requests: it asks for figures, and nobody waits for it."""

from __future__ import annotations

import json
import os
import threading
from typing import Any

import pytest

from tests.integrations.request_path.world import Kept
from wattmark.core.errors import EvidenceError
from wattmark.integrations.request_path.companion import BUSY_SECONDS, TICK_SECONDS, Companion, asking

KNOWN = {"status": "known", "value": 10.0, "grade": "B", "terms": {}}
LIVE: dict[str, Any] = {
    "seconds": 60,
    "models": [
        {
            "model": "chat",
            "input_tokens": 1,
            "cached_input_tokens": 0,
            "output_tokens": 1,
            "mean_batch": 0.5,
            "energy": {"attributed": KNOWN},
            "prefill_energy": KNOWN,
            "decode_energy": KNOWN,
            "joules_per_request": {"attributed": KNOWN},
            "grams_per_inference": {"attributed": KNOWN},
        }
    ],
}


class Agent:
    """Answers, or does not, at a time that goes on as we like."""

    def __init__(self) -> None:
        self.now = 0.0
        self.asked = 0
        self.answer: bytes | Exception = json.dumps(LIVE).encode()

    def __call__(self) -> bytes:
        self.asked += 1
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


def a_companion(agent: Agent) -> Companion:
    return Companion(Kept(), agent, 5.0, lambda: agent.now)


def test_figures_are_asked_for_every_few_seconds() -> None:
    """At once, and then after five."""
    agent = Agent()
    companion = a_companion(agent)
    for agent.now in (0.0, 1.0, 4.9, 5.0, 6.0):
        companion.turn()
    assert agent.asked == 2
    assert companion.rates.of_model["chat"].joules == 10.0


@pytest.mark.parametrize(
    "answer",
    [EvidenceError("agent", "is down"), OSError(), b"nothing", b"{}", b"[]", b'{"seconds":1,"models":[{}]}'],
)
def test_an_agent_that_does_not_answer_leaves_no_figures(answer: bytes | Exception) -> None:
    """Nor does one that answers something else; nothing is raised."""
    agent = Agent()
    agent.answer = answer
    companion = a_companion(agent)
    companion.turn()
    assert companion.rates.reason == "no_agent"


def test_figures_grow_old() -> None:
    """For three minutes the last ones hold; then there are none."""
    agent = Agent()
    companion = a_companion(agent)
    companion.turn()
    agent.answer = OSError()
    agent.now = 170.0
    companion.turn()
    assert companion.rates.of_model
    agent.now = 190.0
    companion.turn()
    assert companion.rates.reason == "stale"


def test_lines_that_wait_are_sent_again_soon() -> None:
    """A hundred times a second while an agent is busy, four times otherwise."""

    class Busy(Kept):
        def flush(self) -> bool:
            return False

    assert Companion(Busy(), None, 5.0).turn() == BUSY_SECONDS
    assert Companion(Kept(), None, 5.0).turn() == TICK_SECONDS


def test_its_thread_begins_with_the_first_request_and_once() -> None:
    """A daemon, which keeps no process alive."""
    companion = Companion(Kept(), None, 5.0)
    before = set(threading.enumerate())  # a thread of a test before this one may end meanwhile
    companion.accompany()
    companion.accompany()
    (thread,) = [t for t in threading.enumerate() if t.name == "wattmark-path" and t not in before]
    assert thread.daemon
    companion.stop()
    thread.join(60)
    assert not thread.is_alive()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="nothing forks here")
def test_a_forked_process_has_a_thread_of_its_own() -> None:
    """As the workers of gunicorn need it."""
    companion = Companion(Kept(), None, 5.0)
    companion.accompany()
    child = os.fork()
    if child == 0:
        companion.accompany()
        alive = sum(t.name == "wattmark-path" for t in threading.enumerate())
        os._exit(0 if alive == 1 else 1)
    _, status = os.waitpid(child, 0)
    companion.stop()
    assert os.waitstatus_to_exitcode(status) == 0


def test_nobody_there_is_an_answer_too() -> None:
    """The client of an agent says so with an error that is expected."""
    with pytest.raises(EvidenceError, match="does not answer"):
        asking("http://127.0.0.1:9")()
