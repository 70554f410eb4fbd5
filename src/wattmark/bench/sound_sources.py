"""Queries of published datasets of speech: sound as numbers, at the rate that it was recorded with."""

from __future__ import annotations

import io
import wave
from collections.abc import Sequence
from typing import Any

from wattmark.bench.asking import Query, QuerySet
from wattmark.bench.media_rows import bytes_in, media_rows, nothing_in
from wattmark.bench.published import published_set
from wattmark.bench.published_table import Chosen
from wattmark.bench.text_rows import text_or_none
from wattmark.core.errors import MissingExtra, UsageError


def sounds_of(task: str, names: Sequence[str], count: int, seed: int) -> QuerySet:
    """So many queries of the datasets named; raises UsageError naming what is missing."""
    return published_set(task, names, count, seed, spoken, ready=media_rows)


def spoken(index: int, chosen: Chosen) -> Query:
    """Sound and what is said, where that is known."""
    samples, rate = decoded(_bytes_in(chosen), chosen.part)
    return Query(
        index=index,
        inputs={"audio": samples, "sampling_rate": rate},
        reference=text_or_none(chosen, "text"),
        part=chosen.part,
    )


def decoded(data: bytes, part: str) -> tuple[Any, int]:
    """Samples as float32 from -1 to 1, one channel (the mean of all), and how many there are in a second.

    Brought to 16 bits first, so that decoders that differ in the last digit give the same sound. 16-bit WAV
    is read by the standard library; FLAC, MP3, Ogg and other WAV need soundfile.
    """
    np = _numpy()
    found = _plain_wav(data)
    if found is not None:
        samples, rate = found
    else:
        samples, rate = _by_soundfile(data, part)
    mono = samples if samples.ndim == 1 else samples.astype(np.float64).mean(axis=1)
    whole = np.clip(np.rint(mono), -32768, 32767)
    return (whole / 32768).astype(np.float32), rate


def resampled(samples: Any, rate: int, wanted: int) -> Any:
    """Sound at another rate: its Fourier transform cut off or filled up, as scipy.signal.resample does it."""
    np = _numpy()
    sound = np.asarray(samples, dtype=np.float32)
    if rate == wanted or not len(sound):
        return sound
    many = max(1, round(len(sound) * wanted / rate))
    waves = np.fft.rfft(sound.astype(np.float64))
    kept = np.zeros(many // 2 + 1, dtype=waves.dtype)
    shared = min(len(waves), len(kept))
    kept[:shared] = waves[:shared]
    if min(len(sound), many) % 2 == 0:  # the highest frequency stands for both of its signs
        kept[shared - 1] *= 0.5 if many > len(sound) else 2.0
    return (np.fft.irfft(kept, many) * (many / len(sound))).astype(np.float32)


def _plain_wav(data: bytes) -> tuple[Any, int] | None:
    """16-bit samples of a WAV file, one column for each channel; None where it is anything else."""
    np = _numpy()
    try:
        with wave.open(io.BytesIO(data)) as file:
            if file.getsampwidth() != 2:
                return None
            samples = np.frombuffer(file.readframes(file.getnframes()), dtype="<i2")
            channels, rate = file.getnchannels(), file.getframerate()
    except (wave.Error, EOFError):
        return None
    return (samples if channels == 1 else samples.reshape(-1, channels)), rate


def _by_soundfile(data: bytes, part: str) -> tuple[Any, int]:
    try:
        import soundfile
    except ImportError:
        raise MissingExtra("sound other than 16-bit WAV", "bench") from None
    try:
        samples, rate = soundfile.read(io.BytesIO(data), dtype="float64")
    except soundfile.SoundFileError as error:
        raise UsageError(f"--dataset {part}: a sound cannot be read: {error}") from None
    return samples * 32768, int(rate)


def _bytes_in(chosen: Chosen) -> bytes:
    """What a row holds of a sound: its bytes, or the file that they are in."""
    value = chosen.values.get("audio")
    data = bytes_in(value)
    if data is None:
        raise UsageError(f"--dataset {chosen.part}: {nothing_in(value, 'audio', 'sound')}")
    return data


def _numpy() -> Any:
    try:
        import numpy
    except ImportError:
        raise MissingExtra("sounds", "bench") from None
    return numpy
