"""Made-up speech: the same everywhere, as long as it says, never too loud."""

from __future__ import annotations

import hashlib
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wattmark.bench.synthetic.dice import Dice
from wattmark.bench.synthetic.sounds import (
    SAMPLING_RATE,
    SYLLABLES,
    Utterance,
    _sine,
    float_samples,
    little_endian,
    utterance,
)


def test_the_same_count_and_seed_sound_the_same_everywhere() -> None:
    """The hash of 5 utterances is written down here."""
    digest = hashlib.sha256()
    for said in utterances(5, 7):
        digest.update(said.transcript.encode() + little_endian(said.samples))
    assert digest.hexdigest() == "b163351eee161dd5ec3f105be97064ed8e0ec7acebfbc3ad143bcf75e1432578"


def test_two_words_last_as_long_as_their_syllables_and_pauses() -> None:
    """3 syllables of 180 ms and 2 pauses of 100 ms: 0.74 s."""
    said = Utterance(("bado", "ki"))
    assert said.transcript == "bado ki"
    assert said.seconds == pytest.approx(0.74)
    assert len(said.samples) == said.seconds * SAMPLING_RATE


@given(seed=st.integers(0, 1000))
def test_words_are_made_of_known_syllables(seed: int) -> None:
    """3 to 6 words of 1 to 3 syllables."""
    said = utterances(1, seed)[0]
    assert 3 <= len(said.words) <= 6
    for word in said.words:
        parts = [word[at : at + 2] for at in range(0, len(word), 2)]
        assert 1 <= len(parts) <= 3
        assert set(parts) <= set(SYLLABLES)


def test_different_words_sound_different() -> None:
    """No two syllables have the same samples."""
    sounds = {little_endian(Utterance((syllable,)).samples) for syllable in SYLLABLES}
    assert len(sounds) == len(SYLLABLES) == 20


def test_the_table_is_a_sine_within_two_thousandths() -> None:
    """Bhaskara's approximation, over one whole turn."""
    table = _sine()
    assert max(abs(v / 9000 - math.sin(2 * math.pi * i / len(table))) for i, v in enumerate(table)) < 0.002


def test_numbers_stay_between_minus_one_and_one() -> None:
    """float32, and exactly the 16-bit samples / 32768."""
    np = pytest.importorskip("numpy")
    said = utterances(1, 0)[0]
    sound = float_samples(said)
    assert sound.dtype == np.float32
    assert (sound * 32768).astype(int).tolist() == said.samples.tolist()
    assert abs(sound).max() < 0.3


def utterances(count: int, seed: int) -> list[Utterance]:
    """So many utterances, each of a name of its own."""
    return [utterance(Dice(f"test/{seed}/{place}")) for place in range(count)]
