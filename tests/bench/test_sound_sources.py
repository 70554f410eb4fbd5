"""Sound of published datasets: decoded to the same numbers everywhere, brought to another rate."""

from __future__ import annotations

import io
import math
import wave
from array import array
from typing import Any

import pytest

from wattmark.bench.sound_sources import decoded, resampled
from wattmark.core.errors import UsageError

np = pytest.importorskip("numpy")


def wav(samples: list[int], rate: int = 16000, channels: int = 1) -> bytes:
    file = io.BytesIO()
    with wave.open(file, "wb") as writer:
        writer.setnchannels(channels)
        writer.setsampwidth(2)
        writer.setframerate(rate)
        writer.writeframes(array("h", samples).tobytes())
    return file.getvalue()


def test_sixteen_bits_are_numbers_from_minus_one_to_one() -> None:
    """-32768 is -1, 16384 is a half."""
    samples, rate = decoded(wav([0, 16384, -32768]), "part")
    assert (samples.tolist(), rate, samples.dtype) == ([0.0, 0.5, -1.0], 16000, np.float32)


def test_two_channels_become_their_mean() -> None:
    """16384 and 0 are 8192: a quarter."""
    samples, _ = decoded(wav([16384, 0, 0, 0], channels=2), "part")
    assert samples.tolist() == [0.25, 0.0]


def test_flac_gives_the_same_as_wav() -> None:
    """A lossless file of the same samples."""
    soundfile = pytest.importorskip("soundfile")
    said = [0, 1, -1, 20000, -20000, 32767, -32768] * 50
    file = io.BytesIO()
    soundfile.write(file, np.array(said, dtype=np.int16), 22050, format="FLAC", subtype="PCM_16")
    flac, rate = decoded(file.getvalue(), "part")
    assert rate == 22050
    assert flac.tolist() == decoded(wav(said), "part")[0].tolist()


def test_what_is_no_sound_is_told_with_its_dataset() -> None:
    """Text is no sound."""
    pytest.importorskip("soundfile")
    with pytest.raises(UsageError, match="--dataset librispeech"):
        decoded(b"no sound at all", "librispeech")


@pytest.mark.parametrize(("before", "after"), [(8000, 16000), (48000, 16000), (44100, 16000), (16000, 11025)])
def test_a_tone_is_the_same_tone_at_another_rate(before: int, after: int) -> None:
    """A whole second of 100 Hz."""
    tone = np.array([math.sin(2 * math.pi * 100 * n / before) for n in range(before)], dtype=np.float32)
    wanted = np.array([math.sin(2 * math.pi * 100 * n / after) for n in range(after)])
    assert np.abs(resampled(tone, before, after) - wanted).max() < 1e-5


@pytest.mark.parametrize(("length", "before", "after"), [(100, 2, 1), (101, 2, 1), (100, 2, 3), (101, 4, 7)])
def test_resampling_is_that_of_scipy(length: int, before: int, after: int) -> None:
    """Noise of even and odd lengths, up and down."""
    signal: Any = pytest.importorskip("scipy.signal")
    noise = np.random.default_rng(0).standard_normal(length).astype(np.float32)
    ours = resampled(noise, before, after)
    assert np.abs(ours - signal.resample(noise.astype(np.float64), len(ours))).max() < 1e-6


def test_the_same_rate_and_silence_are_left_alone() -> None:
    """Nothing to do."""
    sound = np.array([0.1, 0.2], dtype=np.float32)
    assert resampled(sound, 16000, 16000).tolist() == sound.tolist()
    assert len(resampled(np.zeros(0, dtype=np.float32), 8000, 16000)) == 0
