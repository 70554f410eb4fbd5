"""Embeddings, sound and pictures over HTTP."""

from __future__ import annotations

import io
import math
import wave

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.bench.endpoint.asking import a_query, opened
from tests.fakes.openai_server import Behaviour, answering
from wattmark.bench.asking import Answer
from wattmark.bench.endpoint.embeddings import cosine
from wattmark.bench.endpoint.http import Failed
from wattmark.bench.endpoint.media import wav

PAIR = {"first": "abc", "second": "abcd"}
SOUND = {"audio": [0.0, 0.5, -0.5, 1.0], "sampling_rate": 8000}


def once(behaviour: Behaviour, task: str, inputs: dict[str, object], **more: object) -> Answer:
    with answering(behaviour) as url, opened(url, task, **more) as answerer:
        batch = [a_query(0, **inputs)]
        (said,) = answerer.answer(batch, answerer.prepare(batch))
    return said


def test_two_sentences_become_the_cosine_of_their_embeddings() -> None:
    """The fake embeds a text of n letters as (1, n, 0): the cosine of (1, 3) and (1, 4) is 13 / sqrt(170)."""
    behaviour = Behaviour()
    said = once(behaviour, "sentence_similarity", PAIR)
    assert said.output == pytest.approx(13 / math.sqrt(170))
    assert (said.input_tokens, said.output_tokens) == (5, None)
    (body,) = behaviour.bodies("/v1/embeddings")
    assert body["input"] == ["abc", "abcd"]


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        ("fewer", "answered with 1 embeddings where 2 were asked for"),
        ("unlike", "answered with embeddings of unlike length"),
        ("empty", "an embedding has no length"),
        ("words", "answered with an embedding that is no list of numbers"),
        ("500", "status 500, internal_error"),
    ],
)
def test_embeddings_that_cannot_be_compared_fail(wrong: str, reason: str) -> None:
    """Nothing is made up for one that is missing."""
    assert once(Behaviour(fail=wrong), "sentence_similarity", PAIR).failed == reason


@given(st.lists(st.floats(-1e6, 1e6, allow_subnormal=False), min_size=1, max_size=8))
@example([1.3389356853310147e-161, 1.3389356853310147e-161])
def test_a_cosine_lies_between_minus_one_and_one(vector: list[float]) -> None:
    """A vector and itself have 1, a vector and its opposite -1; one without length has none."""
    try:
        same = cosine(vector, vector)
    except Failed:
        assert not any(vector)
        return
    assert same == pytest.approx(1.0)
    assert cosine(vector, [-x for x in vector]) == pytest.approx(-1.0)


def test_sound_is_sent_as_a_wav_file() -> None:
    """Four samples at 8 kHz last 0.5 ms; the text is what the server wrote down."""
    behaviour = Behaviour()
    said = once(behaviour, "speech_recognition", SOUND)
    assert said.output == "what was said"
    assert said.audio_seconds == 4 / 8000
    (form,) = behaviour.bodies("/v1/audio/transcriptions")
    assert b'name="model"\r\n\r\ntiny\r\n' in form
    assert b'filename="query.wav"' in form
    assert wav([0.0, 0.5, -0.5, 1.0], 8000) in form


def test_a_wav_file_can_be_read_by_others() -> None:
    """Python's own reader finds one channel of 16 bits; 1.0 is the largest number, beyond it is cut off."""
    with wave.open(io.BytesIO(wav([0.0, 1.0, -2.0], 16000))) as file:
        assert (file.getnchannels(), file.getsampwidth(), file.getframerate()) == (1, 2, 16000)
        assert file.readframes(3) == b"\x00\x00\xff\x7f\x00\x80"


def test_a_transcription_without_a_text_fails() -> None:
    assert once(Behaviour(fail="empty"), "speech_recognition", SOUND).failed == "answered without a text"


def test_a_picture_comes_back_as_one() -> None:
    """Of the size that is pinned; the server's own number of steps is told as such."""
    pytest.importorskip("PIL", reason="pictures need pillow")
    behaviour = Behaviour()
    options = {"width": "16", "height": "12", "steps": "4"}
    with answering(behaviour) as url, opened(url, "image_generation", options=options) as answerer:
        assert answerer.pinned.options["steps"] == "the server's own"
        batch = [a_query(0, prompt="a red square")]
        (said,) = answerer.answer(batch, answerer.prepare(batch))
    assert said.images == 1
    assert said.output.size == (16, 12)
    (body,) = behaviour.bodies("/v1/images/generations")
    assert (body["size"], body["n"], body["response_format"]) == ("16x12", 1, "b64_json")


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        ("fewer", "answered with 0 pictures in base64 where 1 was asked for"),
        ("broken", "answered with what is no picture"),
    ],
)
def test_pictures_that_are_none_fail(wrong: str, reason: str) -> None:
    pytest.importorskip("PIL", reason="pictures need pillow")
    assert once(Behaviour(fail=wrong), "image_generation", {"prompt": "x"}).failed == reason
