"""What a server of metrics knows of its agents."""

import json
from collections.abc import Iterator

import pytest

from tests.agent.live_server import a_document, answering
from wattmark.core.errors import EvidenceError, UsageError
from wattmark.core.figure import Missing
from wattmark.core.serving.scaling import Told
from wattmark.reports.live_read import LiveDocument, read_live
from wattmark.server.fleet import Agents, Fleet, Seen, agents_of, answer, name_of


class Scripted:
    """An agent that says one thing after the other."""

    def __init__(self, *said: str | EvidenceError) -> None:
        self._said: Iterator[str | EvidenceError] = iter(said)

    def live(self, seconds: float | None = None) -> LiveDocument:
        said = next(self._said)
        if isinstance(said, EvidenceError):
            raise said
        return read_live(said.encode(), "here")


GONE = EvidenceError("http://b:1", "does not answer")


def a_fleet(agents: dict[str, Scripted], now: float = 1000.0) -> Fleet:
    return Fleet(Agents(tuple(agents)), ask=agents.__getitem__, now=lambda: now)


def test_loads_of_all_agents() -> None:
    """Busy half of the minute, 1000 J for 80 tokens; the second agent is as the first."""
    fleet = a_fleet({"http://a:1": Scripted(a_document()), "http://b:1": Scripted(a_document())})
    seen = fleet.look()
    assert [load.name for load in seen.loads] == ["a", "b"]
    assert answer(seen, "wattmark-utilisation", "chat", "") == Told(0.5, 60.0)
    assert answer(seen, "wattmark-busy-devices", "chat", "") == Told(1.0, 60.0)
    assert answer(seen, "wattmark-joules-per-output-token", "chat", "") == Told(12.5, 60.0)
    assert seen.loads[0].devices[0].idle_watts == pytest.approx(200 / 60)


def test_a_sum_needs_every_agent_and_a_ratio_those_that_answer() -> None:
    """With one of two agents silent, half of the busy devices would be a reason to scale down."""
    fleet = a_fleet({"http://a:1": Scripted(a_document()), "http://b:1": Scripted(GONE)})
    seen = fleet.look()
    assert answer(seen, "wattmark-utilisation", "chat", "") == Told(0.5, 60.0)
    assert answer(seen, "wattmark-busy-devices", "chat", "") == Missing(
        "1 of the agents", "http://b:1: does not answer"
    )


def test_nobody_answers() -> None:
    """Then there is no ratio either."""
    seen = a_fleet({"http://b:1": Scripted(GONE)}).look()
    assert isinstance(answer(seen, "wattmark-utilisation", "", ""), Missing)


def test_an_agent_whose_loop_stands_shows_what_was() -> None:
    """Its last minute ended ten minutes before it answered: that is no load of now."""
    told = json.loads(a_document())
    stale = json.dumps({**told, "at": "1970-01-01T00:11:00.000Z"})
    seen = a_fleet({"http://a:1": Scripted(stale)}).look()
    assert seen.unanswered == {"http://a:1": "its last minute ended 600 s ago"}


def test_an_engine_that_is_down_leaves_its_requests_unknown() -> None:
    """One of two engines does not tell what it holds: their sum is not known."""
    seen = a_fleet({"http://a:1": Scripted(a_document())}).look()
    assert seen.loads[0].in_engines is None


def test_a_look_grows_old() -> None:
    """A server that could not ask for three intervals tells nothing."""
    clock = [1000.0]
    fleet = Fleet(Agents(("http://a:1",)), ask=lambda _: Scripted(a_document()), now=lambda: clock[0])
    assert fleet.look().loads
    clock[0] += 46.0
    assert fleet.seen.unanswered == {"this server": "the agents were last asked 46 s ago"}


def test_a_name_stands_for_as_many_agents_as_it_has_addresses() -> None:
    """Each address of a headless service is asked at the service's port."""
    with answering((200, a_document())) as url:
        port = url.rpartition(":")[2]
        fleet = Fleet(agents_of((), (f"localhost:{port}",)))
        seen = fleet.look()
    assert "127.0.0.1" in [load.name for load in seen.loads]


def test_a_name_that_nobody_knows() -> None:
    """The look fails with the name in it, and is tried again later."""
    seen = Fleet(Agents(names=("no-such-host.invalid:9465",))).look()
    assert "cannot be looked up" in seen.unanswered["no-such-host.invalid:9465"]


@pytest.mark.parametrize(("urls", "names"), [((), ()), ((), ("host",)), ((), ("host:0",)), (("host:1",), ())])
def test_where_the_agents_are_must_be_said(urls: tuple[str, ...], names: tuple[str, ...]) -> None:
    """Nothing, a name without a port, an address without a scheme."""
    with pytest.raises(UsageError):
        agents_of(urls, names)


def test_names_of_nodes() -> None:
    """The host of the address."""
    assert [name_of(u) for u in ("http://n1:9465", "http://[::1]:9465", "odd")] == ["n1", "::1", "odd"]


def test_it_looks_again_and_again() -> None:
    """The thread asks every interval and ends when it is told."""
    with answering((200, a_document(0)), (200, a_document(1))) as url:
        fleet = Fleet(Agents((url,)), every_seconds=0.05)
        fleet.start()
        first = fleet.seen.at
        while fleet.seen.at == first:
            pass
        fleet.stop()
    assert isinstance(fleet.seen, Seen)
