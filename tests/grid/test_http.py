"""Asking providers: patience where it helps, and a failure of its own kind for everything else."""

from __future__ import annotations

import gzip
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping

import msgspec
import pytest

pytest.importorskip("urllib3")

from tests.grid.serving import HTML, Reply, as_json, in_turn, serving
from wattmark.core.errors import GridError, UsageError
from wattmark.grid.failures import (
    HalfDocument,
    NoData,
    ProviderDown,
    QuotaSpent,
    SchemaDrift,
    WrongKey,
    unknown_zone,
)
from wattmark.grid.http import HttpWeb, accepted, decoded
from wattmark.grid.keys import Secret, find_key

WEB = HttpWeb(tries=3, backoff_seconds=0.0, timeout_seconds=60.0, longest_wait_seconds=0.05)


class Small(msgspec.Struct):
    """A document with one field."""

    value: float


def ask(reply: Reply, *more: Reply) -> tuple[Small, int]:
    """The decoded answer, and how often it was asked for."""
    with serving(in_turn(reply, *more)) as served:
        answer = WEB.get("someone", f"{served.url}/v1/x", [("token", "s3cret")], {"auth-token": "s3cret"})
        found = decoded("someone", accepted("someone", answer, ["s3cret"]), Small)
        return found, len(served.asked)


GOOD = as_json({"value": 1.5})


def test_a_document_arrives() -> None:
    """Query and headers reach the server, with our name."""
    with serving(in_turn(GOOD)) as served:
        WEB.get("someone", f"{served.url}/v1/x?a=1", [("b", "2 3")], {"auth-token": "key"})
    asked = served.asked[0]
    assert (asked.path, asked.query) == ("/v1/x", {"a": "1", "b": "2 3"})
    assert asked.headers["auth-token"] == "key"
    assert asked.headers["user-agent"].startswith("wattmark/")


@pytest.mark.parametrize(
    "bad",
    [
        as_json({}, 500),
        as_json({}, 503, **{"Retry-After": "3600"}),
        as_json({}, 429, **{"Retry-After": "soon"}),
        as_json({}, 429, **{"Retry-After": "9" * 5000}),
        as_json({}, 429, **{"Retry-After": "Fri, 31 Dec 999999999999 23:59:59 GMT"}),
        as_json({}, 429),
        Reply(b'{"value"', claim=500),
    ],
    ids=["500", "503 for an hour", "429 with nonsense", "429 for ever", "429 until no year", "429", "half"],
)
def test_what_passes_is_asked_for_again(bad: Reply) -> None:
    """A long Retry-After is not waited for as long as it says."""
    assert ask(bad, GOOD) == (Small(1.5), 2)


@pytest.mark.parametrize(
    ("bad", "kind", "said"),
    [
        (as_json({"error": "no"}, 401), WrongKey, r"401 \(no\): check the key"),
        (as_json({"message": "plan"}, 403), WrongKey, r"403 \(plan\)"),
        (as_json({}, 429, **{"Retry-After": "7200"}), QuotaSpent, "in 7200 seconds"),
        (as_json({}, 429), QuotaSpent, "ask again later"),
        (as_json({}, 429, **{"Retry-After": "9" * 5000}), QuotaSpent, "ask again later"),
        (as_json({}, 502), ProviderDown, "fails on its side"),
        (as_json({}, 302, Location="/other"), ProviderDown, "redirects are not followed"),
        (as_json({}, 404), NoData, "nothing for this zone and time"),
        (as_json({"error": {"message": "bad range"}}, 400), SchemaDrift, "bad range"),
        (HTML, ProviderDown, "web page"),
        (Reply(b"<html>", 500), ProviderDown, "fails on its side"),
        (Reply(b'{"value": 1', claim=900), HalfDocument, "ended in the middle"),
        (Reply(b'{"value": 1'), HalfDocument, "ended in the middle"),
        (Reply(b""), HalfDocument, "ended in the middle"),
        (Reply(b"value=1"), SchemaDrift, "not JSON"),
        (as_json({"valeu": 1.5}), SchemaDrift, "`value`"),
        (as_json({"value": "1.5"}), SchemaDrift, r"\$\.value"),
        (as_json({"value": None}), SchemaDrift, r"\$\.value"),
        (Reply(b'{"value": NaN}'), SchemaDrift, "not JSON"),
        (Reply(b'{"value": 1e999}'), SchemaDrift, "out of range"),
        (Reply(b'{"x": "\xff"}', 400), SchemaDrift, "answered 400"),
        (Reply(b'{"error":' * 100_000, 400), SchemaDrift, "answered 400"),
        (Reply(b'{"x":' * 100_000), SchemaDrift, "no JSON that can be read"),
        (Reply(b"abcd", 200, {"Content-Encoding": "gzip"}), SchemaDrift, "says that it is packed"),
        (Reply(b"abcd", 200, {"Content-Encoding": "br"}), SchemaDrift, "not asked for"),
        (Reply(b"abcd", 200, {"Content-Encoding": "gzip, gzip"}), SchemaDrift, "not asked for"),
        (
            Reply(gzip.compress(b'{"value": 1.5}')[:-9], 200, {"Content-Encoding": "gzip"}),
            HalfDocument,
            "in the middle",
        ),
    ],
)
def test_each_failure_is_of_its_own_kind(bad: Reply, kind: type[GridError], said: str) -> None:
    """And says which address it was, without anything secret."""
    with pytest.raises(kind, match=said) as caught:
        ask(bad)
    assert "s3cret" not in str(caught.value)
    assert "/v1/x" in str(caught.value)


def test_a_key_that_the_provider_repeats_is_blotted_out() -> None:
    """Some say `invalid key s3cret`."""
    with pytest.raises(WrongKey) as caught:
        ask(as_json({"error": "invalid key s3cret"}, 401))
    assert "invalid key ***" in str(caught.value)


def test_a_packed_answer_is_unpacked() -> None:
    """Once, as it was asked for."""
    assert ask(Reply(gzip.compress(b'{"value": 1.5}'), 200, {"Content-Encoding": "gzip"})) == (Small(1.5), 1)


def test_a_key_is_blotted_out_as_addresses_write_it_too() -> None:
    """`a/b c` is `a%2Fb%20c` or `a%2Fb+c` there."""
    told = as_json({"error": "no: ?key=a%2Fb%20c, ?key=a%2Fb+c"}, 401)
    with serving(in_turn(told)) as served, pytest.raises(WrongKey) as caught:
        accepted("someone", WEB.get("someone", served.url), ["a/b c"])
    assert "no: ?key=***, ?key=***" in str(caught.value)


def test_a_packed_answer_cannot_fill_the_memory() -> None:
    """300 MiB of blanks in 300 kB are left at the limit."""
    import tracemalloc

    bomb = gzip.compress(b" " * (300 << 20), 1)
    tracemalloc.start()
    try:
        with pytest.raises(SchemaDrift, match="more than 64 MiB"):
            ask(Reply(bomb, 200, {"Content-Encoding": "gzip"}))
        assert tracemalloc.get_traced_memory()[1] < 200 << 20
    finally:
        tracemalloc.stop()


def test_an_endless_answer_is_left_at_the_limit() -> None:
    """It states no length and goes on for ever."""

    def endless() -> Iterator[bytes]:
        while True:
            yield b" " * (1 << 20)

    for status in (200, 503):  # an answer that is thrown away is not read for ever either
        endlessly = Reply(status=status, flow=endless())
        with serving(in_turn(endlessly)) as served, pytest.raises(SchemaDrift, match="64 MiB"):
            WEB.get("someone", served.url)


def test_an_answer_that_drips_is_left() -> None:
    """Each byte comes within the time-out of a read, and the whole would never be there."""

    def dripping() -> Iterator[bytes]:
        while True:
            time.sleep(0.02)
            yield b" "

    web = HttpWeb(tries=1, timeout_seconds=60.0, longest_answer_seconds=0.1)
    with (
        serving(lambda _: Reply(flow=dripping())) as served,
        pytest.raises(ProviderDown, match=r"longer than 0\.1 s"),
    ):
        web.get("someone", served.url)


def test_a_slow_provider_is_down() -> None:
    """It says so, and how to go on."""
    web = HttpWeb(tries=1, timeout_seconds=0.05)
    with serving(lambda _: Reply(b"{}", wait=30.0)) as served, pytest.raises(ProviderDown, match="in time"):
        web.get("someone", served.url)


def test_a_place_where_nobody_listens_is_down() -> None:
    """The server is gone."""
    with serving(in_turn(GOOD)) as served:
        pass
    with pytest.raises(ProviderDown, match=r"cannot be reached.*--offline"):
        HttpWeb(tries=2, backoff_seconds=0.0).get("someone", f"{served.url}/x", [("token", "s3cret")])


def test_no_log_holds_a_key(caplog: pytest.LogCaptureFixture) -> None:
    """urllib3 would log the whole address of every retry, and two providers want their key in it."""
    caplog.set_level("DEBUG")
    with serving(in_turn(as_json({}, 500), GOOD)) as served:
        WEB.get("someone", f"{served.url}/x", [("token", "s3cret")])
    with pytest.raises(ProviderDown) as caught:
        HttpWeb(tries=2, backoff_seconds=0.0).get("someone", f"{served.url}/x", [("token", "s3cret")])
    assert "s3cret" not in caplog.text
    assert caught.value.__context__ is None


@pytest.mark.parametrize("url", ["ftp://somewhere/x", "file:///etc/passwd", "https://", "nonsense"])
def test_only_web_addresses_are_asked(url: str) -> None:
    """A declaration cannot read files."""
    with pytest.raises(UsageError, match="no web address"):
        WEB.get("someone", url)


@pytest.mark.parametrize("value", ["s3cret\nHost: else", "s3cr\u00e9t", "s3cret\0"])
def test_a_header_cannot_smuggle_another_one(value: str) -> None:
    """And what it would have held is not shown."""
    with pytest.raises(UsageError, match="'auth-token'") as caught:
        WEB.get("someone", "http://127.0.0.1:9/x", (), {"auth-token": value})
    assert "s3cr" not in str(caught.value)


def nobody(_: str) -> None:
    """A keyring that holds nothing."""


def test_a_key_comes_from_the_environment_first() -> None:
    """Then from the keyring; spaces around it do not count."""
    assert find_key("p", "KEY", {"KEY": " a \n"}, lambda _: "b").text == "a"
    assert find_key("p", "KEY", {}, lambda _: "b").text == "b"


@pytest.mark.parametrize(
    ("environ", "said"),
    [
        ({}, "set KEY in the environment"),
        ({"KEY": " "}, "needs a key"),
        ({"KEY": "a\nb"}, "copy it again"),
        ({"KEY": "ключ"}, "copy it again"),
    ],
)
def test_no_key_is_an_error_that_says_where_it_belongs(environ: Mapping[str, str], said: str) -> None:
    """And never shows it."""
    with pytest.raises(WrongKey, match=said):
        find_key("p", "KEY", environ, nobody)


def test_a_key_is_never_shown() -> None:
    """Not by a log, a traceback or a format string."""
    secret = Secret("s3cret")
    assert "s3cret" not in f"{secret} {secret!r} {[secret]}"


def test_close_zones_are_named() -> None:
    """DE_LU for de-lu; nothing where nothing is near."""
    assert "did you mean DE-LU" in str(unknown_zone("p", "de_lu", ["DE-LU", "FR"], ""))
    assert "did you mean" not in str(unknown_zone("p", "QQQ", ["DE-LU"], "See the map."))


def test_without_urllib3_the_extra_is_named() -> None:
    """`pip install 'wattmark[grid]'`; and all that needs no web loads without it."""
    program = (
        "import sys; sys.modules['urllib3'] = None\n"
        "import wattmark.cli.grid_live, wattmark.grid.http as http\n"
        "from wattmark.core.errors import MissingExtra\n"
        "try:\n    http.HttpWeb()\nexcept MissingExtra as error:\n    print(error)\n"
    )
    told = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert "pip install 'wattmark[grid]'" in told.stdout


def test_a_key_can_lie_in_the_keyring() -> None:
    """Under the service `wattmark`; a keyring that is locked holds nothing."""
    keyring = pytest.importorskip("keyring")
    from keyring.backend import KeyringBackend
    from keyring.errors import KeyringLocked

    class Held(KeyringBackend):
        priority = 1

        def get_password(self, service: str, username: str) -> str | None:
            if username == "LOCKED":
                raise KeyringLocked("closed")
            return "s3cret" if (service, username) == ("wattmark", "KEY") else None

        def set_password(self, service: str, username: str, password: str) -> None:
            raise NotImplementedError

        def delete_password(self, service: str, username: str) -> None:
            raise NotImplementedError

    before = keyring.get_keyring()
    keyring.set_keyring(Held())
    try:
        assert find_key("p", "KEY", {}).text == "s3cret"
        for name in ("OTHER", "LOCKED"):
            with pytest.raises(WrongKey, match="keyring set wattmark"):
                find_key("p", name, {})
    finally:
        keyring.set_keyring(before)
