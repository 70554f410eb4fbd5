"""A ledger in an object store: the same as in a folder, through bad weather too, with errors that help."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from typing import Any

import pytest

pytest.importorskip("obstore")
pytest.importorskip("deltalake")

import pyarrow as pa

from tests.fakes.flaky_proxy import FlakyProxy, Weather
from tests.fakes.s3_server import KEYS, S3Server
from tests.ledger.landing import DAY, contents_of, document, runs_of, samples_of, some_samples
from wattmark.core.errors import LedgerError, UsageError
from wattmark.ledger.columns import DERIVED
from wattmark.ledger.compaction import compact
from wattmark.ledger.deltalog import arrow_schema
from wattmark.ledger.evidence import Evidence
from wattmark.ledger.fold import fold
from wattmark.ledger.inbox import land_run, land_samples
from wattmark.ledger.purge import purge
from wattmark.ledger.store import Store, open_store
from wattmark.ledger.tables import DerivedTables
from wattmark.ledger.verify import verify

BUCKET = "wattmark-tests"
NUMBERS = count()
NOW = time.time_ns() // 1000


@pytest.fixture(scope="module")
def server() -> Iterator[S3Server]:
    pytest.importorskip("moto.server")
    with S3Server() as running:
        running.create_bucket(BUCKET)
        yield running


@pytest.fixture
def url() -> str:
    """A prefix that nobody has used."""
    return f"s3://{BUCKET}/ledger-{next(NUMBERS)}"


@pytest.fixture
def store(server: S3Server, url: str) -> Iterator[Store]:
    """Through a proxy that only keeps conditional puts apart."""
    with FlakyProxy(server.port) as proxy:
        yield open_store(url, server.environ(proxy.port))


@pytest.mark.slow
def test_files_are_put_read_listed_and_removed(store: Store) -> None:
    """As in a folder."""
    assert store.put_new("inbox/a", b"first")
    assert not store.put_new("inbox/a", b"second")
    assert store.read("inbox/a") == b"first"
    store.replace("inbox/a", b"third")
    store.put_new("inbox/deep/b", b"4")
    assert {(e.name, e.size) for e in store.names("inbox/")} == {("inbox/a", 5), ("inbox/deep/b", 1)}
    assert all(abs(e.modified_us - time.time_ns() // 1000) < DAY for e in store.names("inbox/"))
    assert (store.size("inbox/a"), store.size("inbox/none")) == (5, None)
    store.delete("inbox/a")
    store.delete("inbox/a")
    with pytest.raises(FileNotFoundError):
        store.read("inbox/a")
    assert list(store.names("nothing/")) == []
    assert store.tidy(NOW) == 0


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_forked_process_is_refused_and_harms_nobody(store: Store) -> None:
    """What a fork breaks hung the child and killed the parent: now the child is told, the parent goes on."""
    assert store.put_new("inbox/a", b"1")
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            store.put_new("inbox/b", b"2")
        except LedgerError as error:
            os.write(writer, str(error).encode())
        finally:
            os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as told:
        assert "forked" in told.read()
    assert os.waitpid(child, 0)[1] == 0
    assert store.put_new("inbox/c", b"3")
    assert {e.name for e in store.names("inbox/")} == {"inbox/a", "inbox/c"}


@pytest.mark.slow
def test_of_many_who_want_a_name_one_gets_it(store: Store) -> None:
    """Conditional puts decide."""
    with ThreadPoolExecutor(16) as hands:
        won = list(hands.map(lambda n: store.put_new("log/0", str(n).encode()), range(32)))
    assert won.count(True) == 1
    assert store.read("log/0") == str(won.index(True)).encode()


@pytest.mark.slow
def test_a_ledger_lives_there_as_in_a_folder(store: Store) -> None:
    """Land, fold, read as of a version, verify, compact, purge; derived tables."""
    for n in range(3):
        land_run(store, document(f"r-{n}"))
        land_samples(store, [some_samples(f"GPU-{n}", start=20_000 * DAY - 20_000_000)])
        fold(store, NOW + n)
    assert len(runs_of(store)) == 3
    assert len(runs_of(store, as_of=0)) == 1
    assert len(samples_of(store)) == 12
    assert Evidence(store).changed_since(1).record_ids >= {"r-2"}
    assert verify(store).sound
    before = samples_of(store)
    assert compact(store, NOW).files_after == 5
    assert samples_of(store) == before
    purge(store, ["r-1"], "asked to", NOW)
    assert runs_of(store) == {"r-0": 1, "r-2": 1}
    assert verify(store).sound
    tables = DerivedTables(store)
    schema = arrow_schema(DERIVED["work"])
    tables.replace("work", None, pa.Table.from_pylist([{"day": "2026-11-01", "count": 2.0}], schema), 4, "s")
    dataset = tables.arrow("work")
    assert dataset is not None
    assert dataset.to_table()["count"].to_pylist() == [2.0]
    assert all(file.startswith("s3://") for file in Evidence(store).files("sample"))


@pytest.mark.slow
@pytest.mark.parametrize(
    "weather",
    [
        Weather(refuse=0.2),
        Weather(lose=0.1),
        Weather(delay=0.3),
        Weather(refuse=0.1, lose=0.05, delay=0.2),
    ],
    ids=["refused", "answers lost", "late", "all of it"],
)
def test_bad_weather_loses_and_doubles_nothing(server: S3Server, url: str, weather: Weather) -> None:
    """Whatever fails is brought and folded again until it is said to be there."""
    with FlakyProxy(server.port, weather, seed=1) as proxy:
        store = open_store(url, server.environ(proxy.port))

        def insist(what: Any) -> Any:
            for _ in range(50):
                try:
                    return what()
                except LedgerError:
                    continue
            raise AssertionError("it never worked")

        for n in range(12):
            insist(lambda n=n: land_run(store, document(f"r-{n}")))
            insist(lambda n=n: land_samples(store, [some_samples(f"GPU-{n}")]))
            if n % 4 == 3:
                insist(lambda: fold(store, NOW))
        insist(lambda: fold(store, NOW))
        assert proxy.seen.total() > 100
    clear = open_store(url, server.environ())
    assert len(runs_of(clear)) == 12
    assert set(runs_of(clear).values()) == {1}
    assert len(samples_of(clear)) == 48
    assert set(samples_of(clear).values()) == {1}
    assert set(contents_of(clear).values()) == {1}
    assert list(clear.names("inbox/")) == []
    assert verify(clear).sound


@pytest.mark.slow
def test_two_folders_at_once_double_nothing(server: S3Server, url: str) -> None:
    """While runs land: every one is there once."""
    with FlakyProxy(server.port, Weather(delay=0.2, delay_seconds=0.02), seed=2) as proxy:
        environ = server.environ(proxy.port)

        def land(number: int) -> None:
            store = open_store(url, environ)
            for n in range(10):
                land_run(store, document(f"r-{number}-{n}"))

        def fold_often(_: int) -> int:
            store = open_store(url, environ)
            return sum(fold(store, NOW).files for _ in range(6))

        with ThreadPoolExecutor(8) as hands:
            landing = [hands.submit(land, n) for n in range(4)]
            folding = [hands.submit(fold_often, n) for n in range(2)]
            for each in landing:
                each.result()
            folded = sum(each.result() for each in folding)
        store = open_store(url, environ)
        folded += fold(store, NOW).files
        assert folded == 40
        assert len(runs_of(store)) == 40
        assert set(runs_of(store).values()) == {1}
        assert set(contents_of(store).values()) == {1}
        assert list(store.names("inbox/")) == []


@pytest.mark.slow
def test_a_bucket_that_is_not_there_is_said(server: S3Server) -> None:
    """Writing, reading and folding."""
    store = open_store("s3://no-such-bucket-here/ledger", server.environ())
    for what in (lambda: land_run(store, document()), lambda: store.read("a"), lambda: fold(store, NOW)):
        with pytest.raises(LedgerError, match=r"s3://no-such-bucket-here.*no such bucket"):
            what()


def _settings(**changes: str) -> Mapping[str, str]:
    return {**KEYS, **changes}


def test_an_endpoint_that_does_not_answer_is_said() -> None:
    """With its address, after a few tries, and with what to do."""
    with socket.socket() as closed:  # nobody listens on it, and nobody else can
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
        store = open_store("s3://bucket/ledger", _settings(AWS_ENDPOINT_URL=f"http://127.0.0.1:{port}"))
        with pytest.raises(LedgerError, match="Check address and network") as caught:
            store.put_new("inbox/a", b"1")
    assert caught.value.url == "s3://bucket/ledger/inbox/a"


def test_evidence_does_not_travel_unencrypted_by_accident() -> None:
    """Plain http: to this machine, or where the usual variable asks for it."""
    at = "http://store.example:9000"
    with pytest.raises(UsageError, match="AWS_ALLOW_HTTP=true"):
        open_store("s3://bucket/ledger", _settings(AWS_ENDPOINT_URL=at))
    allowed = open_store("s3://bucket/ledger", _settings(AWS_ENDPOINT_URL=at, AWS_ALLOW_HTTP="true"))
    assert allowed.options["allow_http"] == "true"
    secure = open_store("s3://bucket/ledger", _settings(AWS_ENDPOINT_URL="https://store.example"))
    assert "allow_http" not in secure.options
    assert open_store("s3://bucket/l", _settings(AWS_ENDPOINT_URL="http://localhost:1")).options["allow_http"]


def test_deltalake_is_told_the_same() -> None:
    """Credentials, endpoint, limits and how to put on condition; nothing of other providers."""
    store = open_store("s3://bucket/ledger/", _settings(AZURE_STORAGE_ACCOUNT_KEY="x"))
    assert store.url == "s3://bucket/ledger"
    assert store.table_uri("evidence") == "s3://bucket/ledger/evidence"
    options = dict(store.options)
    assert options["aws_access_key_id"] == "test"
    assert options["aws_conditional_put"] == "etag"
    assert options["connect_timeout"] == "5s"
    assert not [name for name in options if name.startswith("azure")]
    assert "test" not in repr(store)


@pytest.mark.parametrize("address", ["gs://bucket/ledger", "az://container/ledger"])
def test_other_clouds_open_by_the_same_door(address: str) -> None:
    """Without reaching for anything yet."""
    told = {"AZURE_STORAGE_ACCOUNT_NAME": "a", "AZURE_STORAGE_ACCOUNT_KEY": "a2V5"}
    store = open_store(address, told)
    assert store.url == address
    assert "aws_conditional_put" not in store.options
