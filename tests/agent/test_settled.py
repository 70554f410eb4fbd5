"""What single requests used, asked for by their ids and written line by line."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.agent.node import Powercap, request_line, running
from wattmark.agent.settled import NO_TIME, NOT_OBSERVED, TOO_LATE, Settled, settled_of, unsettled
from wattmark.agent.settled_file import SettledFile, append
from wattmark.core.errors import UsageError
from wattmark.core.known import Boundary, Grade, Method
from wattmark.core.serving.attributing import Attributor, Device, Settings
from wattmark.core.serving.cumulative import CarbonRate
from wattmark.core.serving.dividing import Piece
from wattmark.core.serving.request import Request, Service

SECOND = 1_000_000
DAY_US = 1_790_000_000 * SECOND
CHAT = Service(model="chat", tenant="acme")


GPU = Device(
    device_id="d",
    component="gpu",
    source="s",
    method=Method.HARDWARE_COUNTER,
    grade=Grade.B,
    boundary=Boundary.DEVICE,
)


def a_request(number: int = 1, **more: Any) -> Request:
    """4 s, the first of which reads."""
    told: dict[str, Any] = {"start_us": 10 * SECOND, "first_token_us": 11 * SECOND, "end_us": 14 * SECOND}
    told |= {"request_id": f"r{number}", "service": CHAT, "input_tokens": 10, "output_tokens": 30}
    return Request(**(told | more))


def settled(
    *requests: Request,
    watts: float | None = 100.0,
    most: int = 10,
    component: str = "gpu",
    boundary: Boundary = Boundary.DEVICE,
    rates: tuple[CarbonRate, ...] = (),
    file: SettledFile | None = None,
) -> Settled:
    """A minute at so many watts, divided; None: nothing was observed."""
    device = Device(
        device_id="d",
        component=component,
        source="s",
        method=Method.HARDWARE_COUNTER,
        grade=Grade.B,
        boundary=boundary,
    )
    attributor = Attributor("node", [device], start_us=0, settings=Settings(lateness_us=0))
    attributor.reading("d", Piece(0, 60 * SECOND, (watts or 0.0) * 60, observed=watts is not None))
    for request in requests:
        attributor.ended(request)
    batch = attributor.advance(60 * SECOND)
    found = Settled(most, file)
    found.take(batch.requests, batch.windows, lambda window: rates)
    return found


def document(found: Settled, request_id: str = "r1") -> dict[str, Any]:
    raw = found.document(request_id)
    assert raw is not None
    told: dict[str, Any] = json.loads(raw)
    return told


def test_a_settled_request_says_what_it_used_and_how_that_is_known() -> None:
    """4 s alone at 100 W: 400 J, a quarter of it while it read."""
    told = document(settled(a_request()))
    assert (told["schema"], told["schema_version"], told["state"]) == (
        "wattmark.request_energy",
        1,
        "settled",
    )
    assert told["energy_joules"] == pytest.approx(400)
    assert (told["prefill_joules"], told["decode_joules"]) == pytest.approx((100, 300))
    assert (told["model"], told["tenant"], told["target"]) == ("chat", "acme", None)
    assert (told["observed_share"], told["late_seconds"], told["weighed_by_a_mean"]) == (1.0, 0.0, False)
    assert (told["attribution_rule"], told["boundary"], told["grade"]) == ("request_tokens", "device", "B")
    assert told["carbon"] is None
    assert "grid intensity" in told["missing"]


class Looked(tuple[Any, ...]):
    """Shares that count how often they are gone through."""

    times = 0

    def __iter__(self) -> Iterator[Any]:
        Looked.times += 1
        return super().__iter__()


def test_many_tenants_in_one_minute_are_looked_at_together() -> None:
    """Each of 200 tenants finds its own in one look at the minute's shares, not in one of its own."""
    attributor = Attributor("node", [GPU], start_us=0, settings=Settings(lateness_us=0))
    attributor.reading("d", Piece(0, 60 * SECOND, 6000.0))
    for number in range(200):
        attributor.ended(a_request(number, service=Service(model="chat", tenant=f"t{number}")))
    batch = attributor.advance(60 * SECOND)
    (window,) = batch.windows
    found = Settled(1000)
    shares = Looked(window.shares)
    window = replace(window, shares=shares)
    Looked.times = 0
    found.take(batch.requests, [window], lambda _: ())
    assert document(found, "r199")["energy_joules"] == pytest.approx(2)
    assert Looked.times <= 4


def test_the_fields_of_version_1_stay() -> None:
    """Who reads them relies on them; further ones may come."""
    names = "schema schema_version state request_id model model_version tenant target start first_token end"
    names += (
        " input_tokens cached_input_tokens output_tokens failed energy_joules prefill_joules decode_joules"
    )
    names += " observed_share weighed_by_a_mean late_seconds attribution_rule boundary grade carbon"
    rate = CarbonRate(accounting="location", basis="lifecycle", grams_per_kwh=450.0)
    told = document(settled(a_request(), rates=(rate,)))
    assert set(names.split()) <= set(told)
    grams = {"grams", "accounting", "basis", "granularity", "grams_per_kwh", "pue", "boundary"}
    assert grams <= set(told["carbon"][0])
    waits = {"schema", "schema_version", "state", "request_id", "reason", "due"}
    assert waits <= set(json.loads(unsettled("r", "waiting", "why", 1)))


def test_a_flood_that_was_turned_away_takes_next_to_nothing() -> None:
    """Beside one request of 10 tokens a second, a hundred at once that no model saw: below 0.2 % of 400 J."""
    away = [
        a_request(i, first_token_us=None, input_tokens=0, output_tokens=0, failed=True) for i in range(2, 102)
    ]
    found = settled(a_request(first_token_us=None, input_tokens=10), *away, most=200)
    assert document(found)["energy_joules"] > 0.998 * 400


@pytest.mark.parametrize(
    ("request_", "watts", "why"),
    [(a_request(), None, NOT_OBSERVED), (a_request(first_token_us=None, end_us=10 * SECOND), 100, NO_TIME)],
)
def test_what_is_not_known_is_no_zero(request_: Request, watts: float | None, why: str) -> None:
    """A gap has no joules; neither has what took no time."""
    told = document(settled(request_, watts=watts))
    assert (told["energy_joules"], told["prefill_joules"], told["carbon"]) == (None, None, None)
    assert told["missing"] == why


def test_a_request_without_a_first_token_has_no_phases() -> None:
    """Its joules are known, and not which of them read."""
    told = document(settled(a_request(first_token_us=None)))
    assert told["energy_joules"] == pytest.approx(400)
    assert (told["prefill_joules"], told["decode_joules"]) == (None, None)


def test_a_request_that_is_told_too_late_has_no_joules() -> None:
    """Those of its time were charged to others."""
    device = Device(device_id="d", component="gpu", source="s", method=Method.HARDWARE_COUNTER, grade=Grade.A)
    attributor = Attributor("node", [device], start_us=0, settings=Settings(lateness_us=0))
    attributor.reading("d", Piece(0, 120 * SECOND, 120.0))
    first = attributor.advance(60 * SECOND)
    attributor.ended(a_request())
    second = attributor.advance(120 * SECOND)
    found = Settled()
    found.take(second.requests, [*first.windows, *second.windows], lambda window: ())
    told = document(found)
    assert (told["energy_joules"], told["late_seconds"], told["missing"]) == (None, 4.0, TOO_LATE)


@pytest.mark.parametrize(
    ("component", "boundary", "grams", "counts"),
    [("gpu", Boundary.DEVICE, 0.05, "device"), ("node", Boundary.NODE, 0.06, "facility")],
)
def test_carbon_meets_the_pue_at_a_node_alone(
    component: str, boundary: Boundary, grams: float, counts: str
) -> None:
    """400 J are 1/9000 kWh: at 450 g/kWh 0.05 g, with a PUE of 1.2 0.06 g."""
    rate = CarbonRate(accounting="location", basis="lifecycle", grams_per_kwh=450.0, pue=1.2)
    told = document(settled(a_request(), component=component, boundary=boundary, rates=(rate,)))
    (carbon,) = told["carbon"]
    assert carbon["grams"] == pytest.approx(grams)
    assert (carbon["boundary"], carbon["accounting"]) == (counts, "location")
    assert "missing" not in told


def test_only_the_last_ones_are_kept() -> None:
    """Of five two; one without an id cannot be asked for; 0 keeps none."""
    found = settled(*(a_request(i) for i in range(5)), a_request(request_id=""), most=2)
    kept = [i for i in range(5) if found.document(f"r{i}") is not None]
    assert kept == [4]
    assert settled(a_request(), most=0).document("r1") is None


def test_requests_add_up_to_what_their_model_was_charged() -> None:
    """Three at once: 400 J in all."""
    found = settled(*(a_request(i, output_tokens=10 * i) for i in range(1, 4)))
    joules = [document(found, f"r{i}")["energy_joules"] for i in range(1, 4)]
    assert sum(joules) == pytest.approx(400)
    assert joules[0] < joules[1] < joules[2]


# The file


@contextmanager
def a_file(place: Path, **how: Any) -> Iterator[tuple[SettledFile, list[str]]]:
    said: list[str] = []
    file = SettledFile(place, said.append, lambda: DAY_US, **how)
    try:
        yield file, said
    finally:
        file.stop()


def wrote(file: SettledFile, lines: int) -> bool:
    return file.written == lines


def wait_for(there: Callable[[], Any]) -> None:
    until = time.monotonic() + 60
    while not there():
        assert time.monotonic() < until, "it did not come to that"
        time.sleep(0.01)


def test_a_line_of_the_file_is_what_is_answered(tmp_path: Path) -> None:
    """One of each request, also of those without an id, and of more than are kept."""
    with a_file(tmp_path / "s.jsonl") as (file, _):
        found = settled(*(a_request(i) for i in range(5)), a_request(request_id=""), most=2, file=file)
        kept = [d for i in range(5) if (d := found.document(f"r{i}")) is not None]
    lines = (tmp_path / "s.jsonl").read_bytes().splitlines()
    assert len(lines) == file.written == 6
    assert kept
    assert set(kept) < set(lines)


def test_a_folder_has_a_file_by_day_and_size(tmp_path: Path) -> None:
    """A full one is followed by one with a number."""
    with a_file(tmp_path / "settled", most_bytes=10) as (file, _):
        for number in range(3):
            file.put([b'{"a": "0123456789"}'])
            wait_for(partial(wrote, file, number + 1))
    names = sorted(path.name for path in (tmp_path / "settled").iterdir())
    assert names == [f"requests-2026-09-21{part}.jsonl" for part in (".1", ".2", "")]


def test_what_the_disk_refuses_waits_and_is_counted(tmp_path: Path) -> None:
    """A folder stands where the file should be: of four lines two have room. Later the disk takes them."""
    place = tmp_path / "s.jsonl"
    place.mkdir()
    with a_file(place, most_waiting=2) as (file, said):
        file.put([b"1", b"2", b"3", b"4"])
        wait_for(lambda: file.trouble)
        assert (file.waiting, file.lost, file.written) == (2, 2, 0)
        place.rmdir()
    assert place.read_bytes() == b"3\n4\n"
    assert "wait in memory" in said[0]
    assert said[1:] == ["the disk takes settled requests again"]


def test_the_end_says_what_was_not_written(tmp_path: Path) -> None:
    """One line, and why."""
    with a_file(tmp_path) as (file, _):
        file._place = tmp_path / "none" / "s.jsonl"
        file.put([b"1"])
        assert file.stop().startswith("1 settled requests were not written")


def test_half_a_line_of_an_agent_that_was_killed_is_ended(tmp_path: Path) -> None:
    """The next line begins on its own."""
    file = tmp_path / "s.jsonl"
    file.write_bytes(b'{"a": 1}\n{"b"')
    append(file, b'{"c": 3}\n')
    assert file.read_bytes() == b'{"a": 1}\n{"b"\n{"c": 3}\n'


def test_half_a_line_that_a_full_disk_took_is_taken_back() -> None:
    """/dev/full takes nothing."""
    if not Path("/dev/full").exists():
        pytest.skip("no /dev/full here")
    with pytest.raises(OSError, match="No space"):
        append(Path("/dev/full"), b"1\n")


def test_a_place_that_cannot_be_is_refused_at_the_start(tmp_path: Path) -> None:
    """A folder that is not there, a file with another name, a folder that is named like a file."""
    (tmp_path / "x.txt").touch()
    (tmp_path / "y.jsonl").mkdir()
    for place in ("none/s.jsonl", "x.txt", "y.jsonl"):
        with pytest.raises(UsageError, match="settled"):
            settled_of(10, place, tmp_path, print, lambda: 0)
    assert settled_of(10, None, tmp_path, print, lambda: 0).file is None


# The agent


@pytest.mark.slow
@pytest.mark.parametrize(("kept", "state"), [("1", "forgotten"), ("0", "off")])
def test_an_agent_says_why_it_does_not_know(kept: str, state: str, tmp_path: Path) -> None:
    """Of two requests the first made way for the second; or none is kept at all."""
    Powercap(tmp_path / "powercap")
    with running(tmp_path, "ledger=", f"kept={kept}") as agent:
        lines = [request_line(number) for number in (1, 2)]
        lines[1]["end"] += 0.001
        assert agent.post(lines) == 200

        def told() -> Any:
            return json.loads(agent.get("/v1/requests/r1")[1])

        wait_for(lambda: told()["state"] not in ("waiting", "settled"))
        assert told()["state"] == state
        assert told()["reason"]


@pytest.mark.slow
def test_an_agent_that_is_killed_leaves_whole_lines_and_none_out(tmp_path: Path) -> None:
    """Killed with a request that waits for another one: the next agent settles and writes it."""
    Powercap(tmp_path / "powercap")
    place = tmp_path / "settled.jsonl"
    how = (f"settled={place}", "ledger=", "window=2", "horizon=600")
    flying = {"event": "start", "request_id": "flying", "model": "m", "start": time.time()}
    with running(tmp_path, *how) as agent:
        assert agent.post([flying, request_line(1)]) == 200
        agent.process.kill()
        agent.process.wait()
    assert not place.exists() or place.read_text() == ""
    with running(tmp_path, *how) as agent:
        over = [request_line(2), request_line(3, request_id="flying", start=flying["start"])]
        assert agent.post(over) == 200
        wait_for(lambda: agent.get("/v1/requests/r2")[0] == 200)
        assert agent.get("/v1/requests/r1")[0] == 200
        assert agent.end() == 0
    told = [json.loads(line)["request_id"] for line in place.read_text().splitlines()]
    assert sorted(told) == ["flying", "r1", "r2"]


@pytest.mark.slow
def test_an_agent_tells_what_a_request_used_and_when_it_will(tmp_path: Path) -> None:
    """In flight, waiting, settled, unknown: each with its words; a line for it on the disk.

    Nothing settles while the one in flight is waited for, however long this test takes.
    """
    power = Powercap(tmp_path / "powercap")
    lines = tmp_path / "settled.jsonl"
    with running(tmp_path, "ledger=", f"settled={lines}", "window=2", "horizon=600", "patience=60") as agent:
        begun = {"event": "start", "request_id": "flying", "model": "m", "start": time.time()}
        assert agent.post([begun]) == 200

        def asked(request_id: str) -> tuple[int, dict[str, Any]]:
            status, text = agent.get(f"/v1/requests/{request_id}")
            return status, json.loads(text)

        status, told = asked("flying")
        assert (status, told["state"]) == (404, "in_flight")
        assert told["due"] > begun["start"]
        status, told = asked("never")
        assert (status, told["state"], told["due"]) == (404, "unknown", None)
        over = request_line(1, request_id="gateway/1 ü")
        assert agent.post([over]) == 200
        status, told = asked("gateway%2F1%20%C3%BC")
        assert (status, told["state"]) == (404, "waiting")
        assert told["due"] >= over["end"]
        power.use(5_000_000)
        assert agent.post([request_line(2, request_id="flying", start=begun["start"])]) == 200

        def settled_while_read() -> bool:
            power.use(1_000_000)  # a counter that stands still is waited for: as long as the agent is patient
            return asked("gateway%2F1%20%C3%BC")[0] == 200

        wait_for(settled_while_read)
        told = asked("gateway%2F1%20%C3%BC")[1]
        assert told["energy_joules"] > 0
        assert agent.get("/v1/requests/")[0] == 400
        assert agent.end() == 0
    written = [json.loads(line) for line in lines.read_text().splitlines()]
    assert told in written
    assert {line["request_id"] for line in written} == {"gateway/1 ü", "flying"}


def test_the_query_of_the_page_reads_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As it stands there; lines that were written twice count once: two requests of 400 J, 60 tokens."""
    duckdb = pytest.importorskip("duckdb", reason="DuckDB is not installed")
    page = (Path(__file__).parents[2] / "docs" / "agent" / "index.md").read_text()
    query = page.partition("```sql\n")[2].partition("```")[0]
    apart = a_request(2, start_us=20 * SECOND, first_token_us=21 * SECOND, end_us=24 * SECOND)
    with a_file(tmp_path / "settled") as (file, _):
        settled(
            a_request(),
            apart,
            a_request(3, start_us=10 * SECOND, end_us=10 * SECOND, first_token_us=None),
            file=file,
        )
    with a_file(tmp_path / "settled") as (file, _):
        settled(a_request(), file=file)
    monkeypatch.chdir(tmp_path)
    ((model, tenant, rule, boundary, grade, requests, joules, per_token),) = duckdb.sql(query).fetchall()
    assert (model, tenant, rule, boundary, grade) == ("chat", "acme", "request_tokens", "device", "B")
    assert requests == 2
    assert (joules, per_token) == pytest.approx((400, 800 / 60))
