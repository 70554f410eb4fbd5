"""Text from a server: what is sent, what is counted, and what each misbehaviour becomes."""

from __future__ import annotations

import json

import pytest

from tests.bench.endpoint.asking import a_query, opened
from tests.fakes.openai_server import SECRET, Behaviour, answering
from wattmark.bench.asking import Answer
from wattmark.bench.endpoint.answering import EndpointAnswerer, counted


def ask(answerer: EndpointAnswerer, count: int = 1, output_tokens: int | None = None) -> list[Answer]:
    batch = [a_query(index) for index in range(count)]
    return answerer.answer(batch, answerer.prepare(batch), output_tokens=output_tokens)


@pytest.mark.parametrize("api", ["completions", "chat"])
@pytest.mark.parametrize("streamed", [True, False])
def test_a_text_comes_back_with_its_tokens(api: str, streamed: bool) -> None:
    """Four pinned tokens are four words; input and output are what the server counted."""
    with answering(Behaviour()) as url, opened(url, api=api, streamed=streamed) as answerer:
        (said,) = ask(answerer)
    assert said.failed == ""
    assert said.output == "w0 w1 w2 w3 "
    assert (said.input_tokens, said.output_tokens, said.cached_input_tokens) == (9, 4, None)
    assert (said.first_output_seconds is not None) == streamed


def test_everything_is_pinned_that_can_be() -> None:
    """Greedy, seeded, so many tokens and not one less, a prompt cut at 512, and nothing from the cache."""
    behaviour = Behaviour()
    with answering(behaviour) as url, opened(url) as answerer:
        ask(answerer, 2)
        assert answerer.pinned.output_tokens == 4
        assert answerer.pinned.max_input_tokens == 512
        assert answerer.pinned.options["cache"] == "not used"
    first, second = behaviour.bodies("/v1/completions")
    assert first["temperature"] == 0
    assert first["seed"] == 7
    assert (first["max_tokens"], first["min_tokens"], first["ignore_eos"]) == (4, 4, True)
    assert (first["truncate_prompt_tokens"], first["truncation_side"]) == (512, "right")
    assert first["cache_salt"] != second["cache_salt"]


def test_llama_cpp_is_told_in_its_own_words() -> None:
    """It has no least number and cuts no prompt off, so the pin says nothing of a limit of input."""
    behaviour = Behaviour(owned_by="llamacpp")
    with answering(behaviour) as url, opened(url) as answerer:
        ask(answerer)
        assert answerer.facts.served_by == "llama.cpp b7000-abc"
        assert answerer.pinned.max_input_tokens is None
        assert answerer.pinned.output_tokens == 4
    (body,) = behaviour.bodies("/v1/completions")
    assert body["ignore_eos"] is True
    assert body["cache_prompt"] is False
    assert not {"min_tokens", "truncate_prompt_tokens", "cache_salt"} & body.keys()


def test_a_server_that_is_not_known_is_asked_for_nothing_special() -> None:
    """Then the number of output tokens is not fixed: the pin says at most, and the counts are what came."""
    behaviour = Behaviour(owned_by="somebody", tokens=3)
    with answering(behaviour) as url, opened(url) as answerer:
        (said,) = ask(answerer)
        assert (answerer.pinned.output_tokens, answerer.pinned.max_output_tokens) == (None, 4)
        assert answerer.pinned.options["cache"] == "as the server does it"
        assert answerer.facts.served_by == ""
    (body,) = behaviour.bodies("/v1/completions")
    assert set(body) == {
        "model", "prompt", "temperature", "seed", "max_tokens", "stream", "stream_options"
    }  # fmt: skip
    assert body["max_tokens"] == 4
    assert said.output_tokens == 3


def test_one_token_is_asked_for_where_only_the_input_counts() -> None:
    """The prefill pass overrides the pinned number."""
    with answering(Behaviour()) as url, opened(url) as answerer:
        (said,) = ask(answerer, output_tokens=1)
    assert said.output_tokens == 1


def test_counts_are_never_guessed() -> None:
    """Without usage there are none, however many pieces came."""
    with answering(Behaviour(usage=False)) as url, opened(url) as answerer:
        (said,) = ask(answerer)
    assert said.failed == ""
    assert (said.input_tokens, said.output_tokens) == (None, None)


def test_counts_that_cannot_be_are_no_counts() -> None:
    """Kept, they would make the whole bundle one that nobody can read."""
    usage = {"usage": {"prompt_tokens": 10**30, "completion_tokens": -1}}
    said = counted(Answer(output="a"), usage)
    assert (said.input_tokens, said.output_tokens) == (None, None)


def test_tokens_from_a_cache_are_told() -> None:
    """Five of nine were there from before."""
    with answering(Behaviour(cached=5)) as url, opened(url) as answerer:
        (said,) = ask(answerer)
    assert (said.input_tokens, said.cached_input_tokens) == (9, 5)


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        ("500", "status 500, internal_error"),
        ("429", "status 429, rate_limited, asks to wait 7 s"),
        ("cut", "its stream ended before the answer did"),
        ("ends early", "its stream ended before the answer did"),
        ("half", "answered with application/json where a stream was asked for"),
        ("html", "answered with text/html where a stream was asked for"),
        ("no json", "answered with application/json where a stream was asked for"),
        ("error in stream", "answered with an error: engine_dead"),
        ("slow", "no whole answer within 1 s"),
        ("drip", "no whole answer within 1 s"),
    ],
)
def test_what_goes_wrong_is_a_failed_query_and_is_not_asked_again(wrong: str, reason: str) -> None:
    """One request each, one reason each, and no word of the prompt in it; the next query goes well."""
    behaviour = Behaviour(fail=wrong, failing=1)
    with answering(behaviour) as url, opened(url, timeout_seconds=1.0) as answerer:
        if wrong not in ("slow", "drip"):
            answerer._client.timeout_seconds = 60.0
        (failed,) = ask(answerer)
        answerer._client.timeout_seconds = 60.0  # what goes well may take its time on a busy machine
        (well,) = ask(answerer)
    assert failed.failed == reason
    assert failed.output is None
    assert well.failed == ""
    assert len(behaviour.asked) == 2
    assert SECRET not in failed.failed


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        ("half", "broke off its answer"),
        ("html", "answered with what is no JSON"),
        ("no json", "answered with what is no JSON"),
        ("no choices", "answered without any choice"),
    ],
)
def test_what_goes_wrong_without_a_stream(wrong: str, reason: str) -> None:
    """The same for answers that come whole."""
    with answering(Behaviour(fail=wrong)) as url, opened(url, streamed=False) as answerer:
        (failed,) = ask(answerer)
    assert failed.failed == reason


def test_a_connection_is_kept() -> None:
    """Ten queries go over one connection, streamed or not."""
    behaviour = Behaviour()
    with answering(behaviour) as url, opened(url) as answerer:
        assert all(not said.failed for said in ask(answerer, 10))
    assert behaviour.connections == 1


def test_a_server_that_closes_after_streams_gets_a_connection_for_each() -> None:
    """llama.cpp does so without saying it: a request over the old one would be lost."""
    behaviour = Behaviour(owned_by="llamacpp")
    with answering(behaviour) as url, opened(url) as answerer:
        assert all(not said.failed for said in ask(answerer, 5))
    assert behaviour.connections == 5


def test_the_key_comes_from_the_environment_and_stays_hidden() -> None:
    """The server gets it; what is recorded and shown does not hold it."""
    behaviour = Behaviour(key="sk-very-secret")
    with (
        answering(behaviour) as url,
        opened(url, environ={"MY_KEY": "sk-very-secret"}, key_variable="MY_KEY") as answerer,
    ):
        ask(answerer)
        seen = repr((answerer.facts, answerer.pinned, answerer))
    assert behaviour.headers[0]["Authorization"] == "Bearer sk-very-secret"
    assert "sk-very-secret" not in seen + json.dumps(behaviour.asked)


def test_a_query_without_what_is_asked_for_fails_by_itself() -> None:
    """Nothing is sent for it."""
    behaviour = Behaviour()
    with answering(behaviour) as url, opened(url) as answerer:
        batch = [a_query(0, label=3), a_query(1)]
        one, other = answerer.answer(batch, answerer.prepare(batch))
    assert one.failed == "the query has no text or prompt"
    assert other.failed == ""
    assert len(behaviour.asked) == 1


@pytest.mark.parametrize(
    ("task", "inputs", "held"),
    [
        ("summarization", {"text": "a long text"}, "a long text"),
        ("question_answering", {"question": "who?", "context": "it was me"}, "who?"),
        ("reasoning", {"question": "why?"}, "why?"),
    ],
)
def test_other_tasks_are_asked_in_a_chat(task: str, inputs: dict[str, str], held: str) -> None:
    """The message holds what the query brings; which words go with it is pinned by a version."""
    behaviour = Behaviour()
    with answering(behaviour) as url, opened(url, task, max_output_tokens=16) as answerer:
        batch = [a_query(0, **inputs)]
        (said,) = answerer.answer(batch, answerer.prepare(batch))
        assert answerer.pinned.options["prompt"] == f"{task} 1"
    assert said.failed == ""
    (body,) = behaviour.bodies("/v1/chat/completions")
    assert held in body["messages"][0]["content"]
    assert body["max_tokens"] == 16
    assert "ignore_eos" not in body


def test_a_picture_is_sent_as_png_in_the_message() -> None:
    """Captioning is a chat with a picture in it."""
    image = pytest.importorskip("PIL.Image", reason="pictures need pillow").new("RGB", (4, 4), "red")
    behaviour = Behaviour()
    with answering(behaviour) as url, opened(url, "image_captioning", output_tokens=3) as answerer:
        batch = [a_query(0, image=image)]
        (said,) = answerer.answer(batch, answerer.prepare(batch))
    assert said.output == "w0 w1 w2 "
    (body,) = behaviour.bodies("/v1/chat/completions")
    picture, text = body["messages"][0]["content"]
    assert picture["image_url"]["url"].startswith("data:image/png;base64,iVBOR")
    assert text["type"] == "text"
