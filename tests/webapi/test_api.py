"""One sender for all JSON APIs: patience, no harm by trying again, no secret anywhere."""

from __future__ import annotations

import socket
from email.utils import formatdate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.webapi.api_server import Reply, api_server, in_turn
from wattmark.core.errors import DeliveryError, UsageError
from wattmark.webapi.addresses import is_loopback
from wattmark.webapi.answers import said, seconds_asked
from wattmark.webapi.api import Api, Patience

TOKEN = {"Authorization": "Bearer hush-hush"}


def api(url: str, waits: list[float] | None = None, **more: object) -> Api:
    """An API without pauses, which are written down; for answers it waits as long as a busy machine needs."""
    record = waits.append if waits is not None else lambda seconds: None
    how = {"patience": Patience(timeout=250.0), **more}
    return Api(url, wait=record, now=lambda: 1000.0, **how)  # type: ignore[arg-type]


def test_an_answer_has_status_headers_and_its_document() -> None:
    """JSON there and back; names of headers in small letters; the sender says who it is."""
    with api_server(in_turn(Reply(201, {"id": 7}, {"X-Kind": "test"}))) as server:
        answer = api(server.url, headers=TOKEN).post("/things", {"name": "π"}, query={"a": "b c"})
    assert (answer.status, answer.json(), answer.headers["x-kind"]) == (201, {"id": 7}, "test")
    asked = server.asked[0]
    assert (asked.method, asked.path, asked.query) == ("POST", "/things", {"a": ["b c"]})
    assert asked.json() == {"name": "π"}
    assert asked.headers["authorization"] == "Bearer hush-hush"
    assert asked.headers["user-agent"].startswith("wattmark/")


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_what_does_no_harm_twice_is_tried_again(method: str) -> None:
    """500, 503, then 200: three tries, with pauses of 0.5 and 1 s."""
    waits: list[float] = []
    with api_server(in_turn(Reply(500), Reply(503), Reply(200, []))) as server:
        assert api(server.url, waits).call(method).status == 200
    assert waits == [0.5, 1.0]


def test_a_post_that_may_have_been_taken_is_not_sent_twice() -> None:
    """A 500 can come after the deed: one try, and the error says that it is not sure."""
    with (
        api_server(in_turn(Reply(500, {"message": "oops"}))) as server,
        pytest.raises(DeliveryError) as error,
    ):
        api(server.url).post(body={})
    assert len(server.asked) == 1
    assert error.value.unsure
    assert error.value.status == 500
    assert str(error.value) == f"{server.url}: HTTP 500 oops; it may have been taken all the same"


def test_a_connection_that_ends_after_a_post_is_not_tried_again() -> None:
    """Nobody knows whether it was taken."""
    with api_server(in_turn(Reply(hang_up=True))) as server, pytest.raises(DeliveryError) as error:
        api(server.url).post(body={})
    assert len(server.asked) == 1
    assert error.value.unsure


def test_a_post_is_tried_again_when_its_caller_says_that_twice_is_once() -> None:
    """An alert twice is one alert."""
    with api_server(in_turn(Reply(hang_up=True), Reply(500), Reply(200))) as server:
        assert api(server.url).post(body=[], repeatable=True).status == 200
    assert len(server.asked) == 3


@pytest.mark.parametrize("status", [408, 429])
def test_a_post_that_was_not_taken_is_sent_again(status: int) -> None:
    """Too many requests: it was refused before anything was done."""
    waits: list[float] = []
    with api_server(in_turn(Reply(status, headers={"Retry-After": "7"}), Reply(200))) as server:
        assert api(server.url, waits).post(body={}).status == 200
    assert waits == [7.0]


def test_a_post_that_reached_nobody_is_sent_again() -> None:
    """Nothing listens there: four tries, and it is sure that nothing was taken."""
    waits: list[float] = []
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}"
        with pytest.raises(DeliveryError, match=r"tried 4 times$") as error:
            api(url, waits).post(body={})
    assert len(waits) == 3
    assert not error.value.unsure
    assert error.value.status is None


def test_a_wait_that_is_too_long_is_told_and_not_waited() -> None:
    """An hour: the caller decides what to do with it."""
    waits: list[float] = []
    with (
        api_server(in_turn(Reply(429, headers={"Retry-After": "3600"}))) as server,
        pytest.raises(DeliveryError, match="it asks to wait 3600 s"),
    ):
        api(server.url, waits).get()
    assert waits == []


def test_a_secondary_rate_limit_of_github_is_waited_for() -> None:
    """403 with Retry-After (https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api)."""
    waits: list[float] = []
    with api_server(in_turn(Reply(403, headers={"Retry-After": "2"}), Reply(200))) as server:
        api(server.url, waits).post(body={})
    assert waits == [2.0]


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 422])
def test_a_refusal_is_told_in_the_words_of_the_service(status: int) -> None:
    """Once, with the status for whoever can do something about it."""
    body = {"message": "Validation Failed", "errors": [{"field": "labels", "code": "invalid"}]}
    with api_server(in_turn(Reply(status, body))) as server, pytest.raises(DeliveryError) as error:
        api(server.url).post("/issues", {})
    assert len(server.asked) == 1
    assert error.value.status == status
    assert not error.value.unsure
    assert str(error.value) == f"{server.url}/issues: HTTP {status} Validation Failed invalid labels"


def test_a_status_that_the_caller_expects_is_an_answer() -> None:
    """404: not there yet."""
    with api_server(in_turn(Reply(404, {"message": "Not Found"}))) as server:
        assert api(server.url).get("/x", expect=(404,)).json() == {"message": "Not Found"}


def test_no_redirect_is_followed() -> None:
    """The token would go with it; the new address is told."""
    with (
        api_server(in_turn(Reply(301, headers={"Location": "http://127.0.0.1:1/else?token=abc"}))) as server,
        pytest.raises(DeliveryError, match=r"it has moved to http://127.0.0.1:1/else\?token=\*\*\*"),
    ):
        api(server.url, headers=TOKEN).get()
    assert len(server.asked) == 1


def test_no_error_says_a_secret_not_even_when_the_server_does() -> None:
    """The token, a part of the address, a signing key: three stars each."""
    reply = Reply(400, {"message": "Bearer hush-hush is wrong at /T0/B0/xyzzy, key k3y"})
    with api_server(in_turn(reply)) as server, pytest.raises(DeliveryError) as error:
        api(
            f"{server.url}/T0/B0/xyzzy", headers=TOKEN, secrets=("T0/B0/xyzzy", "k3y"), shown="the hook"
        ).post()
    assert str(error.value) == "the hook: HTTP 400 *** is wrong at /***, key ***"


def test_an_answer_that_is_too_long_is_refused() -> None:
    """Ten bytes are allowed, eleven came."""
    with (
        api_server(in_turn(Reply(200, b"x" * 11))) as server,
        pytest.raises(DeliveryError, match="more than 10 bytes"),
    ):
        api(server.url, most_bytes=10).get()


def test_an_answer_that_is_no_json_is_told_with_its_address() -> None:
    """A page for people where a document was expected."""
    with api_server(in_turn(Reply(200, b"<html>"))) as server:
        answer = api(server.url).get("/a", {"secret": "x"})
    with pytest.raises(DeliveryError, match=rf"^{server.url}/a: answered with something else than JSON"):
        answer.json()


def test_pages_are_followed_by_their_links() -> None:
    """Three pages of one host, relative and absolute."""
    with api_server(lambda asked: Reply()) as server:
        server.answering = in_turn(
            Reply(
                200, [1], {"Link": f'<{server.url}/list?page=2>; rel="next", <{server.url}/z>; rel="last"'}
            ),
            Reply(200, [2], {"Link": "</list?page=3>; rel=next"}),
            Reply(200, [3], {"Link": '</list?page=2>; rel="prev"'}),
        )
        pages = [page.json() for page in api(server.url, headers=TOKEN).pages("/list", {"page": "1"})]
    assert pages == [[1], [2], [3]]
    assert [asked.query["page"] for asked in server.asked] == [["1"], ["2"], ["3"]]


def test_a_page_elsewhere_is_not_followed() -> None:
    """A list that leads to another host would be given the token."""
    reply = Reply(200, [], {"Link": '<http://127.0.0.1:1/steal>; rel="next"'})
    with api_server(in_turn(reply)) as server, pytest.raises(DeliveryError, match="leads elsewhere"):
        list(api(server.url, headers=TOKEN).pages("/list"))


def test_a_list_without_an_end_is_refused() -> None:
    """Two pages at most, and there is a third."""
    reply = Reply(200, [], {"Link": '</list>; rel="next"'})
    with api_server(in_turn(reply)) as server, pytest.raises(DeliveryError, match="more than 2 pages"):
        list(api(server.url).pages("/list", most=2))


def test_credentials_go_nowhere_in_clear() -> None:
    """http:// only without a token, or to this machine."""
    Api("http://forge.example/api")
    Api("http://localhost:8080", headers=TOKEN)
    for more in ({"headers": TOKEN}, {"headers": {"private-token": "x"}}, {"secrets": ("path",)}):
        with pytest.raises(UsageError, match="in clear: write https://"):
            Api("http://forge.example/api", **more)


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("ftp://x", "begins with https://"),
        ("https:///path", "begins with https://"),
        ("https://a b", "begins with https://"),
        ("https://x\r\nHost: y", "is no address"),
        ("https://x:99999", "is no address"),
        ("https://me:secret@x", "put no account into the address"),
    ],
)
def test_an_address_that_cannot_be_meant_is_refused(url: str, why: str) -> None:
    """With what to write, and without the account that stands in it."""
    with pytest.raises(UsageError, match=why) as error:
        Api(url)
    assert "secret" not in str(error.value)


def test_a_header_cannot_be_made_two() -> None:
    """A token with a line break in it is refused before anything is sent."""
    with api_server(in_turn(Reply())) as server, pytest.raises(UsageError, match="signs that none may have"):
        api(server.url, headers={"Authorization": "Bearer a\r\nX: y"}).get()
    assert server.asked == []


def test_a_proxy_is_asked_for_others_and_never_for_this_machine() -> None:
    """The proxy gets the whole address; loopback goes straight."""
    with (
        api_server(in_turn(Reply(200, {"by": "proxy"}))) as proxy,
        api_server(in_turn(Reply(200, {}))) as own,
    ):
        proxies = {"http": proxy.url}
        assert api("http://forge.invalid/x", proxies=proxies).get().json() == {"by": "proxy"}
        assert api(own.url, proxies=proxies).get().json() == {}
    assert len(proxy.asked) == 1


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("", 0.0),
        ("12", 12.0),
        (formatdate(1060, usegmt=True), 60.0),
        (formatdate(900, usegmt=True), 0.0),
        ("-3", 0.0),
        ("soon", 0.0),
        ("٣", 0.0),
    ],
)
def test_retry_after_is_seconds_or_a_date(text: str, seconds: float) -> None:
    """As RFC 9110 has it; anything else asks for nothing. Now is second 1000."""
    assert seconds_asked(text, 1000.0) == seconds


@given(st.text())
def test_no_retry_after_breaks_anything(text: str) -> None:
    """Whatever a server says."""
    assert seconds_asked(text, 1000.0) >= 0.0


@given(st.text(max_size=400))
def test_what_a_server_says_is_one_line(text: str) -> None:
    """Of at most 300 characters, all of which can be printed."""
    words = said(text)
    assert len(words) <= 300
    assert words.isprintable()


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ('{"errorMessages": ["no such project"], "errors": {"labels": "bad"}}', "bad no such project"),
        ('{"message": {"title": ["is too long"]}}', "is too long"),
        ('{"error": "invalid_token", "error_description": "expired"}', "invalid_token expired"),
        ("<html><body>Bad gateway", ""),
        ("invalid_payload", "invalid_payload"),
        ("[" * 5000, "[" * 300),
    ],
)
def test_services_say_what_is_wrong_in_their_own_ways(body: str, words: str) -> None:
    """Jira, GitLab, OAuth, a proxy's page, Slack's plain text, nonsense."""
    assert said(body) == words


@pytest.mark.parametrize("host", ["localhost", "a.localhost", "127.0.0.1", "127.9.9.9", "::1"])
def test_loopback_is_this_machine(host: str) -> None:
    """By name and by number."""
    assert is_loopback(host)


@pytest.mark.parametrize("host", ["localhost.example.org", "10.0.0.1", "example.org", "::2"])
def test_everything_else_is_not(host: str) -> None:
    """Also what only looks like it."""
    assert not is_loopback(host)


def test_one_try_is_enough_where_that_is_asked() -> None:
    """Patience is the caller's."""
    with api_server(in_turn(Reply(503))) as server, pytest.raises(DeliveryError):
        api(server.url, patience=Patience(attempts=1)).get()
    assert len(server.asked) == 1
