"""OTLP over HTTP: what is answered, and that nothing is acknowledged that could be lost."""

from __future__ import annotations

import asyncio
import gzip
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceResponse

from tests.server.world import PROTOBUF, Answer, Ledger, World, look, run, running, until
from tests.sources.otlp_messages import as_json, counter, gauge, number, request
from wattmark.core.errors import LedgerError
from wattmark.core.run import Subject
from wattmark.server.listen import MOST_HELD, App
from wattmark.sources.catalog import Asked
from wattmark.sources.otlp_names import Naming

JSON = "application/json"
resource = pytest.importorskip("resource", reason="files cannot be limited here")


def response(answer: Answer) -> ExportMetricsServiceResponse:
    """The answer as OpenTelemetry's own classes read it."""
    return ExportMetricsServiceResponse.FromString(answer.body)


def test_points_are_acknowledged_and_land_in_the_ledger(tmp_path: Path) -> None:
    """Two looks at a counter, in two requests: one interval of 50 J, and the one from its start."""

    async def play() -> World:
        async with running(tmp_path) as world:
            for second, joules in ((10, 100.0), (20, 150.0)):
                answer = await world.post(look(second, joules))
                assert (answer.status, answer.headers["content-type"]) == (200, PROTOBUF)
                assert response(answer) == ExportMetricsServiceResponse()
            return world

    world = run(play)
    assert world.ledger.joules == 150
    assert [list(s.energy_uj) for parts in world.ledger.landed for s in parts] == [[100_000_000, 50_000_000]]


@pytest.mark.parametrize("packed", [False, True])
def test_json_and_gzip_are_taken(tmp_path: Path, packed: bool) -> None:
    """As exporters send them, whole or in pieces."""

    async def play() -> World:
        async with running(tmp_path) as world:
            body = as_json(look(10, 100.0))
            headers = {"content_encoding": "gzip"} if packed else {}
            data = gzip.compress(body[:50]) + gzip.compress(body[50:]) if packed else body
            answer = await world.post(data, f"{JSON}; charset=utf-8", chunk=7, **headers)
            assert (answer.status, answer.body) == (200, b"{}")
            return world

    assert run(play).ledger.joules == 100


def test_refused_points_are_told_and_the_others_kept(tmp_path: Path) -> None:
    """partial_success: how many, and why; in the form of the request."""
    bad = gauge("hw.power", [number(1.0, 10), number(2.0, 20)], "horse")
    message = request(counter("hw.energy", [number(100.0, 10)]), bad)

    async def play() -> World:
        async with running(tmp_path) as world:
            partial = response(await world.post(message)).partial_success
            assert partial.rejected_data_points == 2
            assert partial.error_message == "2 x hw.power has the unit 'horse': send it in W"
            told = json.loads((await world.post(as_json(message), JSON)).body)["partialSuccess"]
            assert told == {"rejectedDataPoints": "2", "errorMessage": partial.error_message}
            return world

    world = run(play)
    assert world.ledger.joules == 100
    assert [s for s in world.said if "horse" in s] == [
        "left out: hw.power has the unit 'horse': send it in W"
    ], "the operator is told once"


def test_points_of_other_metrics_are_no_trouble_of_the_sender(tmp_path: Path) -> None:
    """A Collector sends all it has; what is none of ours is counted, and not complained about."""

    async def play() -> None:
        async with running(tmp_path) as world:
            answer = await world.post(request(gauge("system.cpu.load", [number(1.0, 10)])))
            assert (answer.status, answer.body) == (200, b"")
            assert "points_ignored_total 1\n" in (await world.get("/metrics")).body.decode()

    run(play)


def test_tags_that_a_ledger_refuses_are_refused_at_the_door(tmp_path: Path) -> None:
    """With the ledger's own words."""

    def verdict(subject: Subject) -> str:
        return "" if subject.team else "team is missing: state it"

    async def play() -> World:
        naming = Naming(asked=Asked(), from_start=True, refusal=verdict)
        async with running(tmp_path, naming=naming) as world:
            partial = response(await world.post(look(10, 100.0))).partial_success
            assert partial.error_message == "1 x hw.energy: team is missing: state it"
            await world.post(look(10, 70.0, **{"wattmark.team": "search"}))
            return world

    assert run(play).ledger.joules == 70


@pytest.mark.parametrize(
    ("body", "kind", "headers", "status", "reason"),
    [
        (b"\x0a\x05", PROTOBUF, {}, 400, "byte 2: 5 bytes are announced and 0 are there"),
        (b'{"resourceMetrics": 1}', JSON, {}, 400, "Expected `array | null`"),
        (b"not packed", PROTOBUF, {"content_encoding": "gzip"}, 400, "the body is not gzip"),
        (gzip.compress(b"x")[:-4], PROTOBUF, {"content_encoding": "gzip"}, 400, "does not end"),
        (b"", PROTOBUF, {"content_encoding": "br"}, 415, "content encoding 'br' is not taken"),
        (b"", "text/plain", {}, 415, "content type 'text/plain' is not taken"),
        (b"", "", {}, 415, "send application/x-protobuf or application/json"),
        (b"x" * 1001, PROTOBUF, {}, 413, "more than 1000 bytes"),
        (b"", PROTOBUF, {"content_length": "1001"}, 413, "more than 1000 bytes"),
        (gzip.compress(b"x" * 1001), PROTOBUF, {"content_encoding": "gzip"}, 413, "more than 1000 bytes"),
    ],
)
def test_what_will_never_be_taken_is_refused_with_a_status(
    tmp_path: Path, body: bytes, kind: str, headers: dict[str, str], status: int, reason: str
) -> None:
    """A google.rpc.Status whose message names what is wrong."""

    async def play() -> Answer:
        async with running(tmp_path, app={"most_body": 1000}) as world:
            answer: Answer = await world.post(body, kind, chunk=100, **headers)
            assert world.listener.tally.requests == {status: 1}
            return answer

    answer = run(play)
    assert answer.status == status
    if kind == PROTOBUF:
        told = pytest.importorskip("google.rpc.status_pb2").Status.FromString(answer.body)
        assert (told.code, reason in told.message) == (3, True)
    else:
        assert reason in json.loads(answer.body)["message"]


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("POST", "/v1/traces", 404),
        ("GET", "/v1/metrics", 405),
        ("POST", "/metrics", 405),
        ("POST", "/healthz", 405),
        ("GET", "/", 404),
    ],
)
def test_other_paths_and_methods_are_not_there(tmp_path: Path, method: str, path: str, status: int) -> None:
    """404 names the right path, 405 the right method."""

    async def play() -> Answer:
        async with running(tmp_path) as world:
            return await world.post(b"", path=path) if method == "POST" else await world.get(path)  # type: ignore[no-any-return]

    answer = run(play)
    assert answer.status == status
    assert (b"/v1/metrics" if status == 404 else b"use ") in answer.body


def test_a_token_is_asked_for(tmp_path: Path) -> None:
    """For points and for /metrics; whether all is well may be asked by anybody."""

    async def play() -> None:
        async with running(tmp_path, app={"token": "s3cret"}) as world:
            for header in ({}, {"authorization": "Bearer wrong"}, {"authorization": "Basic s3cret"}):
                answer = await world.post(look(10, 1.0), **header)
                assert (answer.status, answer.headers["www-authenticate"]) == (401, "Bearer")
            assert (await world.get("/metrics")).status == 401
            assert (await world.get("/healthz")).status == 200
            right = {"authorization": "bearer s3cret"}
            assert (await world.post(look(10, 1.0), **right)).status == 200
            assert (await world.get("/metrics", **right)).status == 200

    run(play)


def test_a_sender_that_goes_away_leaves_nothing(tmp_path: Path) -> None:
    """Half a body is no request."""

    async def play() -> World:
        async with running(tmp_path) as world:
            body = look(10, 100.0).SerializeToString()
            waiting = [
                {"type": "http.request", "body": body[:20], "more_body": True},
                {"type": "http.disconnect"},
            ]
            sent: list[dict[str, object]] = []

            async def receive() -> dict[str, object]:
                return waiting.pop(0)

            async def send(message: dict[str, object]) -> None:
                sent.append(message)

            headers = [(b"content-type", PROTOBUF.encode())]
            scope = {"type": "http", "method": "POST", "path": "/v1/metrics", "headers": headers}
            await world.app(scope, receive, send)
            assert sent[0]["status"] == 400
            return world

    assert run(play).ledger.landed == []


def test_too_much_at_once_is_for_later(tmp_path: Path) -> None:
    """Bodies on their way may hold so much memory and no more; afterwards there is room again."""

    async def play() -> None:
        async with running(tmp_path, app={"most_body": 1000}) as world:
            goes_on, waiting = asyncio.Event(), []

            async def held_up() -> None:
                """A sender whose body has come so far and is not complete."""
                parts = [{"type": "http.request", "body": b"x" * 1000, "more_body": True}]

                async def receive() -> dict[str, object]:
                    if parts:
                        return parts.pop()
                    waiting.append(1)
                    await goes_on.wait()
                    return {"type": "http.disconnect"}

                async def send(_: object) -> None:
                    return None

                headers = [(b"content-type", PROTOBUF.encode())]
                scope = {"type": "http", "method": "POST", "path": "/v1/metrics", "headers": headers}
                await world.app(scope, receive, send)

            held = [asyncio.create_task(held_up()) for _ in range(MOST_HELD)]
            await until(lambda: len(waiting) == MOST_HELD)
            answer = await world.post(look(10, 1.0))
            assert (answer.status, answer.headers["retry-after"]) == (503, "5")
            goes_on.set()
            await asyncio.gather(*held)
            assert (await world.post(look(10, 1.0))).status == 200

    run(play)


@contextmanager
def full_disk(room: int = 0) -> Iterator[None]:
    """No file of this process may become larger: as on a full disk, writes fail in the middle."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (room, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_full_disk_acknowledges_nothing_and_loses_nothing(tmp_path: Path) -> None:
    """503 while it is full, whether a file is to be begun or written; what was taken before is there."""

    async def play() -> World:
        async with running(tmp_path) as world:
            with full_disk():
                assert (await world.post(look(10, 100.0))).status == 503
            assert (await world.post(look(20, 200.0))).status == 200
            size = world.journal.waiting()[-1].stat().st_size
            with full_disk(size + 10):
                answers = await asyncio.gather(*(world.post(look(s, 9.0)) for s in (30, 31, 32)))
                assert [a.status for a in answers] == [503] * 3
                assert answers[0].headers["retry-after"] == "5"
            assert (await world.post(look(40, 400.0))).status == 200
            return world

    assert run(play).ledger.joules == 400


def test_a_ledger_that_cannot_be_reached_delays_and_loses_nothing(tmp_path: Path) -> None:
    """Requests are taken, /healthz says what is wrong, and all lands once the ledger is there again."""
    ledger = Ledger(error=LedgerError("s3://bucket", "cannot be reached"))

    async def play() -> World:
        async with running(tmp_path, ledger, land_every=0.02) as world:
            await world.post(look(10, 100.0))
            await until(lambda: world.listener.trouble != "")
            health = json.loads((await world.get("/healthz")).body)
            assert (health["status"], health["backlog_bytes"] > 0) == ("degraded", True)
            await world.post(look(20, 150.0))
            ledger.error = None
            await until(lambda: ledger.joules == 150)
            await until(lambda: world.listener.backlog == 0)
            assert json.loads((await world.get("/healthz")).body)["status"] == "ok"
            return world

    world = run(play)
    assert world.said[:2] == [
        "cannot land now, and will try again: s3://bucket: cannot be reached",
        "the ledger takes what is sent again",
    ]


def test_a_listener_without_a_backlog_has_no_trouble_any_more(tmp_path: Path) -> None:
    """However long it takes to tell the operator that the ledger is there again."""
    ledger = Ledger(error=LedgerError("s3://bucket", "cannot be reached"))

    def slowly(text: str) -> None:
        if text.startswith("the ledger takes"):
            time.sleep(0.2)

    async def play() -> None:
        async with running(tmp_path, ledger, land_every=0.02, say=slowly) as world:
            await world.post(look(10, 100.0))
            await until(lambda: world.listener.trouble != "")
            ledger.error = None
            await until(lambda: world.listener.backlog == 0)
            assert world.listener.trouble == ""

    run(play)


def test_a_backlog_that_is_too_large_is_for_later(tmp_path: Path) -> None:
    """Better the senders wait than the disk fills up."""
    ledger = Ledger(error=LedgerError("s3://bucket", "cannot be reached"))

    async def play() -> None:
        async with running(tmp_path, ledger, land_every=0.02, most_backlog=400) as world:
            await world.post(look(10, 100.0))
            await until(lambda: world.listener.trouble != "")
            answer = await world.post(look(20, 150.0))
            assert answer.status == 503
            assert b"cannot be reached" in answer.body
            ledger.error = None
            await until(lambda: world.listener.backlog == 0)
            assert (await world.post(look(20, 150.0))).status == 200

    run(play)


def test_own_metrics_say_what_happened(tmp_path: Path) -> None:
    """In Prometheus' text form, which its own parser reads."""
    parser = pytest.importorskip("prometheus_client.parser")

    async def play() -> str:
        async with running(tmp_path, land_every=0.02) as world:
            for _ in range(2):
                await world.post(look(10, 100.0))
            await world.post(b"\xff")
            await until(lambda: world.listener.tally.landed == 1 and world.listener.tally.repeated == 1)
            return (await world.get("/metrics")).body.decode()

    text = run(play)
    found = {
        (s.name, *s.labels.values()): s.value
        for family in parser.text_string_to_metric_families(text)
        for s in family.samples
    }
    assert found["wattmark_listen_points_accepted_total",] == 2
    assert found["wattmark_listen_points_repeated_total",] == 1
    assert found["wattmark_listen_intervals_landed_total",] == 1
    assert found["wattmark_listen_requests_total", "200"] == 2
    assert found["wattmark_listen_requests_total", "400"] == 1


def test_the_application_starts_and_ends_with_its_server(tmp_path: Path) -> None:
    """The lifespan of ASGI: at its end everything is in the ledger."""

    async def play() -> Ledger:
        async with running(tmp_path) as world:
            app: App = world.app
            messages = [{"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}]
            sent: list[str] = []

            async def receive() -> dict[str, str]:
                if len(messages) == 1:
                    await world.post(look(10, 100.0))
                return messages.pop(0)

            async def send(message: dict[str, str]) -> None:
                sent.append(message["type"])

            await app({"type": "lifespan"}, receive, send)
            assert sent == ["lifespan.startup.complete", "lifespan.shutdown.complete"]
            assert world.ledger.joules == 100
            return world.ledger

    run(play)


def test_a_listener_starts_once(tmp_path: Path) -> None:
    """Of two that land one could sleep through the other's call to end, and the server would never stop."""

    async def play() -> int:
        async with running(tmp_path) as world:
            before = asyncio.all_tasks()
            world.listener.start()
            return len(asyncio.all_tasks() - before)

    assert run(play) == 0


def test_a_defect_of_ours_loses_nothing(tmp_path: Path) -> None:
    """What cannot be landed stays in the journal, is said with its traceback once, and is tried again."""
    ledger = Ledger(error=RuntimeError("a defect"))

    async def play() -> World:
        async with running(tmp_path, ledger, land_every=0.02) as world:
            await world.post(look(10, 100.0))
            await until(lambda: world.listener.tally.failures > 2)
            ledger.error = None
            await until(lambda: world.listener.backlog == 0)
            return world

    world = run(play)
    assert world.ledger.joules == 100
    assert next(s for s in world.said if "RuntimeError: a defect" in s).startswith("cannot land now")
    assert sum("Traceback" in s for s in world.said) == 1


def test_what_is_remembered_of_senders_has_a_limit(tmp_path: Path) -> None:
    """A sender that invents attributes cannot fill the memory; its series go on all the same."""

    async def play() -> World:
        async with running(tmp_path, most_remembered=500) as world:
            for second in range(10, 60, 10):
                await world.post(look(second, 10.0 * second, **{"k8s.pod.name": "x" * 200}))
                assert world.listener.remembered < 1000
            return world

    assert run(play).ledger.joules == 500


def test_folding_goes_on_beside(tmp_path: Path) -> None:
    """With --fold-every; a fold that fails is said, and tried again."""
    folds: list[str] = []

    def fold() -> None:
        folds.append("folded")
        if len(folds) == 1:
            raise LedgerError("ledger", "is busy")

    async def play() -> World:
        async with running(tmp_path, land_every=0.02, fold=fold, fold_every=0.01) as world:
            await until(lambda: len(folds) >= 2)
            return world

    assert "cannot fold now; whoever reads the ledger will: ledger: is busy" in run(play).said
