"""Sound to text (audio transcriptions) and text to pictures (image generations)."""

from __future__ import annotations

import base64
import binascii
import io
import secrets
import struct
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from wattmark.bench.asking import Answer, Query
from wattmark.bench.endpoint.answering import counted
from wattmark.bench.endpoint.http import Client, Failed
from wattmark.bench.endpoint.text import text_in
from wattmark.core.bench.pinned import Pinned
from wattmark.core.errors import MissingExtra


@dataclass(frozen=True, slots=True, kw_only=True)
class TranscriptionWay:
    """How a model that writes down what is said is asked: ``POST /audio/transcriptions`` with a WAV file."""

    model: str

    def pinned(self, pinned: Pinned) -> Pinned:
        """The number of output tokens is the server's matter."""
        most = pinned.max_output_tokens
        return replace(
            pinned,
            options={**pinned.options, "api": "audio transcriptions"},
            output_tokens=None,
            max_output_tokens=most,
        )

    def prepare(self, query: Query) -> tuple[bytes, str, float]:
        """The form, what parts it, and the seconds of sound in it."""
        rate = query.inputs.get("sampling_rate")
        samples = query.inputs.get("audio")
        if not isinstance(rate, int) or samples is None:
            raise Failed("the query has no audio")
        boundary = f"wattmark-{secrets.token_hex(12)}"
        fields = {"model": self.model, "response_format": "json", "temperature": "0"}
        return _form(fields, wav(samples, rate), boundary), boundary, len(samples) / rate

    def ask(self, client: Client, prepared: Any, output_tokens: int | None) -> Answer:
        """What was said, as text."""
        data, boundary, seconds = prepared
        said = client.upload("/audio/transcriptions", data, boundary)
        if not isinstance(said, dict) or not isinstance(said.get("text"), str):
            raise Failed("answered without a text")
        return counted(Answer(output=said["text"], audio_seconds=seconds), said)


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureWay:
    """How a model that draws is asked: ``POST /images/generations``, pictures in base64."""

    model: str
    pins: Pinned

    def pinned(self, pinned: Pinned) -> Pinned:
        """Steps are not in the API: the server's own are used."""
        kept = {
            key: value for key, value in pinned.options.items() if key not in ("steps", "inference_steps")
        }
        return replace(pinned, options={**kept, "api": "image generations", "steps": "the server's own"})

    def prepare(self, query: Query) -> dict[str, Any]:
        """The request."""
        size = self.pins.options
        wanted = {"size": f"{size['width']}x{size['height']}"} if {"width", "height"} <= size.keys() else {}
        prompt = text_in(query.inputs, "prompt", "text")
        return {"model": self.model, "prompt": prompt, "n": 1, "response_format": "b64_json", **wanted}

    def ask(self, client: Client, prepared: Any, output_tokens: int | None) -> Answer:
        """One picture."""
        said = client.post("/images/generations", prepared)
        data = said.get("data") if isinstance(said, dict) else None
        rows = data if isinstance(data, list) else []
        if len(rows) != 1 or not isinstance(rows[0], dict) or not isinstance(rows[0].get("b64_json"), str):
            raise Failed(f"answered with {len(rows)} pictures in base64 where 1 was asked for")
        return counted(Answer(output=_picture(rows[0]["b64_json"]), images=1), said)


def wav(samples: Sequence[float], rate: int) -> bytes:
    """Sound as 16-bit PCM in a WAV file, which every server reads. One sample lies between -1 and 1.

    RIFF/WAVE: Microsoft and IBM, Multimedia Programming Interface and Data Specifications 1.0, 1991.
    """
    pcm = b"".join(struct.pack("<h", max(-32768, min(32767, round(float(x) * 32767)))) for x in samples)
    head = struct.pack(
        "<4sI4s4sIHHIIHH4sI",
        *(b"RIFF", 36 + len(pcm), b"WAVE", b"fmt ", 16, 1, 1, rate, rate * 2, 2, 16, b"data", len(pcm)),
    )
    return head + pcm


def _form(fields: dict[str, str], file: bytes, boundary: str) -> bytes:
    """A form with one file (RFC 7578)."""
    parts = [
        f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
        for name, value in fields.items()
    ]
    head = (
        f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="query.wav"\r\n'
        "Content-Type: audio/wav\r\n\r\n"
    )
    return b"".join([*parts, head.encode(), file, f"\r\n--{boundary}--\r\n".encode()])


def _picture(text: str) -> Any:
    try:
        from PIL import Image, UnidentifiedImageError
    except ImportError:
        raise MissingExtra("pictures", "bench") from None
    try:
        picture = Image.open(io.BytesIO(base64.b64decode(text, validate=True)))
        picture.load()
    except (binascii.Error, UnidentifiedImageError, OSError):
        raise Failed("answered with what is no picture") from None
    return picture
