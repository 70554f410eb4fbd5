"""Made-up speech: syllables of two tones each, sounded by whole numbers, and the words that they spell.

Every consonant and every vowel has a frequency; a syllable sounds both one after the other, a pause ends a
word. Samples are 16-bit, 16,000 a second, from a table of a sine that whole numbers alone make.
"""

from __future__ import annotations

from array import array
from dataclasses import dataclass
from functools import cache
from itertools import product
from sys import byteorder
from typing import Any

from wattmark.bench.synthetic.dice import Dice
from wattmark.core.errors import MissingExtra

VERSION = "sounds-1"
"""Raised when anything here changes a sample or a word."""

SAMPLING_RATE = 16_000
"""Samples a second, which Whisper and Wav2Vec2 expect."""

CONSONANTS = {"b": 260, "d": 330, "k": 410, "m": 520, "s": 640}
VOWELS = {"a": 800, "e": 1010, "i": 1270, "o": 1600}
"""Hertz."""
SYLLABLES = tuple(c + v for c, v in product(CONSONANTS, VOWELS))

_CONSONANT = SAMPLING_RATE * 60 // 1000
_VOWEL = SAMPLING_RATE * 120 // 1000
_PAUSE = SAMPLING_RATE * 100 // 1000
_LOUDNESS = 9000
_TURN = 4096
"""Steps of the sine's table."""


@dataclass(frozen=True, slots=True)
class Utterance:
    """What is said."""

    words: tuple[str, ...]

    @property
    def transcript(self) -> str:
        """The words, e.g. ``bado ki mesa``."""
        return " ".join(self.words)

    @property
    def samples(self) -> array[int]:
        """16-bit samples."""
        sound = array("h")
        for word in self.words:
            for start in range(0, len(word), 2):
                sound.extend(_syllable(word[start : start + 2]))
            sound.extend(_silence(_PAUSE))
        return sound

    @property
    def seconds(self) -> float:
        """How long it is."""
        spoken = sum(len(word) // 2 for word in self.words) * (_CONSONANT + _VOWEL)
        return (spoken + len(self.words) * _PAUSE) / SAMPLING_RATE


def utterance(dice: Dice) -> Utterance:
    """Three to six words of one to three syllables."""
    return Utterance(
        tuple(
            "".join(dice.one_of(SYLLABLES) for _ in range(dice.between(1, 3)))
            for _ in range(dice.between(3, 6))
        )
    )


def float_samples(said: Utterance) -> Any:
    """The sound as a numpy array of float32 from -1 to 1. Raises MissingExtra where numpy is absent."""
    try:
        import numpy as np
    except ImportError:
        raise MissingExtra("sounds", "bench") from None
    return np.frombuffer(little_endian(said.samples), dtype="<i2").astype(np.float32) / np.float32(32768)


def little_endian(samples: array[int]) -> bytes:
    """16-bit samples as bytes, the same on every machine; what a WAV file holds."""
    if byteorder == "big":
        samples = array("h", samples)
        samples.byteswap()
    return samples.tobytes()


@cache
def _syllable(text: str) -> array[int]:
    return _tone(CONSONANTS[text[0]], _CONSONANT) + _tone(VOWELS[text[1]], _VOWEL)


@cache
def _silence(length: int) -> array[int]:
    return array("h", bytes(2 * length))


def _tone(hertz: int, length: int) -> array[int]:
    """A tone that swells and fades over an eighth of its length, so that it does not click."""
    fade = length // 8
    sine = _sine()
    return array(
        "h",
        (
            sine[at * hertz * _TURN // SAMPLING_RATE % _TURN] * min(at, length - at, fade) // fade
            for at in range(length)
        ),
    )


@cache
def _sine() -> tuple[int, ...]:
    """One turn of a sine by Bhaskara's approximation, in whole numbers.

    sin(x) = 16 x (pi - x) / (5 pi^2 - 4 x (pi - x)) for 0 <= x <= pi: Bhaskara I, Mahabhaskariya, 7th century
    (R. C. Gupta, Bhaskara I's approximation to sine, Indian Journal of History of Science 2, 1967). It is
    within 0.2 % of full scale.
    """
    half = _TURN // 2
    rising = []
    for at in range(half):
        product_ = at * (half - at)
        rising.append(_LOUDNESS * 16 * product_ // (5 * half * half - 4 * product_))
    return (*rising, *(-value for value in rising))
