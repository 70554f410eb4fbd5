"""Which servers are taken, which are refused, and what they say of themselves."""

from __future__ import annotations

import socket

import pytest

from tests.bench.endpoint.asking import opened, pins
from tests.fakes.openai_server import SECRET, Behaviour, answering
from wattmark.bench.endpoint.address import Address, address_of, is_here
from wattmark.bench.endpoint.opening import REFUSED, EndpointAsked, open_endpoint
from wattmark.bench.endpoint.served import Served
from wattmark.core.errors import EvidenceError, RefusedError, UsageError


def test_an_address_may_leave_out_what_is_usual() -> None:
    """The API lies under /v1, and the port is that of the scheme."""
    assert address_of("http://host:8000") == Address("http", "host", 8000, "/v1")
    assert address_of("https://host/openai/v1/") == Address("https", "host", 443, "/openai/v1")
    assert address_of("http://[::1]:8000").url == "http://[::1]:8000/v1"


@pytest.mark.parametrize(
    "text", ["host:8000", "ftp://host", "http://", "http://h:99999", "http://h/v1?key=1"]
)
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="is no address of a server"):
        address_of(text)


def test_an_account_in_an_address_is_refused_and_not_shown() -> None:
    with pytest.raises(UsageError, match="keys come from the environment") as refused:
        address_of("http://me:hunter2@host:8000")
    assert "hunter2" not in str(refused.value)


def answers(*numeric: str) -> object:
    def resolve(host: str, port: int, type: int) -> list[object]:
        return [(socket.AF_INET6 if ":" in n else socket.AF_INET, type, 6, "", (n, port)) for n in numeric]

    return resolve


def test_a_server_is_here_when_all_its_addresses_are() -> None:
    """Loopback is this machine; an address kept for documentation (RFC 5737) belongs to nobody."""
    address = address_of("http://host:8000")
    assert is_here(address, answers("127.0.0.1"))  # type: ignore[arg-type]
    assert is_here(address, answers("127.0.0.5", "::1"))  # type: ignore[arg-type]
    assert not is_here(address, answers("192.0.2.7"))  # type: ignore[arg-type]
    assert not is_here(address, answers("127.0.0.1", "192.0.2.7"))  # type: ignore[arg-type]


def test_a_host_that_nobody_knows_is_an_error() -> None:
    def nobody(*args: object, **named: object) -> list[object]:
        raise socket.gaierror

    with pytest.raises(UsageError, match="the host 'host' is not known"):
        is_here(address_of("http://host:8000"), nobody)


@pytest.mark.parametrize("task", REFUSED)
def test_tasks_that_no_server_can_do_are_refused_with_the_reason(task: str) -> None:
    with pytest.raises(RefusedError, match=f"cannot run {task}"):
        open_endpoint(task, EndpointAsked(url="http://127.0.0.1:9"), pins(task))


def test_a_batch_is_the_servers_matter() -> None:
    with pytest.raises(UsageError, match="use --concurrency"):
        open_endpoint("reasoning", EndpointAsked(url="http://127.0.0.1:9"), pins("reasoning", batch_size=4))


def test_where_nothing_answers_it_says_so() -> None:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{held.getsockname()[1]}"
        with pytest.raises(EvidenceError, match="refuses connections; is a server with OpenAI's API"):
            open_endpoint("reasoning", EndpointAsked(url=url), pins("reasoning"))


def test_the_only_model_need_not_be_named() -> None:
    with answering(Behaviour()) as url, opened(url) as answerer:
        assert answerer.facts.id == "tiny"
        assert answerer.facts.served_by == "vLLM 0.32.0"
        assert answerer.facts.sha256 is None


def test_of_several_models_one_must_be_named() -> None:
    """The error tells which there are; one that is not there is told as well."""
    with answering(Behaviour(models=("a", "b"))) as url:
        with pytest.raises(UsageError, match="serves a, b: say which"), opened(url):
            pass
        with pytest.raises(UsageError, match="does not serve 'c'; it serves a, b"), opened(url, model="c"):
            pass
        with opened(url, model="b") as answerer:
            assert answerer.facts.id == "b"


def test_a_path_of_somebodys_machine_is_not_recorded() -> None:
    """The server is asked with all of it; what is kept is its last part."""
    assert Served(model="/home/somebody/models/llama-3").shown == "llama-3"
    assert Served(model="C:\\models\\llama-3").shown == "llama-3"
    assert Served(model="meta-llama/Llama-3.1-8B").shown == "meta-llama/Llama-3.1-8B"


def test_a_wrong_key_is_told_without_the_servers_words() -> None:
    with (
        answering(Behaviour(key="right")) as url,
        pytest.raises(EvidenceError, match="status 401, authentication_error") as refused,
        opened(url, environ={"OPENAI_API_KEY": "wrong"}),
    ):
        pass
    assert SECRET not in str(refused.value)
    assert "wrong" not in str(refused.value)


def test_a_key_never_travels_in_the_clear_to_another_machine() -> None:
    """192.0.2.7 is nobody's: the refusal comes before anything is sent."""
    asked = EndpointAsked(url="http://192.0.2.7:8000", key_variable="K", environ={"K": "sk-1"})
    with pytest.raises(UsageError, match="would travel unencrypted"):
        open_endpoint("reasoning", asked, pins("reasoning"))


def test_a_key_that_was_asked_for_must_be_there() -> None:
    asked = EndpointAsked(url="http://127.0.0.1:9", key_variable="NOT_THERE", environ={})
    with pytest.raises(UsageError, match="--api-key-env NOT_THERE: the variable is not set"):
        open_endpoint("reasoning", asked, pins("reasoning"))


def test_completions_take_no_pictures() -> None:
    with (
        answering(Behaviour()) as url,
        pytest.raises(UsageError, match="takes no pictures"),
        opened(url, "image_captioning", api="completions"),
    ):
        pass
